# SPDX-License-Identifier: Apache-2.0
"""What a stream's body is wrapped into, taken off by the letter of the standards."""
import zlib


class Body:
    """Takes chunks (RFC 9112, 7.1) and gzip off a body that comes in parts."""

    def __init__(self, headers):
        self.chunked = headers.get("transfer-encoding") == "chunked"
        assert self.chunked == ("transfer-encoding" in headers)
        self.gzip = zlib.decompressobj(wbits=31) if headers.get("content-encoding") == "gzip" else None
        self.pending = b""
        self.whole = not self.chunked  # The last chunk has come.

    def take(self, part):
        if not self.chunked:
            return part
        self.pending += part
        text = b""
        while b"\r\n" in self.pending:
            size, rest = self.pending.split(b"\r\n", 1)
            length = int(size, 16)
            if len(rest) < length + 2:
                break
            assert not self.whole and rest[length:length + 2] == b"\r\n"
            self.whole = length == 0
            text += self.gzip.decompress(rest[:length]) if self.gzip else rest[:length]
            self.pending = rest[length + 2:]
        return text
