# SPDX-License-Identifier: Apache-2.0
"""Partitions of Kafka as people see them: their ids, and how far each is behind."""
import json
import math
import time

import pytest

from kafka import Topics, throw_away_broker
from test_cursor import text_ids
from test_kafka import COUNT, all_events, await_value, order, value
from saved import kill_saved_ingestor
from tilewire import RandomEvents, now_iso, wait_until


def await_all_read(d):
    """As it was known after this began."""
    began = time.monotonic()

    def known():
        stats = d.stats()
        return stats.get("source_lag") == 0 and stats["source_lag_age_ms"] < (time.monotonic() - began) * 1000

    wait_until(known, what="all to be read")


@pytest.fixture
def own_broker():
    """One that may be killed."""
    with throw_away_broker() as made:
        yield made


def test_topics_with_the_longest_names_have_ids_of_their_own(deploy, broker):
    """Kafka allows 249 bytes. Two names that differ in the last one only, a partition each, so that offsets are the same ones."""
    topics = Topics(broker, partitions=1, names=2)
    topics.names = [topics.names[0].ljust(248, "x") + last for last in "ab"]
    topics.uri = f"kafka://{broker.address}/{','.join(topics.names)}"
    topics.create()
    d = deploy(topics).start()
    rows = RandomEvents(3)
    topics.insert([rows.next() for _ in range(20)])
    for gateway in (0, 1):
        wait_until(lambda g=gateway: len(all_events(d, g)) == 20, what="all messages")
    ids = [e["id"] for e in all_events(d)]
    assert sorted(ids) == sorted(topics.ids()) and len(set(ids)) == 20
    d.verify()
    stream = d.stream("/api/events/stream", 1, last_event_id=ids[9])
    wait_until(lambda: len(text_ids(stream)) >= 10, what="what is behind it")
    assert text_ids(stream) == ids[10:]
    assert [e["id"] for e in d.get_json(f"/api/events?after={ids[16]}")["events"]] == ids[17:]


def test_verify_puts_messages_in_the_order_of_their_ids(deploy, broker):
    """Of equal times the greatest id counts: that of the last message in the partition whose name is the greatest."""
    topics = Topics(broker, partitions=2)
    topics.create()
    d = deploy(topics, tiles=[{"key": "last", "type": "trend", "aggregate": "last", "value": "payload.n", "step": "1h", "length": 24}]).start()
    now = now_iso()
    for n in range(24):
        value = json.dumps({"timestamp": now, "event_type": "order.created", "payload": {"n": n}})
        topics.send(value, partition=1 - n // 12)  # the partition whose ids are greater is not the one that is read last
    wait_until(lambda: len(all_events(d)) == 24, what="all messages")
    wait_until(lambda: list(d.tile("last")["data"]["points"].values()) == [11], what="the value of the greatest id")
    d.verify()


def test_retention_of_what_is_no_message_is_no_loss(deploy, broker):
    """The end of a transaction is an offset that no message has. It was read, too."""
    topics = Topics(broker, partitions=1)
    topics.create()
    d = deploy(topics, tiles=COUNT).start()
    topics.connect(**{"transactional.id": topics.names[0]})
    topics.producer.init_transactions(30)
    topics.producer.begin_transaction()
    for _ in range(3):
        topics.send(order())
    topics.producer.commit_transaction(30)
    await_value(d, 3)
    await_all_read(d)
    stream = d.stream("/api/events/stream")
    kill_saved_ingestor(d)
    topics.configure(topics.names[0], **{"retention.ms": "1"})
    wait_until(lambda: topics.range(topics.names[0], 0) == (4, 4), what="retention")
    d.start("ingestor")
    await_all_read(d)
    assert "were gone before they could be read" not in d["ingestor"].log_text()
    assert value(d) == 3 and not any(e["event"] == "reset" for e in stream.events)


def test_how_far_each_partition_is_behind_is_told(deploy, own_broker):
    """Messages of a transaction that is open are there, and may not be read yet."""
    topics = Topics(own_broker, partitions=2)
    topics.create()
    d = deploy(topics, tiles=COUNT).start()
    topics.connect(**{"transactional.id": topics.names[0]})
    topics.producer.init_transactions(30)

    def begin(*partitions):
        topics.producer.begin_transaction()
        for partition in partitions:
            topics.send(order(), partition=partition)

    def await_lag(first, second):
        wanted = {f"source_lag.{topics.names[0]}-{i}": count for i, count in enumerate((first, second))}
        wait_until(lambda: {k: v for k, v in d.stats().items() if k.startswith("source_lag.")} == wanted, what=f"a lag of {wanted}")

    await_lag(0, 0)
    begin(0, 0, 0, 1)
    await_lag(3, 1)
    assert d.stats()["source_lag"] == 4 and d.stats()["source_lag_partitions"] == 2
    wait_until(lambda: d.metric("source_lag", 1) == 4 and d.metric("source_lag_partitions", 1) == 2, what="the gateway's metric")
    assert f'tilewire_gateway_partition_lag{{partition="{topics.names[0]}-0"}} 3\n' in d.request("/metrics", gateway=1)[2].decode()
    assert f"source_lag.{topics.names[0]}-0" in d.run("stats", "--from", "ingestor", check=True).stdout
    topics.producer.commit_transaction(30)
    await_value(d, 4)
    await_lag(0, 0)
    begin(1, 1)
    await_lag(0, 2)
    own_broker.stop("KILL")  # what was known stays known, and how old it is is said
    wait_until(lambda: d.stats()["source_up"] == 0 and d.stats()["source_lag_age_ms"] > 2000, what="the outage to be seen")
    await_lag(0, 2)
    wait_until(lambda: math.isnan(d.metric("source_lag", 1)), what="the gateway not to know it")
