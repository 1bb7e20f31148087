# SPDX-License-Identifier: Apache-2.0
"""Measures reading from a real Redis: how fast a stream is caught up with, and how long an entry takes to the client."""
import contextlib
import json
import subprocess
import time

from measure import median, middle, turns
from measure_clients import latency_once
from measure_rows import catchup_once
from report import result, say
from servers import now_iso


@contextlib.contextmanager
def server():
    """A throw-away one. It is asked for here, because the other measurements do not need its Python client."""
    from redis_streams import throw_away_server
    with throw_away_server() as started:
        yield started


def fill(entries, rows):
    """The events that the tables of the other measurements have."""
    now = now_iso()
    pipe = entries.redis.pipeline(transaction=False)
    for i in range(1, rows + 1):
        value = {"timestamp": now, "event_type": f"type{i % 20}", "actor_id": "ada", "target_id": f"item-{i % 20000}",
                 "summary": f"Ada did something to item {i}", "payload": {"amount": i}}
        pipe.xadd(entries.name, {"data": json.dumps(value)})
        if i % 5000 == 0:
            pipe.execute()
    pipe.execute()


def drain(entries, rows):
    """Entries per second of the yardstick."""
    start = time.monotonic()
    subprocess.run(["redis-cli", "-p", str(entries.server.port), "XRANGE", entries.name, "-", "+"], check=True, stdout=subprocess.DEVNULL)
    return rows / (time.monotonic() - start)


def catchup(size, started):
    from redis_streams import Stream
    rows, rounds = size.of((500000, 5), (200000, 3), (20000, 1))
    entries = Stream(started)
    say(f"redis: {rows:,} entries, 20 tiles, against redis-cli")
    fill(entries, rows)
    runs = turns(rounds, lambda who: drain(entries, rows) if who == "redis-cli" else catchup_once(entries, rows), ("redis-cli", "Tilewire"))
    entries.redis.delete(entries.name)
    entries.close()
    ours, other = median(runs["Tilewire"]), median(runs["redis-cli"])
    against = median(a / b for a, b in zip(runs["Tilewire"], runs["redis-cli"], strict=True))
    say("    " + ", ".join(f"{a:,.0f} entries/s against {b:,.0f}" for a, b in zip(runs["Tilewire"], runs["redis-cli"], strict=True)))
    result("redis", f"catch-up from a stream, {rows:,} entries, from the ingestor's start until it serves",
           f"{ours:,.0f} entries/s, {against:.2f} × `redis-cli XRANGE` to /dev/null ({other:,.0f})", "≥ 0.50 ×", against >= 0.5)


def latency(size, started):
    from redis_streams import Stream
    (seconds, rounds), count = size.of((5, 3), (3, 1), (0.3, 1)), size.of(100, 100, 5)
    say(f"redis: about to be added → at the client, {count} streams, 100 entries/s")
    runs = []
    for _ in range(rounds):
        entries = Stream(started)
        runs.append(latency_once(entries, count, 1, seconds))
        entries.close()
    p50, p99, lost = middle(runs, "p50_ms"), middle(runs, "p99_ms"), sum(run["lost"] for run in runs)
    result("redis", f"entry added → at the client, {count} streams, 100 entries/s", f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, {lost} lost",
           "p50 ≤ 2 ms, p99 ≤ 10 ms, none lost", p50 <= 2 and p99 <= 10 and lost == 0 and middle(runs, "written") >= 95)


def redis(size):
    with server() as started:
        catchup(size, started)
        latency(size, started)
