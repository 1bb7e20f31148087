#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the C sources against what CONTRIBUTING.md says of style and clang-format cannot see.

- A member of a struct in a header has a comment of its own.
- What a file exports begins with the name of the file, of its folder, or of the family that its files share.
- A function is at most 60 lines long, from brace to brace.

usage: check_style.py [ROOT [BUILD]]     a checkout and where it was built; this one and build/dev by default.
                                         Exit status 1 when something is against these rules
"""
import pathlib
import re
import subprocess
import sys

PROGRAMS = ("common", "cache", "ingestor", "gateway", "ctl")
FUNCTION_MAX = 60

# Exports of a form that a library or a table of ours asks for.
OTHERS = re.compile(r"main|argp_program_version|x_\w+|wall_\w+|mono_\w+|tile_rules_\w+|tile_\w+_name")


def without_comments(lines):
    """(number, code, whether a comment stands in the line or right before it) of each line with code."""
    inside = before = behind = False  # behind: the comment that goes on began behind code, which it belongs to
    for number, line in enumerate(lines, 1):
        commented = "/*" in line
        if inside:
            inside = "*/" not in line
            line = "" if inside else line[line.index("*/") + 2:]
            commented = not behind
        line = re.sub(r"/\*.*?\*/", "", line)
        if "/*" in line:
            line, inside = line[:line.index("/*")], True
            behind = line.strip() != ""
        if line.strip():
            yield number, line.strip(), commented or before
            before = False
        else:
            before = commented


def bare_members(lines):
    """The line numbers of struct members that have no comment of their own."""
    scopes, commented = [], False
    unfinished = False
    for number, code, has_comment in without_comments(lines):
        commented = has_comment or (unfinished and commented)
        if code.endswith("{"):
            scopes.append(re.match(r"(typedef )?(struct|union)\b[^;(]*\{$", code) is not None)
        elif code.startswith("}"):
            if scopes:
                scopes.pop()
        elif scopes and scopes[-1]:
            unfinished = not code.endswith(";")
            if not unfinished and not commented:
                yield number
            continue
        unfinished = False


def long_functions(lines):
    """(line number, length) of functions that are too long. clang-format puts their braces into the first column."""
    begin = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            begin = number
        elif line == "}" and begin is not None:
            if number - begin + 1 > FUNCTION_MAX:
                yield begin, number - begin + 1
            begin = None


def prefixes(source):
    """What an export of the file may begin with: its folders, its name, and the words that its name begins with."""
    words = source.stem.split("_")
    names = list(source.parts[:-1]) + ["_".join(words[:count]) for count in range(1, len(words) + 1)]
    return tuple(form + "_" for name in names for form in {name, name.removesuffix("s")})


def exports(build, root):
    """(source, symbol) of all that the programs' object files export."""
    for program in PROGRAMS:
        for made in sorted((build / program).rglob("*.c.o")):
            source = pathlib.Path(program, str(made).split(".dir/", 1)[1].removesuffix(".o"))
            if (root / source).is_file():
                listed = subprocess.run(["nm", "-g", "--defined-only", "-j", made], capture_output=True, text=True, check=True)
                yield from ((source, symbol) for symbol in listed.stdout.split())


def faults(root, build):
    """What is against the rules, a line each."""
    for program in (*PROGRAMS, "tests"):
        for path in sorted(path for path in (root / program).rglob("*.[ch]") if "node_modules" not in path.parts):
            name, lines = path.relative_to(root), path.read_text(encoding="utf-8").split("\n")
            yield from (f"{name}:{line}: a function of {length} lines" for line, length in long_functions(lines))
            if path.suffix == ".h" and program != "tests":
                yield from (f"{name}:{line}: a member without a comment of its own" for line in bare_members(lines))
    for source, symbol in exports(build, root):
        stem = source.with_suffix("")
        if not OTHERS.fullmatch(symbol) and not (symbol + "_").startswith(prefixes(stem)):
            yield f"{source}: exports {symbol}, which begins with the name of neither its file nor its folder"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    found = list(faults(root, pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else root / "build/dev"))
    print("\n".join(found) if found else "members, exports and lengths are as they should be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
