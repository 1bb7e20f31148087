"""WebSockets: what subscribers get, what breaks the rules of RFC 6455, and what that is answered with."""
import json

import pytest

from tilewire import now_iso, wait_until
from websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket, close_frame, frame


@pytest.fixture
def gateway(deploy, sqlite_table):
    return deploy(sqlite_table, gateways=1).start()


def connect(d, *arguments, gateway=0, **options):
    ws = WebSocket(d.gateway_ports[gateway], *arguments, **options)
    d.clients.append(ws)
    return ws


def insert(d, event, target="x", payload=None):
    return d.table.insert([(now_iso(), event, "ada", target, None, json.dumps(payload) if payload is not None else None)])


def keys_of(messages):
    return {m["key"] for m in messages if m["event"] == "tile"}


def new_data(message):
    """Of a tile or a patch."""
    return message.get("data") or message["patch"].get("data", {})


def test_subscribing_and_unsubscribing(gateway):
    d = gateway
    ws = connect(d, {"Sec-WebSocket-Protocol": "other, tilewire.v1"})
    assert ws.status == 101 and ws.headers["sec-websocket-protocol"] == "tilewire.v1"
    assert ws.until_pong(b"0") == []
    ws.say(subscribe=["orders.ever", "work.*"])
    assert keys_of(ws.until_pong(b"1")) == {"orders.ever", "work.backlog"}
    insert(d, "order.created", "o1")
    tile = ws.await_message(lambda m: m["event"] == "tile" and m["key"] == "orders.ever")
    assert tile["data"] == {"value": 1} and tile["id"]
    assert {k: v for k, v in tile.items() if k not in ("event", "id")} == d.tile("orders.ever")
    ws.say(subscribe=["queue.depth", "orders.ever"])
    insert(d, "metrics.updated", payload={"metric": "queue.depth", "value": 7})
    ws.await_message(lambda m: m.get("key") == "queue.depth" and m["data"].get("value") == 7)
    ws.say(unsubscribe=["orders.ever", "never subscribed"])
    insert(d, "order.created", "o2")
    insert(d, "work_item_created", "w1")
    ws.await_message(lambda m: m.get("key") == "work.backlog" and m["data"]["total"] == 1 or m.get("key") == "orders.ever" and 1 / 0)
    ws.say(unsubscribe=["work.*", "queue.depth"])
    assert ws.until_pong(b"2") == []
    ws.say(subscribe=["*"])
    assert keys_of(ws.until_pong(b"3")) == {t["key"] for t in d.get_json("/api/tiles")["tiles"]}
    ws.send(close_frame(1000, b"bye"))
    assert ws.closed() == (1000, "")
    wait_until(lambda: d.metric("streams") == 0)


def test_what_one_has_is_not_sent_again(gateway):
    d = gateway
    ws = connect(d)
    ws.say(subscribe=["orders.*"])
    insert(d, "order.created", "o1")
    ws.await_message(lambda m: m.get("key") == "orders.ever" and m["data"]["value"] == 1)
    ws.until_pong(b"0")
    ws.say(subscribe=["queue.*"])
    assert keys_of(ws.until_pong(b"1")) >= {"queue.depth", "queue.now"}
    ws.say(subscribe=["orders.ever"])
    assert "orders.ever" not in keys_of(ws.until_pong(b"2")), "it is selected already"
    insert(d, "order.created", "o2")
    ws.await_message(lambda m: m.get("key") == "orders.ever" and m["data"]["value"] == 2)


def test_raw_events(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    ws = connect(d)
    ws.say(subscribe=["order.*"], stream="events")
    ws.until_pong(b"0")
    first = insert(d, "order.created")
    insert(d, "work_item_created")
    last = insert(d, "order.shipped")
    event = ws.read()
    assert ws.read()["id"] == last
    assert event == {"event": "order.created", **d.get_json("/api/events?limit=3")["events"][2]}
    ws.say(subscribe=["work_item_*"])
    ws.until_pong(b"1")
    insert(d, "work_item_done")
    assert ws.read()["event"] == "work_item_done"
    again = connect(d, gateway=1)
    again.say(subscribe=["*"], stream="events", cursor=first)
    assert [again.read()["event"] for _ in range(3)] == ["work_item_created", "order.shipped", "work_item_done"]
    ws.say(subscribe=["orders.*"], stream="tiles")
    assert ws.closed()[0] == 1008


def test_resuming_by_cursor(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    insert(d, "order.created")
    first = connect(d)
    first.say(subscribe=["*"], form="patch")
    first.await_message(lambda m: m.get("key") == "orders.ever" and new_data(m) == {"value": 1})
    messages = first.until_pong(b"0")
    cursor = messages[-1]["id"] if messages else d.get_json("/api/tiles")["cursor"]
    first.close()
    insert(d, "work_item_created", "w1")
    second = connect(d, gateway=1)
    second.say(subscribe=["*"], form="patch", cursor=cursor)
    second.await_message(lambda m: m.get("key") == "work.backlog" and new_data(m).get("total") == 1)
    third = connect(d)
    third.say(subscribe=["orders.ever"], cursor="nonsense")
    assert third.read() == {"event": "reset"}
    assert third.read()["key"] == "orders.ever"
