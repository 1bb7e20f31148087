# SPDX-License-Identifier: Apache-2.0
"""`tilewire verify`: it judges tiles while rows come, at positions that both sides know."""
import random
import threading
import time

import pytest

from test_crashes import INSERT
from test_verify_gone import change_value, keys, relay, verify  # noqa: F401 (a fixture)
from tilewire import PATIENCE, RandomEvents, wait_until


class Overlapping:
    """Writers whose transactions overlap, about 900 rows a second in all: ids are committed in another order than they are taken.
    What is left of a slow machine must suffice to read the table faster than it grows: from 20,000 rows on it grows slowly."""

    WRITERS = 12
    BATCH = 8  # rows of a transaction are fewer

    def __init__(self, table):
        self.table, self.ended, self.rows, self.failures = table, threading.Event(), 0, []
        self.threads = [threading.Thread(target=self.write, args=(seed,)) for seed in range(self.WRITERS)]
        for thread in self.threads:
            thread.start()

    def write(self, seed):
        db = self.table.connect()
        try:
            rows, r = RandomEvents(seed), random.Random(seed)
            due = time.monotonic()
            while not self.ended.is_set():
                count = r.randrange(1, self.BATCH)
                with db, db.cursor() as cursor:
                    for _ in range(count):
                        cursor.execute(INSERT, rows.next())
                    due = max(due, time.monotonic() - 0.1) + count * self.WRITERS / (900 if self.rows < 20_000 else 100)
                    self.ended.wait(max(due - time.monotonic(), 0))  # the transaction is open meanwhile
                self.rows += count
        except Exception as problem:
            self.failures.append(problem)
        finally:
            db.close()

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures


@pytest.fixture
def overlapping(postgres_table):
    writers = Overlapping(postgres_table)
    yield writers
    writers.stop()


def overlap(deploy, table, writers, **ingestor):
    d = deploy(table, config={"source": {"poll_interval": "100ms"}, "ingestor": ingestor})
    d.run("install-trigger", check=True)
    wait_until(lambda: writers.rows > 500, what="rows")
    return d


def test_overlapping_transactions_are_judged_while_they_go_on(deploy, postgres_table, overlapping):
    d = overlap(deploy, postgres_table, overlapping).start()
    for i in range(12):
        result = d.run("verify", "--timeout", f"{PATIENCE}s")
        assert result.returncode == 0, f"run {i + 1} of 12:\n{result.stdout}"


def test_a_log_of_events_that_is_shorter_than_ids_and_ordinals_are_apart(deploy, postgres_table, overlapping):
    """Each row that comes late moves them apart by one; so after some time no id is above the first ordinal of the log."""
    d = overlap(deploy, postgres_table, overlapping, events=1000)
    d.config["cache"]["events"] = 1000
    d.write()
    d.start()
    wait_until(lambda: d.stats()["position"] > 3000 + overlapping.rows, what="ordinals that are far above the ids")
    for _ in range(5):
        assert verify(d, timeout=f"{PATIENCE}s")["verdict"] == "equal"


def test_a_wrong_tile_is_found_while_transactions_overlap(deploy, postgres_table, overlapping, relay):  # noqa: F811
    d = overlap(deploy, postgres_table, overlapping).start()
    report = verify(d, address=relay(d, change_value("orders.ever", 1)), timeout="2s")
    assert keys(report["wrong"]) == {"orders.ever"} and not report["unprovable"], report


def test_retention_while_transactions_overlap(deploy, postgres_table, overlapping):
    d = overlap(deploy, postgres_table, overlapping).start()
    postgres_table.execute("DELETE FROM events WHERE id < 200")
    report = verify(d)
    assert report["verdict"] == "unprovable" and "orders.ever" in keys(report["unprovable"]), report
    ever = next(f for f in report["unprovable"] if f["key"] == "orders.ever")
    assert " on it has changed as the " in ever["proved"], ever


def test_several_ingestors_have_an_order_each(deploy, postgres_table, overlapping):
    """A row may be late for one of them and not for the other. Where one cannot be asked, its tiles are not called wrong."""
    d = overlap(deploy, postgres_table, overlapping, lanes=2, own_lanes=[0])
    d.config["cache"]["upstreams"] = [{"publish": d.addresses[0], "query": d.addresses[1]}, d.twin("other", "ingestor", own_lanes=[1])]
    d.write()
    d.start("ingestor", "other").start("cache")
    for _ in range(4):
        assert verify(d, timeout=f"{PATIENCE}s")["verdict"] == "equal"
    d.config["cache"]["upstreams"][1]["query"] = d.addresses[1]  # for verify alone: nobody reads the file again
    d.write()
    report = verify(d, timeout="2s")
    assert not report["wrong"], report


@pytest.mark.parametrize("statement,verdict,rows", [
    ("INSERT INTO events (id,timestamp,event_type) VALUES (49990, now(), 'order.created')", "equal", 50000),
    ("DELETE FROM events WHERE id = 49000", "unprovable", 49998),
    ("DELETE FROM events WHERE id = 3", "unprovable", 49998),
    ("DELETE FROM events WHERE id = 49000; INSERT INTO events (id,timestamp,event_type) VALUES (49990, now(), 'noise')", "unprovable", 49999),
])
def test_rows_that_come_or_go_among_those_that_were_read(deploy, postgres_table, relay, statement, verdict, rows):  # noqa: F811
    """Of a large table only the newest pages are read again, unless that does not do."""
    postgres_table.execute("INSERT INTO events (id,timestamp,event_type) SELECT i, now(), 'order.created' FROM generate_series(1, 50000) i"
                           " WHERE i <> 49990; SELECT setval('events_id_seq', 50000)")
    d = deploy(postgres_table, tiles=[{"key": "ever", "type": "count", "match": {"event_type": "order.*"}}], gateways=0).start()
    statements = [statement]

    def change(*_):
        if statements:
            postgres_table.execute(statements.pop())

    report = verify(d, address=relay(d, change))
    assert (report["verdict"], report["rows"]) == (verdict, rows), report
