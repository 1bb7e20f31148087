# SPDX-License-Identifier: Apache-2.0
"""State and lease of a bus in a PostgreSQL, which it is no table of: `ingestor.checkpoint: postgresql://…`."""
import json
import subprocess

import pytest

from conftest import throw_away_server
from kafka import Topics
from test_crashes import Resuming, Writer
from test_cursor import text_ids
from test_failover import await_progress, await_reign, epoch
from tilewire import Postgres, now_iso, wait_until

COUNT = [{"key": "orders", "type": "count", "match": {"event_type": "order.created"}}]


@pytest.fixture(scope="module")
def own_server():
    """One that may be stopped."""
    with throw_away_server() as server:
        yield server


@pytest.fixture
def topics(broker):
    made = Topics(broker)
    made.create()
    return made


@pytest.fixture
def database(cluster):
    made = Postgres(cluster)
    made.create()
    yield made
    made.close()


def order(topics):
    topics.send(json.dumps({"timestamp": now_iso(), "event_type": "order.created"}))


def await_value(d, expected):
    def value():
        status, _, body = d.request("/api/tiles/orders")
        return json.loads(body)["data"]["value"] if status == 200 else None
    wait_until(lambda: value() == expected, what=f"{expected} orders")


def test_a_standby_finds_state_and_journal_in_the_database(deploy, topics, database):
    d = deploy(topics, config={"ingestor": {"checkpoint": database.uri, "checkpoint_name": "shop"}})
    first = {"publish": d.addresses[0], "query": d.addresses[1]}
    d.config["cache"]["upstreams"] = [first, d.twin("standby", "ingestor")]
    d.write()
    d["ingestor"].start()
    d["ingestor"].await_log("ready component")
    d["standby"].start()
    d["standby"].await_log("standing by: another ingestor holds the lease on shop/1")
    d.start("cache", "gateway0", "gateway1")
    clients = [Resuming(d, 0), Resuming(d, 1)]
    for client in clients:
        client.ids = lambda c=client: [i for s in c.streams for i in text_ids(s) if i is not None]
    writer = Writer(topics, 41, lambda: len(clients[0].ids()))
    await_progress(clients[0])
    before = epoch(d, "ingestor")
    d["ingestor"].kill()
    await_reign(d, "standby", before)
    await_progress(clients[0])
    writer.stop()
    expected = topics.ids()
    for client in clients:
        wait_until(lambda c=client: len(c.ids()) >= len(expected), what="all events")
        assert client.resets() == 0
        assert sorted(client.ids()) == sorted(expected), "each event exactly once"
    assert clients[0].ids() == clients[1].ids(), "in one order, also across the takeover"
    d.verify()
    assert not list(d.folder.glob("checkpoint*")), "nothing lies in files"
    listed = d.run("state", "ls", check=True).stdout
    assert "orders.ever" in listed


def test_nothing_is_delivered_while_the_state_cannot_be_written(deploy, topics, own_server):
    d = deploy(topics, tiles=COUNT, config={"ingestor": {"checkpoint": own_server["uri"]}}).start()
    order(topics)
    await_value(d, 1)
    Postgres.stop_server(own_server)
    wait_until(lambda: d.request("/readyz")[0] == 503, what="the outage to be seen")
    order(topics)
    subprocess.run([own_server["script"], "start", own_server["path"], str(own_server["port"])], check=True, stdout=subprocess.DEVNULL)
    await_value(d, 2)
    d.verify()


def test_a_state_that_is_older_after_a_failover_begins_streams_anew(deploy, topics, database, own_server):
    """Also the newest of the journal is lost then, and with it the order over partitions; each message counts once all the same."""
    d = deploy(topics, tiles=COUNT, config={"ingestor": {"checkpoint": database.uri}}).start()
    for _ in range(5):
        order(topics)
    await_value(d, 5)
    wait_until(lambda: d.stats()["checkpoint_position"] == 5, what="what is counted to be saved")
    dump = subprocess.run(["pg_dump", "--schema=tilewire", "--no-owner", database.uri], check=True, stdout=subprocess.PIPE).stdout
    for _ in range(3):
        order(topics)
    await_value(d, 8)
    stream = d.stream("/api/events/stream")
    d["ingestor"].kill()
    other = Postgres(own_server)
    other.create()
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", other.uri], input=dump, check=True, stdout=subprocess.DEVNULL)
    d.config["ingestor"]["checkpoint"] = other.uri
    d.write()
    d["ingestor"].start()
    d["ingestor"].await_log("has failed over, or was restored")
    order(topics)
    await_value(d, 9)
    wait_until(lambda: any(e["event"] == "reset" for e in stream.events), what="reset")
    d.verify()
    d["ingestor"].kill()
    other.close()
