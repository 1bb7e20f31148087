# SPDX-License-Identifier: Apache-2.0
"""/metrics/tiles: the values of tiles, as Prometheus reads them."""
import json

from test_monitoring import families, promtool, series
from tilewire import PATIENCE, RandomEvents, now_iso, wait_until

REGION = 'EU "west"\\\n'
TILES = [
    {"key": "orders.ever", "type": "count", "match": {"event_type": "order.*"}},
    {"key": "orders.rate", "type": "trend", "match": {"event_type": "order.*"}, "step": "1h", "length": 4, "aggregate": "count"},
    {"key": "orders.days", "type": "trend", "match": {"event_type": "order.*"}, "step": "1d", "length": 4, "aggregate": "max", "value": "payload.amount"},
    {"key": "orders.by_region", "type": "count", "match": {"event_type": "order.*"}, "group_by": "payload.region", "warn": "> 0"},
    {"key": "queue", "type": "gauge", "metric": "queue"},
    {"key": "sla", "type": "sla_risk", "opens": {"event_type": "opened"}, "closes": {"event_type": "closed"}, "item": "target_id",
     "due": "payload.due", "at_risk": "1h"},
    {"key": "work", "type": "backlog", "item": "target_id", "states": {"todo": "open", "doing": "in_progress", "done": None}},
]


def exposition(d, query=""):
    status, fields, body = d.request(f"/metrics/tiles{query}")
    assert status == 200 and fields["content-type"].startswith("text/plain; version=0.0.4")
    return body.decode()


def test_each_type_has_its_figures(deploy, sqlite_table):
    d = deploy(sqlite_table, tiles=TILES, gateways=1).start()
    order = json.dumps({"region": REGION, "amount": 2.5})
    sqlite_table.insert([(now_iso(-3600), "order.a", None, None, None, order), (now_iso(), "order.b", None, None, None, order),
                         (now_iso(), "metrics.updated", None, None, None, json.dumps({"metric": "queue", "value": 7})),
                         (now_iso(), "opened", None, "t1", None, json.dumps({"due": now_iso(600)})),
                         (now_iso(), "opened", None, "t2", None, json.dumps({"due": now_iso(-600)})),
                         *((now_iso(), event, None, f"w{i}", None, None) for i, event in enumerate(["todo", "doing", "todo"]))])
    d.verify()
    member = 'key="orders.by_region/EU%20%22west%22%5C%0A",type="count",family="orders.by_region",group="EU \\"west\\"\\\\\\n"'
    wait_until(lambda: f"tilewire_tile_value{{{member}}} 2\n" in exposition(d), what="the value of the member")
    wait_until(lambda: d.tile("work")["data"]["total"] == 3)
    text = exposition(d)
    assert promtool("check", "metrics", text=text) == ""
    figures = series(text)
    assert figures['tilewire_tile_value{key="orders.ever",type="count"}'] == 2
    assert figures['tilewire_tile_value{key="queue",type="gauge"}'] == 7 == figures['tilewire_tile_max{key="queue",type="gauge"}']
    assert [figures[f'tilewire_tile_{name}{{key="sla",type="sla_risk"}}'] for name in ("ok", "at_risk", "breached")] == [0, 1, 1]
    assert figures['tilewire_tile_buckets{key="work",type="backlog",name="open"}'] == 2
    assert figures['tilewire_tile_items{key="work",type="backlog"}'] == 3
    assert figures['tilewire_tile_value{key="orders.rate",type="trend"}'] == 1  # in the hour that is over
    assert figures[f"tilewire_tile_status{{{member}}}"] == 1 and 'tilewire_tile_status{key="queue",type="gauge"}' not in figures
    assert figures['tilewire_tile_stale{key="queue",type="gauge"}'] == 0 == figures["tilewire_tiles_series_left_out"]
    assert not any("window" in name or "step" in name or "points" in name for name in families(text))


def test_a_selection_is_scraped(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    wait_until(lambda: "orders.ever" in exposition(d))
    names = set(series(exposition(d, "?keys=queue.*")))
    assert names and all('key="queue.' in name for name in names - {"tilewire_tiles_series_left_out"})


def test_what_is_beyond_the_limit_is_left_out_and_counted(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": {"series": 5, "work_per_second": "10s"}}}).start()
    rows = RandomEvents(8)
    sqlite_table.insert([rows.next() for _ in range(200)])
    d.verify(PATIENCE)
    text = exposition(d)
    assert promtool("check", "metrics", text=text) == ""
    figures = series(text)
    assert len(figures) == 6 and figures["tilewire_tiles_series_left_out"] > 20
    assert d.metric("series_left_out_total") == figures["tilewire_tiles_series_left_out"]
