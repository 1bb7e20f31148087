# SPDX-License-Identifier: Apache-2.0
"""Several sources in one deployment: tiles choose, each has its own outage, and all gateways have one order of events."""

import os
import random
import signal

import pytest

from conftest import throw_away_server
from tilewire import Postgres, Sqlite, now_iso, wait_until

TILES = [
    {"key": "shop", "type": "count", "source": "shop", "ttl": "2s", "grace": "1h"},
    {"key": "desk", "type": "count", "source": "desk", "ttl": "2s", "grace": "1h"},
    {"key": "all", "type": "count", "ttl": "2s", "grace": "1h"},
]


@pytest.fixture
def two(folder):
    """Two tables: shop and desk."""
    tables = {}
    for name in ("shop", "desk"):
        tables[name] = Sqlite(folder / f"{name}.db", "wal")
        tables[name].create()
    yield tables
    for table in tables.values():
        table.close()


def rows(count):
    return [(now_iso(), "order.created", "a", f"t{i}", None, None) for i in range(count)]


def with_sources(d, tables):
    poll = {"poll_interval": "1s"}
    d.config["sources"] = [{"name": name, "uri": table.uri, **poll} for name, table in tables.items()]
    d.config.pop("source", None)
    d.write()
    return d


def deployed(deploy, two):
    return with_sources(deploy(two["shop"], tiles=TILES), two)


def await_counts(d, gateway=0, **counts):
    def values():
        return {tile["key"]: tile["data"]["value"] for tile in d.get_json("/api/tiles", gateway)["tiles"] if tile["key"] in counts}

    wait_until(lambda: values() == counts, what=f"{counts}")


def test_tiles_choose_their_source(deploy, two):
    two["shop"].insert(rows(3))
    two["desk"].insert(rows(4))
    d = deployed(deploy, two).start()
    await_counts(d, shop=3, desk=4, all=7)
    two["desk"].insert(rows(2))
    await_counts(d, shop=3, desk=6, all=9)
    d.verify()


def ids(stream):
    return [event["id"] for event in list(stream.events) if event["event"] not in ("heartbeat", "reset")]


def test_each_row_counts_once_whenever_the_ingestor_is_killed(deploy, two):
    d = deployed(deploy, two).start()
    sent = 0
    for turn in range(6):
        two["shop"].insert(rows(10))
        two["desk"].insert(rows(5))
        sent += 15
        if turn % 2 == 0:
            await_counts(d, all=sent)
        d["ingestor"].kill()
        d["ingestor"].start()
    await_counts(d, shop=60, desk=30, all=90)
    d.verify()


def test_all_gateways_have_one_order_also_after_a_crash(deploy, two):
    d = deployed(deploy, two).start()
    await_counts(d, all=0)
    streams = [d.stream("/api/events/stream", gateway=i) for i in range(2)]
    for _ in range(20):
        two["shop"].insert(rows(2))
        two["desk"].insert(rows(1))
    wait_until(lambda: all(len(ids(s)) == 60 for s in streams), what="all events")
    assert ids(streams[0]) == ids(streams[1])
    d["ingestor"].kill()
    d["ingestor"].start()
    two["desk"].insert(rows(3))
    wait_until(lambda: all(len(ids(s)) == 63 for s in streams), what="those since")
    assert ids(streams[0]) == ids(streams[1])
    place = ids(streams[0])[40]
    late = d.stream("/api/events/stream", gateway=1, last_event_id=place)
    wait_until(lambda: len(ids(late)) == 22, what="those behind the place")
    assert ids(late) == ids(streams[0])[41:]


def test_when_one_is_down_only_its_own_turn_stale(deploy, two):
    two["shop"].insert(rows(1))
    two["desk"].insert(rows(1))
    d = deployed(deploy, two).start()
    await_counts(d, shop=1, desk=1, all=2)
    away = two["desk"].path.with_suffix(".away")
    os.rename(two["desk"].path, away)
    wait_until(lambda: d.tile("desk")["stale"] and d.tile("all")["stale"], what="stale tiles")
    two["shop"].insert(rows(1))
    await_counts(d, shop=2)
    assert not d.tile("shop")["stale"]
    os.rename(away, two["desk"].path)
    wait_until(lambda: not d.tile("desk")["stale"] and not d.tile("all")["stale"], what="tiles that are true again")
    await_counts(d, shop=2, desk=1, all=3)
    d.verify()


def test_one_is_added_and_taken_away(deploy, two):
    two["shop"].insert(rows(3))
    two["desk"].insert(rows(4))
    d = with_sources(deploy(two["shop"], tiles=[TILES[0], TILES[2]]), {"shop": two["shop"]}).start()
    await_counts(d, shop=3, all=3)
    d.config["tiles"] = TILES
    with_sources(d, two)
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_counts(d, shop=3, desk=4, all=7)
    d.config["tiles"] = [TILES[0], TILES[2]]
    with_sources(d, {"shop": two["shop"]})
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_counts(d, shop=3, all=3)
    wait_until(lambda: d.stats()["tiles_building"] == 0 and d.stats()["checkpoint_position"] == 7, what="a checkpoint")
    assert d.tile("all")["complete"]
    two["desk"].execute("DELETE FROM events WHERE id = 2")
    two["desk"].insert(rows(2))
    d.config["tiles"] = TILES
    with_sources(d, two)
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_counts(d, shop=3, desk=6, all=9)  # what was folded before it went is kept
    assert [d.tile(key)["complete"] for key in ("shop", "desk", "all")] == [True, True, True]
    d.config["tiles"] = [TILES[0], TILES[2], {**TILES[1], "source": "till"}]
    with_sources(d, {"shop": two["shop"], "till": two["desk"]})
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_counts(d, shop=3, desk=5, all=8)


def test_one_that_reads_another_table_has_its_own_built_anew(deploy, two):
    two["shop"].insert(rows(3))
    two["desk"].insert(rows(4))
    d = deployed(deploy, two).start()
    await_counts(d, shop=3, desk=4, all=7)
    two["shop"].execute("DELETE FROM events WHERE id = 2")
    two["desk"].execute("CREATE TABLE others AS SELECT * FROM events WHERE id <= 2")
    with_sources(d, two)
    d.config["sources"][1]["table"] = "others"
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_counts(d, shop=3, desk=2, all=4)
    d["ingestor"].kill()
    d["ingestor"].start()
    two["shop"].insert(rows(1))
    await_counts(d, shop=4, desk=2, all=5)


def test_rows_that_are_deleted_while_the_ingestor_is_away_stay_in_the_streams(deploy, two):
    """The tables say that their ids went on, so nobody takes the rows for lost: streams are not told `reset`."""
    d = deployed(deploy, two).start()
    await_counts(d, all=0)
    stream = d.stream("/api/events/stream")
    for name in two:
        two[name].insert(rows(5))
    await_counts(d, shop=5, desk=5, all=10)
    wait_until(lambda: d.stats()["checkpoint_position"] == 10, what="a checkpoint")
    d["ingestor"].kill()
    for name in two:
        two[name].execute("DELETE FROM events WHERE id BETWEEN 2 AND 4")
    d["ingestor"].start()
    for name in two:
        two[name].insert(rows(1))
    await_counts(d, shop=6, desk=6, all=12)
    wait_until(lambda: len(ids(stream)) == 12, what="all events")
    assert d.query({"op": "ping"}, "ingestor")["accounted"] == 10
    late = d.stream("/api/events/stream", gateway=1, last_event_id=ids(stream)[2])
    wait_until(lambda: len(ids(late)) == 9, what="those behind the place")
    assert not [e for e in stream.events + late.events if e["event"] == "reset"]


def test_a_database_that_is_stopped_holds_up_no_other(deploy, two):
    with throw_away_server() as server:
        table = Postgres(server)
        table.create()
        table.insert(rows(4))
        two["shop"].insert(rows(3))
        d = with_sources(deploy(two["shop"], tiles=TILES), {"shop": two["shop"], "desk": table}).start()
        await_counts(d, shop=3, desk=4, all=7)
        Postgres.stop_server(server)
        wait_until(lambda: d.tile("desk")["stale"], what="a stale tile")
        two["shop"].insert(rows(2))
        await_counts(d, shop=5)
        d["ingestor"].kill()
        d["ingestor"].start()
        two["shop"].insert(rows(2))
        await_counts(d, shop=7)
        Postgres.start_server(server["script"], server["path"], server["port"])
        table.db = table.connect()
        table.insert(rows(1))
        await_counts(d, shop=7, desk=5, all=12)
        d.verify()
        d.problems = d.stop()


def test_when_one_is_replaced_its_own_are_built_anew(deploy, two):
    two["shop"].insert(rows(3))
    two["desk"].insert(rows(4))
    d = deployed(deploy, two).start()
    await_counts(d, shop=3, desk=4, all=7)
    two["shop"].execute("DELETE FROM events WHERE id = 2")
    two["desk"].execute("DELETE FROM events")
    two["desk"].execute("DELETE FROM sqlite_sequence")
    two["desk"].insert(rows(2))
    await_counts(d, shop=3, desk=2, all=4)
    wait_until(lambda: [d.tile(key)["complete"] for key in ("shop", "desk", "all")] == [True, True, False])  # known when they are built
    two["shop"].insert(rows(1))
    await_counts(d, shop=4, desk=2, all=5)
    for _ in range(2):
        d["ingestor"].kill()
        d["ingestor"].start()
    two["desk"].insert(rows(1))
    await_counts(d, shop=4, desk=3, all=6)
    assert [d.tile(key)["complete"] for key in ("shop", "desk", "all")] == [True, True, False]


def test_one_that_is_away_at_the_start_is_shown_once_it_is_read(deploy, two):
    two["shop"].insert(rows(3))
    old = now_iso(-3000)
    two["desk"].insert([(old, *row[1:]) for row in rows(4)])
    two["desk"].execute("DELETE FROM events WHERE id = 1")
    away = two["desk"].path.with_suffix(".away")
    os.rename(two["desk"].path, away)
    d = deployed(deploy, two).start()
    await_counts(d, shop=3)
    assert [tile["key"] for tile in d.get_json("/api/tiles")["tiles"]] == ["shop"]
    d["ingestor"].await_log(r"cannot open the database .*desk\.db.*Tiles of source desk, ")
    assert "Tiles of source shop" not in d["ingestor"].log_text()
    os.rename(away, two["desk"].path)
    await_counts(d, shop=3, desk=3, all=6)
    assert [d.tile(key)["complete"] for key in ("shop", "desk", "all")] == [True, False, False]
    since = [d.tile(key)["since"] for key in ("shop", "desk", "all")]
    assert [s["position"] for s in since] == ["shop-1", "desk-2", "desk-2"] and since[1]["time"][:19] == old[:19], since


def test_random_rows_and_kills(deploy, two):
    """What was sent is what is counted, however often the ingestor is killed in between."""
    r = random.Random(12)
    d = deployed(deploy, two).start()
    sent = {"shop": 0, "desk": 0}
    stream = d.stream("/api/events/stream", gateway=0)
    for turn in range(150):
        name = r.choice(["shop", "desk"])
        count = r.randrange(1, 6)
        two[name].insert(rows(count))
        sent[name] += count
        if turn % 25 == 24:
            d["ingestor"].kill()
            d["ingestor"].start()
    await_counts(d, **sent, all=sum(sent.values()))
    wait_until(lambda: len(set(ids(stream))) == sum(sent.values()), what="all events")
    assert len(ids(stream)) == sum(sent.values()), "an event came twice"
    assert not [e for e in stream.events if e["event"] == "reset"]
    d.verify()
