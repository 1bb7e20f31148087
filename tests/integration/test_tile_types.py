# SPDX-License-Identifier: Apache-2.0
"""Tiles of each type with random rows, of which some are late, through a crash: `verify` computes them by code of its own."""
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
