# SPDX-License-Identifier: Apache-2.0
"""What rows say never reaches a terminal as a command: escape sequences, and marks that turn a line around."""
import json
import re
import subprocess

from conftest import bin_folder
from tilewire import now_iso, wait_until

COMMANDS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
EVIL = "x\x1b]0;title\x07\x9b31m\x7f\u202eb\u2066\u061cä"


def test_nothing_unprintable_leaves_the_programs(deploy, sqlite_table):
    tiles = [{"key": "work", "type": "backlog", "item": "target_id", "breakdown": "actor_id", "states": {"opened*": "open"}},
             {"key": "late", "type": "sla_risk", "opens": {"event_type": "opened*"}, "closes": {"event_type": "closed"}, "item": "target_id",
              "within": "1h", "at_risk": "1m"},
             {"key": "by", "type": "count", "group_by": "actor_id", "max_groups": 1, "title": EVIL.replace("\x00", "")}]
    d = deploy(sqlite_table, tiles=tiles, gateways=1).start()
    sqlite_table.insert([(now_iso(), f"opened{EVIL}", f"{EVIL}{i}", f"item{EVIL}", EVIL, None) for i in range(3)])
    wait_until(lambda: d.tile("work")["data"]["total"] == 1 and "breakdown" in d.tile("work")["data"])
    d["ingestor"].await_log("is refused")  # the second group
    sqlite_table.execute("DELETE FROM events")  # for verify to have something to say
    said = {}
    for command in (["ls"], ["get", "work"], ["get", "late"], ["get", f"no{EVIL}"], ["events"], ["stats"], ["verify", "--timeout", "1s"]):
        for form in ([], ["--json"]):
            said[" ".join(command + form)] = d.run(*command, *form).stdout
    with subprocess.Popen([d.bin / "tilewire", "-c", d.file, "tail", "--events", "--count", "3"], stdout=subprocess.PIPE, text=True) as tail:
        while tail.poll() is None:
            sqlite_table.insert([(now_iso(), f"opened{EVIL}", EVIL, f"item{EVIL}", EVIL, None)])
        said["tail"] = tail.stdout.read()
    said["check"] = d.run("check", f"/no/{EVIL}.yaml").stdout
    for program in d.programs.values():
        said[program.name] = program.log.read_text(encoding="utf-8")
    for what, text in said.items():
        assert not COMMANDS.search(text), (what, text)
    assert "title" in said["get late"] and "title" in said["ingestor"] and "title" in said["verify --timeout 1s"]
    assert json.loads(said["get late --json"])["data"]["worst"][0]["id"] == f"item{EVIL}"  # escaped, and so not changed


def test_no_argument_reaches_a_terminal_as_a_command(tmp_path):
    """Neither what is wrong with the command line, nor what does not exist, is repeated as it came."""
    for program in ("tilewire", "tilewire-ingestor", "tilewire-cache", "tilewire-gateway"):
        for arguments in ([EVIL], ["ls", EVIL], [f"--{EVIL}"], ["get", f"--no{EVIL}=1"], ["--config", EVIL], ["ls", "--from", EVIL],
                          ["--listen", EVIL], ["events", "-n", EVIL], ["a\nb"], [b"\xff\x9b31m"]):
            said = subprocess.run([bin_folder().resolve() / program, *arguments], cwd=tmp_path, capture_output=True, check=False)
            assert said.returncode == 2 and b"cannot be printed" in said.stderr, (program, arguments, said)
            assert not COMMANDS.search(said.stderr.decode() + said.stdout.decode()), (program, arguments, said)
