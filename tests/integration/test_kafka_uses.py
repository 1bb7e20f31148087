# SPDX-License-Identifier: Apache-2.0
"""Kafka as the source, as source.dedupe and tilewire check see it."""
import json
import signal

import test_check_connect
import test_dedupe
from tilewire import now_iso, wait_until

COUNT = [{"key": "orders", "type": "count", "match": {"event_type": "order.created"}}]


def order(**more):
    return json.dumps({"timestamp": now_iso(), "event_type": "order.created", "target_id": "o1", **more})


def test_one_id_counts_once_over_partitions(deploy, topics):
    """A producer that retries: duplicates in three partitions, in one batch, and before and after crashes."""
    d = deploy(topics, tiles=test_dedupe.TILES, config=test_dedupe.DEDUPE)
    producer = test_dedupe.survive(d, topics)
    d.config["tiles"].append({"key": "later", "type": "count", "match": {"event_type": "order.*"}})
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    test_dedupe.await_value(d, len(producer.sent), "later")
    d.verify()
    # Where the log of events knows the order of the newest alone.
    few = {"events": 20}
    other = deploy(topics, tiles=test_dedupe.TILES, config={**test_dedupe.DEDUPE, "ingestor": few, "cache": few}).start()
    test_dedupe.await_value(other, len(producer.sent))
    other.verify()


def test_what_check_finds_in_kafka(deploy, broker, topics):
    d = deploy(topics, tiles=COUNT)
    topics.send(order(region="eu"), partition=1)
    status, texts = test_check_connect.connect(d)
    assert status == 0, texts
    test_check_connect.has(texts, "ok", "source", "Kafka answers, with 1 broker")
    test_check_connect.has(texts, "ok", "source", "3 partitions and at most 1 message", "0: 0 to 0, 1: 0 to 1, 2: 0 to 0")
    test_check_connect.has(texts, "ok", "source", "-1-0 is the newest, of type order.created; it has event_type, target_id")
    topics.send("no JSON", partition=2)
    status, texts = test_check_connect.connect(d)
    assert status == 1
    test_check_connect.has(texts, "error", "source", "-2-0 is none of the form that source.format names")
    d.config["source"]["uri"] = f"kafka://{broker.address}/not.there"
    d.write()
    test_check_connect.has(test_check_connect.connect(d)[1], "warning", "source", "there is no topic not.there")
    d.config["source"]["uri"] = "kafka://127.0.0.1:1/orders"
    d.write()
    test_check_connect.has(test_check_connect.connect(d)[1], "error", "source", "no broker of 127.0.0.1:1 answers")


def test_check_finds_what_a_pattern_means_and_no_more(deploy, broker, topics):
    """A topic whose name begins with two underscores is one of Kafka's own."""
    own = f"__{topics.names[0]}"
    topics.create([own])
    wait_until(lambda: own in broker.admin.list_topics(timeout=10).topics, what="the topic")
    d = deploy(topics, tiles=COUNT)
    for pattern, found in ((f"*{topics.names[0]}", topics.names[0]), (own, own)):
        d.config["source"]["uri"] = f"kafka://{broker.address}/{pattern}"
        d.write()
        said = [text for _, _, text in test_check_connect.connect(d)[1] if text.startswith("topic ")]
        assert [text.split()[1] for text in said] == [found], said
