# SPDX-License-Identifier: Apache-2.0
# Makes a manual page of the lines of describe.sh that `program` says: PROGRAM COMMAND, a tab, a line of --help.
# `section` and `version` are what the page says of itself.

function plain(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    if (text ~ /^[.']/) text = "\\\&" text
    return text
}

# An option's line: "  -c, --config=FILE      What it is".
function option(text,   at, name) {
    sub(/^ +/, "", text)
    at = match(text, /  +/)
    name = at ? substr(text, 1, at - 1) : text
    print ".TP\n.B " plain(name)
    print at ? plain(substr(text, at + RLENGTH)) : "\\&"
}

function begin(command,   usage) {
    sub(/^Usage: /, "", text)
    usage = plain(text)
    if (command == "-") {
        print ".TH " toupper(program) " " section " \"\" \"Tilewire " version "\" \"Tilewire\""
        print ".SH NAME\n" plain(program) " \\- " (program == "tilewire" ? "look at live tiles, and at how they come about" : "a program of Tilewire, live dashboard tiles from an events table")
        print ".SH SYNOPSIS\n.B " usage
        print ".SH DESCRIPTION"
    } else {
        if (!commands++) print ".SH COMMANDS"
        print ".SS " usage
    }
    heading = 0
    common = 0
}

{
    tab = index($0, "\t")
    split(substr($0, 1, tab - 1), who, " ")
    text = substr($0, tab + 1)
}
who[1] != program { next }
text ~ /^Usage: / { begin(who[2]); next }
text ~ /^Mandatory or optional arguments|^for any corresponding short/ { next }
text ~ /^ [A-Z].*:$/ { common = who[2] != "-"; next } # "Common to all commands:" stand above, once
text == "" { literal = 0; if (!common) print ".PP"; next }
common && text ~ /^ +-/ { next }
text ~ /^ +-/ {
    if (who[2] == "-" && !heading++) print ".SH OPTIONS"
    option(text)
    next
}
common && text !~ /^ +-/ { common = 0; print ".PP" }
text == "Commands:" { listed = 1; next }
listed && text ~ /^  / { next } # each has a section of its own
text ~ /^  / { print ".br\n" plain(text); next }
{ listed = 0; print plain(text) }

END {
    print ".SH FILES\n.TP\n.I tilewire.yaml\nThe configuration, in the working folder; or else\n.TP\n.I /etc/tilewire/tilewire.yaml\nthat of the package."
    print ".SH SEE ALSO"
    print program == "tilewire" ? ".BR tilewire\\-ingestor (8),\n.BR tilewire\\-cache (8),\n.BR tilewire\\-gateway (8)" : ".BR tilewire (1)"
    print ".PP\nThe pages in /usr/share/doc/tilewire."
}
