# SPDX-License-Identifier: Apache-2.0
"""Tiles and events from a cache or an ingestor, over ZeroMQ. docs/protocol.md says what they send."""
from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgpack
import zmq
import zmq.asyncio

from .items import Event, EventItem, Interrupted, Missed, Refused, Resumed, Snapshot, Tile, TileItem, Unreachable, event_of
from .replica import Copy, Delta, Lanes, matcher, parse, tile_of

TICK_S = 0.5
COMPARED = 100  # events, of those that came last, with what the other side has
AGAIN_S = 0.2
MOST_WAIT_S = 5.0


class Gap(Exception):
    """Something is missing: ask for all of it."""


class Bus:
    """A cache, or an ingestor: its PUB and its ROUTER socket."""

    def __init__(self, publish: str = "tcp://127.0.0.1:7411", query: str = "tcp://127.0.0.1:7412", *, secret_key: bytes | None = None,
                 server_key: bytes | None = None, silence_s: float = 3.0, answer_s: float = 5.0) -> None:
        """secret_key, server_key: with CURVE, our own, and that of the other side (`tilewire keygen` makes both), as 40 characters.
        silence_s: who says nothing for so long is gone, for heartbeats come every second. answer_s: how long a question may take."""
        if bool(secret_key) != bool(server_key):
            raise ValueError("secret_key and server_key belong together")
        self._publish, self._query, self._secret, self._server = publish, query, secret_key, server_key
        self._silence_s, self._answer_s = silence_s, answer_s
        self._context = zmq.asyncio.Context()

    async def __aenter__(self) -> Bus:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        self._context.destroy(linger=0)

    # ---- Asking once ----

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One question, as docs/protocol.md lists them, and its answer."""
        with self._socket(zmq.REQ, self._query) as socket:
            await socket.send(msgpack.packb(request))
            if not await socket.poll(int(self._answer_s * 1000)):
                raise Unreachable(f"{self._query} does not answer" + (", or does not let this key in" if self._secret else ""))
            reply: dict[str, Any] = msgpack.unpackb(await socket.recv())
        if "error" in reply:
            code, message = reply["error"]["code"], reply["error"]["message"]
            raise Unreachable(message) if code in ("unavailable", "full") else Refused(f"{code}: {message}", 404 if code == "not_found" else None)
        return reply

    async def tiles(self, keys: str | list[str] = "*") -> dict[str, Tile]:
        """The selected tiles by key, as they are now."""
        copy = Copy(matcher(keys))
        copy.take_snapshot((await self._snapshot())[0], time.monotonic())
        return copy.tiles()

    async def tile(self, key: str) -> Tile | None:
        """One tile; None if there is none of that key."""
        try:
            t = (await self.ask({"op": "get", "key": key}))["tiles"][0]
        except Refused as error:
            if error.status == 404:
                return None
            raise
        return tile_of(key, t["p"], (t["v"][0], t["v"][1]), t, t["u"], t["stale"])

    async def newest(self, limit: int = 100, types: str | list[str] = "*") -> list[Event]:
        """The newest events, oldest first."""
        wanted = types.split(",") if isinstance(types, str) else types
        return [event_of(e["e"]) for e in (await self.ask({"op": "events", "newest": limit, "types": wanted}))["events"]]

    # ---- Following ----

    async def follow(self, keys: str | list[str] = "*") -> AsyncIterator[TileItem]:
        """All selected tiles, then each change. It ends only by an error: `Refused`."""
        copy, lanes, state = Copy(matcher(keys)), Lanes(), State()
        while True:
            try:
                with self._subscriber() as socket:
                    await self._first(socket, lanes)
                    while True:
                        tiles, versions, count = await self._snapshot()
                        if not lanes.join(versions, count):
                            await asyncio.sleep(AGAIN_S)
                            continue
                        copy.take_snapshot(tiles, time.monotonic())
                        for news in state.works():
                            yield news
                        yield Snapshot(copy.tiles(), state.began())
                        with contextlib.suppress(Gap):
                            async for item in self._changes(socket, lanes, copy):
                                yield item
            except Unreachable as error:
                for failure in state.fails(error):
                    yield failure
                await asyncio.sleep(state.wait_s())

    async def _changes(self, socket: zmq.asyncio.Socket, lanes: Lanes, copy: Copy) -> AsyncIterator[TileItem]:
        swept_s = time.monotonic()
        async for delta in self._deltas(socket):
            if delta and (verdict := lanes.judge(delta)) != "old":
                if verdict == "gap":
                    raise Gap
                if delta.kind == "tile":
                    item, whole = copy.apply(delta, time.monotonic())
                    if not whole:
                        raise Gap
                    if item:
                        yield item
            if time.monotonic() - swept_s >= TICK_S:
                swept_s = time.monotonic()
                for late in copy.sweep(swept_s):
                    yield late

    async def events(self, types: str | list[str] = "*", after: str | None = None) -> AsyncIterator[EventItem]:
        """Each event from now on, or after the one with that id ("0": all that are kept)."""
        wanted, log, lanes, state = matcher(types), Log(after), Lanes(), State()
        while True:
            try:
                with self._subscriber() as socket:
                    await self._first(socket, lanes)
                    while True:
                        async for item in self._catch_up(log, lanes):
                            for news in state.works():
                                yield news
                            if not isinstance(item, Event) or wanted(item.event_type):
                                yield item
                        for news in state.works():
                            yield news
                        with contextlib.suppress(Gap):
                            async for delta in self._deltas(socket):
                                if delta is None or delta.lane != 0 or (verdict := lanes.judge(delta)) == "old":
                                    continue
                                if verdict == "gap":
                                    raise Gap
                                if delta.kind == "event" and (event := log.take(delta.body)) and wanted(event.event_type):
                                    yield event
            except Unreachable as error:
                for failure in state.fails(error):
                    yield failure
                await asyncio.sleep(state.wait_s())

    async def _catch_up(self, log: Log, lanes: Lanes) -> AsyncIterator[EventItem]:
        """What is missing, page by page, until it reaches all that was heard."""
        after: int | None = None  # where the next page begins; None: a first one is asked for
        generation: Any = None
        while True:
            try:
                reply = await self.ask({"op": "events", **(log.where() if after is None else {"after": after})})
            except Refused as error:
                if error.status != 404:
                    raise
                after = None
                yield log.lost()
                continue
            if after is not None and reply.get("generation") != generation:
                after = None  # The other side forgot its events meanwhile, so what came has to be compared again.
                continue
            if missed := log.compare(reply):
                after = None
                yield missed
                continue
            for event in log.take_page(reply):
                yield event
            after, generation = (reply["next"] if reply["more"] else None), reply.get("generation")
            if after is None:
                if lanes.join({"0": reply["versions"]["0"]} if "0" in reply["versions"] else {}, 1):
                    return
                await asyncio.sleep(AGAIN_S)

    # ---- How ----

    @contextlib.contextmanager
    def _socket(self, kind: int, address: str) -> Iterator[zmq.asyncio.Socket]:
        socket = self._context.socket(kind)
        try:
            socket.linger = 0
            if self._secret:
                socket.curve_secretkey, socket.curve_publickey, socket.curve_serverkey = self._secret, zmq.curve_public(self._secret), self._server
            if kind == zmq.SUB:
                # To everything: holes in the sequence of a lane are then losses.
                socket.subscribe(b"")
            socket.connect(address)
            yield socket
        finally:
            socket.close()

    def _subscriber(self) -> contextlib.AbstractContextManager[zmq.asyncio.Socket]:
        return self._socket(zmq.SUB, self._publish)

    async def _first(self, socket: zmq.asyncio.Socket, lanes: Lanes) -> None:
        """Waits until the subscription is heard of: nothing falls between it and what is asked afterwards, for that waits in the socket."""
        async for delta in self._deltas(socket):
            if delta:
                lanes.judge(delta)
                return

    async def _deltas(self, socket: zmq.asyncio.Socket) -> AsyncIterator[Delta | None]:
        """Messages as they come, and None now and then while none comes."""
        last_s = time.monotonic()
        while True:
            if await socket.poll(int(TICK_S * 1000)):
                last_s = time.monotonic()
                yield parse(await socket.recv_multipart())
            elif time.monotonic() - last_s > self._silence_s:
                raise Unreachable(f"{self._publish} is silent")
            else:
                yield None

    async def _snapshot(self) -> tuple[list[dict[str, Any]], dict[str, list[int]], int]:
        """The tiles of all pages, the versions of the last one, and how many lanes there are."""
        tiles: list[dict[str, Any]] = []
        first: dict[str, Any] | None = None
        request: dict[str, Any] = {"op": "snapshot", "after": 0}
        while True:
            page = await self.ask(request)
            if page.get("restart") or (first and page["instance"] != first["instance"]):
                tiles, first, request = [], None, {"op": "snapshot", "after": 0}
                continue
            first = first or page
            tiles += page["tiles"]
            if not page["more"]:
                return tiles, page["versions"], page["lanes"]
            request = {"op": "snapshot", "after": page["next"], "began": first["forgotten"]}


class State:
    """Whether the other side is heard, and what is told of that."""

    def __init__(self) -> None:
        self._interrupted = self._began = False
        self._failures = 0

    def began(self) -> bool:
        """Whether there was a snapshot before this one."""
        before, self._began = self._began, True
        return before

    def works(self) -> list[Resumed]:
        news = [Resumed()] if self._interrupted else []
        self._interrupted, self._failures = False, 0
        return news

    def fails(self, error: Unreachable) -> list[Interrupted]:
        news = [] if self._interrupted else [Interrupted(str(error))]
        self._interrupted = True
        return news

    def wait_s(self) -> float:
        self._failures += 1
        return min(MOST_WAIT_S, AGAIN_S * float(2 ** min(self._failures, 10)))


class Log:
    """Which events came, in the order of delivery."""

    def __init__(self, after: str | None) -> None:
        self.after = after  # id to begin behind; None: with what comes now, or it is known by its ordinal
        self.came: str | None = after
        self.ordinal: int | None = None  # of the last one that came
        self.origin: int | None = None
        self.recent: dict[int, tuple[Any, ...]] = {}  # the last ones, by ordinal

    def where(self) -> dict[str, Any]:
        """What to ask. From some before the last one on, to compare them."""
        if self.ordinal is not None:
            return {"after": min(self.recent, default=self.ordinal + 1) - 1}
        if self.after is not None:
            return {"after_id": int(self.after) if self.after.isdigit() else self.after}
        return {"newest": 1}

    def lost(self) -> Missed:
        """Begins anew, with what comes from now on."""
        came, fresh = self.came, Log(None)
        self.__dict__.update(fresh.__dict__)
        return Missed(came)

    def compare(self, reply: dict[str, Any]) -> Missed | None:
        """Whether what the other side has continues what came."""
        if self.ordinal is None:
            return None
        here = {e["n"]: identity(e["e"]) for e in reply["events"]}
        other = any(n in here and here[n] != known for n, known in self.recent.items())
        inserted = any(n <= self.ordinal and n not in self.recent for n in here if self.recent and n > min(self.recent))
        return self.lost() if other or inserted or reply["origin"] != self.origin or reply["floor"] > self.ordinal else None

    def take_page(self, reply: dict[str, Any]) -> list[Event]:
        events = [event for e in reply["events"] if (event := self.take({"o": reply["origin"], **e}))]
        if self.ordinal is None:
            # Nothing is behind what was asked for, or there is nothing at all.
            self.ordinal = reply["ordinal"]
        self.origin, self.after = reply["origin"], None
        return events

    def take(self, body: dict[str, Any]) -> Event | None:
        """The event, if it had not come yet."""
        if self.origin is not None and body["o"] != self.origin:
            raise Gap
        row, n = body["e"], body["n"]
        if self.ordinal is not None and n <= self.ordinal:
            if n in self.recent and self.recent[n] != identity(row):
                raise Gap
            return None
        fresh = self.ordinal is not None or self.after is not None
        self.ordinal, self.origin = n, body["o"]
        self.recent[n] = identity(row)
        if len(self.recent) > COMPARED:
            del self.recent[next(iter(self.recent))]
        event = event_of(row)
        if fresh:
            self.came = event.id
        return event if fresh else None


def identity(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["id"], row["timestamp"], row["event_type"]
