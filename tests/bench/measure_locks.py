# SPDX-License-Identifier: Apache-2.0
"""Measures how often an application's inserts fail because the ingestor reads its SQLite file: against the same without it."""
import sqlite3
import time

from measure import turns
from report import result, say
from servers import BIN, FILL, TILES, Deployment, Sqlite, now_iso, temporary

EACH_S = 0.002  # an insert each


def inserts(table, count):
    """How many of them fail. The application waits for nobody."""
    application = sqlite3.connect(table.path, timeout=0, isolation_level=None)
    application.execute(f"PRAGMA journal_mode={table.journal}")
    application.execute("PRAGMA synchronous=OFF")
    failed, start = 0, time.monotonic()
    try:
        for i in range(count):
            try:
                application.execute("INSERT INTO events (timestamp,event_type,summary) VALUES (?,'type1','x')", (now_iso(),))
            except sqlite3.OperationalError:
                failed += 1
            time.sleep(max(0.0, start + (i + 1) * EACH_S - time.monotonic()))
    finally:
        application.close()
    return failed


def round_of(journal, rows, count, watched):
    """The same with a new file: rows that are there before, so that the ingestor catches up meanwhile, too."""
    with temporary() as folder:
        table = Sqlite(folder / "events.db", journal)
        table.create()
        table.execute(FILL["sqlite"].format(rows=rows, now=now_iso()))
        table.close()
        if not watched:
            return inserts(table, count)
        deployment = Deployment(folder / "run", table, BIN, TILES, gateways=1)
        deployment["ingestor"].start()  # it catches up while the application writes
        try:
            failed = inserts(table, count)
            deployment["ingestor"].await_log("ready component")
        finally:
            deployment.stop()
        return failed


def locks(size):
    count, rounds, rows = size.of((5000, 3), (2000, 1), (50, 1)) + size.of((500000,), (200000,), (1000,))
    for journal, target, share in (("delete", "≤ 1 of 1,000", 0.001), ("wal", "none", 0)):
        say(f"locks: {count:,} inserts, one each 2 ms, without a busy timeout; journal_mode={journal}, {rows:,} rows before them")
        runs = turns(rounds, lambda who, mode=journal: round_of(mode, rows, count, who == "Tilewire"), ("nobody", "Tilewire"))
        ours, alone = sum(runs["Tilewire"]), sum(runs["nobody"])
        result("locks", f"inserts of an application that waits for no lock, journal_mode={journal}: fail because Tilewire reads",
               f"{ours:,} of {rounds * count:,} ({alone:,} when nobody reads)", target, ours - alone <= share * rounds * count)
