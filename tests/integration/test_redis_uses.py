# SPDX-License-Identifier: Apache-2.0
"""Redis as tilewire check sees it."""
import json

import pytest

import test_check_connect
from redis_streams import Stream, throw_away_server
from tilewire import now_iso

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
    test_check_connect.has(test_check_connect.connect(d)[1], "error", "source", "is a string, and no stream")
    d.config["source"]["uri"] = "redis://127.0.0.1:1/orders"
    d.write()
    test_check_connect.has(test_check_connect.connect(d)[1], "error", "source", "127.0.0.1:1", "refused")
