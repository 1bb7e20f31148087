# SPDX-License-Identifier: Apache-2.0
"""A database of PostgreSQL with the encoding SQL_ASCII stores any bytes, and can give none but UTF-8."""
import psycopg2
import pytest

from tilewire import wait_until

ROWS = b"INSERT INTO events (id, target_id) VALUES "


@pytest.fixture
def ascii_table(cluster, postgres_table):
    """postgres_table in a database of that encoding, with ids that are texts."""
    name = f"{postgres_table.name}_ascii"
    admin = psycopg2.connect(cluster["uri"])
    admin.autocommit = True
    admin.cursor().execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0")
    uri, postgres_table.uri = postgres_table.uri, postgres_table.uri.replace(postgres_table.name, name)
    db = psycopg2.connect(postgres_table.uri)
    db.autocommit = True
    db.cursor().execute("SET client_encoding = SQL_ASCII; CREATE TABLE events (id text PRIMARY KEY, timestamp timestamptz DEFAULT clock_timestamp(),"
                        " event_type text DEFAULT 'order.created', target_id text); CREATE INDEX ON events (timestamp, id)")
    yield postgres_table, db.cursor()
    postgres_table.uri = uri
    db.close()
    admin.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


def test_a_text_id_of_another_encoding_passes_over_its_row(deploy, ascii_table):
    """As the newest row, between others, before a crash and after it; and so does any other text of the row."""
    table, db = ascii_table
    db.execute(ROWS + b"('plain', 'a'), ('M\xfcnchen', 'b'), ('M\xc3\xbcnchen', 'c'), ('d', 'K\xf6ln'), ('\xff', 'e')")
    d = deploy(table, tiles=[{"key": "ever", "type": "count"}], config={
        "source": {"cursor": ["timestamp", "id"], "poll_interval": "100ms"}, "ingestor": {"checkpoint_interval": "50ms"}})

    def counts():
        return d.tile("ever")["data"]["value"], d.stats()["rows_unusable"]

    d.start()
    wait_until(lambda: d.request("/api/tiles/ever")[0] == 200 and counts() == (2, 3), what="the rows that can be read")
    db.execute(ROWS + b"('\xfe', 'f'), ('last', 'g')")
    wait_until(lambda: counts() == (3, 4), what="the row behind another one")
    d["ingestor"].await_log(r"row M\\xfcnchen is passed over: its id is no text of 1 to 200 bytes in UTF-8")
    d["ingestor"].await_log("row d is passed over: it has a text that is not UTF-8")
    d.verify()
    d["ingestor"].kill()
    db.execute(ROWS + b"('z\xfd', 'h'), ('more', 'i')")
    d.start("ingestor")
    wait_until(lambda: d.tile("ever")["data"]["value"] == 4, what="the rows since the crash")
    d.verify()
