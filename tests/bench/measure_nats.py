# SPDX-License-Identifier: Apache-2.0
"""Measures reading from a real NATS: how long a message takes to the client."""
from measure import middle
from measure_clients import latency_once
from report import result, say


def nats(size):
    from nats import Stream, throw_away_server
    (seconds, rounds), count = size.of((5, 3), (3, 1), (0.3, 1)), size.of(100, 100, 5)
    say(f"nats: about to be published → at the client, {count} streams, 100 messages/s")
    runs = []
    with throw_away_server() as server:
        for _ in range(rounds):
            stream = Stream(server, storage="memory")
            stream.create()
            runs.append(latency_once(stream, count, 1, seconds))
            stream.close()
    p50, p99, lost = middle(runs, "p50_ms"), middle(runs, "p99_ms"), sum(run["lost"] for run in runs)
    result("nats", f"message published → at the client, {count} streams, 100 messages/s", f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, {lost} lost",
           "p50 ≤ 2 ms, p99 ≤ 10 ms, none lost", p50 <= 2 and p99 <= 10 and lost == 0 and middle(runs, "written") >= 95)
