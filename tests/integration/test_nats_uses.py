# SPDX-License-Identifier: Apache-2.0
"""JetStream as the source, as source.dedupe and tilewire check see it."""
import json

import pytest

import test_check_connect
import test_dedupe
from nats import Stream, throw_away_server
from tilewire import now_iso

COUNT = [{"key": "orders", "type": "count", "match": {"event_type": "order.created"}}]


@pytest.fixture(scope="module")
def server():
    with throw_away_server() as made:
        yield made


@pytest.fixture
def stream(server):
    made = Stream(server)
    made.create()
    yield made
    made.drop()
    made.close()


def test_one_id_counts_once(deploy, stream):
    test_dedupe.survive(deploy(stream, tiles=test_dedupe.TILES, config=test_dedupe.DEDUPE), stream)


def test_what_check_finds_in_nats(deploy, server, stream):
    d = deploy(stream, tiles=COUNT)
    stream.send(json.dumps({"timestamp": now_iso(), "event_type": "order.created", "target_id": "o1", "region": "eu"}))
    status, texts = test_check_connect.connect(d)
    assert status == 0, texts
    test_check_connect.has(texts, "ok", "source", "NATS answers at", server.address)
    test_check_connect.has(texts, "ok", "source", f'stream "{stream.name}" has the sequences 1 to 1')
    test_check_connect.has(texts, "ok", "source", "message 1 is the newest, of type order.created; it has event_type, target_id")
    stream.send("no JSON")
    status, texts = test_check_connect.connect(d)
    assert status == 1
    test_check_connect.has(texts, "error", "source", "message 2 is none of the form that source.format names")
    assert stream.info()["consumer_count"] == 0, "no consumer was made"
    d.config["source"]["uri"] = f"nats://{server.address}/NOT_THERE"
    d.write()
    test_check_connect.has(test_check_connect.connect(d)[1], "warning", "source", 'there is no stream "NOT_THERE"')
    d.config["source"]["uri"] = "nats://127.0.0.1:1/ORDERS"
    d.write()
    test_check_connect.has(test_check_connect.connect(d)[1], "error", "source", "NATS at nats://127.0.0.1:1")
