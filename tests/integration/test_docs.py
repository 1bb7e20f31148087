# SPDX-License-Identifier: Apache-2.0
"""What the documentation shows: its links lead somewhere, its configurations are right, and its snippets are what their language says."""
import json
import re
import subprocess

import pytest
import yaml

from conftest import ROOT, bin_folder
from documents import PAGES, blocks, name, spans
from tilewire import PATIENCE

SECTIONS = {"source", "sources", "ingestor", "cache", "gateway", "tiles", "alerts", "calendars", "curve", "insecure"}


def anchors(path):
    """Those that a heading gets: lower case, without what is no word, joined by hyphens."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def each_page(test):
    return pytest.mark.parametrize("page", PAGES, ids=name)(test)


@each_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(path), f"{page.name}: {target}"


def test_each_page_is_linked_from_the_readme():
    text = (ROOT / "README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert f"](docs/{page.name}" in text, page.name


@each_page
def test_files_that_are_named_exist(page):
    folders = "common|ingestor|cache|gateway|ctl|tests|scripts|docs|packaging|cmake|python"
    for span in spans(page):
        for path in re.findall(rf"(?<![\w/.$-])((?:{folders})/[\w./*-]*[\w*])", span):
            stands_for_another = "NAME" in path or "FOLDER" in path
            assert stands_for_another or list(ROOT.glob(path)) or list(ROOT.glob(f"{path}.*")), f"{page.name}: {path}"


def whole(text):
    """A configuration of what is one, or is a list of tiles."""
    said = yaml.safe_load(text)
    if isinstance(said, list):
        said = {"tiles": said}
    if not isinstance(said, dict) or not said.keys() <= SECTIONS:
        return None
    return yaml.safe_dump(said, sort_keys=False) if "tiles" in said and "source" not in said and "sources" not in said else text


@each_page
def test_configurations_are_right(page, folder):
    """Each block of YAML is a configuration, or a list of tiles. Keys are there as other blocks make them."""
    if "clients_file:" in page.read_text():
        (folder / "keys").mkdir(mode=0o700)
        for program in ("ingestor", "ingestor-1", "ingestor-2", "cache", "gateway"):
            role = program.split("-")[0]
            subprocess.run([bin_folder() / "tilewire", "keygen", folder / "keys" / program, "--role", role, "--add", folder / "clients.yaml"], check=True,
                           stdout=subprocess.DEVNULL, timeout=PATIENCE)
        (folder / "secrets").symlink_to(folder / "keys")
    for line, _, text in blocks(page, "yaml"):
        file = folder / "tilewire.yaml"
        config = whole(text)
        assert config is not None, f"{page.name}:{line} is no configuration: say `yaml part`"
        file.write_text(config.replace("/etc/tilewire/", f"{folder}/"))
        result = subprocess.run([bin_folder() / "tilewire", "check", file], stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        assert result.returncode == 0, f"{page.name}:{line}: {result.stderr}"


@each_page
def test_no_configuration_goes_by_another_name(page):
    """What is not labelled is not checked."""
    for line, _, text in blocks(page, ""):
        assert not re.search(rf"^({'|'.join(SECTIONS)}):( |$)", text, re.M), f"{page.name}:{line} is YAML and does not say so"


def test_the_example_is_right():
    subprocess.run([bin_folder() / "tilewire", "check", ROOT / "docs" / "example.yaml"], check=True, timeout=PATIENCE)


@each_page
def test_snippets_compile(page, folder):
    for line, language, text in blocks(page):
        where = f"{page.name}:{line}"
        if language == "json":
            for document in text.split("\n\n"):
                json.loads(document)
        elif language == "python":
            compile(text, where, "exec")
        elif language == "js":
            (folder / "snippet.mjs").write_text(text)
            result = subprocess.run(["node", "--check", folder / "snippet.mjs"], stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
            assert result.returncode == 0, f"{where}: {result.stderr}"
        elif language in ("sh", "bash"):
            result = subprocess.run(["bash", "-n"], input=text, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
            assert result.returncode == 0, f"{where}: {result.stderr}"
