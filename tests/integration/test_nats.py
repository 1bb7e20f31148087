# SPDX-License-Identifier: Apache-2.0
"""NATS JetStream as the source, against a real server: nothing lost, nothing twice, whatever happens to server, stream and programs."""
import json
import math
import pathlib
import re
import shutil
import signal

import pytest

from nats import Stream, throw_away_server
from test_crashes import Resuming, Writer
from saved import kill_saved_ingestor
from tilewire import PATIENCE, RandomEvents, now_iso, wait_until

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
def stream(server):
    made = Stream(server)
    made.create()
    yield made
    made.drop()
    made.close()


def order(**more):
    return json.dumps({"timestamp": now_iso(), "event_type": "order.created", "target_id": "o1", **more})


def value(d, key="orders"):
    status, _, body = d.request(f"/api/tiles/{key}")
    return json.loads(body)["data"]["value"] if status == 200 else None


def await_value(d, expected, key="orders", timeout=PATIENCE):
    wait_until(lambda: value(d, key) == expected, timeout, f"{expected}, and not {value(d, key)}")


def all_events(d, gateway=0):
    return d.get_json("/api/events?limit=1000", gateway)["events"][::-1]


def ids_of(d, gateway=0):
    return [e["id"] for e in all_events(d, gateway)]


def test_a_message_is_at_the_client_soon(deploy, stream):
    """It wakes the ingestor itself: nothing is polled for a minute."""
    d = deploy(stream, tiles=COUNT, config={"source": {"poll_interval": "1m"}}).start()
    for n in (1, 2):
        stream.send(order())
        await_value(d, n, timeout=5)


def await_unusable(d, count):
    wait_until(lambda: d.stats()["rows_unusable"] == count, what=f"{count} unusable messages")


def await_reset(client):
    wait_until(lambda: any(e["event"] == "reset" for e in client.events), what="reset")


@pytest.mark.parametrize("storage", ["file", "memory"])
def test_messages_are_tiles_and_events_and_their_sequences_are_ids(deploy, server, storage):
    stream = Stream(server, storage=storage)
    stream.create()
    d = deploy(stream).start()
    rows = RandomEvents(1)
    for _ in range(20):
        stream.insert([rows.next() for _ in range(10)])
    expected = list(range(1, 201))
    for gateway in (0, 1):
        wait_until(lambda g=gateway: ids_of(d, g) == expected, what="all messages")
    d.verify()
    client = d.stream("/api/events/stream", 1, last_event_id="150")
    wait_until(lambda: client.ids() == expected[150:], what="what is behind it")
    assert d.stats()["position"] == 200


@pytest.mark.parametrize("victim", ["ingestor", "cache", "gateway0"])
def test_kill_under_load(deploy, stream, victim):
    d = deploy(stream).start()
    client = Resuming(d, 1 if victim == "gateway0" else 0)
    writer = Writer(stream, 7, lambda: len(client.ids()))
    for _ in range(3):
        before = len(client.ids())
        wait_until(lambda n=before: client.keep_up() or len(client.ids()) > n + 200, what="messages")
        d[victim].kill()
        d.start(victim)
    writer.stop()
    expected = stream.ids()
    wait_until(lambda: client.keep_up() or len(client.ids()) >= len(expected), what="all messages")
    assert client.ids() == expected and client.resets() == 0
    d.verify()


def test_after_a_restart_the_event_log_has_what_it_had(deploy, stream):
    d = deploy(stream, tiles=COUNT, config={"ingestor": {"events": 50}}).start()
    stream.send(*[order() for _ in range(80)])
    await_value(d, 80)
    for name in d.programs:
        d[name].kill()
    d.start()
    wait_until(lambda: ids_of(d) == list(range(31, 81)), what="the newest 50")


def test_a_stream_that_is_not_there_is_waited_for(deploy, server):
    stream = Stream(server)
    d = deploy(stream, tiles=COUNT)
    d["ingestor"].start()
    d["ingestor"].await_log(f'has no stream "{stream.name}"')
    stream.create()
    stream.send(order())
    d.start("cache", "gateway0", "gateway1")
    await_value(d, 1)


def test_what_was_folded_and_is_trimmed_stays(deploy, stream):
    d = deploy(stream, tiles=COUNT).start()
    stream.send(*[order() for _ in range(5)])
    await_value(d, 5)
    stream.api("PURGE", seq=5)
    stream.send(order())
    await_value(d, 6)
    kill_saved_ingestor(d)
    d.start("ingestor")
    stream.send(order())
    await_value(d, 7)
    result = d.run("verify", "--timeout", "5s")
    assert result.returncode == 3, result.stdout  # unprovable: four messages are gone


def test_limits_that_take_what_was_not_read_are_said(deploy, server):
    stream = Stream(server, max_msgs=3)
    stream.create()
    d = deploy(stream, tiles=COUNT).start()
    stream.send(order())
    await_value(d, 1)
    client = d.stream("/api/events/stream")
    kill_saved_ingestor(d)
    stream.send(*[order() for _ in range(10)])
    d.start("ingestor")
    await_value(d, 4)
    d["ingestor"].await_log("up to 7 messages of the stream .* were gone before they could be read, from 2 on")
    await_reset(client)
    stream.send(order())
    await_value(d, 5)


def test_messages_deleted_from_between_before_they_were_read_are_said(deploy, stream):
    d = deploy(stream, tiles=COUNT).start()
    stream.send(order())
    await_value(d, 1)
    client = d.stream("/api/events/stream")
    kill_saved_ingestor(d)
    stream.send(*[order() for _ in range(5)])
    stream.client.api(f"STREAM.MSG.DELETE.{stream.name}", seq=3)
    stream.client.api(f"STREAM.MSG.DELETE.{stream.name}", seq=6)
    d.start("ingestor")
    await_value(d, 4)
    await_reset(client)
    d["ingestor"].await_log("were gone before they could be read, from 3 on")
    d["ingestor"].await_log("were gone before they could be read, from 6 on")
    d.verify()


def test_a_stream_that_keeps_the_newest_of_each_subject_loses_nothing(deploy, server):
    stream = Stream(server, max_msgs_per_subject=1)
    stream.create()
    d = deploy(stream, tiles=COUNT).start()
    stream.send(order())
    await_value(d, 1)
    d["ingestor"].kill()
    stream.send(order(), order(), subject="a")
    stream.send(order(), subject="b")
    d.start("ingestor")
    await_value(d, 3)
    assert "were gone" not in d["ingestor"].log_text()


@pytest.mark.parametrize("running", [True, False])
def test_a_stream_that_is_made_anew_is_read_from_its_start(deploy, server, running):
    stream = Stream(server)
    stream.create()
    d = deploy(stream, tiles=COUNT).start()
    stream.send(*[order() for _ in range(3)])
    await_value(d, 3)
    client = d.stream("/api/events/stream")
    if not running:
        kill_saved_ingestor(d)
    stream.drop()
    stream.create()
    stream.send(*[order() for _ in range(5)])  # more than there were: the number of the last message says nothing
    if not running:
        d.start("ingestor")
    await_value(d, 8)
    d["ingestor"].await_log("was made anew")
    await_reset(client)
    d["ingestor"].kill()
    d.start("ingestor")
    stream.send(order())
    await_value(d, 9)
    wait_until(lambda: ids_of(d) == [1, 2, 3, 4, 5, 6], what="the events of the new one")


def test_a_server_that_is_killed_comes_back(deploy, own_server):
    stream = Stream(own_server)
    stream.create()
    d = deploy(stream, tiles=COUNT).start()
    stream.send(order())
    await_value(d, 1)
    own_server.stop()
    wait_until(lambda: d.request("/readyz")[0] == 503, what="the outage to be seen")
    wait_until(lambda: math.isnan(d.metric("source_lag")), what="nobody to know the lag")
    own_server.start()
    stream.connect()
    stream.send(order())
    await_value(d, 2)
    wait_until(lambda: d.request("/readyz")[0] == 200, what="ready again")
    wait_until(lambda: d.metric("source_lag") == 0, what="the lag")
    d.verify()


def test_a_server_that_hangs_is_noticed(deploy, own_server):
    stream = Stream(own_server)
    stream.create()
    d = deploy(stream, tiles=COUNT).start()
    stream.send(order())
    await_value(d, 1)
    own_server.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: d.request("/readyz")[0] == 503, what="the outage to be seen")
    own_server.process.send_signal(signal.SIGCONT)
    stream.send(order())
    await_value(d, 2)


def test_a_stream_in_memory_that_died_with_its_server_is_made_anew(deploy, own_server):
    stream = Stream(own_server, storage="memory")
    stream.create()
    d = deploy(stream, tiles=COUNT).start()
    stream.send(order(), order())
    await_value(d, 2)
    own_server.stop()
    own_server.start()
    d["ingestor"].await_log("has no stream")
    stream.connect()
    stream.create()
    stream.send(order())
    await_value(d, 3)


@pytest.mark.parametrize("came", [0, 5])
def test_a_server_that_was_restored_from_an_older_backup(deploy, own_server, came):
    """The stream has the same name and the same birthday. What came after the backup is known by its time."""
    stream = Stream(own_server)
    stream.create()
    stream.send(order(), order())
    d = deploy(stream, tiles=COUNT).start()
    await_value(d, 2)
    own_server.stop(signal.SIGTERM)
    shutil.copytree(own_server.path / "data", own_server.path / "backup")
    own_server.start()
    stream.connect()
    stream.send(order(), order(), order())
    await_value(d, 5)
    wait_until(lambda: d.stats()["checkpoint_position"] == 5, what="the place to be saved")
    client = d.stream("/api/events/stream")
    d["ingestor"].kill()
    own_server.stop(signal.SIGTERM)
    shutil.rmtree(own_server.path / "data")
    shutil.move(own_server.path / "backup", own_server.path / "data")
    own_server.start()
    stream.connect()
    if came:
        stream.send(*[order() for _ in range(came)])
    d.start("ingestor")
    d["ingestor"].await_log("was set back" if came else "has lost 3 messages that were read")
    stream.send(order())
    await_value(d, 5 + came + 1)
    await_reset(client)


@pytest.mark.parametrize("query", ["?subjects={0}.orders.*", "?subjects={0}.orders.eu,{0}.orders.us"])
def test_subjects_say_which_messages_are_read(deploy, server, query):
    stream = Stream(server)
    stream.uri += query.format(stream.base)
    stream.create()
    d = deploy(stream, tiles=COUNT).start()
    stream.send(order(), order(), subject="orders.eu")
    stream.send(order(), subject="tickets.eu")
    stream.send(order(), subject="orders.us")
    stream.send(order(), subject="orders.us.north")
    await_value(d, 3)
    assert ids_of(d) == [1, 2, 4]
    d["ingestor"].kill()
    stream.send(order(), subject="tickets.eu")
    stream.send(order(), subject="orders.us")
    d.start("ingestor")
    await_value(d, 4)
    d.verify()
    wait_until(lambda: ids_of(d) == [1, 2, 4, 7], what="its events")


def test_limits_that_take_messages_of_other_subjects_take_nothing(deploy, server):
    stream = Stream(server, max_msgs=10)
    stream.uri += f"?subjects={stream.base}.orders"
    stream.create()
    d = deploy(stream, tiles=COUNT).start()
    stream.send(order(), subject="orders")
    await_value(d, 1)
    stream.send(*[order() for _ in range(30)], subject="tickets")
    wait_until(lambda: d.stats()["checkpoint_position"] == 31, what="the place behind them to be saved")
    d["ingestor"].kill()
    d.start("ingestor")
    stream.send(order(), subject="orders")
    await_value(d, 2)
    assert "were gone" not in d["ingestor"].log_text()


def test_what_cannot_be_used_is_counted_and_passed_over(deploy, stream):
    d = deploy(stream, tiles=COUNT).start()
    stream.send(b"no json", b"[1]", b"", json.dumps({"timestamp": "never", "event_type": "order.created"}), json.dumps({"timestamp": now_iso()}))
    stream.send(b"", headers=[("KV-Operation", "DEL")])
    stream.send(order())
    await_value(d, 1)
    await_unusable(d, 5)
    d.verify()


def test_fields_are_where_the_file_says(deploy, stream):
    stream.source = {"fields": {"event_type": "header.Kind", "actor_id": "value.who.name", "target_id": "header.X-Id", "timestamp": "timestamp",
                                "summary": "subject", "payload": "value.data", "price": "value.price"}}
    tiles = [{"key": "dear", "type": "count", "match": {"price": "12.5", "event_type": "sold"}}]
    d = deploy(stream, tiles=tiles).start()
    stream.send(json.dumps({"who": {"name": "ada"}, "price": 12.5, "data": {"n": 1}}), headers=[("Kind", "lent"), ("Kind", "sold"), ("X-Id", "o7")])
    await_value(d, 1, "dear")
    event = all_events(d)[-1]
    assert (event["event_type"], event["actor_id"], event["target_id"], event["summary"]) == ("sold", "ada", "o7", f"{stream.base}.order")
    d.verify()


def test_cloudevents_of_both_modes(deploy, stream):
    stream.source = {"format": "cloudevents"}
    tiles = [{"key": "eu", "type": "count", "match": {"event_type": "com.shop.sold", "payload.region": "eu"}}]
    d = deploy(stream, tiles=tiles).start()
    event = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "com.shop.sold", "subject": "o1", "time": now_iso(), "data": {"region": "eu"}}
    stream.send(json.dumps(event))
    stream.send(json.dumps(event["data"]), headers=[(f"ce-{k}", v) for k, v in event.items() if k != "data"])
    stream.send(json.dumps({"no": "cloud event"}))
    await_value(d, 2, "eu")
    await_unusable(d, 1)
    d.verify()


def test_rows_of_tables_that_debezium_follows(deploy, stream):
    """Its server writes no key to NATS, so the row says which one it is; and no message stands for the end of a row but its deletion."""
    stream.source = {"format": "debezium", "fields": {"target_id": "change.row.id"}}
    states = {"orders.created": "open", "orders.updated": "waiting", "orders.deleted": None}
    d = deploy(stream, tiles=[{"key": "open", "type": "backlog", "item": "target_id", "states": states}]).start()

    def change(op, before, after):
        stream.send(json.dumps({"op": op, "before": before, "after": after, "source": {"table": "orders"}, "ts_ms": 1_700_000_000_001}))

    new, paid = ({"id": 7, "state": state} for state in ("new", "paid"))
    change("c", None, new)
    change("c", None, {"id": 8, "state": "new"})
    change("u", new, paid)
    wait_until(lambda: len(all_events(d)) == 3 and d.tile("open")["data"]["buckets"] == {"open": 1, "waiting": 1}, what="a row that is updated")
    change("d", paid, None)
    wait_until(lambda: d.tile("open")["data"]["total"] == 1, what="the row to be gone")
    assert [e["target_id"] for e in all_events(d)] == ["7", "8", "7", "7"]
    await_unusable(d, 0)
    d.verify()


def test_a_tile_that_is_added_is_built_from_the_messages_that_are_there(deploy, stream):
    d = deploy(stream, tiles=COUNT).start()
    stream.send(*[order() for _ in range(5)])
    await_value(d, 5)
    d.config["tiles"].append({"key": "all", "type": "count"})
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_value(d, 5, "all")
    assert d.tile("all")["complete"]
    d.verify()
    stream.api("PURGE", seq=3)
    d.config["tiles"].append({"key": "late", "type": "count"})
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_value(d, 3, "late")
    assert not d.tile("late")["complete"]


def most_memory(d):
    """MiB that the ingestor ever had."""
    status = pathlib.Path(f"/proc/{d['ingestor'].process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


@pytest.mark.memory
def test_memory_is_bounded_when_messages_are_large(deploy, stream):
    """Also of those that are read again for the event log."""
    large = order(payload={"text": "x" * 900_000})
    for _ in range(50):
        stream.send(*[large] * 10)
    d = deploy(stream, tiles=COUNT)
    d["ingestor"].start()
    wait_until(lambda: d.stats().get("source_lag", 0) > 0, what="messages that wait to be read")
    d.start("cache", "gateway0", "gateway1")
    await_value(d, 500)
    wait_until(lambda: d.stats()["source_lag"] == 0, what="none that waits")
    running = most_memory(d)
    d["ingestor"].kill()
    d.start("ingestor")
    stream.send(order())
    await_value(d, 501)
    assert running < 250 and most_memory(d) < 250, (running, most_memory(d))
    assert len(ids_of(d)) > 10
