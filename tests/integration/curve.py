# SPDX-License-Identifier: Apache-2.0
"""Keys for a deployment under test, and peers of the test's own that speak CURVE."""
import contextlib
import json
import pathlib
import signal
import subprocess

import msgpack
import yaml
import zmq

ROLES = {"ingestor": "ingestor", "cache": "cache", "gateway": "gateway", "tilewire": "reader"}


def keygen(bin_folder, path, role=None, clients=None, name=None):
    """Makes PATH.key and PATH.pub; returns the public key."""
    options = [*(["--role", role, "--add", clients] if role else []), *(["--name", name] if name else [])]
    result = subprocess.run([bin_folder / "tilewire", "keygen", path, *options], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


class Keys:
    """A folder of keys as the documentation makes one, and the file of clients."""

    def __init__(self, bin_folder, folder):
        self.bin, self.folder, self.clients = bin_folder, folder / "keys", folder / "clients.yaml"
        self.folder.mkdir()
        self.public = {}
        for name, role in ROLES.items():
            self.add(name, role)

    def add(self, name, role):
        self.public[name] = keygen(self.bin, self.folder / name, role, self.clients)

    def make(self, name):
        """A pair that nobody knows."""
        self.public[name] = keygen(self.bin, self.folder / name)

    def secret(self, name):
        return (self.folder / f"{name}.key").read_text().strip()

    def entries(self):
        return yaml.safe_load(self.clients.read_text())

    def write(self, entries):
        self.clients.write_text("".join(f"- {yaml.safe_dump(entry, default_flow_style=True, width=1000).strip()}\n" for entry in entries))

    def allow(self, name, right):
        """Beside what its role may."""
        self.write([entry | {"may": ["subscribe", "query", right]} if entry["name"] == name else entry for entry in self.entries()])

    def remove(self, name):
        self.write([entry for entry in self.entries() if entry["name"] != name])

    @property
    def section(self):
        return {"keys_folder": str(self.folder), "clients_file": str(self.clients)}

    @contextlib.contextmanager
    def socket(self, kind, address, own, server):
        """A socket of the owner of a pair, who expects that server. None as own: a pair made up just now."""
        with zmq.Context() as context, context.socket(kind) as socket:
            socket.linger = 0
            socket.curve_publickey, socket.curve_secretkey = (
                zmq.curve_keypair() if own is None else (self.public[own].encode(), self.secret(own).encode()))
            socket.curve_serverkey = self.public[server].encode()
            if kind == zmq.SUB:
                socket.subscribe("")
            socket.connect(address)
            yield socket

    def asks(self, address, own, server, timeout_ms=5000):
        """The answer to a ping, or None."""
        with self.socket(zmq.REQ, address, own, server) as socket:
            socket.send(msgpack.packb({"op": "ping"}))
            return msgpack.unpackb(socket.recv()) if socket.poll(timeout_ms) else None

    def hears(self, address, own, server, timeout_ms=5000):
        """Whether a message comes; a heartbeat does every second."""
        with self.socket(zmq.SUB, address, own, server) as socket:
            return socket.poll(timeout_ms) != 0


def with_keys(deployment, keys):
    """Turns CURVE on in the deployment's file."""
    deployment.config["curve"] = keys.section
    deployment.write()
    deployment.keys = keys
    return deployment


def stats(deployment, of="cache"):
    """What `tilewire stats` says, with its own pair."""
    return json.loads(deployment.run("stats", "--from", of, "--json", check=True).stdout)["stats"]


def reload(program, line, after=None):
    after = len(program.log_text()) if after is None else after
    program.process.send_signal(signal.SIGHUP)
    program.await_log(line, after=after)


def mode(path):
    return pathlib.Path(path).stat().st_mode & 0o777
