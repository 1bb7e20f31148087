# SPDX-License-Identifier: Apache-2.0
"""Redis as tilewire check sees it, and entries that are too long."""
import json

import pytest

import test_check_connect
from redis_streams import Stream, throw_away_server
from test_clock import TOO_MANY, assert_all_counted, behind
from test_redis import all_events, await_value, unusable, value
from tilewire import now_iso, wait_until

COUNT = [{"key": "orders", "type": "count", "match": {"event_type": "order.created"}}]


@pytest.fixture
def server():
    with throw_away_server() as made:
        yield made


@pytest.fixture
def entries(server):
    made = Stream(server)
    yield made
    made.close()


def order(**more):
    return json.dumps({"timestamp": now_iso(), "event_type": "order.created", "target_id": "o1", **more})


def test_what_check_finds_in_redis(deploy, server, entries):
    d = deploy(entries, tiles=COUNT)
    _, texts = test_check_connect.connect(d)
    test_check_connect.has(texts, "warning", "source", f'there is no stream "{entries.name}" in database 0')
    entries.send(order(region="eu"))
    _, texts = test_check_connect.connect(d)
    test_check_connect.has(texts, "ok", "source", "Redis ", "answers (master)")
    test_check_connect.has(texts, "ok", "source", "has 1 entry")
    test_check_connect.has(texts, "ok", "source", f"entry {entries.ids()[0]} is the newest, of type order.created; it has event_type, target_id")
    entries.send("no JSON")
    status, texts = test_check_connect.connect(d)
    assert status == 1
    test_check_connect.has(texts, "error", "source", f"entry {entries.ids()[1]} ")
    entries.redis.set("text", "x")
    d.config["source"]["uri"] = f"redis://{server.address}/text"
    d.write()
    test_check_connect.has(test_check_connect.connect(d)[1], "error", "source", "holds something else than a stream")
    d.config["source"]["uri"] = "redis://127.0.0.1:1/orders"
    d.write()
    test_check_connect.has(test_check_connect.connect(d)[1], "error", "source", "127.0.0.1:1", "refused")


@pytest.mark.memory  # with a sanitizer it takes minutes to receive them
@pytest.mark.parametrize("saved", [True, False])
def test_an_entry_that_is_too_long_stands_in_no_way(deploy, entries, saved):
    """Between others, when it is read for the first time, for the journal, for the event log, and for a tile that is added."""
    d = deploy(entries, tiles=COUNT, config={"ingestor": {"checkpoint_interval": "300ms" if saved else "1h"}}).start()
    for size in (0, 70 << 20, 0, 70 << 20, 70 << 20, 0):
        entries.send("x" * size if size else order())
    await_value(d, 3)
    wait_until(lambda: unusable(d) == 3)
    if saved:
        wait_until(lambda: d.stats()["checkpoint_position"] == 3, what="what was folded to be saved")
    stream = d.stream("/api/events/stream")
    d["ingestor"].kill()
    d.config["tiles"].append({"key": "all", "type": "count"})
    d.write()
    d.start("ingestor")
    entries.send(order())
    await_value(d, 4)
    wait_until(lambda: value(d, "all") == 4, what="the new tile")
    assert len(all_events(d)) == 4 and not any(e["event"] == "reset" for e in stream.events)


def test_entries_that_seem_to_be_of_the_future_because_our_clock_is_behind(deploy, folder, entries):
    """They are too many to wait, and counted in the end; what was counted before stays, though its entries were trimmed.
    The libraries of the other buses wait by the clock that is moved here, and so could not go on."""
    d, clock = behind(deploy, folder, entries)
    entries.redis.xtrim(entries.name, minid=entries.ids()[500], approximate=False)
    clock.set(0)
    assert_all_counted(d, 500 + TOO_MANY)
    entries.send(order())
    assert_all_counted(d, 501 + TOO_MANY)
