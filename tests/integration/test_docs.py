# SPDX-License-Identifier: Apache-2.0
"""What the documentation says can be done: its links lead somewhere, and its configurations are right."""
import pathlib
import re
import subprocess

import pytest

from conftest import bin_folder
from tilewire import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]


def anchors(path):
    """Those that a heading gets: lower case, without what is no word, joined by hyphens."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        path = (document.parent / file).resolve() if file else document
        assert path.exists(), f"{document.name}: {target}"
        assert not anchor or anchor in anchors(path), f"{document.name}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_configurations_are_right(document, folder):
    for number, text in enumerate(re.findall(r"^```yaml\n(.*?)^```", document.read_text(), re.S | re.M)):
        if "source:" not in text and "tiles:" not in text and "gateway:" not in text:
            continue
        file = folder / f"{number}.yaml"
        file.write_text(text)
        result = subprocess.run([bin_folder() / "tilewire", "check", file], stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        assert result.returncode == 0, f"{document.name}: {result.stderr}"


def test_the_example_is_right():
    subprocess.run([bin_folder() / "tilewire", "check", ROOT / "docs" / "example.yaml"], check=True, timeout=PATIENCE)
