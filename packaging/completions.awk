# SPDX-License-Identifier: Apache-2.0
# Makes completions of the lines of describe.sh for `shell`, which is bash, zsh or fish: PROGRAM COMMAND, a tab, a line of --help.

# Remembers an option's line: "  -c, --config=FILE      What it is".
function option(who, text,   names, name, argument, what) {
    sub(/^ +/, "", text)
    names = text
    if (match(text, /  +/)) {
        names = substr(text, 1, RSTART - 1)
        what = substr(text, RSTART + RLENGTH)
    }
    if (!match(names, /--[a-z-]+/)) return
    name = substr(names, RSTART, RLENGTH)
    argument = match(names, /=[A-Z,]+/) ? substr(names, RSTART + 1, RLENGTH - 1) : ""
    count[who]++
    long[who, count[who]] = name
    short[who, count[who]] = names ~ /^-[A-Za-z],/ ? substr(names, 1, 2) : ""
    takes[who, count[who]] = argument
    says[who, count[who]] = what
}

function quoted(text) {
    gsub(/'/, shell == "fish" ? "\\'" : "'\\''", text)
    return "'" text "'"
}

function names_of(who,   i, all) {
    for (i = 1; i <= count[who]; i++) {
        all = all " " long[who, i] (takes[who, i] != "" ? "=" : "")
        if (short[who, i] != "") all = all " " short[who, i]
    }
    return substr(all, 2)
}

function choices(name) {
    if (name == "--from") return "cache ingestor"
    if (name == "--log-level") return "error warn info debug"
    if (name == "--log-format") return "text json"
    if (name == "--alg") return "EdDSA ES256 RS256"
    if (name == "--role") return "ingestor cache gateway reader"
    return ""
}

function bash(   i) {
    print "_tilewire() {"
    print "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=- word options"
    print "    [ \"$prev\" != = ] || prev=${COMP_WORDS[COMP_CWORD-2]}"
    print "    [ \"$cur\" != = ] || { prev=${COMP_WORDS[COMP_CWORD-1]} cur=; }"
    print "    COMPREPLY=()"
    print "    case $prev in"
    print "    --from) COMPREPLY=($(compgen -W '" choices("--from") "' -- \"$cur\")); return ;;"
    print "    --log-level) COMPREPLY=($(compgen -W '" choices("--log-level") "' -- \"$cur\")); return ;;"
    print "    --log-format) COMPREPLY=($(compgen -W '" choices("--log-format") "' -- \"$cur\")); return ;;"
    print "    --alg) COMPREPLY=($(compgen -W '" choices("--alg") "' -- \"$cur\")); return ;;"
    print "    --role) COMPREPLY=($(compgen -W '" choices("--role") "' -- \"$cur\")); return ;;"
    print "    -c | --config | --token-file | --ca-file | --add) compopt -o default; return ;;"
    print "    esac"
    print "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do"
    print "        case $word in"
    for (i = 1; i <= commands; i++) list = list (i > 1 ? " | " : "") command[i]
    print "        " list ") command=$word; break ;;"
    print "        esac"
    print "    done"
    print "    case ${COMP_WORDS[0]##*/}:$command in"
    for (i = 1; i <= people; i++) {
        split(person[i], parts, " ")
        words = names_of(person[i])
        if (person[i] == "tilewire -") words = words " " all_commands
        if (person[i] == "tilewire state") words = words " ls export import drop"
        print "    " parts[1] ":" parts[2] (parts[1] == "tilewire" ? "" : " | " parts[1] ":*") ") options='" words "' ;;"
    }
    print "    *) options= ;;"
    print "    esac"
    print "    case $cur:$command in"
    print "    -*) ;;"
    print "    *:check | *:token | *:keygen | *:state) compopt -o default ;;"
    print "    esac"
    print "    COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))"
    print "    case ${COMPREPLY[0]-} in *=) compopt -o nospace ;; esac"
    print "}"
    print "complete -F _tilewire tilewire tilewire-ingestor tilewire-cache tilewire-gateway"
}

function zsh_options(who,   i, line, what, text) {
    for (i = 1; i <= count[who]; i++) {
        text = says[who, i]
        gsub(/[][]/, "", text)
        gsub(/:/, "\\:", text)
        what = ""
        if (takes[who, i] != "") {
            what = ":" takes[who, i] ":"
            if (choices(long[who, i]) != "") what = what "(" choices(long[who, i]) ")"
            else if (takes[who, i] == "FILE" || takes[who, i] == "CLIENTS") what = what "_files"
        }
        line = line " \\\n            " quoted(long[who, i] (what != "" ? "=" : "") "[" text "]" what)
        if (short[who, i] != "") line = line " \\\n            " quoted(short[who, i] "[" text "]" what)
    }
    return line
}

function zsh(   i) {
    print "#compdef tilewire tilewire-ingestor tilewire-cache tilewire-gateway"
    print "local -a commands"
    print "commands=("
    for (i = 1; i <= commands; i++) {
        text = brief[i]
        gsub(/:/, "\\:", text)
        print "    " quoted(command[i] ":" text)
    }
    print ")"
    print "local command=- word"
    print "if [[ $service == tilewire ]]; then"
    print "    for word in ${words[2,CURRENT-1]}; do"
    print "        if (( ${commands[(I)$word:*]} )); then command=$word; break; fi"
    print "    done"
    print "fi"
    print "case $service:$command in"
    for (i = 1; i <= people; i++) {
        split(person[i], parts, " ")
        print "    " parts[1] ":" parts[2] ")"
        rest = person[i] == "tilewire -" ? " \\\n            '1:command:->command'" : parts[1] == "tilewire" ? " \\\n            '*: :_files'" : ""
        print "        _arguments -S" zsh_options(person[i]) rest
        if (person[i] == "tilewire -") print "        if [[ $state == command ]]; then _describe command commands; fi"
        print "        ;;"
    }
    print "esac"
}

function fish_options(who, program, condition,   i, line) {
    for (i = 1; i <= count[who]; i++) {
        line = "complete -c " program condition " -l " substr(long[who, i], 3)
        if (short[who, i] != "") line = line " -s " substr(short[who, i], 2)
        if (takes[who, i] != "") {
            line = line " -r"
            if (choices(long[who, i]) != "") line = line " -f -a " quoted(choices(long[who, i]))
            else if (takes[who, i] != "FILE" && takes[who, i] != "CLIENTS") line = line " -f"
        }
        print line " -d " quoted(says[who, i])
    }
}

function fish(   i) {
    for (i = 1; i <= people; i++) {
        split(person[i], parts, " ")
        if (parts[1] != "tilewire") {
            print "complete -c " parts[1] " -f"
            fish_options(person[i], parts[1], "")
        } else if (parts[2] == "-") {
            print "complete -c tilewire -n __fish_use_subcommand -f"
            fish_options(person[i], "tilewire", " -n __fish_use_subcommand")
        } else {
            fish_options(person[i], "tilewire", " -n '__fish_seen_subcommand_from " parts[2] "'")
        }
    }
    for (i = 1; i <= commands; i++)
        print "complete -c tilewire -n __fish_use_subcommand -f -a " command[i] " -d " quoted(brief[i])
}

{
    tab = index($0, "\t")
    who = substr($0, 1, tab - 1)
    text = substr($0, tab + 1)
    if (who != last) person[++people] = last = who
}
text ~ /^ +-/ { option(who, text); next }
text == "Commands:" { listed = 1; next }
text !~ /^  / { listed = 0 }
listed && match(text, /^  [a-z-]+/) {
    command[++commands] = substr(text, 3, RLENGTH - 2)
    all_commands = all_commands (commands > 1 ? " " : "") command[commands]
    sub(/^  [^ ]+( [^ ]+)? +/, "", text)
    brief[commands] = text
}

END {
    if (shell == "bash") bash()
    else if (shell == "zsh") zsh()
    else fish()
}
