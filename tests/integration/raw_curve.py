# SPDX-License-Identifier: Apache-2.0
"""CURVE (https://rfc.zeromq.org/spec/26/) without libzmq, to say what libzmq never says: the frames of a message that has no end."""
import ctypes
import os
import socket
import struct

import zmq
from zmq.utils import z85

sodium = ctypes.CDLL("libsodium.so.23")


def box(text, nonce, theirs, ours):
    out = ctypes.create_string_buffer(len(text) + 16)
    assert sodium.crypto_box_easy(out, text, ctypes.c_ulonglong(len(text)), nonce, theirs, ours) == 0
    return out.raw


def unbox(sealed, nonce, theirs, ours):
    out = ctypes.create_string_buffer(len(sealed) - 16)
    assert sodium.crypto_box_open_easy(out, sealed, ctypes.c_ulonglong(len(sealed)), nonce, theirs, ours) == 0
    return out.raw


class RawClient:
    """A DEALER with that pair (in Z85), of which the server with that key is told."""

    def __init__(self, address, pair, server_key):
        self.permanent = [z85.decode(key) for key in pair]
        self.server = z85.decode(server_key)
        self.short = [z85.decode(key) for key in zmq.curve_keypair()]
        self.nonce = 0
        self.socket = socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=10)
        self.socket.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32))
        self.read(64)

    def close(self):
        self.socket.close()

    def read(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError("the server has ended it")
            data += part
        return data

    def send(self, body, command):
        flags = 4 if command else 0
        head = struct.pack(">BB", flags, len(body)) if len(body) < 256 else struct.pack(">BQ", flags | 2, len(body))
        self.socket.sendall(head + body)

    def receive(self):
        flags = self.read(1)[0]
        return self.read(struct.unpack(">Q", self.read(8))[0] if flags & 2 else self.read(1)[0])

    def next_nonce(self):
        self.nonce += 1
        return struct.pack(">Q", self.nonce)

    def shake_hands(self):
        """Returns what the server said at last: b"READY…" or b"ERROR…", as a command begins with its name's length."""
        public, secret = self.short
        nonce = self.next_nonce()
        self.send(b"\x05HELLO\x01\x00" + bytes(72) + public + nonce + box(bytes(64), b"CurveZMQHELLO---" + nonce, self.server, secret), True)
        welcome = self.receive()
        opened = unbox(welcome[24:], b"WELCOME-" + welcome[8:24], self.server, secret)
        self.their_short, cookie = opened[:32], opened[32:]
        vouch_nonce = os.urandom(16)
        vouch = box(public + self.server, b"VOUCH---" + vouch_nonce, self.their_short, self.permanent[1])
        metadata = b"\x0bSocket-Type" + struct.pack(">L", 6) + b"DEALER"
        nonce = self.next_nonce()
        sealed = box(self.permanent[0] + vouch_nonce + vouch + metadata, b"CurveZMQINITIATE" + nonce, self.their_short, secret)
        self.send(b"\x08INITIATE" + cookie + nonce + sealed, True)
        return self.receive()[1:]

    def send_part(self, data):
        """A frame that is not the last one of its message."""
        nonce = self.next_nonce()
        sealed = box(b"\x01" + data, b"CurveZMQMESSAGEC" + nonce, self.their_short, self.short[1])
        self.send(b"\x07MESSAGE" + nonce + sealed, False)
