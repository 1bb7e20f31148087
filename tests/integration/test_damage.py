# SPDX-License-Identifier: Apache-2.0
"""Full disks, and checkpoints, journals and tables that are damaged, replaced or begun anew: told, and never a wrong tile."""
import os
import signal
import sqlite3
import struct
import subprocess

import msgpack
import pytest

from conftest import make_table
from test_crashes import INSERT, Resuming
from tilewire import PATIENCE, RandomEvents, Sqlite, now_iso, wait_until

FORMAT = 8  # where a frame has its format, behind the magic


class Stored:
    """The state and the journal, wherever they lie."""

    def __init__(self, d, kind, table):
        self.d, self.kind, self.table = d, kind, table
        self.path = d.folder / "checkpoint"
        if kind == "postgresql":
            d.config["ingestor"]["checkpoint"] = "postgresql"
            d.write()

    def database(self):
        """The database that the file names; nothing writes to it."""
        text = self.path.read_bytes()[32:].decode()
        return self.d.folder / f"checkpoint.state.{int(text)}"

    def execute(self, sql, *parameters):
        """In a file's SQL; a value is X'…' there, and a bytea in PostgreSQL."""
        if self.kind == "postgresql":
            with self.table.db, self.table.db.cursor() as cursor:
                cursor.execute(sql.replace("state", "tilewire.state").replace("journal", "tilewire.journal").replace("?", "%s"), parameters)
                return cursor.fetchall() if cursor.description else None
        with sqlite3.connect(self.database()) as db:
            rows = db.execute(sql, parameters).fetchall()
        db.close()
        return rows

    def read(self):
        """All of it: what compares equal was not written to."""
        if self.kind == "file":
            return self.path.read_bytes(), self.execute("SELECT * FROM state ORDER BY tile, member, item")
        with self.table.db, self.table.db.cursor() as cursor:
            cursor.execute("SELECT bytes, version FROM tilewire.checkpoint")
            checkpoint = cursor.fetchall()
        return [[[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in table] for table in
                (checkpoint, self.execute("SELECT * FROM state ORDER BY tile, member, item"))]

    def remove(self):
        """As docs/sources.md says."""
        if self.kind == "file":
            for path in self.d.folder.glob("checkpoint*"):
                if ".lock." not in path.name:
                    path.unlink()
        else:
            self.execute("DELETE FROM state")
            self.table.execute("DELETE FROM tilewire.checkpoint")

    def damage(self, how):
        """Returns what the log has to say."""
        if how == "missing":
            self.remove()
            return ""
        if how == "records gone":
            self.execute("DELETE FROM state")
            return "are lost"
        if how == "place changed":
            value = bytes(self.execute("SELECT value FROM state WHERE tile = 0 AND item = 1")[0][0])
            self.execute("UPDATE state SET value = ? WHERE tile = 0 AND item = 1", value[:5] + bytes([value[5] ^ 1]) + value[6:])
            return "is damaged"
        content = self.path.read_bytes()
        if how == "database gone":
            self.database().unlink()
            return "the state is lost"
        if how == "database overwritten":
            self.database().write_bytes(b"x" * 10000)
            return "not a database"
        self.path.write_bytes({"empty": b"", "cut": content[:20], "changed": content[:-2] + b"\0" + content[-1:],
                               "older": content[:FORMAT] + b"\0" + content[FORMAT + 1:],
                               "no format": content[:FORMAT] + b"\xff\xff" + content[FORMAT + 2:]}[how])
        return "cannot be used"

    def damage_journal(self, how):
        """Of the journal's first record one byte, or all."""
        first = "(SELECT min(n) FROM journal)"
        assert self.execute("SELECT count(*) FROM journal")[0][0] > 1, "more than one record"
        if how == "missing":
            self.execute(f"DELETE FROM journal WHERE n = {first}")
            return
        record = bytes(self.execute(f"SELECT record FROM journal WHERE n = {first}")[0][0])
        self.execute(f"UPDATE journal SET record = ? WHERE n = {first}", record[:-2] + bytes([record[-2] ^ 1]) + record[-1:])


DAMAGES = {"file": ("missing", "empty", "cut", "changed", "older", "no format", "records gone", "place changed", "database gone",
                    "database overwritten"),
           "postgresql": ("missing", "records gone", "place changed")}


@pytest.mark.parametrize("kind", ["file", "postgresql"])
def test_a_state_that_cannot_be_used_is_told_and_all_is_built_from_the_table(deploy, postgres_table, kind):
    rows = RandomEvents(10)
    postgres_table.insert([rows.next() for _ in range(200)])
    d = deploy(postgres_table, gateways=1)
    stored = Stored(d, kind, postgres_table)
    d.start()
    for damage in DAMAGES[kind]:
        last = postgres_table.insert([rows.next() for _ in range(20)])
        wait_until(lambda: d.stats()["checkpoint_position"] == last, what="the state")
        assert d["ingestor"].kill(signal.SIGTERM) == 0
        says = stored.damage(damage)
        before = len(d["ingestor"].log_text())
        d.start("ingestor")
        d.verify()
        log = d["ingestor"].log_text()[before:]
        assert "building all tiles" in log, damage
        assert says in log, (damage, log)
        lost = bool(says)
        assert d.stats()["states_lost"] == lost, damage
        wait_until(lambda: d.tile("orders.created")["complete"] is not lost, what=damage)


def test_a_tile_whose_records_are_damaged_is_built_anew_alone(deploy, table):
    rows = RandomEvents(10)
    table.insert([rows.next() for _ in range(200)])
    d = deploy(table, gateways=1)
    stored = Stored(d, "file", table)
    d.start()
    wait_until(lambda: d.stats()["checkpoint_position"] == 200, what="the state")
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    keys = {row[0]: msgpack.unpackb(bytes(row[1])[:-8])[1] for row in
            stored.execute("SELECT tile, value FROM state WHERE tile > 0 AND member = 0")}
    tile = next(number for number, key in keys.items() if key == "orders.created")
    stored.execute("UPDATE state SET value = ? WHERE tile = ? AND member = 1", b"nonsense", tile)
    table.execute("DELETE FROM events WHERE id <= 50")
    before = len(d["ingestor"].log_text())
    d.start("ingestor")
    d["ingestor"].await_log("the state of 1 tile definitions is damaged", after=before)
    wait_until(lambda: d.tile("orders.created")["complete"] is False)
    assert all(tile["complete"] for tile in d.get_json("/api/tiles")["tiles"] if tile["key"] != "orders.created")


def newer(stored, part):
    """The state as a version would write it that has another format of that part. Returns what undoes it."""
    def change(where, index):
        value = bytes(stored.execute(f"SELECT value FROM state WHERE {where}")[0][0])
        keys = stored.execute(f"SELECT tile, member, item FROM state WHERE {where}")[0]
        parts = msgpack.unpackb(value[:-8], strict_map_key=False)
        if index is None:
            parts[0] += 10
        else:
            inner = msgpack.unpackb(parts[index], strict_map_key=False)
            parts[index] = msgpack.packb([inner[0] + 10, *inner[1:]])
        packed = msgpack.packb(parts)
        stored.execute(f"UPDATE state SET value = ? WHERE {where}", packed + struct.pack("<Q", digest(struct.pack("<QQQ", *keys) + packed)))
        return lambda: stored.execute(f"UPDATE state SET value = ? WHERE {where}", value)

    if part == "place":
        return change("tile = 0 AND item = 1", None)
    if part == "source":
        return change("tile = 0 AND item = 1", 4)
    if part == "tile":
        return change("member = 0 AND item = 0 AND tile = (SELECT max(tile) FROM state)", None)
    if stored.kind == "postgresql":
        stored.table.execute("UPDATE tilewire.checkpoint SET version = 99")
        return lambda: stored.table.execute("UPDATE tilewire.checkpoint SET version = 1")
    if part == "schema":
        stored.execute("PRAGMA user_version = 99")
        return lambda: stored.execute("PRAGMA user_version = 1")
    content = stored.path.read_bytes()
    stored.path.write_bytes(content[:FORMAT] + b"\7" + content[FORMAT + 1:])
    return lambda: stored.path.write_bytes(content)


def digest(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return value


@pytest.mark.parametrize(("kind", "at"), [("sqlite", "file"), ("postgresql", "file"), ("postgresql", "postgresql")])
def test_what_a_newer_version_saved_is_refused_and_left_as_it_is(deploy, folder, request, kind, at):
    tables = make_table(kind, request, folder)
    table = next(tables)
    rows = RandomEvents(10)
    table.insert([rows.next() for _ in range(50)])
    d = deploy(table, gateways=1)
    stored = Stored(d, at, table)
    d.start()
    for part in ("pointer", "schema", "place", "source", "tile"):
        last = table.insert([rows.next() for _ in range(20)])
        wait_until(lambda: d.stats()["checkpoint_position"] == last, what="the state")
        assert d["ingestor"].kill(signal.SIGTERM) == 0
        undo = newer(stored, part)
        content = stored.read()
        table.insert([rows.next() for _ in range(20)])
        before = len(d["ingestor"].log_text())
        d["ingestor"].start()
        assert d["ingestor"].process.wait(timeout=PATIENCE) == 1, part
        log = d["ingestor"].log_text()[before:]
        assert "A newer version of Tilewire wrote it" in log and "remove the state" in log, log
        assert "building all tiles" not in log and "ready component" not in log, log
        assert stored.read() == content, "not written over"
        # The newer version is started again: nothing is lost, and nothing counted twice.
        undo()
        d.start("ingestor")
        d.verify()
        assert "building all tiles" not in d["ingestor"].log_text()[before:]
    # Or one goes on with the older one.
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    newer(stored, "schema")
    stored.remove()
    d.start("ingestor")
    d.verify()
    assert not (d.problems + d.stop())
    next(tables, None)


def check_came_again(d, last):
    """The six rows since the state was saved, which came again in another order: who resumes after one says in which."""
    wait_until(lambda: d.get_json("/api/events?limit=1")["events"][0]["id"] == last, what="the newest event")
    events = d.get_json("/api/events")["events"]
    assert len({e["redelivered"] for e in events[:6]}) == 1 and "redelivered" not in events[-1], events
    again = [(e["id"], e["redelivered"]) for e in events[:6]]
    assert d.request(f"/api/events?after={again[1][0]}")[0] == 404
    assert [e["id"] for e in d.get_json(f"/api/events?after={again[1][0]}~{again[1][1]}")["events"]] == [again[0][0]]
    return again


@pytest.mark.parametrize("kind", ["file", "postgresql"])
def test_a_damaged_journal_is_told_and_streams_are_reset(deploy, postgres_table, kind):
    """Without it the order since the state was saved is not known: that must not pass for the order that there was."""
    rows = RandomEvents(16)
    postgres_table.insert([rows.next()])
    d = deploy(postgres_table, config={"source": {"poll_interval": "20ms"}, "ingestor": {"checkpoint_interval": "1h"}})
    stored = Stored(d, kind, postgres_table)
    d.start()
    for how in ("changed", "missing"):
        wait_until(lambda: (stats := d.stats())["checkpoint_position"] == stats["position"], what="the first checkpoint, of none of these rows")
        client = Resuming(d, 0)
        for _ in range(3):
            slow = postgres_table.connect()
            slow.cursor().execute(INSERT, rows.next())
            last = postgres_table.insert([rows.next()])
            wait_until(lambda: last in client.ids())
            slow.commit()
            slow.close()
            wait_until(lambda: last - 1 in client.ids())
        d["ingestor"].kill()
        stored.damage_journal(how)
        before = len(d["ingestor"].log_text())
        d.start("ingestor")
        d["ingestor"].await_log("records are missing in the journal", after=before)
        wait_until(lambda: client.resets() == 1, what="the reset")
        d.verify()
        again = check_came_again(d, last)
        assert d["ingestor"].kill(signal.SIGTERM) == 0
        before = len(d["ingestor"].log_text())
        d.start("ingestor")
        d["ingestor"].await_log("going on after position", after=before)
        assert "missing" not in d["ingestor"].log_text()[before:], "the next save has healed it"
        assert check_came_again(d, last) == again, "as the state knows"


def test_an_older_state_is_gone_on_from(deploy, table):
    """As a restored disk brings it back: what came since is folded again, and its events keep their places and are not sent twice."""
    rows = RandomEvents(19)
    table.insert([rows.next() for _ in range(100)])
    d = deploy(table).start()
    clients = [Resuming(d, 0), Resuming(d, 1)]
    last = table.insert([rows.next() for _ in range(50)])
    wait_until(lambda: d.stats()["checkpoint_position"] == last)
    d["ingestor"].kill()
    old = {path.name: path.read_bytes() for path in d.folder.glob("checkpoint*") if ".lock." not in path.name}
    d.start("ingestor")
    for _ in range(2):
        last = table.insert([rows.next() for _ in range(50)])
        wait_until(lambda: d.stats()["checkpoint_position"] == last)
        wait_until(lambda: all(last in client.ids() for client in clients))
        d["ingestor"].kill()
        for path in d.folder.glob("checkpoint*"):
            if ".lock." not in path.name:
                path.unlink()
        for name, content in old.items():
            (d.folder / name).write_bytes(content)
        before = len(d["ingestor"].log_text())
        d.start("ingestor")
        d["ingestor"].await_log("going on after position 150;", after=before)
        d.verify()
    last = table.insert([rows.next()])
    for client in clients:
        wait_until(lambda: last in client.ids())
        assert client.ids() == list(range(101, last + 1))
        assert client.resets() == 0


def test_a_read_only_disk_is_told_and_waited_for(deploy, sqlite_table, small_disk):
    """No lock file can be made there."""
    rows = RandomEvents(18)
    sqlite_table.insert([rows.next() for _ in range(50)])
    d = deploy(sqlite_table, config={"ingestor": {"checkpoint": f"file:{small_disk}/checkpoint"}}).start()
    d.verify()
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    before = len(d["ingestor"].log_text())
    d["ingestor"].start()
    d["ingestor"].await_log(r"error +ingestor: standing by: .*Read-only file system.* let its user write .*ingestor\.checkpoint", after=before)
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    d["ingestor"].await_log("going on after position", after=before)
    sqlite_table.insert([rows.next() for _ in range(5)])
    d.verify()


# ---- Tables that are replaced ----


def resets(stream):
    return sum(e["event"] == "reset" for e in stream.events)


@pytest.mark.parametrize("journal,stopped", [("wal", False), ("delete", False), ("wal", True)])
def test_another_sqlite_database_is_told_from_a_copy(deploy, folder, sqlite_table, journal, stopped):
    """Moved into the old one's place, though its ids reach the position."""
    rows = RandomEvents(20)
    sqlite_table.insert([rows.next() for _ in range(200)])
    d = deploy(sqlite_table).start()
    stream = d.stream("/api/events/stream")

    def replace(file):
        if stopped:
            d["ingestor"].kill()
        sqlite_table.close()
        for suffix in ("-wal", "-shm"):
            (folder / f"events.db{suffix}").unlink(missing_ok=True)
        os.replace(file, sqlite_table.path)
        sqlite_table.db = sqlite3.connect(sqlite_table.path, timeout=30, isolation_level=None, check_same_thread=False)
        if stopped:
            d.start("ingestor")

    sqlite_table.execute(f"VACUUM INTO '{folder}/copy.db'")
    replace(folder / "copy.db")
    last = sqlite_table.insert([rows.next()])
    wait_until(lambda: last in stream.ids())
    d.verify()
    assert resets(stream) == 0
    other = Sqlite(folder / "other.db", journal)
    other.create()
    other.insert([rows.next() for _ in range(300)])
    other.close()
    replace(folder / "other.db")
    wait_until(lambda: resets(stream) >= 1, what="the reset")
    d.verify()
    assert "is another one than before" in d["ingestor"].log_text()


def test_a_locked_sqlite_database_is_waited_for(deploy, folder, request):
    """In rollback mode an exclusive transaction keeps readers out: tiles are served on, stale after a while, and the source is down."""
    for table in make_table("sqlite-rollback", request, folder):
        rows = RandomEvents(22)
        table.insert([rows.next() for _ in range(50)])
        d = deploy(table, config={"source": {"poll_interval": "100ms"}}).start()
        stream = d.stream("/api/events/stream")
        table.execute("BEGIN EXCLUSIVE")
        table.db.execute("INSERT INTO events (timestamp,event_type) VALUES (?,?)", (now_iso(), "locked"))
        d["ingestor"].await_log("database is locked")
        assert d.stats()["source_up"] == 0
        assert d.request("/api/tiles")[0] == 200
        table.execute("COMMIT")
        stream.await_event(lambda e: e["event"] == "locked", what="the row, when the lock is gone")
        d.verify()
        assert resets(stream) == 0


REFILL = "INSERT INTO events (timestamp,event_type) SELECT now(), 'order.created' FROM generate_series(1, %d)"


@pytest.mark.parametrize("how", [
    "TRUNCATE events RESTART IDENTITY; " + REFILL % 10,
    "TRUNCATE events RESTART IDENTITY; " + REFILL % 300,  # and reach the position again
    "CREATE TABLE other (LIKE events INCLUDING ALL); INSERT INTO other SELECT id, timestamp, 'order.created' FROM events;"
    " ALTER TABLE events RENAME TO old; ALTER TABLE other RENAME TO events",
], ids=["begun anew", "begun anew and refilled", "renamed"])
def test_another_postgresql_table_is_told_from_one_that_was_rewritten(deploy, postgres_table, how):
    """In one transaction, so that no look sees it empty."""
    rows = RandomEvents(23)
    postgres_table.insert([rows.next() for _ in range(200)])
    d = deploy(postgres_table, config={"source": {"poll_interval": "100ms"}}).start()
    stream = d.stream("/api/events/stream")
    postgres_table.shell("VACUUM FULL events")
    last = postgres_table.insert([rows.next()])
    wait_until(lambda: last in stream.ids())
    d.verify()
    assert resets(stream) == 0
    postgres_table.execute(how)
    wait_until(lambda: resets(stream) >= 1, what="the reset")
    d.verify()
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    before = len(d["ingestor"].log_text())
    d.start("ingestor")
    d["ingestor"].await_log("going on after position", after=before)
    assert "another one" not in d["ingestor"].log_text()[before:]
