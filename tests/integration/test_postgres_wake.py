# SPDX-License-Identifier: Apache-2.0
"""How the ingestor learns of new rows in PostgreSQL: the trigger, wherever rows are written and by whatever kind of session, and
polling where nothing can notify."""
import os
import pathlib
import socket
import subprocess
import threading

import psycopg2
import pytest

import test_check_connect
import test_cursor_bytes
from conftest import ROOT, make_table
from tilewire import PATIENCE, Postgres, free_ports, wait_until

HOUR = {"source": {"poll_interval": "1h"}}
EVER = [{"key": "ever", "type": "count", "match": {"event_type": "order.*"}}]
INSERT = "INSERT INTO {} (timestamp, event_type) VALUES (now(), 'order.created')"


def value(d):
    return d.tile("ever")["data"]["value"]


def partition(table):
    table.execute("""
        CREATE TABLE parted (id bigserial, timestamp timestamptz, event_type text, PRIMARY KEY (id, timestamp)) PARTITION BY RANGE (timestamp);
        CREATE TABLE "Part old" PARTITION OF parted FOR VALUES FROM ('2001-01-01') TO ('2011-01-01');
        CREATE TABLE "Part new" PARTITION OF parted FOR VALUES FROM ('2011-01-01') TO ('2101-01-01') PARTITION BY RANGE (timestamp);
        CREATE TABLE leaf PARTITION OF "Part new" FOR VALUES FROM ('2021-01-01') TO ('2101-01-01')""")


def test_rows_written_straight_into_a_partition_wake_the_ingestor(deploy, postgres_table):
    partition(postgres_table)
    d = deploy(postgres_table, tiles=EVER, config={"source": {"table": "parted", "poll_interval": "1h"}})
    for _ in range(2):
        result = d.run("install-trigger")
        assert result.returncode == 0 and "the trigger on table parted, and on 3 below it, is installed" in result.stdout, result.stdout
    d.start()
    for i, name in enumerate(["parted", "leaf", '"Part new"'] * 2):
        postgres_table.execute(INSERT.format(name))
        wait_until(lambda: value(d) == i + 1, what=f"a row written into {name} to be read")
    postgres_table.execute("CREATE TABLE later PARTITION OF parted FOR VALUES FROM ('1901-01-01') TO ('2001-01-01')")
    with postgres_table.db, postgres_table.db.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgname = 'tilewire_notify_replica'")
        assert cursor.fetchall() == [("R",)], "a new partition has it as the table does: no cost to ordinary sessions"
    d.run("install-trigger", check=True)
    postgres_table.execute("INSERT INTO later (timestamp, event_type) VALUES ('1999-01-01', 'order.created')")
    wait_until(lambda: value(d) == 7, what="a row written into a new partition to be read")
    d.run("install-trigger", "--remove", check=True)
    with postgres_table.db, postgres_table.db.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal")
        assert cursor.fetchone()[0] == 0
    d.verify()


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
def test_a_trigger_on_a_view_is_refused(deploy, postgres_table, kind):
    postgres_table.execute(f"CREATE {kind} seen AS SELECT * FROM events")
    d = deploy(postgres_table, tiles=EVER, config={"source": {"table": "seen"}})
    result = d.run("install-trigger")
    assert result.returncode == 2 and "is no table but a view" in result.stdout and "source.poll_interval" in result.stdout, result
    assert d.run("install-trigger", "--remove").returncode == 0


@pytest.mark.parametrize("parted", [False, True])
def test_sessions_that_run_without_triggers_wake_the_ingestor(deploy, postgres_table, parted):
    """As those of logical replication do, and those that restore a backup."""
    table = "events"
    if parted:
        partition(postgres_table)
        table = "parted"
    d = deploy(postgres_table, tiles=EVER, config={"source": {"table": table, "poll_interval": "1h"}})
    d.run("install-trigger", check=True)
    d.start()
    postgres_table.execute("SET session_replication_role = replica; " + INSERT.format(table))
    wait_until(lambda: value(d) == 1)
    if parted:
        postgres_table.execute("SET session_replication_role = replica; " + INSERT.format("leaf"))
        wait_until(lambda: value(d) == 2)


def test_the_target_of_a_logical_replication_wakes_the_ingestor(deploy, folder, postgres_table):
    """What applies the changes fires triggers of rows alone, and only those that are meant for it."""
    server = Postgres.start_server(ROOT / "scripts" / "postgres", folder / "publisher")
    try:
        psql(server["uri"], "ALTER SYSTEM SET wal_level = logical")
        Postgres.stop_server(server, "fast")
        Postgres.start_server(server["script"], server["path"], server["port"])
        psql(server["uri"], "CREATE TABLE events (id bigserial PRIMARY KEY, timestamp timestamptz, event_type text); CREATE PUBLICATION p FOR TABLE events")
        d = deploy(postgres_table, tiles=EVER, config=HOUR)
        d.run("install-trigger", check=True)
        d.start()
        postgres_table.shell(f"CREATE SUBSCRIPTION s CONNECTION '{server['uri']}' PUBLICATION p")
        for i in range(3):
            psql(server["uri"], INSERT.format("events"))
            wait_until(lambda: value(d) == i + 1, what="the replicated row to be read")
        d.verify()
    finally:
        for sql in ("ALTER SUBSCRIPTION s DISABLE", "ALTER SUBSCRIPTION s SET (slot_name = NONE)", "DROP SUBSCRIPTION s"):
            psql(postgres_table.uri, sql)
        Postgres.stop_server(server)


def psql(uri, sql):
    for statement in sql.split("; "):
        subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", uri, "-c", statement], check=True, stdout=subprocess.DEVNULL)


def as_postgres(*command):
    subprocess.run((["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []) + [str(c) for c in command], check=True)


def test_a_hot_standby_is_polled(deploy, folder, cluster, postgres_table):
    port = free_ports(1)[0]
    path = folder / "standby"
    path.mkdir(mode=0o700)
    if os.geteuid() == 0:
        subprocess.run(["chown", "postgres", path], check=True)
    basebackup = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/pg_basebackup"))[-1]
    as_postgres(basebackup, "-D", path / "data", "-d", cluster["uri"], "-R", "-c", "fast", "--no-sync")
    config = path / "data" / "postgresql.conf"
    as_postgres("sed", "-i", f"s|^unix_socket_directories.*|unix_socket_directories = '{path}'|", config)
    standby = Postgres.start_server(cluster["script"], path, port)
    try:
        d = deploy(postgres_table, tiles=EVER, config={"source": {"poll_interval": "100ms",
                   "uri": standby["uri"].rsplit("/", 1)[0] + "/" + postgres_table.name}})
        d.start()
        d["ingestor"].await_log("the server is a hot standby, which cannot notify of new rows: the table is polled each 100 ms")
        for i in range(5):
            postgres_table.execute(INSERT.format("events"))
            wait_until(lambda: value(d) == i + 1)
        d["ingestor"].kill()
        d.start("ingestor")
        postgres_table.execute(INSERT.format("events"))
        wait_until(lambda: value(d) == 6)
        assert d.stats()["source_failures"] == 0
        d.verify()
        result = d.run("install-trigger")
        assert result.returncode == 1 and "standby" in result.stdout and "primary" in result.stdout, result.stdout
        d.stop()
    finally:
        Postgres.stop_server(standby)


# ---- PgBouncer ----


@pytest.fixture
def bouncer(folder, cluster):
    """PgBouncer in transaction mode, with one session of the server for everybody. Gives its port."""
    program = pathlib.Path("/usr/sbin/pgbouncer")
    if not program.exists():
        pytest.skip("PgBouncer is not installed")
    port = free_ports(1)[0]
    path = folder / "bouncer"
    path.mkdir(mode=0o777)
    path.chmod(0o777)
    (path / "pgbouncer.ini").write_text(f"""
[databases]
* = host=127.0.0.1 port={cluster["port"]} user=tilewire
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
ignore_startup_parameters = extra_float_digits
""")
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with open(path / "log", "wb") as log:
        process = subprocess.Popen([*as_user, program, path / "pgbouncer.ini"], stdout=log, stderr=log)
    wait_until(lambda: b"process up" in (path / "log").read_bytes(), what="PgBouncer")
    yield port
    process.terminate()
    process.wait(timeout=PATIENCE)


@pytest.fixture(params=["postgresql", "postgresql-uuid", "postgresql-bytea"])
def pooled_table(request, folder):
    """By source.cursor, too; ids are given by the database."""
    for table in make_table(request.param, request, folder):
        if request.param != "postgresql":
            random = {"uuid": "gen_random_uuid()", "bytea": "uuid_send(gen_random_uuid())"}[table.type]
            table.execute(f"ALTER TABLE events ALTER COLUMN id SET DEFAULT {random}")
        yield table


@pytest.mark.parametrize("checkpoint", ["file", "postgresql"])
def test_pgbouncer_in_transaction_mode(deploy, pooled_table, bouncer, checkpoint):
    """Nothing of ours stays in sessions that are others', too; and nothing that others leave there, or that is left by a program of
    ours that was killed, is in our way."""
    through = f"postgresql://tilewire@127.0.0.1:{bouncer}/{pooled_table.name}"
    pooled_table.execute(f"ALTER TABLE events ADD COLUMN day date; ALTER DATABASE {pooled_table.name} SET datestyle = 'SQL, DMY'")
    rows = 9000
    pooled_table.execute(f"INSERT INTO events (timestamp, event_type) SELECT now(), 'order.created' FROM generate_series(1, {rows})")
    d = deploy(pooled_table, tiles=[*EVER, {"key": "days", "type": "count", "group_by": "day"}],
               config={"source": {"uri": through, "poll_interval": "50ms", "columns": {"day": "day"}}})
    if checkpoint == "postgresql":
        d.config["ingestor"]["checkpoint"] = "postgresql"
        d.write()
    d.start()
    wait_until(lambda: value(d) == rows)
    d["ingestor"].await_log("source.uri leads to a pooler of connections.*: the table is polled each 50 ms")
    other = psycopg2.connect(through)
    other.autocommit = True
    names = ["enable_seqscan", "enable_bitmapscan", "jit", "plan_cache_mode", "statement_timeout", "DateStyle", "TimeZone", "IntervalStyle",
             "bytea_output", "extra_float_digits", "max_parallel_workers_per_gather"]

    def others_session():
        with other.cursor() as cursor:
            cursor.execute("SELECT name, setting FROM pg_settings WHERE source = 'session' AND name = ANY(%s)", (names,))
            changed = cursor.fetchall()
            cursor.execute("SELECT count(*) FROM pg_prepared_statements")
            prepared = cursor.fetchone()[0]
            cursor.execute("SELECT count(*) FROM pg_listening_channels()")
            return changed, prepared, cursor.fetchone()[0]

    for i in range(3):
        pooled_table.execute("INSERT INTO events (timestamp, event_type, day) VALUES (now(), 'order.created', '2026-11-04')")
        wait_until(lambda: value(d) == rows + i + 1)
        changed, prepared, listening = others_session()
        # The pooler itself hands the client's own DateStyle and TimeZone on.
        assert [c for c in changed if c[0] not in ("DateStyle", "TimeZone", "client_encoding")] == [] and prepared == 0 and listening == 0
        d["ingestor"].kill()
        started = len(d["ingestor"].log_text())
        d.start("ingestor")
        assert "already exists" not in d["ingestor"].log_text()[started:]
    wait_until(lambda: d.tile("days/2026-11-04")["data"]["value"] == 3, what="the tile of that day, too")
    late = pooled_table.connect()
    late.cursor().execute("INSERT INTO events (timestamp, event_type) VALUES (now(), 'order.created')")
    pooled_table.execute(INSERT.format("events"))
    wait_until(lambda: value(d) == rows + 4)
    late.commit()
    late.close()
    wait_until(lambda: value(d) == rows + 5)
    assert d.stats()["source_failures"] == 0
    d.verify()
    other.close()


def test_a_row_that_fails_is_passed_over_through_pgbouncer(deploy, pooled_table, bouncer):
    pooled_table.execute("CREATE VIEW fragile AS SELECT id, timestamp, event_type, summary::int::text AS summary FROM events;"
                           "INSERT INTO events (timestamp, event_type, summary) SELECT now(), 'order.created',"
                           " CASE WHEN i % 10 = 0 THEN 'none' END FROM generate_series(1, 100) i")
    d = deploy(pooled_table, tiles=EVER, config={"source": {"uri": f"postgresql://tilewire@127.0.0.1:{bouncer}/{pooled_table.name}",
               "table": "fragile", "poll_interval": "50ms"}}).start()
    wait_until(lambda: value(d) == 90)
    assert d.stats()["rows_unusable"] == 10
    d.verify()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "WIN1252"])
def test_texts_that_are_not_utf_8_are_passed_over_through_pgbouncer(deploy, postgres_table, cluster, bouncer, encoding):
    """To read them takes another encoding of the session, which no other session is left with."""
    with test_cursor_bytes.database_of(encoding, cluster, postgres_table) as run:
        test_cursor_bytes.make(run)
        run(b"INSERT INTO events (id, target_id) VALUES ('plain', 'a'), ('M\x81nchen', 'b'), ('d', 'K\x81ln')")
        through = f"postgresql://tilewire@127.0.0.1:{bouncer}/{postgres_table.uri.rsplit('/', 1)[1]}"
        d = deploy(postgres_table, tiles=EVER, config={"source": {**test_cursor_bytes.FAST["source"], "uri": through}}).start()
        wait_until(lambda: value(d) == 1)
        wait_until(lambda: d.stats()["rows_unusable"] == 2)
        other = psycopg2.connect(through)  # it asks for no encoding, so it has the server's own, or what is left there
        other.autocommit = True
        with other.cursor() as cursor:
            for i in range(5):
                run(f"INSERT INTO events (id) VALUES ('more {i}')".encode())
                wait_until(lambda: value(d) == i + 2)
                cursor.execute("SELECT setting FROM pg_settings WHERE name = 'client_encoding'")
                assert cursor.fetchone()[0] == encoding
        d.verify()
        assert d.stats()["source_failures"] == 0
        other.close()


# ---- source.listen_uri ----


class Relay:
    """A network to a server, which can be cut: connections end then, and no others are taken until it is up again."""

    def __init__(self, to):
        self.to, self.port, self.sockets = to, 0, []
        self.up()

    def up(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                near = listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            self.sockets += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    @staticmethod
    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            Relay.cut(end)

    @staticmethod
    def cut(end):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def down(self):
        self.cut(self.listener)
        self.listener.close()
        for end in self.sockets:
            self.cut(end)
        self.sockets.clear()


def test_rows_come_at_once_through_the_pooler_and_by_polling_when_what_listens_is_cut(deploy, postgres_table, cluster, bouncer):
    relay = Relay(cluster["port"])
    d = deploy(postgres_table, tiles=EVER, config={"source": {"poll_interval": "1h",
               "uri": f"postgresql://tilewire@127.0.0.1:{bouncer}/{postgres_table.name}",
               "listen_uri": f"postgresql://tilewire@127.0.0.1:{relay.port}/{postgres_table.name}"}})
    d.run("install-trigger", check=True)
    d.start()
    d["ingestor"].await_log("source.listen_uri: the server notifies of new rows")
    for i in range(20):
        postgres_table.execute(INSERT.format("events"))
        wait_until(lambda: value(d) == i + 1, what="the row, long before it is polled")
    d.verify()
    d.config["source"]["poll_interval"] = "300ms"
    d.write()
    d.stop()
    d.start()
    wait_until(lambda: d["ingestor"].log_text().count("the server notifies of new rows") == 2)
    relay.down()
    for i in range(3):
        postgres_table.execute(INSERT.format("events"))
        wait_until(lambda: value(d) == 21 + i, what="the row by polling")
    log = d["ingestor"].log_text()
    assert log.count("until it listens, the table is polled each 300 ms") == 1, log
    relay.up()
    d["ingestor"].await_log("the server notifies of new rows again")
    postgres_table.execute(INSERT.format("events"))
    wait_until(lambda: value(d) == 24)
    assert d["ingestor"].log_text().count("until it listens") == 1
    assert d.stats()["source_failures"] == 0
    d.verify()


def test_rows_written_while_nothing_listened_are_read_when_it_does_again(deploy, postgres_table, cluster, bouncer):
    relay = Relay(cluster["port"])
    relay.down()
    d = deploy(postgres_table, tiles=EVER, config={"source": {"poll_interval": "1h",
               "uri": f"postgresql://tilewire@127.0.0.1:{bouncer}/{postgres_table.name}",
               "listen_uri": f"postgresql://tilewire@127.0.0.1:{relay.port}/{postgres_table.name}"}})
    d.run("install-trigger", check=True)
    d.start()
    d["ingestor"].await_log("source.listen_uri: cannot connect to PostgreSQL.*until it listens, the table is polled each 3600000 ms")
    postgres_table.execute(INSERT.format("events"))
    relay.up()
    wait_until(lambda: value(d) == 1, what="the row, once it listens")


def test_a_server_that_does_not_answer_holds_nothing_up(deploy, postgres_table, bouncer):
    """It takes the connection, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        d = deploy(postgres_table, tiles=EVER, config={"source": {"poll_interval": "50ms",
                   "uri": f"postgresql://tilewire@127.0.0.1:{bouncer}/{postgres_table.name}",
                   "listen_uri": f"postgresql://tilewire@127.0.0.1:{silent.getsockname()[1]}/{postgres_table.name}"}})
        d.start()
        for i in range(10):
            postgres_table.execute(INSERT.format("events"))
            wait_until(lambda: value(d) == i + 1, 2)
        d["ingestor"].await_log("source.listen_uri: the server does not answer: until it listens, the table is polled each 50 ms")


@pytest.mark.parametrize("where, told", [
    ("pooler", "it leads to a pooler of connections, too"),
    ("other", "the events table of source.uri is not in that database"),
])
def test_what_cannot_be_listened_to_is_said(deploy, postgres_table, cluster, bouncer, where, told):
    through = f"postgresql://tilewire@127.0.0.1:{bouncer}/{postgres_table.name}"
    d = deploy(postgres_table, tiles=EVER, config={"source": {"poll_interval": "50ms", "uri": through,
               "listen_uri": through if where == "pooler" else cluster["uri"]}})
    d.start()
    d["ingestor"].await_log(f"source.listen_uri: {told}.*the table is polled each 50 ms")
    postgres_table.execute(INSERT.format("events"))
    wait_until(lambda: value(d) == 1)


def test_check_sees_the_pooler(deploy, postgres_table, bouncer):
    direct = postgres_table.uri
    d = deploy(postgres_table)
    d.config["source"]["uri"] = f"postgresql://tilewire@127.0.0.1:{bouncer}/{postgres_table.name}"
    d.write()
    test_check_connect.has(test_check_connect.connect(d)[1], "warning", "source", "a pooler answers", "source.listen_uri")
    d.config["source"]["listen_uri"] = direct
    d.write()
    _, texts = test_check_connect.connect(d)
    test_check_connect.has(texts, "ok", "source", "notifications come by source.listen_uri")
    test_check_connect.has(texts, "ok", "source.listen_uri", "the server itself answers")
    d.config["source"]["listen_uri"] = d.config["source"]["uri"]
    d.write()
    test_check_connect.has(test_check_connect.connect(d)[1], "warning", "source.listen_uri", "a pooler answers here, too")
