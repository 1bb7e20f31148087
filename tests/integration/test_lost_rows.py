# SPDX-License-Identifier: Apache-2.0
"""The database loses rows that were delivered, and gives their ids to others: it fails over to a standby that lacked them, or
is restored from a backup. Tiles are right then, streams are told `reset`, and nobody holds rows any more that do not exist."""
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
import zmq

from test_outages import own_server, own_table  # noqa: F401 (fixtures)
from test_postgres_wake import as_postgres
from texts import SqliteTexts
from tilewire import Postgres, Sqlite, free_ports, now_iso, wait_until

BEFORE, LOST, AFTER = 120, 100, 140  # rows: those that stay, those that are lost, and those that come instead, past the position
STORES = ["file", "postgresql"]


def write(table, count, name):
    table.insert([(now_iso(), "order.created", None, f"o{i}", f"{name} {i}", None) for i in range(count)])


def newest(table):
    with table.db, table.db.cursor() if table.kind == "postgresql" else table.db as cursor:
        rows = cursor.execute("SELECT id, summary FROM events ORDER BY id DESC LIMIT 1000")
        return [tuple(row) for row in (rows or cursor).fetchall()]


def held_by(d, who):
    if who in d.query_addresses:
        try:
            events = [e["e"] for e in d.query({"op": "events", "newest": 1000}, who, 1000).get("events", [])][::-1]
        except zmq.Again:
            return None  # it is starting again
    else:
        events = d.get_json("/api/events?limit=1000", int(who[-1]))["events"]
    return [(e["id"], e["summary"]) for e in events]


def await_same(d, table):
    """Ingestor, caches and gateways all hold the events that the table has, and no others."""
    for who in [name for name in d.programs if d[name].process is not None]:
        wait_until(lambda: held_by(d, who) == newest(table), what=f"{who} to hold the table's events")


class Watched:
    """A deployment with a stream of events on each gateway, which never end."""

    def __init__(self, d, table):
        self.d, self.table = d, table
        self.streams = [d.stream("/api/events/stream", i) for i in range(len(d.gateway_ports))]

    def resets(self):
        return [sum(e["event"] == "reset" for e in stream.events) for stream in self.streams]

    def check(self, resets=1):
        """All is as the table says; each stream was told `reset` that often, and goes on."""
        d, table = self.d, self.table
        await_same(d, table)
        d.verify()
        wait_until(lambda: self.resets() == [resets] * len(self.streams), what="the resets")
        write(table, 1, "one more")
        row = newest(table)[0]
        for stream in self.streams:
            told = stream.await_event(lambda e: e["event"] != "heartbeat" and e["data"].get("summary") == "one more 0"
                                      and e["data"]["id"] == row[0])
            assert stream.events.index(told) > max(i for i, e in enumerate(stream.events) if e["event"] == "reset") if resets else True
        await_same(d, table)
        assert self.resets() == [resets] * len(self.streams)


# ---- Restored from a backup ----


class SqliteFolder:
    def __init__(self, table, d):
        self.table, self.d = table, d
        self.backup = table.path.parent / "backup"
        self.checkpoints = d.folder

    def files(self):
        return [p for p in self.checkpoints.iterdir() if p.name.startswith("checkpoint") and not p.name.endswith(".lock")]

    def save(self):
        self.table.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.backup.mkdir()
        shutil.copy(self.table.path, self.backup / "database")
        for path in self.files():
            shutil.copy(path, self.backup)

    def restore(self, checkpoint=True, in_place=False):
        path = self.table.path
        self.table.db.close()
        for suffix in ("-wal", "-shm"):
            pathlib.Path(f"{path}{suffix}").unlink(missing_ok=True)
        shutil.copy(self.backup / "database", f"{path}.new")
        os.replace(f"{path}.new", path)
        if checkpoint:
            for old in self.files():
                old.unlink()
            for saved in self.backup.glob("checkpoint*"):
                shutil.copy(saved, self.checkpoints)
        self.table.open()


class PostgresFolder:
    def __init__(self, table, d):
        self.table, self.d, self.server = table, d, table.cluster
        self.backup = self.server["path"] / "backup"

    def start(self):
        Postgres.start_server(self.server["script"], self.server["path"], self.server["port"])
        self.table.db = self.table.connect()

    def save(self):
        Postgres.stop_server(self.server, "fast")
        subprocess.run(["cp", "-a", self.server["path"] / "data", self.backup], check=True)
        self.start()

    def restore(self, rows=None):
        """With `rows` to a point in time, which begins a timeline; these are written before the programs can connect."""
        data = self.server["path"] / "data"
        Postgres.stop_server(self.server)
        subprocess.run(["rm", "-rf", data], check=True)
        subprocess.run(["cp", "-a", self.backup, data], check=True)
        if rows is not None:
            as_postgres("touch", data / "recovery.signal")
            as_postgres("sed", "-i", "$ a restore_command = '/bin/false'", data / "postgresql.conf")
            uri = self.table.uri
            hidden = Postgres.start_server(self.server["script"], self.server["path"], free_ports(1)[0])
            self.table.uri = f"{hidden['local_uri'].rsplit('/', 1)[0]}/{self.table.name}"
            self.table.db = self.table.connect()
            wait_until(lambda: self.table.writable(), what="the end of the recovery")
            rows()
            self.table.uri = uri
            Postgres.stop_server(self.server, "fast")
        self.start()


@pytest.fixture(params=["sqlite", "postgresql"])
def folder_of(request):
    """(table, what makes its folder): each with a server of its own."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_table"), SqliteFolder
    return request.getfixturevalue("own_table"), PostgresFolder


def deployed(deploy, table, store):
    """BEFORE rows, and a checkpoint of them."""
    d = deploy(table, config={"ingestor": {"checkpoint": "postgresql"}} if store == "postgresql" else {})
    write(table, BEFORE, "stays")
    d.start()
    await_same(d, table)
    wait_until(lambda: d.stats()["checkpoint_position"] == newest(table)[0][0], what="a checkpoint")
    return d


def test_a_folder_restored_from_a_backup(deploy, folder_of):
    """The checkpoint is restored with the database: nothing in the folder shows what was lost."""
    table, make = folder_of
    d = deployed(deploy, table, table.kind)
    folder = make(table, d)
    d["ingestor"].kill()
    folder.save()
    d.start("ingestor")
    watched = Watched(d, table)
    write(table, LOST, "lost")
    await_same(d, table)
    d["ingestor"].kill()
    folder.restore()
    write(table, LOST - 30, "new")
    d.start("ingestor")
    watched.check()
    d["cache"].kill()
    d["gateway0"].kill()
    d.start("cache", "gateway0")
    await_same(d, table)


# ---- PostgreSQL fails over to a standby that lacks the newest rows ----


class Pair:
    """A primary, and a standby that can be promoted. The programs know both."""

    def __init__(self, table, folder):
        self.table, self.primary, self.path = table, table.cluster, folder / "standby"
        self.port = free_ports(1)[0]
        self.path.mkdir(mode=0o700)
        if os.geteuid() == 0:
            subprocess.run(["chown", "postgres", self.path], check=True)
        self.bin = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        as_postgres(self.bin / "pg_basebackup", "-D", self.path / "data", "-d", self.primary["uri"], "-R", "-c", "fast", "--no-sync")
        as_postgres("sed", "-i", f"s|^unix_socket_directories.*|unix_socket_directories = '{self.path}'|", self.path / "data" / "postgresql.conf")
        self.standby = None
        self.uri = (f"postgresql://tilewire@127.0.0.1:{self.primary['port']},127.0.0.1:{self.port}/{table.name}"
                    "?target_session_attrs=read-write")

    def start_standby(self, port):
        self.standby = Postgres.start_server(self.primary["script"], self.path, port)
        self.standby["uri"] = self.standby["local_uri"]

    def execute(self, sql):
        return subprocess.run(["psql", "-qAt", "-v", "ON_ERROR_STOP=1", f"{self.standby['uri'].rsplit('/', 1)[0]}/{self.table.name}", "-c", sql],
                              check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def catch_up(self):
        """The standby has what the primary has now, and is stopped: it will lack what comes."""
        self.start_standby(self.port)
        count = len(newest(self.table))
        wait_until(lambda: self.execute("SELECT count(*) FROM events") == str(count), what="the standby to have caught up")
        Postgres.stop_server(self.standby, "fast")

    def fail_over(self, rows):
        """Nobody can connect before the rows were written to the new primary."""
        Postgres.stop_server(self.primary)
        self.start_standby(free_ports(1)[0])
        as_postgres(self.bin / "pg_ctl", "-D", self.path / "data", "-w", "promote", "-s")
        self.table.uri = f"{self.standby['uri'].rsplit('/', 1)[0]}/{self.table.name}"
        self.table.db = self.table.connect()
        rows()
        self.table.db.close()
        Postgres.stop_server(self.standby, "fast")
        self.start_standby(self.port)
        self.table.uri = f"{self.standby['uri'].rsplit('/', 1)[0]}/{self.table.name}"
        self.table.db = self.table.connect()


@pytest.fixture
def pair(own_table, folder):  # noqa: F811
    pair = Pair(own_table, folder)
    own_table.uri, uri = pair.uri, own_table.uri
    yield pair
    own_table.uri = uri
    for deployment in own_table.deployments:
        deployment.problems = deployment.stop()
    own_table.deployments.clear()
    Postgres.stop_server(pair.standby)


def failing_over(deploy, pair, store):
    """Rows were delivered that the standby lacks. Its checkpoint is older, too."""
    d = deployed(deploy, pair.table, store)
    pair.catch_up()
    watched = Watched(d, pair.table)
    write(pair.table, LOST, "lost")
    await_same(d, pair.table)
    wait_until(lambda: d.stats()["checkpoint_position"] == newest(pair.table)[0][0], what="a checkpoint")
    return d, watched


@pytest.mark.parametrize("store, after", [("postgresql", AFTER), ("postgresql", 0), ("file", AFTER), ("file", LOST // 2)])
def test_a_failover_while_the_ingestor_lives(deploy, pair, store, after):
    d, watched = failing_over(deploy, pair, store)
    pair.fail_over(lambda: write(pair.table, after, "new") if after else None)
    watched.check()
    log = d["ingestor"].log_text()
    assert ("the database" in log) and ("lost rows" in log or "another one than before" in log), log
    assert d.stats()["table_restarts"] == (store == "file")


@pytest.mark.parametrize("store", STORES)
def test_a_failover_while_the_ingestor_is_down(deploy, pair, store):
    d, watched = failing_over(deploy, pair, store)
    d["ingestor"].kill()
    pair.fail_over(lambda: write(pair.table, AFTER, "new"))
    d.start("ingestor")
    watched.check()


@pytest.mark.parametrize("store", STORES)
def test_a_failover_that_loses_nothing_is_no_matter(deploy, pair, store):
    d = deployed(deploy, pair.table, store)
    watched = Watched(d, pair.table)
    pair.catch_up()
    pair.fail_over(lambda: write(pair.table, AFTER, "new"))
    watched.check(resets=0)
    assert all(sorted(set(s.ids())) == s.ids() for s in watched.streams), "each once, in order"


# ---- The relatives ----


@pytest.mark.parametrize("store", STORES)
def test_a_restore_to_a_point_in_time_while_the_ingestor_lives(deploy, own_table, store):  # noqa: F811
    d = deployed(deploy, own_table, store)
    folder = PostgresFolder(own_table, d)
    folder.save()
    watched = Watched(d, own_table)
    write(own_table, LOST, "lost")
    await_same(d, own_table)
    folder.restore(lambda: write(own_table, AFTER, "new"))
    watched.check()


@pytest.mark.parametrize("checkpoint", [True, False], ids=["with its checkpoint", "alone"])
@pytest.mark.parametrize("after", [AFTER, 0])
def test_a_sqlite_file_replaced_by_an_older_copy(deploy, sqlite_table, after, checkpoint):
    d = deployed(deploy, sqlite_table, "file")
    folder = SqliteFolder(sqlite_table, d)
    folder.save()
    watched = Watched(d, sqlite_table)
    write(sqlite_table, LOST, "lost")
    await_same(d, sqlite_table)
    folder.restore(checkpoint)
    if after:
        write(sqlite_table, after, "new")
    watched.check()


@pytest.mark.parametrize("waits", [0, 1])
def test_an_outbox_that_is_moved_is_the_same_table(deploy, sqlite_table, waits):
    """Its rows are deleted, perhaps but an old one that waits. The file is another one: the sequence alone says that the ids were given out."""
    table = sqlite_table
    d = deployed(deploy, table, "file")
    streams = [d.stream("/api/events/stream", i) for i in range(2)]
    folder = SqliteFolder(table, d)
    d["ingestor"].kill()
    table.execute(f"DELETE FROM events WHERE id > {waits}")
    folder.save()
    folder.restore(False)
    d.start("ingestor")
    write(table, AFTER, "new")
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] == BEFORE + AFTER, what="the new rows")
    for stream in streams:
        stream.await_event(lambda e: e["event"] != "heartbeat" and e["data"].get("summary") == f"new {AFTER - 1}")
        assert not any(e["event"] == "reset" for e in stream.events)
    assert "anew" not in d["ingestor"].log_text()


@pytest.fixture
def numbered_devices():
    """mount(path) → path/files: the same files at each call, each time on a device of another number, as after a reboot."""
    if os.geteuid() != 0:
        pytest.skip("a file system can be mounted by root alone")
    mounted = []  # file systems that take numbers, and the one that is in use
    used = []  # numbers of devices that held the files

    def run(*command):
        if subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
            pytest.skip("no file system can be laid over another one here")

    def mount(path):
        if mounted:
            run("umount", mounted.pop())
        # The kernel gives the smallest number that is free, and other programs of the machine free some meanwhile.
        for attempt in range(100):
            for name in ("lower", "upper", "work", "files"):
                (path / name).mkdir(parents=True, exist_ok=True)
            run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={path}/lower,upperdir={path}/upper,workdir={path}/work", path / "files")
            number = os.stat(path / "files").st_dev
            if number not in used:
                break
            run("umount", path / "files")
            taker = path / f"taker{len(used)}.{attempt}"
            taker.mkdir()
            run("mount", "-t", "tmpfs", "tmpfs", taker)
            mounted.append(taker)
        else:
            pytest.fail("the kernel gives no other number")
        mounted.append(path / "files")
        used.append(number)
        return path / "files"

    yield mount
    for path in reversed(mounted):
        subprocess.run(["umount", "-l", path], check=True)


@pytest.mark.parametrize("make", [Sqlite, SqliteTexts])
def test_a_device_of_another_number_holds_the_same_table(deploy, folder, numbered_devices, make):
    files = numbered_devices(folder / "disk")
    table = make(files / "events.db", "delete")
    table.create()
    if make is Sqlite:  # so that nothing but the file tells
        table.execute("DROP TABLE events")
        table.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, timestamp, event_type TEXT, actor_id TEXT, target_id TEXT, summary TEXT, payload TEXT)")
    d = deploy(table, gateways=1)
    write(table, BEFORE, "stays")
    d.start()
    wait_until(lambda: d.stats()["checkpoint_position"] == BEFORE, what="a checkpoint")
    d["ingestor"].kill()
    number = os.stat(table.path).st_dev
    table.execute("DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY timestamp DESC, id DESC LIMIT 10)")
    table.close()
    numbered_devices(folder / "disk")
    assert os.stat(table.path).st_dev != number
    table.open()
    d.start("ingestor")
    wait_until(lambda: d.stats()["source_up"] == 1)
    if make is SqliteTexts:  # whose ids are not given out again
        write(table, AFTER, "new")
        wait_until(lambda: d.tile("orders.ever")["data"]["value"] == BEFORE + AFTER, what="the new rows")
    assert d.tile("orders.ever")["data"]["value"] >= BEFORE
    assert "anew" not in d["ingestor"].log_text() and "another one" not in d["ingestor"].log_text()
    d.stop()
    table.close()


def test_a_database_restored_without_its_checkpoint(deploy, folder_of):
    """The checkpoint in a file knows more rows than there are."""
    table, make = folder_of
    d = deployed(deploy, table, "file")
    folder = make(table, d)
    d["ingestor"].kill()
    folder.save()
    d.start("ingestor")
    watched = Watched(d, table)
    write(table, LOST, "lost")
    await_same(d, table)
    wait_until(lambda: d.stats()["checkpoint_position"] == newest(table)[0][0], what="a checkpoint")
    d["ingestor"].kill()
    folder.restore(*[False] if table.kind == "sqlite" else [])
    write(table, AFTER, "new")
    d.start("ingestor")
    watched.check()


def test_a_cache_that_was_down_brings_nothing_back(deploy, sqlite_table):
    """Two caches, of which one misses the restore, and a gateway that follows both; one more cache that starts anew meanwhile."""
    d = deploy(sqlite_table)
    d.config["gateway"]["upstreams"] = [{"publish": d.addresses[2], "query": d.addresses[3]}, d.twin("mirror", "cache")]
    d.write()
    write(sqlite_table, BEFORE, "stays")
    d.start()
    await_same(d, sqlite_table)
    wait_until(lambda: d.stats()["checkpoint_position"] == BEFORE, what="a checkpoint")
    folder = SqliteFolder(sqlite_table, d)
    d["ingestor"].kill()
    folder.save()
    d.start("ingestor")
    watched = Watched(d, sqlite_table)
    write(sqlite_table, LOST, "lost")
    await_same(d, sqlite_table)
    d["mirror"].process.send_signal(signal.SIGSTOP)
    d["ingestor"].kill()
    folder.restore()
    write(sqlite_table, LOST // 2, "new")
    d["cache"].kill()
    d.start("ingestor", "cache")
    d["mirror"].process.send_signal(signal.SIGCONT)
    watched.check()
