# SPDX-License-Identifier: Apache-2.0
"""Clients of every kind, each a thread that goes on whatever happens to it, and remembers what it saw."""
import http.client
import json
import random
import socket
import threading
from typing import ClassVar

import msgpack
import zmq

import websocket  # of tests/integration

SILENCE_S = 4  # heartbeats come each second: so long without one, and the connection is dead


class Curve:
    """The pair of keys that clients over ZeroMQ have, and the keys that they expect at which port."""

    pair = None  # (public, secret); None: nobody has keys
    servers: ClassVar = {}

    @classmethod
    def dress(cls, socket, port):
        if cls.pair is not None:
            socket.curve_publickey, socket.curve_secretkey = (key.encode() for key in cls.pair)
            socket.curve_serverkey = cls.servers[port].encode()


class Client:
    """Goes from gateway to gateway. `ports` are theirs; `seed` chooses among them."""

    def __init__(self, name, ports, seed):
        self.name, self.ports = name, ports
        self.random = random.Random(seed)
        self.ending = threading.Event()
        self.headers = {}  # of HTTP: who it is
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
            request = f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
            if self.last_id is not None:
                request += f"Last-Event-ID: {self.last_id}\r\n"
            request += "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            connection.sendall((request + "\r\n").encode())
            stream = connection.makefile("rb")
            status = (stream.readline().split() + [b"", b""])[1]  # none when the connection ended first
            while stream.readline().strip():
                pass
            if status != b"200":
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
            if not line.endswith(b"\n"):
                return  # the connection has ended, maybe in the middle of a character
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


def seen_as(event):
    """Its id; for one that came again, with the numbering in which it did."""
    return (event["id"], event["redelivered"]) if "redelivered" in event else event["id"]


def resume_after(event):
    return f"{event['id']}~{event['redelivered']}" if "redelivered" in event else event["id"]


class Events:
    """What an event client remembers: segments of what it saw, each ended by a reset."""

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
            self.segments[-1].append(seen_as(data))


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
                connection.request("GET", "/api/events?" + where, headers=self.headers)
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
                        self.segments[-1].append(seen_as(event))
                        self.last_id = resume_after(event)
        finally:
            connection.close()


def number(version):
    """A version as text, in a form that can be compared."""
    return tuple(int(part, 36) for part in version.split("-"))


def reached(cursor):
    """The latest version in a cursor, of whatever lane."""
    latest, epoch = (0, 0), ""
    for part in cursor.split("_") if cursor else []:
        epoch = part.split("-")[0] or epoch
        latest = max(latest, number(f"{epoch}-{part.split('-')[1]}"))
    return latest


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
        self.came_with = None  # the cursor; a gateway that is behind it tells older changes once more

    def connected(self):
        self.came_with = self.last_id

    def held(self):
        return {key: (number(tile["version"]), tile["data"]) for key, tile in list(self.tiles.items())}

    def patch(self, data):
        tile = self.tiles.get(data["key"])
        if tile is None or tile["version"] != data["base"]:
            told_before = tile is None and number(data["version"]) <= reached(self.came_with)  # and that the tile is gone, too
            if not told_before and (tile is None or number(tile["version"]) < number(data["base"])):
                self.problems.append(f"{self.name} got a patch of {data['key']} on {data['base']}, and holds "
                                     f"{tile['version'] if tile else 'none'}")
            return
        changed = merge(tile, data["patch"])
        changed.update(version=data["version"], stale=False)
        self.tiles[data["key"]] = changed


class TileStream(Tiles, Sse):
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


class Socket(Client):
    """A client of /api/ws, which says once what it wants, and takes each message like a stream's."""

    def once(self, port):
        connection = None
        try:
            connection = websocket.WebSocket(port, headers=self.headers, timeout=SILENCE_S)
            if connection.status != 101:
                return
            self.connections += 1
            self.connected()
            cursor = {} if self.last_id is None else {"cursor": str(self.last_id)}
            connection.say(**self.wish, **cursor)
            while not self.ending.is_set():
                message = connection.read()
                self.take(message["event"], message.get("id"), message)
                self.last_id = resume_after(message) if "id" in message else self.last_id
        except EOFError:
            pass
        finally:
            if connection is not None:
                connection.close()


class WebSocketEvents(EventStream):
    wish: ClassVar = {"subscribe": ["*"], "stream": "events"}
    once = Socket.once


class WebSocketTiles(TileStream):
    once = Socket.once

    def __init__(self, *arguments, form="full"):
        TileStream.__init__(self, *arguments, form=form)
        self.wish = {"subscribe": ["*"], "form": form}


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
                connection.request("GET", self.path, headers=self.headers | ({"If-None-Match": self.etag} if self.etag else {}))
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
            Curve.dress(sub, port)
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
        Curve.dress(req, port)
        req.connect(f"tcp://127.0.0.1:{port}")
        req.send(msgpack.packb(request))
        try:
            return msgpack.unpackb(req.recv())
        except zmq.Again:
            return None


class Replica(Client, Events):
    """A script that follows docs/protocol.md with a SUB and a REQ socket, and has a whole copy: tiles and events."""

    def __init__(self, name, publish, query, seed):
        Client.__init__(self, name, [publish], seed)
        Events.__init__(self)
        self.query = query
        self.at = {}  # lane → (epoch, sequence)
        self.tiles = {}  # key → (version, value)
        self.origin = self.ordinal = None

    def held(self):
        return {key: (version, value["data"]) for key, (version, value) in list(self.tiles.items())}

    def once(self, port):
        with zmq.Context() as context, context.socket(zmq.SUB) as sub:
            sub.linger, sub.rcvhwm = 0, 0
            sub.heartbeat_ivl, sub.heartbeat_timeout = 1000, 3000
            sub.subscribe("")
            Curve.dress(sub, port)
            sub.connect(f"tcp://127.0.0.1:{port}")
            while not self.ending.is_set():
                if sub.poll(200):
                    topic, header, body = sub.recv_multipart()
                    kind, lane = topic.decode().split(".", 2)[:2]
                    self.take(kind, lane, tuple(msgpack.unpackb(header)[1:3]), msgpack.unpackb(body))

    def take(self, kind, lane, version, body):
        at = self.at.get(lane)
        if at is not None and version <= at:
            return
        if at is None or version[0] != at[0] or version[1] > at[1] + (kind != "beat"):
            self.resync(lane, version)
            return
        self.at[lane] = version
        if kind == "tile":
            self.take_tile(version, body)
        elif kind == "event":
            self.take_event(body)

    def take_tile(self, version, body):
        key = body["k"]
        held, value = self.tiles.get(key, (None, None))
        if body["b"] is not None:
            base = (body.get("be", version[0]), body["b"])
            if held != base:
                self.problems.append(f"{self.name} got a patch of {key} on {base}, and holds {held}")
            self.tiles[key] = (version, merge(value, body["p"]))
        elif body["p"] is None:
            self.tiles.pop(key, None)
        else:
            self.tiles[key] = (tuple(body.get("v", version)), body["p"])

    def take_event(self, body):
        if body["o"] != self.origin:
            self.start_over(body["o"])
        elif body["n"] <= self.ordinal:
            return  # told again by an ingestor that went on from its checkpoint, or fetched already
        self.ordinal = body["n"]
        self.segments[-1].append(seen_as(body["e"]))

    def start_over(self, origin):
        self.resets += self.origin is not None
        self.new_segment()
        self.origin = origin

    def resync(self, lane, heard):
        """Until the server is not behind what was heard."""
        while not self.ending.wait(0.05):
            try:
                if self.snapshot(lane, heard):
                    self.connections += 1
                    return
            except KeyError:  # an error, or a lane that it does not have yet
                pass

    def ask(self, **request):
        return ask(self.query, request, 3000) or {}

    def snapshot(self, lane, heard):
        tiles, after, instances = {}, 0, set()
        while True:
            page = self.ask(op="snapshot", after=after)
            instances.add(page["instance"])
            if page.get("restart"):
                return False
            for tile in page["tiles"]:
                tiles.pop(tile["k"], None)
                if tile.get("p") is not None:
                    tiles[tile["k"]] = (tuple(tile["v"]), tile["p"])
            after = page["next"]
            if not page["more"]:
                break
        at = {name: tuple(version) for name, version in page["versions"].items()}
        if at[lane] < heard or len(instances) > 1 or not self.fetch_events(at["0"]):
            return False
        self.tiles, self.at = tiles, at
        return True

    def fetch_events(self, at):
        """Those behind the last one that it has (at first: the newest), up to that version of lane 0 or a later one."""
        place = {"newest": 1} if self.ordinal is None else {"after": self.ordinal}
        ids = []
        while True:
            page = self.ask(op="events", **place)
            ids += [seen_as(event["e"]) for event in page["events"]]
            place = {"after": page["next"]}
            if not page["more"]:
                break
        if tuple(page["versions"]["0"]) < at:
            return False
        if page["origin"] != self.origin or page["floor"] > self.ordinal:
            self.start_over(page["origin"])
            self.ordinal = 0
        self.ordinal = max(self.ordinal, page["ordinal"])  # the server may know less, if all of them were killed
        self.segments[-1].extend(ids)
        return True


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
