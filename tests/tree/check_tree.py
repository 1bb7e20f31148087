#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the tree against its plan: no circle of files, no arrow against the layers, no file that has grown too long.

A room is a stem: X.c together with X.h. Room A uses room B when a file of A includes B's header, or when A's object file
refers to a symbol, a function or data, that B's object file defines. So calls count even where a declaration was copied.

usage: check_tree.py [ROOT [BUILD]]     BUILD (build/dev) has to be built; both default to this checkout
"""
import pathlib
import re
import subprocess
import sys

LINES_MAX = 500
SPDX = "SPDX-License-Identifier: Apache-2.0"

# What each folder may use, besides itself. A folder's name stands for the folders below it, too; but a program's own name
# stands only for the files that lie right in it. This is the plan of the house, and CONTRIBUTING.md
# shows the same to people.
COMMON = ["common/base", "common/codec", "common/wire", "common/store", "common/replica", "common/config",
          "common/program", "common/push", "common/net"]
LAYERS = {
    "common/base": [],
    "common/codec": ["common/base"],
    "common/wire": ["common/base", "common/codec"],
    "common/store": ["common/base", "common/codec", "common/wire"],
    "common/replica": ["common/base", "common/codec", "common/wire", "common/store"],
    "common/config": ["common/base", "common/codec", "common/wire"],
    "common/program": ["common/base", "common/codec", "common/config"],
    "common/push": ["common/base", "common/codec"],
    "common/net": ["common/base", "common/wire", "common/replica", "common/config", "common/program"],
    "common/jose": ["common/base", "common/codec"],
    "common/postgres": ["common/base", "common/config"],
    "common/state": ["common/base", "common/config", "common/postgres"],
    "common/lease": ["common/base", "common/config", "common/program", "common/postgres"],
    "cache": COMMON,
    "ingestor/source": ["common/base", "common/codec", "common/wire", "common/store", "common/config", "common/program",
                        "common/postgres", "common/state", "common/lease"],
    "ingestor/reader": ["common/base", "common/wire", "common/config", "common/program", "common/state", "common/lease", "ingestor/source"],
    "ingestor/push": ["common/base", "common/codec", "common/replica", "common/config", "common/program", "common/push",
                      "ingestor/source"],
    "ingestor/fold": ["common/base", "common/codec", "common/wire", "common/store", "common/config", "common/program", "common/state"],
    "ingestor/dedupe": ["common/base", "common/codec", "common/wire", "common/store", "common/config", "common/program", "common/state",
                        "ingestor/source", "ingestor/fold"],
    "ingestor/publish": ["common/base", "common/codec", "common/wire", "common/store", "common/config", "ingestor/fold",
                         "ingestor/source"],
    "ingestor/alerts": ["common/base", "common/codec", "common/config", "common/state"],
    "ingestor": COMMON + ["common/state", "common/lease", "ingestor/source", "ingestor/reader",
                          "ingestor/fold", "ingestor/dedupe", "ingestor/publish", "ingestor/push", "ingestor/alerts"],
    "gateway/base": ["common/base"],
    "gateway/access": ["common/base", "common/codec", "common/config", "gateway/base"],
    "gateway/auth": ["common/base", "common/codec", "common/config", "common/program", "common/jose", "gateway/base", "gateway/access"],
    "gateway/http": ["common/base", "common/codec", "common/store", "common/config", "common/program", "gateway/base"],
    "gateway/stream": ["common/base", "common/codec", "common/wire", "common/store", "gateway/base"],
    "gateway/ws": ["common/base", "common/codec", "common/wire", "common/store", "gateway/base", "gateway/stream"],
    "gateway/api": COMMON + ["gateway/base", "gateway/access", "gateway/auth", "gateway/http", "gateway/stream", "gateway/ws"],
    "gateway": COMMON + ["gateway/base", "gateway/access", "gateway/auth", "gateway/http", "gateway/stream", "gateway/ws", "gateway/api"],
    "ctl/base": ["common/base", "common/config"],
    "ctl/peer": COMMON + ["ctl/base"],
    "ctl/oracle": ["common/base", "common/codec", "common/wire", "common/store", "common/config", "common/postgres"],
    "ctl/verify": COMMON + ["ctl/base", "ctl/peer", "ctl/oracle"],
    "ctl/state": ["common/base", "common/codec", "common/config", "common/state", "common/lease"],
    "ctl/connect": COMMON + ["common/postgres", "common/jose", "common/state", "ctl/base", "ctl/peer", "ctl/oracle", "ctl/state"],
    "ctl/commands": COMMON + ["common/postgres", "common/jose", "common/state", "ctl/base", "ctl/peer", "ctl/oracle", "ctl/verify", "ctl/state", "ctl/connect"],
    "ctl": COMMON + ["ctl/base", "ctl/peer", "ctl/oracle", "ctl/verify", "ctl/state", "ctl/connect", "ctl/commands"],
}


def listed(root, *patterns):
    """The files that git knows, and those that it would take."""
    out = subprocess.run(["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
                         check=True, capture_output=True, text=True).stdout
    return sorted({name for name in out.splitlines() if (root / name).is_file()})


def folder_of(path):
    """The folder of LAYERS that a path is in, the longest that it begins with; "" when there is none."""
    parts = path.split("/")[:-1]
    if len(parts) == 1:
        return parts[0] if parts[0] in LAYERS else ""
    while len(parts) > 1 and "/".join(parts) not in LAYERS:
        parts.pop()
    return "/".join(parts) if len(parts) > 1 else ""


def documented(root):
    """The layers as the tables of CONTRIBUTING.md have them: folder -> what it may use. `common` stands for COMMON."""
    path = root / "CONTRIBUTING.md"
    layers = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        cells = [re.findall(r"`([a-z/]+)`", cell) for cell in line.strip("| ").split(" | ")]
        if len(cells) == 3 and len(cells[0]) == 1 and cells[0][0] in LAYERS:
            layers[cells[0][0]] = {name for named in cells[2] for name in (COMMON if named == "common" else [named])}
    return layers


def include_arrows(root, files):
    """(room, other room) -> what shows it, for each #include of a file of ours."""
    arrows = {}
    for name in files:
        room = name.rsplit(".", 1)[0]
        for line in (root / name).read_text(encoding="utf-8").splitlines():
            match = re.match(r'\s*#include "([^"]+)\.h"', line)
            if match and match[1] != room:
                arrows.setdefault((room, match[1]), f"{name} includes {match[1]}.h")
    return arrows


def object_symbols(root, build, rooms):
    """room -> (symbols defined, symbols wanted), of the objects in the build folder."""
    symbols = {}
    for path in sorted(build.rglob("*.c.o")):
        match = re.fullmatch(r"(.*?/)?CMakeFiles/[^/]+\.dir/(.+)\.c\.o", path.relative_to(build).as_posix())
        room = (match[1] or "") + match[2] if match else ""
        if not (root / f"{room}.c").is_file() or room not in rooms:
            continue  # of a test, or of a source that is gone
        defined, wanted = symbols.setdefault(room, (set(), set()))
        for line in subprocess.run(["nm", path], check=True, capture_output=True, text=True).stdout.splitlines():
            kind, name = line.split()[-2:]
            if kind == "U":
                wanted.add(name)
            elif kind.isupper():
                defined.add(name)
    missing = sorted(room for room in rooms if (root / f"{room}.c").is_file() and room not in symbols)
    if missing:
        sys.exit(f"check_tree: {build} has no object of {missing[0]}.c: build it first")
    return symbols


def symbol_arrows(symbols):
    """The same as include_arrows, for symbols. Programs may use the same names: of two programs each means its own."""
    owners = {}
    for room, (defined, _) in symbols.items():
        for name in defined:
            owners.setdefault(name, []).append(room)
    arrows = {}
    for room, (_, wanted) in symbols.items():
        program = room.split("/")[0]
        for name in sorted(wanted):
            near = [owner for owner in owners.get(name, []) if owner.split("/")[0] in (program, "common")]
            for owner in near or owners.get(name, []):
                arrows.setdefault((room, owner), f"{room}.c uses {name} of {owner}.c")
    return arrows


def circles(rooms, arrows):
    """The strongly connected sets of two rooms or more (Tarjan), each sorted."""
    heads = {room: [] for room in rooms}
    for room, other in arrows:
        if room in heads and other in heads:
            heads[room].append(other)
    index, low, stack, found = {}, {}, [], []

    def visit(room):
        index[room] = low[room] = len(index)
        stack.append(room)
        for other in heads[room]:
            if other not in index:
                visit(other)
                low[room] = min(low[room], low[other])
            elif other in stack:
                low[room] = min(low[room], index[other])
        if low[room] == index[room]:
            circle = [stack.pop()]
            while circle[-1] != room:
                circle.append(stack.pop())
            if len(circle) > 1:
                found.append(sorted(circle))

    sys.setrecursionlimit(10000)
    for room in rooms:
        if room not in index:
            visit(room)
    return found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
    build = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else root / "build/dev"
    sources = [name for name in listed(root, "*.c", "*.h") if not name.startswith("tests/")]
    rooms = sorted({name.rsplit(".", 1)[0] for name in sources})
    faults = []

    arrows = include_arrows(root, sources)
    arrows.update({ends: why for ends, why in symbol_arrows(object_symbols(root, build, set(rooms))).items()
                   if ends[0] != ends[1]})
    for circle in circles(rooms, arrows):
        faults.append(f"a circle of {len(circle)} files: {', '.join(circle)}")
        faults += [f"    {why}" for ends, why in sorted(arrows.items()) if ends[0] in circle and ends[1] in circle]
    shown = documented(root)
    for folder, allowed in LAYERS.items() if shown else []:
        if shown.get(folder) != set(allowed):
            faults.append(f"CONTRIBUTING.md says that {folder} may use {', '.join(sorted(shown.get(folder, [])) or ['nothing'])}; "
                          f"LAYERS says {', '.join(allowed) or 'nothing'}")
    for name in sources:
        if folder_of(name) == "":
            faults.append(f"{name}: its folder is not in LAYERS")
    for (room, other), why in sorted(arrows.items()):
        here, there = folder_of(room + "."), folder_of(other + ".")
        if here and there and here != there and there not in LAYERS[here]:
            faults.append(f"against the layers ({here} may not use {there}): {why}")

    code = listed(root, "*.c", "*.h", "*.py", "*.js", "*.mjs", "*.css", "*.html", "*.cmake", "CMakeLists.txt", "scripts/*",
                  "*.conf", "*.cfg", "*.toml", "*.supp", "*.clang-*")
    for name in code:
        if "/vendor/" in name:  # of other people, with a licence beside it
            continue
        text = (root / name).read_text(encoding="utf-8")
        if text.count("\n") > LINES_MAX and not name.endswith((".yaml", ".json")):
            faults.append(f"{name} has {text.count(chr(10))} lines: split it ({LINES_MAX} are enough for one job)")
        if SPDX not in text[:200] and not name.endswith((".yaml", ".json", ".md")):
            faults.append(f"{name} does not name its licence: begin it with {SPDX}")

    for fault in faults:
        print(fault)
    if not faults:
        print(f"{len(rooms)} rooms, {len(arrows)} arrows: no circle, nothing against the layers")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
