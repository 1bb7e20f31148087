# SPDX-License-Identifier: Apache-2.0
"""A stream of Redis as the source, against a real server: nothing lost, nothing twice, whatever happens to server, stream and programs."""
import json
import math
import os
import pathlib
import re
import signal

import pytest

import test_check_connect
import test_dedupe
from redis_streams import Stream, throw_away_server
from test_crashes import Resuming, Writer
from test_cursor import text_ids
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
def entries(server):
    made = Stream(server)
    yield made
    made.close()


def order(**more):
    return json.dumps({"timestamp": now_iso(), "event_type": "order.created", "target_id": "o1", **more})


def value(d, key="orders"):
    status, _, body = d.request(f"/api/tiles/{key}")
    return json.loads(body)["data"]["value"] if status == 200 else None


def await_value(d, expected, timeout=PATIENCE, key="orders"):
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
        wait_until(lambda g=gateway: len(all_events(d, g)) == 200, what="all entries")
    d.verify()
    ids = entries.ids()
    assert [e["id"] for e in all_events(d)] == [e["id"] for e in all_events(d, 1)] == ids
    stream = d.stream("/api/events/stream", 1, last_event_id=ids[150])
    wait_until(lambda: len(text_ids(stream)) >= 49, what="what is behind it")
    assert text_ids(stream) == ids[151:]
    wait_until(lambda: d.stats().get(f"source_lag.{entries.name}") == 0, what="the lag")
    wait_until(lambda: d.metric("source_lag", 1) == 0, what="the lag at the gateway")


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
        wait_until(lambda n=before: client.keep_up() or len(client.ids()) > n + 200, what="entries")
        d[victim].kill()
        d.start(victim)
    writer.stop()
    expected = entries.ids()
    wait_until(lambda: client.keep_up() or len(set(client.ids())) == len(expected), what="all entries")
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


@pytest.mark.parametrize("behind", [True, False])
def test_a_duplicate_of_what_is_gone_is_no_news(deploy, entries, behind):
    """Nobody can tell any more that it is one: so the tile cannot be proved, and is not wrong."""
    d = deploy(entries, tiles=COUNT, config=test_dedupe.DEDUPE).start()
    first = entries.send(order(payload={"event_id": "a"}))
    entries.send(order(payload={"event_id": "b"}))
    await_value(d, 2)
    entries.redis.xdel(entries.name, first)
    entries.send(order(payload={"event_id": "a"}))
    if behind:
        entries.send(order(payload={"event_id": "c"}))
    await_value(d, 2 + behind)
    wait_until(lambda: d.stats()["events_duplicate"] == 1, what="the duplicate to be read")
    result = d.run("verify", "--timeout", "5s")
    assert result.returncode == 3, result.stdout
    assert "lacks what has happened since" not in result.stdout


def test_what_was_trimmed_after_it_was_folded_stays_in_the_tiles(deploy, entries):
    d = deploy(entries, tiles=COUNT).start()
    for _ in range(5):
        entries.send(order())
    await_value(d, 5)
    wait_until(lambda: d.stats()["checkpoint_position"] == 5, what="the state to be saved")
    entries.redis.xtrim(entries.name, maxlen=0, approximate=False)
    entries.send(order())
    await_value(d, 6)
    d["ingestor"].kill()
    d.start("ingestor")
    entries.send(order())
    await_value(d, 7)
    assert "gone before they could be read" not in d["ingestor"].log_text()
    result = d.run("verify", "--timeout", "5s")
    assert result.returncode == 3, result.stdout  # unprovable: five entries are gone


@pytest.mark.parametrize("how", ["trimmed", "deleted"])
def test_what_is_gone_before_it_was_read_is_said(deploy, entries, how):
    d = deploy(entries, tiles=COUNT).start()
    entries.send(order())
    await_value(d, 1)
    stream = d.stream("/api/events/stream")
    kill_saved_ingestor(d)
    ids = [entries.send(order()) for _ in range(5)]
    if how == "trimmed":
        entries.redis.xtrim(entries.name, minid=ids[3], approximate=False)
    else:
        entries.redis.xdel(entries.name, *ids[1:4])
    d.start("ingestor")
    await_value(d, 3)
    d["ingestor"].await_log("3 entries of stream")
    wait_until(reset_told(stream), what="reset")


def test_a_burst_that_is_trimmed_while_it_is_read(deploy, entries):
    """As many as were lost are said to be lost, and no more count than were there."""
    d = deploy(entries, tiles=COUNT).start()
    entries.send(order())
    await_value(d, 1)
    for _ in range(20):
        pipe = entries.redis.pipeline(transaction=True)  # within it nobody reads
        for _ in range(50):
            pipe.xadd(entries.name, {"data": order()}, maxlen=10, approximate=False)
        pipe.execute()
    entries.send(order())
    wait_until(lambda: lost(d) + (value(d) or 0) == 1002, what="what was read and what was lost to be all")
    assert lost(d) >= 800


def lost(d):
    return sum(int(n) for n in re.findall(r"(\d+) entries of stream", d["ingestor"].log_text()))


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("how", ["deleted", "flushed"])
def test_a_stream_that_is_made_anew_is_read_from_its_start(deploy, own_server, running, how):
    """Whether its ids go back or not."""
    entries = Stream(own_server)
    d = deploy(entries, tiles=COUNT).start()
    for i in range(3):
        entries.send(order(), id=f"{10 + i}-0")
    await_value(d, 3)
    stream = d.stream("/api/events/stream")
    if not running:
        kill_saved_ingestor(d)
    if how == "deleted":
        entries.redis.delete(entries.name)
    else:
        entries.redis.flushall()
    for i in range(5):
        entries.send(order(), id=f"{9 + i}-0")  # 10-0 to 12-0 were read, as others
    if not running:
        d.start("ingestor")
    await_value(d, 8)
    d["ingestor"].await_log("was made anew")
    wait_until(reset_told(stream), what="reset")
    entries.send(order())
    await_value(d, 9)


def test_a_stream_that_is_deleted_and_comes_back_later(deploy, entries):
    d = deploy(entries, tiles=COUNT).start()
    for _ in range(3):
        entries.send(order())
    await_value(d, 3)
    entries.redis.delete(entries.name)
    d["ingestor"].await_log("is not there any more")
    entries.send(order(), id="1-0")
    entries.send(order())
    await_value(d, 5)


@pytest.mark.parametrize("again", [False, True])
def test_a_restart_from_an_older_copy(deploy, own_server, again):
    """What was read counts once, and what comes then counts, also at ids that were used before."""
    entries = Stream(own_server)
    d = deploy(entries, tiles=COUNT).start()
    for i in range(100):
        entries.send(order(), id=f"{1000 + i}-0")
    await_value(d, 100)
    entries.redis.save()
    for i in range(100, 200 if again else 120):
        entries.send(order(), id=f"{1000 + i}-0")
    await_value(d, 200 if again else 120)
    stream = d.stream("/api/events/stream")
    own_server.stop("KILL")
    own_server.start()
    entries.connect()
    if again:
        for i in range(150, 200):
            entries.send(order(other=i), id=f"{1000 + i}-0")
    else:
        entries.send(order(), id="1110-0")
    expected = 250 if again else 121
    await_value(d, expected)
    d["ingestor"].await_log("has lost entries that were read")
    wait_until(reset_told(stream), what="reset")
    entries.send(order())
    await_value(d, expected + 1)


def test_a_failover_to_a_replica_that_lacks_the_newest_entries(deploy, own_server):
    """It is reached at the address of the old primary, as by a name that is moved."""
    entries = Stream(own_server)
    d = deploy(entries, tiles=COUNT).start()
    with throw_away_server(replicaof=f"127.0.0.1 {own_server.port}") as replica:
        for _ in range(10):
            entries.send(order())
        await_value(d, 10)
        copy = replica.client()
        wait_until(lambda: copy.exists(entries.name) and copy.xlen(entries.name) == 10, what="the replica")
        copy.execute_command("REPLICAOF", "NO", "ONE")
        for _ in range(5):
            entries.send(order())
        await_value(d, 15)
        stream = d.stream("/api/events/stream")
        copy.save()
        replica.stop()
        own_server.stop("KILL")
        replica.port, replica.options = own_server.port, {}
        replica.start()
        entries.connect()
        for _ in range(2):
            entries.send(order())
        await_value(d, 17)
        d["ingestor"].await_log("has lost entries that were read")
        wait_until(reset_told(stream), what="reset")


def test_a_server_that_is_killed_comes_back(deploy, own_server):
    entries = Stream(own_server)
    d = deploy(entries, tiles=COUNT).start()
    entries.send(order())
    await_value(d, 1)
    entries.redis.save()
    own_server.stop("KILL")
    wait_until(lambda: d.request("/readyz")[0] == 503, what="the outage to be seen")
    wait_until(lambda: math.isnan(d.metric("source_lag")), what="nobody to know the lag")
    own_server.start()
    entries.connect()
    entries.send(order())
    await_value(d, 2)
    wait_until(lambda: d.request("/readyz")[0] == 200, what="ready again")
    wait_until(lambda: d.metric("source_lag") == 0, what="the lag")
    d.verify()


def test_a_server_that_hangs_is_seen(deploy, own_server):
    entries = Stream(own_server)
    d = deploy(entries, tiles=COUNT).start()
    entries.send(order())
    await_value(d, 1)
    pid = int((own_server.path / "pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: d.request("/readyz")[0] == 503, what="the outage to be seen")
    finally:
        os.kill(pid, signal.SIGCONT)
    entries.send(order())
    await_value(d, 2)


def test_what_cannot_be_used_is_counted_and_passed_over(deploy, entries):
    d = deploy(entries, tiles=COUNT).start()
    for bad in (b"no json", b"[1]", b"\xff\xfe", json.dumps({"timestamp": "never", "event_type": "order.created"}), json.dumps({"timestamp": now_iso()})):
        entries.send(bad)
    entries.send("\n" + order())
    await_value(d, 1)
    wait_until(lambda: unusable(d) == 5)
    entries.send(json.dumps({"event_type": "order.created"}), id="9000000000000-0")  # it waits for its time
    entries.send(json.dumps({"event_type": "order.created"}), id="253402300800000-0")
    wait_until(lambda: unusable(d) == 6)
    d.verify()


def test_fields_are_where_the_file_says(deploy, entries):
    entries.source = {"redis": {"field": "body"}, "fields": {"event_type": "header.kind", "actor_id": "value.who.name", "target_id": "key",
                                                              "timestamp": "value.at", "summary": "topic", "payload": "value.data", "price": "value.price"}}
    d = deploy(entries, tiles=[{"key": "dear", "type": "count", "match": {"price": "12.5", "event_type": "sold"}}]).start()
    entries.send(json.dumps({"who": {"name": "ada"}, "at": now_iso(), "price": 12.5, "data": {"n": 1}}), field="body", key="o7", kind="sold")
    entries.send(None, key="o7", kind="sold")  # without a body
    await_value(d, 1, key="dear")
    wait_until(lambda: unusable(d) == 1)
    event = all_events(d)[-1]
    assert (event["event_type"], event["actor_id"], event["target_id"], event["summary"]) == ("sold", "ada", "o7", entries.name)
    d.verify()


def test_an_entry_that_is_its_own_payload(deploy, entries):
    tiles = [{"key": "sum", "type": "count", "value": "payload.amount"}, {"key": "deep", "type": "count", "match": {"payload.at.city": "ulm"}}]
    d = deploy(entries, tiles=tiles[1:]).start()
    entries.send(None, event_type="sold", amount="12.50", at='{"city": "ulm"}')
    await_value(d, 1, key="deep")
    d.verify()


def test_cloudevents_of_both_modes(deploy, entries):
    entries.source = {"format": "cloudevents"}
    d = deploy(entries, tiles=[{"key": "eu", "type": "count", "match": {"event_type": "com.shop.sold", "payload.region": "eu"}}]).start()
    event = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "com.shop.sold", "subject": "o1", "time": now_iso(), "data": {"region": "eu"}}
    entries.send(json.dumps(event))
    entries.send(json.dumps(event["data"]), **{f"ce_{k}": v for k, v in event.items() if k != "data"})
    entries.send(json.dumps({"no": "cloud event"}))
    await_value(d, 2, key="eu")
    wait_until(lambda: unusable(d) == 1)
    assert {(e["actor_id"], e["target_id"]) for e in all_events(d)} == {("/shop", "o1")}
    d.verify()


@pytest.mark.parametrize("extended", [False, True])
def test_rows_of_tables_that_debezium_follows(deploy, entries, extended):
    """Its server writes the key as the name of the one field, or into one of its own."""
    entries.source = {"format": "debezium"}
    states = {"orders.created": "open", "orders.updated": "open", "orders.deleted": None}
    d = deploy(entries, tiles=[{"key": "open", "type": "backlog", "item": "target_id", "states": states}]).start()
    key = json.dumps({"id": 7})
    for op in "cud":
        change = json.dumps({"op": op, "before": None, "after": None, "source": {"table": "orders"}, "ts_ms": 1_700_000_000_001})
        entries.send(change, **({"field": "value", "key": key} if extended else {"field": key}))
        wait_until(lambda o=op: len(all_events(d)) == "cud".index(o) + 1, what="the change")
    wait_until(lambda: d.tile("open")["data"]["total"] == 0, what="the row to be gone")
    assert {e["target_id"] for e in all_events(d)} == {"7"}
    assert unusable(d) == 0
    d.verify()


def test_entries_of_one_millisecond_are_in_their_order(deploy, entries):
    """The tenth comes behind the ninth, though not as a text."""
    states = {"opened": "open", "closed": None}
    d = deploy(entries, tiles=[{"key": "open", "type": "backlog", "item": "target_id", "states": states}]).start()
    for i in range(12):
        kind = "closed" if i == 10 else "opened"
        entries.send(None, event_type=kind, target_id="a" if i in (9, 10) else f"o{i}", id=f"1700000000000-{i}")
    wait_until(lambda: len(all_events(d)) == 12, what="all entries")
    wait_until(lambda: d.tile("open")["data"]["total"] == 10, what="all but the closed one")
    d.verify()


def test_verify_knows_the_order_of_the_stream(deploy, entries):
    """Of the entries that the event log has dropped, those that stand before the others are behind its floor."""
    d = deploy(entries, tiles=COUNT, config={"ingestor": {"events": 50}}).start()
    entries.insert([(now_iso(), "order.created", "ada", f"o{i}", None, None) for i in range(120)])
    await_value(d, 120)
    d.verify()


def test_a_tile_that_is_added_is_built_from_the_entries_that_are_there(deploy, entries):
    d = deploy(entries, tiles=COUNT).start()
    for _ in range(5):
        entries.send(order())
    await_value(d, 5)
    d.config["tiles"].append({"key": "all", "type": "count"})
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_value(d, 5, key="all")
    assert d.tile("all")["complete"]
    d.verify()
    entries.redis.xtrim(entries.name, maxlen=2, approximate=False)
    d.config["tiles"].append({"key": "late", "type": "count"})
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_value(d, 2, key="late")
    wait_until(lambda: d.tile("late")["complete"] is False, what="that older ones are gone to be said")


def test_a_user_a_password_and_a_database(deploy, folder):
    with throw_away_server() as server:
        server.client().execute_command("ACL", "SETUSER", "reader", "on", ">secret", "~stream:*", "+xread", "+xrange", "+xinfo|stream", "+select")
        server.client().config_set("requirepass", "other")
        server.client = lambda **options: type(server).client(server, password="other", **options)
        entries = Stream(server, database=3)
        d = deploy(entries, tiles=COUNT)
        d["ingestor"].start()
        d["ingestor"].await_log("it wants a password: .*source.password_file")
        d["ingestor"].kill()
        secret = folder / "secret"
        secret.write_text("wrong\n")
        secret.chmod(0o600)
        d.config["source"].update(password_file=str(secret), redis={"database": 3, "user": "reader"})
        d.write()
        d["ingestor"].start()
        d["ingestor"].await_log("the user or the password is wrong")
        secret.write_text("secret\n")
        entries.send(order())
        d.start("cache", "gateway0", "gateway1")
        await_value(d, 1)
        d.verify()
        test_check_connect.has(test_check_connect.connect(d)[1], "ok", "source", "has 1 entry")
        entries.redis.execute_command("ACL", "SETUSER", "reader", "-xinfo|stream")
        test_check_connect.has(test_check_connect.connect(d)[1], "error", "source", "NOPERM", "+xinfo|stream")
        d["ingestor"].await_log("the user lacks a right")


def test_a_key_that_is_no_stream_and_a_database_that_is_not_there(deploy, entries):
    entries.redis.set(entries.name, "text")
    d = deploy(entries, tiles=COUNT)
    d["ingestor"].start()
    d["ingestor"].await_log("that key holds something else than a stream")
    entries.redis.delete(entries.name)
    entries.send(order())
    d.start("cache", "gateway0", "gateway1")
    await_value(d, 1)
    d["ingestor"].kill()
    d.config["source"]["redis"] = {"database": 99}
    d.write()
    d["ingestor"].start()
    d["ingestor"].await_log("it has no such database: see source.redis.database")


def most_memory(d):
    """MiB that the ingestor ever had."""
    status = pathlib.Path(f"/proc/{d['ingestor'].process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


@pytest.mark.memory
def test_memory_is_bounded_when_entries_are_large(deploy, entries):
    """Also of those that are read again for the event log; and one that is larger than all of that is passed over."""
    d = deploy(entries, tiles=COUNT)
    for _ in range(300):
        entries.send(order(payload={"text": "x" * 900_000}))
    d["ingestor"].start()
    wait_until(lambda: d.stats().get(f"source_lag.{entries.name}", 0) > 0, what="entries that wait to be read")
    d.start("cache", "gateway0", "gateway1")
    await_value(d, 300)
    entries.send("x" * (200 << 20))
    entries.send(order())
    await_value(d, 301)
    wait_until(lambda: unusable(d) == 1)
    running = most_memory(d)
    d["ingestor"].kill()
    d.start("ingestor")
    entries.send(order())
    await_value(d, 302)
    assert running < 220 and most_memory(d) < 130, (running, most_memory(d))  # 148 to 171, and 60 to 79 were measured
    assert len(all_events(d)) > 10
