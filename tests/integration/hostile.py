#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that ask for as much as they can, each from an address of its own: python3 hostile.py KIND PORT ADDRESS, until killed."""
import contextlib
import http.client
import socket
import sys
import threading
import time
import urllib.parse

# The beginning of types that take long to be told from what the patterns select: eight letters that are nowhere in them.
SLOW_TYPE = "ab" * 40
SLOW_PATTERNS = ",".join(f"*ab*{i:08b}*" for i in range(252) if i not in (0x55, 0xaa)).replace("0", "a").replace("1", "b")


def patterns(port, address):
    """Asks for events of types that nothing has, over and over."""
    path = "/api/events?types=" + urllib.parse.quote(SLOW_PATTERNS, safe="*,")
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, source_address=(address, 0))
            while True:
                connection.request("GET", path)
                connection.getresponse().read()


def message(text):
    """A client's frame. Its mask is zeros, which change nothing."""
    length = bytes([0x80 | len(text)]) if len(text) < 126 else bytes([0x80 | 126]) + len(text).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + text.encode()


def subscriptions(port, address):
    """Gives its subscription up and subscribes anew after the first event, as often as a connection may say something."""
    again = b"".join(message(text) for text in ('{"unsubscribe":["*"]}', '{"subscribe":["*"],"stream":"events","cursor":"1"}'))
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 10, (address, 0)) as s:
            s.sendall(b"GET /api/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                      b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += s.recv(1) or b"\r\n\r\n"
            s.settimeout(0.01)
            while head.startswith(b"HTTP/1.1 101"):
                s.sendall(again)
                until = time.monotonic() + 0.1  # ten times two frames a second are what it may send
                while time.monotonic() < until:
                    with contextlib.suppress(TimeoutError):
                        if not s.recv(1 << 20):
                            raise OSError


KINDS = {"patterns": (patterns, 8), "subscriptions": (subscriptions, 40)}


def main():
    kind, port, address = sys.argv[1:]
    attack, connections = KINDS[kind]
    for _ in range(connections):
        threading.Thread(target=attack, args=(int(port), address), daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
