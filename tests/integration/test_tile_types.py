# SPDX-License-Identifier: Apache-2.0
"""Tiles of each type with random rows, of which some are late, through a crash: `verify` computes them by code of its own."""
import copy
import random

import pytest

from tilewire import RandomEvents, wait_until

# What is not among the tiles that every test has, or not in each form.
CONDITIONS = [
    {"payload.amount": {"gt": 12.5, "lte": 100}}, {"payload.amount": {"between": [12.5, 100]}}, {"payload.amount": {"in": [100, 200]}},
    {"payload.region": {"not": ["eu", "us/*"]}}, {"payload.region": {"gte": "eu", "lt": "x"}}, {"payload.labels": {"exists": True}},
    {"payload.labels": {"absent": True}, "actor_id": {"absent": False}}, {"actor_id": {"not": "ada"}}, {"target_id": {"gt": "o1"}},
    {"payload.due_at": {"lt": "2126-01-01"}}, {"payload.due_at": {"gt": "2126-01-01T00:00:00Z"}}, {"event_type": {"not": "order.*"}},
    {"any": [{"event_type": "order.*", "payload.amount": {"gte": 100}}, {"event_type": "ticket.opened", "actor_id": "ken"}]},
    {"all": [{"any": [{"actor_id": "ada"}, {"payload.team": {"in": ["a", "b"]}}]}, {"event_type": {"not": "work_item_done"}}]},
]
TILES = {
    "conditions": [{"key": f"t{n}", "type": "count", "match": match} for n, match in enumerate(CONDITIONS)],
    "ratio": [
        {"key": f"of{n}.{name}", "type": "ratio", "match": {"event_type": "ticket.resolved"}, "of": {"event_type": of}, **span}
        for n, of in enumerate(["*", "ticket.*", "ticket.opened", "none"])
        for name, span in (("ever", {}), ("week", {"window": "this_week"}), ("seconds", {"window": "3s"}))
    ] + [{"key": "big", "type": "ratio", "match": {"payload.amount": {"gte": 50}}, "of": {"event_type": "order.*"}, "group_by": "payload.region"}],
    "percentile": [
        {"key": f"amount.{name}", "type": "percentile", "match": {"event_type": "order.*"}, "value": "payload.amount", "unit": "EUR", **span}
        for name, span in (("ever", {}), ("week", {"window": "this_week"}), ("seconds", {"window": "3s"}))
    ] + [{"key": f"{p}.{step}", "type": "trend", "metric": "cpu.load", "aggregate": p, "step": step, "length": 4}
         for p in ("p50", "p90", "p95", "p99") for step in ("2s", "1d")]
    + [{"key": "load", "type": "percentile", "metric": "cpu.load", "group_by": "payload.labels.host", "window": "10s", "warn": "p99 > 90"}],
    "duration": [
        {"key": f"d{n}.{name}", "type": "duration", "opens": {"event_type": opens}, "closes": {"event_type": closes}, "item": "target_id", **span}
        for n, (opens, closes) in enumerate([("ticket.opened", "ticket.resolved"), ("work_item_created", "work_item_*"),
                                             ("work_item_claimed", "work_item_done")])
        for name, span in (("week", {"window": "this_week"}), ("seconds", {"window": "3s"}))
    ] + [{"key": "team", "type": "duration", "opens": {"event_type": "*created"}, "closes": {"event_type": "*claimed"}, "item": "target_id",
          "group_by": "payload.team", "window": "1h"}],
    "presence": [
        {"key": f"p{n}.{name}", "type": "presence", "match": {"event_type": what}, "item": "target_id", **spans}
        for n, what in enumerate(["work_item_*", "order.created"])
        for name, spans in (("quick", {"late": "300ms", "missing": "900ms", "forget": "3s"}), ("steady", {"late": "500ms", "steady": "4s"}),
                            ("slow", {"late": "1h", "missing": "2h", "forget": "3h"}))
    ] + [{"key": "hosts", "type": "presence", "match": {"event_type": "metrics.updated"}, "item": "payload.labels.host", "late": "100ms", "missing": "200ms",
          "steady": "400ms"},
         {"key": "team", "type": "presence", "item": "actor_id", "late": "200ms", "steady": "1s", "group_by": "payload.team"}],
    "distinct": [
        {"key": f"{name}.{span}", "type": "distinct", "match": {"event_type": what}, "item": item, **spans}
        for name, what, item in (("items", "work_item_*", "target_id"), ("amounts", "order.*", "payload.amount"), ("all", "*", "actor_id"),
                                 ("types", "*", "event_type"))
        for span, spans in (("ever", {}), ("seconds", {"window": "3s"}), ("day", {"window": "today"}))
    ] + [{"key": "team", "type": "distinct", "item": "actor_id", "group_by": "payload.team", "window": "10s", "warn": "> 2"}],
    "top": [
        {"key": f"{name}.{aggregate}.{span}", "type": "top", "match": {"event_type": what}, "item": item, "rows": rows, "aggregate": aggregate,
         **value, **spans}
        for name, what, item, rows in (("items", "order.*", "target_id", 3), ("regions", "order.*", "payload.region", 10), ("types", "*", "event_type", 2))
        for aggregate, value in (("count", {}), ("sum", {"value": "payload.amount"}))
        for span, spans in (("ever", {}), ("seconds", {"window": "3s"}), ("day", {"window": "today"}))
    ] + [{"key": "team", "type": "top", "item": "actor_id", "rows": 2, "group_by": "payload.team", "window": "10s", "warn": "> 5", "critical": "other > 9"}],
    "rate": [
        {"key": f"{name}.{seconds}s", "type": "rate", "per": per, "window": f"{seconds}s", **copy.deepcopy(what)}
        for name, per, what in (("orders", "minute", {"match": {"event_type": "order.*"}}), ("all", "hour", {}),
                                ("amounts", "second", {"value": "payload.amount"}),
                                ("people", "minute", {"match": {"event_type": "order.*"}, "value": "payload.amount", "item": "actor_id"}),
                                ("cpu", "second", {"metric": "cpu.load", "item": "payload.labels.host"}),
                                ("db", "hour", {"metric": "cpu.load", "labels": {"host": "db-1"}}))
        for seconds in (2, 40, 86400)
    ] + [{"key": "team", "type": "rate", "window": "10s", "group_by": "payload.team", "warn": "> 0.5"}],
    "heatmap": [
        {"key": f"{aggregate}.{name}", "type": "heatmap", "match": {"event_type": "order.*"}, "aggregate": aggregate, **value, **span}
        for aggregate, value in (("count", {}), *((one, {"value": "payload.amount"}) for one in ("sum", "avg", "min", "max")))
        for name, span in (("ever", {}), ("week", {"window": "7d"}), ("year", {"window": "371d"}))
    ] + [{"key": "load", "type": "heatmap", "metric": "cpu.load", "aggregate": "max", "group_by": "payload.labels.host", "window": "28d", "warn": "> 50"}],
    "number": [
        {"key": f"{aggregate}.{name}", "type": "number", "match": {"event_type": "order.*"}, "aggregate": aggregate, "value": "payload.amount", **span}
        for aggregate in ("sum", "avg", "min", "max", "last")
        for name, span in (("ever", {}), ("week", {"window": "this_week"}), ("seconds", {"window": "3s"}))
    ] + [{"key": "load", "type": "number", "metric": "cpu.load", "aggregate": "avg", "group_by": "payload.labels.host", "window": "10s"}],
}


@pytest.mark.parametrize("name", TILES)
@pytest.mark.parametrize("kind", ["sqlite_table", "postgres_table"])
def test_a_type_shows_what_the_rows_say(deploy, request, name, kind):
    table = request.getfixturevalue(kind)
    d = deploy(table, tiles=TILES[name]).start()
    rows = RandomEvents(16)
    table.insert([rows.next() for _ in range(300)])
    d.verify()
    last = table.insert([rows.next() for _ in range(300)])
    wait_until(lambda: d.stats()["position"] == last)
    d["ingestor"].kill()
    table.insert([rows.next() for _ in range(50)])
    d.start("ingestor")
    d.verify()
    before = d.stats()["position"]
    last = table.insert([rows.next() for _ in range(50)])
    assert last != before
    d.verify()


@pytest.mark.parametrize("kind", ["sqlite_table", "postgres_table"])
def test_more_different_values_than_are_counted_exactly(deploy, request, kind):
    table = request.getfixturevalue(kind)
    d = deploy(table, tiles=[{"key": name, "type": "distinct", "item": "target_id", **span}
                             for name, span in (("ever", {}), ("hour", {"window": "1h"}), ("week", {"window": "this_week"}))]).start()
    rows = RandomEvents(17)
    for first, count in ((0, 1000), (900, 1500), (2000, 6000)):
        table.insert([(stamp, event, actor, f"t{n}", text, payload)
                      for n, (stamp, event, actor, _, text, payload) in ((n, rows.next()) for n in range(first, first + count))])
        d.verify()
        assert d.tile("ever")["data"]["estimate"] == (first > 0)
    d["ingestor"].kill()
    table.insert([rows.next() for _ in range(50)])
    d.start("ingestor")
    d.verify()
    assert abs(d.tile("ever")["data"]["value"] / 8000 - 1) < 0.05


@pytest.mark.parametrize("kind", ["sqlite_table", "postgres_table"])
def test_more_groups_than_are_counted_exactly(deploy, request, kind):
    """Few large ones among thousands of small ones, through a crash; then all of it once more, in a tile that is built from the table."""
    table = request.getfixturevalue(kind)
    tops = [{"key": f"{name}.{aggregate}", "type": "top", "item": "target_id", "aggregate": aggregate, "rows": 7, **more, **span}
            for name, span in (("ever", {}), ("seconds", {"window": "10s"}), ("week", {"window": "this_week"}))
            for aggregate, more in (("count", {}), ("sum", {"value": "payload.amount"}))]
    d = deploy(table, tiles=tops).start()
    rows = RandomEvents(18)
    chance = random.Random(18)

    def some(count, groups):
        table.insert([(stamp, event, actor, f"t{int(groups * chance.random() ** 4)}", text, payload)
                      for stamp, event, actor, _, text, payload in (rows.next() for _ in range(count))])

    some(1000, 300)
    d.verify()
    assert not d.tile("ever.count")["data"]["approximate"]
    some(6000, 20000)
    d.verify()
    data = d.tile("ever.count")["data"]
    assert data["approximate"] and 0 < data["error"] <= 7000 / 1024
    d["ingestor"].kill()
    some(2000, 20000)
    d.start("ingestor")
    d.verify()
    data = d.tile("week.sum")["data"]
    assert len(data["top"]) == 7 and max(data["top"].values()) == data["largest"]
