# SPDX-License-Identifier: Apache-2.0
"""Peers over ZeroMQ that have nothing of libzmq in them: docs/protocol.md says what one must do, and here it is enough."""
import pathlib
import subprocess
import threading

import pytest

from tilewire import now_iso, wait_until

SUBSCRIBER = pathlib.Path(__file__).resolve().parents[2] / "build" / "tools" / "rust-subscriber-1" / "bin" / "subscriber"
BEATS = 12  # one a second


class Subscriber:
    """The crate `zeromq`, which answers no PING of ZMTP. It never connects again by itself, so what it hears comes over one connection."""

    def __init__(self, d, address):
        self.program = subprocess.Popen([SUBSCRIBER, address, ""], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.topics = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        d.clients.append(self)

    def read(self):
        for line in self.program.stdout:
            self.topics.append(line.rstrip("\n"))

    def close(self):
        self.program.kill()
        self.program.wait()
        self.reader.join()
        self.program.stdout.close()
        self.program.stderr.close()


@pytest.mark.parametrize("of", ["ingestor", "cache"])
def test_a_subscriber_that_answers_no_ping_is_kept(deploy, sqlite_table, of):
    d = deploy(sqlite_table, gateways=0).start()
    subscriber = Subscriber(d, d.addresses[0 if of == "ingestor" else 2])
    wait_until(lambda: "beat.0" in subscriber.topics, what="the first heartbeat")
    for n in range(1, BEATS + 1):
        wait_until(lambda n=n: subscriber.topics.count("beat.0") >= n, 10, f"heartbeat {n}")
        assert subscriber.program.poll() is None, subscriber.program.stderr.read()
    sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
    wait_until(lambda: {"event.0.order.created", "tile.0.orders.ever"} <= set(subscriber.topics), what="the row's event and its tile")
