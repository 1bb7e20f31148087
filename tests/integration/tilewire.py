# SPDX-License-Identifier: Apache-2.0
"""A deployment of Tilewire under test: databases, programs, and clients that look at them from outside."""
import collections
import copy
import datetime
import http.client
import json
import msgpack
import os
import pathlib
import random
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import yaml
import zmq

from bodies import Body
from tile_types import TILES

# Seconds in which what has to come comes on any machine, with a sanitizer too. What is promised in time has a figure of its own.
PATIENCE = 120

RESERVED = collections.deque(maxlen=200)  # the names of ports; what falls out is closed, its test being long over


def now_iso(offset_s=0.0):
    t = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=offset_s)
    return t.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wait_until(predicate, timeout=PATIENCE, what="the condition"):
    """Polls until predicate() is true, and returns what it gave; fails after the timeout."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not come about within {timeout} s"
        time.sleep(0.01)


def reserve(port):
    """True, and the port is ours among all tests on this machine for as long as the name is bound (to nothing but that)."""
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0tilewire-test-port-{port}")
    except OSError:
        name.close()
        return False
    RESERVED.append(name)
    return True


def free_ports(count):
    """Ports that nobody uses, and that no other test will choose. Not those that the kernel gives to outgoing connections
    (from 32768 on), of which one could be taken again by the time it is listened on."""
    ports = []
    while len(ports) < count:
        port = random.SystemRandom().randrange(15000, 32768)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if reserve(port):
            ports.append(port)
    return ports


class RandomEvents:
    """Events of every kind, with times around now; some out of order, some twice about the same thing."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.count = 0

    def next(self, now=None):
        r = self.random
        self.count += 1
        at = (now if now is not None else time.time()) - (r.expovariate(1 / 5) if r.random() < 0.3 else 0)
        item = r.randrange(1 + self.count // 8)
        kind, target, payload = r.randrange(10), None, None
        if kind < 3:
            event, target = r.choice(["order.created", "order.created", "order.shipped"]), f"o{item}"
            payload = {"region": r.choice(["eu", "us/east", "ap süd", "x"]), "amount": r.choice([100, 200, 12.5, round(r.uniform(1, 99), 2)])}
        elif kind < 5:
            event = "metrics.updated"
            payload = r.choice([{"metric": "queue.depth", "value": r.randrange(100)},
                                {"metric": "cpu.load", "value": round(r.uniform(0, 100), 3), "labels": {"host": r.choice(["db-1", "web-1"])}}])
        elif kind < 7:
            event, target = r.choice(["ticket.opened", "ticket.opened", "ticket.resolved"]), f"t{item}"
            if event == "ticket.opened":
                payload = {"due_at": now_iso(r.uniform(-60, 120))}
        else:
            event = r.choice(["work_item_created", "work_item_claimed", "work_item_blocked", "work_item_done"])
            target = f"w{item}"
            payload = r.choice([None, {"team": r.choice(["a", "b", "c"])}])
        stamp = datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")
        return (stamp, event, r.choice([None, "ada", "ken"]), target, f"event {self.count}", json.dumps(payload) if payload is not None else None)


# ---- Databases ----

LOADED = "id,timestamp,event_type,actor_id,target_id,summary,payload"


class Sqlite:
    kind = "sqlite"

    def __init__(self, path, journal):
        self.path = pathlib.Path(path)
        self.journal = journal
        self.uri = f"sqlite:{self.path}"
        self.db = None

    def open(self):
        self.db = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)

    def create(self):
        self.open()
        self.db.execute(f"PRAGMA journal_mode={self.journal}")
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp, event_type TEXT, actor_id TEXT,"
                        " target_id TEXT, summary TEXT, payload TEXT)")

    def insert(self, rows):
        """In one transaction. Returns the last id."""
        self.db.execute("BEGIN IMMEDIATE")
        for row in rows:
            cursor = self.db.execute("INSERT INTO events (timestamp,event_type,actor_id,target_id,summary,payload) VALUES (?,?,?,?,?,?)", row)
        self.db.execute("COMMIT")
        return cursor.lastrowid

    def load(self, ids, rows):
        """Rows with ids that are given, as a backup brings them back."""
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany(f"INSERT INTO events ({LOADED}) VALUES (?,?,?,?,?,?,?)", [(i, *rows.next()) for i in ids])
        self.db.execute("COMMIT")

    def shell(self, sql):
        """As a user would: with the sqlite3 program."""
        subprocess.run(["sqlite3", "-cmd", ".timeout 10000", str(self.path), sql], check=True, stdout=subprocess.DEVNULL)

    def ids(self):
        return [row[0] for row in self.db.execute("SELECT id FROM events ORDER BY id")]

    def execute(self, sql):
        self.db.execute(sql)

    def close(self):
        self.db.close()


class Postgres:
    kind = "postgresql"
    serial = 0

    @staticmethod
    def start_server(script, path, port=None, address=None, enter=()):
        """With an address it listens there too, and is started by the command `enter` (see machines.py). `local_uri` is its Unix
        socket, which the network has no say in."""
        port = port or free_ports(1)[0]
        command = [*enter, script, "start", path, str(port), *([address] if address else [])]
        uri = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        return {"script": script, "path": path, "port": port, "uri": uri,
                "local_uri": f"postgresql://tilewire@{str(path).replace('/', '%2F')}:{port}/postgres"}

    @staticmethod
    def stop_server(server, mode="immediate"):
        subprocess.run([server["script"], "stop", server["path"], mode], check=True)

    def __init__(self, cluster):
        self.cluster = cluster
        Postgres.serial += 1
        self.name = f"t{os.getpid()}_{Postgres.serial}"
        self.uri = cluster["uri"].rsplit("/", 1)[0] + "/" + self.name
        self.db = None

    def connect(self):
        import psycopg2
        return psycopg2.connect(self.uri)

    def create(self):
        import psycopg2
        admin = psycopg2.connect(self.cluster["uri"])
        admin.autocommit = True
        admin.cursor().execute(f"CREATE DATABASE {self.name}")
        admin.close()
        self.db = self.connect()
        self.execute("CREATE TABLE events (id bigserial PRIMARY KEY, timestamp timestamptz, event_type text, actor_id text,"
                     " target_id text, summary text, payload jsonb)")

    def insert(self, rows):
        import psycopg2.extras
        with self.db, self.db.cursor() as cursor:
            return psycopg2.extras.execute_values(
                cursor, "INSERT INTO events (timestamp,event_type,actor_id,target_id,summary,payload) VALUES %s RETURNING id",
                rows, page_size=len(rows), fetch=True)[-1][0]

    def load(self, ids, rows):
        import psycopg2.extras
        with self.db, self.db.cursor() as cursor:
            psycopg2.extras.execute_values(cursor, f"INSERT INTO events ({LOADED}) VALUES %s", [(i, *rows.next()) for i in ids])

    def shell(self, sql):
        subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", self.uri, "-c", sql], check=True, stdout=subprocess.DEVNULL)

    def ids(self):
        with self.db, self.db.cursor() as cursor:
            cursor.execute("SELECT id FROM events ORDER BY id")
            return [row[0] for row in cursor.fetchall()]

    def execute(self, sql):
        with self.db, self.db.cursor() as cursor:
            cursor.execute(sql)

    def writable(self):
        with self.db, self.db.cursor() as cursor:
            cursor.execute("SELECT NOT pg_is_in_recovery()")
            return cursor.fetchone()[0]

    def close(self):
        import psycopg2
        self.db.close()
        admin = psycopg2.connect(self.cluster["uri"])
        admin.autocommit = True
        admin.cursor().execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
        admin.close()


# ---- Programs ----


class Program:
    def __init__(self, name, command, log):
        self.name, self.command, self.log = name, command, log
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        return self

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def await_log(self, pattern, timeout=PATIENCE, after=0):
        """Waits for a line; `after` is a length of the log to look behind."""

        def look():
            assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}:\n{self.log_text()}"
            return re.search(pattern, self.log_text()[after:])

        return wait_until(look, timeout, f"{self.name}'s log line {pattern!r}")

    def kill(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait(timeout=PATIENCE)
        return self.process.returncode

    def alive(self):
        return self.process is not None and self.process.poll() is None


class Deployment:
    """An ingestor, a cache and two gateways, as the configuration says; nothing is started before start()."""

    def __init__(self, folder, table, bin_folder, tiles=None, gateways=2, config=None):
        self.folder, self.table, self.bin = folder, table, bin_folder
        folder.mkdir(mode=0o755)
        self.file = folder / "tilewire.yaml"
        ports = free_ports(4 + 2 * gateways)
        self.addresses = [f"tcp://127.0.0.1:{p}" for p in ports[:4]]
        self.gateway_ports = ports[4:4 + gateways]
        # With limits of its own a gateway tells its figures elsewhere, so that a test's own look at them does not count.
        self.admin_ports = ports[4 + gateways:] if "limits" in (config or {}).get("gateway", {}) else self.gateway_ports
        self.config = {
            "source": {"uri": table.uri, "poll_interval": "1s", **getattr(table, "source", {})},
            "ingestor": {"publish": self.addresses[0], "query": self.addresses[1], "checkpoint_interval": "200ms",
                         "checkpoint": f"file:{folder}/checkpoint"},
            "cache": {"publish": self.addresses[2], "query": self.addresses[3]},
            "gateway": {"limits": {"streams_per_address": 10000, "requests_per_second": 10000, "requests_burst": 10000,
                                   "streams_per_second": 10000, "streams_burst": 10000, "work_per_second": "10s"}, "drain": "200ms"},
            "tiles": copy.deepcopy(TILES if tiles is None else tiles),
        }
        for section, values in (config or {}).items():
            if isinstance(values, list):
                self.config[section] = values
            else:
                self.config[section].update(values)
        self.write()
        self.programs = {}
        for name in ("ingestor", "cache"):
            self.add(name, [f"tilewire-{name}"])
        for i, (port, admin) in enumerate(zip(self.gateway_ports, self.admin_ports, strict=True)):
            figures = [] if admin == port else ["--admin-listen", f"127.0.0.1:{admin}"]
            self.add(f"gateway{i}", ["tilewire-gateway", *figures, "--listen", f"127.0.0.1:{port}"])
        self.query_addresses = {"ingestor": self.addresses[1], "cache": self.addresses[3]}
        self.clients = []
        self.problems = []
        getattr(table, "deployments", []).append(self)

    def write(self):
        self.file.write_text(yaml.safe_dump(self.config, sort_keys=False))

    def add(self, name, command, file=None):
        command = [str(self.bin / command[0]), "-c", str(file or self.file), *command[1:]]
        self.programs[name] = Program(name, command, self.folder / f"{name}.log")

    def twin(self, name, program, host="127.0.0.1", **config):
        """One more ingestor or cache, with a configuration file and addresses of its own; `config` changes its section.
        Returns what others say under `upstreams` to follow it."""
        publish, query = (f"tcp://{host}:{port}" for port in free_ports(2))
        whole = copy.deepcopy(self.config)
        whole.get("source", {}).update(config.pop("source", {}))
        whole[program].update(publish=publish, query=query, **config)
        file = self.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(whole, sort_keys=False))
        self.add(name, [f"tilewire-{program}"], file)
        self.query_addresses[name] = query
        return {"publish": publish, "query": query}

    def __getitem__(self, name):
        return self.programs[name]

    def start(self, *names):
        names = names or list(self.programs)
        before = {name: len(self[name].log_text()) for name in names}
        for name in names:
            self[name].start()
        for name in names:
            self[name].await_log("ready component", after=before[name])
            if name.startswith("gateway"):
                self[name].await_log("in sync", after=before[name])
        return self

    def stop(self):
        """Ends everything; returns what went wrong with programs that ended by themselves."""
        problems = []
        for client in self.clients:
            client.close()
        for program in self.programs.values():
            if program.process is None:
                continue
            if program.alive():
                program.process.send_signal(signal.SIGCONT)
                program.process.send_signal(signal.SIGTERM)
                try:
                    code = program.process.wait(timeout=PATIENCE)
                except subprocess.TimeoutExpired:
                    program.process.kill()
                    code = f"no end within {PATIENCE} s of SIGTERM"
                if code != 0:
                    problems.append(f"{program.name} ended with {code}")
            elif program.process.returncode not in (0, -signal.SIGKILL):
                problems.append(f"{program.name} had ended with {program.process.returncode}")
            if re.search("ERROR: (Address|Leak)Sanitizer|runtime error:", program.log_text()):
                problems.append(f"{program.name}: sanitizer report")
        return problems

    def print_logs(self):
        for program in self.programs.values():
            print(f"---- {program.name}\n{program.log_text()[-6000:]}")

    # ---- Looking at it ----

    def run(self, *arguments, check=False, timeout=2 * PATIENCE):
        return subprocess.run([str(self.bin / "tilewire"), "-c", str(self.file), *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=check, timeout=timeout)

    def verify(self, timeout_s=PATIENCE):
        result = self.run("verify", "--timeout", f"{timeout_s}s")
        assert result.returncode == 0, result.stdout

    def query(self, request, of="cache", timeout_ms=60_000):
        """Asks as any script would: MessagePack over a plain REQ socket."""
        address = self.query_addresses[of]
        with zmq.Context() as context, context.socket(zmq.REQ) as req:
            req.linger = 0
            req.rcvtimeo = timeout_ms
            req.connect(address)
            req.send(request if isinstance(request, bytes) else msgpack.packb(request))
            return msgpack.unpackb(req.recv())

    def stats(self, of="ingestor"):
        return self.query({"op": "stats"}, of)["stats"]

    def request(self, path, method="GET", headers=None, gateway=0, body=None, ports=None):
        connection = http.client.HTTPConnection("127.0.0.1", (ports or self.gateway_ports)[gateway], timeout=PATIENCE)
        try:
            connection.request(method, path, headers=headers or {}, body=body)
            response = connection.getresponse()
            fields = {name.lower(): ", ".join(response.headers.get_all(name)) for name in response.headers}
            return response.status, fields, response.read()
        finally:
            connection.close()

    def get_json(self, path, gateway=0):
        status, _, body = self.request(path, gateway=gateway)
        assert status == 200, (path, status, body)
        return json.loads(body)

    def tile(self, key, gateway=0):
        return self.get_json(f"/api/tiles/{key}", gateway)

    def stream(self, path, gateway=0, last_event_id=None, headers=None):
        # Every other one is compressed: what holds for one holds for the other.
        coding = {"Accept-Encoding": "gzip"} if len(self.clients) % 2 else {}
        client = Stream(self.gateway_ports[gateway], path, last_event_id, coding | (headers or {}))
        self.clients.append(client)
        return client

    def metric(self, name, gateway=0):
        text = self.request("/metrics", gateway=gateway, ports=self.admin_ports)[2].decode()
        return float(re.search(rf"^tilewire_gateway_{name} (\S+)$", text, re.M).group(1))


class Stream:
    """A client of a stream: a thread that reads and takes SSE apart by the letter of the standard."""

    def __init__(self, port, path, last_event_id=None, headers=None):
        self.events = []  # dicts: id, event, data, at (monotonic)
        self.raw = b""  # of the body, without its coding
        self.ended = threading.Event()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
        if last_event_id is not None:
            request += f"Last-Event-ID: {last_event_id}\r\n"
        request += "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self.socket.sendall((request + "\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            part = self.socket.recv(4096)
            assert part, f"no answer to {path}: {head!r}"
            head += part
        head, rest = head.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        self.body = Body(self.headers)
        self.socket.settimeout(None)
        self.thread = threading.Thread(target=self.read, args=(rest,), daemon=True)
        self.thread.start()

    def read(self, part):
        pending = b""
        try:
            while True:
                text = self.body.take(part)
                self.raw += text
                pending += text
                while b"\n\n" in pending:
                    block, pending = pending.split(b"\n\n", 1)
                    self.take(block.decode())
                part = self.socket.recv(65536)
                if not part:
                    break
        except OSError:
            pass
        self.ended.set()

    def take(self, block):
        fields = {}
        for line in block.split("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        if "data" in fields:
            self.events.append({"id": fields.get("id"), "event": fields.get("event", "message"),
                                "data": json.loads(fields["data"]), "at": time.monotonic()})

    def await_event(self, predicate, timeout=PATIENCE, what="an event"):
        return wait_until(lambda: next((e for e in list(self.events) if predicate(e)), None), timeout, what)

    def ids(self):
        """As in the table: an event that comes once more, in another order, has that order behind its id."""
        return [int(e["id"].partition("~")[0]) for e in list(self.events) if e["event"] not in ("heartbeat", "reset")]

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
