# SPDX-License-Identifier: Apache-2.0
"""tilewire check --connect, against real databases and programs: what it finds, what it says to do, and that it changes nothing."""
import hashlib
import json
import socket

import pytest

from tilewire import TILES, wait_until

ORDER = ("2026-11-27T10:00:00Z", "order.created", "ada", "o1", "an order", json.dumps({"amount": 3, "event_id": "a"}))


def connect(d, file=None):
    """The exit status, and the findings as (level, about, text)."""
    result = d.run("check", "--connect", "--json", *([str(file)] if file else []))
    found = json.loads(result.stdout)
    texts = [(f["level"], f["about"], f["text"]) for f in found["findings"]]
    assert found["errors"] == sum(level == "error" for level, _, _ in texts)
    assert found["warnings"] == sum(level == "warning" for level, _, _ in texts)
    assert result.returncode == (1 if found["errors"] else 3 if found["warnings"] else 0), result.stdout
    return result.returncode, texts


def has(texts, level, about, *parts):
    assert any(f[0] == level and f[1] == about and all(p in f[2] for p in parts) for f in texts), (level, about, parts, texts)


def test_a_new_deployment_on_sqlite_is_all_right(deploy, sqlite_table):
    sqlite_table.insert([ORDER])
    d = deploy(sqlite_table)
    before = hashlib.sha256(sqlite_table.path.read_bytes()).digest()
    status, texts = connect(d)
    assert status == 0, texts
    has(texts, "ok", "source", "in WAL mode")
    has(texts, "ok", "source", "columns: id (INTEGER), timestamp, event_type (TEXT)")
    has(texts, "ok", "source", "row 1 is the newest, of type order.created; it has event_type, actor_id, target_id, summary, payload")
    has(texts, "ok", "source", "members amount, event_id")
    has(texts, "ok", "state", "there is none yet")
    has(texts, "ok", "lease", "nobody holds it")
    has(texts, "ok", "ingestor", "free to listen at")
    assert hashlib.sha256(sqlite_table.path.read_bytes()).digest() == before
    assert not list(d.folder.glob("checkpoint*"))
    lines = d.run("check", "--connect").stdout.splitlines()
    assert lines[0].endswith(f"ok, {len(TILES)} tiles") and lines[-1] == "0 errors, 0 warnings", lines


def test_a_deployment_that_runs_answers(deploy, table):
    table.insert([ORDER])
    d = deploy(table).start()
    wait_until(lambda: d.stats()["checkpoint_position"] == table.ids()[-1])
    _, texts = connect(d)
    assert not [f for f in texts if f[0] == "error"], texts
    has(texts, "ok", "ingestor", "ingestor answers at")
    has(texts, "ok", "cache", "cache answers at")
    has(texts, "ok", "cache.upstreams", "ingestor answers at")
    has(texts, "ok", "gateway.upstreams", "cache answers at")
    has(texts, "ok", "state", f"the state of {len(TILES)} tiles")
    has(texts, "ok", "lease", f"process {d['ingestor'].process.pid} of this machine holds it")
    d.verify()


def test_what_is_wrong_with_a_file_of_sqlite(deploy, folder, sqlite_table):
    d = deploy(sqlite_table, config={"source": {"columns": {"event_type": "kind", "shop": "store"}}})
    status, texts = connect(d)
    assert status == 1
    has(texts, "error", "source", 'no column "kind" for event_type', "set source.columns.event_type")
    d.config["source"]["columns"] = {}
    d.config["source"]["table"] = "orders"
    d.write()
    has(connect(d)[1], "error", "source", 'no table "orders"', "set source.table")
    d.config["source"]["uri"] = f"sqlite:{folder}/none.db"
    d.write()
    has(connect(d)[1], "error", "source", "none.db cannot be read: No such file")
    (folder / "none.db").write_text("this is no database, and it is long enough to be looked at" * 20)
    has(connect(d)[1], "error", "source", "file is not a database")


def test_an_event_that_would_be_passed_over_is_named(deploy, sqlite_table):
    d = deploy(sqlite_table, config={"source": {"dedupe": "payload.key"}})
    sqlite_table.execute("PRAGMA journal_mode=DELETE")
    sqlite_table.insert([ORDER])
    status, texts = connect(d)
    assert status == 3
    has(texts, "warning", "source", "rollback journal", "PRAGMA journal_mode=WAL")
    has(texts, "warning", "source", "row 1 has no payload.key")
    sqlite_table.insert([("soon", "order.created", None, None, None, "{")])
    status, texts = connect(d)
    assert status == 1
    has(texts, "error", "source", "row 2 has no timestamp that can be read", "source.columns.timestamp")
    sqlite_table.insert([(ORDER[0], None, None, None, None, None)])
    has(connect(d)[1], "error", "source", "row 3 has no event_type", "source.columns.event_type")


def test_what_wakes_the_ingestor_of_postgresql(deploy, postgres_table):
    postgres_table.insert([ORDER])
    d = deploy(postgres_table)
    status, texts = connect(d)
    assert status == 3, texts
    has(texts, "ok", "source", "PostgreSQL 1", 'as role "tilewire"')
    has(texts, "warning", "source", "polled", "tilewire install-trigger")
    has(texts, "ok", "source", "timestamp (timestamp with time zone)", "payload (jsonb)")
    has(texts, "ok", "source", "row 1 is the newest, of type order.created")
    assert d.run("install-trigger").returncode == 0
    status, texts = connect(d)
    assert status == 0, texts
    has(texts, "ok", "source", "tilewire_notify")
    postgres_table.execute("CREATE VIEW seen AS SELECT * FROM events")
    d.config["source"]["table"] = "seen"
    d.write()
    has(connect(d)[1], "warning", "source", "a view", "polled")


def test_rights_that_are_missing_in_postgresql(deploy, postgres_table):
    d = deploy(postgres_table, config={"ingestor": {"checkpoint": "postgresql"}})
    reader = f"reader_{postgres_table.name}"
    postgres_table.execute(f"CREATE ROLE {reader} LOGIN")
    try:
        d.config["source"]["uri"] = postgres_table.uri.replace("tilewire@", f"{reader}@")
        d.write()
        status, texts = connect(d)
        assert status == 1
        has(texts, "error", "source", f"GRANT SELECT ON \"events\" TO \"{reader}\"")
        has(texts, "error", "state", "CREATE SCHEMA tilewire AUTHORIZATION")
        postgres_table.execute(f"GRANT SELECT ON events TO {reader}; ALTER TABLE events ENABLE ROW LEVEL SECURITY")
        _, texts = connect(d)
        has(texts, "warning", "source", "row level security hides rows", "BYPASSRLS")
        d.config["source"]["uri"] = postgres_table.uri.replace("tilewire@", "nobody_at_all@")
        d.write()
        status, texts = connect(d)
        assert status == 1
        has(texts, "error", "source", "cannot connect to PostgreSQL", "nobody_at_all")
    finally:
        postgres_table.execute(f"DROP OWNED BY {reader}; DROP ROLE {reader}")


def test_ports_and_other_programs(deploy, sqlite_table):
    d = deploy(sqlite_table)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        d.config["ingestor"]["query"] = f"tcp://{address}"
        d.config["gateway"]["listen"] = address
        d.config["gateway"]["admin_listen"] = "127.0.0.1:1"
        d.write()
        status, texts = connect(d)
    assert status == 3, texts
    has(texts, "warning", "ingestor", "something listens at", "no answer")
    has(texts, "ok", "gateway.listen", "something listens at")
    d.config["gateway"]["admin_listen"] = "192.0.2.1:8081"
    d.config["insecure"] = True
    d.write()
    has(connect(d)[1], "warning", "gateway.admin_listen", "no address of this machine")


@pytest.mark.parametrize("text,level,part", [
    (None, "error", "cannot be read: No such file"),
    ("{}", "error", "no JSON Web Key Set"),
    ('{"keys": []}', "warning", "has no key of a kind"),
    ('{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "short", "kid": "a"}]}', "error", "jwks.json"),
    ('{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "a"}]}', "ok", "1 key for tokens of https://i"),
])
def test_keys_of_tokens(deploy, sqlite_table, text, level, part):
    d = deploy(sqlite_table)
    file = d.folder / "jwks.json"
    if text is not None:
        file.write_text(text)
    d.config["gateway"].update(auth="jwt", jwt={"issuers": [{"issuer": "https://i", "audience": "a", "jwks": str(file)}]})
    d.write()
    has(connect(d)[1], level, "gateway.jwt", part)


def test_a_file_that_is_wrong_is_not_tried(deploy, sqlite_table):
    d = deploy(sqlite_table)
    d.file.write_text("source: {uri: nothing}\n")
    result = d.run("check", "--connect", "--json")
    assert result.returncode == 2 and "source.uri" in result.stdout, result.stdout
