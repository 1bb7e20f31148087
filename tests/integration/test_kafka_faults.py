# SPDX-License-Identifier: Apache-2.0
"""What happens to brokers and to ingestors that read from them, one fault at a time."""
import contextlib
import os
import shutil
import signal
import time

import pytest

from kafka import Topics, throw_away_broker
from test_cursor import text_ids
from test_kafka import COUNT, all_events, await_value, order, value
from test_several import TILES, await_counts, rows
from test_several_kinds import deployed, shop  # noqa: F401 (a fixture)
from tilewire import PATIENCE, wait_until


@pytest.fixture(scope="module")
def own_broker():
    """One that may be stopped."""
    with throw_away_broker() as made:
        yield made


@pytest.fixture
def topics(broker):
    made = Topics(broker)
    made.create()
    return made


def test_a_long_journal_is_gone_through_soon(deploy, topics):
    """Each message is a record of its own, and the state is saved once: looking at the topics for each of them took a minute."""
    d = deploy(topics, tiles=COUNT, config={"ingestor": {"checkpoint_interval": "1h"}}).start()
    for count in range(1, 301):
        topics.send(order())
        if count % 10 == 0:
            await_value(d, count)
    d["ingestor"].kill()
    before = time.monotonic()
    d.start("ingestor")
    topics.send(order())
    await_value(d, 301)
    assert time.monotonic() - before < 20
    d.verify()
    assert len(all_events(d)) == 301


@contextlib.contextmanager
def hanging(broker):
    """Its connections stay open, and nothing comes."""
    pid = int((broker.path / "pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_broker_that_hangs_is_noticed(deploy, own_broker):
    """Nothing comes, as when nobody sends. What tells is a question that is not answered."""
    topics = Topics(own_broker)
    topics.create()
    d = deploy(topics, tiles=[{**COUNT[0], "ttl": "2s", "grace": "1h"}]).start()
    send_to_all(topics, 2)
    await_value(d, 6)
    wait_until(lambda: d.request("/readyz")[0] == 200 and not d.tile("orders")["stale"], what="a tile that is true")
    stream = d.stream("/api/events/stream")
    with contextlib.ExitStack() as stack:
        stack.enter_context(hanging(own_broker))
        began = time.monotonic()
        wait_until(lambda: d.request("/readyz")[0] == 503, what="the outage to be seen")
        wait_until(lambda: d.tile("orders")["stale"], what="a tile that says that it is old")
        assert time.monotonic() - began < 30
        d["ingestor"].await_log("error .*Kafka at .* does not answer: .*publishing nothing until it is read")
        assert value(d) == 6
    send_to_all(topics, 2)
    await_value(d, 12)
    wait_until(lambda: d.request("/readyz")[0] == 200 and not d.tile("orders")["stale"], what="a tile that is true again")
    wait_until(lambda: len(text_ids(stream)) == 6, what="each event once")
    assert len(all_events(d)) == 12 and not [e for e in stream.events if e["event"] == "reset"]
    d.verify()


def test_an_ingestor_that_starts_while_the_broker_hangs_waits_for_it(deploy, own_broker):
    topics = Topics(own_broker)
    topics.create()
    send_to_all(topics, 2)
    d = deploy(topics, tiles=COUNT)
    with contextlib.ExitStack() as stack:
        stack.enter_context(hanging(own_broker))
        d["ingestor"].start()
        d["ingestor"].await_log("error .*Kafka at .*trying again")
        assert d["ingestor"].alive()
    d.start("cache", "gateway0", "gateway1")
    await_value(d, 6)
    d.verify()


def test_of_several_sources_a_kafka_that_is_away_holds_up_no_other(deploy, own_broker, shop):  # noqa: F811
    topics = Topics(own_broker)
    topics.create()
    shop.insert(rows(2))
    d = deployed(deploy, shop, topics)
    topics.insert(rows(3))
    await_counts(d, shop=2, desk=3, all=5)
    for how in (hanging(own_broker), stopped(own_broker)):
        with contextlib.ExitStack() as stack:
            stack.enter_context(how)
            before = d.tile("shop")["data"]["value"]
            wait_until(lambda: d.tile("desk")["stale"] and d.tile("all")["stale"], what="stale tiles")
            shop.insert(rows(1))
            wait_until(lambda before=before: d.tile("shop")["data"]["value"] == before + 1)
            assert not d.tile("shop")["stale"]
        topics.connect()
        wait_until(lambda: not any(d.tile(tile["key"])["stale"] for tile in TILES), what="tiles that are true again")
    topics.insert(rows(2))
    await_counts(d, shop=4, desk=5, all=9)
    d.verify()
    d.problems = d.stop()


@contextlib.contextmanager
def stopped(broker):
    broker.stop("KILL")
    try:
        yield
    finally:
        broker.start()


def leaders(topics):
    """The brokers that lead partitions of the topic."""
    found = topics.broker.admin.list_topics(topic=topics.names[0], timeout=30).topics[topics.names[0]]
    return {p.leader for p in found.partitions.values()}


def send_to_all(topics, rounds):
    for i in range(rounds * topics.partitions):
        topics.producer.produce(topics.names[0], order(), partition=i % topics.partitions)
    assert topics.producer.flush(120) == 0


def test_one_of_two_brokers_is_killed_and_the_other_leads(deploy, own_broker):
    with own_broker.second() as second:
        wait_until(lambda: len(own_broker.admin.list_topics(timeout=30).brokers) == 2, what="two brokers")
        topics = Topics(own_broker, partitions=4, replicas=2)
        topics.create()
        topics.uri = topics.uri.replace(own_broker.address, f"{own_broker.address},{second.address}")
        wait_until(lambda: leaders(topics) == {1, 2}, what="both to lead")
        d = deploy(topics, tiles=COUNT).start()
        stream = d.stream("/api/events/stream")
        send_to_all(topics, 5)
        await_value(d, 20)
        second.stop("KILL")
        send_to_all(topics, 5)
        await_value(d, 40, 120)
        assert leaders(topics) == {1}
        wait_until(lambda: len(text_ids(stream)) == 40, what="each event once")
        assert sorted(text_ids(stream)) == sorted(topics.ids())
        d.verify()


def test_an_ingestor_starts_while_a_leader_is_gone(deploy, own_broker):
    """For some seconds the cluster names a leader that will not answer. Asking it for its offsets must come to an end."""
    with own_broker.second() as second:
        wait_until(lambda: len(own_broker.admin.list_topics(timeout=30).brokers) == 2, what="two brokers")
        topics = Topics(own_broker, partitions=4, replicas=2)
        topics.create()
        wait_until(lambda: leaders(topics) == {1, 2}, what="both to lead")
        d = deploy(topics, tiles=COUNT).start()
        send_to_all(topics, 5)
        await_value(d, 20)
        d["ingestor"].kill()
        second.stop("KILL")
        assert leaders(topics) == {1, 2}
        d["ingestor"].start()
        for asking in (["check", "--connect"], ["verify", "--timeout", "1s"]):
            d.run(*asking, timeout=PATIENCE)
        send_to_all(topics, 5)
        await_value(d, 40)
        assert leaders(topics) == {1}
        d.verify()


def test_a_leader_that_lacks_what_was_read(deploy, own_broker):
    """As after an unclean election: the broker has an older copy of the partition."""
    topics = Topics(own_broker, partitions=1)
    topics.create()
    d = deploy(topics, tiles=COUNT).start()
    send_to_all(topics, 3)
    await_value(d, 3)
    own_broker.stop()
    partition, copy = (own_broker.path / where / f"{topics.names[0]}-0" for where in ("data", "copy"))
    shutil.copytree(partition, copy)
    own_broker.start()
    topics.connect()
    send_to_all(topics, 4)
    await_value(d, 7)
    stream = d.stream("/api/events/stream")
    own_broker.stop()
    shutil.rmtree(partition)
    shutil.copytree(copy, partition)
    own_broker.start()
    d["ingestor"].await_log("has lost 4 messages that were read")
    topics.connect()
    send_to_all(topics, 2)
    await_value(d, 9)
    wait_until(lambda: any(e["event"] == "reset" for e in stream.events), what="reset")
