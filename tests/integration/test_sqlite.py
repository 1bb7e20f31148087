# SPDX-License-Identifier: Apache-2.0
"""SQLite's own ways: ids of any type, schemas that change, ids that are given out again, logs that are unlinked, locks."""
import signal
import sqlite3
import time
import uuid

import pytest

from tilewire import Sqlite, now_iso, wait_until

README_TABLE = "CREATE TABLE log (n INTEGER PRIMARY KEY, created_at TEXT, kind TEXT, shop TEXT, details TEXT)"
README_COLUMNS = {"id": "n", "timestamp": "created_at", "event_type": "kind", "payload": "details", "shop": "shop"}
SALES = [{"key": "sales", "type": "count", "match": {"event_type": "sale"}},
         {"key": "amount", "type": "trend", "match": {"event_type": "sale"}, "step": "1h", "length": 3, "aggregate": "sum", "value": "payload.amount"},
         {"key": "by", "type": "count", "match": {"event_type": "sale"}, "group_by": "shop"}]
MINIMAL = {"id": "id", "timestamp": "at", "event_type": "kind"}
COUNT = [{"key": "sales", "type": "count", "match": {"event_type": "sale"}}]


@pytest.fixture
def shop(folder, deploy):
    """shop(statement, columns, tiles, …) → a database with a table `log`, and its deployment, not started yet."""
    made = []

    def make(statement=README_TABLE, columns=None, tiles=None, journal="wal", table="log"):
        database = Sqlite(folder / "shop.db", journal)
        database.db = sqlite3.connect(database.path, timeout=30, isolation_level=None, check_same_thread=False)
        database.db.execute(f"PRAGMA journal_mode={journal}")
        database.db.executescript(statement)
        database.deployments = []
        made.append(database)
        source = {"table": table, "columns": columns or README_COLUMNS, "poll_interval": "100ms"}
        return database, deploy(database, tiles=tiles or SALES, gateways=1, config={"source": source})

    yield make
    for database in made:
        for deployment in database.deployments:
            deployment.problems = deployment.stop()
        database.close()


def sell(database, count=1, kind="sale"):
    database.db.execute("BEGIN IMMEDIATE")
    for _ in range(count):
        database.db.execute("INSERT INTO log (created_at, kind, shop, details) VALUES (?, ?, 'north', '{\"amount\": 2}')", (now_iso(), kind))
    database.db.execute("COMMIT")


def sales(deployment):
    return deployment.tile("sales")["data"]["value"]


def await_sales(deployment, count):
    wait_until(lambda: sales(deployment) == count, what=f"{count} sales, not {sales(deployment)}")


# ---- Ids ----


@pytest.mark.parametrize("declared,ids", [
    ("id TEXT PRIMARY KEY", [str(uuid.uuid4()) for _ in range(5)]),
    ("id UUID PRIMARY KEY", [str(uuid.uuid4()) for _ in range(5)]),  # SQLite takes such a column for a number's
    ("id CHAR(26) PRIMARY KEY", [f"01JDQ3K{i}ZZZZZZZZZZZZZZZZZ" for i in range(5)]),
    ("id BLOB PRIMARY KEY", [uuid.uuid4().bytes for _ in range(5)]),
    ("id PRIMARY KEY", [uuid.uuid4().bytes for _ in range(5)]),
    ("id TEXT PRIMARY KEY", []),
    ("id TEXT PRIMARY KEY", ["1", "2", "10"]),
])
def test_ids_that_are_no_numbers_are_refused(shop, declared, ids):
    database, d = shop(f"CREATE TABLE log ({declared}, at TEXT, kind TEXT)", MINIMAL, COUNT)
    for value in ids:
        database.db.execute("INSERT INTO log VALUES (?, ?, 'sale')", (value, now_iso()))
    d["ingestor"].start()
    message = r'the ids in column "id" of table "log" are (text|blobs).* set source\.columns\.id to'
    d["ingestor"].await_log(message)
    if ids:  # there is nothing to verify else
        result = d.run("verify")
        assert result.returncode == 1 and "set source.columns.id to" in result.stdout, result
    assert "ready component" not in d["ingestor"].log_text()


def test_text_ids_that_come_later_are_refused(shop):
    """An empty table, of whose ids nothing is said."""
    database, d = shop("CREATE TABLE raw (id TEXT, at TEXT, kind TEXT); CREATE VIEW log AS SELECT id || '' AS id, at, kind FROM raw", MINIMAL, COUNT)
    d.start()
    for _ in range(5):
        database.db.execute("INSERT INTO raw VALUES (?, ?, 'sale')", (str(uuid.uuid4()), now_iso()))
    d["ingestor"].await_log(r'the ids in column "id" of table "log" are text')
    assert sales(d) == 0


@pytest.mark.parametrize("declared", ["id NUMERIC UNIQUE", "id UNIQUE", "id REAL UNIQUE", "id INT PRIMARY KEY"])
def test_single_ids_that_are_no_numbers_above_0_are_passed_over(shop, declared):
    database, d = shop(f"CREATE TABLE log ({declared}, at TEXT, kind TEXT)", MINIMAL, COUNT)

    def insert(*ids):
        for value in ids:
            database.db.execute("INSERT INTO log VALUES (?, ?, 'sale')", (value, now_iso()))

    insert(1, 2, 2.5, "x1", b"x2", -1, 0, None, 1e30)
    d.start()
    await_sales(d, 2)
    wait_until(lambda: d.stats()["rows_unusable"] == 7, what="the unusable rows")
    insert(3, 4)
    await_sales(d, 4)
    insert(-2, "x3", 4.5)
    wait_until(lambda: d.stats()["rows_unusable"] == 10, what="the unusable rows")
    insert(5)
    await_sales(d, 5)
    assert d.stats()["rows_unusable"] == 10
    assert "ids are no whole numbers above 0" in d["ingestor"].log_text()
    d.verify()


def test_rows_with_ids_of_0_or_less_are_counted(shop):
    database, d = shop()
    for n in (-5, 0, 1):
        database.db.execute("INSERT INTO log VALUES (?, ?, 'sale', 'north', NULL)", (n, now_iso()))
    d.start()
    await_sales(d, 1)
    wait_until(lambda: d.stats()["rows_unusable"] == 2, what="the unusable rows")
    assert "no whole numbers above 0" in d["ingestor"].log_text()
    d.verify()


def test_a_database_of_utf_16_is_read(shop):
    """SQLite converts each text when it is asked for, also those that are columns of an event's own."""
    columns = "created_at TEXT, kind TEXT, shop TEXT, details TEXT, price REAL"
    database, d = shop(f"PRAGMA encoding = 'UTF-16le'; CREATE TABLE log (n INTEGER PRIMARY KEY, {columns})", {**README_COLUMNS, "price": "price"})
    assert database.db.execute("PRAGMA encoding").fetchone() == ("UTF-16le",)
    for price in (0.1 + 0.2, 99.99, 1e300, None):
        database.db.execute("INSERT INTO log VALUES (NULL, ?, 'sale', 'Zürich', '{\"amount\": 2}', ?)", (now_iso(), price))
    d.start()
    await_sales(d, 4)
    assert d.tile("by/Z%C3%BCrich")["data"]["value"] == 4
    prices = {event.get("price") for event in d.get_json("/api/events")["events"]}
    assert {"0.30000000000000004", "99.99"} < prices, prices
    d.verify()


# ---- Schemas ----


@pytest.mark.parametrize("column,field", [("kind", "event_type"), ("created_at", "timestamp"), ("details", "payload"), ("shop", "shop"), ("n", "id")])
def test_a_column_renamed_while_running_is_waited_for(shop, column, field):
    database, d = shop()
    sell(database, 2)
    d.start()
    await_sales(d, 2)
    database.db.execute(f"ALTER TABLE log RENAME COLUMN {column} TO renamed")
    d["ingestor"].await_log(f'no .*column "{column}" for {field}')
    names = [name for name in ("created_at", "kind", "shop", "details") if name != column]
    database.db.execute(f"INSERT INTO log ({', '.join(names)}{', renamed' if column != 'n' else ''}) VALUES "
                        f"({', '.join('?' * len(names))}{', ?' if column != 'n' else ''})",
                        [values for name in names + [column] if (values := {"created_at": now_iso(), "kind": "sale", "shop": "north",
                                                                            "details": '{"amount": 2}'}.get(name))])
    wait_until(lambda: d.stats()["source_up"] == 0, what="a source that is down")
    assert sales(d) == 2
    assert d.run("verify").returncode == 1
    database.db.execute(f"ALTER TABLE log RENAME COLUMN renamed TO {column}")
    await_sales(d, 3)
    assert d.stats()["table_restarts"] == 0
    d.verify()


def test_an_optional_column_that_was_read_is_waited_for(shop):
    """`payload` may be missing; but not from one row to the next, and a restart is no answer either."""
    database, d = shop("CREATE TABLE log (id INTEGER PRIMARY KEY, at TEXT, kind TEXT, payload TEXT)", MINIMAL,
                       [{"key": "sales", "type": "count", "match": {"event_type": "sale", "payload.amount": 2}}])
    row = "INSERT INTO log (at, kind, {}) VALUES ('{}', 'sale', '{{\"amount\": 2}}')"
    database.db.execute(row.format("payload", now_iso()))
    d.start()
    await_sales(d, 1)
    database.db.execute("ALTER TABLE log RENAME COLUMN payload TO body")
    database.db.execute(row.format("body", now_iso()))
    message = 'no longer has the column "payload" for payload.* or to null'
    d["ingestor"].await_log(message)
    wait_until(lambda: d.folder.joinpath("checkpoint").exists())
    d["ingestor"].kill()
    before = len(d["ingestor"].log_text())
    d["ingestor"].start()
    d["ingestor"].await_log(message, after=before)
    database.db.execute("ALTER TABLE log RENAME COLUMN body TO payload")
    await_sales(d, 2)
    d.verify()


def test_a_column_added_while_running_is_read(shop):
    database, d = shop("CREATE TABLE log (id INTEGER PRIMARY KEY, at TEXT, kind TEXT)", MINIMAL,
                       [{"key": "sales", "type": "count", "match": {"event_type": "sale", "payload.amount": 2}}])
    database.db.execute("INSERT INTO log (at, kind) VALUES (?, 'sale')", (now_iso(),))
    d.start()
    database.db.execute("ALTER TABLE log ADD COLUMN payload TEXT")
    database.db.execute("INSERT INTO log (at, kind, payload) VALUES (?, 'sale', '{\"amount\": 2}')", (now_iso(),))
    await_sales(d, 1)
    d.verify()


def test_generated_columns_and_odd_names_are_read(shop):
    database, d = shop("""
        CREATE TABLE "the ""log"" table" ("n, or id" INTEGER PRIMARY KEY, ms INTEGER, kind TEXT, details TEXT,
            at TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%fZ', ms / 1000.0, 'unixepoch')),
            shop TEXT AS (details ->> '$.shop') STORED)""",
        {"id": "n, or id", "timestamp": "at", "event_type": "kind", "payload": "details", "shop": "shop"}, table='the "log" table')
    insert = 'INSERT INTO "the ""log"" table" (ms, kind, details) VALUES (?, \'sale\', \'{"amount": 2, "shop": "south"}\')'
    database.db.execute(insert, (int(time.time() * 1000),))
    d.start()
    await_sales(d, 1)
    database.db.execute(insert, (int(time.time() * 1000),))
    await_sales(d, 2)
    assert d.tile("by/south")["data"]["value"] == 2
    d.verify()


@pytest.mark.parametrize("n,cursor", [("INTEGER", None), ("TEXT", ["created_at", "n"])])
def test_a_table_without_rowids_is_read(shop, n, cursor):
    database, d = shop(f"CREATE TABLE log (n {n} PRIMARY KEY, created_at TEXT, kind TEXT, shop TEXT, details TEXT) WITHOUT ROWID;"
                       "CREATE INDEX log_cursor ON log (created_at, n)")
    if cursor is not None:
        d.config["source"]["cursor"] = cursor
        d.write()
    numbers = iter(range(1, 100))

    def add(count):
        for number in (next(numbers) for _ in range(count)):
            row = (number if cursor is None else f"{uuid.uuid4()}", now_iso())
            database.db.execute("INSERT INTO log VALUES (?, ?, 'sale', 'north', '{\"amount\": 2}')", row)

    add(5)
    d.start()
    await_sales(d, 5)
    add(5)
    await_sales(d, 10)
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    add(1)
    d["ingestor"].start()
    await_sales(d, 11)
    assert d.stats()["table_restarts"] == 0
    d.verify()


def test_a_view_is_read(shop):
    database, d = shop("""
        CREATE TABLE raw (id INTEGER PRIMARY KEY, at TEXT, body TEXT);
        CREATE VIEW log AS SELECT id AS n, at AS created_at, body ->> '$.kind' AS kind, 'north' AS shop, body AS details FROM raw""")
    insert = "INSERT INTO raw (at, body) VALUES (?, '{\"kind\": \"sale\", \"amount\": 2}')"
    database.db.execute(insert, (now_iso(),))
    d.start()
    await_sales(d, 1)
    database.db.execute(insert, (now_iso(),))
    await_sales(d, 2)
    d.verify()
    database.db.executescript("DROP VIEW log; CREATE VIEW log AS SELECT id AS n, at AS created_at, 'refund' AS kind, 'north' AS shop, body AS details FROM raw")
    d["ingestor"].await_log("begin anew|another one")
    await_sales(d, 0)
    d.verify()


# ---- The same table, or another one ----


def test_a_newest_row_whose_id_is_given_out_again(shop):
    """Without AUTOINCREMENT, and two rows at once: the greatest id never falls, nor stays."""
    database, d = shop()
    sell(database, 5)
    d.start()
    await_sales(d, 5)
    stream = d.stream("/api/events/stream")
    database.db.execute("BEGIN IMMEDIATE")
    database.db.execute("DELETE FROM log WHERE n = 5")
    for _ in range(2):
        database.db.execute("INSERT INTO log (created_at, kind, shop) VALUES (?, 'sale', 'south')", (now_iso(),))
    database.db.execute("COMMIT")
    stream.await_event(lambda e: e["event"] == "reset", 15)
    await_sales(d, 6)
    assert d.tile("by/south")["data"]["value"] == 2
    d.verify()


@pytest.mark.parametrize("deleted,inserted", [(1, 1), (3, 1), (3, 2), (3, 3), (3, 10), (40, 7)])
def test_ids_given_out_again_in_one_transaction(shop, deleted, inserted):
    database, d = shop()
    sell(database, 100)
    d.start()
    await_sales(d, 100)
    database.db.execute("BEGIN IMMEDIATE")
    database.db.execute("DELETE FROM log WHERE n > ?", (100 - deleted,))
    for _ in range(inserted):
        database.db.execute("INSERT INTO log (created_at, kind, shop) VALUES (?, 'sale', 'south')", (now_iso(),))
    database.db.execute("COMMIT")
    await_sales(d, 100 - deleted + inserted)
    d.verify()


def test_ids_given_out_again_while_nobody_looked(shop):
    database, d = shop()
    sell(database, 5)
    d.start()
    await_sales(d, 5)
    d["ingestor"].kill(signal.SIGTERM)
    database.db.execute("DELETE FROM log WHERE n >= 4")
    sell(database, 3)
    d.start("ingestor")
    d["ingestor"].await_log("begin anew")
    await_sales(d, 6)
    d.verify()


def test_a_restored_database_that_many_rows_follow(shop, folder):
    """`.restore` writes into the same file. Before anyone looks, its ids are beyond the position again."""
    database, d = shop(README_TABLE.replace("PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT"))
    sell(database, 50)
    database.shell(f".backup {folder}/backup.db")
    sell(database, 50)
    d.start()
    await_sales(d, 100)
    d["ingestor"].process.send_signal(signal.SIGSTOP)
    database.close()
    database.shell(f".restore {folder}/backup.db")
    database.db = sqlite3.connect(database.path, timeout=30, isolation_level=None)
    sell(database, 100)
    d["ingestor"].process.send_signal(signal.SIGCONT)
    await_sales(d, 150)
    d["ingestor"].await_log("begin anew")
    d.verify()


def test_updates_and_deletions_of_what_was_read_are_no_new_table(shop):
    database, d = shop()
    sell(database, 20)
    d.start()
    await_sales(d, 20)
    database.db.execute("UPDATE log SET details = '{}', shop = 'south' WHERE n = 20")
    sell(database)
    await_sales(d, 21)
    database.db.execute("DELETE FROM log WHERE n < 10 OR n = 15")
    sell(database)
    await_sales(d, 22)
    database.db.execute("VACUUM")
    sell(database)
    await_sales(d, 23)
    d["ingestor"].kill()
    sell(database)
    d.start("ingestor")
    await_sales(d, 24)
    assert "begin anew" not in d["ingestor"].log_text() and d.stats()["table_restarts"] == 0


def test_an_outbox_that_is_emptied_is_the_same_table(shop):
    """Rows are deleted once processed, and AUTOINCREMENT goes on."""
    database, d = shop(README_TABLE.replace("PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT"))
    sell(database, 5)
    d.start()
    stream = d.stream("/api/events/stream")
    count = 5
    await_sales(d, count)
    for left in (0, 0, 2, 1, 0):
        database.db.execute("DELETE FROM log WHERE n <= (SELECT max(n) FROM log) - ?", (left,))
        time.sleep(0.3)  # a chance to look meanwhile; what comes out is the same with and without it
        sell(database)
        count += 1
        await_sales(d, count)
    d["ingestor"].kill(signal.SIGTERM)  # it saves what it has folded
    database.db.execute("DELETE FROM log")
    d.start("ingestor")
    sell(database)
    await_sales(d, count + 1)
    assert d.stats()["table_restarts"] == 0 and "anew" not in d["ingestor"].log_text()
    assert not [e for e in stream.events if e["event"] == "reset"]
    assert len(d["ingestor"].log_text().split("the newest rows of table")) <= 6


def test_an_outbox_whose_ids_begin_anew_is_another_table(shop):
    database, d = shop(README_TABLE.replace("PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT"))
    sell(database, 5)
    d.start()
    await_sales(d, 5)
    database.db.executescript("BEGIN; DELETE FROM log; DELETE FROM sqlite_sequence; COMMIT")
    sell(database, 4)
    await_sales(d, 4)
    d.verify()


# ---- Files ----


@pytest.mark.parametrize("suffixes", [("-wal", "-shm"), ("-wal",), ("-shm",)])
def test_a_log_that_was_unlinked_is_not_read_for_ever(shop, suffixes):
    database, d = shop()
    sell(database, 5)
    d.start()
    await_sales(d, 5)
    database.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    for suffix in suffixes:
        (database.path.parent / (database.path.name + suffix)).unlink()
    database.db = sqlite3.connect(database.path, timeout=30, isolation_level=None)
    sell(database, 3)
    await_sales(d, 8)
    sell(database, 3)
    await_sales(d, 11)
    d.verify()


@pytest.mark.timing
@pytest.mark.parametrize("mode", ["delete", "truncate", "persist", "memory", "off"])
def test_an_application_without_a_busy_timeout_is_hardly_disturbed(shop, mode):
    """One of 1,000 is what is promised; a test on a busy machine asks for less."""
    database, d = shop(journal="delete")
    database.db.execute(f"PRAGMA journal_mode={mode}")
    database.db.execute("PRAGMA synchronous=OFF")
    sell(database, 20000)
    database.db.execute("PRAGMA busy_timeout=0")
    d.start()
    failed = 0
    for _ in range(1000):
        try:
            database.db.execute("INSERT INTO log (created_at, kind, shop) VALUES (?, 'sale', 'north')", (now_iso(),))
        except sqlite3.OperationalError:
            failed += 1
        time.sleep(0.002)  # the pace of the application
    await_sales(d, 21000 - failed)
    assert failed <= 10


def test_a_long_transaction_does_not_hold_up_what_was_committed(shop):
    database, d = shop(journal="delete")
    d.start()
    d["ingestor"].kill(signal.SIGTERM)
    sell(database, 10)
    database.db.execute("BEGIN IMMEDIATE")
    d.start("ingestor")
    await_sales(d, 10)
    database.db.execute("COMMIT")


def test_check_advises_wal(shop):
    database, d = shop(journal="delete")
    result = d.run("check")
    assert result.returncode == 0 and "PRAGMA journal_mode=WAL" in result.stdout, result
    database.db.execute("PRAGMA journal_mode=WAL")
    result = d.run("check")
    assert result.returncode == 0 and "WAL" not in result.stdout, result
