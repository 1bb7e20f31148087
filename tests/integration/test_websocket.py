# SPDX-License-Identifier: Apache-2.0
"""WebSockets: what subscribers get, what breaks the rules of RFC 6455, and what that is answered with."""
import http.client
import json

import pytest

from tilewire import PATIENCE, now_iso, wait_until
from websocket import BINARY, CLOSE, CONTINUATION, HEADERS, PING, PONG, TEXT, WebSocket, close_frame, frame


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
    assert d.metric("websockets") == d.metric("streams") == 1
    ws.say(subscribe=["orders.ever", "work.b*"])
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
    ws.await_message(lambda m: (m.get("key") == "work.backlog" and m["data"]["total"] == 1) or (m.get("key") == "orders.ever" and 1 / 0))
    ws.say(unsubscribe=["work.b*", "queue.depth"])
    assert ws.until_pong(b"2") == []
    ws.say(subscribe=["*"])
    assert keys_of(ws.until_pong(b"3")) == {t["key"] for t in d.get_json("/api/tiles")["tiles"]}
    ws.send(close_frame(1000, b"bye"))
    assert ws.closed() == (1000, "")
    ws.close()
    wait_until(lambda: d.metric("streams") == 0)
    assert d.metric("websockets") == 0 and d.metric("websockets_opened_total") == 1


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
    whole = connect(d)
    whole.say(subscribe=["*"], stream="events", cursor="0")
    assert whole.read()["id"] == first
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


LONG = b"x" * 20000
BROKEN = {  # what is sent after a subscription: (bytes, code of the close, part of its reason)
    "unmasked": (frame(TEXT, b'{"subscribe":[]}', mask=False), 1002, "masked"),
    "unmasked and empty": (frame(PING, mask=False), 1002, "masked"),
    "reserved bit 1": (frame(TEXT, b"{}", rsv=4), 1002, "reserved"),
    "reserved bit 2": (frame(TEXT, b"{}", rsv=2), 1002, "reserved"),
    "reserved bit 3": (frame(PING, b"", rsv=1), 1002, "reserved"),
    "opcode 3": (frame(3, b"x"), 1002, "opcode"),
    "opcode 7": (frame(7), 1002, "opcode"),
    "control opcode 11": (frame(11, b"x"), 1002, "opcode"),
    "control opcode 15": (frame(15), 1002, "opcode"),
    "ping in fragments": (frame(PING, b"x", fin=False), 1002, "control"),
    "close in fragments": (frame(CLOSE, fin=False), 1002, "control"),
    "long ping": (frame(PING, b"x" * 126), 1002, "control"),
    "long close": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002, "control"),
    "length in 2 bytes, not 1": (frame(TEXT, b'{"subscribe":[]}', length_bytes=2), 1002, "length"),
    "length in 8 bytes, not 1": (frame(TEXT, b'{"subscribe":[]}', length_bytes=8), 1002, "length"),
    "length in 8 bytes, not 2": (frame(TEXT, b'{"subscribe":["' + b"x" * 200 + b'"]}', length_bytes=8), 1002, "length"),
    "length of 64 bits": (bytes([0x81, 0xff]) + b"\xff" * 8 + b"keyk" + b"x", 1002, "length"),
    "continuation of nothing": (frame(CONTINUATION, b"x"), 1002, "continue"),
    "continuation after the end": (frame(TEXT, b'{"subscribe"', fin=False) + frame(CONTINUATION, b":[]}") + frame(CONTINUATION, b""), 1002, "continue"),
    "a message within another": (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002, "within"),
    "bad UTF-8": (frame(TEXT, b'{"subscribe":["\xff"]}'), 1007, "UTF-8"),
    "UTF-8 cut off": (frame(TEXT, b'{"a":"\xc3'), 1007, "UTF-8"),
    "surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007, "UTF-8"),
    "bad UTF-8 across fragments": (frame(TEXT, b"\xc3", fin=False) + frame(CONTINUATION, b"("), 1007, "UTF-8"),
    "half a close code": (frame(CLOSE, b"\x03"), 1002, "code"),
    "bad UTF-8 in a reason": (close_frame(1000, b"\xff"), 1007, "UTF-8"),
    "binary": (frame(BINARY, b"x"), 1003, "text"),
    "not JSON": (frame(TEXT, b"subscribe"), 1008, "JSON"),
    "no object": (frame(TEXT, b"[]"), 1008, "object"),
    "an empty message": (frame(TEXT, b""), 1008, "JSON"),
    "nothing wanted": (frame(TEXT, b"{}"), 1008, "subscribe"),
    "unknown member": (frame(TEXT, b'{"subscribe":[],"colour":"red"}'), 1008, "Members"),
    "no list": (frame(TEXT, b'{"subscribe":"orders.*"}'), 1008, "lists"),
    "no string": (frame(TEXT, b'{"subscribe":[1]}'), 1008, "pattern"),
    "two in one": (frame(TEXT, b'{"subscribe":["a,b"]}'), 1008, "pattern"),
    "NUL": (frame(TEXT, b'{"subscribe":["a\\u0000"]}'), 1008, ""),
    "bad pattern": (frame(TEXT, b'{"subscribe":["a b"]}'), 1008, "characters"),
    "nothing to subscribe to": (frame(TEXT, b'{"form":"patch"}'), 1008, "subscribe"),
    "bad form": (frame(TEXT, b'{"subscribe":["*"],"form":"whole"}'), 1008, "form"),
    "bad stream": (frame(TEXT, b'{"subscribe":["*"],"stream":1}'), 1008, "stream"),
    "bad cursor": (frame(TEXT, b'{"subscribe":["*"],"cursor":[]}'), 1008, "cursor"),
    "too many patterns": (frame(TEXT, json.dumps({"subscribe": [f"k{i}" for i in range(300)]})), 1008, "256"),
    "too long patterns": (frame(TEXT, json.dumps({"subscribe": ["x" * 5000]})), 1008, "4096"),
    "deep": (frame(TEXT, b'{"subscribe":' + b"[" * 5000 + b"]" * 5000 + b"}"), 1008, ""),
    "too big": (frame(TEXT, LONG), 1009, "big"),
    "too big, only announced": (bytes([0x81, 0xff]) + (1 << 40).to_bytes(8, "big") + b"keyk" + b"x", 1009, "big"),
    "too big in fragments": (frame(TEXT, LONG[:10000], fin=False) + frame(CONTINUATION, LONG[:10000]), 1009, "big"),
    "too many": (frame(PONG) * 200, 1008, "slow down"),
}
for bad in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000, 65535):
    BROKEN[f"close code {bad}"] = (close_frame(bad), 1002, "code")


def test_each_broken_rule_has_its_code(gateway):
    d = gateway
    healthy = connect(d)
    healthy.say(subscribe=["*"])
    for name, (sent, code, reason) in BROKEN.items():
        ws = connect(d)
        ws.say(subscribe=["orders.ever"])
        assert ws.read()["key"] == "orders.ever"
        ws.send(sent)
        got = ws.closed()
        assert got[0] == code and reason in got[1], (name, got)
        ws.close()
    insert(d, "order.created")
    healthy.await_message(lambda m: m.get("key") == "orders.ever" and m["data"]["value"] == 1)
    wait_until(lambda: d.metric("streams") == 1)
    codes = [code for _, code, _ in BROKEN.values()]
    assert d.metric("websockets_wrong_protocol_total") == codes.count(1002) + codes.count(1003)
    assert d.metric("websockets_bad_data_total") == codes.count(1007)
    assert d.metric("websockets_bad_request_total") + d.metric("websockets_too_fast_total") == codes.count(1008)
    assert d.metric("websockets_too_fast_total") == 1
    assert d.metric("websockets_too_big_total") == codes.count(1009)


def test_valid_frames_however_they_come(gateway):
    d = gateway
    ws = connect(d)
    text = frame(TEXT, b'{"subscribe":', fin=False) + frame(PING, b"between") + frame(CONTINUATION, b'["orders.ever"', fin=False) + \
        frame(CONTINUATION, b"", fin=False) + frame(CONTINUATION, b"]}")
    for i in range(len(text)):
        ws.send(text[i:i + 1])
    assert ws.read()["key"] == "orders.ever"
    assert ws.pongs == [b"between"]
    long = json.dumps({"subscribe": ["orders.ever"]}).encode() + b" " * 15000  # of a length in 2 bytes
    for part in (frame(TEXT, long) + frame(PING, b"x" * 125), frame(PING), frame(PONG, b"unasked")):
        ws.send(part)
    ws.until_pong(b"2")
    assert ws.pongs[-1] == b"2" and set(ws.pongs) <= {b"between", b"x" * 125, b"", b"2"}
    for code in (1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999, None):
        ws = connect(d)
        ws.send(frame(CLOSE) if code is None else close_frame(code, "adieu, ü".encode()))
        assert ws.closed()[0] == code
    assert d.metric("websockets_wrong_protocol_total") == 0


def test_after_a_close_nothing_counts(gateway):
    d = gateway
    ws = connect(d)
    ws.send(close_frame() + frame(TEXT, b'{"subscribe":["*"]}') + frame(3, b"x") + LONG)
    assert ws.closed() == (1000, "")
    ws.close()
    ws = connect(d)
    ws.send(frame(3, b"x"))
    for _ in range(5):
        ws.send(frame(TEXT, b'{"subscribe":["*"]}') + LONG)
    assert ws.closed()[0] == 1002
    ws.close()
    wait_until(lambda: d.metric("streams") == 0)


HANDSHAKES = {
    "no Upgrade": ({"Upgrade": None}, 426), "other Upgrade": ({"Upgrade": "h2c"}, 426), "no Connection": ({"Connection": None}, 426),
    "other Connection": ({"Connection": "keep-alive"}, 426), "no version": ({"Sec-WebSocket-Version": None}, 426),
    "old version": ({"Sec-WebSocket-Version": "8"}, 426), "no key": ({"Sec-WebSocket-Key": None}, 400),
    "short key": ({"Sec-WebSocket-Key": "c2hvcnQ="}, 400), "key of 17 bytes": ({"Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZmc="}, 400),
    "no base64": ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZ!=="}, 400), "other protocol": ({"Sec-WebSocket-Protocol": "graphql-ws"}, 400),
    "other origin": ({"Origin": "https://evil.example"}, 403), "origin null": ({"Origin": "null"}, 403),
    "other port": ({"Host": "ops.example:8080", "Origin": "http://ops.example:8081"}, 403),
    "longer name": ({"Host": "ops.example.evil", "Origin": "https://ops.example"}, 403),
    "own origin": ({"Host": "ops.example", "Origin": "https://ops.example"}, 101),
    "own origin and port": ({"Host": "ops.example:8080", "Origin": "http://OPS.example:8080"}, 101),
    "own origin, its port not said": ({"Host": "ops.example:443", "Origin": "https://ops.example"}, 101),
    "a listed origin": ({"Origin": "https://listed.example"}, 101),
    "lists of tokens": ({"Upgrade": "h2c, WebSocket", "Connection": "keep-alive , upgrade"}, 101),
    "extensions": ({"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}, 101),
}


def test_handshakes(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"cors_origins": ["https://listed.example"], "hosts": ["ops.example", "ops.example.evil"]}}).start()
    for name, (headers, status) in HANDSHAKES.items():
        ws = connect(d, headers)
        assert ws.status == status, name
        assert "sec-websocket-extensions" not in ws.headers
        if status == 426:
            assert ws.headers["upgrade"] == "websocket" and ws.headers["sec-websocket-version"] == "13"
        if status != 101:
            assert json.loads(ws.body)["status"] == status
        ws.close()
    others = [{"version": "HTTP/1.0"}, {"behind": frame(TEXT, b'{"subscribe":["*"]}')}, {"behind": b"GET /healthz HTTP/1.1\r\n\r\n"}]
    for options in others:
        assert connect(d, **options).status == 400, options
    again = http.client.HTTPConnection("127.0.0.1", d.gateway_ports[0], timeout=PATIENCE)
    again.request("GET", "/api/tiles")
    again.getresponse().read()
    again.request("GET", "/healthz", body=b"x" * 1000)
    again.getresponse().read()
    again.request("GET", "/api/ws", headers=HEADERS)
    assert again.sock.recv(65536).startswith(b"HTTP/1.1 101 "), "after other requests on the connection"
    again.close()
    refused = [status for _, status in HANDSHAKES.values() if status != 101]
    assert d.metric("websockets_refused_total") == len(refused) + len(others)
    assert d.metric("websockets_refused_origin_total") == refused.count(403)
    assert d.request("/api/ws", "POST")[0] == 405
    assert d.request("/api/ws", "HEAD")[0] == 426
    assert d.request("/api/ws")[0] == 426


def test_limits_are_configured(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": {"message": "1KiB", "frames_burst": 3, "frames_per_second": 1}}}).start()
    ws = connect(d)
    ws.say(subscribe=["orders.ever", *(f"tile{i}" for i in range(70))])
    assert ws.read()["key"] == "orders.ever"
    ws.send(frame(TEXT, b" " * 1025))
    assert ws.closed()[0] == 1009
    ws = connect(d)
    ws.send(frame(PONG) * 9)
    assert ws.closed()[0] == 1008


def test_draining_says_where_to_go(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    ws = connect(d)
    ws.say(subscribe=["*"])
    ws.until_pong(b"0")
    d["gateway0"].process.send_signal(15)
    assert ws.closed()[0] == 1001
    assert d["gateway0"].process.wait(PATIENCE) == 0
