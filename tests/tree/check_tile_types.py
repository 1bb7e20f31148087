#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Names every place that a tile type must fill and does not.

The types are those of TILE_TYPE_LIST in the configuration. To add one, add it there and run this until it is quiet.

usage: check_tile_types.py [ROOT]     ROOT is a checkout; this one by default. Exit status 1 when something is missing
"""
import json
import pathlib
import re
import sys


class Tree:
    """The files of a checkout; what is missing reads as nothing."""

    def __init__(self, root):
        self.root = root

    def has(self, path):
        return (self.root / path).is_file()

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8") if self.has(path) else ""

    def texts(self, folder, suffixes):
        """All files below a folder with one of the suffixes, as one text; packages from elsewhere are left out."""
        files = sorted(path for path in (self.root / folder).rglob("*")
                       if path.suffix in suffixes and "node_modules" not in path.parts)
        return "\n".join(path.read_text(encoding="utf-8") for path in files)


def names_of_types(tree):
    """The names of TILE_TYPE_LIST: count, …"""
    return re.findall(r"^ *EACH\(TILE_\w+, \d+, (\w+)\)", tree.text("common/config/tiles.h"), re.MULTILINE)


def word(text, name):
    """True when the name stands in the text as a whole word."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def missing_in_code(tree, name):
    """What is missing in the programs."""
    if f'"{name}"' not in tree.text(f"common/config/types/{name}.c"):
        yield f'common/config/types/{name}.c, with rules for "{name}", is missing: the configuration file cannot name the type'
    if not tree.has(f"ingestor/fold/types/{name}.c"):
        yield f"ingestor/fold/types/{name}.c is missing: nothing folds rows into the tile"
    if not tree.has(f"ctl/oracle/types/{name}.c"):
        yield f"ctl/oracle/types/{name}.c is missing: `tilewire verify` cannot compute the tile anew"


def missing_in_dashboard(tree, name):
    """What is missing in the dashboard."""
    drawing = f"types/{name}.js"
    if not tree.has(f"gateway/web/{drawing}"):
        yield f"gateway/web/{drawing} is missing: the dashboard shows the tile's data as it is, undrawn"
    if not word(tree.text("gateway/web/assets.txt"), drawing):
        yield f"gateway/web/assets.txt does not list {drawing}: the gateway does not serve the drawing"
    if drawing not in tree.texts("gateway/web", {".js"}):
        yield f"no file of gateway/web imports {drawing}: the dashboard does not find the drawing"


def missing_in_documents(tree, name):
    """What is missing for those who read the tiles, and for those who change the type."""
    if not tree.has(f"docs/contracts/{name}.json"):
        yield f"docs/contracts/{name}.json is missing: nobody promises what the tile's data looks like"
    whole = json.loads(tree.text("docs/contracts/tile.json") or "{}")
    contract = whole.get("properties", {})
    if name not in contract.get("type", {}).get("enum", []):
        yield f'docs/contracts/tile.json does not list "{name}" among the types'
    if not word(contract.get("data", {}).get("description", ""), f"{name}.json"):
        yield f"docs/contracts/tile.json does not point to {name}.json for the tile's data"
    choice = {"if": {"properties": {"type": {"const": name}}}, "then": {"properties": {"data": {"$ref": f"{name}.json"}}}}
    if choice not in whole.get("allOf", []):
        yield f"docs/contracts/tile.json does not hold the data against {name}.json: allOf lacks {json.dumps(choice)}"
    if tree.has(f"docs/contracts/{name}.json") and json.loads(tree.text(f"docs/contracts/{name}.json")).get("$id") != f"{name}.json":
        yield f'docs/contracts/{name}.json has not "$id": "{name}.json"'
    if not re.search(rf"^## `{name}`$", tree.text("docs/tiles.md"), re.MULTILINE):
        yield f"docs/tiles.md has no section `{name}`: nobody can read what the tile shows"
    if not tree.has(f"tests/ingestor/fold/types/test_{name}.c"):
        yield f"tests/ingestor/fold/types/test_{name}.c is missing: no unit test shows what the tile does"


def members_shown(tree, name):
    """The members of the type's data by docs/security.md: always shown, and shown where a role names them."""
    row = re.search(rf"^\| `{name}` \|([^|]*)\|([^|]*)\|$", tree.text("docs/security.md"), re.MULTILINE)
    figures = set(re.findall(r"`(\w+)`", row[1])) if row else set()
    details = set(re.findall(r"`data\.(\w+)`", row[2])) if row else set()
    return figures, details


def missing_for_views(tree, name):
    """What is missing for clients who may not see all fields."""
    figures, details = members_shown(tree, name)
    members = set(json.loads(tree.text(f"docs/contracts/{name}.json") or "{}").get("properties", {}))
    for member in sorted(members - figures - details):
        yield f"docs/security.md does not say of `{name}` if everybody may see {member}, or only whose role names data.{member}"
    for member in sorted((figures | details) - members):
        yield f"docs/security.md says of `{name}` that it has {member}, and docs/contracts/{name}.json does not"
    shown = re.search(r"figures\[\] = \{(.*?)\};", tree.text("gateway/stream/render/fields.c"), re.DOTALL)
    known = set(re.findall(r'"(\w+)"', shown[1])) if shown else set()
    for member in sorted(figures - known):
        yield f"gateway/stream/render/fields.c does not list {member} of `{name}` among the figures: who may not see all fields does not see it"
    oracle = re.search(r"names\[\] = \{([^{}]*)\};", tree.text("ctl/oracle/view.c"))
    computed = set(re.findall(r'"(\w+)"', oracle[1])) if oracle else set()
    for member in sorted(figures - computed):
        yield f"ctl/oracle/view.c does not list {member} of `{name}` among the figures: verify expects that who may not see all fields does not see it"
    for member in sorted(details & computed):
        yield f"ctl/oracle/view.c lists {member} of `{name}` among the figures: verify expects that everybody sees it"
    for member in sorted(details & known):
        yield f"gateway/stream/render/fields.c lists {member} of `{name}` among the figures: everybody sees it"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
    tree = Tree(root)
    names = names_of_types(tree)
    if not names:
        sys.exit(f"check_tile_types: {root}/common/config/tiles.h has no TILE_TYPE_LIST")
    faults = []
    for name in names:
        faults += [f"{name}: {fault}" for fault in (*missing_in_code(tree, name),
                                                     *missing_in_dashboard(tree, name),
                                                     *missing_in_documents(tree, name),
                                                     *missing_for_views(tree, name))]
    for fault in faults:
        print(fault)
    if not faults:
        print(f"{len(names)} tile types, and each is everywhere")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
