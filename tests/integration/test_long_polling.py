# SPDX-License-Identifier: Apache-2.0
"""Requests that wait for news, for networks that hold streams back."""
import concurrent.futures
import json
import pathlib
import signal
import socket
import time

from tilewire import PATIENCE, now_iso, wait_until

ORDER = "order.created"


def order(table, *names):
    return table.insert([(now_iso(), ORDER, None, name, None, None) for name in names])


class Asking:
    """A request on a connection of its own, answered later; or given up."""

    def __init__(self, d, path, etag=None, gateway=0):
        self.socket = socket.create_connection(("127.0.0.1", d.gateway_ports[gateway]), timeout=PATIENCE)
        condition = f"If-None-Match: {etag}\r\n" if etag else ""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{condition}\r\n".encode())

    def answer(self):
        """Status, headers and body; the connection stays open."""
        reader = self.socket.makefile("rb")
        status = int(reader.readline().split()[1])
        headers = {}
        while line := reader.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        return status, headers, reader.read(int(headers.get("content-length", 0)))

    def close(self):
        self.socket.close()


def waiting(d, count, gateway=0):
    wait_until(lambda: d.metric("waiting", gateway) == count, what=f"{count} requests to wait")


def test_a_change_answers_those_who_wait_for_it(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    order(sqlite_table, "o1")
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] == 1)
    tiles, events = "/api/tiles?keys=orders.ever&wait=60s", "/api/events?types=order.*&wait=60s"
    tags = {path: d.request(path)[1]["etag"] for path in (tiles, events)}
    asking = [Asking(d, tiles, tags[tiles]), Asking(d, events, tags[events]), Asking(d, "/api/events?after=1&wait=60s")]
    other = Asking(d, "/api/tiles?keys=queue.depth&wait=60s", d.request("/api/tiles?keys=queue.depth")[1]["etag"])
    waiting(d, 4)
    order(sqlite_table, "o2")
    answers = [one.answer() for one in asking]
    assert [(status, headers["preference-applied"]) for status, headers, _ in answers] == [(200, "wait=60")] * 3
    tile, newest, after = [json.loads(body) for _, _, body in answers]
    assert tile["tiles"][0]["data"]["value"] == 2
    assert [e["id"] for e in newest["events"]] == [2, 1] and [e["id"] for e in after["events"]] == [2]
    waiting(d, 1)  # what the other one waits for has not changed
    other.close()
    waiting(d, 0)
    assert d.metric("waits_abandoned_total") == 1 and d.metric("waits_changed_total") >= 3
    for one in asking:
        one.socket.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert one.answer()[0] == 200, "the connection is kept"
        one.close()


def test_without_news_the_answer_comes_when_the_time_is_over(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    order(sqlite_table, "o1")
    wait_until(lambda: d.get_json("/api/events")["events"])
    quiet = "/api/tiles?keys=queue.depth&wait=300ms"
    etag = d.request(quiet)[1]["etag"]
    start = time.monotonic()
    status, headers, body = d.request(quiet, headers={"If-None-Match": etag})
    assert (status, headers["etag"], body) == (304, etag, b"") and headers["preference-applied"] == "wait=1"
    assert time.monotonic() - start >= 0.3
    status, headers, body = d.request("/api/events?after=1&wait=300ms")
    assert (status, json.loads(body)) == (200, {"events": []})
    assert d.request("/api/events?after=1&wait=300ms", headers={"If-None-Match": headers["etag"]})[0] == 304
    assert d.metric("waits_over_total") == 3
    # What is new to the client is told at once.
    for path in ("/api/tiles?wait=60s", "/api/events?wait=60s", "/api/events?after=0&wait=60s"):
        status, headers, _ = d.request(path, headers={"If-None-Match": '"older"'})
        assert status == 200 and headers["preference-applied"] == "wait=60"
    assert "preference-applied" not in d.request("/api/tiles?wait=")[1]
    for bad in ("20", "61s", "-1s", "soon", "1s,2s"):
        assert d.request(f"/api/tiles?wait={bad}")[0] == d.request(f"/api/events?wait={bad}")[0] == 400
    assert d.request("/api/events?after=77&wait=60s")[0] == 404
    assert d.metric("waiting") == 0


def test_events_of_other_types_do_not_end_a_wait(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    order(sqlite_table, "o1")
    path = "/api/events?types=order.*&wait=60s"
    wait_until(lambda: d.get_json("/api/events")["events"])
    etag = d.request(path)[1]["etag"]
    sqlite_table.insert([(now_iso(), "work_item_created", None, f"w{i}", None, None) for i in range(10)])
    wait_until(lambda: len(d.get_json("/api/events")["events"]) == 11)
    asking = Asking(d, path, etag)
    waiting(d, 1)
    order(sqlite_table, "o2")
    assert [e["id"] for e in json.loads(asking.answer()[2])["events"]] == [12, 1]
    asking.close()


def test_waiting_takes_no_threads_and_has_bounds(deploy, sqlite_table):
    limits = {"waiting": 20, "streams_per_address": 10}
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": limits, "trusted_proxies": ["127.0.0.1"]}}).start()
    etag = d.request("/api/tiles?keys=queue.depth")[1]["etag"]
    status = pathlib.Path(f"/proc/{d['gateway0'].process.pid}/status")
    threads = [line for line in status.read_text().splitlines() if line.startswith("Threads")]
    path = "/api/tiles?keys=queue.depth&wait=60s"

    def ask(client):
        return Asking(d, path + "&client=1", f'{etag}\r\nX-Forwarded-For: 192.0.2.{client}')

    asking = [ask(client) for client in range(1, 21)]
    waiting(d, 20)
    assert threads == [line for line in status.read_text().splitlines() if line.startswith("Threads")]
    refused = ask(21).answer()
    assert refused[0] == 503 and refused[1]["retry-after"]
    asking.pop().close()
    waiting(d, 19)
    refused = ask(1).answer()
    assert refused[0] == 429 and refused[1]["retry-after"], "who has its share is told so, though there is room for others"
    assert d.metric("waits_refused_total") == 2
    assert d.request("/api/tiles")[0] == 200, "others are served all the while"
    asking.append(ask(22))
    waiting(d, 20)
    for one in asking:
        one.close()
    waiting(d, 0)


def test_who_waits_is_answered_when_the_gateway_drains(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"drain": "2s"}}).start()
    etag = d.request("/api/tiles?keys=queue.depth")[1]["etag"]
    asking = [Asking(d, "/api/tiles?keys=queue.depth&wait=60s", etag) for _ in range(30)]
    waiting(d, 30)
    d["gateway0"].process.send_signal(signal.SIGTERM)
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        for status, headers, body in pool.map(Asking.answer, asking):
            assert (status, body) == (304, b"") and headers["connection"] == "close"
    assert d["gateway0"].process.wait(timeout=PATIENCE) == 0


def test_the_end_of_a_tile_answers_those_who_wait(deploy, sqlite_table):
    tiles = [{"key": "orders.ever", "type": "count", "match": {"event_type": "order.*"}, "ttl": "1s", "grace": "1s"}]
    d = deploy(sqlite_table, gateways=1, tiles=tiles).start()
    etag = d.request("/api/tiles")[1]["etag"]
    asking = Asking(d, "/api/tiles?wait=60s", etag)
    waiting(d, 1)
    d["ingestor"].kill()
    status, headers, body = asking.answer()
    assert status == 200 and json.loads(body)["tiles"][0]["stale"] is True
    asking.close()
    gone = Asking(d, "/api/tiles?wait=60s", headers["etag"])
    assert json.loads(gone.answer()[2])["tiles"] == []
    gone.close()
