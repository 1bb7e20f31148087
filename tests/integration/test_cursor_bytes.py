# SPDX-License-Identifier: Apache-2.0
"""Tables read by source.cursor with ids that are no texts in UTF-8: such a row is passed over, and stops nothing."""
import contextlib
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


@contextlib.contextmanager
def database_of(encoding, cluster, postgres_table):
    """run(SQL as bytes) in a database of an encoding, which postgres_table is in meanwhile."""
    name = f"{postgres_table.name}_{encoding.lower()}"
    admin = psycopg2.connect(cluster["uri"])
    admin.autocommit = True
    admin.cursor().execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    uri, postgres_table.uri = postgres_table.uri, postgres_table.uri.replace(postgres_table.name, name)
    db = psycopg2.connect(postgres_table.uri)
    db.autocommit = True
    db.cursor().execute(f"SET client_encoding = {encoding}")
    yield db.cursor().execute
    for deployment in postgres_table.deployments:
        deployment.problems = deployment.stop()  # before its database is gone
    postgres_table.deployments.clear()
    postgres_table.uri = uri
    db.close()
    admin.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


@pytest.fixture
def ascii_table(cluster, postgres_table):
    """A database that stores any bytes."""
    with database_of("SQL_ASCII", cluster, postgres_table) as run:
        yield run


@pytest.fixture
def western_table(cluster, postgres_table):
    """A database that stores bytes, such as 0x81, which are no character and cannot be converted to UTF-8."""
    with database_of("WIN1252", cluster, postgres_table) as run:
        yield run


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


@pytest.mark.parametrize("id_type", ["text", "varchar(40)", "character(9)"])
def test_an_id_of_a_character_that_utf_8_lacks_passes_over_its_row(deploy, postgres_table, western_table, id_type):
    run = western_table
    make(run, id_type)
    run(b"INSERT INTO events (id) VALUES ('plain'), ('M\xfcnchen'), ('M\x81nchen')")
    d = deploy(postgres_table, tiles=EVER, config=FAST).start()
    wait_until(lambda: value(d) == 2)
    assert d.stats()["rows_unusable"] == 1
    d["ingestor"].await_log(r"row M\\x81nchen *is passed over")
    run(b"INSERT INTO events (id) VALUES ('K\x8dln')")  # the newest row of all
    wait_until(lambda: d.stats()["rows_unusable"] == 2)
    run(b"INSERT INTO events (id) VALUES ('K\xf6ln')")
    wait_until(lambda: value(d) == 3)
    run(b"INSERT INTO events (id, timestamp) VALUES ('l\x81te', now() - interval '1 minute'), ('l\xe4te', now() - interval '1 minute')")
    wait_until(lambda: value(d) == 4)
    wait_until(lambda: d.stats()["rows_unusable"] == 3)
    d.verify()
    ids = [e["id"].strip() for e in d.get_json("/api/events")["events"]][::-1]
    assert ids == ["plain", "M\u00fcnchen", "K\u00f6ln", "l\u00e4te"]
    run(b"INSERT INTO events (id) VALUES ('z\x90')")  # where an ingestor goes on from
    wait_until(lambda: d.stats()["rows_unusable"] == 4)
    d["ingestor"].kill(signal.SIGTERM)
    run(b"INSERT INTO events (id) VALUES ('again')")
    d.start("ingestor")
    wait_until(lambda: value(d) == 5)
    d.verify()


@pytest.mark.parametrize("grows", [False, True], ids=["by cursor", "integer ids"])
def test_any_text_with_a_character_that_utf_8_lacks_passes_over_its_row(deploy, postgres_table, western_table, grows):
    run = western_table
    make(run, "bigint" if grows else "text")
    run(b"INSERT INTO events (id, target_id) VALUES ('1', 'a'), ('2', 'K\xf6ln'), ('3', 'K\x81ln')")
    d = deploy(postgres_table, tiles=EVER, config={"source": {"poll_interval": "100ms"}} if grows else FAST).start()
    wait_until(lambda: value(d) == 2)
    wait_until(lambda: d.stats()["rows_unusable"] == 1)
    d["ingestor"].await_log('row 3 is passed over: it cannot be read.*has no equivalent in encoding "UTF8"')
    d.verify()
    d["ingestor"].kill()
    run(b"INSERT INTO events (id, target_id) VALUES ('4', 'e\x81'), ('5', 'f')")
    d.start("ingestor")
    wait_until(lambda: value(d) == 3)
    d.verify()


def test_pages_that_end_with_a_character_that_utf_8_lacks_are_gone_on_from(deploy, postgres_table, western_table):
    """A page has 4,000 rows. All of them have one time, so that ids alone say where to go on. Some ids look like what
    stands for such a text: \\x01 and digits."""
    run = western_table
    make(run)
    run("SET standard_conforming_strings = on")
    run(b"INSERT INTO events (id, timestamp) SELECT 'k' || lpad(n::text, 5, '0') || CASE WHEN n % 4000 IN (0, 1) THEN E'\\x81' ELSE '' END,"
        b" '2026-11-27 12:00Z' FROM generate_series(1, 9000) n")
    run(b"INSERT INTO events (id, timestamp) SELECT E'\\x01' || to_hex(4096 + n), '2026-11-27 12:00Z' FROM generate_series(1, 4010) n")
    d = deploy(postgres_table, tiles=EVER, config=FAST).start()
    wait_until(lambda: value(d) == 8995)
    wait_until(lambda: d.stats()["rows_unusable"] == 4015)
    d.verify()


def test_a_time_with_a_character_that_utf_8_lacks_passes_over_its_row(deploy, postgres_table, western_table):
    run = western_table
    make(run, time_type="text")
    when = now_iso(-5).encode()
    run(b"INSERT INTO events (id, timestamp) VALUES ('one', '" + when + b"'), ('two', '" + when + b"\x81'), ('three', '" + when + b"')")
    d = deploy(postgres_table, tiles=EVER, config=FAST).start()
    wait_until(lambda: value(d) == 2)
    run(b"INSERT INTO events (id, timestamp) VALUES ('four', '" + now_iso().encode() + b"')")
    wait_until(lambda: value(d) == 3)
    d.verify()
