# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client made by hand, so that it can also do everything that RFC 6455 forbids."""
import base64
import hashlib
import json
import os
import socket
import struct
import time

from tilewire import PATIENCE

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HEADERS = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}


def frame(opcode, payload=b"", fin=True, rsv=0, mask=True, length_bytes=None):
    """length_bytes: 0, 2 or 8; the shortest that will do, if left out."""
    payload = payload.encode() if isinstance(payload, str) else payload
    if length_bytes is None:
        length_bytes = 0 if len(payload) <= 125 else 2 if len(payload) <= 65535 else 8
    length = {0: len(payload), 2: 126, 8: 127}[length_bytes]
    head = bytes([fin << 7 | rsv << 4 | opcode, mask << 7 | length]) + (len(payload).to_bytes(length_bytes, "big") if length_bytes else b"")
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))


def close_frame(code=1000, reason=b""):
    return frame(CLOSE, struct.pack("!H", code) + reason)


def handshake_text(headers=None, path="/api/ws", method="GET", version="HTTP/1.1"):
    lines = [f"{method} {path} {version}"]
    lines += [f"{name}: {value}" for name, value in {**HEADERS, **(headers or {})}.items() if value is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class WebSocket:
    """Reads when asked to: no thread. Headers with the value None are left out; behind: bytes that follow the handshake."""

    def __init__(self, port, headers=None, behind=b"", timeout=PATIENCE, wrap=lambda s: s, source="127.0.0.1", **request):
        """port: or a socket that is connected. wrap: what is put around the socket, TLS for instance. source: the address that it comes from."""
        connected = port if isinstance(port, socket.socket) else socket.create_connection(("127.0.0.1", port), timeout, (source, 0))
        self.socket = wrap(connected)
        self.pending = b""
        self.pongs = []
        self.pings = 0
        self.socket.sendall(handshake_text(headers, **request) + behind)
        head = self.read_until(b"\r\n\r\n").decode()
        lines = head.split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:] if line)}
        if self.status == 101:
            digest = hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
            assert self.headers["sec-websocket-accept"] == base64.b64encode(digest).decode()
        else:
            self.body = self.read_bytes(int(self.headers.get("content-length", 0)))

    def more(self):
        part = self.socket.recv(65536)
        if not part:
            raise EOFError
        self.pending += part

    def read_until(self, end):
        while end not in self.pending:
            self.more()
        head, self.pending = self.pending.split(end, 1)
        return head

    def read_bytes(self, count):
        while len(self.pending) < count:
            self.more()
        part, self.pending = self.pending[:count], self.pending[count:]
        return part

    def send(self, data):
        self.socket.sendall(data)

    def say(self, **message):
        self.send(frame(TEXT, json.dumps(message)))

    def read_frame(self):
        """(opcode, payload); a server's frames are whole, not masked, and of the shortest form."""
        first, second = self.read_bytes(2)
        assert first & 0x70 == 0 and first & 0x80 and not second & 0x80
        length = second
        if second == 126:
            length = int.from_bytes(self.read_bytes(2), "big")
            assert length > 125
        elif second == 127:
            length = int.from_bytes(self.read_bytes(8), "big")
            assert length > 65535
        return first & 15, self.read_bytes(length)

    def read(self):
        """The next message; answers pings on the way. A close frame is an EOFError with its code and reason."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == TEXT:
                return json.loads(payload.decode())
            if opcode == PING:
                self.pings += 1
                self.send(frame(PONG, payload))
            elif opcode == PONG:
                self.pongs.append(payload)
            else:
                assert opcode == CLOSE, opcode
                code = int.from_bytes(payload[:2], "big") if payload else None
                raise EOFError(code, payload[2:].decode())

    def await_message(self, predicate, timeout=PATIENCE):
        """Throws others away."""
        deadline = time.monotonic() + timeout
        seen = []
        while time.monotonic() < deadline:
            seen.append(self.read())
            if predicate(seen[-1]):
                return seen[-1]
        raise AssertionError(f"it did not come within {timeout} s, but {seen}")

    def until_pong(self, payload):
        """Sends a ping; the messages that come before its pong."""
        messages = []
        self.send(frame(PING, payload))
        while payload not in self.pongs:
            opcode, data = self.read_frame()
            if opcode == PONG:
                self.pongs.append(data)
            elif opcode == TEXT:
                messages.append(json.loads(data))
        return messages

    def closed(self, timeout=PATIENCE):
        """Reads to the close frame and to the end of the connection behind it; (code, reason)."""
        deadline = time.monotonic() + timeout
        code_and_reason = ()
        try:
            while time.monotonic() < deadline:
                self.read()
            raise AssertionError(f"not closed within {timeout} s")
        except EOFError as end:
            code_and_reason = end.args
        assert code_and_reason, "ended without a close frame"
        assert self.pending == b""
        try:
            assert self.socket.recv(1) == b"", "nothing follows a close frame"
        except ConnectionResetError:
            pass
        return code_and_reason

    def close(self):
        self.socket.close()
