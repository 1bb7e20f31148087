# SPDX-License-Identifier: Apache-2.0
"""Tiles and events of Tilewire as async iterators, from a gateway (HTTP) or from a cache (ZeroMQ). docs/python.md describes it."""
from .bus import Bus
from .gateway import Gateway
from .items import Changed, Event, EventItem, Interrupted, Missed, Refused, Removed, Resumed, Snapshot, Tile, TileItem, TilewireError, Unreachable

__all__ = ["Bus", "Changed", "Event", "EventItem", "Gateway", "Interrupted", "Missed", "Refused", "Removed", "Resumed", "Snapshot", "Tile", "TileItem",
           "TilewireError", "Unreachable"]
