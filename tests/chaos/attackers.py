# SPDX-License-Identifier: Apache-2.0
"""Hostile clients of every kind, until a line comes: attackers.py ABOUT (JSON); siege.py runs it. They come straight, from addresses of
their own, and with tokens of their own where tokens are asked for. What comes out says how often each did what it does, and what it was
given that nobody should get."""
import base64
import http.client
import json
import os
import pathlib
import random
import socket
import struct
import sys
import threading
import time

import msgpack
import zmq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import websocket

HOLD_S = 8  # so long a connection is held that does nothing
PAUSE_S = 0.02  # between two requests of one hostile client

MALFORMED = [
    b"GET /api/tiles HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    b"GET /api/tiles HTTP/1.1\r\nHost: local host\r\n\r\n",
    b"POST /api/tiles HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"POST /api/tiles HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /api/tiles HTTP/1.1\r\nHost: localhost\r\nX: a\rb\0c\r\n\r\n",
    b"GET /api/tiles%00/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET http://attacker.example/api/tiles HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /api/tiles?keys=" + b"a," * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /" + b"%2e%2e/" * 300 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 300,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /api/tiles HTTP/1.1\r\n" + b"X-Header: 1\r\n" * 2000,
]


class Hostile(threading.Thread):
    """One of a kind. `number` chooses its address and its token."""

    number = 0

    def __init__(self, about):
        super().__init__(daemon=True)
        self.about, self.random = about, random.Random(f"{about['seed']} {type(self).__name__}")
        self.done, self.problems, self.held = 0, [], []

    def run(self):
        while True:
            try:
                self.attack()
            except (OSError, EOFError, http.client.HTTPException, zmq.ZMQError, AssertionError, ValueError):
                pass  # what a hostile client is given is not its business
            time.sleep(PAUSE_S)

    def attack(self):
        raise NotImplementedError

    def connect(self, port, number=None, small=False):
        """A connection from the hostile client's own address."""
        s = socket.socket()
        if small:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(5)
        s.bind((f"127.0.66.{1 + (self.number if number is None else number)}", 0))
        s.connect(("127.0.0.1", port))
        return s

    def gateway(self):
        return self.random.choice(self.about["gateways"])

    def token(self, number=None):
        tokens = self.about["tokens"]
        number = self.number if number is None else number
        return f"Authorization: Bearer {tokens[number % len(tokens)]}\r\n" if tokens else ""

    def head(self, path, host="localhost", number=None):
        return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{self.token(number)}\r\n".encode()

    def status(self, s, request):
        """Asks, reads the whole answer, and gives its status."""
        s.sendall(request)
        response = http.client.HTTPResponse(s)
        response.begin()
        response.read()
        return response.status

    def request(self, port, pair):
        """A socket to ask with, whose owner has that pair of keys, if keys are asked for."""
        req = zmq.Context.instance().socket(zmq.REQ)
        req.linger, req.rcvtimeo = 0, 2000
        if self.about["curve"]:
            req.curve_publickey, req.curve_secretkey = (key.encode() for key in pair)
            req.curve_serverkey = self.about["curve"]["servers"][str(port)].encode()
        return req

    def hold(self, s, most):
        """Keeps a connection open, until there are `most`."""
        self.done += 1
        self.held.append(s)
        if len(self.held) >= most:
            time.sleep(HOLD_S)
            for held in self.held:
                held.close()
            self.held.clear()


class CostlyRequests(Hostile):
    """255 patterns over the newest events, whose types take long to be told from them, as often as they are taken."""

    number = 1

    def attack(self):
        patterns = ",".join(f"*ab*{i:08b}*".replace("0", "a").replace("1", "b") for i in range(255))
        with self.connect(self.gateway()) as s:
            for path in (f"/api/events?limit=1000&types={patterns}", f"/api/tiles?keys={patterns}", f"/api/tiles?keys={patterns}&wait=1ms") * 10:
                self.status(s, self.head(path))
                self.done += 1
                time.sleep(PAUSE_S)


class Resubscribers(Hostile):
    """WebSockets that subscribe to everything anew, from the beginning."""

    number = 2

    def attack(self):
        with self.connect(self.gateway()) as s:
            s.sendall(websocket.handshake_text({"Authorization": self.token().strip().removeprefix("Authorization: ") or None}))
            assert s.recv(12).endswith(b"101")
            for _ in range(40):
                for message in ({"subscribe": ["*"], "cursor": "0-0", "form": "full"}, {"unsubscribe": ["*"]}):
                    s.sendall(websocket.frame(websocket.TEXT, json.dumps(message)))
                    self.done += 1
                time.sleep(PAUSE_S)
                s.recv(1 << 20)


class ChannelTakers(Hostile):
    """From six addresses: streams of which each selects something else."""

    number = 10

    def attack(self):
        number = self.number + self.done % 6
        s = self.connect(self.gateway(), number)
        s.sendall(self.head(f"/api/tiles/stream?keys=orders.*,none.{self.random.random()}", number=number))
        self.hold(s, 240)


class SlowReaders(Hostile):
    """Who ask for much and read nothing."""

    number = 3

    def attack(self):
        s = self.connect(self.gateway(), small=True)
        s.sendall(self.head(self.random.choice(["/api/events?limit=1000", "/api/events/stream", "/api/tiles/stream", "/api/tiles"])))
        self.hold(s, 60)


class Idle(Hostile):
    """Connections that say nothing, at every port."""

    number = 4

    def attack(self):
        ports = self.about["gateways"] + self.about["queries"] + self.about["publishes"]
        self.hold(self.connect(ports[self.done % len(ports)]), 150)


class Malformed(Hostile):
    """Requests that are none; nobody is told a tile for one."""

    number = 5

    def attack(self):
        text = MALFORMED[self.done % len(MALFORMED)]
        with self.connect(self.gateway()) as s:
            s.sendall(text)
            self.done += 1
            s.settimeout(0.5)
            if s.recv(1000).startswith(b"HTTP/1.1 200"):
                self.problems.append(f"this was answered with 200: {text[:80]!r}")


class ForeignHosts(Hostile):
    """Pages whose name was pointed to a gateway."""

    number = 6

    def attack(self):
        with self.connect(self.gateway()) as s:
            for path in ("/api/tiles", "/api/tiles/stream", "/"):
                self.done += 1
                if self.status(s, self.head(path, "attacker.example")) == 200:
                    self.problems.append(f"{path} was answered to attacker.example")
                time.sleep(PAUSE_S)


class Forgers(Hostile):
    """Tokens that nobody has signed."""

    number = 7

    def attack(self):
        head = base64.urlsafe_b64encode(b'{"alg":"EdDSA","kid":"EdDSA-1"}').rstrip(b"=").decode()
        claims = {"iss": "https://login.example.org", "aud": "tilewire", "exp": int(time.time()) + 600, "sub": f"eve{self.done}"}
        parts = [head, base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode(),
                 base64.urlsafe_b64encode(os.urandom(64)).rstrip(b"=").decode()]
        with self.connect(self.gateway()) as s:
            request = f"GET /api/tiles HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {'.'.join(parts)}\r\n\r\n"
            self.done += 1
            if self.status(s, request.encode()) == 200 and self.about["tokens"]:
                self.problems.append("a token with a wrong signature was accepted")


class CostlyQueries(Hostile):
    """Patterns without end, over ZeroMQ, by somebody who is let in."""

    def attack(self):
        port = self.random.choice(self.about["queries"])
        with self.request(port, self.about["curve"] and self.about["curve"]["pair"]) as req:
            req.connect(f"tcp://127.0.0.1:{port}")
            for request in ({"op": "events", "types": ["*q"] * 256, "after": 0}, {"op": "events", "types": ["*q"] * 21000}, {"op": "snapshot"},
                            {"op": "get", "keys": ["orders.ever"] * 1000}, {"op": "events", "newest": 5000}):
                req.send(msgpack.packb(request))
                req.recv()
                self.done += 1
                time.sleep(PAUSE_S)


class Strangers(Hostile):
    """Who know the server's key, and have made up a pair of their own."""

    def attack(self):
        port = self.random.choice(self.about["queries"])
        with self.request(port, [key.decode() for key in zmq.curve_keypair()]) as req:
            req.connect(f"tcp://127.0.0.1:{port}")
            req.send(msgpack.packb({"op": "ping"}))
            self.done += 1
            if self.about["curve"] and req.poll(500):
                self.problems.append("a stranger's query was answered")


class Peer(Hostile):
    """Speaks ZMTP 3.0 by hand, as libzmq would not."""

    number = 8

    def greet(self, port, kind):
        s = self.connect(port, small=True)
        s.sendall(b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31))
        ready = b"\x05READY" + b"\x0bSocket-Type" + struct.pack("!I", len(kind)) + kind
        s.sendall(b"\x04" + bytes([len(ready)]) + ready)
        return s

    def much(self, s, flag, mib):
        """So many MiB in frames of that kind, or until it is cut off."""
        part = b"x" * (32 << 10)
        for _ in range(mib * 32):
            s.sendall(bytes([2 | flag]) + struct.pack("!Q", len(part)) + part)
            self.done += 1


class Unfinished(Peer):
    """Messages whose last part never comes."""

    def attack(self):
        with self.greet(self.random.choice(self.about["queries"]), b"DEALER") as s:
            self.much(s, 1, 64)


class LargeSubscriptions(Peer):
    number = 9

    def attack(self):
        with self.greet(self.random.choice(self.about["publishes"]), b"SUB") as s:
            self.done += 1
            s.sendall(b"\x02" + struct.pack("!Q", 4 << 20) + b"\x01" + b"x" * ((4 << 20) - 1))
            s.recv(1)


class DeafSubscribers(Peer):
    """Subscribe to everything, and read nothing; two at a time."""

    number = 9

    def attack(self):
        s = self.greet(self.random.choice(self.about["publishes"]), b"SUB")
        s.sendall(b"\x00\x01\x01")
        self.hold(s, 2)


KINDS = [CostlyRequests, Resubscribers, ChannelTakers, SlowReaders, Idle, Malformed, ForeignHosts, Forgers, CostlyQueries, Strangers,
         Unfinished, LargeSubscriptions, DeafSubscribers]
SEVERAL = {CostlyRequests: 2, Resubscribers: 40}


def main():
    about = json.loads(sys.argv[1])
    hostiles = [kind(about) for kind in KINDS for _ in range(SEVERAL.get(kind, 1))]
    for one in hostiles:
        one.start()
    sys.stdin.readline()
    done = {}
    for one in hostiles:
        done[type(one).__name__] = done.get(type(one).__name__, 0) + one.done
    print(json.dumps({"done": done, "problems": sorted({problem for one in hostiles for problem in one.problems})}), flush=True)
    os._exit(0)  # threads are anywhere


if __name__ == "__main__":
    main()
