# SPDX-License-Identifier: Apache-2.0
"""Measures reading from a real Kafka: how fast a topic is caught up with, and how long a message takes to the client."""
import contextlib
import json
import subprocess
import time

from measure import median, middle, turns
from measure_clients import latency_once
from measure_rows import catchup_once
from report import result, say
from servers import now_iso

PARTITIONS = 3


@contextlib.contextmanager
def broker():
    """A throw-away one. It is asked for here, because the other measurements do not need its Python client."""
    from kafka import throw_away_broker
    with throw_away_broker() as started:
        yield started


def fill(topics, rows):
    """The events that the tables of the other measurements have."""
    topics.connect(**{"linger.ms": 20, "queue.buffering.max.messages": 1000000})
    now = now_iso()
    for i in range(1, rows + 1):
        value = {"timestamp": now, "event_type": f"type{i % 20}", "actor_id": "ada", "target_id": f"item-{i % 20000}",
                 "summary": f"Ada did something to item {i}", "payload": {"amount": i}}
        topics.producer.produce(topics.names[0], json.dumps(value), value["target_id"])
        if i % 10000 == 0:
            topics.producer.poll(0)
            while len(topics.producer) > 500000:
                topics.producer.poll(0.1)
    assert topics.producer.flush(60) == 0


def drain(topics, rows):
    """Messages per second of the yardstick."""
    start = time.monotonic()
    subprocess.run(["kcat", "-C", "-e", "-q", "-b", topics.broker.address, "-t", topics.names[0]], check=True, stdout=subprocess.DEVNULL)
    return rows / (time.monotonic() - start)


def catchup(size, server):
    from kafka import Topics
    rows, rounds = size.of((2000000, 5), (500000, 3), (20000, 1))
    topics = Topics(server, PARTITIONS)
    topics.create()
    say(f"kafka: {rows:,} messages in {PARTITIONS} partitions, 20 tiles, against kcat")
    fill(topics, rows)
    runs = turns(rounds, lambda who: drain(topics, rows) if who == "kcat" else catchup_once(topics, rows), ("kcat", "Tilewire"))
    topics.close()
    ours, other = median(runs["Tilewire"]), median(runs["kcat"])
    against = median(a / b for a, b in zip(runs["Tilewire"], runs["kcat"], strict=True))
    say("    " + ", ".join(f"{a:,.0f} messages/s against {b:,.0f}" for a, b in zip(runs["Tilewire"], runs["kcat"], strict=True)))
    result("kafka", f"catch-up from a topic, {rows:,} messages, from the ingestor's start until it serves",
           f"{ours:,.0f} messages/s, {against:.2f} × `kcat -C -e -q` to /dev/null ({other:,.0f})", "≥ 0.50 ×", against >= 0.5)


def latency(size, server):
    from kafka import Topics
    (seconds, rounds), count = size.of((5, 3), (3, 1), (0.3, 1)), size.of(100, 100, 5)
    say(f"kafka: about to be produced → at the client, {count} streams, 100 messages/s")
    runs = []
    for _ in range(rounds):
        topics = Topics(server, PARTITIONS)
        topics.create()
        runs.append(latency_once(topics, count, 1, seconds))
        topics.close()
    p50, p99, lost = middle(runs, "p50_ms"), middle(runs, "p99_ms"), sum(run["lost"] for run in runs)
    result("kafka", f"message produced → at the client, {count} streams, 100 messages/s", f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, {lost} lost",
           "p50 ≤ 5 ms, p99 ≤ 25 ms, none lost", p50 <= 5 and p99 <= 25 and lost == 0 and middle(runs, "written") >= 95)


def kafka(size):
    with broker() as server:
        catchup(size, server)
        latency(size, server)
