# SPDX-License-Identifier: Apache-2.0
"""Topics of Kafka that are deleted, or are not there yet, beside others that are."""
import itertools
import signal
import threading

import pytest

from kafka import Topics
from saved import kill_saved_ingestor
from test_kafka import COUNT, await_value, order, value
from tilewire import wait_until


@pytest.fixture
def topics(broker):
    made = Topics(broker, names=2)
    made.create()
    return made


def missing(d):
    return d.stats().get("source_topics_missing")


def add_tile(d, key):
    d.config["tiles"].append({"key": key, "type": "count", "match": {"event_type": "order.*"}})
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)


@pytest.mark.parametrize("named", [True, False])
def test_a_topic_that_is_deleted_for_good_holds_up_no_other(deploy, topics, named):
    stays, goes = topics.names
    if not named:
        topics.uri = f"kafka://{topics.broker.address}/{stays[:-1]}*"
    d = deploy(topics, tiles=COUNT).start()
    for i in range(6):
        topics.send(order(), name=topics.names[i % 2])
    await_value(d, 6)
    wait_until(lambda: missing(d) == 0, what="nothing to be missing")
    topics.drop(goes)
    if named:
        d["ingestor"].await_log(f'warn .*has no topic "{goes}"')
        wait_until(lambda: missing(d) == 1 and d.metric("source_topics_missing") == 1, what="it to be missing")
    topics.send(order(), name=stays)
    await_value(d, 7)
    wait_until(lambda: d.request("/readyz")[0] == 200 and not d.tile("orders")["stale"], what="a tile that is true")
    kill_saved_ingestor(d)
    d.start("ingestor")
    topics.send(order(), name=stays)
    await_value(d, 8)
    add_tile(d, "left")
    wait_until(lambda: value(d, "left") == 5, what="a tile of what is left")
    assert not d.tile("left")["complete"]
    assert d.run("verify").returncode == 3  # what is gone is no proof, and no fault


def test_what_was_delivered_of_a_topic_that_is_deleted_and_not_saved(deploy, topics):
    d = deploy(topics, tiles=COUNT, config={"ingestor": {"checkpoint_interval": "1h"}}).start()
    for i in range(6):
        topics.send(order(), name=topics.names[i % 2])
        await_value(d, i + 1)
    d["ingestor"].kill()
    topics.drop(topics.names[1])
    d.start("ingestor")
    d["ingestor"].await_log("3 messages that were delivered are not there any more")
    topics.send(order())
    await_value(d, 4)
    d.verify()


def test_of_topics_one_that_is_not_there_is_waited_for(deploy, topics):
    topics.uri += ",later." + topics.names[0]
    d = deploy(topics, tiles=COUNT).start()
    topics.send(order())
    await_value(d, 1)
    wait_until(lambda: missing(d) == 1, what="one to be missing")
    topics.names.append(f"later.{topics.names[0]}")
    topics.create(topics.names[-1:])
    topics.send(order(), name=topics.names[-1])
    await_value(d, 2)
    wait_until(lambda: missing(d) == 0, what="none to be missing")
    d.verify()


def send_to_all(topics, name, rounds):
    for i in range(rounds * topics.partitions):
        topics.producer.produce(name, order(), partition=i % topics.partitions)
    assert topics.producer.flush(30) == 0


def test_a_topic_comes_back_while_others_are_read(deploy, topics):
    """What was read of it is looked at again, and takes nothing from the messages of the others that come meanwhile."""
    stays, goes = topics.names
    d = deploy(topics, tiles=COUNT).start()
    send_to_all(topics, goes, 3)
    await_value(d, 9)
    topics.drop(goes)
    d["ingestor"].await_log(f'warn .*has no topic "{goes}"')
    producer, sent, stop = topics.producer, [], threading.Event()

    def write():
        for i in itertools.count():
            producer.produce(stays, order(), partition=i % 3)
            sent.append(i)
            if stop.wait(0.001):
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_until(lambda: (value(d) or 0) > 9 + 50, what="messages of the others")
        topics.create([goes])
        send_to_all(topics, goes, 5)
        d["ingestor"].await_log(f"partition {goes}-2 was made anew")
    finally:
        stop.set()
        writer.join()
    assert producer.flush(30) == 0
    await_value(d, 9 + len(sent) + 15)
