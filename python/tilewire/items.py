# SPDX-License-Identifier: Apache-2.0
"""What the iterators give, and what goes wrong."""
from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypedDict


class AsOf(TypedDict):
    position: str  # of the source
    time: str  # RFC 3339, UTC


class Tile(TypedDict, total=False):
    """A tile as `GET /api/tiles/KEY` answers it; docs/contracts/tile.json is its schema. What does not exist is left out."""

    key: str
    type: str
    title: str
    version: str
    as_of: AsOf
    updated_at: str
    ttl_ms: int
    stale: bool
    refresh: dict[str, Any]
    group: dict[str, str]
    since: dict[str, str]
    complete: bool
    building: dict[str, float]
    display: dict[str, Any]
    status: str
    status_since: str
    status_pending: dict[str, Any]
    truncated: Any
    data: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """All selected tiles, by key. It is the first thing that comes. Another one replaces all that was known.

    After a gap a gateway may send an empty one; then the values of all follow as `Changed`.
    """

    tiles: dict[str, Tile]
    gap: bool  # True: changes since what came before may have been left out.


@dataclasses.dataclass(frozen=True)
class Changed:
    """A tile has another value, has become stale, or is stale no longer."""

    tile: Tile
    before: Tile | None  # None: it is new


@dataclasses.dataclass(frozen=True)
class Removed:
    """A tile is gone."""

    key: str
    before: Tile | None


@dataclasses.dataclass(frozen=True)
class Interrupted:
    """From here on nothing is heard, until `Resumed`. The iterator tries again by itself."""

    reason: str


@dataclasses.dataclass(frozen=True)
class Resumed:
    """The connection is there again. What was missed meanwhile follows, or is announced."""


@dataclasses.dataclass(frozen=True)
class Event:
    """A raw event."""

    id: str  # Text, for an id may be greater than other programs can hold, or no number at all.
    timestamp: str  # RFC 3339, UTC
    event_type: str
    row: Mapping[str, Any]  # all members, those above and those that the configuration adds

    @property
    def actor_id(self) -> str | None:
        return self.row.get("actor_id")

    @property
    def target_id(self) -> str | None:
        return self.row.get("target_id")

    @property
    def summary(self) -> str | None:
        return self.row.get("summary")

    @property
    def payload(self) -> Any:
        return self.row.get("payload")

    @property
    def redelivered(self) -> int | None:
        """It may have come before, in another order: a number that stands for this one."""
        return self.row.get("redelivered")

    @property
    def resume_after(self) -> str:
        """What to hand back, to go on after this event: its id, and the order in which it came again."""
        return self.id if self.redelivered is None else f"{self.id}~{self.redelivered}"


@dataclasses.dataclass(frozen=True)
class Missed:
    """Events are missing before the next one, or those that came were of a table that is no more."""

    after: str | None  # id of the last event that came; None: none had


TileItem = Snapshot | Changed | Removed | Interrupted | Resumed
EventItem = Event | Missed | Interrupted | Resumed


class TilewireError(Exception):
    """What all errors of this package are."""


class Refused(TilewireError):
    """The other side says that it will not answer this, however often it is asked."""

    def __init__(self, detail: str, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status  # that of HTTP, if it was asked by HTTP


class Unreachable(TilewireError):
    """There is no answer now; there may be one later."""

    def __init__(self, detail: str, retry_after_s: float = 0.0) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


def event_of(row: Mapping[str, Any]) -> Event:
    return Event(str(row["id"]), row["timestamp"], row["event_type"], row)


def merged(value: Any, patch: Any) -> Any:
    """`value` with `patch` merged into it (RFC 7396). Neither is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for name, part in patch.items():
        if part is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), part)
    return result
