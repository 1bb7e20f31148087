# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL tables as they are found in the wild: other types of ids, other settings, rows that cannot be read, rights on some
columns only, row level security."""
import signal

import psycopg2
import pytest

from tilewire import now_iso, wait_until

COLUMNS = "timestamp timestamptz DEFAULT now(), event_type text DEFAULT 'order.created', actor_id text, target_id text, summary text"
FAST = {"source": {"poll_interval": "100ms"}}
EVER = [{"key": "ever", "type": "count", "match": {"event_type": "order.*"}}]


def value(d, key="ever"):
    return d.tile(key)["data"]["value"]


def order(table, target="o"):
    return table.insert([(now_iso(), "order.created", None, target, None, None)])


# ---- Ids ----


@pytest.mark.parametrize("id_type,default", [("uuid", "gen_random_uuid()"), ("text", "md5(random()::text)"), ("timestamptz", "clock_timestamp()")])
def test_ids_that_are_no_numbers_are_refused_with_what_to_do(deploy, postgres_table, id_type, default):
    postgres_table.execute(f"CREATE TABLE odd (id {id_type} PRIMARY KEY DEFAULT {default}, {COLUMNS}); INSERT INTO odd DEFAULT VALUES")
    d = deploy(postgres_table, tiles=EVER, config={"source": {"table": "odd"}})
    d["ingestor"].start()
    name = {"timestamptz": "timestamp with time zone"}.get(id_type, id_type)
    said = f'column "id" of table "odd" is of type {name}, but ids must be whole numbers'
    d["ingestor"].await_log(said)
    d["ingestor"].await_log("GENERATED ALWAYS AS IDENTITY.*source.columns.id")
    result = d.run("verify")
    assert result.returncode == 1 and said in result.stdout and "source.columns.id" in result.stdout, result.stdout
    # What the message says, done while the ingestor runs.
    postgres_table.execute("ALTER TABLE odd ADD COLUMN seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE")
    d["ingestor"].kill(signal.SIGTERM)
    d.config["source"]["columns"] = {"id": "seq"}
    d.write()
    d.start()
    wait_until(lambda: value(d) == 1)
    d.verify()


@pytest.mark.parametrize("id_type", ["smallint", "int", "numeric(20)", "number"])
def test_ids_may_be_of_any_type_of_number(deploy, postgres_table, id_type):
    postgres_table.execute(f"CREATE DOMAIN number AS bigint; CREATE TABLE odd (id {id_type} PRIMARY KEY, {COLUMNS});"
                           "INSERT INTO odd SELECT i FROM generate_series(1, 5) i")
    d = deploy(postgres_table, tiles=EVER, config={"source": {"table": "odd"}}).start()
    wait_until(lambda: value(d) == 5)
    d.verify()


def test_ids_of_0_or_less_are_counted_and_logged(deploy, postgres_table):
    """As of a 32-bit sequence that was moved to the negative numbers when the positive ones had run out."""
    postgres_table.execute("INSERT INTO events (id, timestamp, event_type) SELECT i, now(), 'order.created' FROM generate_series(-3, 0) i")
    d = deploy(postgres_table, tiles=EVER, config=FAST).start()
    d["ingestor"].await_log("row -3 is passed over: its id is not a number above 0")
    wait_until(lambda: d.stats()["rows_unusable"] == 4)
    postgres_table.execute("INSERT INTO events (id, timestamp, event_type) VALUES (-9223372036854775808, now(), 'a'), (7, now(), 'order.created')")
    wait_until(lambda: value(d) == 1)
    assert d.stats()["rows_unusable"] == 4 and d.stats()["table_restarts"] == 0
    d.verify()
    d["ingestor"].kill()
    d.start("ingestor")
    assert order(postgres_table) == 1, "the sequence has not been used yet"
    wait_until(lambda: value(d) == 2)
    d.verify()


def test_a_table_with_ids_below_0_only_is_no_new_table_at_each_look(deploy, postgres_table):
    postgres_table.execute("INSERT INTO events (id, timestamp, event_type) SELECT i, now(), 'order.created' FROM generate_series(-9000, -1) i")
    d = deploy(postgres_table, tiles=EVER, config=FAST).start()
    wait_until(lambda: d.stats()["rows_unusable"] == 9000)
    postgres_table.execute("INSERT INTO events (id, timestamp, event_type) VALUES (0, now(), 'order.created')")
    wait_until(lambda: d.stats()["rows_unusable"] == 9001)
    assert d.stats()["table_restarts"] == 0 and "begin anew" not in d["ingestor"].log_text()
    d.verify()


# ---- Settings of the database ----


def test_settings_of_the_database_change_nothing(deploy, postgres_table):
    postgres_table.execute(f"""
        ALTER DATABASE {postgres_table.name} SET datestyle = 'SQL, DMY';
        ALTER DATABASE {postgres_table.name} SET timezone = 'Asia/Kathmandu';
        ALTER DATABASE {postgres_table.name} SET intervalstyle = 'sql_standard';
        ALTER DATABASE {postgres_table.name} SET bytea_output = 'escape';
        ALTER DATABASE {postgres_table.name} SET extra_float_digits = -10;
        ALTER DATABASE {postgres_table.name} SET client_encoding = 'LATIN1';
        ALTER DATABASE {postgres_table.name} SET standard_conforming_strings = off;
        ALTER TABLE events ADD COLUMN due timestamptz, ADD COLUMN day date, ADD COLUMN took interval, ADD COLUMN raw bytea,
            ADD COLUMN weight float8""")
    extras = ["due", "day", "took", "raw", "weight"]
    d = deploy(postgres_table, config=FAST, tiles=[
        {"key": "sla", "type": "sla_risk", "opens": {"event_type": "opened"}, "closes": {"event_type": "closed"}, "item": "target_id",
         "due": "due", "at_risk": "30s"},
        *({"key": f"by_{e}", "type": "count", "group_by": e} for e in extras)])
    d.config["source"]["columns"] = {e: e for e in extras}
    d.write()
    d.start()
    postgres_table.execute(r"""INSERT INTO events (timestamp, event_type, target_id, due, day, took, raw, weight)
        VALUES (now(), 'opened', 'Zoë', now() + interval '1 hour', '2026-11-04', '1 day 02:00', '\xff00', 0.1::float8 + 0.2::float8)""")
    wait_until(lambda: d.tile("sla")["data"]["ok"] == 1)
    assert d.stats()["fields_unusable"] == 0
    event = d.get_json("/api/events")["events"][0]
    assert event["target_id"] == "Zoë"
    assert (event["day"], event["took"], event["raw"], event["weight"]) == ("2026-11-04", "1 day 02:00:00", r"\xff00", "0.30000000000000004")
    assert event["due"].endswith("+00")
    d.verify()


# ---- Rows that go ----


def test_an_outbox_is_the_same_table(deploy, postgres_table):
    """Its rows are deleted once they are processed; the sequence goes on."""
    d = deploy(postgres_table, tiles=EVER, config=FAST).start()
    stream = d.stream("/api/events/stream")
    for _ in range(5):
        order(postgres_table)
    wait_until(lambda: value(d) == 5)
    postgres_table.execute("DELETE FROM events")
    d["ingestor"].await_log("the newest rows of table .* are gone")
    order(postgres_table)
    wait_until(lambda: value(d) == 6)
    postgres_table.execute("DELETE FROM events")
    d["ingestor"].kill(signal.SIGTERM)
    d.start("ingestor")
    order(postgres_table)
    wait_until(lambda: value(d) == 7)
    postgres_table.execute("TRUNCATE events")
    wait_until(lambda: len(stream.ids()) == 7)
    order(postgres_table)
    wait_until(lambda: value(d) == 8)
    postgres_table.execute("TRUNCATE events; INSERT INTO events (timestamp, event_type) VALUES (now(), 'order.created')")
    wait_until(lambda: value(d) == 9)
    assert stream.ids() == list(range(1, 10))
    assert d.stats()["table_restarts"] == 0 and not [e for e in stream.events if e["event"] == "reset"]


def test_an_outbox_that_is_rewritten_is_the_same_table(deploy, postgres_table):
    """VACUUM FULL gives the table another file, and the row that was read last is gone; an older one, which waits, is still there."""
    d = deploy(postgres_table, tiles=EVER, config=FAST).start()
    for _ in range(5):
        order(postgres_table)
    wait_until(lambda: value(d) == 5)
    postgres_table.execute("DELETE FROM events WHERE id > 2")
    postgres_table.shell("VACUUM FULL events")
    order(postgres_table)
    wait_until(lambda: value(d) == 6)
    assert d.stats()["table_restarts"] == 0


@pytest.mark.parametrize("emptied", ["DELETE FROM events; SELECT setval('events_id_seq', 1, false)", "TRUNCATE events RESTART IDENTITY"])
def test_ids_that_are_used_again_are_a_new_table(deploy, postgres_table, emptied):
    d = deploy(postgres_table, tiles=EVER, config=FAST).start()
    for _ in range(5):
        order(postgres_table)
    wait_until(lambda: value(d) == 5)
    stream = d.stream("/api/events/stream")
    postgres_table.execute(emptied)
    d["ingestor"].await_log("the newest rows of table .* are gone")
    order(postgres_table)
    stream.await_event(lambda e: e["event"] == "reset", 15)
    wait_until(lambda: value(d) == 1)
    d.verify()


# ---- Rights ----


def test_a_role_that_may_not_make_the_schema_is_told_what_to_do(deploy, postgres_table):
    role = f"r_{postgres_table.name}"
    postgres_table.execute(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON events TO {role}")
    uri = postgres_table.uri
    postgres_table.uri = uri.replace("tilewire@", f"{role}@")
    d = deploy(postgres_table, tiles=EVER, config={"ingestor": {"checkpoint": "postgresql"}, **FAST})
    postgres_table.uri = uri
    d["ingestor"].start()
    d["ingestor"].await_log(r"error +ingestor: standing by: .*grant CREATE on the database, or set ingestor\.checkpoint to file:PATH")
    postgres_table.execute(f"GRANT CREATE ON DATABASE {postgres_table.name} TO {role}")
    d["ingestor"].await_log("ready component")


def test_rights_on_the_needed_columns_are_enough(deploy, postgres_table):
    role = f"r_{postgres_table.name}"
    postgres_table.execute(f"CREATE ROLE {role} LOGIN; GRANT SELECT (id, timestamp, event_type, target_id) ON events TO {role};"
                           "ALTER TABLE events ADD COLUMN secret text")
    uri = postgres_table.uri
    postgres_table.uri = uri.replace("tilewire@", f"{role}@")
    d = deploy(postgres_table, tiles=EVER, config=FAST)
    postgres_table.uri = uri
    d.start()
    order(postgres_table)
    wait_until(lambda: value(d) == 1)
    late = postgres_table.connect()
    late.cursor().execute("INSERT INTO events (timestamp, event_type) VALUES (now(), 'order.created')")
    order(postgres_table)
    wait_until(lambda: value(d) == 2)
    late.commit()
    late.close()
    wait_until(lambda: value(d) == 3)
    assert d.get_json("/api/events")["events"][0]["summary"] is None
    d.verify()
    d["ingestor"].kill()
    d.start("ingestor")
    d.verify()
    d["ingestor"].kill(signal.SIGTERM)
    d.config["source"]["columns"] = {"secret": "secret"}
    d.write()
    d["ingestor"].start()
    said = rf'may not read "secret" of table "events"; GRANT SELECT \("secret"\) ON "events" TO "{role}"'
    d["ingestor"].await_log(said)
    result = d.run("verify")
    assert result.returncode == 1 and 'may not read "secret"' in result.stdout, result.stdout
    postgres_table.execute(f"GRANT SELECT (secret) ON events TO {role}")
    d["ingestor"].await_log("ready component")
    d["ingestor"].kill(signal.SIGTERM)
    postgres_table.execute(f"REVOKE ALL ON events FROM {role}; DROP ROLE {role}")


def test_row_level_security_is_named_as_what_hides_rows(deploy, postgres_table):
    role = f"r_{postgres_table.name}"
    postgres_table.execute(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON events TO {role}; ALTER TABLE events ENABLE ROW LEVEL SECURITY")
    order(postgres_table)
    uri = postgres_table.uri
    postgres_table.uri = uri.replace("tilewire@", f"{role}@")
    d = deploy(postgres_table, tiles=EVER, config=FAST)
    postgres_table.uri = uri
    d.start()
    said = f'row level security hides rows of table "events" from role "{role}"'
    d["ingestor"].await_log(said)
    result = d.run("verify")
    assert said in result.stdout, result.stdout
    assert d["ingestor"].log_text().count(said) == 1
    postgres_table.execute(f"CREATE POLICY all_rows ON events FOR SELECT TO {role} USING (true)")
    wait_until(lambda: value(d) == 1)
    postgres_table.execute(f"DROP POLICY all_rows ON events; REVOKE ALL ON events FROM {role}; DROP ROLE {role}")


def test_who_is_above_row_level_security_is_told_nothing(deploy, postgres_table):
    postgres_table.execute("ALTER TABLE events ENABLE ROW LEVEL SECURITY")
    d = deploy(postgres_table, tiles=EVER, config=FAST).start()
    order(postgres_table)
    wait_until(lambda: value(d) == 1)
    assert "row level security" not in d["ingestor"].log_text() + d.run("verify").stdout


# ---- Rows at which the database fails ----


def fragile_view(table):
    """A view that fails at rows with a summary that is no number."""
    table.execute("CREATE VIEW fragile AS SELECT id, timestamp, event_type, actor_id, target_id, summary::int::text AS summary FROM events")


def fill(table, count, broken):
    table.execute("INSERT INTO events (timestamp, event_type, summary) SELECT now(), 'order.created',"
                  f" CASE WHEN i = ANY('{{{','.join(map(str, broken))}}}') THEN 'none' ELSE '1' END FROM generate_series(1, {count}) i")


@pytest.mark.parametrize("count,broken", [(1, [1]), (9000, [1, 2, 4000, 4001, 7777, 9000]), (4001, [4001]), (50, range(1, 51))])
def test_rows_at_which_a_view_fails_are_passed_over(deploy, postgres_table, count, broken):
    fragile_view(postgres_table)
    fill(postgres_table, count, broken)
    d = deploy(postgres_table, tiles=EVER, config={"source": {"table": "fragile", "poll_interval": "100ms"}}).start()
    wait_until(lambda: value(d) == count - len(broken))
    d["ingestor"].await_log(f"row {broken[0]} is passed over: it cannot be read: ERROR:  invalid input syntax for type integer")
    assert d.stats()["rows_unusable"] == len(broken)
    d.verify()
    order(postgres_table)
    wait_until(lambda: value(d) == count - len(broken) + 1)
    assert d.stats()["source_failures"] == 0
    d["ingestor"].kill()
    d.start("ingestor")
    order(postgres_table)
    wait_until(lambda: value(d) == count - len(broken) + 2)
    d.verify()


def test_a_late_row_at_which_a_view_fails_is_passed_over(deploy, postgres_table):
    fragile_view(postgres_table)
    d = deploy(postgres_table, tiles=EVER, config={"source": {"table": "fragile", "poll_interval": "100ms"}}).start()
    stream = d.stream("/api/events/stream")
    late = postgres_table.connect()
    late.cursor().execute("INSERT INTO events (timestamp, event_type, summary) SELECT now(), 'order.late', CASE WHEN i = 2 THEN 'none' END"
                          " FROM generate_series(1, 3) i")
    last = order(postgres_table)
    stream.await_event(lambda e: e["id"] == str(last))
    late.commit()
    late.close()
    wait_until(lambda: len(stream.ids()) == 3)
    wait_until(lambda: d.stats()["rows_unusable"] == 1)
    assert stream.ids() == [4, 1, 3] and d.stats()["ids_pending"] == 0
    d["ingestor"].await_log("row 2 is passed over")
    d["ingestor"].kill()
    d.start("ingestor")
    order(postgres_table)
    wait_until(lambda: stream.ids() == [4, 1, 3, 5])
    wait_until(lambda: value(d) == 4)
    d.verify()


def test_a_text_of_another_encoding_passes_over_its_row(deploy, cluster, postgres_table):
    """SQL_ASCII stores any bytes, and cannot give them as UTF-8."""
    name = f"{postgres_table.name}_ascii"
    admin = psycopg2.connect(cluster["uri"])
    admin.autocommit = True
    admin.cursor().execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0")
    uri, postgres_table.uri = postgres_table.uri, postgres_table.uri.replace(postgres_table.name, name)
    db = psycopg2.connect(postgres_table.uri)
    db.autocommit = True
    db.cursor().execute("SET client_encoding = SQL_ASCII; CREATE TABLE events (id bigserial PRIMARY KEY, timestamp timestamptz DEFAULT now(),"
                        " event_type text DEFAULT 'order.created', target_id text)")
    db.cursor().execute(b"INSERT INTO events (target_id) VALUES ('plain'), ('M\xfcnchen'), ('M\xc3\xbcnchen')")
    d = deploy(postgres_table, tiles=EVER, config=FAST)
    postgres_table.uri = uri
    d.start()
    wait_until(lambda: value(d) == 2)
    assert d.stats()["rows_unusable"] == 1
    d["ingestor"].await_log("row 2 is passed over: it cannot be read: ERROR:  invalid byte sequence for encoding \"UTF8\": 0xfc")
    db.cursor().execute(b"INSERT INTO events (target_id) VALUES ('K\xf6ln'), ('last')")
    wait_until(lambda: value(d) == 3)
    d.verify()
    d.stop()
    db.close()
    admin.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()
