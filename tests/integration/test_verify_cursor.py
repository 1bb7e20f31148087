# SPDX-License-Identifier: Apache-2.0
"""`tilewire verify` of a table that is read by source.cursor, while rows come: their ids say nothing of the order, and their times little."""
import random
import threading

import pytest

from test_verify import Overlapping, overlap
from test_verify_gone import change_value, keys, relay, verify  # noqa: F401 (a fixture)
from texts import PostgresTexts, SqliteTexts
from tilewire import PATIENCE, RandomEvents, now_iso, wait_until


class Late(Overlapping):
    """Each transaction takes its rows' times at its begin, and commits them when younger ones were delivered, in part long before."""

    BATCH = 40


@pytest.fixture
def uuid_table(cluster):
    table = PostgresTexts(cluster)
    table.create()
    table.execute("ALTER TABLE events ALTER COLUMN id SET DEFAULT gen_random_uuid()")
    table.deployments = []
    yield table
    table.close()


@pytest.fixture
def late(uuid_table):
    writers = Late(uuid_table)
    yield writers
    writers.stop()


@pytest.mark.parametrize("events", [1000, pytest.param(10000, marks=pytest.mark.thorough)])
def test_transactions_that_overlap_are_judged_while_they_go_on(deploy, uuid_table, late, events):
    """The log begins among the rows of a transaction that came late: what was delivered before them is younger."""
    d = overlap(deploy, uuid_table, late, events=events)
    d.config["cache"]["events"] = events
    d.write()
    d.start()
    wait_until(lambda: d.stats()["position"] > events + 500, what="a log that lacks the first rows")
    for i in range(12):
        result = d.run("verify", "--timeout", f"{PATIENCE}s")
        assert result.returncode == 0, f"run {i + 1} of 12:\n{result.stdout}"


def test_a_wrong_tile_is_found_while_transactions_overlap(deploy, uuid_table, late, relay):  # noqa: F811
    d = overlap(deploy, uuid_table, late, events=1000)
    d.config["cache"]["events"] = 1000
    d.write()
    d.start()
    wait_until(lambda: d.stats()["position"] > 1500, what="a log that lacks the first rows")
    address = relay(d, change_value("orders.ever", 1))

    def only_that_one():
        """Of a machine that is busy others are behind as well, for what is wrong is looked at no longer than that."""
        report = verify(d, address=address, timeout="2s")
        assert "orders.ever" in keys(report["wrong"]), report
        return keys(report["wrong"]) == {"orders.ever"} and not report["unprovable"]

    wait_until(only_that_one)


@pytest.fixture
def sqlite_texts(folder):
    table = SqliteTexts(folder / "events.db", "wal")
    table.create()
    table.deployments = []
    yield table
    table.close()


def test_rows_of_one_moment_that_come_late(deploy, sqlite_texts):
    """One commit after the other: forty rows of one moment, most of them of seconds ago."""
    ended, written = threading.Event(), []

    def write():
        rows, r = RandomEvents(7), random.Random(7)
        while not ended.wait(0.05 if len(written) < 250 else 0.4):  # from 10,000 rows on slowly: see Overlapping
            moment = now_iso(-r.choice([0, 0, 1, 3, 8]))
            sqlite_texts.insert([(moment, *rows.next()[1:]) for _ in range(40)])
            written.append(40)

    d = deploy(sqlite_texts, config={"source": {"poll_interval": "100ms"}, "ingestor": {"events": 1000}, "cache": {"events": 1000}}).start()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_until(lambda: d.stats()["position"] > 1500, what="a log that lacks the first rows")
        for _ in range(6):
            report = verify(d, timeout=f"{PATIENCE}s")
            assert report["verdict"] == "equal", report
    finally:
        ended.set()
        writer.join()
    wait_until(lambda: d.stats()["position"] == sum(written), what="all rows")
    assert verify(d)["verdict"] == "equal"
