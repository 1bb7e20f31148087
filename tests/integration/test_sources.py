# SPDX-License-Identifier: Apache-2.0
"""Reading tables as they are: wake-ups, missing things, unusable rows, tables that begin anew."""
import json
import shutil
import signal
import sqlite3
import time

import pytest

from tilewire import RandomEvents, Sqlite, now_iso, wait_until


def test_postgres_polls_without_a_trigger_and_is_woken_with_one(deploy, postgres_table):
    d = deploy(postgres_table, config={"source": {"poll_interval": "1h"}}).start()
    assert d.run("install-trigger").returncode == 0
    assert d.run("install-trigger").returncode == 0, "again does no harm"
    last = postgres_table.insert([(now_iso(), "order.created", None, "o", None, None)])
    wait_until(lambda: d.stats()["position"] == last, what="NOTIFY to wake the ingestor")
    assert d.run("install-trigger", "--remove").returncode == 0
    assert d.run("install-trigger", "--remove").returncode == 0
    d["ingestor"].kill()
    d.config["source"]["poll_interval"] = "200ms"
    d.write()
    d.start("ingestor")
    last = postgres_table.insert([(now_iso(), "order.created", None, "o", None, None)])
    wait_until(lambda: d.stats()["position"] == last, what="polling to find the row")
    d.verify()


def test_postgres_connections_are_made_anew(deploy, postgres_table):
    d = deploy(postgres_table, config={"source": {"poll_interval": "100ms"}}).start()
    for _ in range(3):
        postgres_table.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tilewire'")
        last = postgres_table.insert([(now_iso(), "order.created", None, "o", None, None)])
        wait_until(lambda: d.stats()["position"] == last)
    d.verify()


def test_postgres_listens_again_after_its_connection_was_cut(deploy, postgres_table):
    """With an hour between polls: only the poll that follows a reconnect, and NOTIFY, can find the rows."""
    d = deploy(postgres_table, config={"source": {"poll_interval": "1h"}})
    d.run("install-trigger", check=True)
    d.start()
    stream = d.stream("/api/events/stream")
    for i in range(3):
        postgres_table.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tilewire'")
        postgres_table.insert([(now_iso(), f"cut{i}", None, "o", None, None)])
        stream.await_event(lambda e: e["event"] == f"cut{i}", 10, "the row written while the connection was down")
        postgres_table.insert([(now_iso(), f"after{i}", None, "o", None, None)])
        stream.await_event(lambda e: e["event"] == f"after{i}", 10, "the row that NOTIFY tells of")
    d.verify()


def test_postgres_rows_that_commit_late_are_delivered_late(deploy, postgres_table):
    d = deploy(postgres_table, config={"source": {"poll_interval": "100ms"}}).start()
    stream = d.stream("/api/events/stream")
    slow = postgres_table.connect()
    cursor = slow.cursor()
    cursor.execute("INSERT INTO events (timestamp,event_type,target_id) VALUES (now(),'work_item_created','late') RETURNING id")
    late = cursor.fetchone()[0]
    last = postgres_table.insert([(now_iso(), "work_item_created", None, f"w{i}", None, None) for i in range(5)])
    stream.await_event(lambda e: e["id"] == str(last))
    assert late not in stream.ids()
    assert d.stats()["ids_pending"] == 1
    slow.commit()
    stream.await_event(lambda e: e["id"] == str(late))
    d.verify()
    rolled_back = postgres_table.connect()
    rolled_back.cursor().execute("INSERT INTO events (timestamp,event_type) VALUES (now(),'never')")
    last = postgres_table.insert([(now_iso(), "order.created", None, "o", None, None)])
    rolled_back.rollback()
    stream.await_event(lambda e: e["id"] == str(last))
    assert stream.ids() == [2, 3, 4, 5, 6, 1, 8]
    slow.close()
    rolled_back.close()


def test_postgres_thousands_of_holes_cost_no_time(deploy, postgres_table):
    """Each look reads range by range; a plan that compares all rows with all ranges takes minutes for one look."""
    postgres_table.execute("INSERT INTO events (id,timestamp,event_type) SELECT i, now(), 'order.created' FROM generate_series(1, 60000) i"
                           " WHERE i % 4 <> 0")
    postgres_table.execute("SELECT setval('events_id_seq', 60000)")
    d = deploy(postgres_table, config={"source": {"poll_interval": "100ms"}}).start()
    stream = d.stream("/api/events/stream")
    assert d.stats()["ids_pending"] == 14999, "60000 is not missing yet"
    late = postgres_table.connect()
    late.cursor().execute("INSERT INTO events (id,timestamp,event_type) SELECT i, now(), 'order.created' FROM unnest('{4,30000,59996}'::int[]) i")
    late.commit()
    late.close()
    wait_until(lambda: len(stream.ids()) >= 3, what="the late rows, which one round of the polls finds")
    assert sorted(stream.ids()) == [4, 30000, 59996]
    last = postgres_table.insert([(now_iso(), "order.created", None, "o", None, None)])
    stream.await_event(lambda e: e["id"] == str(last))
    assert d.stats()["source_failures"] == 0
    d.verify()


def test_postgres_is_read_by_the_index_on_ids_without_statistics(deploy, postgres_table):
    """For a table that was never analyzed PostgreSQL would rather sort all that is left, for each batch."""
    postgres_table.execute("ALTER TABLE events SET (autovacuum_enabled = false)")
    rows = 40000
    postgres_table.execute(f"INSERT INTO events (timestamp, event_type) SELECT now(), 'order.created' FROM generate_series(1, {rows})")
    d = deploy(postgres_table).start("ingestor")
    assert d.stats()["position"] == rows
    d["ingestor"].kill(signal.SIGTERM)  # its session tells the statistics at its end

    def read():
        with postgres_table.db, postgres_table.db.cursor() as cursor:
            cursor.execute("SELECT idx_tup_read FROM pg_stat_user_indexes WHERE relname = 'events'")
            return cursor.fetchone()[0]

    wait_until(lambda: read() >= rows, what="the statistics")
    assert read() < 1.5 * rows


def test_sqlite_rows_are_seen_however_long_the_log_is_synced(deploy, sqlite_table):
    """In WAL mode what notifies is the write into the log; the commit can be seen only after it was synced. With an hour between
    polls only the looks that follow a notification can find the row."""
    sqlite_table.db.execute("PRAGMA synchronous=FULL")
    d = deploy(sqlite_table, config={"source": {"poll_interval": "1h"}}).start("ingestor")
    for _ in range(50):
        last = sqlite_table.insert([(now_iso(), "order.created", None, "o", None, None)])
        wait_until(lambda: d.stats()["position"] == last, what="the row to be found")


def test_a_table_that_ends_with_a_full_batch_is_caught_up_with(deploy, table):
    """It cannot be told from the last batch that nothing follows it."""
    rows = 4000  # READER_ROWS
    table.insert([(now_iso(), "order.created", None, "o", None, None)] * rows)
    d = deploy(table)
    d.start("ingestor")
    assert d.stats()["position"] == rows
    d["ingestor"].kill(signal.SIGTERM)
    d.start("ingestor")  # its history may end with a full batch, too


@pytest.mark.parametrize("problem,message", [
    ("table", 'no table'), ("column", 'no column "at" for timestamp'),
])
def test_what_is_missing_is_named(deploy, table, problem, message):
    d = deploy(table)
    d.config["source"].update({"table": "no_events"} if problem == "table" else {"columns": {"timestamp": "at"}})
    d.write()
    d["ingestor"].start()
    d["ingestor"].await_log(message)
    table.execute("CREATE TABLE no_events AS SELECT * FROM events" if problem == "table" else "ALTER TABLE events ADD COLUMN at text")
    d["ingestor"].await_log("ready component")

@pytest.mark.parametrize("kind", ["table", "column"])
def test_commands_name_what_is_missing(deploy, table, kind):
    """verify and install-trigger say what to do, as the ingestor does, not only what the database said."""
    mapping = {"table": {"table": "lost"}, "column": {"columns": {"timestamp": "lost_at"}}}[kind]
    d = deploy(table, config={"source": mapping})
    wanted = {"table": "source.table to the name of your events table", "column": "source.columns.timestamp to the one that holds it"}[kind]
    result = d.run("verify")
    assert result.returncode == 1 and "lost" in result.stdout and wanted in result.stdout, result
    if table.kind == "postgresql" and kind == "table":
        result = d.run("install-trigger")
        assert result.returncode == 1 and "lost" in result.stdout and wanted in result.stdout, result


def test_optional_columns_may_be_missing(deploy, folder):
    path = folder / "lean.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE log (n INTEGER PRIMARY KEY, created INTEGER, kind TEXT, shop TEXT)")
    db.execute("INSERT INTO log (created,kind,shop) VALUES (?,?,?)", (int(time.time()), "sale", "north"))
    db.commit()
    table = Sqlite(path, "delete")
    d = deploy(table, tiles=[{"key": "sales", "type": "count", "match": {"event_type": "sale", "shop": "n*"}},
                             {"key": "by", "type": "count", "group_by": "shop"}])
    d.config["source"].update({"table": "log", "columns": {"id": "n", "timestamp": "created", "event_type": "kind", "shop": "shop"}})
    d.write()
    d.start()
    wait_until(lambda: d.tile("sales")["data"]["value"] == 1)
    wait_until(lambda: d.tile("by/north")["data"]["value"] == 1)
    event = d.get_json("/api/events")["events"][0]
    assert event["shop"] == "north" and event["actor_id"] is None and event["summary"] is None
    d.verify()


def test_unusable_rows_are_counted_and_passed_over(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    sqlite_table.insert([
        ("no time", "order.created", None, "o", None, None),
        (None, "order.created", None, "o", None, None),
        (now_iso(), None, None, "o", None, None),
        (now_iso(), "order.created", None, "o", None, "x" * 1_100_000),
        (now_iso(), "metrics.updated", None, None, None, "{not json"),
        (now_iso(), "metrics.updated", None, None, None, '{"metric":"queue.depth","value":"many"}'),
        (now_iso(), "order.created", None, "o", b"\xff\xfe", "{}"),
        (now_iso(), "order.created", None, "good", None, None),
    ])
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] == 2)
    stats = d.stats()
    assert stats["rows_unusable"] == 4 and stats["payloads_unusable"] == 1 and stats["fields_unusable"] >= 1
    assert d["ingestor"].log_text().count("is passed over") == 3, "once for each kind"
    assert d.get_json("/api/events?limit=1")["events"][0]["target_id"] == "good"
    d.verify()


def test_rollback_journal_and_wal_wake_the_reader(deploy, table):
    if table.kind != "sqlite":
        pytest.skip("SQLite's files")
    d = deploy(table, config={"source": {"poll_interval": "1h"}}).start()
    stream = d.stream("/api/events/stream")
    for i in range(3):
        table.shell(f"INSERT INTO events (timestamp,event_type) VALUES ('{now_iso()}','e{i}')")
        stream.await_event(lambda e: e["event"] == f"e{i}", 2)


def test_sqlite_replaced_vacuumed_locked(deploy, sqlite_table, folder):
    d = deploy(sqlite_table, config={"source": {"poll_interval": "100ms"}}).start()
    rows = RandomEvents(20)
    sqlite_table.insert([rows.next() for _ in range(200)])
    d.verify()
    sqlite_table.execute("VACUUM")
    sqlite_table.insert([rows.next() for _ in range(20)])
    d.verify()
    sqlite_table.execute("BEGIN EXCLUSIVE")
    assert d.request("/api/tiles")[0] == 200
    sqlite_table.execute("COMMIT")
    stream = d.stream("/api/events/stream")
    new = Sqlite(folder / "new.db", "delete")
    new.create()
    new.insert([rows.next() for _ in range(5)])
    new.close()
    sqlite_table.close()
    for suffix in ("-wal", "-shm"):
        (folder / f"events.db{suffix}").unlink(missing_ok=True)
    shutil.move(folder / "new.db", sqlite_table.path)
    stream.await_event(lambda e: e["event"] == "reset", 15, "the reset after the table began anew")
    wait_until(lambda: d.stats()["position"] == 5)
    d.verify()
    sqlite_table.db = sqlite3.connect(sqlite_table.path)


def test_postgres_truncated_and_begun_anew(deploy, postgres_table):
    d = deploy(postgres_table, config={"source": {"poll_interval": "100ms"}}).start()
    rows = RandomEvents(21)
    postgres_table.insert([rows.next() for _ in range(200)])
    d.verify()
    stream = d.stream("/api/events/stream")
    postgres_table.execute("TRUNCATE events RESTART IDENTITY")
    postgres_table.insert([rows.next() for _ in range(5)])
    stream.await_event(lambda e: e["event"] == "reset", 15)
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] <= 5)
    d.verify()


def test_deleting_the_newest_rows_is_no_new_table(deploy, table):
    d = deploy(table, config={"source": {"poll_interval": "20ms"}}).start()
    stream = d.stream("/api/events/stream")
    for _ in range(5):
        last = table.insert([(now_iso(), "note.written", None, None, None, None) for _ in range(3)])
        stream.await_event(lambda e: e["id"] == str(last))
        table.execute(f"DELETE FROM events WHERE id = {last}")
        wait_until(lambda: f"are gone (newest is {last - 1}, {last} was read)" in d["ingestor"].log_text())
    assert stream.ids() == list(range(1, last + 1))
    assert d.stats()["table_restarts"] == 0
    assert not [e for e in stream.events if e["event"] == "reset"]


def test_a_table_restored_from_a_backup_is_noticed_when_rows_come_below_the_position(deploy, table):
    """Nearly all ids are there again, so it looks as if the newest rows had been deleted, until ids come that were read before."""
    rows = RandomEvents(24)
    table.insert([rows.next() for _ in range(300)])
    d = deploy(table, config={"source": {"poll_interval": "100ms"}}).start()
    stream = d.stream("/api/events/stream")
    table.execute("DELETE FROM events WHERE id > 250")
    d["ingestor"].await_log("the newest rows of table .* are gone")
    assert not [e for e in stream.events if e["event"] == "reset"], "deleted rows stay facts"
    table.load(range(251, 260), rows)
    stream.await_event(lambda e: e["event"] == "reset", 15)
    d.verify()
    table.load(range(260, 270), rows)
    wait_until(lambda: stream.ids()[-1:] == [269])
    d.verify()


def test_postgres_restored_between_two_looks(deploy, postgres_table):
    """TRUNCATE and COPY in one transaction: the table is in another file, and its ids do not reach the position."""
    rows = RandomEvents(25)
    postgres_table.insert([rows.next() for _ in range(300)])
    d = deploy(postgres_table).start()
    stream = d.stream("/api/events/stream")
    postgres_table.execute("CREATE TABLE backup AS SELECT * FROM events WHERE id <= 290;"
                           "TRUNCATE events; INSERT INTO events SELECT * FROM backup")
    stream.await_event(lambda e: e["event"] == "reset", 15)
    d.verify()


def test_payload_in_events_is_opt_in(deploy, table):
    d = deploy(table, config={"source": {"payload_in_events": True}}).start()
    table.insert([(now_iso(), "order.created", None, "o", None, json.dumps({"a": [1, {"b": "c"}]}))])
    event = wait_until(lambda: d.get_json("/api/events")["events"])[0]
    assert event["payload"] == {"a": [1, {"b": "c"}]}
