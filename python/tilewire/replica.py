# SPDX-License-Identifier: Apache-2.0
"""A copy of an upstream's tiles, kept by the rules of docs/protocol.md. It does no input or output of its own."""
from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable
from typing import Any, cast

import msgpack

from .items import Changed, Removed, Tile, TileItem, merged

PROTOCOL = 1
Version = tuple[int, int]  # epoch, sequence


@dataclasses.dataclass(frozen=True)
class Delta:
    """A message of a PUB socket."""

    kind: str  # tile, event or beat
    lane: int
    version: Version
    published_us: int
    body: dict[str, Any]


def parse(frames: list[bytes]) -> Delta | None:
    """None: it is malformed, or of another version of the protocol."""
    try:
        topic, header, body = frames
        kind, lane = topic.decode().split(".", 2)[:2]
        protocol, epoch, sequence, published_us = msgpack.unpackb(header)
        return Delta(kind, int(lane), (epoch, sequence), published_us, msgpack.unpackb(body)) if protocol == PROTOCOL else None
    except (ValueError, TypeError, msgpack.UnpackException):
        return None


class Lanes:
    """How far each lane is, and what was heard of it. What was heard is not waiting anywhere: a snapshot has to hold it."""

    def __init__(self) -> None:
        self.at: dict[int, Version] = {}
        self.heard: dict[int, Version] = {}

    def judge(self, delta: Delta) -> str:
        """`old`: it changes nothing. `next`: it is to be applied. `gap`: something before it is missing."""
        lane, version = delta.lane, delta.version
        self.heard[lane] = max(version, self.heard.get(lane, version))
        at = self.at.get(lane)
        if at is not None and version <= at:
            return "old"
        if at is None or delta.kind == "beat" or version != (at[0], at[1] + 1):
            return "gap"
        self.at[lane] = version
        return "next"

    def join(self, versions: dict[str, list[int]], count: int) -> bool:
        """Takes what a reply reaches. False: it lacks a lane, or something that was heard already."""
        reached = {int(lane): (version[0], version[1]) for lane, version in versions.items()}
        if any(lane not in reached for lane in range(count)) or any(lane in reached and reached[lane] < heard for lane, heard in self.heard.items()):
            return False
        self.at = reached
        return True


@dataclasses.dataclass
class Held:
    """A tile that is held."""

    tile: Tile
    version: Version
    ttl_s: float
    grace_s: float
    refreshed_s: float  # when, by the monotonic clock


class Copy:
    """The selected tiles."""

    def __init__(self, wanted: Callable[[str], bool]) -> None:
        self.wanted = wanted
        self.held: dict[str, Held] = {}

    def take_snapshot(self, tiles: list[dict[str, Any]], now_s: float) -> None:
        """`tiles`: those of all pages, in their order. A later one of the same key counts."""
        self.held = {}
        for t in tiles:
            if not self.wanted(t["k"]):
                continue
            if t.get("p") is None:
                self.held.pop(t["k"], None)
                continue
            tile = tile_of(t["k"], t["p"], (t["v"][0], t["v"][1]), t, t["u"], t["stale"])
            self.held[t["k"]] = Held(tile, (t["v"][0], t["v"][1]), t["t"] / 1000, t["g"] / 1000, now_s - t["age"] / 1000)

    def tiles(self) -> dict[str, Tile]:
        return {key: held.tile for key, held in sorted(self.held.items())}

    def apply(self, delta: Delta, now_s: float) -> tuple[TileItem | None, bool]:
        """What the delta changes, and whether it could be applied: False asks for a snapshot."""
        body = delta.body
        key, patch, base = body["k"], body["p"], body["b"]
        if not self.wanted(key):
            return None, True
        held = self.held.get(key)
        version = (body["v"][0], body["v"][1]) if "v" in body else delta.version
        if held and held.version > version:
            return None, True
        if base is None and patch is None:
            self.held.pop(key, None)
            return Removed(key, held.tile) if held else None, True
        same = held is not None and held.version == version
        if base is not None and not same and (held is None or held.version != (body.get("be", delta.version[0]), base)):
            return None, False
        before = held.tile if held else None
        if same and before:
            value: Any = before
        else:
            value = patch if base is None else merged(before, patch)
        tile = tile_of(key, value, version, body, delta.published_us, stale=False)
        self.held[key] = Held(tile, version, body["t"] / 1000, body["g"] / 1000, now_s)
        # A refresh that changes nothing but the moment is no news.
        return None if same and before and not before["stale"] else Changed(tile, before), True

    def sweep(self, now_s: float) -> list[TileItem]:
        """What time alone has changed."""
        news: list[TileItem] = []
        for key, held in list(self.held.items()):
            silent_s = now_s - held.refreshed_s
            if silent_s > held.ttl_s + held.grace_s:
                del self.held[key]
                news.append(Removed(key, held.tile))
            elif silent_s > held.ttl_s and not held.tile["stale"]:
                before, held.tile = held.tile, cast(Tile, {**held.tile, "stale": True})
                news.append(Changed(held.tile, before))
        return news


def tile_of(key: str, value: dict[str, Any], version: Version, about: dict[str, Any], updated_us: int, stale: bool) -> Tile:
    """As a gateway would show it."""
    return cast(Tile, {**value, "key": key, "version": f"{base36(version[0])}-{base36(version[1])}", "ttl_ms": about["t"], "stale": stale,
                       "as_of": {"position": about["s"], "time": moment(about["w"])}, "updated_at": moment(updated_us)})


def base36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
        if not number:
            return digits


def moment(us: int) -> str:
    at = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(milliseconds=us // 1000)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def matcher(patterns: str | list[str]) -> Callable[[str], bool]:
    """Patterns in which `*` stands for any characters."""
    listed = patterns.split(",") if isinstance(patterns, str) else patterns
    expression = re.compile("|".join(".*".join(map(re.escape, pattern.split("*"))) for pattern in listed), re.DOTALL)
    return lambda text: expression.fullmatch(text) is not None
