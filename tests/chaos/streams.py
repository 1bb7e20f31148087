# SPDX-License-Identifier: Apache-2.0
"""Streams of Redis and NATS as what a chaos run is about: a server behind relays, whose producers send again what they heard no answer of
(source.dedupe tells that), and retention that takes messages which may not have been read. Whatever is deleted is noted before."""
import base64
import contextlib
import datetime
import json
import pathlib
import shutil
import threading

import nats
import redis
import redis_streams
from anew import Anew
from nats_client import Client, Refused
from tilewire import wait_until

NOTE, PROBE = "note.written", "probe.written"
DELETE_AT_ONCE = 500


def message_of(row, name=None):
    """name: of the event, which a copy of it has in common."""
    stamp, event, actor, target, summary, payload = row
    payload = json.loads(payload) if payload is not None else None
    if name is not None:
        payload = {**(payload or {}), "event_id": name}
    value = {"timestamp": stamp, "event_type": event, "actor_id": actor, "target_id": target, "summary": summary, "payload": payload}
    return json.dumps({k: v for k, v in value.items() if v is not None}, ensure_ascii=False)


class Entry:
    """What is known of a message: what it says, and when it came."""

    def __init__(self, value, came_ms):
        value = json.loads(value)
        payload = value.get("payload") or {}
        self.event_type, self.name, self.came_ms = value["event_type"], payload.get("event_id"), came_ms


class StreamBus:
    """The stream of a run, and what is true of it. Subclasses: start_server(), stop_server(how), read(after), delete(ids), present(),
    sender(port)."""

    def __init__(self, connections):
        """connections: the names of those that lead through a relay each."""
        self.source = {"dedupe": "payload.event_id"}
        self.connections, self.relays = connections, {}
        self.entries, self.last = {}, None  # id → Entry, of all that ever came; the newest id
        self.lock = threading.RLock()
        self.removed, self.there, self.acknowledged, self.anew = set(), set(), set(), Anew()
        self.lost = set()  # ids that the server forgot, though it had acknowledged them
        self.broken = []  # sentences about writers that ended

    def listen_through(self, relays):
        """Starts the server; each of those who connect goes through a relay of its own."""
        for name in self.connections:
            self.relays[name] = relays.add(f"{name}>database.stream", self.port)
        self.start_server()
        self.create()

    # ---- What is written and read ----

    def insert(self, rows):
        with contextlib.closing(self.sender(self.port)) as sender:
            for i in range(0, len(rows), 500):
                sender.send([(row[1], message_of(row)) for row in rows[i:i + 500]])

    def read_along(self):
        """Notes all that has come since."""
        with self.lock:
            for i, value, came_ms in self.read(self.last):
                self.entries[i] = Entry(value, came_ms)
                self.last = i

    def copies(self):
        """Those that say again what one before them said."""
        seen, found = set(), set()
        for i, entry in list(self.entries.items()):
            if entry.name in seen:
                found.add(i)
            elif entry.name is not None:
                seen.add(entry.name)
        return found

    def remove(self, ids):
        ids = [i for i in ids if i not in self.removed]
        self.removed.update(ids)
        for at in range(0, len(ids), DELETE_AT_ONCE):
            self.delete(ids[at:at + DELETE_AT_ONCE])

    # ---- What is true in the end ----

    def settle(self, d):
        """Nobody writes or deletes any more."""
        self.read_along()
        self.there = set(self.present())
        self.anew.settle(d)

    def ids(self):
        """Of the events that are there."""
        self.read_along()
        return list((self.entries.keys() - (self.removed - self.there)) - self.copies())

    def gone(self):
        """Those that some may have seen, and others not. Of what was lost nobody knows if it was read, and so if a copy of it counts."""
        copies = self.copies()
        lost = {self.entries[i].name for i in self.lost}
        return (self.removed - self.there - copies) | {i for i in copies if self.entries[i].name in lost}

    @property
    def forgets(self):
        return bool(self.lost)

    @property
    def doubtful_probes(self):
        """Probes that were lost: a tile counts them if they had been read."""
        return len({self.entries[i].name for i in self.lost if self.entries[i].event_type == PROBE})

    def unseen(self, ids, order):
        """As with Kafka: what came before anybody listened."""
        came = {i: self.entries[i].came_ms for i in ids}
        begun = min((self.entries[i].came_ms for i in order if i in self.entries), default=0) + 2000
        return {i for i in ids if came[i] < begun}

    def excused(self, ids):
        """What came not long before streams began anew."""
        return self.anew.excuse(ids, {i: self.entries[i].came_ms for i in ids})

    @property
    def judged(self):
        return {"unseen": self.unseen, "anew": bool(self.anew), "excused": self.excused}

    def probes(self):
        return [(i, entry) for i, entry in list(self.entries.items()) if entry.event_type == PROBE]

    def count_probes(self):
        self.read_along()
        return len({entry.name for _, entry in self.probes()})

    def losses(self):
        """What was acknowledged is there: else a server lost it, and what is judged means nothing."""
        lost = self.acknowledged - {entry.name for entry in self.entries.values()}
        lacking = self.entries.keys() - self.removed - set(self.present())
        return self.broken + ([f"the server lost {len(lost | lacking)} messages"] if lost or lacking else [])

    # ---- What is done to it ----

    def suffer(self, kind, _):
        """Retention takes all notes that are there, read or not."""
        assert kind == "trim"
        try:
            self.read_along()
            self.remove([i for i, entry in list(self.entries.items()) if entry.event_type == NOTE])
        except self.errors:
            return False  # the server has just gone
        return True


class StreamProbes:
    """For tiles.Retention: probes that are known to be counted."""

    def __init__(self, d, bus, tile="probes"):
        """tile: that counts them, and nothing else."""
        self.d, self.bus, self.tile, self.errors, self.counted = d, bus, tile, bus.errors, set()

    def written(self):
        self.bus.read_along()
        if self.bus.doubtful_probes:
            return set(self.counted)  # nobody can tell any more which are counted
        found = self.bus.probes()
        tile = (self.d.tiles_of_cache("cache1") or {}).get(self.tile)
        if tile is not None and tile[1].get("value", 0) >= len({entry.name for _, entry in found}):
            self.counted = {i for i, _ in found}
        return set(self.counted)

    def delete(self, ids):
        self.bus.remove(sorted(ids))


class StreamServer:
    """As the wrecker wants it."""

    def __init__(self, bus):
        self.bus, self.running = bus, True

    def up(self):
        return self.running

    def stop(self, crash):
        self.bus.stop_server(crash)
        self.running = False

    def start(self):
        if not self.running:
            self.bus.start_server()
            self.running = True

    heal = start

    def keep_copy(self):
        """For lose(). False: there is one."""
        return self.bus.keep_copy()

    def lose(self):
        """The server starts from the copy, and what came since is gone. One that is away will do so when it starts."""
        self.bus.lose(self.running)


# ---- Redis ----


class RedisSender:
    def __init__(self, port):
        self.redis = redis.Redis("127.0.0.1", port, decode_responses=True, socket_timeout=5)

    def send(self, messages):
        pipe = self.redis.pipeline(transaction=False)
        for _, value in messages:
            pipe.xadd(RedisBus.name, {"data": value})
        pipe.execute()

    def close(self):
        self.redis.close()


class RedisBus(StreamBus):
    """It writes each entry to its disk before it answers, so that none is lost when it is killed."""

    kind, name = "redis", "chaos"
    errors = (redis.RedisError, OSError)

    def __init__(self, _, connections):
        super().__init__(connections)
        self.server = redis_streams.Server(appendonly="yes", appendfsync="always", auto_aof_rewrite_percentage=0)
        self.copy = self.server.path / "copy"
        self.port, self.redis = self.server.port, self.server.client()
        self.uri = f"redis://{self.server.address}/{self.name}"

    def uri_of(self, name):
        return f"redis://127.0.0.1:{self.relays[name]}/{self.name}"

    def create(self):
        pass

    def start_server(self):
        self.server.start()

    def stop_server(self, crash):
        self.server.stop("KILL" if crash else "TERM")

    sender = staticmethod(RedisSender)

    def read(self, after):
        for i, fields in self.redis.xrange(self.name, "-" if after is None else f"({after}"):
            yield i, fields["data"], int(i.split("-")[0])

    def present(self):
        return [i for i, _ in self.redis.xrange(self.name)]

    def delete(self, ids):
        self.redis.xdel(self.name, *ids)

    def keep_copy(self):
        if self.copy.exists():
            return False
        shutil.copytree(self.server.path / "appendonlydir", self.copy)
        return True

    def lose(self, running):
        """What came last is known first: from then on nobody can write."""
        with self.lock:
            if not running:
                self.start_server()
            self.redis.client_pause(60_000, all=False)
            self.read_along()
            self.stop_server(crash=True)
            shutil.rmtree(self.server.path / "appendonlydir")
            self.copy.rename(self.server.path / "appendonlydir")
            self.start_server()
            there = set(self.present())
            new = self.entries.keys() - self.removed - there
            self.lost |= new
            self.removed |= new
            if again := sorted(self.removed & there):  # retention has to take them once more
                self.delete(again)
            if not running:
                self.stop_server(crash=True)

    def close(self):
        self.redis.close()
        self.server.stop("KILL")


# ---- NATS ----


class NatsSender:
    def __init__(self, port):
        self.client = Client(port)
        self.client.socket.settimeout(5)

    def send(self, messages):
        answers = self.client.ask_all([(f"chaos.{event_type.split('.')[0]}", value.encode(), None) for event_type, value in messages])
        if not all("seq" in answer for answer in answers):
            raise Refused(str(answers))

    def close(self):
        self.client.close()


class NatsBus(StreamBus):
    """Each kind of event has a subject of its own."""

    kind, name = "nats", "CHAOS"
    errors = (Refused, OSError, ValueError)

    def __init__(self, folder, connections):
        super().__init__(connections)
        self.server = nats.Server(pathlib.Path(folder) / "nats", "max_payload: 8MB\n")
        self.port, self.client = self.server.port, None
        self.uri = f"nats://{self.server.address}/{self.name}"

    def uri_of(self, name):
        return f"nats://127.0.0.1:{self.relays[name]}/{self.name}"

    def create(self):
        self.client.api(f"STREAM.CREATE.{self.name}", name=self.name, subjects=["chaos.>"], storage="file")

    def start_server(self):
        self.server.start()
        self.connect()

    def stop_server(self, crash):
        self.server.stop(**({} if crash else {"how": 15}))

    sender = staticmethod(NatsSender)

    def connect(self):
        with self.lock:
            if self.client is not None:
                self.client.close()
            self.client = Client(self.port)
            if self.last is not None:
                wait_until(self.has_loaded, 30, "the stream to be there")

    def ask_all(self, what, bodies):
        """The threads of a run share one connection."""
        with self.lock:
            return self.client.ask_all([(f"$JS.API.STREAM.{what}.{self.name}", json.dumps(body).encode(), None) for body in bodies])

    def has_loaded(self):
        with contextlib.suppress(Refused):
            return self.state() is not None
        return False

    def state(self):
        answer, = self.ask_all("INFO", [{"deleted_details": True}])
        if "error" in answer:
            raise Refused(str(answer))
        return answer["state"]

    def read(self, after):
        first, last = (after or 0) + 1, self.state()["last_seq"]
        for at in range(first, last + 1, 200):
            asked = range(at, min(at + 200, last + 1))
            for i, answer in zip(asked, self.ask_all("MSG.GET", [{"seq": i} for i in asked])):
                if "message" in answer:
                    stamp = datetime.datetime.fromisoformat(answer["message"]["time"][:26].rstrip("Z") + "+00:00")
                    yield i, base64.b64decode(answer["message"]["data"]), stamp.timestamp() * 1000

    def present(self):
        state = self.state()
        return set(range(state["first_seq"], state["last_seq"] + 1)) - set(state.get("deleted") or [])

    def delete(self, ids):
        self.ask_all("MSG.DELETE", [{"seq": i, "no_erase": True} for i in ids])

    def close(self):
        if self.client is not None:
            self.client.close()
        self.server.stop()
