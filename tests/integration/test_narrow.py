# SPDX-License-Identifier: Apache-2.0
"""Programs whose upstreams are behind a narrow way: they come in sync, and stay so."""
import random
import re
import threading
import time

import pytest

from narrow import NarrowWay
from tilewire import now_iso, wait_until

KBIT = 1000 / 8  # bytes
FAMILY = [{"key": "orders.ever", "type": "count", "match": {"event_type": "order.*"}},
          {"key": "orders.by_item", "type": "count", "match": {"event_type": "order.created"}, "group_by": "target_id", "idle": "1d",
           "max_groups": 20000, "ttl": "30m"}]


def row(item):
    return (now_iso(), "order.created", None, f"item-{item}", None, None)


def tile(d, name, item):
    reply = d.query({"op": "get", "key": f"orders.by_item/item-{item}"}, name)
    return reply["tiles"][0]["value"]["value"] if reply.get("tiles") else None


class Few:
    """Inserts a few rows a second."""

    def __init__(self, table, items):
        self.table, self.items, self.count, self.over = table, items, 0, threading.Event()
        self.thread = threading.Thread(target=self.write)
        self.thread.start()

    def write(self):
        while not self.over.wait(0.4):
            self.table.insert([row(random.randrange(self.items))])
            self.count += 1

    def end(self):
        self.over.set()
        self.thread.join()


@pytest.fixture
def narrow():
    made = []

    def make(addresses, bytes_per_second):
        made.append(NarrowWay(addresses, bytes_per_second))
        return made[-1]

    yield make
    for way in made:
        way.close()


@pytest.fixture
def few():
    made = []
    yield lambda *args: made.append(Few(*args)) or made[-1]
    for writer in made:
        writer.end()


def filled(deploy, table, items, **options):
    """With so many tiles, all of them in the ingestor."""
    d = deploy(table, tiles=FAMILY, gateways=1, **options)
    for first in range(0, items, 500):
        table.insert([row(item) for item in range(first, min(first + 500, items))])
    d.start("ingestor")
    wait_until(lambda: d.query({"op": "ping"}, "ingestor")["tiles"] == items + 1, what="all tiles")
    return d


@pytest.mark.parametrize(("joins", "kbit", "items"), [
    pytest.param("gateway0", 64, 500, marks=pytest.mark.thorough), ("gateway0", 1000, 4000), ("cache", 64, 150)])
def test_it_joins_over_a_narrow_way_and_stays_in_sync(deploy, sqlite_table, narrow, few, joins, kbit, items):
    d = filled(deploy, sqlite_table, items)
    publish, query = (d.addresses[2], d.addresses[3]) if joins == "gateway0" else (d.addresses[0], d.addresses[1])
    way = narrow([publish, query], kbit * KBIT)
    section = "gateway" if joins == "gateway0" else "cache"
    d.config[section]["upstreams"] = [{"publish": way.through[publish], "query": way.through[query]}]
    d.write()
    writer = few(sqlite_table, items)
    if joins == "gateway0":
        d.start("cache")
    d[joins].start()
    began = time.monotonic()
    d[joins].await_log("in sync", timeout=150)
    took = time.monotonic() - began
    print(f"in sync after {took:.1f} s and {way.passed} bytes, {way.passed / took / kbit / KBIT:.0%} of the way")
    until = writer.count + 25
    wait_until(lambda: writer.count >= until, what="changes")
    writer.end()
    if joins == "cache":
        d["gateway0"].start()
    d["gateway0"].await_log("in sync")
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] == items + writer.count, what="the last change")
    log = d[joins].log_text()
    assert log.count("in sync") == 1 and "not answer any more" not in log and "connecting anew" not in log
    assert len(re.findall("answers", log)) == 1


def test_commands_over_a_narrow_way(deploy, sqlite_table, narrow):
    """An answer takes longer than the two seconds that a server has which says nothing."""
    d = filled(deploy, sqlite_table, 300).start("cache")
    way = narrow([d.addresses[3]], 64 * KBIT)
    for command in (["ls"], ["events", "--count", "300"], ["verify", "--timeout", "60s"]):
        began, before = time.monotonic(), way.passed
        result = d.run("--query", way.through[d.addresses[3]], *command)
        assert result.returncode == 0, result.stdout
        assert time.monotonic() - began > 2 and way.passed - before > 2 * 64 * KBIT


def test_one_large_tile_and_one_large_event_go_over_a_narrow_way(deploy, sqlite_table, narrow):
    """It takes longer than a silent upstream is given, in a snapshot and as a message."""
    names = [f"{i}".ljust(200, "x") for i in range(250)]
    tiles = [{"key": "work", "type": "backlog", "item": "target_id", "breakdown": "actor_id", "states": {"opened": "open"}, "ttl": "30m"}]
    d = deploy(sqlite_table, tiles=tiles, gateways=1)
    sqlite_table.insert([(now_iso(), "opened", name, f"i{i}", None, None) for i, name in enumerate(names)])
    d.start("ingestor", "cache")
    way = narrow(d.addresses[2:4], 64 * KBIT)
    d.config["gateway"]["upstreams"] = [{"publish": way.through[d.addresses[2]], "query": way.through[d.addresses[3]]}]
    d.write()
    d["gateway0"].start().await_log("in sync")
    assert way.passed > 4 * 64 * KBIT and len(d.tile("work")["data"]["breakdown"]) == len(names)
    last = sqlite_table.insert([(now_iso(), "other", *(c * 16000 for c in "abc"), None)])
    wait_until(lambda: d.get_json("/api/events?limit=1")["events"][0]["id"] == last, what="the event")
    wait_until(lambda: d.request("/readyz")[0] == 200)
    log = d["gateway0"].log_text()
    assert "connecting anew" not in log and "not answer any more" not in log, log
