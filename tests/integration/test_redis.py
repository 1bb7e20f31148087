# SPDX-License-Identifier: Apache-2.0
"""A stream of Redis as the source, against a real server: nothing lost, nothing twice, whatever happens to server, stream and programs."""
import json

import pytest

import test_dedupe
from redis_streams import Stream, throw_away_server
from test_crashes import Resuming, Writer
from test_cursor import text_ids
from tilewire import RandomEvents, now_iso, wait_until

COUNT = [{"key": "orders", "type": "count", "match": {"event_type": "order.created"}}]


@pytest.fixture(scope="module")
def server():
    with throw_away_server() as made:
        yield made


@pytest.fixture
def own_server():
    """One that may be killed."""
    with throw_away_server() as made:
        yield made


@pytest.fixture
def entries(server):
    made = Stream(server)
    yield made
    made.close()


def order(**more):
    return json.dumps({"timestamp": now_iso(), "event_type": "order.created", "target_id": "o1", **more})


def value(d, key="orders"):
    status, _, body = d.request(f"/api/tiles/{key}")
    return json.loads(body)["data"]["value"] if status == 200 else None


def await_value(d, expected, timeout=20, key="orders"):
    wait_until(lambda: value(d, key) == expected, timeout, f"{expected}, and not {value(d, key)}")


def unusable(d):
    return d.stats()["rows_unusable"]


def all_events(d, gateway=0):
    return d.get_json("/api/events?limit=1000", gateway)["events"][::-1]


def reset_told(stream):
    return lambda: any(e["event"] == "reset" for e in stream.events)


def test_entries_are_tiles_and_events(deploy, entries):
    d = deploy(entries).start()
    rows = RandomEvents(1)
    for _ in range(40):
        entries.insert([rows.next() for _ in range(5)])
    for gateway in (0, 1):
        wait_until(lambda g=gateway: len(all_events(d, g)) == 200, 20, "all entries")
    d.verify()
    ids = entries.ids()
    assert [e["id"] for e in all_events(d)] == [e["id"] for e in all_events(d, 1)] == ids
    stream = d.stream("/api/events/stream", 1, last_event_id=ids[150])
    wait_until(lambda: len(text_ids(stream)) >= 49, what="what is behind it")
    assert text_ids(stream) == ids[151:]


def test_an_entry_is_at_the_client_soon(deploy, entries):
    d = deploy(entries, tiles=COUNT, config={"source": {"poll_interval": "1m"}}).start()
    for n in (1, 2):
        entries.send(order())
        await_value(d, n, 5)


@pytest.mark.parametrize("victim", ["ingestor", "cache", "gateway0"])
def test_kill_under_load(deploy, entries, victim):
    """Who resumes after a crash gets each entry once, in the order of the stream."""
    d = deploy(entries).start()
    client = Resuming(d, 1 if victim == "gateway0" else 0)
    client.ids = lambda: [i for s in client.streams for i in text_ids(s) if i is not None]
    writer = Writer(entries, 7, lambda: len(client.ids()))
    for _ in range(3):
        before = len(client.ids())
        wait_until(lambda n=before: client.keep_up() or len(client.ids()) > n + 200, 60, "entries")
        d[victim].kill()
        d.start(victim)
    writer.stop()
    expected = entries.ids()
    wait_until(lambda: client.keep_up() or len(set(client.ids())) == len(expected), 60, "all entries")
    d.verify()
    assert client.ids() == expected


def test_a_stream_that_is_not_there_is_waited_for(deploy, entries):
    d = deploy(entries, tiles=COUNT).start()
    d["ingestor"].await_log(f'has no stream "{entries.name}"')
    entries.send(order())
    await_value(d, 1, 5)
    d.verify()


def test_one_id_counts_once(deploy, entries):
    """A producer that retries: duplicates in one batch, and before and after crashes."""
    test_dedupe.survive(deploy(entries, tiles=test_dedupe.TILES, config=test_dedupe.DEDUPE), entries)
