# SPDX-License-Identifier: Apache-2.0
"""Values in payloads and columns: what is read of them, and how exactly. `tilewire verify` has to agree each time."""
import fractions
import json
import signal

import pytest

from tilewire import now_iso, wait_until

X = {"event_type": "x"}


@pytest.fixture
def text_table(table):
    """Payloads are text, so that anything can be in them."""
    if table.kind == "postgresql":
        table.execute("ALTER TABLE events ALTER COLUMN payload TYPE text")
    return table


def insert(table, payloads):
    table.insert([(now_iso(), "x", None, None, None, payload) for payload in payloads])


def members(deployment, family):
    tiles = deployment.get_json("/api/tiles")["tiles"]
    return {tile["group"]["value"]: tile["data"]["value"] for tile in tiles if tile["key"].startswith(family + "/")}


def only_point(deployment, key):
    return list(deployment.tile(key)["data"]["points"].values())


def test_what_cannot_be_read_costs_its_member_and_not_the_payload(deploy, text_table):
    tiles = [{"key": "all", "type": "count", "match": dict(X)},
             {"key": "eu", "type": "count", "match": {"event_type": "x", "payload.region": "eu"}},
             {"key": "largest", "type": "trend", "step": "24h", "match": dict(X), "aggregate": "max", "value": "payload.amount"},
             {"key": "by", "type": "count", "match": dict(X), "group_by": "payload.note"}]
    d = deploy(text_table, tiles=tiles, config={"source": {"payload_in_events": True}}).start()
    deep = "[" * 5000 + "]" * 5000
    insert(text_table, ['{"region":"eu","amount":1,"note":"\\ud83d"}', '{"region":"eu","amount":2,"note":"a\\u0000b"}',
                        '{"region":"eu","amount":1e999,"note":"good"}', '{"region":"eu","amount":3,"note":' + deep + "}",
                        '{"region":"eu","amount":4,"\\ude00":1,"note":"\\ud83d\\ude00"}',
                        '{"region":"eu\\ud83d","amount":0,"note":"good"}', '{"region":"eu","amount":99,"note":"\\ud83d"'])
    wait_until(lambda: d.tile("all")["data"]["value"] == 7)
    wait_until(lambda: d.tile("eu")["data"]["value"] == 5)
    wait_until(lambda: only_point(d, "largest") == [4])
    wait_until(lambda: members(d, "by") == {"good": 2, "\U0001f600": 1})
    assert d.stats()["payloads_unusable"] == 1 and d.stats()["fields_unusable"] == 4
    payloads = [event["payload"] for event in d.get_json("/api/events")["events"]]
    assert payloads[-1] == {"region": "eu", "amount": 1} and payloads[0].startswith('{"region"'), "the newest comes first"
    d.verify()


def test_json_in_a_string_and_items_of_lists_are_read(deploy, text_table):
    payload = {"items": [{"q": 5}, {"q": 7}], "pair": [["a", "b"]]}
    tiles = [{"key": "first", "type": "trend", "step": "24h", "match": dict(X), "aggregate": "sum", "value": "payload.items.0.q"},
             {"key": "second", "type": "count", "match": {"event_type": "x", "payload.items.1.q": 7}},
             {"key": "by", "type": "count", "match": dict(X), "group_by": "payload.pair.0.1"},
             {"key": "none", "type": "count", "match": {"event_type": "x", "payload.items.01.q": 7}}]
    d = deploy(text_table, tiles=tiles).start()
    insert(text_table, [json.dumps(payload), json.dumps(json.dumps(payload)), '"no JSON"', '"{no JSON"', "[1]", "5"])
    wait_until(lambda: d.stats()["payloads_unusable"] == 1)
    wait_until(lambda: d.tile("second")["data"]["value"] == 2)
    wait_until(lambda: only_point(d, "first") == [10])
    wait_until(lambda: members(d, "by") == {"b": 2})
    wait_until(lambda: d.tile("none")["data"]["value"] == 0)
    d.verify()


def test_integers_beyond_int64_are_items_and_groups_of_their_own(deploy, table):
    big = [2**63, 2**63 + 1, -2**63 - 1, 10**30, 2**53 + 1]
    tiles = [{"key": "items", "type": "backlog", "item": "payload.n", "states": {"x": "open"}},
             {"key": "by", "type": "count", "match": dict(X), "group_by": "payload.n"}]
    d = deploy(table, tiles=tiles).start()
    insert(table, [json.dumps({"n": n}) for n in big + big])
    wait_until(lambda: d.tile("items")["data"]["total"] == 5)
    wait_until(lambda: members(d, "by") == {str(n): 2 for n in big})
    d.verify()


def test_numbers_are_exact(deploy, table):
    exact = 2**53 + 1
    tiles = [{"key": name, "type": "trend", "step": "24h", "match": dict(X), "aggregate": name, "value": "payload.v"}
             for name in ("min", "max", "last", "sum")]
    tiles += [{"key": "gauge", "type": "gauge", "metric": "m"}, {"key": "now", "type": "count", "metric": "m"},
              {"key": "one", "type": "count", "match": {"event_type": "x", "payload.v": exact}},
              {"key": "third", "type": "trend", "step": "24h", "match": {"event_type": "y"}, "aggregate": "avg", "value": "payload.v"}]
    d = deploy(table, tiles=tiles).start()
    insert(table, [json.dumps({"v": v}) for v in (exact - 1, str(exact), exact)])
    table.insert([(now_iso(), "y", None, None, None, json.dumps({"v": v})) for v in (0.1, 0.2)])
    table.insert([(now_iso(), "metrics.updated", None, None, None, json.dumps({"metric": "m", "value": exact}))])
    wait_until(lambda: d.tile("now")["data"].get("value") == exact)
    wait_until(lambda: [only_point(d, key) for key in ("min", "max", "last", "sum")] == [[exact - 1], [exact], [exact], [3 * exact - 1]])
    wait_until(lambda: d.tile("gauge")["data"] == {"value": exact, "min": exact, "max": exact})
    wait_until(lambda: d.tile("one")["data"]["value"] == 1)
    wait_until(lambda: only_point(d, "third") == [0.30000000000000004 / 2])
    d.verify()
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    version = d.tile("max")["version"]
    d["ingestor"].start()
    wait_until(lambda: d.tile("max")["version"] != version)
    wait_until(lambda: only_point(d, "max") == [exact] and d.tile("gauge")["data"]["value"] == exact)
    d.verify()


def test_columns_of_doubles_keep_all_digits(deploy, table):
    real = "double precision" if table.kind == "postgresql" else "REAL"
    table.execute(f"ALTER TABLE events ADD COLUMN amount {real}")
    tiles = [{"key": "sum", "type": "trend", "step": "24h", "match": dict(X), "aggregate": "sum", "value": "amount"},
             {"key": "by", "type": "count", "match": dict(X), "group_by": "amount"}]
    d = deploy(table, tiles=tiles, config={"source": {"columns": {"amount": "amount"}}}).start()
    values = [0.1 + 0.2, 0.3, 1 / 3, 2.5, float(2**53), 1e300, -1e300, 7.0, -99.99, 0.0, 1e-4, 9e-5, 1e14, 1e15, 123456789.0125]
    for value in values:
        table.execute(f"INSERT INTO events (timestamp,event_type,amount) VALUES ('{now_iso()}','x',{value!r})")
    wait_until(lambda: len(members(d, "by")) == len(values))
    wait_until(lambda: only_point(d, "sum") == [float(sum(map(fractions.Fraction, values)))])
    assert {"0.30000000000000004", "0.3", "0.3333333333333333", "2.5"} < members(d, "by").keys()
    d.verify()


def test_a_sum_is_the_same_in_any_order(deploy, table):
    tiles = [{"key": name, "type": "trend", "step": "24h", "match": dict(X), "aggregate": name, "value": "payload.v"} for name in ("sum", "avg")]
    d = deploy(table, tiles=tiles).start()
    values = [1e16, 1, -1e16, 0.1, 0.2, -0.3, 1e300, 7, -1e300]
    for value in values:
        insert(table, [json.dumps({"v": value})])
    exact = float(sum(map(fractions.Fraction, values)))
    wait_until(lambda: only_point(d, "avg") == [exact / len(values)] and only_point(d, "sum") == [exact])
    d.verify()


def test_text_is_a_number_only_in_decimal(deploy, table):
    tiles = [{"key": "sum", "type": "trend", "step": "24h", "match": dict(X), "aggregate": "sum", "value": "payload.v"},
             {"key": "all", "type": "count", "match": dict(X)}]
    d = deploy(table, tiles=tiles).start()
    good = ["1", "+5", "-2", "007", "1.5", ".5", "5.", "1e2", "1E-2", "0" * 70]
    bad = ["0x10", "Infinity", "-inf", "NaN", "nan(1)", "1e5 ", " 5", "", "-", ".", "1e", "e5", "1_000", "1,5", "0b1", "1e999", "0x1p3", "١"]
    insert(table, [json.dumps({"v": v}) for v in good + bad])
    wait_until(lambda: d.tile("all")["data"]["value"] == len(good) + len(bad))
    wait_until(lambda: only_point(d, "sum") == [118.01])
    wait_until(lambda: d.stats()["fields_unusable"] == len(bad))
    d.verify()


def test_numbers_that_are_none_or_nothing(deploy, table):
    """NaN and the infinities of a column are no numbers, and neither is one too large; -0 is 0."""
    real = "double precision" if table.kind == "postgresql" else "REAL"
    table.execute(f"ALTER TABLE events ADD COLUMN amount {real}")
    tiles = [{"key": "sum", "type": "trend", "step": "24h", "match": dict(X), "aggregate": "sum", "value": "amount"},
             {"key": "least", "type": "trend", "step": "24h", "match": dict(X), "aggregate": "min", "value": "payload.v"},
             {"key": "zero", "type": "count", "match": {"event_type": "x", "payload.v": 0}},
             {"key": "by", "type": "count", "match": dict(X), "group_by": "payload.v"},
             {"key": "items", "type": "backlog", "item": "payload.v", "states": {"x": "open"}}]
    d = deploy(table, tiles=tiles, config={"source": {"columns": {"amount": "amount"}}}).start()
    none = ["'NaN'", "'Infinity'", "'-Infinity'"] if table.kind == "postgresql" else ["'NaN'", "9e999", "-9e999"]
    for amount, v in zip([*none, "-0.0", "1.5"], ["0", "-0", "-0.0", "0.0", "1e400"], strict=True):
        if v == "1e400" and table.kind == "postgresql":
            v = "1" + "0" * 400
        table.execute(f"INSERT INTO events (timestamp,event_type,amount,payload) VALUES ('{now_iso()}', 'x', {amount}, '{{\"v\": {v}}}')")
    wait_until(lambda: only_point(d, "sum") == [1.5])
    wait_until(lambda: only_point(d, "least") == [0])
    wait_until(lambda: d.tile("zero")["data"]["value"] == 4)
    d.verify()
