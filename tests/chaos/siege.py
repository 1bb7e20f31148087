# SPDX-License-Identifier: Apache-2.0
"""Hostile clients about a deployment, what others feel of them, and what memory they take."""
import json
import pathlib
import re
import subprocess
import sys
import threading
import time

import clients
from tilewire import now_iso
from whole import CACHES, GATEWAYS, INGESTORS

HERE = pathlib.Path(__file__).resolve().parent
P99_MS = 50

# What a program may take in memory, MiB: what its budgets allow, of which the hostile clients try to take all, and 48 for the rest,
# which a program takes with many clients that are not hostile.
#   a gateway     answers 32, events 16, the rings of at most 200 channels of 256 KiB each, input and TLS of sockets: see whole.py
#   a cache       64 of each subscriber that does not read (two hostile ones), events
#   an ingestor   the same, and rows in hand; of Kafka 64 that wait to be folded are fetched already, and 16 that are read again
BUDGETS_MIB = {"gateway": 48 + 32 + 16 + 50, "cache": 48 + 2 * 64 + 64, "ingestor": 48 + 2 * 64 + 64}
BUS_MIB = {"kafka": 64 + 16}


class HugeRows(threading.Thread):
    """Writes rows of megabytes, and rows whose ids, people and groups are all different; each is an ordinary row for everybody."""

    def __init__(self, writers):
        super().__init__(daemon=True)
        self.writers, self.ending, self.written = writers, threading.Event(), 0

    def run(self):
        while not self.ending.is_set():
            try:
                db = self.writers.connect()
                while not self.ending.wait(1):
                    cursor = db.cursor()
                    large = "ÿ" * (500 << 10)  # of two bytes each; a column of 1 MiB is read
                    payload = json.dumps({"region": "eu", "text": large}, ensure_ascii=False)
                    self.writers.insert(cursor, (now_iso(), "order.created", large, large, large, payload))
                    for i in range(20):
                        name = f"{self.written}:{time.monotonic_ns()}"
                        kind = ["work_item_created", "order.created"][i % 2]
                        self.writers.insert(cursor, (now_iso(), kind, name, name, "", json.dumps({"region": name, "team": name})))
                        self.written += 1
                    db.commit()
            except self.writers.errors:  # PostgreSQL may be away
                self.ending.wait(0.2)

    def end(self):
        self.ending.set()
        if self.is_alive():
            self.join()


def rows_of_many_types(count=10000):
    """So many that the logs of events are full of types that match no pattern soon."""
    return [(now_iso(), "ab" * 40 + str(i), None, None, None, None) for i in range(count)]


class Watch(threading.Thread):
    """Looks at the memory of all programs twice a second."""

    def __init__(self, d):
        super().__init__(daemon=True)
        self.d, self.ending, self.most_mib = d, threading.Event(), {}

    def run(self):
        while not self.ending.wait(0.5):
            for name, program in self.d.programs.items():
                try:
                    text = pathlib.Path(f"/proc/{program.process.pid}/status").read_text(encoding="ascii")
                except OSError:  # it was killed
                    continue
                found = re.search(r"VmRSS:\s+(\d+) kB", text)
                if found:
                    self.most_mib[name] = max(self.most_mib.get(name, 0), int(found[1]) / 1024)

    def end(self):
        self.ending.set()
        self.join()


class Siege:
    """Hostile clients in a process of their own, so that they do not slow down those in this one."""

    def __init__(self, d, writers, seed):
        self.rows, self.watch, self.kind = HugeRows(writers), Watch(d), d.table.kind
        tokens = [d.issuer.token(sub=f"mallory{i}", exp=int(time.time()) + 7200) for i in range(6)] if d.issuer else []
        queries = [query for name, (_, query) in d.ports.items()]
        publishes = [publish for name, (publish, _) in d.ports.items()]
        self.about = {"gateways": d.gateway_ports, "queries": queries, "publishes": publishes, "seed": seed, "tokens": tokens, "curve": None}
        if d.keys is not None:
            self.about["curve"] = {"pair": clients.Curve.pair, "servers": clients.Curve.servers}
        self.process, self.said = None, None

    def begin(self):
        self.process = subprocess.Popen(["nice", sys.executable, HERE / "attackers.py", json.dumps(self.about)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.rows.start()
        self.watch.start()
        return self

    def end(self):
        """Sentences about what did not hold."""
        if self.said is not None:
            return []
        self.rows.end()
        self.watch.end()
        self.said = json.loads(self.process.communicate("end\n", timeout=30)[0])
        print("hostile clients: " + ", ".join(f"{name} {count}" for name, count in self.said["done"].items())
              + f", huge rows {self.rows.written}", flush=True)
        print("most memory, MiB: " + ", ".join(f"{name} {mib:.0f}" for name, mib in sorted(self.watch.most_mib.items())), flush=True)
        self.said["done"]["huge rows"] = self.rows.written
        return (self.said["problems"] + [f"hostile client {name} got nowhere" for name, count in self.said["done"].items() if count == 0]
                + judge_memory(self.watch.most_mib, self.kind))


def judge_memory(most_mib, source):
    allowed = BUDGETS_MIB | {"ingestor": BUDGETS_MIB["ingestor"] + BUS_MIB.get(source, 0)}
    return [f"{name} took {mib:.0f} MiB of memory; its bounds allow {allowed[name.rstrip('0123456789')]}"
            for name, mib in most_mib.items() if mib > allowed[name.rstrip("0123456789")]]


def judge_latency(measured):
    """`measured`: for each program how long it took to answer, in ms (probe.py)."""
    problems = [f"{name} was asked {len(times)} times only" for name, times in measured.items() if len(times) < 50]
    return problems + [f"{name} answers in {percentile(times, 99):.1f} ms (p99); {P99_MS} ms are allowed"
                       for name, times in measured.items() if times and percentile(times, 99) > P99_MS]


def percentile(times, which):
    """The least that so many of a hundred are not above."""
    return sorted(times)[max(0, -(-len(times) * which // 100) - 1)]


def measure(d, seconds):
    """How long the programs take to answer somebody who asks politely."""
    leaders = [name for name in INGESTORS if (clients.ask(d.ports[name][1], {"op": "ping"}) or {}).get("serving")]
    ports = dict(zip(GATEWAYS, d.gateway_ports)) | {name: d.ports[name][1] for name in CACHES + leaders}
    targets = {name: {"pid": d[name].process.pid, "port": port, "http": name in GATEWAYS, "headers": d.headers_of("probe", 249),
                      "curve": [*clients.Curve.pair, clients.Curve.servers[port]] if d.keys and name not in GATEWAYS else None}
               for name, port in ports.items()}
    run = subprocess.run([sys.executable, HERE / "probe.py", str(seconds), json.dumps(targets)], stdout=subprocess.PIPE, text=True, check=True)
    measured = json.loads(run.stdout)
    for name, found in measured.items():
        took, wall = found["took_ms"], found["wall_ms"]
        if took:
            print(f"{name}: {len(took)} answers, p50 {percentile(took, 50):.1f} ms, p99 {percentile(took, 99):.1f} ms "
                  f"(with waiting for a processor {percentile(wall, 99):.1f} ms)", flush=True)
    return judge_latency({name: found["took_ms"] for name, found in measured.items()})
