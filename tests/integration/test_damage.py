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
from tilewire import RandomEvents, Sqlite, now_iso, wait_until

FORMAT = 8  # where a frame has its format, behind the magic


class Stored:
    """The checkpoint and the journal, wherever they lie: as bytes."""

    def __init__(self, d, kind, table):
        self.d, self.kind, self.table = d, kind, table
        self.path = d.folder / "checkpoint"
        if kind == "postgresql":
            d.config["ingestor"]["checkpoint"] = "postgresql"
            d.write()

    def read(self):
        if self.kind == "file":
            return self.path.read_bytes()
        with self.table.db, self.table.db.cursor() as cursor:
            cursor.execute("SELECT bytes FROM tilewire.checkpoint")
            return bytes(cursor.fetchone()[0])

    def write(self, content):
        if self.kind == "file":
            self.path.unlink() if content is None else self.path.write_bytes(content)
            return
        with self.table.db, self.table.db.cursor() as cursor:
            cursor.execute("UPDATE tilewire.checkpoint SET bytes = %s", (content,))

    def remove(self):
        """As docs/sources.md says."""
        if self.kind == "file":
            self.path.unlink()
            (self.d.folder / "checkpoint.journal").unlink()
        else:
            self.table.execute("DELETE FROM tilewire.checkpoint")

    def damage_journal(self, how):
        """Of the journal's first record one byte, or all."""
        if self.kind == "file":
            path = self.d.folder / "checkpoint.journal"
            content = path.read_bytes()
            mark = 40  # frame and number of the first record
            first = mark + 32 + struct.unpack("<Q", content[mark + 16:mark + 24])[0]
            assert len(content) > first, "more than one record"
            if how == "changed":
                content = content[:first - 2] + bytes([content[first - 2] ^ 1]) + content[first - 1:]
            else:
                content = content[:mark] + content[first:]
            path.write_bytes(content)
        elif how == "changed":
            self.table.execute("UPDATE tilewire.journal SET record = set_byte(record, length(record) - 2, "
                               "get_byte(record, length(record) - 2) # 1) WHERE n = (SELECT min(n) FROM tilewire.journal)")
        else:
            self.table.execute("DELETE FROM tilewire.journal WHERE n = (SELECT min(n) FROM tilewire.journal)")


def damaged(content, damage):
    if damage == "missing":
        return None
    if damage == "empty":
        return b""
    if damage == "cut":
        return content[:len(content) // 2]
    if damage == "changed":
        return content[:200] + bytes([content[200] ^ 1]) + content[201:]
    return content[:FORMAT] + (b"\0" if damage == "older" else b"\xff\xff") + content[FORMAT + (1 if damage == "older" else 2):]


@pytest.mark.parametrize("kind", ["file", "postgresql"])
def test_a_checkpoint_that_cannot_be_used_is_told_and_all_is_built_from_the_table(deploy, postgres_table, kind):
    rows = RandomEvents(10)
    postgres_table.insert([rows.next() for _ in range(200)])
    d = deploy(postgres_table, gateways=1)
    stored = Stored(d, kind, postgres_table)
    d.start()
    for damage in ("missing", "empty", "cut", "changed", "older", "no format"):
        last = postgres_table.insert([rows.next() for _ in range(20)])
        wait_until(lambda: d.stats()["checkpoint_position"] == last, 30, "a checkpoint")
        assert d["ingestor"].kill(signal.SIGTERM) == 0
        stored.write(damaged(stored.read(), damage))
        before = len(d["ingestor"].log_text())
        d.start("ingestor")
        d.verify(timeout_s=30)
        log = d["ingestor"].log_text()[before:]
        assert "building all tiles" in log
        assert damage == "missing" or "cannot be used" in log, log
        assert damage not in ("older", "no format") or "this version reads format" in log, log


def framed(body, number=1):
    digest = 0xcbf29ce484222325
    for byte in body:
        digest = (digest ^ byte) * 0x100000001b3 % 2**64
    return b"TILEWIRE" + struct.pack("<QQQ", number, len(body), digest) + body


def of_newer_version(content, part):
    """The checkpoint as a version would write it that has another format of that part."""
    parts = msgpack.unpackb(content[32:], strict_map_key=False)
    if part == "frame":
        return framed(content[32:], 2)
    if part == "snapshot":
        parts[0] += 1
    else:
        at = {"source": 4, "fold": 5}[part]
        inner = msgpack.unpackb(parts[at], strict_map_key=False)
        parts[at] = msgpack.packb([inner[0] + 10, *inner[1:]])
    return framed(msgpack.packb(parts))


@pytest.mark.parametrize(("kind", "at"), [("sqlite", "file"), ("postgresql", "file"), ("postgresql", "postgresql")])
def test_what_a_newer_version_saved_is_refused_and_left_as_it_is(deploy, folder, request, kind, at):
    tables = make_table(kind, request, folder)
    table = next(tables)
    rows = RandomEvents(10)
    table.insert([rows.next() for _ in range(50)])
    d = deploy(table, gateways=1)
    stored = Stored(d, at, table)
    d.start()
    for part in ("frame", "snapshot", "source", "fold"):
        last = table.insert([rows.next() for _ in range(20)])
        wait_until(lambda: d.stats()["checkpoint_position"] == last, 30, "a checkpoint")
        assert d["ingestor"].kill(signal.SIGTERM) == 0
        good = stored.read()
        newer = of_newer_version(good, part)
        stored.write(newer)
        table.insert([rows.next() for _ in range(20)])
        before = len(d["ingestor"].log_text())
        d["ingestor"].start()
        assert d["ingestor"].process.wait(timeout=20) == 1, part
        log = d["ingestor"].log_text()[before:]
        assert "A newer version of Tilewire wrote it" in log and "remove the checkpoint" in log, log
        assert "building all tiles" not in log and "ready component" not in log, log
        assert stored.read() == newer, "not written over"
        # The newer version is started again: nothing is lost, and nothing counted twice.
        stored.write(good)
        d.start("ingestor")
        d.verify(timeout_s=30)
        assert "building all tiles" not in d["ingestor"].log_text()[before:]
    # Or one goes on with the older one.
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    stored.write(of_newer_version(stored.read(), "frame"))
    stored.remove()
    d.start("ingestor")
    d.verify(timeout_s=30)
    assert not (d.problems + d.stop())
    next(tables, None)


@pytest.mark.parametrize("kind", ["file", "postgresql"])
def test_a_damaged_journal_is_told_and_streams_are_reset(deploy, postgres_table, kind):
    """Without it the order since the checkpoint is not known: that must not pass for the order that there was."""
    rows = RandomEvents(16)
    postgres_table.insert([rows.next()])
    d = deploy(postgres_table, config={"source": {"poll_interval": "20ms"}, "ingestor": {"checkpoint_interval": "1h"}})
    stored = Stored(d, kind, postgres_table)
    d.start()
    for how in ("changed", "missing"):
        wait_until(lambda: (stats := d.stats())["checkpoint_position"] == stats["position"], 30, "the first checkpoint, of none of these rows")
        client = Resuming(d, 0)
        for _ in range(3):
            slow = postgres_table.connect()
            slow.cursor().execute(INSERT, rows.next())
            last = postgres_table.insert([rows.next()])
            wait_until(lambda: last in client.ids(), 30)
            slow.commit()
            slow.close()
            wait_until(lambda: last - 1 in client.ids(), 30)
        d["ingestor"].kill()
        stored.damage_journal(how)
        before = len(d["ingestor"].log_text())
        d.start("ingestor")
        d["ingestor"].await_log("records are missing in the journal", after=before)
        wait_until(lambda: client.resets() == 1, 30, "the reset")
        d.verify(timeout_s=30)
        assert d["ingestor"].kill(signal.SIGTERM) == 0
        before = len(d["ingestor"].log_text())
        d.start("ingestor")
        d["ingestor"].await_log("going on after position", after=before)
        assert "missing" not in d["ingestor"].log_text()[before:], "the next checkpoint has healed it"


def test_an_older_checkpoint_is_gone_on_from(deploy, table):
    """As a restored disk brings it back: what came since is folded again, and its events keep their places and are not sent twice."""
    rows = RandomEvents(19)
    table.insert([rows.next() for _ in range(100)])
    d = deploy(table).start()
    clients = [Resuming(d, 0), Resuming(d, 1)]
    last = table.insert([rows.next() for _ in range(50)])
    wait_until(lambda: d.stats()["checkpoint_position"] == last, 30)
    old = (d.folder / "checkpoint").read_bytes()
    for _ in range(2):
        last = table.insert([rows.next() for _ in range(50)])
        wait_until(lambda: d.stats()["checkpoint_position"] == last, 30)
        wait_until(lambda: all(last in client.ids() for client in clients), 30)
        d["ingestor"].kill()
        (d.folder / "checkpoint").write_bytes(old)
        before = len(d["ingestor"].log_text())
        d.start("ingestor")
        d["ingestor"].await_log("going on after position 150,", after=before)
        d.verify(timeout_s=30)
    last = table.insert([rows.next()])
    for client in clients:
        wait_until(lambda: last in client.ids(), 30)
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
    d.verify(timeout_s=30)


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
    wait_until(lambda: last in stream.ids(), 30)
    d.verify()
    assert resets(stream) == 0
    other = Sqlite(folder / "other.db", journal)
    other.create()
    other.insert([rows.next() for _ in range(300)])
    other.close()
    replace(folder / "other.db")
    wait_until(lambda: resets(stream) >= 1, 30, "the reset")
    d.verify(timeout_s=30)
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
        stream.await_event(lambda e: e["event"] == "locked", 30, "the row, when the lock is gone")
        d.verify(timeout_s=30)
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
    wait_until(lambda: last in stream.ids(), 30)
    d.verify()
    assert resets(stream) == 0
    postgres_table.execute(how)
    wait_until(lambda: resets(stream) >= 1, 30, "the reset")
    d.verify(timeout_s=30)
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    before = len(d["ingestor"].log_text())
    d.start("ingestor")
    d["ingestor"].await_log("going on after position", after=before)
    assert "another one" not in d["ingestor"].log_text()[before:]
