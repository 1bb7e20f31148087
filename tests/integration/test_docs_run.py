# SPDX-License-Identifier: Apache-2.0
"""The commands of the documentation, run one after the other beside one small deployment: the demo's tiles, the default ports, a network of its own."""
import itertools
import pathlib
import re
import shlex
import subprocess

import pytest

import network
from conftest import ROOT, bin_folder
from documents import PAGES, blocks
from tilewire import PATIENCE

# What is not run here, and why.
ELSEWHERE = {
    r"scripts/(demo|test|bench|chaos|fuzz|check|package|setup|renew-uplot)\b": "takes minutes, installs, or is run by scripts/test itself",
    r"cat >|scripts/(kafka|nats|redis|postgres)|push\b|sqlite3 shop.db|mkdir shop": "test_five_minutes.py runs it",
    r"psql|install-trigger": "needs PostgreSQL; test_five_minutes.py and test_sources.py",
    r"\b(sudo|sudoedit|apt|systemctl|journalctl)\b": "test_install.py and tests/package",
    r"example\.org|10\.0\.0\.": "names hosts that do not exist",
    r"websocat|wscat|\bnpm\b|\bnpx\b|\bnode\b|schemathesis|\bpip\b|jq\b|oauth2-proxy|nginx": "needs programs of others",
    r"cmake|ninja|ctest|pytest|cd tests": "needs programs of others, or a build",
    r"tilewire (check|check --connect) \S+\.yaml$|tilewire state|tilewire-gateway --listen|tilewire verify --http":
        "needs files, or a state, of its own; test_state.py, test_verify_http.py and test_check_connect.py",
    r"umask 077": "needs the key that security.md makes",
    r"^(export|kill|cd|location|wait) |^tilewire-ingestor &": "only the shell's own, or done here already",
    r"tcp-|sysctl|ulimit|ip link|tc ": "changes the machine",
}
ENDLESS = r"curl -N|tilewire tail|wait=|subscribe\.py"


def commands(page):
    """(line, command): what stands behind a `$`, or each line of a block that is marked as shell or begins with a command of ours."""
    for line, language, text in blocks(page, "", "sh"):
        joined = re.sub(r"\\\n|(?<=[|&])\n", " ", text)
        shown = re.findall(r"^\$ (.*)$", joined, re.M)
        is_shell = language == "sh" or re.match(r"(curl|tilewire|scripts/\w+) ", joined)
        together = is_shell and re.search(r"<<|^psql|^ ", joined, re.M)  # lines that are nothing alone
        for command in shown or ([text] if together else joined.splitlines() if is_shell else []):
            if command.strip() and not command.startswith("#"):
                yield line, command


def reason(command):
    """Why it is not run; None: it is."""
    return next((why for pattern, why in ELSEWHERE.items() if re.search(pattern, command)), None)


def written(page, line, text):
    """Runs a command for as long as it may take, and says where it stands if it fails."""
    endless = re.search(ENDLESS, text) is not None
    return (f"echo {shlex.quote(f'{page.name}:{line}: {text}')}\nstatus=0; timeout {3 if endless else 60} bash -c {shlex.quote(text)} || status=$?\n"
            f"[ $status = 0 {'-o $status = 124 ' if endless else ''}] || {{ echo \"status $status\"; failed=1; }}")


def deployment(folder):
    config = (ROOT / "scripts/demo.yaml").read_text()
    columns = "columns: {timestamp: created_at}"
    for mark, value in {"COLUMNS": columns, "SOURCE": f"sqlite:{folder}/demo.db", "PORT": "8080",
                        "P1": "7401", "P2": "7402", "P3": "7411", "P4": "7412"}.items():
        config = config.replace(f"@{mark}@", value)
    return config


@pytest.mark.skipif(not network.available(), reason="needs root, for a network of its own")
def test_the_commands_of_the_documentation_work(folder):
    (folder / "tilewire.yaml").write_text(deployment(folder))
    chosen = [(page, line, command) for page in PAGES for line, command in commands(page) if reason(command) is None]
    assert len(chosen) >= 15, "the documentation shows commands that can be run"
    steps = ""
    for page, of_page in itertools.groupby(chosen, key=lambda choice: choice[0]):
        steps += f"mkdir {folder}/{page.stem}; cd {folder}/{page.stem}; cp ../tilewire.yaml .\n"
        steps += "\n".join(written(page, line, command.replace("scripts/", f"{ROOT}/scripts/")) for _, line, command in of_page) + "\n"
    script = f"""ip link set lo up
export PATH={pathlib.Path(bin_folder()).resolve()}:$PATH
{ROOT}/scripts/simulate demo.db --count 500
tilewire-ingestor & tilewire-cache & tilewire-gateway &
curl -fs --retry 60 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/api/tiles/orders.created
failed=0
{steps}
exit $failed"""
    with open(folder / "out", "wb") as out:
        # All of it ends with the shell, for that is the first process of its own numbers.
        command = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-ec", script]
        status = subprocess.run(command, cwd=folder, stdout=out, stderr=out, timeout=2 * PATIENCE, check=False).returncode
    text = (folder / "out").read_text(errors="replace")
    said = re.split(r"^(?=[\w.]+\.md:\d+: )", text, flags=re.M)
    assert status == 0, "\n".join(part for part in said if re.search(r"^status \d+$", part, re.M)) or text[-3000:]
