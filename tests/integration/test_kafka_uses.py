# SPDX-License-Identifier: Apache-2.0
"""Kafka as the source, as source.dedupe and tilewire check see it."""
import json
import signal
import threading

import test_check_connect
import test_dedupe
import test_event_ids
from tilewire import PATIENCE, now_iso, wait_until

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


def test_commands_speak_of_ids_that_are_texts(deploy, topics):
    d = deploy(topics, tiles=COUNT).start()
    topics.send(order(), partition=1)
    expected = f"{topics.names[0]}-1-0"
    test_dedupe.await_value(d, 1)
    for source in ((), ("--from", "ingestor")):
        assert json.loads(d.run("--json", "events", *source, check=True).stdout.splitlines()[-1])["id"] == expected
        assert d.run("events", *source, check=True).stdout.splitlines()[-1].split()[0] == expected
    assert d.stats()["position"] == 1  # positions are numbers of messages
    assert "position 1" in d.run("get", "orders", check=True).stdout
    # It prints changes of tiles as well, and which of the two comes first when it has begun to listen is open.
    tail, tailed = test_event_ids.lines([d.bin / "tilewire", "-c", d.file, "--json", "tail", "--events"], 1)
    shown = []
    listener = threading.Thread(target=lambda: shown.extend(tailed()))
    listener.start()
    wait_until(lambda: topics.send(order(), partition=2) or shown or tail.poll() is not None, what="an event that tail shows")
    listener.join(PATIENCE)
    assert [i.rpartition("-")[0] for i in shown] == [f"{topics.names[0]}-2"]
