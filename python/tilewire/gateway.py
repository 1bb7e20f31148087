# SPDX-License-Identifier: Apache-2.0
"""Tiles and events from gateways, over HTTP and server-sent events. docs/http.md says what they answer."""
from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import random
import urllib.parse
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, cast

import httpx

from .items import (
    Changed, Event, EventItem, Interrupted, Missed, Refused, Removed, Resumed, Snapshot, Tile, TileItem, Unreachable, event_of, merged,
)
from .sse import Message, Parser

MOST_WAIT_S = 30.0  # between two attempts
Token = str | Callable[[], str | Awaitable[str]]


class Expired(Exception):
    """The token has; a new one is asked for."""


def parameters(**given: str | int | None) -> dict[str, str]:
    return {name: str(value) for name, value in given.items() if value is not None}


def joined(patterns: str | list[str]) -> str | None:
    text = patterns if isinstance(patterns, str) else ",".join(patterns)
    return None if text == "*" else text


class Gateway:
    """Several addresses are gateways of one deployment: when one fails, the next is asked."""

    def __init__(self, *urls: str, token: Token | None = None, headers: Mapping[str, str] | None = None, verify: Any = True,
                 retry_s: float = 1.0, silence_s: float = 40.0) -> None:
        """token: a text, or a function that gives a fresh one. verify: as in httpx. retry_s: the first wait after a failure, which doubles up to 30 s.
        silence_s: a stream that says nothing for so long is dead (a heartbeat comes every 15 s)."""
        self._urls = [url.rstrip("/") for url in urls or ("http://127.0.0.1:8080",)]
        self._at = 0
        self._provide = token
        self._token: str | None = None
        self._retry_s, self._silence_s = retry_s, silence_s
        self._client = httpx.AsyncClient(headers=dict(headers or {}), verify=verify, limits=httpx.Limits(max_connections=None),
                                         timeout=httpx.Timeout(30.0))

    async def __aenter__(self) -> Gateway:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._client.aclose()

    # ---- Asking once ----

    async def tiles(self, keys: str | list[str] = "*") -> dict[str, Tile]:
        """The selected tiles by key, as they are now."""
        return by_key((await self._ask("/api/tiles", parameters(keys=joined(keys))))["tiles"])

    async def tile(self, key: str) -> Tile | None:
        """One tile; None if there is none of that key, or it may not be seen."""
        try:
            return cast(Tile, await self._ask("/api/tiles/" + urllib.parse.quote(key, safe="/"), {}))
        except Refused as error:
            if error.status == 404:
                return None
            raise

    async def newest(self, limit: int = 100, types: str | list[str] = "*") -> list[Event]:
        """The newest events, oldest first."""
        listed = (await self._ask("/api/events", parameters(limit=limit, types=joined(types))))["events"]
        return [event_of(row) for row in reversed(listed)]

    # ---- Following ----

    async def follow(self, keys: str | list[str] = "*") -> AsyncIterator[TileItem]:
        """All selected tiles, then each change. It ends only by an error: `Refused`."""
        held: dict[str, Tile] = {}
        cursor: str | None = None
        began = False

        async def begin() -> Snapshot | None:
            nonlocal held, cursor, began
            if cursor is not None:
                return None
            body = await self._ask("/api/tiles", parameters(keys=joined(keys)))
            held, cursor, gap, began = by_key(body["tiles"]), body["cursor"], began, True
            return Snapshot(dict(held), gap)

        def where() -> tuple[str, dict[str, str]]:
            return "/api/tiles/stream", parameters(keys=joined(keys), form="patch", lastEventId=cursor)

        async with contextlib.aclosing(self._again_and_again(begin, where)) as items:
            async for item in items:
                if isinstance(item, Message):
                    # A reset forgets the cursor, too: until there is another one, who has to come back begins anew.
                    cursor = item.id or (None if item.event == "reset" else cursor)
                    if change := take(held, item):
                        yield change
                else:
                    yield item

    async def events(self, types: str | list[str] = "*", after: str | None = None) -> AsyncIterator[EventItem]:
        """Each event from now on, or after the one with that id ("0": all that are kept)."""
        last = after

        async def begin() -> None:
            nonlocal last
            if last is None:
                newest = await self.newest(limit=1)
                last = newest[-1].resume_after if newest else "0"

        def where() -> tuple[str, dict[str, str]]:
            return "/api/events/stream", parameters(types=joined(types), event="message", lastEventId=last)

        came: str | None = after
        async with contextlib.aclosing(self._again_and_again(begin, where)) as items:
            async for item in items:
                if not isinstance(item, Message):
                    yield item
                elif item.event == "message":
                    event = event_of(json.loads(item.data))
                    last, came = item.id or event.id, event.id
                    yield event
                elif item.event == "reset":
                    yield Missed(came)

    # ---- How ----

    async def _again_and_again(self, begin: Callable[[], Awaitable[Any]], where: Callable[[], tuple[str, dict[str, str]]]) -> AsyncGenerator[Any, None]:
        """What `begin` gives before each stream, and the messages of streams, one behind the other for ever."""
        failures, interrupted = 0, False
        while True:
            wait_s = 0.0
            try:
                if (first := await begin()) is not None:
                    yield first
                async with self._stream(*where()) as messages:
                    if interrupted:
                        interrupted = False
                        yield Resumed()
                    async for message in messages:
                        if message.event == "expired-token":
                            raise Expired
                        failures = 0
                        yield message
                raise Unreachable("the gateway ended the stream")
            except Expired:
                self._token = None
                if failures == 0:
                    failures = 1
                    continue  # At once; but who is given an expired token again waits.
            except Unreachable as error:
                wait_s = error.retry_after_s
                if not interrupted:
                    interrupted = True
                    yield Interrupted(str(error))
            self._at = (self._at + 1) % len(self._urls)
            await asyncio.sleep(max(wait_s, min(MOST_WAIT_S, self._retry_s * 2 ** min(failures, 10)) * random.uniform(0.9, 1.0)))
            failures += 1

    async def _credentials(self) -> dict[str, str]:
        if self._provide is None:
            return {}
        if self._token is None:
            given = self._provide() if callable(self._provide) else self._provide
            self._token = await given if inspect.isawaitable(given) else given
        return {"Authorization": f"Bearer {self._token}"}

    async def _send(self, path: str, query: dict[str, str], stream: bool) -> httpx.Response:
        """An answer with 200. A token that is refused is replaced by a fresh one, once."""
        timeout = httpx.Timeout(30.0, read=self._silence_s if stream else 30.0)
        for attempt in (1, 2):
            request = self._client.build_request("GET", self._urls[self._at] + path, params=query, timeout=timeout, headers={
                **await self._credentials(), **({"Accept": "text/event-stream"} if stream else {})})
            try:
                answer = await self._client.send(request, stream=stream)
                if answer.status_code == 200:
                    return answer
                await answer.aread()
                await answer.aclose()
            except httpx.HTTPError as error:
                raise Unreachable(f"{self._urls[self._at]}: {error or type(error).__name__}") from error
            if answer.status_code != 401 or not callable(self._provide) or attempt == 2:
                raise refusal(answer)
            self._token = None
        raise AssertionError

    async def _ask(self, path: str, query: dict[str, str]) -> Any:
        return (await self._send(path, query, stream=False)).json()

    @contextlib.asynccontextmanager
    async def _stream(self, path: str, query: dict[str, str]) -> AsyncIterator[AsyncIterator[Message]]:
        answer = await self._send(path, query, stream=True)
        try:
            yield self._messages(answer)
        finally:
            await answer.aclose()

    async def _messages(self, answer: httpx.Response) -> AsyncIterator[Message]:
        parser = Parser()
        try:
            async for part in answer.aiter_bytes():
                for message in parser.feed(part):
                    yield message
        except httpx.ReadTimeout as error:
            raise Unreachable(f"nothing came for {self._silence_s:g} s") from error
        except (httpx.HTTPError, ValueError) as error:
            raise Unreachable(f"the stream broke off: {error or type(error).__name__}") from error


def refusal(answer: httpx.Response) -> Refused | Unreachable:
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.reason_phrase
    text = f"{answer.status_code}: {detail}"
    if answer.status_code == 429 or answer.status_code >= 500:
        said = answer.headers.get("Retry-After", "")
        return Unreachable(text, float(said) if said.isdigit() else 0.0)
    return Refused(text, answer.status_code)


def by_key(tiles: list[Tile]) -> dict[str, Tile]:
    return {tile["key"]: tile for tile in tiles}


def take(held: dict[str, Tile], message: Message) -> TileItem | None:
    """What a message of the stream of tiles changes."""
    data = json.loads(message.data)
    if message.event == "reset":
        held.clear()
        return Snapshot({}, gap=True)
    if message.event == "expired":
        before = held.pop(data["key"], None)
        return Removed(data["key"], before) if before else None
    if message.event == "tile":
        tile = cast(Tile, data)
    elif message.event == "patch":
        known = held.get(data["key"])
        if known is None or known["version"] != data["base"]:
            return None  # It was known already, from a gateway that was ahead.
        tile = merged(known, data["patch"])
        tile.update(version=data["version"], as_of=data["as_of"], updated_at=data["updated_at"], stale=False)
    else:
        return None
    before = held.get(tile["key"])
    held[tile["key"]] = tile
    return Changed(tile, before)
