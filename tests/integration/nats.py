# SPDX-License-Identifier: Apache-2.0
"""A real nats-server, and streams of it as events tables."""
import base64
import binascii
import contextlib
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tilewire import free_ports, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from nats_client import Client, Refused, nkey_signature


class Server:
    """options: lines of nats-server's configuration."""

    def __init__(self, path, options="", cluster=None):
        self.path, self.options, self.process = pathlib.Path(path), options, None
        self.port, = free_ports(1)
        self.address = f"127.0.0.1:{self.port}"
        self.routes = ""
        self.name = self.path.name

    def start(self):
        self.path.mkdir(exist_ok=True)
        (self.path / "conf").write_text(f'server_name: "{self.name}"\nlisten: "{self.address}"\n'
                                        f'jetstream {{store_dir: "{self.path}/data"}}\n{self.routes}{self.options}')
        with open(self.path / "log", "ab") as log:
            self.process = subprocess.Popen(["/usr/sbin/nats-server", "-c", self.path / "conf"], stdout=log, stderr=log)
        wait_until(self.answers, what="nats-server")

    def answers(self):
        assert self.process.poll() is None, (self.path / "log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as s:
            return s.recv(4) == b"INFO"
        return False

    def stop(self, how=signal.SIGKILL):
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def throw_away_server(options=""):
    path = pathlib.Path(tempfile.mkdtemp(prefix="tilewire-nats-"))
    server = Server(path, options)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def throw_away_cluster(size=3):
    """Servers that know each other."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="tilewire-nats-"))
    servers = [Server(path / f"n{i}") for i in range(size)]
    ports = free_ports(size)
    for server, port in zip(servers, ports):
        routes = ", ".join(f'"nats://127.0.0.1:{p}"' for p in ports)
        server.routes = f'cluster {{name: c, listen: "127.0.0.1:{port}", routes: [{routes}]}}\n'
    try:
        for server in servers:
            server.start()
        yield servers
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(path, ignore_errors=True)


PREFIXES = {"O": 14 << 3, "A": 0, "U": 20 << 3}  # which kind of key it is, in the first letter of its base32


def checked(data):
    """With CRC-16, as base32: the text of a key."""
    crc = binascii.crc_hqx(data, 0)
    return base64.b32encode(data + bytes([crc & 255, crc >> 8])).decode().rstrip("=")


def nkey_pair(kind):
    """A public key, and the seed that it comes from."""
    key = ed25519.Ed25519PrivateKey.generate()
    prefix = PREFIXES[kind]
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    secret = key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    seed = bytes([(18 << 3) | (prefix >> 5), (prefix & 31) << 3]) + secret
    return checked(bytes([prefix]) + public), checked(seed)


def jwt_of(issuer, subject, claims):
    """A JWT of NATS about a pair of keys, which the other pair signs."""
    def encode(data):
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    body = {"jti": subject[0], "iat": int(time.time()), "iss": issuer[0], "sub": subject[0], "name": "t", "nats": claims}
    text = encode(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode()) + "." + encode(json.dumps(body).encode())
    return f"{text}.{nkey_signature(issuer[1], text.encode())}"


class Stream:
    """A stream, which the tests write to as they write to a table."""

    kind = "nats"
    serial = 0

    def __init__(self, server, subjects=None, storage="file", replicas=1, **config):
        Stream.serial += 1
        self.server, self.config = server, {"storage": storage, **config}
        self.name = f"S{Stream.serial}"
        self.base = f"s{Stream.serial}"
        self.subjects = subjects or [f"{self.base}.>"]
        self.replicas = replicas
        self.uri = f"nats://{server.address}/{self.name}"
        self.login = {}
        self.client = None
        self.produced = 0

    def connect(self, server=None):
        if self.client is not None:
            self.client.close()
        self.client = Client((server or self.server).port, **self.login)

    def create(self):
        if self.client is None:
            self.connect()
        self.client.api(f"STREAM.CREATE.{self.name}", name=self.name, subjects=self.subjects, num_replicas=self.replicas, **self.config)

    def can_create(self):
        """In a cluster without a leader nobody answers."""
        self.connect()
        self.client.socket.settimeout(5)
        try:
            self.create()
        except (Refused, TimeoutError):
            return False
        return True

    def api(self, what, **body):
        return self.client.api(f"STREAM.{what}.{self.name}", **body)

    def drop(self):
        self.api("DELETE")

    def send(self, *values, subject="order", headers=None):
        """Messages, which the server has stored when this returns. Their sequences."""
        answers = self.client.ask_all([(f"{self.base}.{subject}", v if isinstance(v, bytes) else v.encode(), headers) for v in values])
        assert all("seq" in a for a in answers), answers
        return [a["seq"] for a in answers]

    def insert(self, rows):
        """Rows as a table has them."""
        values = []
        for stamp, event, actor, target, summary, payload in rows:
            value = {"timestamp": stamp, "event_type": event, "actor_id": actor, "target_id": target, "summary": summary}
            if payload is not None:
                value["payload"] = json.loads(payload)
            values.append(json.dumps(value))
        self.send(*values)

    def info(self):
        return self.api("INFO")["state"]

    def ids(self):
        """Of all messages that are there, when none is gone from between others."""
        state = self.info()
        return list(range(state["first_seq"], state["last_seq"] + 1)) if state["messages"] else []

    def close(self):
        if self.client is not None:
            self.client.close()
            self.client = None

