# SPDX-License-Identifier: Apache-2.0
"""Tables read by source.cursor with ids that are no texts in UTF-8: such a row is passed over, and stops nothing."""
import signal

import psycopg2
import pytest

from texts import CURSOR
from tilewire import now_iso, wait_until

FAST = {"source": {"poll_interval": "100ms", **CURSOR}}
EVER = [{"key": "ever", "type": "count", "match": {"event_type": "order.*"}}]
COLUMNS = "event_type text DEFAULT 'order.created', actor_id text, target_id text, summary text, payload text"


def value(d):
    return d.tile("ever")["data"]["value"]


@pytest.fixture
def ascii_table(cluster, postgres_table):
    """run(SQL as bytes) in a database that stores any bytes, which postgres_table is in meanwhile."""
    name = f"{postgres_table.name}_ascii"
    admin = psycopg2.connect(cluster["uri"])
    admin.autocommit = True
    admin.cursor().execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    uri, postgres_table.uri = postgres_table.uri, postgres_table.uri.replace(postgres_table.name, name)
    db = psycopg2.connect(postgres_table.uri)
    db.autocommit = True
    db.cursor().execute("SET client_encoding = SQL_ASCII")
    yield db.cursor().execute
    for deployment in postgres_table.deployments:
        deployment.problems = deployment.stop()  # before its database is gone
    postgres_table.deployments.clear()
    postgres_table.uri = uri
    db.close()
    admin.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


def make(run, id_type="text", time_type="timestamptz"):
    run(f"CREATE TABLE events (id {id_type} PRIMARY KEY, timestamp {time_type} DEFAULT clock_timestamp(), {COLUMNS});"
        " CREATE INDEX ON events (timestamp, id)")


@pytest.mark.parametrize("id_type", ["text", "varchar(40)", "character(9)"])
def test_a_text_id_of_other_bytes_passes_over_its_row(deploy, postgres_table, ascii_table, id_type):
    run = ascii_table
    make(run, id_type)
    run(b"INSERT INTO events (id) VALUES ('plain'), ('M\xfcnchen'), ('M\xc3\xbcnchen')")
    d = deploy(postgres_table, tiles=EVER, config=FAST).start()
    wait_until(lambda: value(d) == 2)
    assert d.stats()["rows_unusable"] == 1
    d["ingestor"].await_log(r"row M\\xfcnchen *is passed over")
    run(b"INSERT INTO events (id) VALUES ('K\xf6ln')")  # the newest row of all
    wait_until(lambda: d.stats()["rows_unusable"] == 2)
    run(b"INSERT INTO events (id) VALUES ('last')")
    wait_until(lambda: value(d) == 3)
    run(b"INSERT INTO events (id, timestamp) VALUES ('l\xe4te', now() - interval '1 minute'), ('late', now() - interval '1 minute')")
    wait_until(lambda: value(d) == 4)
    wait_until(lambda: d.stats()["rows_unusable"] == 3)
    d.verify()
    ids = [e["id"].strip() for e in d.get_json("/api/events")["events"]][::-1]
    assert ids == ["plain", "M\u00fcnchen", "last", "late"]
    d["ingestor"].kill(signal.SIGTERM)
    d.start("ingestor")
    run(b"INSERT INTO events (id) VALUES ('again')")
    wait_until(lambda: value(d) == 5)
    d.verify()


def test_any_text_of_other_bytes_passes_over_its_row_also_after_a_crash(deploy, postgres_table, ascii_table):
    run = ascii_table
    make(run)
    run(b"INSERT INTO events (id, target_id) VALUES ('plain', 'a'), ('M\xfcnchen', 'b'), ('d', 'K\xf6ln')")
    d = deploy(postgres_table, tiles=EVER, config=FAST).start()
    wait_until(lambda: value(d) == 1)
    wait_until(lambda: d.stats()["rows_unusable"] == 2)
    d["ingestor"].await_log(r"row M\\xfcnchen is passed over: its id is no text of 1 to 200 bytes in UTF-8")
    d["ingestor"].await_log("row d is passed over: it has a text that is not UTF-8")
    d.verify()
    d["ingestor"].kill()
    run(b"INSERT INTO events (id, target_id) VALUES ('z\xfd', 'e'), ('more', 'f')")
    d.start("ingestor")
    wait_until(lambda: value(d) == 2)
    d.verify()


def test_pages_that_end_with_such_an_id_are_gone_on_from(deploy, postgres_table, ascii_table):
    """A page has 4,000 rows. All of them have one time, so that ids alone say where to go on."""
    run = ascii_table
    make(run)
    run("SET standard_conforming_strings = on")
    run(b"INSERT INTO events (id, timestamp) SELECT 'k' || lpad(n::text, 5, '0') || CASE WHEN n % 4000 IN (0, 1) THEN E'\\xfc' ELSE '' END,"
        b" '2026-11-27 12:00Z' FROM generate_series(1, 9000) n")
    run(b"INSERT INTO events (id, timestamp) VALUES (E'\\001ff', '2026-11-27 12:00Z'), (E'\\001zz', '2026-11-27 12:00Z')")
    d = deploy(postgres_table, tiles=EVER, config=FAST).start()
    wait_until(lambda: value(d) == 8995)
    wait_until(lambda: d.stats()["rows_unusable"] == 7)
    d.verify()


def test_a_text_of_other_bytes_as_time_passes_over_its_row(deploy, postgres_table, ascii_table):
    run = ascii_table
    make(run, time_type="text")
    when = now_iso(-5).encode()
    run(b"INSERT INTO events (id, timestamp) VALUES ('one', '" + when + b"'), ('two', '" + when + b"\xfc'), ('three', '" + when + b"')")
    d = deploy(postgres_table, tiles=EVER, config=FAST).start()
    wait_until(lambda: value(d) == 2)
    run(b"INSERT INTO events (id, timestamp) VALUES ('four', '" + now_iso().encode() + b"')")
    wait_until(lambda: value(d) == 3)
    d.verify()


@pytest.mark.parametrize("texts_table", ["sqlite-texts"], indirect=True)
def test_sqlite_passes_over_ids_of_other_bytes(deploy, texts_table):
    """Invalid UTF-8 and NUL in a text, which SQLite stores as they come."""
    def insert(digits):
        texts_table.db.execute(f"INSERT INTO events (id, timestamp, event_type) VALUES (CAST(x'{digits}' AS TEXT), ?, 'order.created')", (now_iso(),))

    for digits in (b"plain".hex(), "4dfc", b"a\0b".hex(), b"a\0c".hex(), b"a".hex()):
        insert(digits)
    d = deploy(texts_table, tiles=EVER, config=FAST).start()
    wait_until(lambda: value(d) == 2)
    assert d.stats()["rows_unusable"] == 3
    insert("4bf6")  # the newest row of all
    wait_until(lambda: d.stats()["rows_unusable"] == 4)
    insert(b"last".hex())
    wait_until(lambda: value(d) == 3)
    d.verify()
    d["ingestor"].kill(signal.SIGTERM)
    d.start("ingestor")
    insert(b"again".hex())
    wait_until(lambda: value(d) == 4)
    d.verify()
