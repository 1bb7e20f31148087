# SPDX-License-Identifier: Apache-2.0
"""Rows to browsers: latency, the format of docs/http.md to the letter, resuming, no duplicates."""
import json
import re
import statistics
import threading
import time

import pytest

from tilewire import RandomEvents, now_iso, wait_until


def shell_insert(table, event, target, at):
    table.shell(f"INSERT INTO events (timestamp,event_type,actor_id,target_id,summary) VALUES ('{at}','{event}','ada','{target}','it''s new')")


@pytest.mark.timing
def test_a_row_reaches_streams_at_once(deploy, table):
    """Within 100 ms, its tiles within 1 s; the median, for other people's load may hold up any single one."""
    d = deploy(table, config={"source": {"poll_interval": "1h"}})
    if table.kind == "postgresql":
        d.run("install-trigger", check=True)
    d.start()
    events = d.stream("/api/events/stream")
    tiles = d.stream("/api/tiles/stream", gateway=1)
    tiles.await_event(lambda e: e["event"] == "tile" and e["data"]["key"] == "work.backlog")
    event_s, tile_s = [], []
    for i in range(9):
        begun = time.monotonic()
        shell_insert(table, "work_item_created", f"w{i}", now_iso())
        committed = time.monotonic()  # and the shell's end; so what comes before counts as no time at all
        event = events.await_event(lambda e: e["data"].get("target_id") == f"w{i}", 5)
        tile = tiles.await_event(lambda e: e["event"] == "tile" and e["data"]["key"] == "work.backlog" and e["data"]["data"]["total"] == i + 1, 5)
        assert event["at"] > begun
        event_s.append(event["at"] - committed)
        tile_s.append(tile["at"] - committed)
    print("event after s:", event_s, "tile after s:", tile_s)
    assert statistics.median(event_s) < 0.1
    assert statistics.median(tile_s) < 1


def test_the_format_is_that_of_f18(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    stream = d.stream("/api/events/stream")
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-cache, no-transform"
    assert stream.headers["x-accel-buffering"] == "no"
    at = now_iso()
    shell_insert(sqlite_table, "work_item_claimed", "w1", at)
    stream.await_event(lambda e: e["event"] == "work_item_claimed")
    expected = ('id: 1\nevent: work_item_claimed\ndata: {"id":1,"timestamp":"%s","event_type":"work_item_claimed",'
                '"actor_id":"ada","target_id":"w1","summary":"it\'s new"}\n\n' % at)
    text = stream.raw.decode()
    assert re.match(r"retry: \d+\n[a-z]", text), "the first event has it: alone it would be an event without data to many"
    assert text.endswith(expected), text


def test_gateways_spread_reconnections_differently(deploy, sqlite_table):
    d = deploy(sqlite_table).start()

    def retries(gateway):
        streams = [d.stream("/api/events/stream", gateway=gateway) for _ in range(6)]
        wait_until(lambda: all(b"\n" in s.raw for s in streams))
        for stream in streams:
            stream.close()
        return [int(re.match(rb"retry: (\d+)\n", s.raw)[1]) for s in streams]

    first, second = retries(0), retries(1)
    assert all(1000 <= ms < 3000 for ms in first + second)
    assert first != second and len(set(first)) > 1


def test_new_events_only_and_each_once(deploy, table):
    d = deploy(table)
    rows = RandomEvents(1)
    table.insert([rows.next() for _ in range(50)])
    d.start()
    stream = d.stream("/api/events/stream")
    for _ in range(20):
        last = table.insert([rows.next() for _ in range(25)])
    stream.await_event(lambda e: e["id"] == str(last))
    assert stream.ids() == table.ids()[50:]


def test_resuming_on_another_gateway(deploy, table):
    d = deploy(table).start()
    rows = RandomEvents(2)
    first = d.stream("/api/events/stream", gateway=0)
    last = table.insert([rows.next() for _ in range(100)])
    first.await_event(lambda e: e["id"] == str(last))
    first.close()
    last = table.insert([rows.next() for _ in range(100)])
    sixtieth = str(first.ids()[59])
    second = d.stream("/api/events/stream", gateway=1, last_event_id=sixtieth)
    second.await_event(lambda e: e["id"] == str(last))
    assert first.ids()[:60] + second.ids() == table.ids()
    query = d.stream(f"/api/events/stream?lastEventId={sixtieth}", gateway=0)
    query.await_event(lambda e: e["id"] == str(last))
    assert query.ids() == second.ids()
    whole = d.stream("/api/events/stream", gateway=1, last_event_id="0")  # as one who saw an empty list
    whole.await_event(lambda e: e["id"] == str(last))
    assert whole.ids() == table.ids()


def test_an_unknown_id_is_told_to_start_over(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    stream = d.stream("/api/events/stream", last_event_id="4711")
    stream.await_event(lambda e: e["event"] == "reset")
    shell_insert(sqlite_table, "order.created", "o1", now_iso())
    stream.await_event(lambda e: e["event"] == "order.created")


def test_types_select_events(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    stream = d.stream("/api/events/stream?types=order.*,ticket.opened")
    for event in ("order.created", "work_item_done", "ticket.opened", "ticket.resolved", "order.shipped"):
        shell_insert(sqlite_table, event, "x", now_iso())
    stream.await_event(lambda e: e["event"] == "order.shipped")
    assert [e["event"] for e in stream.events] == ["order.created", "ticket.opened", "order.shipped"]


def test_tile_stream_begins_with_all_values(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    stream = d.stream("/api/tiles/stream")
    keys = {t["key"] for t in d.get_json("/api/tiles")["tiles"]}
    wait_until(lambda: {e["data"]["key"] for e in list(stream.events)} == keys)
    some = d.stream("/api/tiles/stream?keys=orders.*")
    wait_until(lambda: {e["data"]["key"] for e in list(some.events)} == {k for k in keys if k.startswith("orders.")})


def merge(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = merge(target.get(key), value)
    return target


def test_patches_lead_to_the_whole_value(deploy, table):
    d = deploy(table).start()
    rows = RandomEvents(3)
    stream = d.stream("/api/tiles/stream?form=patch")
    for _ in range(30):
        table.insert([rows.next() for _ in range(10)])
        time.sleep(0.03)  # so that there are several deltas, not one
    d.verify()

    def followed():
        held, versions = {}, {}
        for e in list(stream.events):
            data = e["data"]
            if e["event"] == "tile":
                held[data["key"]], versions[data["key"]] = data["data"], data["version"]
            elif e["event"] == "patch":
                assert data["base"] == versions[data["key"]]
                held[data["key"]] = merge({"data": held[data["key"]]}, data["patch"])["data"]
                versions[data["key"]] = data["version"]
        now = {t["key"]: t for t in d.get_json("/api/tiles")["tiles"]}
        return all(versions.get(k) == t["version"] and held[k] == t["data"] for k, t in now.items())

    wait_until(followed, what="the patched values to be those of the tiles")
    assert any(e["event"] == "patch" for e in stream.events)


def test_tile_streams_resume_by_cursor(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    shell_insert(sqlite_table, "order.created", "o1", now_iso())
    first = d.stream("/api/tiles/stream", gateway=0)
    last = first.await_event(lambda e: e["event"] == "tile" and e["data"]["key"] == "orders.ever" and e["data"]["data"]["value"] == 1)
    wait_until(lambda: len({e["data"]["key"] for e in first.events}) >= 12)
    last = first.events[-1]
    first.close()
    shell_insert(sqlite_table, "work_item_created", "w1", now_iso())
    second = d.stream("/api/tiles/stream", gateway=1, last_event_id=last["id"])
    second.await_event(lambda e: e["event"] == "tile" and e["data"]["key"] == "work.backlog" and e["data"]["data"]["total"] == 1)
    assert not any(e["event"] == "reset" for e in second.events)
    assert not any(e["event"] == "tile" and e["data"]["key"] == "queue.depth" for e in second.events), "had not changed"


def test_heartbeats_are_events(deploy, sqlite_table):
    d = deploy(sqlite_table, config={"gateway": {"heartbeat": "300ms"}}).start()
    for path in ("/api/tiles/stream", "/api/events/stream"):
        beat = d.stream(path).await_event(lambda e: e["event"] == "heartbeat")
        assert set(beat["data"]) == {"now", "as_of", "lag_ms", "page"}


def test_families_come_and_are_served(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    stream = d.stream("/api/tiles/stream?keys=orders.by_region*")
    sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, json.dumps({"region": "ap süd/1"}))])
    tile = stream.await_event(lambda e: e["event"] == "tile")["data"]
    assert tile["key"] == "orders.by_region/ap%20s%C3%BCd%2F1"
    assert tile["group"] == {"by": "payload.region", "value": "ap süd/1"}
    assert d.tile(tile["key"])["data"] == {"value": 1}


def test_resuming_at_a_gateway_that_is_behind(deploy, sqlite_table):
    """The client has an event from another gateway that this one has not got yet: it waits, instead of telling a reset."""
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"events": 5}}).start()
    last = sqlite_table.insert([(now_iso(), "order.created", None, "o", None, None) for _ in range(10)])
    d.verify()
    wait_until(lambda: d.get_json("/api/events")["events"][0]["id"] == last)
    opened, listed = [], []
    resuming = threading.Thread(target=lambda: opened.append(d.stream("/api/events/stream", last_event_id=str(last + 2))))
    listing = threading.Thread(target=lambda: listed.append(d.get_json(f"/api/events?after={last + 1}&wait=60s")))
    for thread in (resuming, listing):
        thread.start()
    wait_until(lambda: d.metric("waits_ahead_total") == 2)
    sqlite_table.insert([(now_iso(), "order.created", None, "o", None, None) for _ in range(4)])
    for thread in (resuming, listing):
        thread.join()
    wait_until(lambda: len(opened[0].events) == 2)
    assert [e["event"] for e in opened[0].events] == ["order.created"] * 2 and opened[0].ids() == [last + 3, last + 4]
    assert [e["id"] for e in listed[0]["events"]][:1] == [last + 2]
    assert d.metric("waiting") == 0
    never = d.stream("/api/events/stream", last_event_id=str(last + 100))
    never.await_event(lambda e: e["event"] == "reset")
    gone = d.stream("/api/events/stream", last_event_id=str(last - 5))
    gone.await_event(lambda e: e["event"] == "reset")
    assert d.metric("waits_ahead_total") == 3, "what has left is not waited for"
    assert d.request("/api/events?after=1")[0] == 404
