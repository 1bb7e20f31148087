# SPDX-License-Identifier: Apache-2.0
"""A table that is read by source.cursor loses rows that were delivered: PostgreSQL fails over to a standby that lacks them, or a
database is restored. Ids are not used again, so only what stands at the place of the newest rows tells it."""
import pytest

from conftest import make_table
from test_lost_rows import AFTER, BEFORE, LOST, STORES, Pair, PostgresFolder, SqliteFolder, held_by, write
from test_outages import own_server  # noqa: F401 (a fixture)
from texts import PostgresTexts
from tilewire import Postgres, wait_until


def held_ids(d, who):
    held = held_by(d, who)
    return held and sorted(row[0] for row in held)


def await_same(d, table):
    """Ingestor, caches and gateways all hold the events that the table has, and no others."""
    for who in [name for name in d.programs if d[name].process is not None]:
        wait_until(lambda: held_ids(d, who) == table.ids(), what=f"{who} to hold the table's events")


def deployed(deploy, table, store):
    d = deploy(table, config={"ingestor": {"checkpoint": "postgresql"}} if store == "postgresql" else {})
    write(table, BEFORE, "stays")
    d.start()
    await_same(d, table)
    wait_until(lambda: d.stats()["checkpoint_position"] == BEFORE, what="a checkpoint")
    return d


def check(d, table, streams, resets):
    await_same(d, table)
    d.verify()
    wait_until(lambda: [sum(e["event"] == "reset" for e in s.events) for s in streams] == [resets] * len(streams), what="the resets")
    write(table, 1, "one more")
    for stream in streams:
        stream.await_event(lambda e: e["event"] != "heartbeat" and e["data"].get("summary") == "one more 0")
    await_same(d, table)
    assert [sum(e["event"] == "reset" for e in s.events) for s in streams] == [resets] * len(streams)


@pytest.fixture
def text_pair(own_server, folder):  # noqa: F811
    table = PostgresTexts({**own_server, "uri": own_server["local_uri"]})
    table.create()
    table.deployments = []
    pair = Pair(table, folder)
    table.uri, uri = pair.uri, table.uri
    yield pair
    table.uri = uri
    for deployment in table.deployments:
        deployment.problems = deployment.stop()
    Postgres.stop_server(pair.standby)


@pytest.mark.parametrize("alive", [True, False], ids=["alive", "down"])
@pytest.mark.parametrize("store", STORES)
def test_a_failover_that_loses_rows(deploy, text_pair, store, alive):
    table = text_pair.table
    d = deployed(deploy, table, store)
    text_pair.catch_up()
    streams = [d.stream("/api/events/stream", i) for i in range(2)]
    write(table, LOST, "lost")
    await_same(d, table)
    wait_until(lambda: d.stats()["checkpoint_position"] == BEFORE + LOST, what="a checkpoint")
    if not alive:
        d["ingestor"].kill()
    text_pair.fail_over(lambda: write(table, AFTER, "new"))
    if not alive:
        d.start("ingestor")
    check(d, table, streams, 1)


@pytest.mark.parametrize("store", STORES)
def test_a_failover_that_loses_nothing_is_no_matter(deploy, text_pair, store):
    """Tiles keep the rows that had been deleted: an outbox keeps the newest one."""
    table = text_pair.table
    d = deployed(deploy, table, store)
    table.execute("DELETE FROM events WHERE id <> (SELECT id FROM events ORDER BY timestamp DESC, id DESC LIMIT 1)")
    text_pair.catch_up()
    streams = [d.stream("/api/events/stream", i) for i in range(2)]
    text_pair.fail_over(lambda: write(table, AFTER, "new"))
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] == BEFORE + AFTER, what="the new rows")
    for stream in streams:
        stream.await_event(lambda e: e["event"] != "heartbeat" and e["data"].get("summary") == f"new {AFTER - 1}")
        assert not any(e["event"] == "reset" for e in stream.events)


def test_a_sqlite_database_replaced_by_an_older_copy(deploy, request, folder):
    for table in make_table("sqlite-texts", request, folder):
        d = deployed(deploy, table, "file")
        restored = SqliteFolder(table, d)
        restored.save()
        streams = [d.stream("/api/events/stream", i) for i in range(2)]
        write(table, LOST, "lost")
        await_same(d, table)
        restored.restore(False)
        write(table, AFTER, "new")
        check(d, table, streams, 1)


@pytest.fixture(params=["sqlite", "postgresql"])
def texts_folder(request, folder):
    """(table, what makes its folder): PostgreSQL has a server of its own."""
    if request.param == "sqlite":
        for table in make_table("sqlite-texts", request, folder):
            yield table, SqliteFolder
        return
    server = request.getfixturevalue("own_server")
    table = PostgresTexts({**server, "uri": server["local_uri"]})
    table.create()
    table.deployments = []
    yield table, PostgresFolder
    for deployment in table.deployments:
        deployment.problems = deployment.stop()


@pytest.mark.parametrize("new", [AFTER, 0])
def test_a_folder_restored_from_a_backup(deploy, texts_folder, new):
    """The checkpoint is restored with the database. Caches and gateways forget what was lost, also if no row comes after it."""
    table, make = texts_folder
    d = deployed(deploy, table, table.kind)
    folder = make(table, d)
    d["ingestor"].kill()
    folder.save()
    d.start("ingestor")
    streams = [d.stream("/api/events/stream", i) for i in range(2)]
    write(table, LOST, "lost")
    await_same(d, table)
    d["ingestor"].kill()
    folder.restore()
    if new != 0:
        write(table, new, "new")
    d.start("ingestor")
    check(d, table, streams, 1)


@pytest.fixture
def uuid_table(request, folder):
    yield from make_table("postgresql-uuid", request, folder)


def test_rows_that_are_deleted_while_nobody_reads_begin_nothing_anew(deploy, uuid_table):
    """But the oldest: the server has run on, so the others were deleted, and not lost."""
    d = deployed(deploy, uuid_table, "file")
    streams = [d.stream("/api/events/stream", gateway) for gateway in (0, 1)]
    d["ingestor"].kill()
    uuid_table.execute("DELETE FROM events WHERE id <> (SELECT id FROM events ORDER BY timestamp, id LIMIT 1)")
    d.start("ingestor")
    write(uuid_table, AFTER, "new")
    for stream in streams:  # rows of one millisecond come in the order of their ids
        wait_until(lambda: sum(e["event"] != "heartbeat" for e in stream.events) >= AFTER, what="the new rows")
        assert sorted(e["data"].get("summary", e["event"]) for e in stream.events if e["event"] != "heartbeat") == sorted(f"new {i}" for i in range(AFTER))
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] == BEFORE + AFTER, what="all that were delivered")
