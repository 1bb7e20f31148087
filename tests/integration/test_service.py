# SPDX-License-Identifier: Apache-2.0
"""What the programs tell the service manager: that they serve, that they live, and that they end."""

import os
import signal
import socket
import subprocess

import pytest
from tilewire import wait_until

WATCHDOG_US = 400_000  # what a program hears of is half of it


class Manager:
    """Stands for systemd: a socket that hears what one program says."""

    def __init__(self, folder, watchdog=True):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.heard = []
        self.environment = {**os.environ, "NOTIFY_SOCKET": self.path}
        if watchdog:
            self.environment["WATCHDOG_USEC"] = str(WATCHDOG_US)

    def listen(self):
        while True:
            try:
                self.heard += self.socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return self.heard

    def await_word(self, word, count=1):
        wait_until(lambda: self.listen().count(word) >= count, what=f"{word} of {self.heard}")


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path)
    yield made
    made.socket.close()


@pytest.fixture
def managed(deploy, sqlite_table, manager):
    """Starts one program of a deployment under the manager."""
    d = deploy(sqlite_table)

    def start(name):
        program = d[name]
        with open(program.log, "ab") as log:
            program.process = subprocess.Popen(program.command, stdout=log, stderr=log, env=manager.environment)
        return program

    d.start_managed = start
    return d


@pytest.mark.parametrize("name", ["ingestor", "cache", "gateway0"])
def test_a_program_says_that_it_serves_lives_and_ends(managed, manager, name):
    before = ["ingestor", "cache", "gateway0"]
    for other in before[: before.index(name)]:
        managed.start(other)
    program = managed.start_managed(name)
    manager.await_word("READY=1")
    manager.await_word("STATUS=ready")
    manager.await_word("WATCHDOG=1", count=3)
    assert "STOPPING=1" not in manager.heard
    assert program.kill(signal.SIGTERM) == 0
    manager.await_word("STOPPING=1")


def test_a_gateway_without_an_upstream_serves_but_says_so(managed, manager):
    gateway = managed.start_managed("gateway0")
    manager.await_word("READY=1")
    manager.await_word("STATUS=serving; no upstream has answered yet")
    gateway.await_log("serving component=gateway listen=\\S+: not ready yet")
    assert "ready component" not in gateway.log_text() and "STATUS=ready" not in manager.heard
    managed.start("ingestor", "cache")
    gateway.await_log("ready component=gateway")
    manager.await_word("STATUS=ready")
