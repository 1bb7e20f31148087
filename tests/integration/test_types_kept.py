# SPDX-License-Identifier: Apache-2.0
"""Tiles of each type through what spoils tiles: rows that go while the file changes and the ingestor ends, and a clock that steps."""
import copy
import pathlib
import re
import time

import pytest

from test_clock import DAY
from test_local_time import Past
from test_retention import drop_oldest, reload
from test_verify_gone import keys, verify
from tilewire import RandomEvents, wait_until

ORDERS = {"match": {"event_type": "order.*"}}
TYPES = {
    "count": ORDERS,
    "number": {**ORDERS, "aggregate": "sum", "value": "payload.amount"},
    "ratio": {"match": {"event_type": "order.shipped"}, "of": {"event_type": "order.*"}},
    "percentile": {**ORDERS, "value": "payload.amount"},
    "trend": {**ORDERS, "step": "1d", "length": 3, "aggregate": "count"},
    "heatmap": {**ORDERS, "window": "14d"},
    "gauge": {"metric": "queue.depth"},
    "distinct": {**ORDERS, "item": "payload.amount"},
    "top": {**ORDERS, "item": "target_id", "rows": 3},
    "rate": {**ORDERS, "per": "hour", "window": "1d"},
    "duration": {"opens": {"event_type": "work_item_created"}, "closes": {"event_type": "work_item_done"}, "item": "target_id", "window": "1d"},
    "presence": {**ORDERS, "item": "target_id", "late": "1m", "missing": "1h", "forget": "300d"},
    "sla_risk": {"opens": {"event_type": "ticket.opened"}, "closes": {"event_type": "ticket.resolved"}, "item": "target_id", "within": "10d"},
    "backlog": {"item": "target_id", "states": {"work_item_created": "open", "work_item_blocked": "blocked", "work_item_done": None}},
    "latest": {**ORDERS, "show": ["target_id", "payload.amount"], "rows": 8},
}
WITH_WINDOW = ["count", "number", "ratio", "percentile", "duration", "distinct", "top"]


def tiles(prefix, types=TYPES, **more):
    """Copies, as the YAML that is written of them has no aliases."""
    return [{"key": f"{prefix}.{name}", "type": name, **copy.deepcopy(TYPES[name]), **more} for name in types]


def shown(d, prefix):
    return {tile["key"]: tile for tile in d.get_json("/api/tiles")["tiles"] if tile["key"].startswith(prefix)}


def settled(d):
    """All tiles that the gateway shows, once they are those of the cache, which `verify` looked at."""
    def look():
        cached = {tile["k"]: tile["p"]["data"] for tile in d.query({"op": "snapshot"})["tiles"] if "p" in tile}
        tiles = shown(d, "")
        return {key: tile["data"] for key, tile in tiles.items()} == cached and tiles
    return wait_until(look, what="the gateway to have the cache's tiles")


def test_each_type_has_its_tiles_here():
    """And each whose window may be a period of the calendar, one with it."""
    root = pathlib.Path(__file__).parents[2]
    listed = re.findall(r"EACH\(TILE_\w+, \d+, (\w+)\)", (root / "common/config/tiles.h").read_text())
    assert sorted(TYPES) == sorted(listed)
    assert sorted(WITH_WINDOW) == [name for name in sorted(listed) if "tile_rules_windows" in (root / f"common/config/types/{name}.c").read_text()]


def test_rows_that_go_change_no_type_and_a_new_tile_says_what_it_lacks(deploy, every_table):
    """Retention, an unrelated change of the file, and a crash; and `verify` calls nothing wrong."""
    old = tiles("old") + tiles("by", group_by="target_id")
    d = deploy(every_table, tiles=old, gateways=1).start()
    rows = RandomEvents(10)
    for _ in range(4):
        every_table.insert([rows.next() for _ in range(100)])
    wait_until(lambda: d.stats()["position"] == 400)
    d.verify()
    before = settled(d)
    assert {key.split(".")[1] for key in before if key.startswith("old.")} == set(TYPES)
    drop_oldest(every_table, 200)
    reload(d, [*old, *tiles("new")])
    for _ in range(2):
        report = verify(d)
        assert report["verdict"] == "unprovable" and not report["wrong"], report
        assert {f"old.{name}" for name in TYPES} - {"old.gauge", "old.latest"} <= keys(report["unprovable"]), report
        now = settled(d)
        for key, tile in before.items():
            assert (now[key]["data"], now[key]["since"], now[key]["complete"]) == (tile["data"], tile["since"], True), key
        for name in TYPES:
            new = now[f"new.{name}"]
            assert new["complete"] is False and new["since"] != before[f"old.{name}"]["since"], name
            if name not in ("gauge", "latest"):  # these are made of the newest rows
                assert new["data"] != before[f"old.{name}"]["data"], name
        d["ingestor"].kill()
        d.start("ingestor")
        wait_until(lambda: d.request("/api/tiles/new.count")[0] == 200)
    every_table.insert([rows.next() for _ in range(100)])
    wait_until(lambda: d.stats()["position"] == 500)
    report = verify(d)
    assert not report["wrong"] and not any(key.startswith("new.") for key in keys(report["unprovable"])), report
    assert all(tile["complete"] is False for key, tile in settled(d).items() if key.startswith("new."))


@pytest.fixture
def at_noon(deploy, folder, table_of_steps):
    """All programs' clocks show noon of this day, so that no test meets midnight: the deployment, the ingestor's clock, and the offset."""
    periods = ["today", "this_week", "this_month"]
    windows = [tile for period in periods for tile in tiles(period, WITH_WINDOW, window=period)]
    d = deploy(table_of_steps, tiles=[*windows, *tiles("days", ["trend"])], gateways=1)
    past = Past(d, folder)
    noon = int(DAY / 2 - time.time() % DAY)
    for clock in past.clocks:
        clock.set(noon)
    return d, past, past.clocks[list(d.programs).index("ingestor")], noon


@pytest.fixture(params=["sqlite", "postgresql-uuid", *(pytest.param(kind, marks=pytest.mark.thorough) for kind in ("sqlite-texts", "postgresql"))])
def table_of_steps(request, folder):
    from conftest import make_table
    yield from make_table(request.param, request, folder)


def insert(d, table, rows, noon):
    """And waits until all are delivered, of which some are late."""
    table.insert([rows.next(now=time.time() + noon) for _ in range(60)])
    wait_until(lambda: d.stats()["position"] == rows.count)


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_windows_by_the_calendar_do_not_follow_a_clock_that_steps(at_noon, table_of_steps, jump):
    d, past, clock, noon = at_noon
    d.start()
    rows = RandomEvents(3)
    insert(d, table_of_steps, rows, noon)
    past.verify()
    before = {key: tile["data"] for key, tile in settled(d).items()}
    assert before["today.count"]["value"] > 0 and len(before) == 3 * len(WITH_WINDOW) + 1
    clock.set(noon + jump)
    d["ingestor"].await_log(r"the wall clock jumped by [+-]\d+\.\d s; tiles go on by the time before")
    past.verify()
    assert {key: tile["data"] for key, tile in settled(d).items()} == before
    insert(d, table_of_steps, rows, noon)
    past.verify()
    assert settled(d)["today.count"]["data"]["value"] > before["today.count"]["value"]
    clock.set(noon)
    d["ingestor"].await_log("the wall clock is right again")
    insert(d, table_of_steps, rows, noon)
    past.verify()
    d["ingestor"].kill()
    d.start("ingestor")
    insert(d, table_of_steps, rows, noon)
    past.verify()


def test_windows_by_the_calendar_heal_when_a_clock_was_a_day_ahead(at_noon, table_of_steps):
    """From its start on, so that nothing told the ingestor."""
    d, past, clock, noon = at_noon
    clock.set(noon + DAY)
    d.start()
    rows = RandomEvents(4)
    insert(d, table_of_steps, rows, noon)
    assert d.tile("today.count")["data"]["value"] == 0, "what such a clock makes of it"
    clock.set(noon)
    d["ingestor"].await_log("the tiles are those of a wrong clock", 60)
    wait_until(lambda: d.tile("today.count")["data"]["value"] > 0, 60, "the windows to be right")
    insert(d, table_of_steps, rows, noon)
    past.verify()
