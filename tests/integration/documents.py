# SPDX-License-Identifier: Apache-2.0
"""What stands in the documentation: its pages, their fenced blocks, and their pieces of code."""
import re
import textwrap

from conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "gateway/web/client/README.md"]


def name(page):
    return str(page.relative_to(ROOT))


def blocks(page, *languages):
    """(line, language, text) of each fenced block, without its indentation."""
    fences = re.finditer(r"^( *)```([^\n`]*)\n(.*?)^\1```$", page.read_text(), re.S | re.M)
    found = [(page.read_text()[:fence.start()].count("\n") + 1, fence[2].strip(), textwrap.dedent(fence[3])) for fence in fences]
    return [block for block in found if not languages or block[1] in languages]


def spans(page):
    """Each piece of `code` in the text, and each line of a fenced block."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.S | re.M)
    inline = [" ".join(found.split()) for found in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]
    return inline + [line for _, _, block in blocks(page) for line in block.splitlines()]
