# SPDX-License-Identifier: Apache-2.0
"""Measures events that are pushed: how many a second are on disk and answered, beside a bare loop of INSERT and commit, and how
long one takes to the client."""
import contextlib
import http.client
import json
import socket
import sqlite3
import time

from measure import median, middle, ratio
from report import result, say
from servers import BIN, LIMITS, Deployment, load, temporary

BODY = json.dumps({"event_type": "deploy", "summary": "v42"}).encode()
HEADERS = {"Content-Type": "application/json"}


class Pushed:
    """What stands for a table: the ingestor makes the file."""
    kind = "push"

    def __init__(self, path):
        self.uri = f"push:{path}"


@contextlib.contextmanager
def pushing():
    with temporary() as folder:
        d = Deployment(folder / "run", Pushed(folder / "pushed.db"), BIN, [{"key": "deploys", "type": "count", "match": {"event_type": "deploy"}}],
                       gateways=1, config={"gateway": {"limits": LIMITS}})
        d.config["gateway"]["push"] = [{"query": d.addresses[1]}]
        d.write()
        try:
            yield d.start(), folder
        finally:
            assert not d.stop()


def connect(d):
    connection = http.client.HTTPConnection("127.0.0.1", d.gateway_ports[0], timeout=30)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def push(connection, body=BODY):
    connection.request("POST", "/api/events", body=body, headers=HEADERS)
    answer = connection.getresponse()
    answer.read()
    return answer.status == 201


def bare(folder, seconds):
    """The yardstick: each row is a transaction, which is synced."""
    db = sqlite3.connect(folder / f"bare-{time.monotonic_ns()}.db", isolation_level=None)
    db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, event_type TEXT, summary TEXT)")
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        db.execute("INSERT INTO events (timestamp, event_type, summary) VALUES ('2026-11-23T05:12:01.220Z', 'deploy', 'v42')")
        count += 1
    db.close()
    return {"rate": count / seconds}


def pushes(d, clients, seconds):
    got = load("push", d.gateway_ports[0], BODY.decode(), clients, seconds, *(d[name].process.pid for name in ("gateway0", "ingestor")))
    assert got["others"] == 0, got
    return {"rate": got["requests"] / got["seconds"], "cpu": got["cpu_s"] * 1e6 / got["requests"]}


def delays(d, count):
    """How long from before a push until it is answered, and until an event stream has it."""
    stream, connection, answered, seen = d.stream("/api/events/stream"), connect(d), [], []
    for i in range(count):
        start = time.perf_counter()
        assert push(connection, json.dumps({"event_type": "deploy", "target_id": f"m{i}."}).encode())
        answered.append(1000 * (time.perf_counter() - start))
        while f'"m{i}."'.encode() not in stream.raw:
            time.sleep(0.0001)
        seen.append(1000 * (time.perf_counter() - start))
    return median(answered), median(s - a for s, a in zip(seen, answered, strict=True))


def push_rates(size):
    (seconds, rounds), runs = size.of((4, 3), (2, 1), (0.2, 1)), {"bare": [], 1: [], 64: []}
    say("push: pushes/s over HTTP, each answered when it is on disk")
    with pushing() as (d, folder):
        first = connect(d)
        while not push(first):  # the gateway is not connected to the ingestor yet
            time.sleep(0.01)
        for _ in range(rounds):
            runs["bare"].append(bare(folder, seconds))
            runs[1].append(pushes(d, 1, seconds))
            runs[64].append(pushes(d, 64, seconds))
        for clients, least in ((1, 0.3), (64, 2)):
            times = ratio(runs[clients], runs["bare"], "rate")
            result("push", f"pushes/s, {clients} client{'s' if clients > 1 else ''}",
                   f"{middle(runs[clients], 'rate'):,.0f}/s, {times:.2f} × a loop of INSERT and commit ({middle(runs['bare'], 'rate'):,.0f}/s)"
                   f"; {middle(runs[clients], 'cpu'):.0f} µs of CPU each",
                   f"≥ {least:.2f} ×", times >= least)
        answered, behind = delays(d, size.of(300, 100, 5))
        result("push", "event pushed → at the client, beyond the answer that it is on disk",
               f"p50 {behind:.2f} ms (answered after {answered:.2f} ms)", "p50 ≤ 2 ms", behind <= 2)
