# SPDX-License-Identifier: Apache-2.0
"""A tile that is added by a reload says on each face that pushes that it is being built, and since when it counts; and at last that it is built."""
import contextlib
import json

import msgpack
import pytest
import zmq

from test_retention import built, fill, reload
from tilewire import PATIENCE, wait_until
from websocket import WebSocket

OLD = [{"key": "all", "type": "count"}]
HELD = 1500  # the row that holds the build until the test lets it go


def merge(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = merge(target.get(name), value)
    return target


class Seen:
    """What one face told of the tile: each state, and how it came."""

    def __init__(self):
        self.states, self.patches = [], []

    def whole(self, tile):
        self.states.append(tile)

    def patch(self, patch):
        self.patches.append(patch)
        self.states.append(merge(self.states[-1], patch))

    def building(self):
        return bool(self.states) and self.states[-1].get("building", {}).get("progress", 0) > 0

    def built(self):
        return bool(self.states) and "building" not in self.states[-1]

    def check(self):
        at = next(i for i, state in enumerate(self.states) if "building" not in state)
        assert at > 0 and all("building" in state for state in self.states[:at]), "first it is being built, and then it is not"
        progress = [state["building"]["progress"] for state in self.states[:at]]
        assert progress == sorted(progress) and progress[0] >= 0 and progress[-1] < 1
        assert [patch["building"] for patch in self.patches if "building" in patch][-1] is None, "a patch takes it away"
        last = self.states[-1]
        assert last["data"]["value"] == 2990 and last["complete"] is False and last["since"]["position"] == "11"
        return {name: last[name] for name in ("since", "complete")}


class FromStream(Seen):
    def __init__(self, d):
        super().__init__()
        self.stream = d.stream("/api/tiles/stream?form=patch&keys=new")
        self.taken = 0

    def take(self):
        events = list(self.stream.events)
        for event in events[self.taken:]:
            if event["event"] == "tile":
                self.whole(event["data"])
            elif event["event"] == "patch":
                self.patch(event["data"]["patch"])
        self.taken = len(events)


class FromSocket(Seen):
    def __init__(self, d):
        super().__init__()
        self.socket = WebSocket(d.gateway_ports[0])
        self.socket.say(subscribe=["new"], form="patch")
        self.socket.read()  # it is subscribed when anything comes

    def take(self):
        message = self.socket.read()
        if message["event"] == "tile":
            self.whole(message)
        elif message["event"] == "patch":
            self.patch(message["patch"])


class FromPub(Seen):
    """Of the ingestor or of the cache. A message is a patch upon the version that it names, or the whole tile."""

    def __init__(self, context, address):
        super().__init__()
        self.sub = context.socket(zmq.SUB)
        self.sub.linger = 0
        self.sub.subscribe("tile.0.new")
        self.sub.subscribe("beat.")
        self.sub.connect(address)
        assert self.sub.poll(PATIENCE * 1000), "the subscription is there when a beat comes"
        self.sub.unsubscribe("beat.")

    def take(self):
        if self.sub.poll(100):
            topic, _, body = self.sub.recv_multipart()
            if topic.startswith(b"tile."):
                body = msgpack.unpackb(body)
                self.whole(body["p"]) if body["b"] is None else self.patch(body["p"])


@pytest.mark.parametrize("face", ["stream", "websocket", "pub of the ingestor", "pub of the cache"])
def test_a_tile_is_followed_from_being_built_to_built(deploy, postgres_table, face):
    fill(postgres_table, 3000)
    postgres_table.execute("CREATE FUNCTION held(bigint) RETURNS text LANGUAGE plpgsql STABLE AS "
                           f"'BEGIN IF $1 = {HELD} THEN PERFORM pg_advisory_xact_lock_shared(7); END IF; RETURN NULL; END'")
    postgres_table.execute("CREATE VIEW paced AS SELECT id, timestamp, coalesce(held(id), event_type) AS event_type, "
                           "actor_id, target_id, summary, payload FROM events")
    d = deploy(postgres_table, tiles=OLD, gateways=1, config={"gateway": {"heartbeat": "300ms"}})
    d.config["source"]["table"] = "paced"
    d.config["ingestor"]["events"] = 100  # those are read again at a start
    d.write()
    d.start()
    wait_until(lambda: d.tile("all")["data"]["value"] == 3000)
    postgres_table.execute("DELETE FROM events WHERE id <= 10")
    with zmq.Context() as context, contextlib.ExitStack() as ending:
        connection = ending.enter_context(contextlib.closing(postgres_table.connect()))
        holder = connection.cursor()
        holder.execute("SELECT pg_advisory_lock(7)")
        if face == "stream":
            seen = FromStream(d)
        elif face == "websocket":
            seen = FromSocket(d)
            ending.callback(seen.socket.close)
        else:
            seen = FromPub(context, d.addresses[0 if face.endswith("ingestor") else 2])
            ending.callback(seen.sub.close)
        reload(d, [*OLD, {"key": "new", "type": "count"}], wait=False)
        wait_until(lambda: (seen.take(), seen.building())[1], what="how far the build is")
        holder.execute("SELECT pg_advisory_unlock(7)")
        wait_until(lambda: (seen.take(), seen.built())[1], what="the end of the build")
        told = seen.check()
    wait_until(lambda: built(d, "new"), what="the gateway to know it, too")
    tile = d.tile("new")
    assert told == {name: tile[name] for name in told}
    (listed,) = [t for t in json.loads(d.run("ls", "--json", check=True).stdout) if t["key"] == "new"]
    assert told == {name: listed[name] for name in told}
