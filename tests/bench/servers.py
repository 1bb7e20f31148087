# SPDX-License-Identifier: Apache-2.0
"""The servers that scripts/bench measures, Tilewire and yardsticks, and the load that they get."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from texts import PostgresTexts, SqliteTexts  # noqa: E402
from tilewire import Deployment, Postgres, Program, Sqlite, free_ports, now_iso, wait_until  # noqa: E402, F401 (some for the measurements)

BIN = pathlib.Path(os.environ.get("TILEWIRE_BIN", ROOT / "build" / "release" / "bin")).resolve()
LOAD = os.environ.get("TILEWIRE_LOAD", str(BIN.parent / "bench" / "load"))
FOLD = str(BIN.parent / "bench" / "bench_fold")
LIMITS = {"streams": 20000, "streams_per_address": 20000, "streams_per_second": 1000000, "streams_burst": 1000000,
          "requests_per_second": 1000000, "requests_burst": 1000000, "work_per_second": "1h"}
TILES = [{"key": f"t{i:02}", "title": "Tile", "type": "count", "match": {"event_type": f"type{i}"}} for i in range(20)]
LAST_TILE = 'key":"t19"'  # in what a stream of tiles begins with
DATA_BYTES = 200  # of a message's data
# Fills a table: {rows} of 20 types
FILL = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO events"
              " (timestamp,event_type,actor_id,target_id,summary,payload) SELECT '{now}', 'type' || (i % 20), 'ada', 'item-' || (i % 20000),"
              " 'Ada did something to item ' || i, '{{\"amount\":' || i || '}}' FROM n",
    "postgresql": "INSERT INTO events (timestamp,event_type,actor_id,target_id,summary,payload) SELECT '{now}', 'type' || (i % 20), 'ada',"
                  " 'item-' || (i % 20000), 'Ada did something to item ' || i, jsonb_build_object('amount', i) FROM generate_series(1, {rows}) i",
}
# The same with UUIDs, a row each 10 ms: of equal times the order would be that of the ids, and not that of the rows in the table
FILL_TEXTS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO events"
              " (id,timestamp,event_type,actor_id,target_id,summary,payload) SELECT lower(substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-' ||"
              " substr(h, 13, 4) || '-' || substr(h, 17, 4) || '-' || substr(h, 21)), strftime('%Y-%m-%dT%H:%M:%fZ', '{now}', '-' || (({rows} - i) * 0.01) ||"
              " ' seconds'), 'type' || (i % 20), 'ada', 'item-' || (i % 20000), 'Ada did something to item ' || i, '{{\"amount\":' || i || '}}'"
              " FROM (SELECT i, hex(randomblob(16)) AS h FROM n)",
    "postgresql": "INSERT INTO events (id,timestamp,event_type,actor_id,target_id,summary,payload) SELECT gen_random_uuid(),"
                  " '{now}'::timestamptz - ({rows} - i) * interval '10 ms', 'type' || (i % 20), 'ada', 'item-' || (i % 20000),"
                  " 'Ada did something to item ' || i, jsonb_build_object('amount', i) FROM generate_series(1, {rows}) i",
}
NGINX = """
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid {folder}/nginx.pid; error_log {folder}/error.log;
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
events {{ worker_connections 15000; }}
http {{
    access_log off; keepalive_requests 1000000000; sendfile on; tcp_nopush on; open_file_cache max=100;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    nchan_shared_memory_size 128m;
    server {{
        listen 127.0.0.1:{port} backlog=8192;
        root {folder}/www;
        location = /pub {{ nchan_publisher; nchan_channel_id bench; nchan_message_buffer_length 1000; }}
        location = /sub {{ nchan_subscriber eventsource; nchan_channel_id bench; nchan_subscriber_first_message newest; }}
    }}
}}
"""


def pss_kb(pids):
    """Proportional share of memory, without mapped files: theirs changes with the other processes that run the same program."""
    text = "".join(pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    return sum(int(kb) for kb in re.findall(r"^Pss_(?:Anon|Shmem):\s+(\d+)", text, re.M))


# ---- Servers ----


@contextlib.contextmanager
def temporary():
    """A folder that PostgreSQL's and nginx' users can reach, too."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="tilewire-bench-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def sqlite_table():
    with temporary() as folder:
        table = Sqlite(folder / "events.db", "wal")
        table.create()
        try:
            yield table
        finally:
            table.close()


@contextlib.contextmanager
def postgres():
    """A throw-away server."""
    script = ROOT / "scripts" / "postgres"
    with temporary() as folder:
        try:
            yield Postgres.start_server(script, folder)
        finally:
            subprocess.run([script, "stop", str(folder), "immediate"], check=False)


@contextlib.contextmanager
def tables(server):
    """An empty one of each kind, by kind; PostgreSQL's only if a server is given."""
    with sqlite_table() as first:
        both = {"sqlite": first}
        if server is not None:
            both["postgresql"] = Postgres(server)
            both["postgresql"].create()
        try:
            yield both
        finally:
            if server is not None:
                both["postgresql"].close()


@contextlib.contextmanager
def text_tables(server):
    """The same of tables whose ids are UUIDs."""
    with contextlib.ExitStack() as stack:
        made = {"sqlite": SqliteTexts(stack.enter_context(temporary()) / "events.db", "wal")}
        if server is not None:
            made["postgresql"] = PostgresTexts(server)
        for table in made.values():
            table.create()
            stack.callback(table.close)
        yield made


@contextlib.contextmanager
def tilewire(table=None, gateway=None, gateways=1, tiles=None):
    """A deployment, started, on a new SQLite table unless one is given."""
    with contextlib.ExitStack() as stack:
        table = table or stack.enter_context(sqlite_table())
        folder = stack.enter_context(temporary())
        deployment = Deployment(folder / "run", table, BIN, tiles or TILES, gateways=gateways,
                                config={"gateway": {"limits": LIMITS, **(gateway or {})}, "ingestor": {"checkpoint_interval": "5s"},
                                        "source": {"poll_interval": "2s"}})
        if table.kind == "postgresql":
            deployment.run("install-trigger", check=True)
        try:
            yield deployment.start()
        finally:
            problems = deployment.stop()
            if problems:
                deployment.print_logs()
                raise AssertionError(problems)


def gateway_of(deployment):
    """Port and process."""
    return deployment.gateway_ports[0], deployment["gateway0"].process.pid


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def nginx():
    """Yields its port, its worker, and the folder of its files."""
    with temporary() as folder:
        (folder / "www").mkdir()
        port = free_ports(1)[0]
        user = "user root;" if os.getuid() == 0 else ""
        (folder / "nginx.conf").write_text(user + NGINX.format(folder=folder, port=port))
        with open(folder / "output", "wb") as log:
            process = subprocess.Popen(["/usr/sbin/nginx", "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"],
                                       stdout=log, stderr=log)

        def up():
            assert process.poll() is None, (folder / "output").read_text() + (folder / "error.log").read_text()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                return children(process.pid)

        try:
            yield port, wait_until(up, what="nginx"), folder / "www"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


@contextlib.contextmanager
def loop(mode, streams):
    """A yardstick of ours, "bare" or "coalesce": yields its port and process."""
    port = free_ports(1)[0]
    process = subprocess.Popen([LOAD, mode, str(port), str(streams), str(DATA_BYTES + 22)], stdout=subprocess.PIPE)
    process.stdout.readline()
    try:
        yield port, process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# ---- Load ----


class Streams:
    """The load generator with open streams."""

    def __init__(self, port, path, count, pids, stalled=0, headers="", address=1):
        self.process = subprocess.Popen([LOAD, "streams", str(port), path, str(count), str(stalled), *map(str, pids)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                        env={**os.environ, "LOAD_HEADERS": headers, "LOAD_ADDRESS": str(address)})
        self.opened = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, "the load generator ended"
        return json.loads(line)

    def tell(self, line, answered=True):
        self.process.stdin.write(line + "\n")
        return self.answer() if answered else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def load(*arguments):
    """Runs the load generator to its end."""
    return json.loads(subprocess.run([LOAD, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout)


def stamp():
    return f"~{time.monotonic_ns() // 1000:016d}~"


def pad(text, size):
    return text + "x" * max(0, size - len(text))


def row_publisher(table, rows=1):
    """Each call writes rows whose events' data is DATA_BYTES long, with the stamp in the summary, in one transaction."""
    overhead = len('{"id":10000,"timestamp":"2026-11-23T05:12:01.220Z","event_type":"b","actor_id":null,"target_id":null,"summary":""}')

    def publish():
        now = now_iso()
        table.insert([(now, "b", None, None, pad(stamp(), DATA_BYTES - overhead), None) for _ in range(rows)])

    return publish


def post_publisher(port, messages=1):
    """Each call posts messages to nchan, one after the other is accepted."""
    connection = socket.create_connection(("127.0.0.1", port))

    def publish():
        for _ in range(messages):
            body = pad(stamp(), DATA_BYTES)
            connection.sendall(f"POST /pub HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            connection.recv(65536)

    return publish


def datagram_publisher(port, messages=1):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def publish():
        for _ in range(messages):
            sender.sendto(stamp().encode(), ("127.0.0.1", port))

    return publish


def drive(streams, publish, rate, seconds, expected=None):
    """Calls publish at a steady rate, for some seconds or, if that is a function, as long as it says so.
    Returns what the streams had got by the end of that time, what they had in the end (when all was there that is `expected` of a call, or
    nothing more came for a while), and the number of calls."""
    streams.tell("mark")
    start, calls = time.monotonic(), 0
    while seconds() if callable(seconds) else time.monotonic() - start < seconds:
        publish()
        calls += 1
        time.sleep(max(0.0, start + calls / rate - time.monotonic()))
    then = got = streams.tell("count")
    quiet_since = time.monotonic()
    while got["messages"] < calls * (expected or 0) and time.monotonic() - quiet_since < 3:
        time.sleep(0.05)
        before, got = got, streams.tell("count")
        if got["messages"] != before["messages"]:
            quiet_since = time.monotonic()
    return then, got, calls
