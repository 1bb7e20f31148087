#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A small client of NATS for the demo, the tests and the documentation: Debian has none for Python, and the protocol is lines of text.
  scripts/nats_client.py HOST:PORT SUBJECT [BODY]   asks, and prints the answer: that of a stream says which number a message got
"""
import base64
import json
import secrets
import socket
import sys


class Refused(Exception):
    pass


def nkey_signature(seed, data):
    """Of the pair of keys (an nkey) whose seed is given."""
    from cryptography.hazmat.primitives.asymmetric import ed25519
    raw = base64.b32decode(seed + "=" * (-len(seed) % 8))[2:34]
    return base64.urlsafe_b64encode(ed25519.Ed25519PrivateKey.from_private_bytes(raw).sign(data)).decode().rstrip("=")


class Client:
    """One connection: publishes, and asks JetStream."""

    def __init__(self, port, host="127.0.0.1", context=None, **login):
        self.socket = socket.create_connection((host, port), timeout=30)
        self.file = self.socket.makefile("rb")
        line = self.file.readline()
        if not line.startswith(b"INFO "):
            raise ConnectionError("no server answers")
        info = json.loads(line[5:])
        if "nkey" in login:
            login["sig"] = nkey_signature(login.pop("nkey")[1], info["nonce"].encode())
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname=host)
            self.file = self.socket.makefile("rb")
        self.inbox, self.serial = f"_INBOX.{secrets.token_hex(8)}", 0
        options = json.dumps({"verbose": False, "headers": True, "no_responders": True, **login})
        self.socket.sendall(f"CONNECT {options}\r\nSUB {self.inbox}.* 1\r\nPING\r\n".encode())
        line = self.file.readline()
        if line.startswith(b"-ERR"):
            raise Refused(line.decode())
        if not line:
            raise ConnectionError("the server is gone")

    def close(self):
        self.file.close()
        self.socket.close()

    def ask(self, subject, body=b"", headers=None):
        return self.ask_all([(subject, body, headers)])[0]

    def ask_all(self, messages):
        """Answers to many, in their order."""
        out, first = [], self.serial + 1
        for subject, body, headers in messages:
            self.serial += 1
            inbox = f"{self.inbox}.{self.serial}"
            if headers:
                head = b"NATS/1.0\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in headers) + b"\r\n"
                out.append(f"HPUB {subject} {inbox} {len(head)} {len(head) + len(body)}\r\n".encode() + head + body + b"\r\n")
            else:
                out.append(f"PUB {subject} {inbox} {len(body)}\r\n".encode() + body + b"\r\n")
        self.socket.sendall(b"".join(out))
        answers = {}
        while len(answers) < len(messages):
            words = self.file.readline().split()
            if not words:
                raise ConnectionError("the server is gone")
            if words[0] == b"-ERR":
                raise Refused(b" ".join(words).decode())
            if words[0] == b"PING":
                self.socket.sendall(b"PONG\r\n")
            if words[0] in (b"MSG", b"HMSG"):
                payload = self.file.read(int(words[-1]) + 2)[:-2]
                answers[int(words[1].rsplit(b".", 1)[1])] = payload[int(words[-2]):] if words[0] == b"HMSG" else payload
        return [json.loads(answers[first + i] or b"{}") for i in range(len(messages))]

    def api(self, what, **body):
        answer = self.ask("$JS.API." + what, json.dumps(body).encode() if body else b"")
        if "error" in answer:
            raise Refused(answer["error"]["description"])
        return answer


def main():
    address, subject, *body = sys.argv[1:]
    host, _, port = address.rpartition(":")
    print(json.dumps(Client(int(port), host).ask(subject, "".join(body).encode())))


if __name__ == "__main__":
    main()
