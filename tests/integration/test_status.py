# SPDX-License-Identifier: Apache-2.0
"""Tiles with conditions say whether they are in trouble, from the ingestor to the client; verify checks it."""
import json

from tilewire import now_iso, wait_until

NEVER = "1h"
TILES = [
    {"key": "failed", "type": "count", "match": {"event_type": "request.failed"}, "critical": "> 2",
     "refresh": {"min_interval": "1h"}, "ttl": "4h"},
    {"key": "silent", "type": "count", "match": {"event_type": "beat"}, "critical": "nothing for 10s", "clear_after": "0"},
    {"key": "queue", "type": "gauge", "metric": "depth", "group_by": "payload.labels.host", "warn": "> 10", "critical": "> 20", "for": NEVER},
    {"key": "sla", "type": "sla_risk", "opens": {"event_type": "ticket.opened"}, "closes": {"event_type": "ticket.closed"}, "item": "target_id",
     "within": "2s", "at_risk": "1s", "warn": "at_risk", "critical": "breached", "clear_after": "0"},
    {"key": "backlog", "type": "backlog", "item": "target_id",
     "states": {"ticket.opened": "open", "ticket.blocked": "blocked", "ticket.closed": None},
     "warn": "> 0", "critical": "blocked", "clear_after": "0"},
    {"key": "rate", "type": "trend", "step": "1s", "length": 5, "warn": "> 1", "clear_after": NEVER},
    {"key": "plain", "type": "count"},
]


def row(event_type, target=None, payload=None):
    return (now_iso(), event_type, None, target, None, json.dumps(payload) if payload is not None else None)


def depth(host, value):
    return row("metrics.updated", payload={"metric": "depth", "value": value, "labels": {"host": host}})


def status(d, key):
    return d.tile(key).get("status")


def until(d, key, wanted):
    return wait_until(lambda: (tile := d.tile(key))["status"] == wanted and tile, what=f"{key} becomes {wanted}")


def test_each_type_says_whether_it_is_in_trouble(deploy, table):
    d = deploy(table, tiles=TILES).start()
    assert status(d, "plain") is None
    for key in ("failed", "sla", "backlog"):
        assert status(d, key) == "ok"
    until(d, "silent", "critical")
    table.insert([row("beat"), row("ticket.opened", "t1"), row("ticket.blocked", "t2")] + 3 * [row("request.failed")])
    until(d, "silent", "ok")
    until(d, "failed", "critical")  # at once, though the tile is published once an hour
    until(d, "backlog", "critical")
    until(d, "rate", "warn")  # no row comes: a bucket is over,
    until(d, "sla", "critical")  # a deadline passes,
    until(d, "silent", "critical")  # and it has been quiet for long enough
    table.insert([row("ticket.closed", "t1"), row("ticket.closed", "t2")])
    until(d, "sla", "ok")
    until(d, "backlog", "ok")
    assert status(d, "failed") == "critical"
    assert d.tile("failed")["status_since"] <= now_iso()
    d.verify()


def test_a_status_and_what_waits_outlive_crashes(deploy, table):
    d = deploy(table, tiles=TILES).start()
    last = table.insert([depth("a", 5), depth("b", 15), depth("c", 25)] + 3 * [row("request.failed")])
    until(d, "failed", "critical")
    wait_until(lambda: "status_pending" in d.tile("queue/c"))
    before = {key: d.tile(key) for key in ("failed", "queue/a", "queue/b", "queue/c")}
    assert [before[key]["status"] for key in before] == ["critical", "ok", "ok", "ok"], "it waits for an hour"
    assert "status_pending" not in before["queue/a"]
    assert list(before["queue/b"]["status_pending"]) == ["warn"]
    assert sorted(before["queue/c"]["status_pending"]) == ["critical", "warn"]
    wait_until(lambda: d.stats()["checkpoint_position"] == last)
    d["ingestor"].kill()
    d.start("ingestor")
    for key, tile in before.items():
        now = wait_until(lambda key=key, tile=tile: (t := d.tile(key))["version"] != tile["version"] and t, what=f"{key} is published again")
        assert {name: now.get(name) for name in ("status", "status_since", "status_pending")} == {
            name: tile.get(name) for name in ("status", "status_since", "status_pending")}
    d.verify()


def test_conditions_change_without_a_tile_being_built(deploy, table):
    tile = {"key": "n", "type": "count", "critical": "> 2"}
    d = deploy(table, tiles=[tile]).start()
    table.insert(2 * [row("request.failed")])
    wait_until(lambda: d.tile("n")["data"]["value"] == 2)
    assert status(d, "n") == "ok"
    d.verify()
    d.config["tiles"] = [{**tile, "critical": "> 1"}]
    d.write()
    wrong = d.run("verify", "--timeout", "2s")
    assert wrong.returncode == 1
    assert "its status is below critical, but a condition for that holds" in wrong.stdout
    d["ingestor"].kill()
    d.start("ingestor")
    tile = until(d, "n", "critical")
    assert tile["data"]["value"] == 2 and "building" not in tile
    d.verify()


def test_a_tile_says_how_it_is_seen(deploy, sqlite_table):
    tiles = [{"key": "b", "type": "count", "group": "Support", "unit": "EUR", "format": "currency", "decimals": 2, "link": "https://x.example/"},
             {"key": "a", "type": "count", "group_by": "target_id", "item_link": "https://x.example/{id}"},
             {"key": "c", "type": "trend", "step": "10s", "annotations": "deploy.*"}]
    d = deploy(sqlite_table, tiles=tiles).start()
    sqlite_table.insert([row("x", "y")])
    assert d.tile("b")["display"] == {"order": 0, "group": "Support", "unit": "EUR", "format": "currency", "decimals": 2, "link": "https://x.example/"}
    wait_until(lambda: [t["key"] for t in d.get_json("/api/tiles")["tiles"]] == ["a/y", "b", "c"])
    assert d.tile("c")["display"] == {"order": 2, "annotations": "deploy.*"}
    assert d.tile("a/y")["display"] == {"order": 1, "item_link": "https://x.example/{id}"}
    d.verify()
