# SPDX-License-Identifier: Apache-2.0
"""Rows from the future: they wait until their time, in every type of tile, and across a crash."""
import json
import time

from tilewire import now_iso, wait_until

TILES = [
    {"key": "ever", "type": "count"},
    {"key": "window", "type": "count", "window": "1m"},
    {"key": "hours", "type": "trend", "step": "1h", "length": 24, "aggregate": "count"},
    {"key": "gauge", "type": "gauge", "metric": "m"},
    {"key": "latest", "type": "count", "metric": "m"},
    {"key": "sla", "type": "sla_risk", "opens": {"event_type": "opened"}, "closes": {"event_type": "closed"}, "item": "target_id",
     "within": "10m", "at_risk": "1m"},
    {"key": "backlog", "type": "backlog", "item": "target_id", "states": {"opened": "open", "closed": None}},
    {"key": "by", "type": "count", "group_by": "target_id"},
]


IN_S = 12  # what happens before that is done by then, on a busy machine and with a sanitizer, too


def rows(at, target):
    return [(at, "opened", None, target, None, None),
            (at, "metrics.updated", None, target, None, json.dumps({"metric": "m", "value": 7}))]


def values(d):
    tiles = {tile["key"]: tile["data"] for tile in d.get_json("/api/tiles")["tiles"]}
    return {"ever": tiles["ever"]["value"], "window": tiles["window"]["value"], "hours": sum(tiles["hours"]["points"].values()),
            "gauge": tiles["gauge"].get("value"), "latest": tiles["latest"].get("value"), "sla": tiles["sla"]["ok"],
            "backlog": tiles["backlog"]["total"], "oldest": tiles["backlog"].get("oldest_at"),
            "by": sorted(key for key in tiles if key.startswith("by/"))}


NOTHING = {"ever": 0, "window": 0, "hours": 0, "gauge": None, "latest": None, "sla": 0, "backlog": 0, "oldest": None, "by": []}


def test_rows_an_hour_ahead_count_in_no_tile(deploy, table):
    d = deploy(table, tiles=TILES).start()
    last = table.insert(rows(now_iso(3600), "later"))
    wait_until(lambda: d.stats()["position"] == last)
    assert values(d) == NOTHING
    assert d.stats()["future_rows_waiting"] == 2
    d.verify()
    table.insert(rows(now_iso(), "now"))
    expected = {**NOTHING, "ever": 2, "window": 2, "hours": 2, "gauge": 7, "latest": 7, "sla": 1, "backlog": 1, "by": ["by/now"]}
    seen = wait_until(lambda: (v := values(d)) and {**v, "oldest": None} == expected and v, what="both, in each tile")
    assert seen["oldest"] <= now_iso()
    d.verify()


def test_rows_from_the_future_come_when_it_is_time_and_outlive_a_crash(deploy, table):
    d = deploy(table, tiles=TILES).start()
    due = time.time() + IN_S
    last = table.insert(rows(now_iso(IN_S), "soon"))
    wait_until(lambda: d.stats()["checkpoint_position"] == last and d.stats()["future_rows_waiting"] == 2)
    d["ingestor"].kill()
    d.start("ingestor")
    assert d.stats()["future_rows_waiting"] == 2, "they were in the checkpoint"
    assert values(d) == NOTHING
    d.verify()
    wait_until(lambda: d.tile("ever")["data"]["value"] == 2)
    assert time.time() >= due - 0.01
    wait_until(lambda: {**values(d), "oldest": None} == {"ever": 2, "window": 2, "hours": 2, "gauge": 7, "latest": 7, "sla": 1,
                                                         "backlog": 1, "oldest": None, "by": ["by/soon"]}, what="all of them, in each tile")
    assert d.stats()["future_rows_waiting"] == 0
    assert d.stats()["future_rows_dropped"] == 0
    d.verify()
