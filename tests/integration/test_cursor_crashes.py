# SPDX-License-Identifier: Apache-2.0
"""Tables that are read by source.cursor: rows that commit late, `kill -9`, and a standby that takes over."""
import signal
import time

import pytest

from conftest import make_table
from test_crashes import Resuming, Writer, Writers
from test_cursor import text_ids
from test_failover import await_reign, epoch, stop, with_standby
from tilewire import RandomEvents, wait_until


class Reader(Resuming):
    """Ids are texts."""

    def ids(self):
        return [i for stream in self.streams for i in text_ids(stream)]


class CursorWriters(Writers):
    """Of which some are rolled back: rows are committed in another order than that of the cursor."""

    def write(self, seed):
        rows = RandomEvents(seed)
        db = self.table.connect()
        while not self.ending.is_set():
            for _ in range(rows.random.randrange(1, 4)):
                self.table.put([(self.table.new_id(), *rows.next())], db)
                time.sleep(rows.random.uniform(0, 0.02))
            db.rollback() if rows.random.random() < 0.2 else db.commit()
        db.close()


@pytest.fixture(params=["sqlite-texts", "postgresql-uuid"])
def table(request, folder):
    yield from make_table(request.param, request, folder)


@pytest.fixture
def uuid_table(request, folder):
    yield from make_table("postgresql-uuid", request, folder)


def await_progress(clients, count=100):
    seen = [len(client.ids()) for client in clients]
    wait_until(lambda: all(client.keep_up() or len(client.ids()) > n + count for client, n in zip(clients, seen)), what="events that go on")


def assert_each_once(d, clients):
    expected = d.table.ids()
    for client in clients:
        wait_until(lambda: client.keep_up() or len(client.ids()) >= len(expected), what="all events")
        assert client.resets() == 0
    ids = clients[0].ids()
    assert clients[1].ids() == ids, "the same order on each gateway"
    assert sorted(ids) == expected, "each exactly once"
    d.verify()
    return ids


@pytest.mark.parametrize("checkpoint", ["file", "postgresql"])
def test_late_commits_and_kills(deploy, uuid_table, checkpoint):
    """Rows that commit out of the cursor's order keep their places in the stream when the ingestor is killed in between."""
    d = deploy(uuid_table, config={"source": {"poll_interval": "20ms"}})
    if checkpoint == "postgresql":
        d.config["ingestor"]["checkpoint"] = "postgresql"
    d.config["ingestor"]["checkpoint_interval"] = "500ms"
    d.write()
    d.start()
    clients = [Reader(d, 0), Reader(d, 1)]
    writers = CursorWriters(uuid_table, 5)
    try:
        for _ in range(6):
            await_progress(clients)
            d["ingestor"].kill()
            d.start("ingestor")
    finally:
        writers.stop()
    ids = assert_each_once(d, clients)
    with uuid_table.db, uuid_table.db.cursor() as cursor:
        cursor.execute("SELECT id::text FROM events ORDER BY timestamp, id")
        assert ids != [row[0] for row in cursor.fetchall()], "or nothing came late, and nothing was tested"


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_standby_takes_over(deploy, table, how):
    d = with_standby(deploy(table))
    clients = [Reader(d, 0), Reader(d, 1)]
    writer = CursorWriters(table, 4) if table.kind == "postgresql" else Writer(table, 41)
    try:
        await_progress(clients)
        before = epoch(d, "ingestor")
        if how == "killed":
            d["ingestor"].kill()
        else:
            stop(d["ingestor"])
        await_reign(d, "standby", before)
        await_progress(clients)
        if how == "killed":
            d["ingestor"].start()  # comes back as the standby of the other
            d["ingestor"].await_log("standing by")
            d["standby"].kill()
            await_progress(clients)
        else:
            log = len(d["ingestor"].log_text())
            d["ingestor"].process.send_signal(signal.SIGCONT)
            d["ingestor"].await_log("standing by: another ingestor", after=log)
            await_progress(clients)
    finally:
        writer.stop()
    assert_each_once(d, clients)
    assert all(len(client.streams) == 1 for client in clients), "no client had to reconnect"
