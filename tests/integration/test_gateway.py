# SPDX-License-Identifier: Apache-2.0
"""What a gateway owes to clients that return, that stand behind proxies, and that stall."""
import socket

from tilewire import PATIENCE, RandomEvents, now_iso, wait_until


def try_stream(d, path, last_event_id):
    try:
        return d.stream(path, last_event_id=last_event_id)
    except OSError:
        return None  # nobody listens yet


def test_who_returns_first_is_told_what_he_missed(deploy, sqlite_table):
    """A restarted gateway listens when it is in sync: the first client on its port goes on by its id and cursor."""
    d = deploy(sqlite_table, gateways=1).start()
    sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
    events, tiles = d.stream("/api/events/stream"), d.stream("/api/tiles/stream?keys=orders.ever")
    sqlite_table.insert([(now_iso(), "order.created", None, "o2", None, None)])
    events.await_event(lambda e: e["id"] == "2")
    cursor = tiles.await_event(lambda e: e["event"] == "tile" and e["data"]["data"]["value"] == 2)["id"]
    d["gateway0"].kill()
    sqlite_table.insert([(now_iso(), "order.created", None, f"o{i}", None, None) for i in range(3, 10)])
    d["gateway0"].start()
    events = wait_until(lambda: try_stream(d, "/api/events/stream", "2"))
    tiles = wait_until(lambda: try_stream(d, "/api/tiles/stream?keys=orders.ever", cursor))
    events.await_event(lambda e: e["id"] == "9")
    tiles.await_event(lambda e: e["event"] == "tile" and e["data"]["data"]["value"] == 9)
    assert events.ids() == list(range(3, 10))
    assert not [e for e in events.events + tiles.events if e["event"] == "reset"]


def ask(port, *header_lines):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as s:
        s.sendall("\r\n".join(["GET /api/tiles HTTP/1.1", "Host: localhost", "Connection: close", *header_lines, "", ""]).encode())
        answer = b""
        while part := s.recv(65536):
            answer += part
    return int(answer.split()[1])


def test_limits_are_those_of_the_client_behind_the_proxy(deploy, sqlite_table):
    limits = {"requests_per_second": 0.01, "requests_burst": 2}
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": limits, "trusted_proxies": ["127.0.0.1"]}}).start()
    port = d.gateway_ports[0]
    first, second = "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2"
    assert [ask(port, first) for _ in range(3)] == [200, 200, 429]
    assert ask(port, second) == 200, "another client"
    assert ask(port, "X-Forwarded-For: 198.51.100.9", first) == 429, "what the client wrote above the proxy's line is nothing"
    assert ask(port, "Forwarded: for=192.0.2.3;proto=http") == 200
    assert ask(port, "Forwarded: for=192.0.2.1") == 429


def test_a_stalled_reader_is_conflated_and_others_do_not_notice(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"channel_log": "16KiB"}}).start()
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect(("127.0.0.1", d.gateway_ports[0]))
    stalled.sendall(b"GET /api/tiles/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    healthy = d.stream("/api/events/stream")
    writer, count = RandomEvents(7), 0
    while d.metric("streams_conflated_total") == 0:
        count += 100
        sqlite_table.insert([writer.next() for _ in range(100)])
        healthy.await_event(lambda e: e["id"] == str(count))
        assert count < 100000
    assert healthy.ids() == list(range(1, count + 1))
    sqlite_table.insert([(now_iso(), "order.created", None, "last", None, None)])
    total = wait_until(lambda: (lambda t: t["as_of"]["position"] == str(count + 1) and t["data"]["value"])(d.tile("orders.ever")))
    got = b""
    stalled.settimeout(10)
    while f'"value":{total}'.encode() not in got.rpartition(b'"key":"orders.ever"')[2]:
        part = stalled.recv(65536)
        assert part, "it is not cut: it reads again"
        got += part
    stalled.close()
    assert got.count(b"event: tile") < d.metric("frames_total")
