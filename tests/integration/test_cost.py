# SPDX-License-Identifier: Apache-2.0
"""What clients are charged for by what it costs: a hostile one has its share of the gateway's time, and the others notice little."""
import contextlib
import http.client
import json
import pathlib
import socket
import subprocess
import sys
import time

import pytest

from hostile import SLOW_PATTERNS, SLOW_TYPE
from tilewire import PATIENCE, now_iso, wait_until
from websocket import TEXT, WebSocket, frame

EVENTS = 3000


@pytest.fixture
def many_types(deploy, sqlite_table):
    """A gateway with many events, each of a type of its own that is slow to tell from others."""
    sqlite_table.insert([(now_iso(), f"{SLOW_TYPE}{i}", None, None, "of a kind of its own", None) for i in range(EVENTS)])

    def start(**limits):
        d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": limits}}).start()
        wait_until(lambda: json.loads(d.request("/api/events?limit=1")[2])["events"][0]["id"] == EVENTS, what="the events")
        return d

    return start


def test_patterns_that_are_too_much_work_are_refused(many_types):
    d = many_types()
    status, _, body = d.request("/api/events?types=" + SLOW_PATTERNS)
    assert status == 400 and "fewer" in json.loads(body)["detail"]
    assert d.metric("requests_refused_patterns_total") == 1
    many = ",".join(f"type.{i:03}.*" for i in range(255))  # as many, but they are beginnings
    assert d.request("/api/events?types=" + many)[0] == 200


def test_who_is_beyond_its_work_is_told_when_to_come_back(many_types):
    """A second's worth of work is 1 ms here: 50,000 steps. The first request takes 250,000, which is a debt of four seconds."""
    d = many_types(work_per_second="1ms")
    with contextlib.closing(Client(d, "127.0.0.7")) as client, contextlib.closing(Client(d, "127.0.0.8")) as other:
        assert client.ask("/api/events?types=" + SLOW_PATTERNS)[0] == 400
        status, retry, body = client.ask("/api/tiles")
        assert status == 429 and 1 <= int(retry) <= 5 and "work" in json.loads(body)["detail"]
        assert client.ask("/")[0] == 429 and client.ask("/api/ws")[0] == 429
        assert client.ask("/healthz")[0] == client.ask("/readyz")[0] == 200
        assert other.ask("/api/tiles")[0] == 200
        wait_until(lambda: client.ask("/api/tiles")[0] == 200, what="the end of the debt")
    assert d.metric("requests_refused_work_total") >= 3


class Client:
    """A connection that comes from another address."""

    def __init__(self, d, address):
        self.connection = http.client.HTTPConnection("127.0.0.1", d.gateway_ports[0], source_address=(address, 0), timeout=PATIENCE)

    def ask(self, path):
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        return answer.status, answer.headers["Retry-After"], answer.read()

    def close(self):
        self.connection.close()


@contextlib.contextmanager
def hostile(d, kind):
    process = subprocess.Popen([sys.executable, pathlib.Path(__file__).parent / "hostile.py", kind, str(d.gateway_ports[0]), "127.0.0.2"],
                               stdin=subprocess.PIPE)
    try:
        yield
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


@pytest.mark.parametrize("kind,metric", [("patterns", "requests_refused_work_total"), ("subscriptions", "websockets_in_debt_total")])
def test_a_hostile_client_gets_its_share(many_types, kind, metric):
    """Counted work, and not time, so that the machine has no say. Of each second 10 ms are 500,000 steps: few enough for a
    gateway that is slow itself, with a sanitizer on a busy machine, to be kept from more."""
    d = many_types(work_per_second="10ms")
    with hostile(d, kind), contextlib.closing(Client(d, "127.0.0.3")) as other:
        wait_until(lambda: d.metric(metric) > 0, what="a client in debt")
        begun, before = time.monotonic(), d.metric("work_steps_total")
        statuses = [other.ask("/api/tiles")[0] for _ in range(60)]
        refused = d.metric(metric)
        wait_until(lambda: d.metric(metric) > refused, what="one that is still in debt")
        steps, seconds = d.metric("work_steps_total") - before, time.monotonic() - begun
    assert statuses == [200] * 60
    # What was under way when the debt began is charged, too: eight requests of 250,000 steps, or as many turns as there are streams.
    assert 0 < steps < 500_000 * (seconds + 1) + 8 * 300_000


def test_a_catch_up_waits_for_its_client(many_types):
    """What searching takes is paid before it goes on, and it goes on."""
    d = many_types(work_per_second="10ms")
    wanted = [*SLOW_PATTERNS.split(",")[:60], "last"]
    with contextlib.closing(WebSocket(d.gateway_ports[0], source="127.0.0.7").socket) as s:
        s.sendall(frame(TEXT, json.dumps({"subscribe": wanted, "stream": "events", "cursor": "1"})))
        wait_until(lambda: d.metric("streams_paused") == 1, what="a stream that waits")
        pauses = d.metric("streams_pauses_total")
        wait_until(lambda: d.metric("streams_pauses_total") > pauses, what="a stream that goes on, and waits again")
    wait_until(lambda: d.metric("streams_paused") == 0, what="its end")


def test_channels_are_shared_and_everything_has_room(deploy, sqlite_table):
    """Of 40 channels six addresses that open as many as they can leave some, and the dashboard's has a place of its own."""
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": {"channels": 40}}}).start()
    with contextlib.ExitStack() as stack:
        def stream(address, keys):
            s = stack.enter_context(socket.create_connection(("127.0.0.1", d.gateway_ports[0]), 30, (address, 0)))
            s.sendall(f"GET /api/tiles/stream?keys={keys} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = s.recv(4096)
            return int(head.split()[1]), head

        statuses = [stream(f"127.0.1.{i % 6}", f"key.{i}")[0] for i in range(120)]
        assert set(statuses) == {200, 429}
        taken = statuses.count(200)
        assert 30 <= taken <= 36  # six sevenths, or so
        assert d.metric("channels") == taken and d.metric("streams_refused_share_total") == 120 - taken
        _, head = stream("127.0.1.1", "another.key")
        assert b"Retry-After" in head and b"share" in head
        assert stream("127.0.1.1", "key.0")[0] == 200  # it may join
        assert stream("127.0.2.1", "orders.open")[0] == 200
        for i in range(40 - taken - 1):
            assert stream(f"127.0.3.{i}", f"more.{i}")[0] == 200
        assert d.metric("channels") == 40
        assert stream("127.0.4.1", "one.more")[0] == 503
        assert stream("127.0.4.1", "*")[0] == 200
        web_socket = WebSocket(d.gateway_ports[0], source="127.0.4.2")
        stack.enter_context(contextlib.closing(web_socket.socket))
        web_socket.socket.sendall(frame(TEXT, json.dumps({"subscribe": ["*"]})))
        wait_until(lambda: d.metric("channels") == 42, what="its channel")
        assert d.metric("websockets_no_room_total") == 0
