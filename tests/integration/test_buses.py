# SPDX-License-Identifier: Apache-2.0
"""What is promised of every bus in the same words, with a real server of each."""
import json
import threading

import pytest

import nats
import redis_streams
import test_event_ids
from kafka import Topics
from test_kafka import COUNT, all_events, await_value, order
from test_long_polling import Asking, waiting
from test_verify_gone import change_value, keys, relay, verify  # noqa: F401 (a fixture)
from tilewire import PATIENCE, now_iso, wait_until
from websocket import WebSocket


@pytest.fixture(scope="module")
def nats_server():
    with nats.throw_away_server() as made:
        yield made


@pytest.fixture(scope="module")
def redis_server():
    with redis_streams.throw_away_server() as made:
        yield made


def make_bus(kind, request):
    if kind == "kafka":
        bus = Topics(request.getfixturevalue("broker"))
        bus.create()
    elif kind == "nats":
        bus = nats.Stream(request.getfixturevalue("nats_server"))
        bus.create()
    else:
        bus = redis_streams.Stream(request.getfixturevalue("redis_server"))
    return bus


@pytest.fixture(params=["kafka", "nats", "redis"])
def bus(request):
    made = make_bus(request.param, request)
    yield made
    made.close()


@pytest.fixture(params=["nats", "redis"])
def one_stream(request):
    """A bus whose messages have one order."""
    made = make_bus(request.param, request)
    yield made
    made.close()


def shown(ids):
    return [str(i) for i in ids]


def listed(d):
    return shown(e["id"] for e in all_events(d))


def told_by_websocket(d, cursor, count):
    socket = WebSocket(d.gateway_ports[0])
    socket.say(subscribe=["*"], stream="events", cursor=cursor)
    told = [socket.await_message(lambda m: m["event"] != "heartbeat") for _ in range(count)]
    socket.close()
    return shown(m["id"] for m in told)


def told_by_stream(d, path, count, **options):
    stream = d.stream(path, **options)
    wait_until(lambda: len(said := [e["id"] for e in stream.events if e["event"] != "heartbeat"]) >= count and said, what="what is behind it")
    return [e["id"] for e in stream.events if e["event"] != "heartbeat"]


def test_each_face_goes_on_behind_an_id_over_a_restart_of_the_gateway(deploy, bus):
    """Nothing is lost or told twice, whichever way a client asks for what is behind the last id that it had."""
    d = deploy(bus, tiles=COUNT, gateways=1).start()
    for _ in range(6):
        bus.send(order())
    wait_until(lambda: len(listed(d)) == 6, what="the first events")
    before = listed(d)
    last = before[-1]
    assert told_by_stream(d, "/api/events/stream", 3, last_event_id=before[2]) == before[3:]
    d["gateway0"].kill()
    for _ in range(4):
        bus.send(order())
    d.start("gateway0")
    wait_until(lambda: len(listed(d)) == 10, what="the events that came meanwhile")
    new = listed(d)[6:]
    assert listed(d)[:6] == before
    assert told_by_stream(d, "/api/events/stream", 4, last_event_id=last) == new
    assert told_by_stream(d, f"/api/events/stream?lastEventId={last}", 4) == new
    assert told_by_websocket(d, last, 4) == new
    assert shown(e["id"] for e in d.get_json(f"/api/events?after={last}&wait=20s")["events"]) == new
    asking = Asking(d, f"/api/events?after={new[-1]}&wait=60s")
    waiting(d, 1)
    bus.send(order())
    status, _, body = asking.answer()
    asking.close()
    assert status == 200 and shown(e["id"] for e in json.loads(body)["events"]) == listed(d)[10:]
    d.verify()


def test_commands_speak_of_ids_and_positions(deploy, bus):
    d = deploy(bus, tiles=COUNT, gateways=1).start()
    bus.send(order())
    await_value(d, 1)
    (expected,) = shown(bus.ids())
    for source in ((), ("--from", "ingestor")):
        assert str(json.loads(d.run("--json", "events", *source, check=True).stdout.splitlines()[-1])["id"]) == expected
        assert d.run("events", *source, check=True).stdout.splitlines()[-1].split()[0] == expected
    assert d.stats()["position"] == 1  # of Kafka and Redis it counts messages; of NATS it is the sequence
    assert "position 1" in d.run("get", "orders", check=True).stdout
    wait_until(lambda: d.stats().get("source_lag") == 0, what="the lag to be known")
    said = d.run("stats", "--from", "ingestor", check=True).stdout
    name = getattr(bus, "name", None) or f"{bus.names[0]}-0"
    assert f"source_lag.{name}" in said and "source_lag_age_ms" in said
    wait_until(lambda: d.metric("source_lag") == 0, what="the gateway to know it")
    assert f'tilewire_gateway_partition_lag{{partition="{name}"}} 0\n' in d.request("/metrics", ports=d.admin_ports)[2].decode()
    # It prints changes of tiles as well, and which of the two comes first when it has begun to listen is open.
    tail, tailed = test_event_ids.lines([d.bin / "tilewire", "-c", d.file, "--json", "tail", "--events"], 1)
    heard = []
    listener = threading.Thread(target=lambda: heard.extend(tailed()))
    listener.start()

    def sent_and_heard():
        bus.send(order())
        return heard or tail.poll() is not None

    wait_until(sent_and_heard, what="an event that tail shows")
    listener.join(PATIENCE)
    assert heard and set(shown(heard)) <= set(shown(bus.ids()))


def test_verify_knows_the_order_of_ids_and_what_is_gone(deploy, one_stream):
    """Of equal times the greatest id counts, which as a text is none of the last ones. What is deleted from between can be proved no more."""
    latest = {"key": "last", "type": "trend", "aggregate": "last", "value": "payload.n", "step": "1h", "length": 24}
    d = deploy(one_stream, tiles=[latest, *COUNT], gateways=1).start()
    at = now_iso()
    for n in range(1, 13):
        value = json.dumps({"timestamp": at, "event_type": "order.created", "payload": {"n": n}})
        one_stream.send(value, **({"id": f"1700000000000-{n}"} if one_stream.kind == "redis" else {}))
    wait_until(lambda: list(d.tile("last")["data"]["points"].values()) == [12], what="the value of the greatest id")
    d.verify()
    if one_stream.kind == "redis":
        assert one_stream.redis.xdel(one_stream.name, "1700000000000-5", "1700000000000-12") == 2
    else:
        for sequence in (5, 12):
            one_stream.client.api(f"STREAM.MSG.DELETE.{one_stream.name}", seq=sequence)
    one_stream.send(order(payload={"n": 13}))
    await_value(d, 13)
    result = d.run("verify", "--timeout", "5s")
    assert result.returncode == 3, result.stdout
    assert "unprovable" in result.stdout and "wrong" not in result.stdout.replace("0 wrong", ""), result.stdout


def test_verify_finds_a_tile_that_is_wrong(deploy, bus, relay):  # noqa: F811
    """Its value is off, or it has fewer messages than there are."""
    d = deploy(bus, tiles=[*COUNT, {"key": "all", "type": "count"}], gateways=1).start()
    for _ in range(5):
        bus.send(order())
    await_value(d, 5)
    assert verify(d)["verdict"] == "equal"
    report = verify(d, address=relay(d, change_value("orders", 1)), timeout="300ms")
    assert keys(report["wrong"]) == {"orders"} and not report["unprovable"] and report["equal"] == 1, report
    assert report["wrong"][0]["verdict"] == "differs"

    def keep_back(key, tile):
        """As if a message had not come to the tile."""
        if key == "orders":
            tile["p"]["data"]["value"] -= 1
            tile["m"][0] -= 1

    report = verify(d, address=relay(d, keep_back), timeout="300ms")
    assert keys(report["wrong"]) == {"orders"} and report["wrong"][0]["verdict"] == "lacks", report
