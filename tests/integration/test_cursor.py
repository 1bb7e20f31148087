# SPDX-License-Identifier: Apache-2.0
"""Tables whose ids do not grow, read by source.cursor: each row once, whenever it is committed, in an order that outlives crashes."""
import contextlib
import json
import signal
import sqlite3
import threading

import pytest

from test_bounds import COLUMNS, add_columns, resident_mib
from test_event_ids import lines
from test_long_polling import Asking, waiting
from test_retention import reload
from tilewire import RandomEvents, now_iso, wait_until
from websocket import WebSocket


def text_ids(stream):
    return [e["id"] for e in stream.events if e["event"] != "heartbeat"]


def await_events(d, gateway, ids):
    """The gateway's list holds these, oldest first; it may come by them later than the stream of another one."""
    wait_until(lambda: [e["id"] for e in d.get_json("/api/events?limit=1000", gateway)["events"]][::-1] == ids, what="the same events")


def row(age_s=0.0, kind="order.created", target="o1"):
    return (now_iso(-age_s), kind, "ada", target, "", None)


def test_rows_are_read_and_resumed_after_by_text_ids_on_every_face(deploy, texts_table):
    d = deploy(texts_table).start()
    rows = RandomEvents(1)
    for _ in range(40):
        texts_table.insert([rows.next() for _ in range(5)])
    for gateway in (0, 1):
        wait_until(lambda g=gateway: len(d.get_json("/api/events?limit=1000", g)["events"]) == 200, what="all rows")
    d.verify()
    events = d.get_json("/api/events?limit=1000")["events"][::-1]
    ids = [e["id"] for e in events]
    assert sorted(ids) == texts_table.ids()
    assert [e["id"] for e in d.get_json("/api/events?limit=1000", 1)["events"]][::-1] == ids
    after = ids[150]
    assert [e["id"] for e in d.get_json(f"/api/events?after={after}&limit=1000", 1)["events"]] == ids[151:]
    for stream in (d.stream("/api/events/stream", 1, last_event_id=after), d.stream(f"/api/events/stream?lastEventId={after}")):
        wait_until(lambda s=stream: len(text_ids(s)) >= 49, what="what is behind it")
        assert text_ids(stream) == ids[151:]
        assert [e["data"]["id"] for e in stream.events if e["event"] != "heartbeat"] == ids[151:]
    socket = WebSocket(d.gateway_ports[1])
    socket.say(subscribe=["*"], stream="events", cursor=after)
    heard = [socket.await_message(lambda m: m["event"] != "heartbeat")["id"] for _ in range(49)]
    assert heard == ids[151:]
    socket.close()
    assert [e["e"]["id"] for e in d.query({"op": "events", "after_id": after})["events"]] == ids[151:]
    listed = d.run("--json", "events", "-n", "1000").stdout.splitlines()
    assert [json.loads(line)["id"] for line in listed] == ids
    assert d.run("events", "-n", "10").stdout.splitlines()[1].split()[0] == ids[190]


def test_ids_that_are_not_there_are_told_so(deploy, texts_table):
    d = deploy(texts_table).start()
    texts_table.insert([row()])
    wait_until(lambda: d.get_json("/api/events")["events"])
    unknown = texts_table.new_id()
    assert d.request(f"/api/events?after={unknown}")[0] == 404
    stream = d.stream("/api/events/stream", last_event_id=unknown)
    wait_until(lambda: any(e["event"] == "reset" for e in stream.events), what="reset")
    assert d.request("/api/events?after=two%0Alines")[0] == 400
    socket = WebSocket(d.gateway_ports[0])
    socket.say(subscribe=["*"], stream="events", cursor=unknown)
    assert socket.await_message(lambda m: m["event"] != "heartbeat")["event"] == "reset"
    socket.close()


def test_a_request_waits_for_the_row_that_comes(deploy, texts_table):
    d = deploy(texts_table).start()
    first = texts_table.insert([row()])
    wait_until(lambda: d.request(f"/api/events?after={first}")[0] == 200)
    asking = Asking(d, f"/api/events?after={first}&wait=20s")
    waiting(d, 1)
    second = texts_table.insert([row()])
    status, _, body = asking.answer()
    asking.close()
    assert status == 200 and [e["id"] for e in json.loads(body)["events"]] == [second]


def test_late_rows_come_once_and_in_the_order_of_their_coming(deploy, texts_table):
    """A row that is committed late lies before others; by seconds it comes at once, by minutes soon, beyond late_window never."""
    d = deploy(texts_table, config={"source": {"late_window": "5m"}}).start()
    streams = [d.stream("/api/events/stream", gateway) for gateway in (0, 1)]
    expected = []
    for age in (400, 60, 0, 1, 3, 200, 0.5, 100, 290, 0):
        expected.append(texts_table.insert([row(age)]))
        for stream in streams:
            wait_until(lambda s=stream, last=expected[-1]: last in text_ids(s), what=f"the row of {age} s ago")
    too_late = texts_table.insert([row(1000)])
    expected.append(texts_table.insert([row(250)]))
    for stream in streams:
        wait_until(lambda s=stream: expected[-1] in text_ids(s), what="the last one")
        assert text_ids(stream) == expected
    texts_table.execute(f"DELETE FROM events WHERE timestamp < '{now_iso(-600)}'")
    assert too_late not in texts_table.ids()
    d.verify()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_order_survives_the_end_of_the_ingestor(deploy, texts_table, how):
    d = deploy(texts_table, config={"ingestor": {"checkpoint_interval": "1h"}}).start()
    stream = d.stream("/api/events/stream", 1)
    rows = RandomEvents(7)
    count = 0
    for _ in range(3):
        for i in range(10):
            texts_table.insert([row(i % 7 * 9, target=f"o{i}") for _ in range(3)] + [rows.next()])
        count += 40
        wait_until(lambda n=count: len(text_ids(stream)) == n, what="all rows")
        d["ingestor"].kill(how)
        texts_table.insert([row(20), row(0)])  # meanwhile: one late, one not
        count += 2
        d.start("ingestor")
        wait_until(lambda n=count: len(text_ids(stream)) >= n, what="what came meanwhile")
    seen = text_ids(stream)
    assert sorted(seen) == texts_table.ids() and "reset" not in [e["event"] for e in stream.events]
    for gateway in (0, 1):
        await_events(d, gateway, seen)
    assert [e["e"]["id"] for e in d.query({"op": "events", "newest": 1000}, "ingestor")["events"]] == seen
    assert "begin anew" not in d["ingestor"].log_text()
    d.verify()


def test_rows_of_the_future_come_once(deploy, texts_table):
    d = deploy(texts_table).start()
    stream = d.stream("/api/events/stream")
    expected = []
    for age in (-3600, 0, -4, -3600, 0, -86400, 5):
        expected.append(texts_table.insert([row(age)]))
        wait_until(lambda: expected[-1] in text_ids(stream), what=f"the row of {age}")
    wait_until(lambda: d.stats()["checkpoint_position"] == d.stats()["position"])
    d["ingestor"].kill()
    d.start("ingestor")
    expected.append(texts_table.insert([row()]))
    wait_until(lambda: expected[-1] in text_ids(stream), what="the last row")
    assert text_ids(stream) == expected
    d.verify()


def test_tail_shows_them(deploy, texts_table):
    d = deploy(texts_table, gateways=1).start()
    texts_table.insert([row()])
    wait_until(lambda: d.get_json("/api/events")["events"])
    _, tailed = lines([d.bin / "tilewire", "-c", d.file, "tail", "--events"], 1)
    wait_until(lambda: d.query({"op": "ping"})["serving"])
    stop = threading.Event()

    def write():
        while not stop.wait(0.05):
            texts_table.insert([row()])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        shown = tailed()
    finally:
        stop.set()
        writer.join()
    assert set(shown) <= set(texts_table.ids())


def test_a_transaction_that_was_open_for_long_is_read_when_it_ends(deploy, request, folder):
    from conftest import make_table
    for table in make_table("postgresql-uuid", request, folder):
        d = deploy(table).start()
        stream = d.stream("/api/events/stream")
        slow = table.connect()
        late = table.new_id()
        table.put([(late, *row(0))], slow)
        expected = []
        for _ in range(3):  # one by one: rows of one millisecond are in the order of their ids
            expected.append(table.insert([row()]))
            wait_until(lambda: text_ids(stream) == expected, what="the others")
        slow.commit()
        slow.close()
        expected.append(late)
        wait_until(lambda: text_ids(stream) == expected, what="the late one")
        d.verify()


@pytest.mark.parametrize("source, told", [
    ({"cursor": ["written", "id"]}, 'has no column "written" for source.cursor'),
    ({"cursor": ["timestamp", "uuid"]}, 'has no column "uuid"'),
    ({"cursor": ["timestamp", "payload"]}, "have no order by"),
])
def test_what_is_wrong_with_the_columns_is_said(deploy, request, folder, source, told):
    from conftest import make_table
    for kind in ("sqlite-texts", "postgresql-uuid"):
        if kind == "sqlite-texts" and "order" in told:
            continue  # SQLite has an order for all
        for table in make_table(kind, request, folder):
            if kind == "postgresql-uuid":
                table.execute("ALTER TABLE events ALTER COLUMN payload TYPE json")
            d = deploy(table, config={"source": source})
            d["ingestor"].start()
            d["ingestor"].await_log(told)


def test_a_missing_index_is_said(deploy, texts_table):
    index = "by_cursor" if texts_table.kind == "sqlite" else "events_timestamp_id_idx"
    texts_table.execute(f"DROP INDEX {index}")
    d = deploy(texts_table).start()
    d["ingestor"].await_log("has no index for source.cursor")
    texts_table.insert([row()])
    wait_until(lambda: d.get_json("/api/events")["events"])
    d.verify()


def test_without_a_cursor_it_is_named(deploy, texts_table):
    d = deploy(texts_table)
    del d.config["source"]["cursor"]
    d.write()
    d["ingestor"].start()
    d["ingestor"].await_log("write source.cursor: \\[created_at, id\\]")
    verify = d.run("verify", "--timeout", "1s")
    assert verify.returncode != 0


def test_a_table_that_is_made_anew_is_another_one(deploy, texts_table):
    d = deploy(texts_table).start()
    for _ in range(3):
        texts_table.insert([row()])
    wait_until(lambda: len(d.get_json("/api/events")["events"]) == 3)
    wait_until(lambda: d.stats()["checkpoint_position"] == d.stats()["position"])
    texts_table.execute("DELETE FROM events")  # rows that go are no new table
    last = texts_table.insert([row()])
    wait_until(lambda: len(d.get_json("/api/events")["events"]) == 4)
    d["ingestor"].kill(signal.SIGTERM)
    if texts_table.kind == "sqlite":
        texts_table.close()
        for file in texts_table.path.parent.glob("events.db*"):
            if not file.name.endswith("tilewire"):
                file.unlink()
        texts_table.create()
    else:
        texts_table.execute("DROP TABLE events")
        texts_table.execute("CREATE TABLE events (timestamp timestamptz, event_type text, actor_id text, target_id text, summary text,"
                            f" payload jsonb, id {texts_table.type} PRIMARY KEY); CREATE INDEX ON events (timestamp, id)")
    new = texts_table.insert([row()])
    d.start("ingestor")
    d["ingestor"].await_log("is another one than before")
    wait_until(lambda: [e["id"] for e in d.get_json("/api/events")["events"]] == [new], what="the new table's only row")
    assert last != new
    d.verify()


def test_a_save_writes_what_was_read_and_not_the_late_window_again(deploy, texts_table):
    """And a tile that comes back after a crash finds its place in the pieces."""
    texts_table.insert([row(400 - i / 100) for i in range(20000)])
    d = deploy(texts_table, tiles=[{"key": "all", "type": "count"}, {"key": "away", "type": "count"}], gateways=1)
    d.config["ingestor"]["checkpoint_interval"] = "10ms"
    d.start()
    wait_until(lambda: d.stats()["checkpoint_position"] == 20000, what="the first save")
    saved = []
    for i in range(1, 6):
        texts_table.insert([row(30 * (i % 2)) for _ in range(50)])
        wait_until(lambda n=20000 + 50 * i: d.stats()["checkpoint_position"] == n, what="a save")
        saved.append(d.stats()["checkpoint_bytes"])
    assert max(saved) < 40000, saved  # all of it is 700 KB and more
    d["ingestor"].kill()
    tiles = d.config["tiles"]
    d.config["tiles"] = tiles[:1]
    d.write()
    d.start("ingestor")
    texts_table.insert([row(30), row()])
    wait_until(lambda: d.stats()["checkpoint_position"] == 20252, what="rows without the other tile")
    d["ingestor"].kill()
    d.config["tiles"] = tiles
    d.write()
    d.start("ingestor")
    texts_table.insert([row(20), row()])
    for key in ("all", "away"):
        wait_until(lambda k=key: d.request(f"/api/tiles/{k}")[0] == 200 and d.tile(k)["data"]["value"] == 20254, what=key)
    d.verify()


def test_tiles_that_go_together_keep_one_copy_of_the_late_window(deploy, texts_table):
    """And come back from it, with the rows since."""
    away = [{"key": f"away.{i}", "type": "count"} for i in range(20)]
    texts_table.insert([row(400 - i / 100) for i in range(10000)])
    d = deploy(texts_table, tiles=[*EVER, *away], gateways=1).start()
    wait_until(lambda: d.stats()["checkpoint_position"] == 10000 and d.tile("away.19")["data"]["value"] == 10000, what="the first save")
    reload(d, EVER)
    texts_table.insert([row(30), row()])
    wait_until(lambda: d.stats()["checkpoint_position"] == 10002, what="a save without the tiles")
    file = d.folder / "export"
    assert d.run("state", "export", str(file)).returncode == 0
    with contextlib.closing(sqlite3.connect(file)) as db:
        sizes = [size for (size,) in db.execute("SELECT length(value) FROM state WHERE tile = 0 AND member = 4")]
        assert len(sizes) == 1 and sizes[0] > 10000 * 16
        assert db.execute("SELECT max(length(value)) FROM state WHERE tile <> 0").fetchone()[0] < 1000
    assert d.stats()["retired_tiles_dropped"] == 0
    texts_table.execute(f"DELETE FROM events WHERE timestamp < '{now_iso(-100)}'")
    for tiles in ([*EVER, *away[:5]], [*EVER, *away]):
        reload(d, tiles)
        assert [d.tile(tile["key"])["data"]["value"] for tile in tiles] == [10002] * len(tiles)
        d["ingestor"].kill()
        d.start("ingestor")
    texts_table.insert([row(30), row()])
    wait_until(lambda: {d.tile(tile["key"])["data"]["value"] for tile in tiles} == {10004})


# ---- Rows that cannot be read, or have no place ----

EVER = [{"key": "all", "type": "count"}]


def postgres_texts(request, folder):
    from conftest import make_table
    yield from make_table("postgresql-uuid", request, folder)


def test_rows_at_which_a_view_fails_are_passed_over(deploy, request, folder):
    """Among those that are read first, those that come, those that come late, and those that are read again after a crash."""
    for table in postgres_texts(request, folder):
        table.execute("CREATE VIEW fragile AS SELECT id, timestamp, event_type, target_id, summary::int::text AS summary FROM events")
        table.execute("INSERT INTO events (id, timestamp, event_type, summary) SELECT gen_random_uuid(), now() - (9001 - i) * interval '10 ms',"
                      " 'order.created', CASE WHEN i = ANY('{1,2,4000,4001,7777,9000}') THEN 'none' ELSE '1' END FROM generate_series(1, 9000) i")
        d = deploy(table, tiles=EVER, config={"source": {"table": "fragile", "poll_interval": "100ms"}}).start()
        stream = d.stream("/api/events/stream")
        d["ingestor"].await_log("is passed over: it cannot be read: ERROR:  invalid input syntax for type integer")
        wait_until(lambda: d.tile("all")["data"]["value"] == 8994)
        assert d.stats()["rows_unusable"] == 6
        expected = []
        for age in (0, 30):
            one, two = ((now_iso(-age + i / 10), "order.created", None, "o", "1", None) for i in range(2))
            broken = (now_iso(-age + 0.05), "order.created", None, "o", "none", None)
            table.insert([one, broken, two])
            count = len(expected) + 2
            wait_until(lambda n=count: len(text_ids(stream)) == n)
            expected = text_ids(stream)
        wait_until(lambda: d.stats()["rows_unusable"] == 8)
        assert d.stats()["source_failures"] == 0
        d["ingestor"].kill()
        d.start("ingestor")
        expected.append(table.insert([(now_iso(), "order.created", None, "o", "1", None)]))
        wait_until(lambda: text_ids(stream) == expected)
        wait_until(lambda: d.tile("all")["data"]["value"] == 8999)
        d.verify()


@pytest.mark.parametrize("type", ["numeric", "char(40)", "bytea", "citext"])
def test_ids_of_other_types_are_read_in_pages(deploy, request, folder, type):
    """More of them than a page has, all of one time, with a time of another type."""
    from conftest import make_table
    for table in make_table("postgresql-text", request, folder):
        values = {"numeric": "i / 7.0", "char(40)": "'x' || i", "bytea": "int4send(i)", "citext": "'x' || i"}[type]
        if type == "citext":
            table.execute("CREATE EXTENSION citext")
        table.execute("ALTER TABLE events DROP COLUMN id; ALTER TABLE events ALTER COLUMN timestamp TYPE timestamp(3);"
                      f"ALTER TABLE events ADD COLUMN id {type} PRIMARY KEY; CREATE INDEX ON events (timestamp, id)")
        table.execute(f"INSERT INTO events (id, timestamp, event_type) SELECT {values}, now() AT TIME ZONE 'UTC', 'a' FROM generate_series(1, 9000) i")
        d = deploy(table, tiles=EVER, gateways=1).start()
        assert d.tile("all")["data"]["value"] == 9000 and d.stats()["rows_unusable"] == 0
        d["ingestor"].kill()
        d.start("ingestor")
        table.execute(f"INSERT INTO events (id, timestamp, event_type) SELECT {values}, now() AT TIME ZONE 'UTC', 'a' FROM generate_series(9001, 9001) i")
        wait_until(lambda: d.tile("all")["data"]["value"] == 9001)
        assert len(d.query({"op": "events", "newest": 1000}, "ingestor")["events"]) == 1000
        d.verify()


def test_pages_within_one_time_are_gone_on_from(deploy, texts_table):
    """A page has 4,000 rows; those behind its last one are of the same time, and then of later ones. They are an hour older than the
    last row, so no look at the late window makes up for one that is missed."""
    times = [now_iso(-3602)] * 100 + [now_iso(-3601)] * 9000 + [now_iso(-3600)] * 100 + [now_iso()] * 200
    texts_table.put([(texts_table.new_id(), time, "order.created", None, None, None, None) for time in times])
    d = deploy(texts_table, tiles=EVER, config={"ingestor": {"events": 100}}).start()
    wait_until(lambda: d.tile("all")["data"]["value"] == 9400)
    d.verify()


def test_rows_without_a_place_hold_up_nothing(deploy, texts_table):
    """More than a page of them, behind all others and between them, where a page ends in them; a row behind them all comes, too."""
    d = deploy(texts_table, tiles=EVER, gateways=1, config={"source": {"poll_interval": "100ms"}})
    if texts_table.kind == "sqlite":
        key = "randomblob(16)" if texts_table.blobs else "hex(randomblob(16))"
        rows = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) INSERT INTO events (id, timestamp, event_type)"
                " SELECT {id}, {time}, 'a' FROM n")
        now, never = f"'{now_iso(-30)}'", "'never'"
    else:
        texts_table.execute("ALTER TABLE events DROP CONSTRAINT events_pkey; ALTER TABLE events ALTER COLUMN id DROP NOT NULL")
        key = {"uuid": "gen_random_uuid()", "text": "gen_random_uuid()::text", "bytea": "uuid_send(gen_random_uuid())"}[texts_table.type]
        rows = "INSERT INTO events (id, timestamp, event_type) SELECT {id}, {time}, 'a' FROM generate_series(1, 9000)"
        now, never = f"'{now_iso(-30)}'::timestamptz", "'infinity'::timestamptz"
    texts_table.execute(rows.format(id="NULL", time=now))
    texts_table.execute(rows.format(id=key, time=now))
    texts_table.execute(rows.format(id=key, time=never))
    d.start()
    wait_until(lambda: d.tile("all")["data"]["value"] == 9000)
    for i in range(3):
        texts_table.insert([row()])
        wait_until(lambda n=9001 + i: d.tile("all")["data"]["value"] == n)
    assert d["ingestor"].log_text().count("is passed over") == 1
    d.verify()


@pytest.mark.memory
def test_large_rows_take_little_memory(deploy, texts_table):
    """120 MiB in one commit, in order and late; and after a crash all of it again, of which the event log gets the newest."""
    add_columns(texts_table)
    d = deploy(texts_table, tiles=EVER, gateways=1, config={"source": {"columns": {c: c for c in COLUMNS}}}).start()
    texts_table.insert([row()])
    wait_until(lambda: d.stats()["position"] == 1)
    before = resident_mib(d["ingestor"])
    is_bytes = getattr(texts_table, "blobs", False) or getattr(texts_table, "type", "") == "bytea"
    text, quoted = (("replace(hex(zeroblob(512)), '0', '{}')", "x'{}'" if is_bytes else "'{}'") if texts_table.kind == "sqlite"
                    else ("repeat('{}', 1024)", "'\\x{}'" if is_bytes else "'{}'"))
    texts = ", ".join([text.format("y" * 1024)] * 3)
    for i, age in enumerate((0, 60)):
        rows = ", ".join(f"({quoted.format(texts_table.new_id())}, '{now_iso(-age)}', 'order.created', {texts})" for _ in range(40))
        texts_table.execute(f"INSERT INTO events (id, timestamp, event_type, {', '.join(COLUMNS[:3])}) VALUES {rows}")
        wait_until(lambda n=41 + 40 * i: d.stats()["position"] == n)
        assert resident_mib(d["ingestor"]) < before + 96
    d["ingestor"].kill()
    d.start("ingestor")
    assert 1 <= len(d.query({"op": "events", "newest": 1000}, "ingestor")["events"]) < 81
    assert resident_mib(d["ingestor"]) < before + 128
    d.verify()


def test_an_export_of_the_state_goes_on_where_it_was_made(deploy, texts_table, folder):
    """Pieces of the place and all: rows that are gone since stay counted, late ones come once, and those after the export are read again."""
    d = deploy(texts_table, tiles=EVER).start()
    for count in (20, 25, 30):  # saves of their own, each with a piece of the place
        texts_table.insert([row(i) for i in range(count - d.stats()["position"])])
        wait_until(lambda n=count: d.stats()["checkpoint_position"] == n, what="a save")
    file = folder / "export"
    assert d.run("state", "export", str(file)).returncode == 0
    texts_table.execute(f"DELETE FROM events WHERE timestamp < '{now_iso(-10)}'")
    texts_table.insert([row(30), row()])
    wait_until(lambda: d.stats()["checkpoint_position"] == 32, what="rows that the export lacks")
    d["ingestor"].kill(signal.SIGTERM)
    answer = d.run("state", "import", str(file))
    assert answer.returncode == 0, answer.stdout
    d.start("ingestor")
    texts_table.insert([row(20), row()])
    wait_until(lambda: d.tile("all")["data"]["value"] == 34, what="each row once")
    listed = [e["e"]["id"] for e in d.query({"op": "events", "newest": 1000}, "ingestor")["events"]]
    assert len(listed) == len(set(listed)) and set(listed) == set(texts_table.ids())
