# SPDX-License-Identifier: Apache-2.0
"""Everything is bounded in bytes: rows, tiles and askers of any size stop nobody, and what is cut says so."""
import contextlib
import json
import os
import re
import socket
import struct
import time

import pytest

from tilewire import PATIENCE, free_ports, now_iso, wait_until

MIB = 1 << 20
FIELD = 16 << 10
COLUMNS = ["c1", "c2", "c3", "c4", "c5"]


def resident_mib(program):
    with open(f"/proc/{program.process.pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) / 1024


def cpu_s(program):
    """Processor time of all its threads."""
    with open(f"/proc/{program.process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def add_columns(table):
    for column in COLUMNS:
        table.execute(f"ALTER TABLE events ADD COLUMN {column} TEXT")


def wide(table, text):
    """A row with that text in each of the columns that were added."""
    names = ", ".join(COLUMNS)
    marks = ", ".join("?" for _ in COLUMNS)
    table.db.execute(f"INSERT INTO events (timestamp, event_type, {names}) VALUES (?, 'order.created', {marks})", (now_iso(), *[text for _ in COLUMNS]))


def test_a_row_beyond_every_limit_stops_nobody(deploy, sqlite_table):
    """1 MiB of bytes that are no UTF-8, which are thrice as many when they are sent, and 5 MiB of plain letters."""
    add_columns(sqlite_table)
    d = deploy(sqlite_table, config={"source": {"columns": {c: c for c in COLUMNS}, "payload_in_events": True}}, gateways=1).start()
    stream = d.stream("/api/events/stream")
    sqlite_table.db.execute("INSERT INTO events (timestamp, event_type, summary, target_id) VALUES (?, 'order.created', CAST(? AS TEXT), CAST(? AS TEXT))",
                            (now_iso(), b"\xff" * MIB, b"\xff" * MIB))
    sqlite_table.insert([(now_iso(), "order.created", "ä" * 1000, None, None, json.dumps({"region": "eu", "text": "x" * 900000}))])
    wide(sqlite_table, "y" * MIB)
    sqlite_table.insert([(now_iso(), "order.created", "ada", "o1", "small", None)])
    small = stream.await_event(lambda e: e["id"] == "4")["data"]
    assert small["summary"] == "small" and "truncated" not in small
    first, second, third = (e["data"] for e in stream.events if e["id"] in ("1", "2", "3"))
    assert first["truncated"] == ["target_id", "summary"] and first["summary"] == "\ufffd" * (FIELD // 3)
    assert third["truncated"] == COLUMNS and 60000 < sum(len(third[c]) for c in COLUMNS) <= 64 << 10
    assert second["truncated"] == ["payload"] and second["actor_id"] == "ä" * 1000
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] == 4, what="the whole rows are folded")
    for program in ("gateway0", "cache", "ingestor"):
        d[program].kill()
    d.start()
    wait_until(lambda: [e["id"] for e in d.get_json("/api/events")["events"]] == [4, 3, 2, 1], what="all events")
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] == 4, what="the whole rows are folded")
    d.verify()


def test_a_tile_beyond_its_limit_says_what_it_lacks(deploy, sqlite_table):
    tiles = [{"key": "work", "type": "backlog", "item": "target_id", "breakdown": "actor_id", "states": {"opened": "open", "closed": None}}]
    d = deploy(sqlite_table, tiles=tiles, config={"ingestor": {"limits": {"tile": "16KiB"}}}, gateways=1).start()
    stream = d.stream("/api/tiles/stream?form=patch")
    sqlite_table.insert([(now_iso(), "opened", f"{i}".ljust(200, "x"), f"i{i}", None, None) for i in range(50)])
    wait_until(lambda: len(d.tile("work")["data"].get("breakdown", {})) == 50, what="a tile that is large, but not too large")
    sqlite_table.insert([(now_iso(), "opened", f"{i}".ljust(200, "x"), f"i{i}", None, None) for i in range(50, 100)])
    tile = wait_until(lambda: next((t for t in [d.tile("work")] if "truncated" in t), None), what="a tile that is cut")
    assert tile["truncated"] == ["breakdown"] and tile["data"]["total"] == 100 and "breakdown" not in tile["data"]
    d.verify()
    sqlite_table.insert([(now_iso(), "closed", None, f"i{i}", None, None) for i in range(1, 100)])
    tile = wait_until(lambda: next((t for t in [d.tile("work")] if "truncated" not in t), None), what="the whole tile again")
    assert tile["data"]["breakdown"] == {"0".ljust(200, "x"): {"open": 1}}
    d.verify()
    assert d.stats()["tiles_truncated"] >= 1
    assert stream.events


def test_no_query_stops_whom_it_asks(deploy, sqlite_table):
    """10,000 events whose types are all different, and as many patterns as fit in a request, or as there may be."""
    d = deploy(sqlite_table, gateways=1).start()
    last = sqlite_table.insert([(now_iso(), f"order.{i}", None, None, None, None) for i in range(10000)])
    wait_until(lambda: d.query({"op": "ping"})["position"] == str(last))
    for server in ("cache", "ingestor"):
        before = time.monotonic()
        assert d.query({"op": "events", "types": ["*q"] * 21000, "limit": 1}, server)["error"]["code"] == "bad_request"
        assert d.query({"op": "events", "types": ["*q"] * 256, "limit": 1}, server)["events"] == []
        assert time.monotonic() - before < 1
        pages, after, found, more = 0, 0, [], True
        while more:
            page = d.query({"op": "events", "types": ["*q"] * 255 + ["*99"], "after": after}, server)
            found += [e["e"]["event_type"] for e in page["events"]]
            pages, after, more = pages + 1, page["next"], page["more"]
        assert pages > 1 and found == [f"order.{i}" for i in range(10000) if i % 100 == 99]
    assert d.metric("ready") == 1 and d.metric("gaps_total") == 0


def test_answers_are_bounded_one_by_one_and_together(deploy, sqlite_table):
    limits = {"requests_per_second": 10000, "requests_burst": 10000, "answer": "8MiB", "answers": "16MiB"}  # more than the kernel takes
    d = deploy(sqlite_table, config={"ingestor": {"limits": {"field": "64KiB", "event": "128KiB"}}, "gateway": {"limits": limits}}, gateways=1).start()
    sqlite_table.insert([(now_iso(), "order.created", None, None, "x" * (64 << 10), None) for _ in range(200)])
    wait_until(lambda: d.metric("events") == 200)
    newest = [e["id"] for e in d.get_json("/api/events?limit=1000")["events"]]
    assert 100 < len(newest) < 130 and newest == list(range(200, 200 - len(newest), -1))
    found = []
    while len(found) < 200:
        page = [e["id"] for e in d.get_json(f"/api/events?limit=1000&after={found[-1] if found else 0}")["events"]]
        assert page
        found += page
    assert found == list(range(1, 201))

    lazy = []
    for _ in range(6):  # who ask and do not read: the kernel takes some of it
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", d.gateway_ports[0]))
        client.sendall(b"GET /api/events?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        lazy.append(client)
    _, headers, body = wait_until(lambda: next((r for r in [d.request("/api/events?limit=1000")] if r[0] == 503), None), what="no more room")
    assert int(headers["retry-after"]) >= 1 and b"ask again" in body
    assert d.request("/api/tiles/orders.ever")[0] == 200 and d.request("/healthz")[0] == 200  # small ones always
    assert d.metric("answers_refused_total") >= 1
    for client in lazy:
        client.close()
    wait_until(lambda: d.request("/api/events?limit=1000")[0] == 200, what="room again")


def test_a_list_of_tiles_that_is_too_large_is_told_to_be(deploy, sqlite_table):
    tiles = [{"key": "by", "type": "count", "group_by": "target_id"}]
    d = deploy(sqlite_table, tiles=tiles, config={"gateway": {"limits": {"answer": "64KiB"}}}, gateways=1).start()
    sqlite_table.insert([(now_iso(), "order.created", None, f"{i:04}".ljust(60, "x"), None, None) for i in range(500)])
    wait_until(lambda: d.metric("tiles") == 500)
    status, _, body = d.request("/api/tiles")
    assert status == 400 and "limits.answer" in json.loads(body)["detail"]
    assert len(d.get_json("/api/tiles?keys=by/000*")["tiles"]) == 10


def closes(address, kind, payload):
    """A peer by the letter of ZMTP 3.0 that sends one frame: true when it is disconnected for it."""
    with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), timeout=PATIENCE) as peer:
        peer.sendall(b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31))
        ready = b"\x05READY" + b"\x0bSocket-Type" + struct.pack("!I", len(kind)) + kind
        peer.sendall(b"\x04" + bytes([len(ready)]) + ready)
        greeting = b""
        while len(greeting) < 64 + 2:  # and its READY has begun
            greeting += peer.recv(4096)
        sent_at = time.monotonic()
        try:
            peer.sendall(b"\x02" + struct.pack("!Q", len(payload)) + payload)
            peer.settimeout(2)
            while peer.recv(4096):
                pass  # what it publishes, and pings
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return time.monotonic() - sent_at < 1.4  # from 1.5 s on, for pings that are not answered


def test_peers_that_send_too_much_are_disconnected(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    before = {name: resident_mib(d[name]) for name in ("ingestor", "cache")}
    for publish, query in (d.addresses[0:2], d.addresses[2:4]):
        for _ in range(6):
            assert closes(publish, b"SUB", b"\x01" + b"x" * (4 * MIB))
            assert closes(query, b"DEALER", b"x" * (4 * MIB))
        assert closes(publish, b"SUB", b"\x01" + b"x" * 1024)
        assert closes(query, b"DEALER", b"x" * (65 << 10))
    for name, mib in before.items():
        assert resident_mib(d[name]) < mib + 16
    assert d.metric("ready") == 1 and d.query({"op": "ping"})["serving"] and d.query({"op": "ping"}, "ingestor")["serving"]


def test_removals_that_are_forgotten_concern_only_who_may_have_missed_one(deploy, sqlite_table):
    """4,300 members of a family come and go, beside 400 tiles that stay: more than 4,096 removals, and more than a page."""
    stay = [{"key": f"stay.{i}", "title": "x" * 200, "type": "count", "match": {"event_type": f"e{i}"}} for i in range(400)]
    tiles = [*stay, {"key": "brief", "type": "count", "group_by": "target_id", "max_groups": 5000, "idle": "2s"}]
    d = deploy(sqlite_table, tiles=tiles, gateways=1)
    d.add("gateway1", ["tilewire-gateway", "--listen", f"127.0.0.1:{free_ports(1)[0]}"])
    d.start("ingestor", "cache", "gateway0")
    early = d.stream("/api/tiles/stream")
    before = early.await_event(lambda e: e["event"] == "tile" and e["data"]["key"] == "stay.399")["id"]
    sqlite_table.insert([(now_iso(), "brief", None, f"g{i}", None, None) for i in range(4300)])

    def all_have_gone():
        """A stream that is slow is not told of members that have gone before it came to them, or begins anew."""
        given, told = set(), False
        for event in list(early.events):
            key = event["data"].get("key", "")
            told = told or key.startswith("brief/")
            if event["event"] == "reset":
                given.clear()
            elif event["event"] == "tile":
                given.add(key)
            elif event["event"] == "expired":
                given.discard(key)
        return told and len(given) == 400 and d.get_json("/api/tiles?keys=brief/*")["tiles"] == []

    wait_until(all_have_gone, what="all removals on the stream")
    sqlite_table.insert([(now_iso(), "e6", None, None, None, None)])  # whose id speaks for all before it
    last = early.await_event(lambda e: e["event"] == "tile" and e["data"]["data"].get("value") == 1 and e["data"]["key"] == "stay.6")["id"]
    sqlite_table.insert([(now_iso(), "e7", None, None, None, None)])
    late = d.stream("/api/tiles/stream", last_event_id=last)
    assert late.await_event(lambda e: e["event"] == "tile" and e["data"]["key"] == "stay.7" and e["data"]["data"]["value"] == 1)
    assert [e["event"] for e in late.events].count("reset") == 0 and len(late.events) < 20
    old = d.stream("/api/tiles/stream", last_event_id=before)
    old.await_event(lambda e: e["event"] == "tile" and e["data"]["key"] == "stay.399")
    assert [e["event"] for e in old.events].count("reset") == 1
    d.start("gateway1")  # whose snapshot has several pages
    d.verify()


def saved_at(d):
    return max(path.stat().st_mtime_ns for path in d.folder.glob("checkpoint*") if ".lock." not in path.name)


@pytest.mark.parametrize("victim", ["cache", "ingestor"])
def test_connections_that_take_all_descriptors_stop_nobody(deploy, sqlite_table, victim):
    d = deploy(sqlite_table, gateways=1)
    program = d[victim]
    program.command = ["bash", "-c", 'ulimit -n 64; exec "$0" "$@"', *program.command]
    d.start()
    address = d.addresses[1 if victim == "ingestor" else 3]
    used, begun = cpu_s(program), time.monotonic()
    idle = [socket.socket() for _ in range(150)]
    for connection in idle:
        connection.setblocking(False)
        connection.connect_ex(("127.0.0.1", int(address.rsplit(":", 1)[1])))
    program.await_log("error .*all 64 file descriptors are taken")
    for i in range(15):
        sqlite_table.insert([(now_iso(), "order.created", None, f"o{i}", None, None)])
        wait_until(lambda i=i: d.tile("orders.ever")["data"]["value"] == i + 1, what="those who are connected notice nothing")
        time.sleep(0.1)  # over which the processor time is measured
    assert cpu_s(program) - used < 0.5 * (time.monotonic() - begun), "nothing is asked for again and again"
    assert d.metric("ready") == 1 and d.metric("gaps_total") == 0
    before = saved_at(d)
    sqlite_table.insert([(now_iso(), "order.created", None, "more", None, None)])
    wait_until(lambda: saved_at(d) > before, what="a checkpoint, meanwhile")
    for connection in idle:
        connection.close()
    program.await_log("connections are let in again")
    wait_until(lambda: d.stats(victim)["listening"] == 1)
    assert d.stats(victim)["listening_pauses"] >= 1
    d.verify()


@pytest.mark.memory
def test_large_rows_in_one_commit_take_little_memory(deploy, table):
    """24 rows of 5 MiB: a batch ends when it is full, whatever the number of its rows."""
    add_columns(table)
    d = deploy(table, config={"source": {"columns": {c: c for c in COLUMNS}}}, gateways=1).start()
    before = {name: resident_mib(program) for name, program in d.programs.items() if program.alive()}
    with table.db if table.kind == "postgresql" else contextlib.nullcontext():
        cursor = table.db.cursor()
        mark = "%s" if table.kind == "postgresql" else "?"
        cursor.execute("BEGIN")
        for _ in range(24):
            cursor.execute(f"INSERT INTO events (timestamp, event_type, {', '.join(COLUMNS)}) VALUES ({', '.join([mark] * 7)})",
                           (now_iso(), "order.created", *["y" * MIB for _ in COLUMNS]))
        cursor.execute("COMMIT")
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] == 24)
    events = [e["id"] for e in d.get_json("/api/events?limit=100")["events"]]
    assert events == list(range(24, 0, -1))
    for name, mib in before.items():
        assert resident_mib(d[name]) < mib + 64, name
    d["ingestor"].kill()
    d.start("ingestor")  # which reads the newest of them again, for the event log
    d.verify()
    assert resident_mib(d["ingestor"]) < before["ingestor"] + 96


def test_long_rows_between_short_ones_are_whole(deploy, table):
    """PostgreSQL first leaves the texts of long rows out of a page: they must come with all of them and in their places, while the
    ingestor catches up, while it runs, and when it reads again what it had read."""

    def insert(count, long):
        lengths = [long.get(i, 5) for i in range(count)]
        table.insert([(now_iso(), "order.created", "ada", None, "ä" * (n // 2), json.dumps({"amount": 100, "note": "z" * n})) for n in lengths])

    insert(9000, {0: 700, 3999: 1100, 4000: 60000, 8990: 200000, 8999: 3000})
    d = deploy(table, gateways=1).start()
    for _ in range(3):  # more than a page each
        insert(4500, {10: 5000})
        insert(20, {})
    count = 9000 + 3 * 4520
    wait_until(lambda: d.tile("orders.big")["data"]["value"] == count, what="the payload of each row")
    assert d.stats()["rows_unusable"] == 0
    d["ingestor"].kill()
    d.start("ingestor")
    events = d.get_json("/api/events?limit=100")["events"]
    assert [e["id"] for e in events] == list(range(count, count - 100, -1)) and all(e["summary"] == "ää" for e in events[:20])
    d.verify()
