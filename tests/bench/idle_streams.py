#!/usr/bin/env python3
"""What an idle stream costs: opens N real connections to a gateway and reads its memory (PSS) and CPU from /proc.

usage: tests/bench/idle_streams.py [BIN] [N]      BIN: folder of the programs (build/release/bin); N: 10000

Exits with 1 when a stream takes more than 1 KB. All runs on this machine; N + 100 open files are needed here and there.
"""
import pathlib
import re
import resource
import socket
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from tilewire import Deployment, Sqlite  # noqa: E402

LIMITS = {"streams": 20000, "streams_per_address": 20000, "streams_per_second": 1000000, "streams_burst": 1000000,
          "requests_per_second": 1000000, "requests_burst": 1000000}
WARM_UP = 20  # streams before the first reading, so that what is allocated once is not counted


def pss_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def open_stream(port, number):
    """From several source addresses, since one has too few ports for all."""
    connection = socket.create_connection(("127.0.0.1", port), 30, source_address=(f"127.0.0.{1 + number % 8}", 0))
    connection.sendall(b"GET /api/tiles/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return connection


def await_values(connection, last_key):
    """Reads until the last tile has come."""
    got = b""
    while b'"key":"' + last_key + b'"' not in got or not got.endswith(b"\n\n"):
        part = connection.recv(65536)
        assert part, "the stream ended"
        got += part


def measure(pid, port, count):
    streams = [open_stream(port, i) for i in range(WARM_UP)]
    for stream in streams:
        await_values(stream, b"t19")
    memory, cpu, start = pss_kb(pid), cpu_s(pid), time.monotonic()
    streams += [open_stream(port, i) for i in range(count)]
    for stream in streams[WARM_UP:]:
        await_values(stream, b"t19")
    took, cpu = time.monotonic() - start, cpu_s(pid) - cpu
    grown = pss_kb(pid) - memory
    print(f"{count} idle streams: {grown} KB more (PSS), {grown / count:.3f} KB each; "
          f"opened, with 20 tiles each, in {took:.1f} s and {cpu:.2f} s of the gateway's CPU")
    for stream in streams:
        stream.close()
    return grown / count


def main():
    programs = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "release" / "bin").resolve()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    tiles = [{"key": f"t{i:02}", "title": "Tile", "type": "count", "match": {"event_type": f"type{i}"}} for i in range(20)]
    with tempfile.TemporaryDirectory(prefix="tilewire-bench-") as folder:
        table = Sqlite(pathlib.Path(folder) / "events.db", "wal")
        table.create()
        deployment = Deployment(pathlib.Path(folder) / "run", table, programs, tiles, gateways=1,
                                config={"gateway": {"limits": LIMITS}})
        try:
            deployment.start()
            each = measure(deployment["gateway0"].process.pid, deployment.gateway_ports[0], count)
        finally:
            deployment.stop()
            table.close()
    sys.exit(each > 1)


if __name__ == "__main__":
    main()
