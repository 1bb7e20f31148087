# SPDX-License-Identifier: Apache-2.0
"""What happens to brokers and to ingestors that read from them, one fault at a time."""
import time

import pytest

from kafka import Topics
from test_kafka import COUNT, all_events, await_value, order


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
