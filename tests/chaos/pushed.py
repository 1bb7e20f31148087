# SPDX-License-Identifier: Apache-2.0
"""Events that are pushed over HTTP as what a chaos run is about. Who pushes goes to any gateway, and again with the same Idempotency-Key
until it is answered; the ingestors' file then has each event once, and all that were acknowledged."""
import contextlib
import http.client
import json
import sqlite3
import time

from stream_writers import PAUSE_S, StreamWriters
from streams import StreamBus, message_of
from tilewire import RandomEvents, wait_until
from whole import GATEWAYS

LATER = (429, 502, 503, 507)  # statuses that mean "push it again"
BODY_MAX, EVENT_MAX = 100 << 10, 60 << 10  # characters, and bytes
KEEP_S = 20


class Sender:
    """For what is pushed without a key, and not again."""

    def __init__(self, bus):
        self.bus = bus

    def send(self, messages):
        part = []
        for _, text in messages:
            if len(text.encode()) > EVENT_MAX:
                continue  # a row of a table may be larger
            if sum(map(len, part)) > BODY_MAX:
                self.post(part)
                part = []
            part.append(text)
        self.post(part)

    def post(self, part):
        if part:
            wait_until(lambda: self.bus.post(self.bus.ports[0], "\n".join(part), {"X-Forwarded-For": "10.9.1.1"})[0] == 201, 60, "events to be taken")

    def close(self):
        pass


class PushBus(StreamBus):
    """What is pushed. `keep`: events are deleted after KEEP_S, so that tiles cannot be proved by them."""

    kind = "push"
    errors = (OSError, http.client.HTTPException, sqlite3.Error, ValueError)

    def __init__(self, folder, keep):
        super().__init__([])
        self.port, self.relays = None, {"writers": None}  # there is no server but the gateways
        self.path, self.forgets = folder / "pushed.db", keep
        self.uri = f"push:{self.path}"
        self.source = {"keep": f"{KEEP_S}s"} if keep else {}
        self.ports, self.entrances, self.headers = [], [], {}

    def attach(self, d):
        self.ports = d.gateway_ports
        self.entrances = [d.entrances[name][0] for name in GATEWAYS]
        if d.issuer is not None:
            token = d.issuer.token(sub="writer", exp=int(time.time()) + 7200, tilewire={"push": ["*"]})
            self.headers = {"Authorization": f"Bearer {token}"}

    def post(self, port, body, headers):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=8)) as connection:
            connection.request("POST", "/api/events", body.encode(), self.headers | {"Content-Type": "application/x-ndjson"} | headers)
            response = connection.getresponse()
            return response.status, response.read()

    def sender(self, _):
        return Sender(self)

    def close(self):
        pass

    # ---- The file ----

    def rows(self, sql, *values):
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=30)) as db:
            return db.execute(sql, values).fetchall()

    def read(self, after):
        if self.path.exists():
            for i, event_type, payload, us in self.rows("SELECT id, event_type, payload, received_at FROM events WHERE id > ? ORDER BY id", after or 0):
                yield i, json.dumps({"event_type": event_type, "payload": json.loads(payload or "null")}), us / 1000

    def present(self):
        return [i for i, in self.rows("SELECT id FROM events")]

    def remove(self, _):
        """Tilewire deletes what is old, and nobody else may."""

    def settle(self, d):
        super().settle(d)
        self.removed = self.entries.keys() - self.there

    def copies(self):
        return set()

    def losses(self):
        twice = super().copies()
        lost = self.acknowledged - {entry.name for entry in self.entries.values()}
        return self.broken + ([f"{len(twice)} events are stored twice, {sorted(twice)[:5]} say"] if twice else []) + (
            [f"{len(lost)} events were acknowledged and are not there, {sorted(lost)[:5]} say"] if lost else [])


class PushWriters(StreamWriters):
    def write_rows(self, name):
        rows, count = RandomEvents(name), 0
        r = rows.random
        while not self.ending.wait(r.expovariate(1 / PAUSE_S)):
            batch, count = list(self.batch(name, rows)), count + 1
            ids = self.push(r, batch, f"{name}.{count}")
            if r.random() < 0.1 and ids is not None:
                again = self.push(r, batch, f"{name}.{count}")
                if again not in (None, ids):
                    self.bus.broken.append(f"a push that was repeated got the ids {again}, and {ids} before")

    def push(self, r, batch, key):
        """Its ids, or None when a minute went by without an answer."""
        body, deadline = "\n".join(message_of(row, event) for event, row in batch), time.monotonic() + 60
        headers = {"Idempotency-Key": key, "X-Forwarded-For": f"10.9.0.{1 + sum(map(ord, key.rsplit('.', 1)[0])) % 250}"}
        while time.monotonic() < deadline:
            try:
                status, answer = self.bus.post(r.choice(self.bus.entrances), body, headers)
                if status in (200, 201):
                    self.bus.acknowledged.update(event for event, _ in batch if event is not None)
                    return json.loads(answer)["ids"]
                if status not in LATER:
                    self.bus.broken.append(f"a push was answered with {status}: {answer[:200]}")
                    return None
            except self.errors:
                pass
            self.failures += 1
            time.sleep(0.1)
        return None
