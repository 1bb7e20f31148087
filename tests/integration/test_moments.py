# SPDX-License-Identifier: Apache-2.0
"""Timestamps and deadlines in the forms that tables hold them in."""
import datetime
import json
import time

import pytest

from tilewire import wait_until

TILES = [
    {"key": "ever", "type": "count"},
    {"key": "hour", "type": "count", "window": "1h"},
    {"key": "sla", "type": "sla_risk", "opens": {"event_type": "x"}, "closes": {"event_type": "y"}, "item": "target_id", "due": "payload.due"},
    {"key": "backlog", "type": "backlog", "item": "target_id", "states": {"x": "open", "y": None}},
]
UNKNOWN = ["20261332", "20260230224100", "infinity", "Thu, 26 Nov 2026 22:41:00 GMT", "26.11.2026", "2026-11-26T25:00", "12026-01-01", ""]


def forms(t):
    """The moment t, a whole second, in the forms of text that are understood."""
    year, week, day = t.isocalendar()
    return [t.strftime(form) for form in ("%Y%m%d%H%M%S", "%Y%m%dT%H%M%SZ", "%Y%m%dt%H%M%Sz", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S,000",
                                          "%Y-%m-%d %H:%M:%S UTC", "%Y-%jT%H:%M:%S+00", "%Y%m%d%H%M%S.0+0000", "%Y%m%d%H%M%S000")] + [
        t.strftime(f"{year}-W{week:02}-{day}T%H:%M:%S+00:00"), (t + datetime.timedelta(hours=5.5)).strftime("%Y-%m-%dT%H:%M:%S+0530"),
        str(int(t.timestamp())), str(int(t.timestamp()) * 1000)]


def columns_of_text(table):
    table.execute("DROP TABLE events")
    table.execute("CREATE TABLE events (id bigint PRIMARY KEY, timestamp text, event_type text, target_id text, payload text)")


def insert(table, rows):
    for i, (stamp, target, payload) in enumerate(rows, 1):
        text = json.dumps(payload).replace("'", "''")
        table.execute(f"INSERT INTO events VALUES ({i}, '{stamp}', 'x', '{target}', '{text}')")
    return len(rows)


def test_text_is_read_as_the_moment_that_it_writes_and_unknown_text_is_counted(deploy, table):
    columns_of_text(table)
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(seconds=60)
    stamps = forms(now)
    due = forms(now + datetime.timedelta(hours=1))
    last = insert(table, [(stamp, f"i{k}", {"due": due[k]}) for k, stamp in enumerate(stamps)] + [(stamp, "never", {}) for stamp in UNKNOWN]
                  + [(stamps[0], f"n{k}", {"due": text}) for k, text in enumerate(UNKNOWN)])
    d = deploy(table, tiles=TILES).start()
    wait_until(lambda: d.stats()["position"] >= last)
    usable = len(stamps) + len(UNKNOWN)
    assert d.stats()["rows_unusable"] == len(UNKNOWN)
    assert d.stats()["fields_unusable"] == len(UNKNOWN)
    assert "timestamp" in d["ingestor"].log_text()
    assert d.tile("hour")["data"]["value"] == usable
    assert d.tile("ever")["data"]["value"] == usable
    assert d.tile("backlog")["data"]["oldest_at"] == now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    sla = d.tile("sla")["data"]
    assert {item["due_at"] for item in sla["worst"]} == {(now + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")}
    assert (sla["ok"], sla["at_risk"], sla["breached"]) == (usable, 0, 0)
    d.verify()


@pytest.mark.parametrize("declared", ["DATETIME", "TIMESTAMP", "NUMERIC", "INTEGER", "TEXT", "BLOB", ""])
def test_sqlite_makes_a_number_of_such_text_where_a_column_is_declared_so(deploy, sqlite_table, declared):
    sqlite_table.execute("DROP TABLE events")
    sqlite_table.execute(f"CREATE TABLE events (id INTEGER PRIMARY KEY, timestamp {declared}, event_type TEXT, target_id TEXT, payload TEXT)")
    now = time.gmtime(time.time() - 60)
    last = insert(sqlite_table, [(time.strftime("%Y%m%d%H%M%S", now), "a", {}), (time.strftime("%Y%m%d%H%M", now), "b", {}),
                                 (time.strftime("%Y%m%d", now), "c", {}), ("20261332", "never", {})])
    d = deploy(sqlite_table, tiles=TILES).start()
    wait_until(lambda: d.stats()["position"] == last)
    wait_until(lambda: d.tile("ever")["data"]["value"] == 3)
    wait_until(lambda: d.tile("hour")["data"]["value"] >= 2)
    wait_until(lambda: d.tile("backlog")["data"]["oldest_at"] == time.strftime("%Y-%m-%dT00:00:00.000Z", now))
    assert d.stats()["rows_unusable"] == 1
    d.verify()


def test_postgres_moments_that_no_text_can_write_are_counted(deploy, postgres_table):
    for stamp in ("infinity", "-infinity", "294276-12-31", "12026-11-26", "0044-03-15 BC", "4713-01-01 BC"):
        postgres_table.execute(f"INSERT INTO events (timestamp, event_type) VALUES ('{stamp}', 'x')")
    postgres_table.execute("INSERT INTO events (timestamp, event_type) VALUES ('0001-01-01', 'x')")
    d = deploy(postgres_table, tiles=TILES).start()
    wait_until(lambda: d.stats()["position"] >= 1 and d.stats()["rows_unusable"] == 6)
    wait_until(lambda: d.tile("ever")["data"]["value"] == 1)
    d.verify()
