# SPDX-License-Identifier: Apache-2.0
"""Measures reading from a real NATS: how fast a stream is caught up with, and how long a message takes to the client."""
import json
import re
import socket
import threading
import time

from measure import median, middle, turns
from measure_clients import latency_once
from measure_rows import catchup_once
from report import result, say
from servers import now_iso, row_publisher

STAMP = re.compile(rb"~([0-9]{16})~")
MARK = b"$JS.ACK."  # once in the line before each message


def fill(stream, rows):
    """The events that the tables of the other measurements have."""
    now, values = now_iso(), []
    for i in range(1, rows + 1):
        values.append(json.dumps({"timestamp": now, "event_type": f"type{i % 20}", "actor_id": "ada", "target_id": f"item-{i % 20000}",
                                  "summary": f"Ada did something to item {i}", "payload": {"amount": i}}))
        if len(values) == 5000 or i == rows:
            stream.send(*values)
            values = []


def consume(stream, policy):
    """A connection on which the messages of a consumer without acknowledgements come."""
    s = socket.create_connection(("127.0.0.1", stream.server.port), timeout=60)
    config = {"deliver_subject": "yardstick", "deliver_policy": policy, "ack_policy": "none"}
    body = json.dumps({"stream_name": stream.name, "config": config})
    s.sendall(f'CONNECT {{"verbose":false,"headers":true}}\r\nSUB yardstick 1\r\n'
              f"PUB $JS.API.CONSUMER.CREATE.{stream.name} none {len(body)}\r\n{body}\r\n".encode())
    return s


def drain(stream, rows):
    """Messages per second of the yardstick: a consumer of which somebody counts what comes and reads nothing of it."""
    start = time.monotonic()
    with consume(stream, "all") as s:
        count, rest = 0, b""
        while count < rows:
            data = rest + s.recv(1 << 20)
            assert data != rest, "the server is gone"
            count += data.count(MARK)
            rest = data[-len(MARK) + 1:]
    return rows / (time.monotonic() - start)


def catchup(size, server):
    from nats import Stream
    rows, rounds = size.of((500000, 5), (200000, 3), (20000, 1))
    stream = Stream(server)
    stream.create()
    say(f"nats: {rows:,} messages, 20 tiles, against a bare consumer")
    fill(stream, rows)
    runs = turns(rounds, lambda who: drain(stream, rows) if who == "bare" else catchup_once(stream, rows), ("bare", "Tilewire"))
    stream.drop()
    stream.close()
    ours, other = median(runs["Tilewire"]), median(runs["bare"])
    against = median(a / b for a, b in zip(runs["Tilewire"], runs["bare"], strict=True))
    say("    " + ", ".join(f"{a:,.0f} messages/s against {b:,.0f}" for a, b in zip(runs["Tilewire"], runs["bare"], strict=True)))
    result("nats", f"catch-up from a stream, {rows:,} messages, from the ingestor's start until it serves",
           f"{ours:,.0f} messages/s, {against:.2f} × a bare consumer that counts ({other:,.0f})", "≥ 0.50 ×", against >= 0.5)


def bare_latency(stream, seconds):
    """The yardstick: how long it takes, in ms, from before a message is published until one consumer has it, 100 times a second."""
    took, publish = [], row_publisher(stream)
    with consume(stream, "new") as s:
        def listen():
            rest = b""
            while data := s.recv(65536):
                now = time.monotonic_ns() // 1000
                found = list(STAMP.finditer(rest + data))
                took.extend((now - int(stamp[1])) / 1000 for stamp in found)
                rest = (rest + data)[found[-1].end() if found else 0:][-17:]  # a stamp may come in two parts

        listener = threading.Thread(target=listen)
        listener.start()
        start = time.monotonic()
        count = round(100 * seconds)
        for i in range(count):
            time.sleep(max(0.0, start + i / 100 - time.monotonic()))
            publish()
        while len(took) < count and time.monotonic() - start < 10 * seconds:
            time.sleep(0.01)
        s.shutdown(socket.SHUT_RDWR)
        listener.join()
    return median(took)


def latency(size, server):
    from nats import Stream
    (seconds, rounds), count = size.of((5, 3), (3, 1), (0.3, 1)), size.of(100, 100, 5)
    say(f"nats: about to be published → at the client, {count} streams, 100 messages/s")
    runs, bare = [], []
    for _ in range(rounds):
        stream = Stream(server, storage="memory")
        stream.create()
        bare.append(bare_latency(stream, seconds))
        say(f"    bare       p50 {bare[-1]:.2f} ms")
        runs.append(latency_once(stream, count, 1, seconds))
        stream.close()
    p50, p99, lost = middle(runs, "p50_ms"), middle(runs, "p99_ms"), sum(run["lost"] for run in runs)
    added = median(run["p50_ms"] - alone for run, alone in zip(runs, bare, strict=True))
    result("nats", f"message published → at the client, {count} streams, 100 messages/s",
           f"p50 {p50:.2f} ms, {added:.2f} ms more than a bare consumer takes ({median(bare):.2f} ms); p99 {p99:.2f} ms, {lost} lost",
           "p50 ≤ 2 ms more, p99 ≤ 10 ms, none lost", added <= 2 and p99 <= 10 and lost == 0 and middle(runs, "written") >= 95)


def nats(size):
    from nats import throw_away_server
    with throw_away_server() as server:
        catchup(size, server)
        latency(size, server)
