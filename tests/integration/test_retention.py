# SPDX-License-Identifier: Apache-2.0
"""Tables that lose rows. A tile is the fold of every row that was ever delivered to it: rows that go change none of it, and a
change of the file builds anew only what depends on that change."""
import contextlib
import datetime
import json
import re
import signal
import sqlite3
import struct

import msgpack
import pytest

from tilewire import now_iso, wait_until

TILES = [
    {"key": "all", "type": "count", "title": "All"},
    {"key": "backlog", "type": "backlog", "item": "target_id", "states": {"opened": "open", "closed": None}},
    {"key": "regions", "type": "count", "group_by": "actor_id"},
]


def reload(d, tiles=None, wait=True):
    """SIGHUP, with other tiles."""
    if tiles is not None:
        d.config["tiles"] = tiles
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    if wait:
        for tile in d.config["tiles"]:
            if "group_by" not in tile:
                wait_until(lambda: built(d, tile["key"]), what=f"{tile['key']} to be built")


def built(d, key):
    return d.request(f"/api/tiles/{key}")[0] == 200 and "building" not in d.tile(key)


def value(d, key):
    data = d.tile(key)["data"]
    return data["value"] if "value" in data else data["total"]


def fill(table, count):
    """Each row a millisecond behind the one before, so that the cursor's order is that of the ids."""
    table.insert([(now_iso((i - count) / 1000), "opened", f"r{i % 3}", f"t{i}", None, None) for i in range(count)])


def ids_in_order(table):
    """As texts, in the order of delivery."""
    sql = "SELECT id FROM events ORDER BY timestamp, id"
    if table.kind == "sqlite":
        ids = [row[0] for row in table.db.execute(sql)]
    else:
        with table.db, table.db.cursor() as cursor:
            cursor.execute(sql)
            ids = [row[0] for row in cursor.fetchall()]
    return [bytes(i).hex() if isinstance(i, (bytes, memoryview)) else str(i) for i in ids]


def drop_oldest(table, count):
    table.execute(f"DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY timestamp, id LIMIT {count})")


def test_an_unrelated_tile_leaves_the_others_untouched_though_rows_are_gone(deploy, every_table):
    fill(every_table, 2000)
    d = deploy(every_table, tiles=TILES, gateways=1).start()
    wait_until(lambda: value(d, "all") == 2000)
    before = {key: d.tile(key) for key in ("all", "backlog", "regions/r0")}
    assert before["all"]["complete"] is True
    ids = ids_in_order(every_table)
    assert before["all"]["since"]["position"] == ids[0]
    drop_oldest(every_table, 1000)
    log = len(d["ingestor"].log_text())
    reload(d, [*TILES, {"key": "new", "type": "count"}])
    new = d.tile("new")
    assert new["data"]["value"] == 1000
    assert new["complete"] is False
    assert new["since"]["position"] == ids[1000]
    assert "these tiles say \"complete\": false" in d["ingestor"].log_text()[log:]
    for key, tile in before.items():
        now = d.tile(key)
        assert now["data"] == tile["data"] and now["complete"] is True and now["since"] == tile["since"], key
    fill(every_table, 10)
    wait_until(lambda: (value(d, "all"), value(d, "new")) == (2010, 1010))
    d["ingestor"].kill()
    d.start("ingestor")
    fill(every_table, 1)
    wait_until(lambda: (value(d, "all"), value(d, "new")) == (2011, 1011))
    assert d.tile("new")["complete"] is False and d.tile("all")["complete"] is True


def test_the_command_line_says_what_a_tile_knows_of_the_past(deploy, postgres_table):
    """A row of the past holds the build until the test lets it go."""
    fill(postgres_table, 3000)
    postgres_table.execute("CREATE FUNCTION held(bigint) RETURNS text LANGUAGE plpgsql STABLE AS "
                           "'BEGIN IF $1 = 1500 THEN PERFORM pg_advisory_xact_lock_shared(7); END IF; RETURN NULL; END'")
    postgres_table.execute("CREATE VIEW paced AS SELECT id, timestamp, coalesce(held(id), event_type) AS event_type, "
                           "actor_id, target_id, summary, payload FROM events")
    d = deploy(postgres_table, tiles=TILES, gateways=1)
    d.config["source"]["table"] = "paced"
    d.config["ingestor"]["events"] = 100  # those are read again at a start
    d.write()
    d.start()
    wait_until(lambda: value(d, "all") == 3000)
    postgres_table.execute("DELETE FROM events WHERE id <= 10")
    holder = postgres_table.connect().cursor()
    holder.execute("SELECT pg_advisory_lock(7)")
    reload(d, [*TILES, {"key": "new", "type": "count"}], wait=False)
    wait_until(lambda: d.request("/api/tiles/new")[0] == 200 and d.tile("new")["building"]["progress"] > 0, what="the rows before the one that is held")
    percent = int(100 * d.tile("new")["building"]["progress"])
    row = re.search(r"^new +count +\d+ +– +(.+?)  ", d.run("ls", check=True).stdout, re.M)
    assert row[1] == f"building {percent} %"
    assert f"building       {percent} %: until then the tile lacks rows" in d.run("get", "new", check=True).stdout
    assert json.loads(d.run("get", "new", "--json", check=True).stdout)["building"]["progress"] == d.tile("new")["building"]["progress"]
    holder.execute("SELECT pg_advisory_unlock(7)")
    wait_until(lambda: built(d, "new"))
    since = d.tile("new")["since"]
    listed = d.run("ls", check=True).stdout
    assert re.search(rf"^new +count +2990 +– +since {since['time'][:16]}Z  ", listed, re.M), listed
    got = d.run("get", "new", check=True).stdout
    assert f"since          position 11, {since['time']}" in got and "complete       no: older rows were gone" in got
    (tile,) = [t for t in json.loads(d.run("ls", "--json", check=True).stdout) if t["key"] == "new"]
    assert tile["since"] == since and tile["complete"] is False and "building" not in tile


def test_a_tile_that_comes_back_within_a_day_goes_on(deploy, every_table):
    """With the rows that came meanwhile, though those before are gone."""
    fill(every_table, 500)
    d = deploy(every_table, tiles=TILES, gateways=1).start()
    wait_until(lambda: value(d, "all") == 500)
    reload(d, TILES[1:])
    wait_until(lambda: d.request("/api/tiles/all")[0] == 404)
    drop_oldest(every_table, 500)
    fill(every_table, 30)
    reload(d, TILES)
    wait_until(lambda: value(d, "all") == 530)
    assert d.tile("all")["complete"] is True
    changed = [{**TILES[0], "match": {"event_type": "open*"}}, *TILES[1:]]
    reload(d, changed)
    wait_until(lambda: value(d, "all") == 30)
    assert d.tile("all")["complete"] is False
    fill(every_table, 5)
    reload(d, TILES)
    wait_until(lambda: value(d, "all") == 535)
    assert d.tile("all")["complete"] is True
    d["ingestor"].kill()
    d.start("ingestor")
    wait_until(lambda: value(d, "all") == 535)


def sealed(number, value):
    """As common/state/changes.h has it: with a sum of the record's place and bytes."""
    total = 14695981039346656037
    for byte in struct.pack("<QQQ", number, 0, 0) + value:
        total = (total ^ byte) * 1099511628211 % 2**64
    return value + struct.pack("<Q", total)


def forget_the_place(d, key):
    """Where the source stood when the tile went cannot be read any more."""
    path, = d.folder.glob("checkpoint.state.*[0-9]")
    with contextlib.closing(sqlite3.connect(path)) as db:
        rows = [(number, msgpack.unpackb(value[:-8], strict_map_key=False))
                for number, value in db.execute("SELECT tile, value FROM state WHERE tile != 0 AND member = 0 AND item = 0")]
        (number, record), = [row for row in rows if row[1][1] == key]
        record[7] = b"nowhere"
        db.execute("UPDATE state SET value = ? WHERE tile = ? AND member = 0 AND item = 0", (sealed(number, msgpack.packb(record)), number))
        db.commit()


def test_a_tile_that_is_built_anew_takes_back_what_it_showed(deploy, sqlite_table):
    """Its state was loaded, and shown, before it turned out that the rows it lacks cannot be told."""
    fill(sqlite_table, 30)
    d = deploy(sqlite_table, tiles=TILES, gateways=1).start()
    wait_until(lambda: value(d, "regions/r2") == 10)
    reload(d, TILES[:2])
    wait_until(lambda: d.request("/api/tiles/regions/r2")[0] == 404)
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    forget_the_place(d, "regions")
    sqlite_table.execute("DELETE FROM events WHERE actor_id = 'r2'")
    d.config["tiles"] = TILES
    d.write()
    d.start("ingestor")
    d["ingestor"].await_log("it is built anew from the rows that are there")
    wait_until(lambda: d.request("/api/tiles/regions/r1")[0] == 200 and d.tile("regions/r1")["complete"] is False)
    wait_until(lambda: d.request("/api/tiles/regions/r2")[0] == 404)
    wait_until(lambda: value(d, "regions/r0") == 10 and value(d, "all") == 30)
    listed = json.loads(d.run("ls", "--json", check=True).stdout)
    assert {tile["key"] for tile in listed} == {"all", "backlog", "regions/r0", "regions/r1"}


def test_a_changed_column_builds_exactly_what_reads_it(deploy, every_table):
    """The old state must not go on: `r/Bonn` beside `r/NRW`, for ever."""
    fill(every_table, 300)
    d = deploy(every_table, tiles=TILES, gateways=1).start()
    wait_until(lambda: value(d, "all") == 300)
    versions = {key: d.tile(key)["since"] for key in ("all", "backlog")}
    drop_oldest(every_table, 100)
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    d.config["source"]["columns"] = {"actor_id": "target_id", "target_id": "actor_id"}
    d.write()
    d.start("ingestor")
    wait_until(lambda: built(d, "backlog") and value(d, "backlog") == 3, what="the backlog by the other column")
    wait_until(lambda: d.request("/api/tiles/regions/r0")[0] == 404 and d.request("/api/tiles/regions/t200")[0] == 200)
    wait_until(lambda: d.tile("all")["data"]["value"] == 300 and d.tile("all")["since"] == versions["all"])
    wait_until(lambda: d.tile("backlog")["complete"] is False)


def test_a_changed_metric_event_builds_the_metrics_anew(deploy, every_table):
    payload = {"metric": "depth", "value": 1}
    every_table.insert([(now_iso(), kind, None, None, None, json.dumps({**payload, "value": n}))
                  for n, kind in enumerate(["metrics.updated", "other"], 1)])
    tiles = [TILES[0], {"key": "depth", "type": "gauge", "metric": "depth"}]
    d = deploy(every_table, tiles=tiles, gateways=1).start()
    wait_until(lambda: value(d, "depth") == 1)
    every_table.execute("DELETE FROM events WHERE event_type = 'metrics.updated'")
    d.config["source"]["metric_event"] = "other"
    reload(d)
    wait_until(lambda: built(d, "depth") and value(d, "depth") == 2)
    wait_until(lambda: value(d, "all") == 2 and d.tile("all")["complete"] is True)


def test_rows_that_come_while_a_tile_is_built_count_once(deploy, every_table):
    fill(every_table, 20000)
    d = deploy(every_table, tiles=TILES, gateways=1).start()
    wait_until(lambda: value(d, "all") == 20000)
    stream = d.stream("/api/tiles/stream?keys=new*,all")
    versions = d.tile("all")["version"].split("-")
    tiles = [*TILES, *({"key": f"new{i}", "type": "count"} for i in range(3))]
    reload(d, tiles, wait=False)
    for _ in range(40):
        fill(every_table, 50)
    reload(d, [*tiles, {"key": "newer", "type": "count"}])
    for key in ("all", "new0", "new1", "new2", "newer"):
        wait_until(lambda: value(d, key) == 22000, what=key)
    assert d.tile("all")["version"].split("-")[0] == versions[0], "the others notice nothing: it is the same reign"
    seen = [e["data"] for e in stream.events if e["event"] == "tile" and e["data"]["key"] != "all"]
    assert any("building" in tile for tile in seen), "it says that it is being built"
    assert all(0 <= tile["building"]["progress"] < 1 for tile in seen if "building" in tile)
    assert not [e for e in stream.events if e["event"] in ("expired", "reset")]
    d.verify()


def test_a_row_from_the_future_comes_once_to_a_tile_that_is_built_meanwhile(deploy, every_table):
    soon = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=6)).isoformat()
    every_table.insert([(soon, "opened", "r0", "later", None, None)])
    fill(every_table, 10)
    d = deploy(every_table, tiles=TILES, gateways=1).start()
    wait_until(lambda: value(d, "all") == 10)
    reload(d, [*TILES, {"key": "new", "type": "count"}])
    wait_until(lambda: value(d, "new") == 10)
    wait_until(lambda: value(d, "all") == 11, what="the row's time")
    wait_until(lambda: value(d, "new") == 11)
    fill(every_table, 1)
    wait_until(lambda: (value(d, "all"), value(d, "new")) == (12, 12))


def test_a_first_start_behind_a_retention_job_says_so(deploy, table):
    fill(table, 100)
    table.execute("DELETE FROM events WHERE id <= 40")
    d = deploy(table, tiles=TILES, gateways=1).start()
    wait_until(lambda: value(d, "all") == 60)
    tile = d.tile("all")
    assert tile["complete"] is False and tile["since"]["position"] == "41"


@pytest.mark.parametrize("journal", ["kept", "lost"])
def test_a_state_that_is_lost_is_told_loudly(deploy, sqlite_table, journal):
    fill(sqlite_table, 50)
    d = deploy(sqlite_table, tiles=TILES, gateways=1).start()
    wait_until(lambda: d.stats()["checkpoint_position"] == 50)
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    for path in d.folder.glob("checkpoint.state.*"):
        path.unlink()
    if journal == "kept":
        fill(sqlite_table, 1)
    before = len(d["ingestor"].log_text())
    d.start("ingestor")
    d["ingestor"].await_log("the state is lost.*complete.*false", after=before)
    wait_until(lambda: d.stats()["states_lost"] == 1)
    wait_until(lambda: d.tile("all")["complete"] is False)
