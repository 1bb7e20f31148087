# SPDX-License-Identifier: Apache-2.0
"""Kafka: topics that come back with other partitions, and what Debezium says of no single row."""
import json

import pytest

from kafka import Topics
from saved import kill_saved_ingestor
from test_kafka import COUNT, all_events, await_value, change, order, unusable, value
from tilewire import PATIENCE, wait_until


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("before,after", [(3, 1), (1, 3)])
def test_a_topic_that_is_made_anew_with_other_partitions(deploy, broker, before, after, running):
    topics = Topics(broker, partitions=before)
    topics.create()
    d = deploy(topics, tiles=COUNT, gateways=1).start()
    for i in range(6):
        topics.send(order(), partition=i % before)
    await_value(d, 6)
    if not running:
        kill_saved_ingestor(d)
    topics.drop(topics.names[0])
    topics.partitions = after
    topics.create()
    for i in range(3):
        topics.send(order(), partition=i % after)
    if not running:
        d.start("ingestor")
    await_value(d, 9)
    d["ingestor"].await_log("was made anew")
    wait_until(lambda: d.request("/readyz")[0] == 200, what="/readyz to be well")
    topics.send(order(), partition=after - 1)
    await_value(d, 10)
    kill_saved_ingestor(d)
    d.start("ingestor")
    topics.send(order(), partition=0)
    await_value(d, 11)
    assert d.run("verify").returncode in (0, 3)  # what was in the topic before is gone: unprovable, and not wrong


def test_a_topic_that_is_made_anew_with_more_than_was_read(deploy, broker):
    """Its offsets say nothing: where reading goes on there is a message. All this is over before anybody looks at topics again."""
    topics = Topics(broker, partitions=2)
    topics.create()
    d = deploy(topics, tiles=COUNT, gateways=1).start()
    for i in range(4):
        topics.send(order(), partition=i % 2)
    await_value(d, 4)
    topics.drop(topics.names[0])
    topics.create()
    for i in range(10):
        topics.producer.produce(topics.names[0], order(), partition=i % 2)
    assert topics.producer.flush(PATIENCE) == 0
    await_value(d, 14)
    d["ingestor"].await_log("was made anew: it is read from its start")
    topics.send(order(), partition=0)
    await_value(d, 15)


def test_what_debezium_says_of_rows_that_were_there_and_of_all_of_them(deploy, broker):
    topics = Topics(broker)
    topics.create()
    topics.source = {"format": "debezium"}
    tiles = [{"key": op, "type": "count", "match": {"event_type": f"orders.{op}"}} for op in ("read", "truncated", "updated")]
    d = deploy(topics, tiles=tiles, gateways=1).start()
    topics.send(change("r", None, {"id": 7, "state": "new"}), key='{"id": 7}')
    topics.send(change("u", None, {"id": 7, "state": "done"}), key='{"id": 7}')  # a table without REPLICA IDENTITY FULL
    topics.send(json.dumps({"op": "t", "source": {"table": "orders", "ts_ms": 1_700_000_000_000}, "ts_ms": 1_700_000_000_001}))
    topics.send(json.dumps({"ts_ms": 1_700_000_000_001}))  # a heartbeat
    wait_until(lambda: [value(d, tile["key"]) for tile in tiles] == [1, 1, 1], what="each once")
    assert {(e["event_type"], e["target_id"]) for e in all_events(d)} == {("orders.read", "7"), ("orders.updated", "7"), ("orders.truncated", None)}
    assert unusable(d) == 0
    d.verify()
