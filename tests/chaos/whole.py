# SPDX-License-Identifier: Apache-2.0
"""The deployment that a chaos run is about."""
import itertools
import pathlib
import subprocess
import time

import yaml

import clients
import tiles
from disk import Disk
from relays import Relays
from tilewire import Deployment, Program, free_ports

INGESTORS = ["ingestor1", "ingestor2"]
CACHES = ["cache1", "cache2"]
BUSES = ["kafka", "redis", "nats"]
GATEWAYS = ["gateway1", "gateway2", "gateway3"]
VERIFY_S = 5
# Per client the defaults. Relays are trusted proxies, so that each client has an address of its own.
GATEWAY = {"limits": {"channels": 200}, "trusted_proxies": ["127.0.0.1"], "heartbeat": "1s", "drain": "300ms", "channel_log": "256KiB"}
# What the release before this one does not know.
NEWER = {"limits": GATEWAY["limits"] | {"answer": "8MiB", "answers": "32MiB"}, "events_memory": "16MiB"}


class Replaced(Program):
    """One of two releases, in turns: the other one each time it is started."""

    def __init__(self, name, command, log, folders):
        super().__init__(name, command, log)
        self.folders = itertools.cycle(folders)

    def start(self):
        self.command[0] = str(next(self.folders) / pathlib.Path(self.command[0]).name)
        return super().start()


class Whole(Deployment):
    """Two ingestors at one lease, two caches, three gateways; each connection between them goes through a relay."""

    def __init__(self, folder, table, bin_folder, lanes, issuer=None, keys=None, previous=None):
        """issuer: of tokens, without which the gateways then let in nobody; None: they ask nobody who they are. keys: of the programs, and of
        all who speak ZeroMQ with them; None: there are none. previous: a folder with the programs of another release, of which caches and
        gateways are at every other start."""
        self.folder, self.table, self.bin, self.issuer, self.keys, self.previous = folder, table, bin_folder, issuer, keys, previous
        self.relays = Relays()
        if table.kind in (*BUSES, "several"):
            table.listen_through(self.relays)
        self.disk = Disk(folder)
        self.programs, self.clients, self.problems = {}, [], []
        self.ports = dict(zip(INGESTORS + CACHES, zip(*[iter(free_ports(8))] * 2)))  # publish, query
        self.gateway_ports = free_ports(3)
        for name in INGESTORS:
            self.configure(name, "ingestor", ingestor=self.own(name) | {"lanes": lanes, "checkpoint_interval": "300ms"} | self.checkpoint())
        for name in CACHES:
            self.configure(name, "cache", cache=self.own(name) | {"upstreams": self.upstreams(name, INGESTORS)})
        auth = {} if issuer is None else {"auth": "jwt", "jwt": {"issuers": [issuer.config()]}}
        for name, port in zip(GATEWAYS, self.gateway_ports):
            push = {"push": [{"query": to["query"]} for to in self.upstreams(name, INGESTORS)]} if table.kind == "push" else {}
            self.configure(name, "gateway", gateway=auth | push | GATEWAY | (NEWER if previous is None else {}) | {
                "listen": f"127.0.0.1:{port}", "upstreams": self.upstreams(name, CACHES)})
        self.entrances = {name: [self.relays.add(f"clients>{name}.{i}", port) for i, port in enumerate(ports)]
                          for name, ports in [*zip(GATEWAYS, ([port] for port in self.gateway_ports)), *((c, self.ports[c]) for c in CACHES)]}
        for name in CACHES:  # what `tilewire verify` compares with, past the relays
            self.write_file(f"verify-{name}", {"cache": self.own(name), "ingestor": self.checkpoint() | {"lanes": lanes}})

        if keys is not None:
            clients.Curve.pair = keys.public["tilewire"], keys.secret("tilewire")
            clients.Curve.servers = {port: keys.public["ingestor" if name in INGESTORS else "cache"]
                                     for name, ports in [*self.ports.items(), *((c, self.entrances[c]) for c in CACHES)] for port in ports}

    def headers_of(self, name, number):
        """Who a client says that it is, with which headers."""
        address = {"X-Forwarded-For": f"10.0.{number // 250}.{number % 250 + 1}"}
        return address if self.issuer is None else address | {"Authorization": f"Bearer {self.issuer.token(sub=name, exp=int(time.time()) + 7200)}"}

    def own(self, name):
        return dict(zip(("publish", "query"), (f"tcp://127.0.0.1:{port}" for port in self.ports[name])))

    def checkpoint(self):
        return {"checkpoint": "postgresql" if self.table.kind == "postgresql" else f"file:{self.disk.path}/checkpoint"}

    def upstreams(self, name, others):
        return [{role: f"tcp://127.0.0.1:{self.relays.add(f'{name}>{other}.{role}', port)}"
                 for role, port in zip(("publish", "query"), self.ports[other])} for other in others]

    def read_from(self, name):
        """The sources of a program; an ingestor has relays of its own to them."""
        def source(table):
            uri = self.database_of(name, table) if name in INGESTORS else table.uri
            return {"uri": uri, "poll_interval": "200ms", **getattr(table, "source", {})}

        if self.table.kind != "several":
            return {"source": source(self.table)}
        return {"sources": [{"name": part, **source(table)} for part, table in self.table.parts.items()]}

    def database_of(self, name, table):
        if table.kind != "postgresql":
            return table.uri_of(name) if table.kind in BUSES else table.uri
        port = table.cluster["port"]
        uri = table.uri.replace(f":{port}/", f":{self.relays.add(f'{name}>database', port)}/")
        return f"{uri}?application_name={name}"

    def configure(self, name, program, **sections):
        file = self.write_file(name, sections)
        command = [str(self.bin / f"tilewire-{program}"), "-c", str(file)], self.folder / f"{name}.log"
        mixed = self.previous is not None and name not in INGESTORS
        releases = [self.bin, self.previous] if name[-1] == "1" else [self.previous, self.bin]
        self.programs[name] = Replaced(name, *command, releases) if mixed else Program(name, *command)

    def write_file(self, name, sections):
        # An older program reads no tile that is newer than it; a cache or a gateway needs none.
        knows_tiles = self.previous is None or name not in CACHES + GATEWAYS
        config = {**self.read_from(name), "tiles": tiles.first_tiles(self)} if knows_tiles else {}
        if self.keys is not None:
            config["curve"] = self.keys.section
        for section, values in sections.items():
            config.setdefault(section, {}).update(values)
        file = self.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(config, sort_keys=False))
        return file

    def start_whole(self):
        self["ingestor1"].start()
        self["ingestor1"].await_log("ready component")
        for name in ["ingestor2"] + CACHES + GATEWAYS:
            self[name].start()
        for gateway in GATEWAYS:
            self[gateway].await_log("in sync")

    def ready(self):
        """Are all programs there, each cache serving, and each gateway in sync?"""
        if not all(program.alive() for program in self.programs.values()):
            return False
        for name in CACHES:
            pong = clients.ask(self.ports[name][1], {"op": "ping"})
            if pong is None or not pong.get("serving"):
                return False
        try:
            return all(self.request("/readyz", gateway=i)[0] == 200 for i in range(len(GATEWAYS)))
        except OSError:
            return False

    def verify_against(self, name):
        return subprocess.run([str(self.bin / "tilewire"), "-c", str(self.folder / f"verify-{name}.yaml"), "verify", "--json", "--timeout",
                               f"{VERIFY_S}s"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)

    def tiles_of_cache(self, name):
        """{key: (version, data)} as the cache holds them, or None while it does not answer."""
        tiles, after = {}, 0
        while True:
            reply = clients.ask(self.ports[name][1], {"op": "snapshot", "after": after})
            if reply is None or "error" in reply:
                return None
            for tile in reply["tiles"]:
                tiles.pop(tile["k"], None)
                if tile.get("p") is not None:
                    tiles[tile["k"]] = (tuple(tile["v"]), tile["p"]["data"])
            after = reply["next"]
            if not reply["more"]:
                return tiles

    def close(self):
        problems = self.stop()
        self.relays.close()
        self.disk.close()
        return problems
