# SPDX-License-Identifier: Apache-2.0
"""Clients that stall, read a byte a second, or vanish without a FIN; beside them healthy ones, which must not notice."""
import ctypes
import json
import select
import socket
import struct
import threading
import time

from bodies import Body
from tilewire import PATIENCE, now_iso, wait_until
from websocket import TEXT, frame, handshake_text

GROUPS = 150
TILES = [{"key": "k", "type": "count", "match": {"event_type": "e"}, "group_by": "payload.k", "max_groups": GROUPS, "refresh": {"min_interval": "10ms"}}]
SO_ATTACH_FILTER = 26
TRANSPORTS = ("sse", "gzip", "websocket")


class Reader:
    """A client with a small receive buffer that reads only when it is told to."""

    def __init__(self, d, transport):
        self.transport = transport
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", d.gateway_ports[0]))
        self.got = b""  # without the coding
        self.wire = 0  # bytes, with it
        self.at = 0  # of what is not taken apart yet
        self.values = {}  # by key, as they come
        d.clients.append(self)
        if transport == "websocket":
            self.socket.sendall(handshake_text())
        else:
            coding = b"Accept-Encoding: gzip\r\n" if transport == "gzip" else b""
            self.socket.sendall(b"GET /api/tiles/stream HTTP/1.1\r\nHost: localhost\r\n" + coding + b"\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(256)
        head, rest = head.split(b"\r\n\r\n", 1)
        self.body = Body({k.lower(): v for k, v in (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])})
        assert (transport == "gzip") == (self.body.gzip is not None)
        self.got += self.body.take(rest)
        if transport == "websocket":
            self.socket.sendall(frame(TEXT, b'{"subscribe":["*"]}'))

    def take_sse(self):
        end = self.got.find(b"\n\n", self.at)
        if end < 0:
            return None
        block, self.at = self.got[self.at:end], end + 2
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n"))
        return {"event": fields.get(b"event", b"").decode(), **json.loads(fields.get(b"data", b"{}"))}

    def take_websocket(self):
        head = self.got[self.at:self.at + 4]
        if len(head) < 4:
            return None
        if head[0] == 0x89 and len(self.got) >= self.at + 2 + head[1]:  # a ping, where the machine was slow
            self.at += 2 + head[1]
            return self.take_websocket()
        assert head[0] in (0x81, 0x89) and head[1] < 127, "whole frames of the shortest form, none torn"
        size, length = (4, struct.unpack("!H", head[2:])[0]) if head[1] == 126 else (2, head[1])
        if len(self.got) < self.at + size + length:
            return None
        payload, self.at = self.got[self.at + size:self.at + size + length], self.at + size + length
        return json.loads(payload)

    def read(self, timeout=PATIENCE):
        """Some bytes. False at the end."""
        assert select.select([self.socket], [], [], timeout)[0], "nothing came"
        part = self.socket.recv(65536)
        self.wire += len(part)
        self.got += self.body.take(part)
        take = self.take_websocket if self.transport == "websocket" else self.take_sse
        while (message := take()) is not None:
            assert message["event"] in ("", "tile", "heartbeat"), message
            if message["event"] == "tile":
                self.values.setdefault(message["key"], []).append(message["data"]["value"])
        return part != b""

    def read_until(self, predicate):
        while not predicate():
            assert self.read(), "it is not cut: it reads again"

    def newest(self):
        return {key: values[-1] for key, values in self.values.items()}

    def ended(self):
        """The end, or an error; what comes before it is thrown away."""
        try:
            return self.socket.recv(65536) == b""
        except OSError as error:
            assert not isinstance(error, TimeoutError)
            return True

    def vanish(self):
        """From now on the kernel drops whatever comes for it, and acknowledges nothing."""
        drop = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # return 0: keep no byte
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(drop)))

    def close(self):
        self.socket.close()


def write_round(d):
    at = now_iso()
    d.table.insert([(at, "e", None, None, None, json.dumps({"k": f"g{i}"})) for i in range(GROUPS)])


def all_are(reader, value):
    newest = reader.newest()
    return len(newest) == GROUPS and set(newest.values()) == {value}


def test_after_a_stall_the_newest_values_come(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, tiles=TILES, config={"gateway": {"channel_log": "64KiB", "stalled": "10m"}}).start()
    write_round(d)
    wait_until(lambda: len(d.get_json("/api/tiles")["tiles"]) == GROUPS)
    healthy, stalled = ({t: Reader(d, t) for t in TRANSPORTS} for _ in range(2))
    for reader in [*healthy.values(), *stalled.values()]:
        reader.read_until(lambda: all_are(reader, 1))
    rounds = 120  # more than kernels hold, though it be compressed
    for i in range(2, rounds + 1):
        write_round(d)
        for reader in healthy.values():
            reader.read_until(lambda: all_are(reader, i))
    assert d.metric("streams_conflated_total") >= 2 and d.metric("streams_cut_total") == 0
    for transport, reader in stalled.items():
        before = reader.wire
        reader.read_until(lambda: all_are(reader, rounds))
        caught_up, total = reader.wire - before, healthy[transport].wire
        values = list(reader.values.values())
        assert all(a < b for v in values for a, b in zip(v, v[1:])), "no value comes twice, and none goes back"
        # What the kernels held is old; then each tile goes to its newest value in one step.
        assert caught_up < total / 4, (transport, caught_up, total)
        assert all(v[-1] == rounds and v[-2] < rounds / 2 for v in values), values


def test_those_who_accept_nothing_are_cut_and_others_do_not_notice(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, tiles=TILES, config={"gateway": {"stalled": "2s", "heartbeat": "500ms"}}).start()
    healthy = [Reader(d, t) for t in TRANSPORTS]
    events = d.stream("/api/events/stream")
    write_round(d)
    for reader in healthy:
        reader.read_until(lambda: all_are(reader, 1))
    stalled, slow, vanished = ([Reader(d, t) for t in TRANSPORTS] for _ in range(3))
    for reader in vanished:
        reader.read_until(lambda: all_are(reader, 1))
        reader.vanish()
    over = threading.Event()

    def drip(reader):
        """A byte a second: the window that it opens by that is none."""
        while not over.wait(1):
            try:
                if reader.socket.recv(1) == b"":
                    return
            except OSError:
                return

    threads = [threading.Thread(target=drip, args=(reader,)) for reader in slow]
    for thread in threads:
        thread.start()
    value = 1
    try:
        deadline = time.monotonic() + 60
        while d.metric("streams") > 4:
            assert time.monotonic() < deadline
            value += 1
            write_round(d)
            for reader in healthy:
                reader.read_until(lambda: all_are(reader, value))
    finally:
        over.set()
        for thread in threads:
            thread.join()
    gone = d.metric("streams_cut_total") + d.metric("streams_vanished_total")
    assert gone == 9 and d.metric("streams_vanished_total") >= 3, "and none is said to have been closed by its client"
    assert d.metric("streams_closed_total") == 0 and d.metric("streams_reset_total") == 0
    last = sqlite_table.ids()[-1]
    events.await_event(lambda e: e["id"] == str(last))
    assert events.ids() == sqlite_table.ids(), "each exactly once"
    assert all(a + 1 == b for reader in healthy for v in reader.values.values() for a, b in zip(v, v[1:])), "not even conflated"
    for reader in stalled:
        wait_until(reader.ended)
