# SPDX-License-Identifier: Apache-2.0
"""Gateways that are stopped, and others that take over."""
import re
import signal
import socket
import threading

import pytest

import network
from tilewire import PATIENCE, now_iso, wait_until


class Hammer:
    """Connects, asks and looks at the answer, over and over, in threads of a network."""

    def __init__(self, net, port, threads=8):
        self.net, self.port = net, port
        self.answers, self.failures = [0] * threads, []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self, i):
        self.net.enter()
        while not self.over.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
                    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    answer = b""
                    while part := s.recv(4096):
                        answer += part
                assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"alive\n"), answer
                self.answers[i] += 1
            except (OSError, AssertionError) as error:
                self.failures.append(repr(error))

    def more(self):
        """Waits until each thread has got answers that it had not asked for when this was called."""
        before = list(self.answers)
        wait_until(lambda: all(n > b + 1 for n, b in zip(self.answers, before)) or self.failures, what="answers")

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(30)


@pytest.fixture
def net():
    if not network.available():
        pytest.skip("network namespaces need root")
    made = network.Network()
    yield made
    made.close()


def test_another_gateway_takes_over_without_a_refused_connection(net, deploy, sqlite_table):
    net.set("net.ipv4.tcp_migrate_req", 1)
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"drain": "300ms"}})
    d.add("gateway1", ["tilewire-gateway", "--listen", f"127.0.0.1:{d.gateway_ports[0]}"])
    d.start("ingestor", "cache", "gateway0")
    hammer = Hammer(net, d.gateway_ports[0])
    try:
        for old, new in [("gateway0", "gateway1"), ("gateway1", "gateway0")] * 2:
            hammer.more()
            stream = d.stream("/api/events/stream")
            d.start(new)
            hammer.more()
            assert d[old].kill(signal.SIGTERM) == 0
            stream.close()
            hammer.more()
    finally:
        hammer.stop()
    assert hammer.failures == [] and sum(hammer.answers) > 100


def test_closings_are_spread_and_clients_told_when_to_return(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"drain": "60s"}}).start()
    streams = [d.stream(path) for path in ("/api/events/stream", "/api/tiles/stream") for _ in range(60)]
    gateway = d["gateway0"].process
    gateway.send_signal(signal.SIGTERM)
    wait_until(lambda: sum(s.ended.is_set() for s in streams) >= 5, what="the first streams to end")
    assert not all(s.ended.is_set() for s in streams)
    last = sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
    going = next(s for s in reversed(streams[:60]) if not s.ended.is_set())
    wait_until(lambda: going.ended.is_set() or str(last) in [e["id"] for e in list(going.events)])
    gateway.send_signal(signal.SIGTERM)  # at once
    assert gateway.wait(timeout=PATIENCE) == 0
    wait_until(lambda: all(s.ended.is_set() for s in streams))
    said = [[int(ms) for ms in re.findall(rb"^retry: (\d+)$", s.raw, re.M)] for s in streams]
    assert all(len(ms) == 2 for ms in said), "one with the beginning, one with the end"
    last_words = [ms[-1] for ms in said]
    assert all(250 <= ms <= 3250 for ms in last_words) and len(set(last_words)) > 60
    assert all(re.search(rb"\nretry: \d+\n\Z", s.raw) for s in streams), "no frame is torn"


def test_streams_end_at_about_their_age(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"max_stream_age": "1s"}}).start()
    sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
    events = d.stream("/api/events/stream?lastEventId=0")
    others = [d.stream("/api/tiles/stream") for _ in range(5)]
    wait_until(lambda: all(s.ended.is_set() for s in [events, *others]))
    assert d.metric("streams_aged_total") == 6 and d.metric("streams") == 0
    assert all(s.raw.endswith(b"\n\n") for s in others)
    cursor = [e["id"] for e in others[0].events if e["id"]][-1]
    again = d.stream("/api/tiles/stream", last_event_id=cursor)
    sqlite_table.insert([(now_iso(), "order.created", None, "o2", None, None)])
    tile = again.await_event(lambda e: e["event"] == "tile")
    assert tile["data"]["key"].startswith("orders."), "it goes on where the other ended"
    assert not [e for e in again.events if e["event"] == "reset"]


def test_what_is_under_way_is_answered_before_the_end(deploy, sqlite_table):
    """A connection that has just been made, and a request that is not there as a whole yet."""
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"drain": "5s"}}).start()
    stream = d.stream("/api/events/stream")
    fresh, half = (socket.create_connection(("127.0.0.1", d.gateway_ports[0]), timeout=PATIENCE) for _ in range(2))
    half.sendall(b"GET /api/tiles HTTP/1.1\r\nHost: localhost\r\n")
    wait_until(lambda: d.metric("connections") == 3)
    length = len(d["gateway0"].log_text())
    d["gateway0"].process.send_signal(signal.SIGTERM)
    d["gateway0"].await_log("draining", after=length)
    half.sendall(b"\r\n")
    answer = b""
    while part := half.recv(65536):
        answer += part
    assert answer.startswith(b"HTTP/1.1 200 ") and b"\r\nConnection: close\r\n" in answer
    assert fresh.recv(1) == b"", "nothing was asked"
    stream.ended.wait(PATIENCE)
    assert d["gateway0"].process.wait(timeout=PATIENCE) == 0
