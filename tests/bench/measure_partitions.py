# SPDX-License-Identifier: Apache-2.0
"""Measures what four ingestors that share a topic's partitions out read and spend each, against one that reads all of it."""
import pathlib

from measure import median, turns
from measure_kafka import broker, fill
from report import result, say
from servers import BIN, Deployment, temporary, wait_until

PARTITIONS, OWNERS = 8, 4
MEMBERS = 20000
FAMILY = [{"key": "amount", "type": "trend", "aggregate": "sum", "value": "payload.amount", "group_by": "item", "partition": True,
           "step": "1h", "length": 24, "max_groups": MEMBERS, "refresh": {"policy": "interval", "min_interval": "10s"}}]


def cpu_s(program):
    tasks = pathlib.Path(f"/proc/{program.process.pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def share_once(topics, rows, owners):
    """What each of so many ingestors has read, and the CPU that it took, from its start until all is folded."""
    config = {"source": {"fields": {"item": "key"}}, "ingestor": {"partitions": OWNERS}}
    with temporary() as folder:
        d = Deployment(folder / "run", topics, BIN, FAMILY, gateways=1, config=config)
        names = ["ingestor"] if owners == 1 else [f"part{i}" for i in range(owners)]
        if owners > 1:
            for i, name in enumerate(names):
                d.twin(name, "ingestor", own_partitions=[i])
        try:
            d.start(*names)
            wait_until(lambda: sum(d.stats(name)["events_folded"] for name in names) == rows, 120, "all to be folded")
            return {"read": [d.stats(name)["events_folded"] for name in names], "cpu_s": [cpu_s(d[name]) for name in names]}
        finally:
            d.stop()


def partitions(size):
    from kafka import Topics
    rows, rounds = size.of((2000000, 3), (500000, 1), (20000, 1))
    with broker() as server:
        topics = Topics(server, PARTITIONS)
        topics.create()
        say(f"partitions: {rows:,} messages in {PARTITIONS} partitions, a family of {MEMBERS:,} members, by one ingestor and by {OWNERS}")
        fill(topics, rows)
        runs = turns(rounds, lambda owners: share_once(topics, rows, owners), (1, OWNERS))
        topics.close()
    for one, four in zip(runs[1], runs[OWNERS], strict=True):
        shares = ", ".join(f"{n:,} messages in {s:.2f} s" for n, s in zip(four["read"], four["cpu_s"], strict=True))
        say(f"    one: {one['cpu_s'][0]:.2f} s of CPU; four: {shares}")
    most = max(max(run["read"]) for run in runs[OWNERS])
    exact = all(sum(run["read"]) == rows for run in runs[OWNERS])
    busiest = median(max(four["cpu_s"]) / one["cpu_s"][0] for one, four in zip(runs[1], runs[OWNERS], strict=True))
    us = [median(sum(run["cpu_s"]) * 1e6 / rows for run in runs[owners]) for owners in (1, OWNERS)]
    result("partitions", f"what the busiest of {OWNERS} ingestors reads of {rows:,} messages; together they read each once",
           f"{most:,}, {most / rows:.0%}", "≤ 35 %", exact and most <= 0.35 * rows)
    result("partitions", f"CPU of the busiest of {OWNERS}, against one that reads all",
           f"{busiest:.2f} ×; for a message {us[1]:.2f} µs against {us[0]:.2f}", "≤ 0.45 ×", busiest <= 0.45)
