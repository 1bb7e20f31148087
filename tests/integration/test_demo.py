# SPDX-License-Identifier: Apache-2.0
"""scripts/demo: what the README promises of its first command."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import urllib.request

import pytest

from conftest import bin_folder
from tilewire import PATIENCE, free_ports, wait_until

DEMO = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "demo"


class Demo:
    """A running demo, in a session of its own."""

    def __init__(self, folder, *options):
        self.port = free_ports(1)[0]
        self.log = folder / "demo.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([DEMO, "--port", str(self.port), *options], stdout=log, stderr=log,
                                            env={**os.environ, "TILEWIRE_BIN": str(bin_folder())}, start_new_session=True)

    def text(self):
        return self.log.read_text()

    def await_ready(self):
        # Kafka alone has three minutes.
        wait_until(lambda: "Ctrl-C ends it" in self.text() or self.process.poll() is not None, 3 * PATIENCE, "the demo's readiness")
        assert self.process.poll() is None, self.text()
        self.folder = pathlib.Path(re.search(r"Logs, table +(\S+)", self.text()).group(1))

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return answer.read().decode()

    def send_event(self):
        """By the line that it prints, as somebody pastes it. The simulator's orders are about one; that of the line is about none."""
        line = re.search(r"Send an event +(.+)", self.text()).group(1)
        subprocess.run(["bash", "-ec", line], check=True, timeout=PATIENCE)
        wait_until(lambda: any(not e.get("target_id") for e in json.loads(self.get("/api/events?types=order.created&limit=1000"))["events"]),
                   what="the event of the line")

    def programs(self):
        """Processes that have the demo's folder on their command line, or run for it: by process id."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except (OSError, NotADirectoryError):
                continue
            if entry.name.isdigit() and any(str(self.folder) in word for word in words):
                found[int(entry.name)] = pathlib.Path(words[0]).name
        return found

    def assert_nothing_left(self):
        wait_until(lambda: not self.programs(), what="the end of all that the demo started")
        wait_until(lambda: not self.folder.exists(), what="the removal of the demo's folder")
        with socket.socket() as s:
            assert s.connect_ex(("127.0.0.1", self.port)) != 0


@pytest.fixture
def demo(folder):
    made = []

    def make(*options):
        made.append(Demo(folder, *options))
        return made[-1]

    yield make
    for d in made:
        if d.process.poll() is None:
            d.process.terminate()
            d.process.wait(PATIENCE)
        print(d.text())


@pytest.mark.parametrize("options", [[], ["--postgres"], ["--kafka"], ["--nats"], ["--redis"], ["--push"]])
def test_the_demo_shows_tiles_of_every_type_and_ends_by_itself(demo, options):
    d = demo("--duration", "3", "--rate", "50", *options)
    d.await_ready()
    assert f"tail -F {d.folder}/alerts.jsonl" in d.text()
    # The command that is told of an alert is the ingestor's child, and for a moment its copy.
    wait_until(lambda: sorted(name for name in d.programs().values() if name.startswith("tilewire-")) == [
        "tilewire-cache", "tilewire-gateway", "tilewire-gateway", "tilewire-ingestor"], what="four programs")
    assert f"http://127.0.0.1:{d.port}/" in d.text()
    assert "<title>Tilewire" in d.get("/")
    tiles = {t["key"]: t for t in json.loads(d.get("/api/tiles"))["tiles"]}
    assert {t["type"] for t in tiles.values()} == {"count", "number", "ratio", "percentile", "distinct", "top", "rate", "duration", "presence", "trend",
                                                "heatmap", "sla_risk", "backlog", "gauge", "latest"}
    assert len(tiles["orders.rate"]["data"]["points"]) >= 55, "the charts are full at the first look"
    assert sum(key.startswith("orders.by_region/") for key in tiles) == 5
    first = tiles["events.total"]["data"]["value"]
    wait_until(lambda: json.loads(d.get("/api/tiles/events.total"))["data"]["value"] > first)
    assert d.process.wait(PATIENCE) == 0
    d.assert_nothing_left()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_demo_leaves_nothing_behind_however_it_ends(demo, how):
    d = demo(*{signal.SIGKILL: ["--postgres"], signal.SIGINT: ["--kafka"], signal.SIGTERM: ["--redis"]}.get(how, []))
    d.await_ready()
    d.send_event()
    d.process.send_signal(how)
    assert d.process.wait(PATIENCE) == (-signal.SIGKILL if how == signal.SIGKILL else 0)
    d.assert_nothing_left()


@pytest.mark.parametrize("options", [[], ["--nats"], ["--push"]])
def test_the_demo_tells_which_program_has_ended(demo, options):
    d = demo(*options)
    d.await_ready()
    d.send_event()
    os.kill(next(pid for pid, name in d.programs().items() if name == "tilewire-cache"), signal.SIGKILL)
    assert d.process.wait(PATIENCE) == 1
    assert "cache has ended:" in d.text() and "ready component=cache" in d.text()
    d.assert_nothing_left()


def test_the_demo_refuses_what_cannot_be():
    environment = {**os.environ, "TILEWIRE_BIN": str(bin_folder())}
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = str(s.getsockname()[1])
        result = subprocess.run([DEMO, "--port", port], env=environment, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        assert result.returncode == 1 and f"port {port} is taken" in result.stderr
    for wrong in (["--port", "x"], ["--port", "70000"], ["--duration"], ["--frobnicate"], ["--kafka", "--postgres"]):
        assert subprocess.run([DEMO, *wrong], env=environment, stderr=subprocess.DEVNULL, timeout=PATIENCE).returncode != 0
    assert "--postgres" in subprocess.run([DEMO, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
