"""Clients of every kind, each a thread that goes on whatever happens to it, and remembers what it saw."""
import http.client
import json
import random
import socket
import threading
import time

import msgpack
import zmq

SILENCE_S = 4  # heartbeats come each second: so long without one, and the connection is dead


class Client:
    """Goes from gateway to gateway. `ports` are theirs; `seed` chooses among them."""

    def __init__(self, name, ports, seed):
        self.name, self.ports = name, ports
        self.random = random.Random(seed)
        self.ending = threading.Event()
        self.connections = 0  # made, as far as an answer
        self.resets = 0
        self.problems = []
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def run(self):
        while not self.ending.is_set():
            try:
                self.once(self.random.choice(self.ports))
            except (OSError, http.client.HTTPException):
                pass
            except Exception as error:  # what a client cannot make sense of is the server's fault
                self.problems.append(f"{self.name}: {type(error).__name__}: {error}")
                self.ending.set()
            self.ending.wait(self.random.uniform(0.02, 0.3))

    def stop(self):
        self.ending.set()

    def once(self, port):
        """Connects, and takes what comes until the connection ends."""
        raise NotImplementedError


class Sse(Client):
    path = None

    def once(self, port):
        with socket.create_connection(("127.0.0.1", port), timeout=SILENCE_S) as connection:
            request = f"GET {self.path} HTTP/1.1\r\nHost: chaos\r\nAccept: text/event-stream\r\n"
            if self.last_id is not None:
                request += f"Last-Event-ID: {self.last_id}\r\n"
            connection.sendall((request + "\r\n").encode())
            stream = connection.makefile("rb")
            status = int(stream.readline().split()[1])
            while stream.readline().strip():
                pass
            if status != 200:
                return
            self.connections += 1
            self.connected()
            self.read(stream)

    def connected(self):
        pass

    def read(self, stream):
        fields = {}
        while not self.ending.is_set():
            line = stream.readline()
            if not line:
                return
            line = line.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
                continue
            if "data" in fields:
                self.take(fields.get("event", "message"), fields.get("id"), json.loads(fields["data"]))
                if "id" in fields:
                    self.last_id = fields["id"]
            fields = {}


class Events:
    """What an event client remembers: segments of ids, each ended by a reset."""

    def __init__(self):
        self.segments = [[]]
        self.last_id = None

    def new_segment(self):
        if self.segments[-1]:
            self.segments.append([])


class EventStream(Sse, Events):
    path = "/api/events/stream"

    def __init__(self, *arguments):
        Sse.__init__(self, *arguments)
        Events.__init__(self)

    def connected(self):
        if self.last_id is None:
            self.new_segment()

    def take(self, event, event_id, data):
        if event == "reset":
            self.resets += 1
            self.new_segment()
        elif event != "heartbeat":
            self.segments[-1].append(data["id"])


class EventPolls(Client, Events):
    """Long-polling: GET /api/events?after=ID&wait=…"""

    def __init__(self, *arguments):
        Client.__init__(self, *arguments)
        Events.__init__(self)

    def once(self, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SILENCE_S + 2)
        try:
            while not self.ending.is_set():
                where = f"after={self.last_id}&limit=1000&wait=2s" if self.last_id is not None else "limit=1"
                connection.request("GET", "/api/events?" + where)
                response = connection.getresponse()
                body = response.read()
                if response.status == 404:  # as a stream's reset
                    self.resets += 1
                    self.last_id = None
                    self.new_segment()
                elif response.status != 200:
                    return
                else:
                    self.connections += 1
                    for event in json.loads(body)["events"]:
                        self.segments[-1].append(event["id"])
                        self.last_id = event["id"]
        finally:
            connection.close()


def number(version):
    """A version as text, in a form that can be compared."""
    return tuple(int(part, 36) for part in version.split("-"))


def merge(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


class Tiles:
    def __init__(self):
        self.tiles = {}
        self.last_id = None

    def held(self):
        return {key: (tile["version"], tile["data"]) for key, tile in list(self.tiles.items())}

    def patch(self, data):
        tile = self.tiles.get(data["key"])
        if tile is None or tile["version"] != data["base"]:
            if tile is None or number(tile["version"]) < number(data["base"]):
                self.problems.append(f"{self.name} got a patch of {data['key']} on {data['base']}, and holds "
                                     f"{tile['version'] if tile else 'none'}")
            return
        changed = merge(tile, data["patch"])
        changed.update(version=data["version"], stale=False)
        self.tiles[data["key"]] = changed


class TileStream(Sse, Tiles):
    def __init__(self, *arguments, form="full"):
        Sse.__init__(self, *arguments)
        Tiles.__init__(self)
        self.path = f"/api/tiles/stream?form={form}"

    def take(self, event, event_id, data):
        if event == "tile":
            self.tiles[data["key"]] = data
        elif event == "patch":
            self.patch(data)
        elif event == "expired":
            self.tiles.pop(data["key"], None)
        elif event == "reset":
            self.resets += 1
            self.tiles.clear()


class TilePolls(Client, Tiles):
    """Polling with ETags, sometimes long-polling."""

    def __init__(self, *arguments, wait=None):
        Client.__init__(self, *arguments)
        Tiles.__init__(self)
        self.path = "/api/tiles" + (f"?wait={wait}" if wait else "")
        self.etag = None

    def once(self, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SILENCE_S + 2)
        try:
            while not self.ending.is_set():
                connection.request("GET", self.path, headers={"If-None-Match": self.etag} if self.etag else {})
                response = connection.getresponse()
                body = response.read()
                if response.status not in (200, 304):
                    return
                self.connections += 1
                if response.status == 200:
                    self.etag = response.headers["ETag"]
                    self.tiles = {tile["key"]: tile for tile in json.loads(body)["tiles"]}
                self.ending.wait(0.2)
        finally:
            connection.close()


class Subscriber(Client):
    """A script at the raw deltas of one cache. Within an epoch each lane's messages come in order, none twice."""

    def __init__(self, name, ports, seed):
        super().__init__(name, ports, seed)
        self.messages = 0

    def once(self, port):
        with zmq.Context() as context, context.socket(zmq.SUB) as sub:
            sub.linger = 0
            sub.rcvhwm = 0
            sub.subscribe("")
            sub.connect(f"tcp://127.0.0.1:{port}")
            self.connections += 1
            last = {}
            while not self.ending.is_set():
                if not sub.poll(200):
                    continue
                topic, header, body = sub.recv_multipart()
                kind, lane = topic.decode().split(".", 2)[:2]
                _, epoch, sequence, _ = msgpack.unpackb(header)
                msgpack.unpackb(body)
                self.messages += 1
                reached = last.get(lane, (0, 0))
                if (epoch, sequence) < reached or ((epoch, sequence) == reached and kind != "beat"):
                    self.problems.append(f"{self.name} heard {topic.decode()} ({epoch}, {sequence}) after {reached}")
                last[lane] = max(reached, (epoch, sequence))


def ask(port, request, timeout_ms=1000):
    """The reply, or None when there is none."""
    with zmq.Context() as context, context.socket(zmq.REQ) as req:
        req.linger = 0
        req.rcvtimeo = timeout_ms
        req.connect(f"tcp://127.0.0.1:{port}")
        req.send(msgpack.packb(request))
        try:
            return msgpack.unpackb(req.recv())
        except zmq.Again:
            return None


class Asker(Client):
    """A script that asks a cache now and then, and does not mind when it does not answer."""

    def once(self, port):
        while not self.ending.is_set():
            reply = ask(port, {"op": "get", "keys": ["orders.ever"]})
            if reply is not None and "error" not in reply:
                self.connections += 1
            elif reply is not None and reply["error"]["code"] not in ("unavailable", "not_found"):
                self.problems.append(f"{self.name} was told {reply['error']}")
            self.ending.wait(0.5)
