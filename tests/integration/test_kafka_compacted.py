# SPDX-License-Identifier: Apache-2.0
"""Topics that Kafka compacts: of each key the newest message stays, and of a key that was deleted nothing does."""
import json
import signal

import pytest

from kafka import Topics
from saved import kill_saved_ingestor
from test_kafka import COUNT, all_events, await_value, order, unusable, value
from tilewire import now_iso, wait_until

# What is written is compacted as soon as there is a message behind it, and tombstones with it.
COMPACTED = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001", "delete.retention.ms": "0"}


@pytest.fixture
def topics(broker):
    made = Topics(broker, partitions=1, **COMPACTED)
    made.create()
    return made


def await_compaction(topics, gone):
    """The segment that is written to is not compacted. What begins a new one says nothing, for it deletes a key that nobody has."""
    def is_gone():
        topics.send(None, key="nobody")
        return not gone & set(topics.offsets())
    wait_until(is_gone, what="compaction")


def add_tile(d, key):
    d.config["tiles"].append({"key": key, "type": "count", "match": {"event_type": "order.*"}})
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)


def resets(stream):
    return [e for e in stream.events if e["event"] == "reset"]


def test_what_was_folded_stays_when_it_is_compacted(deploy, topics):
    """While the ingestor is away, and while it reads. The message that the partition was last known by is gone, too."""
    d = deploy(topics, tiles=COUNT).start()
    stream = d.stream("/api/events/stream")
    for key in "abac":
        topics.send(order(), key=key)
    topics.send(None, key="b")
    topics.send(order(), key="d")
    await_value(d, 5)
    kill_saved_ingestor(d)
    topics.send(order(), key="d")
    await_compaction(topics, {0, 1, 4, 5})
    assert {2, 3, 6} <= set(topics.offsets())
    d.start("ingestor")
    await_value(d, 6)
    topics.send(order(), key="a")
    await_value(d, 7)
    await_compaction(topics, {2})
    topics.send(order(), key="e")
    await_value(d, 8)
    add_tile(d, "left")
    wait_until(lambda: value(d, "left") == 4, what="a, c, d and e")
    assert d.run("verify").returncode == 3  # what is gone is no proof, and no fault
    assert unusable(d) == 0 and not resets(stream)
    assert "made anew" not in d["ingestor"].log_text() and not d.tile("left")["complete"] and d.tile("orders")["complete"]


def test_what_was_not_read_before_it_was_compacted(deploy, topics):
    """Nobody can tell whether offsets that are not there had messages."""
    d = deploy(topics, tiles=COUNT).start()
    topics.send(order(), key="a")
    await_value(d, 1)
    kill_saved_ingestor(d)
    first = topics.offsets()[-1] + 1
    for key in "bbbaxx":
        topics.send(order(), key=key)
    topics.send(None, key="x")
    await_compaction(topics, {0, first, first + 1, first + 4, first + 5, first + 6})
    d.start("ingestor")
    await_value(d, 3)
    add_tile(d, "left")
    wait_until(lambda: value(d, "left") == 2, what="a and b")
    assert d.run("verify").returncode == 3


def test_what_only_the_journal_knows_is_compacted(deploy, topics):
    """Tiles lack what is gone, and who hears the events is told."""
    d = deploy(topics, tiles=COUNT, config={"ingestor": {"checkpoint_interval": "1h"}}).start()
    topics.send(order(), key="z")
    await_value(d, 1)
    stream = d.stream("/api/events/stream")
    for key in "aaab":
        topics.send(order(), key=key)
    await_value(d, 5)
    d["ingestor"].kill()
    await_compaction(topics, {1, 2})
    d.start("ingestor")
    d["ingestor"].await_log("2 messages that were delivered are not there any more")
    await_value(d, 3)
    wait_until(lambda: resets(stream), what="reset")
    topics.send(order(), key="c")
    await_value(d, 4)
    d.verify()


def test_tombstones_say_nothing(deploy, topics):
    d = deploy(topics, tiles=COUNT).start()
    topics.send(order(), key="a")
    topics.send(None, key="a")
    topics.send(json.dumps({"timestamp": now_iso(), "event_type": "order.created"}), key="b")
    await_value(d, 2)
    await_compaction(topics, {0, 1})
    assert unusable(d) == 0 and len(all_events(d)) == 2
