# SPDX-License-Identifier: Apache-2.0
"""`tilewire state`: what is stored of the tiles is listed, copied, replaced, and dropped tile by tile. Nothing that a running
ingestor does can come between."""
import json
import os
import signal
import sqlite3
import struct

import pytest

from conftest import make_table
from tilewire import now_iso, wait_until

TILES = [
    {"key": "all", "type": "count", "title": "All"},
    {"key": "backlog", "type": "backlog", "item": "target_id", "states": {"opened": "open", "closed": None}},
    {"key": "regions", "type": "count", "group_by": "actor_id"},
]


@pytest.fixture(params=["sqlite", "postgresql in a file", "postgresql"])
def place(request, folder):
    """A table, and where the state of it lies: (table, ingestor's configuration)."""
    kind, _, in_file = request.param.partition(" ")
    for table in make_table(kind, request, folder):
        yield table, {} if in_file or kind == "sqlite" else {"checkpoint": "postgresql"}


def start(deploy, place, **options):
    table, ingestor = place
    return deploy(table, tiles=TILES, gateways=1, config={"ingestor": ingestor}, **options)


def fill(table, count):
    table.insert([(now_iso(), "opened", f"r{i % 3}", f"t{i}", None, None) for i in range(count)])


def value(d, key):
    data = d.tile(key)["data"]
    return data["value"] if "value" in data else data["total"]


def listed(d):
    result = d.run("--json", "state", "ls")
    assert result.returncode == 0, result.stdout
    return {tile["key"]: tile for tile in json.loads(result.stdout)}


def do(d, *arguments):
    result = d.run("state", *arguments)
    assert result.returncode == 0, result.stdout
    return result.stdout


def refused(d, *arguments, status=1):
    result = d.run("state", *arguments)
    assert result.returncode == status, result.stdout
    return result.stdout


def end(d, *names):
    for name in names or ("ingestor",):
        assert d[name].kill(signal.SIGTERM) == 0


def export(d, name="export"):
    path = d.folder / name
    do(d, "export", str(path))
    return path


def forget(d):
    """What an ingestor on another machine, or in another folder, has of the state."""
    if d.config["ingestor"]["checkpoint"] == "postgresql":
        for name in ("state", "journal", "checkpoint", "lease"):
            d.table.execute(f"DELETE FROM tilewire.{name}")
    else:
        d.config["ingestor"]["checkpoint"] = f"file:{d.folder}/elsewhere"
        d.write()


def test_what_is_stored_is_listed(deploy, place):
    d = start(deploy, place)
    assert "there is no state" in refused(d, "ls")
    table = place[0]
    fill(table, 30)
    table.execute("DELETE FROM events WHERE id <= 10")
    d.start()
    wait_until(lambda: value(d, "all") == 20)
    wait_until(lambda: listed(d).keys() == {"all", "backlog", "regions"})
    d.config["tiles"] = TILES[:2]
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    wait_until(lambda: listed(d)["regions"]["retired_at"] is not None)
    tiles = listed(d)
    assert tiles["all"]["since"]["position"] == "11" and tiles["all"]["complete"] is False
    assert tiles["all"]["retired_at"] is None
    assert tiles["backlog"]["bytes"] > tiles["all"]["bytes"] > 0
    text = do(d, "ls")
    assert [line.split()[0] for line in text.splitlines()] == ["KEY", "all", "backlog", "regions"]
    end(d)
    assert listed(d) == tiles, "and without an ingestor"


def test_an_export_goes_on_elsewhere_though_rows_are_gone(deploy, place):
    """Made while the ingestor runs; on another machine the rows that came since are read."""
    table = place[0]
    fill(table, 300)
    d = start(deploy, place).start()
    wait_until(lambda: value(d, "all") == 300)
    wait_until(lambda: listed(d).keys() == {"all", "backlog", "regions"})
    before = {key: d.tile(key) for key in ("all", "backlog", "regions/r0")}
    path = export(d)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in d.folder.glob("export*")] == ["export"], "nothing is left beside it"
    table.execute("DELETE FROM events WHERE id <= 200")
    fill(table, 30)
    wait_until(lambda: value(d, "all") == 330)
    d["ingestor"].kill()
    forget(d)
    assert "3 tile definitions" in do(d, "import", str(path))
    d.start("ingestor")
    wait_until(lambda: value(d, "all") == 330)
    wait_until(lambda: value(d, "backlog") == 300 and value(d, "regions/r0") == 110)
    for key, tile in before.items():
        assert d.tile(key)["complete"] is True and d.tile(key)["since"] == tile["since"], key
    fill(table, 1)
    wait_until(lambda: value(d, "all") == 331)


def test_exports_that_are_made_while_rows_come_are_each_of_one_moment(deploy, place):
    """All tiles of one have the same rows: the count, and the sum over the regions."""
    table = place[0]
    fill(table, 30)
    d = start(deploy, place).start()
    wait_until(lambda: listed(d).keys() == {"all", "backlog", "regions"})
    paths = []
    for i in range(4):
        for _ in range(5):
            fill(table, 30)
        paths.append(export(d, f"export{i}"))
    end(d)
    table.execute("DELETE FROM events")
    counts = []
    for path in paths:
        do(d, "import", str(path))
        d.start("ingestor")
        wait_until(lambda: d.request("/api/tiles/all")[0] == 200)
        counts.append(value(d, "all"))
        wait_until(lambda: sum(value(d, f"regions/r{i}") for i in range(3)) == counts[-1] and counts[-1] % 30 == 0)
        end(d)
    assert counts == sorted(counts)


def test_a_dropped_tile_alone_is_built_anew(deploy, place):
    table = place[0]
    fill(table, 300)
    d = start(deploy, place).start()
    wait_until(lambda: value(d, "all") == 300)
    wait_until(lambda: listed(d).keys() == {"all", "backlog", "regions"})
    before = {key: d.tile(key)["since"] for key in ("backlog", "regions/r0")}
    table.execute("DELETE FROM events WHERE id <= 100")
    end(d)
    assert "no tile definition regions/r0 is stored" in refused(d, "drop", "regions/r0")
    do(d, "drop", "all")
    assert listed(d).keys() == {"backlog", "regions"}
    log = len(d["ingestor"].log_text())
    d.start("ingestor")
    wait_until(lambda: value(d, "all") == 200 and "building" not in d.tile("all"))
    assert "1 tile definitions have to be built" in d["ingestor"].log_text()[log:]
    wait_until(lambda: d.tile("all")["complete"] is False and d.tile("all")["since"]["position"] == "101")
    wait_until(lambda: value(d, "backlog") == 300 and value(d, "regions/r0") == 100)
    for key, since in before.items():
        assert d.tile(key)["complete"] is True and d.tile(key)["since"] == since, key
    end(d)
    do(d, "drop", "regions")
    d.start("ingestor")
    wait_until(lambda: value(d, "regions/r0") == 66 and "building" not in d.tile("regions/r0"))
    wait_until(lambda: value(d, "all") == 200 and value(d, "backlog") == 300)


def test_a_retired_tile_is_dropped_too(deploy, place):
    """Then it does not come back as it was."""
    table = place[0]
    fill(table, 50)
    d = start(deploy, place).start()
    wait_until(lambda: value(d, "all") == 50)
    end(d)
    d.config["tiles"] = TILES[1:]
    d.write()
    d.start("ingestor")
    wait_until(lambda: listed(d)["all"]["retired_at"] is not None)
    end(d)
    table.execute("DELETE FROM events WHERE id <= 20")
    do(d, "drop", "all")
    d.config["tiles"] = TILES
    d.write()
    d.start("ingestor")
    wait_until(lambda: d.request("/api/tiles/all")[0] == 200 and value(d, "all") == 30)
    assert d.tile("all")["complete"] is False


def test_nothing_is_changed_while_an_ingestor_runs(deploy, place):
    table = place[0]
    fill(table, 50)
    d = start(deploy, place).start()
    wait_until(lambda: value(d, "all") == 50)
    path = export(d)
    for arguments in (("drop", "all"), ("import", str(path))):
        said = refused(d, "--timeout", "500ms", *arguments)
        assert "the state is in use" in said and "Stop the ingestor" in said
    assert listed(d).keys() == {"all", "backlog", "regions"}
    fill(table, 10)
    wait_until(lambda: value(d, "all") == 60)
    assert "falling silent" not in d["ingestor"].log_text()


def test_a_stopped_ingestor_goes_on_from_what_was_changed_meanwhile(deploy, place):
    """It is frozen for longer than its lease lasts, so that the state can be had."""
    table = place[0]
    fill(table, 50)
    d = start(deploy, place).start()
    wait_until(lambda: value(d, "all") == 50)
    wait_until(lambda: listed(d).keys() == {"all", "backlog", "regions"})
    d["ingestor"].process.send_signal(signal.SIGSTOP)
    table.execute("DELETE FROM events WHERE id <= 20")
    do(d, "--timeout", "20s", "drop", "all")
    fill(table, 5)
    d["ingestor"].process.send_signal(signal.SIGCONT)
    wait_until(lambda: value(d, "all") == 35 and d.tile("all")["complete"] is False)
    wait_until(lambda: value(d, "regions/r0") == 19)
    assert d.tile("regions/r0")["complete"] is True
    assert "falling silent" in d["ingestor"].log_text()


def records(d):
    """Whatever is stored, as it is stored."""
    if d.config["ingestor"]["checkpoint"] == "postgresql":
        with d.table.db as db, db.cursor() as cursor:
            cursor.execute("SELECT tile, member, item, value FROM tilewire.state ORDER BY 1, 2, 3")
            return [(*row[:3], bytes(row[3])) for row in cursor.fetchall()]
    path, = d.folder.glob("checkpoint.state.*[0-9]")
    with sqlite3.connect(path) as db:
        return db.execute("SELECT tile, member, item, value FROM state ORDER BY 1, 2, 3").fetchall()


def damage(path, sql):
    db = sqlite3.connect(path)
    db.execute(sql)
    db.commit()
    db.close()


def test_an_export_that_cannot_be_used_changes_nothing(deploy, place):
    table = place[0]
    fill(table, 50)
    d = start(deploy, place).start()
    wait_until(lambda: value(d, "all") == 50)
    end(d)
    path = export(d)
    before = records(d)
    good = path.read_bytes()
    for sql, said in (
        ("PRAGMA user_version = 99", "of version 99"),
        ("PRAGMA application_id = 1", "is no state of Tilewire"),
        ("UPDATE state SET value = value || x'00' WHERE tile = 0", "is damaged"),
        ("UPDATE state SET value = x'00' WHERE tile = 1 AND member = 1", "is damaged"),
        ("INSERT INTO journal VALUES (1, x'00')", "the journal in"),
        ("DELETE FROM state WHERE tile = 0", "where the source stood"),
        ("DELETE FROM state", "there is no state in"),
    ):
        path.write_bytes(good)
        damage(path, sql)
        answer = refused(d, "import", str(path))
        assert said in answer and "is not imported" in answer, sql
        assert records(d) == before, sql
    path.write_bytes(good[:len(good) // 2])
    assert "is not imported" in refused(d, "import", str(path))
    assert records(d) == before


def test_an_export_of_another_table_or_no_export_is_refused(deploy, place):
    table = place[0]
    fill(table, 5)
    d = start(deploy, place).start()
    wait_until(lambda: value(d, "all") == 5)
    end(d)
    path = export(d)
    before = records(d)
    text = d.folder / "text"
    text.write_text("not a database, and longer than a header of one: " * 10)
    assert "is not imported" in refused(d, "import", str(text))
    assert "No such file" in refused(d, "import", str(d.folder / "nothing"))
    d.config["source"]["columns"] = {"id": "actor_id"}
    d.write()
    assert "of another table" in refused(d, "import", str(path))
    del d.config["source"]["columns"]
    d.write()
    assert records(d) == before


def test_an_export_is_never_written_over_what_it_should_not_be(deploy, place):
    table = place[0]
    fill(table, 5)
    d = start(deploy, place).start()
    wait_until(lambda: value(d, "all") == 5)
    end(d)
    path = export(d)
    content = path.read_bytes()
    assert "is there already" in refused(d, "export", str(path))
    do(d, "export", "--force", str(path))
    assert path.read_bytes() == content
    text = d.folder / "text"
    text.write_text("mine")
    assert "is no export" in refused(d, "export", "--force", str(text))
    assert text.read_text() == "mine"
    assert "cannot create" in refused(d, "export", str(d.folder / "nowhere" / "export"))
    assert not list(d.folder.glob("*.new.*"))


def test_a_state_moves_from_a_file_into_postgresql_and_back(deploy, postgres_table):
    fill(postgres_table, 300)
    d = deploy(postgres_table, tiles=TILES, gateways=1).start()
    wait_until(lambda: value(d, "all") == 300)
    stream = d.stream("/api/events/stream")
    since = d.tile("all")["since"]
    for count, checkpoint in ((310, "postgresql"), (320, f"file:{d.folder}/again")):
        end(d)
        path = export(d, f"export{count}")
        postgres_table.execute("DELETE FROM events WHERE id <= 200")
        d.config["ingestor"]["checkpoint"] = checkpoint
        d.write()
        do(d, "import", str(path))
        d.start("ingestor")
        fill(postgres_table, 10)
        wait_until(lambda: value(d, "all") == count)
        wait_until(lambda: d.tile("all")["complete"] is True and d.tile("all")["since"] == since)
        wait_until(lambda: value(d, "backlog") == 300)
    wait_until(lambda: stream.ids()[-20:] == list(range(301, 321)), what="each row once, in order")
    assert "reset" not in [e["event"] for e in stream.events]


def test_the_journal_goes_with_the_state(deploy, postgres_table):
    """What was delivered out of order, and not yet saved, keeps its place, so that streams go on."""
    d = deploy(postgres_table, tiles=TILES, gateways=1, config={"ingestor": {"checkpoint_interval": "1m"}}).start()
    stream = d.stream("/api/events/stream")
    log = len(d["ingestor"].log_text())
    order = []
    for checkpoint in ("postgresql", f"file:{d.folder}/again"):
        late = postgres_table.connect()
        late.cursor().execute("INSERT INTO events (timestamp, event_type) VALUES (now(), 'late') RETURNING id")
        fill(postgres_table, 5)
        order += [*range(len(order) + 2, len(order) + 7), len(order) + 1]
        wait_until(lambda: len(stream.ids()) == len(order) - 1)
        late.commit()
        late.close()
        wait_until(lambda: value(d, "all") == len(order))
        d["ingestor"].kill()
        path = export(d, f"export{len(order)}")
        with sqlite3.connect(path) as db:
            assert db.execute("SELECT count(*) FROM journal").fetchone()[0] > 0
        d.config["ingestor"]["checkpoint"] = checkpoint
        d.write()
        do(d, "import", str(path))
        d.start("ingestor")
        wait_until(lambda: value(d, "all") == len(order))
    fill(postgres_table, 1)
    order.append(len(order) + 1)
    wait_until(lambda: len(stream.ids()) >= len(order))
    assert [e["data"]["id"] for e in stream.events if e["event"] not in ("heartbeat", "reset")] == order
    assert "reset" not in [e["event"] for e in stream.events]
    assert "missing in the journal" not in d["ingestor"].log_text()[log:]


def test_an_older_export_takes_in_all_rows_since(deploy, place):
    table = place[0]
    fill(table, 50)
    d = start(deploy, place).start()
    wait_until(lambda: value(d, "all") == 50)
    wait_until(lambda: listed(d).keys() == {"all", "backlog", "regions"})
    path = export(d)
    stream = d.stream("/api/events/stream")
    fill(table, 30)
    wait_until(lambda: value(d, "all") == 80)
    end(d)
    do(d, "import", str(path))
    fill(table, 5)
    d.start("ingestor")
    wait_until(lambda: value(d, "all") == 85)
    d.verify()
    wait_until(lambda: stream.ids()[-1:] == [85])
    assert sorted(set(stream.ids())) == list(range(51, 86))


def test_an_export_replaces_a_state_that_is_damaged(deploy, sqlite_table):
    fill(sqlite_table, 50)
    d = deploy(sqlite_table, tiles=TILES, gateways=1).start()
    wait_until(lambda: value(d, "all") == 50)
    end(d)
    path = export(d)
    state, = d.folder.glob("checkpoint.state.*[0-9]")
    sqlite_table.execute("DELETE FROM events WHERE id <= 20")
    for content in (b"no database" * 1000, path.read_bytes()[:4096] + b"x" * 20000):
        state.write_bytes(content)
        refused(d, "drop", "all")
        assert state.read_bytes() == content, "what is damaged is left to whoever may mend it"
        do(d, "import", str(path))
        d.start("ingestor")
        wait_until(lambda: value(d, "all") == 50)
        assert d.tile("all")["complete"] is True
        end(d)
        state, = d.folder.glob("checkpoint.state.*[0-9]")


def test_the_command_line_says_what_it_needs(deploy, sqlite_table):
    d = deploy(sqlite_table, tiles=TILES)
    assert "needs a FILE" in refused(d, "export", status=2)
    assert "needs a KEY" in refused(d, "drop", status=2)
    assert "takes no more" in refused(d, "ls", "x", status=2)
    assert "one argument too many" in refused(d, "drop", "x", "y", status=2)
    assert "not 'remove'" in refused(d, "remove", status=2)
    assert "--force" in refused(d, "drop", "x", "--force", status=2)
    assert "there is no state" in refused(d, "drop", "x")


def test_another_user_is_sent_to_the_ingestors(deploy, sqlite_table):
    if os.geteuid() != 0:
        pytest.skip("files are given to another user by root alone")
    fill(sqlite_table, 5)
    d = deploy(sqlite_table, tiles=TILES, gateways=1).start()
    wait_until(lambda: value(d, "all") == 5)
    end(d)
    os.chown(d.folder / "checkpoint", 65534, 65534)
    assert "run this command as that user" in refused(d, "drop", "all")
    assert listed(d).keys() == {"all", "backlog", "regions"}


def test_an_earlier_versions_checkpoint_is_refused_with_what_to_do(deploy, sqlite_table):
    d = deploy(sqlite_table, tiles=TILES)
    body = b"\x91\x01"
    fnv = 0xcbf29ce484222325
    for byte in body:
        fnv = ((fnv ^ byte) * 0x100000001b3) % 2 ** 64
    (d.folder / "checkpoint").write_bytes(b"TILEWIRE" + struct.pack("<QQQ", 1, len(body), fnv) + body)
    for arguments in (("ls",), ("export", str(d.folder / "export")), ("drop", "all")):
        assert "a version before 0.2; start an ingestor" in refused(d, *arguments)
