# SPDX-License-Identifier: Apache-2.0
"""Takes a stream of server-sent events apart."""
from __future__ import annotations

import dataclasses
from collections.abc import Iterator

MOST_BYTES = 16 << 20  # of one event; beyond that it is no stream of ours


@dataclasses.dataclass(frozen=True)
class Message:
    event: str
    data: str
    id: str | None  # None: the message has none


class Parser:
    """Only CR and LF end a line. (`splitlines`, and so `httpx`, take other characters for ends, too.)"""

    def __init__(self) -> None:
        self._rest = b""
        self._fields: dict[str, str] = {}
        self._bytes = 0  # of the event's lines so far

    def feed(self, part: bytes) -> Iterator[Message]:
        lines = (self._rest + part).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            whole = line.removesuffix(b"\r")
            self._bytes = self._bytes + len(whole) if whole else 0
            self._check(self._bytes)
            if message := self._line(whole.decode("utf-8", "replace")):
                yield message
        self._check(self._bytes + len(self._rest))

    def _check(self, length: int) -> None:
        if length > MOST_BYTES:
            raise ValueError("an event of the stream is too long")

    def _line(self, line: str) -> Message | None:
        fields = self._fields
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and "data" in fields else value
            return None
        self._fields = {}
        return Message(fields.get("event") or "message", fields["data"], fields.get("id")) if "data" in fields else None
