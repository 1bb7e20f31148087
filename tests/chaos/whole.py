# SPDX-License-Identifier: Apache-2.0
"""The deployment that a chaos run is about."""
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
LIMITS = {"answer": "8MiB", "answers": "32MiB", "channels": 200}


class Whole(Deployment):
    """Two ingestors at one lease, two caches, three gateways; each connection between them goes through a relay."""

    def __init__(self, folder, table, bin_folder, lanes, issuer=None, keys=None):
        """issuer: of tokens, without which the gateways then let in nobody; None: they ask nobody who they are. keys: of the programs, and of
        all who speak ZeroMQ with them; None: there are none."""
        self.folder, self.table, self.bin, self.issuer, self.keys = folder, table, bin_folder, issuer, keys
        self.relays = Relays()
        if table.kind in BUSES:
            table.listen_through(self.relays)
        self.disk = Disk(folder)
        self.programs, self.clients, self.problems = {}, [], []
        self.ports = dict(zip(INGESTORS + CACHES, zip(*[iter(free_ports(8))] * 2)))  # publish, query
        self.gateway_ports = free_ports(3)
        for name in INGESTORS:
            self.configure(name, "ingestor", source={"uri": self.database_of(name)},
                           ingestor=self.own(name) | {"lanes": lanes, "checkpoint_interval": "300ms"} | self.checkpoint())
        for name in CACHES:
            self.configure(name, "cache", cache=self.own(name) | {"upstreams": self.upstreams(name, INGESTORS)})
        auth = {} if issuer is None else {"auth": "jwt", "jwt": {"issuers": [issuer.config()]}}
        for name, port in zip(GATEWAYS, self.gateway_ports):
            push = {"push": [{"query": to["query"]} for to in self.upstreams(name, INGESTORS)]} if table.kind == "push" else {}
            self.configure(name, "gateway", gateway=auth | push | {
                "listen": f"127.0.0.1:{port}", "limits": LIMITS, "trusted_proxies": ["127.0.0.1"], "heartbeat": "1s", "drain": "300ms",
                "events_memory": "16MiB", "channel_log": "256KiB", "upstreams": self.upstreams(name, CACHES)})
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

    def database_of(self, name):
        if self.table.kind != "postgresql":
            return self.table.uri_of(name) if self.table.kind in BUSES else self.table.uri
        port = self.table.cluster["port"]
        uri = self.table.uri.replace(f":{port}/", f":{self.relays.add(f'{name}>database', port)}/")
        return f"{uri}?application_name={name}"

    def configure(self, name, program, **sections):
        file = self.write_file(name, sections)
        self.programs[name] = Program(name, [str(self.bin / f"tilewire-{program}"), "-c", str(file)], self.folder / f"{name}.log")

    def write_file(self, name, sections):
        config = {"source": {"uri": self.table.uri, "poll_interval": "200ms", **getattr(self.table, "source", {})}, "tiles": tiles.first_tiles()}
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
