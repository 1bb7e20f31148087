# SPDX-License-Identifier: Apache-2.0
"""Measures what storing the ingestor's state costs: bytes and CPU with few and with many items, and with few and many members."""
import contextlib
import pathlib
import random
import re
import sqlite3
import time

from measure import median, turns
from report import result, say
from servers import BIN, Deployment, now_iso, postgres, tables, temporary, wait_until

KB = 1000
STATES = ("opened", "taken")
BACKLOG = {"key": "work", "type": "backlog", "item": "target_id", "states": {"opened": "open", "taken": "busy", "done": None}}
FAMILY = {"key": "orders", "type": "count", "match": {"event_type": "opened"}, "group_by": "target_id", "max_groups": 100000}
FILL = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows} - 1) INSERT INTO events"
              " (timestamp,event_type,target_id) SELECT '{now}', 'opened', 'item-' || i FROM n",
    "postgresql": "INSERT INTO events (timestamp,event_type,target_id)"
                  " SELECT '{now}', 'opened', 'item-' || i FROM generate_series(0, {rows} - 1) i",
}


def own_wchar():
    return int(re.search(r"^wchar:\s+(\d+)", pathlib.Path("/proc/self/io").read_text(), re.M)[1])


def logged(table):
    """Bytes that its server has logged; each has one of its own."""
    with table.db, table.db.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'")
        return int(cursor.fetchone()[0])


class Folded:
    """An ingestor with one tile of so many items or members, on a table of its own."""

    def __init__(self, stack, table, tile, count):
        self.table, self.count, self.brought = table, count, 0
        self.folder = stack.enter_context(temporary())
        checkpoint = {"checkpoint": "postgresql"} if table.kind == "postgresql" else {}
        self.deployment = Deployment(self.folder / "run", table, BIN, [tile], gateways=0,
                                     config={"ingestor": {"checkpoint_interval": "1s", **checkpoint}})
        table.execute(FILL[table.kind].format(rows=count, now=now_iso()))
        if table.kind == "postgresql":
            self.deployment.run("install-trigger", check=True)
        stack.callback(self.deployment.stop)
        self.start()
        wait_until(lambda: self.saved() >= count, timeout=120, what="the first save")
        self.first = self.proc("io", "wchar")
        self.deployment["ingestor"].kill()  # what is stored is loaded, as after a crash
        self.ready_s = self.start()
        self.ready_cpu_s = self.cpu_s()
        self.insert(1)  # the first save brings the large log of the first start into the state's database
        self.settle()
        self.peak_mb = self.proc("status", "VmHWM") * 1024 / 1e6

    def start(self):
        begun, program = time.monotonic(), self.deployment["ingestor"]
        before = len(program.log_text())
        program.start().await_log("ready component", timeout=120, after=before)
        return time.monotonic() - begun

    def saved(self):
        return self.deployment.stats()["checkpoint_position"]

    def proc(self, file, name):
        text = pathlib.Path(f"/proc/{self.deployment['ingestor'].process.pid}/{file}").read_text()
        return int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1])

    def cpu_s(self):
        """Of all threads, in more digits than ticks have."""
        tasks = pathlib.Path(f"/proc/{self.deployment['ingestor'].process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def written(self):
        """Bytes: those of the process, which are the state's but for a few, and those that bring the log of the state's database
        into that, which is done here so that each measurement ends as it began; or those of PostgreSQL's log."""
        if self.table.kind == "postgresql":
            return logged(self.table)
        before = own_wchar()
        for path in (self.folder / "run").glob("checkpoint.state.*"):
            if not path.name.endswith(("-wal", "-shm")):
                with contextlib.closing(sqlite3.connect(path, timeout=10)) as db:
                    wait_until(lambda: db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0] == 0, what="the log's end")
        self.brought += own_wchar() - before
        return self.proc("io", "wchar") + self.brought

    def insert(self, rows, states=STATES):
        self.table.insert([(now_iso(), random.choice(states), None, f"item-{random.randrange(self.count)}", None, None) for _ in range(rows)])

    def settle(self):
        """Nothing is left to be saved."""
        position = self.deployment.stats()["position"]
        wait_until(lambda: self.saved() >= position, timeout=30, what="the save")


def steady(folded, rows, per_tick, states):
    """100 times a second so many rows come, to each in the same moments. Returns CPU and bytes for a row of each."""
    before = [(f.cpu_s(), f.written()) for f in folded]
    start = time.monotonic()
    for tick in range(rows // per_tick):
        for f in folded:
            f.insert(per_tick, states)
        time.sleep(max(0.0, start + (tick + 1) / 100 - time.monotonic()))
    for f in folded:
        f.settle()
    return [((f.cpu_s() - cpu) / rows, (f.written() - written) / rows) for f, (cpu, written) in zip(folded, before, strict=True)]


def own_bytes(table, rows):
    """What the database logs for a row of the table itself, which no tile folds."""
    if table.kind == "sqlite":
        return 0.0
    before = logged(table)
    for _ in range(rows):
        table.insert([(now_iso(), "nothing", None, "item-0", None, None)])
    return (logged(table) - before) / rows


def compare(stack, kind, tile, counts, rows, per_tick, rounds, states=STATES):
    """Runs with few and with many, side by side. Returns the medians: CPU in µs and bytes for a row, of each."""
    folded = []
    for count in counts:
        server = stack.enter_context(postgres()) if kind == "postgresql" else None
        table = stack.enter_context(tables(server))[kind]
        folded.append(Folded(stack, table, tile, count))
        f = folded[-1]
        say(f"    {count:,}: first save {f.first / 1e6:,.1f} MB, {f.first / count:,.0f} bytes each; ready again in {f.ready_s:.2f} s"
            f" with {f.ready_cpu_s:.2f} s of CPU, {f.peak_mb:,.0f} MB at most")
    own = own_bytes(folded[0].table, 200)
    runs = turns(rounds, lambda _: steady(folded, rows, per_tick, states), ["both"])["both"]
    say("    " + "; ".join(", ".join(f"{cpu * 1e6:.0f} µs and {written - own:,.0f} bytes a row" for cpu, written in run) for run in runs))
    return [(median(run[i][0] for run in runs) * 1e6, median(run[i][1] for run in runs) - own) for i in range(len(folded))]


def state(size):
    rounds, rows = size.of((3, 2000), (1, 500), (1, 50))
    for kind in ("sqlite", "postgresql")[:1 if size.smoke else 2]:
        few, many = 1000, size.of(1000000, 100000, 2000)
        say(f"state: a backlog of {few:,} and of {many:,} items in {kind}, 100 rows/s touch random ones")
        with contextlib.ExitStack() as stack:
            (few_us, _), (many_us, written) = compare(stack, kind, BACKLOG, (few, many), rows, 1, rounds)
        what = f"{many:,} open items, 100 rows/s, {kind}"
        result("state", f"bytes written for the state per row, {what}", f"{written / KB:.2f} KB", "≤ 4 KB", written <= 4 * KB)
        result("state", f"CPU of the ingestor per row, {what}", f"{many_us:.0f} µs, {many_us / few_us:.2f} × with {few:,} ({few_us:.0f})",
               "≤ 1.5 ×", many_us <= 1.5 * few_us)
    few, many = 1000, size.of(100000, 20000, 2000)
    say(f"state: families of {few:,} and of {many:,} members, 1,000 rows/s")
    with contextlib.ExitStack() as stack:
        (few_us, _), (many_us, _) = compare(stack, "sqlite", FAMILY, (few, many), 10 * rows, 10, rounds, ("opened",))
    result("state", f"CPU of the ingestor per row, a family of {many:,} members, 1,000 rows/s",
           f"{many_us:.0f} µs, {many_us / few_us:.2f} × with {few:,} ({few_us:.0f})", "≤ 1.3 ×", many_us <= 1.3 * few_us)
