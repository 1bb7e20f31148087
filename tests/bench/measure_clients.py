# SPDX-License-Identifier: Apache-2.0
"""Measures what clients see: answers to GET against nginx, the latency of a row, a reader that stalls, a gateway that dies."""
import contextlib
import os
import re
import socket
import threading
import time

from measure import median, middle, turns
from report import result, say
from servers import (BIN, LAST_TILE, TILES, Deployment, Streams, drive, gateway_of, load, nginx, postgres, pss_kb, row_publisher, sqlite_table,
                     tables, temporary, tilewire, wait_until)


def get_once(name, code, server, seconds):
    port, path, etag, pids = server
    got = load("get", port, path, 64, seconds, etag if code == 304 else "-", *pids)
    assert got["others"] == 0, (name, code, got)
    rate = got["requests"] / got["seconds"]
    say(f"    {code} {name:8} {rate:9,.0f}/s, {got['cpu_s'] * 1e6 / got['requests']:.1f} µs of the server's CPU each")
    return rate


def get(size):
    seconds, rounds = size.of((3, 5), (1, 3), (0.2, 1))
    say("get: requests/s over 64 keep-alive connections")
    with contextlib.ExitStack() as stack:
        deployment = stack.enter_context(tilewire())
        port, pid = gateway_of(deployment)
        _, headers, body = deployment.request("/api/tiles/t00")
        servers = {"Tilewire": (port, "/api/tiles/t00", headers["etag"], [pid])}
        if not size.smoke:
            nginx_port, nginx_pids, www = stack.enter_context(nginx())
            (www / "tile.json").write_bytes(body)
            with socket.create_connection(("127.0.0.1", nginx_port)) as connection:
                connection.sendall(b"HEAD /tile.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
                etag = re.search(r"ETag: (\S+)", connection.recv(65536).decode())[1]
            servers["nginx"] = (nginx_port, "/tile.json", etag, nginx_pids)
        for code in (200, 304):
            rates = turns(rounds, lambda name: get_once(name, code, servers[name], seconds), servers)
            ours, other = median(rates["Tilewire"]), median(rates.get("nginx", [0]))
            against = f", {ours / other:.2f} × nginx ({other:,.0f}/s)" if other else ""
            result("get", f"GET of one tile ({len(body)} bytes), {code}", f"{ours:,.0f}/s{against}", "≥ 1.00 × nginx, a static file", ours >= other)
    fetch(size)


@contextlib.contextmanager
def rows_coming(deployment, rate):
    """So many rows a second come meanwhile."""
    over = threading.Event()
    publish = row_publisher(deployment.table, 1)

    def write():
        while not over.wait(1 / rate):
            publish()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def fetch(size):
    """How long an answer takes while the gateway has all that it can do: 64 connections ask again as soon as they are answered."""
    seconds, rounds = size.of((3, 5), (1, 3), (0.2, 1))
    say("get: latency of answers, 64 connections that ask without a pause, while 100 rows/s come")
    with tilewire() as deployment:
        port, pid = gateway_of(deployment)
        for what, path in (("one tile", "/api/tiles/t00"), ("all 20 tiles", "/api/tiles"), ("20 events", "/api/events?limit=20")):
            with rows_coming(deployment, 100):
                wait_until(lambda: deployment.get_json("/api/events?limit=20")["events"], what="events")
                runs = [load("get", port, path, 64, seconds, "-", pid) for _ in range(rounds)]
            p95 = median(run["p95_us"] for run in runs) / 1000
            rate = median(run["requests"] / run["seconds"] for run in runs)
            result("get", f"GET of {what}, while rows come: p95", f"{p95:.1f} ms at {rate:,.0f}/s", "≤ 300 ms", p95 <= 300)


def latency_once(table, count, rows, seconds):
    """100 transactions a second of `rows` rows each."""
    with tilewire(table) as deployment:
        port, pid = gateway_of(deployment)
        with Streams(port, "/api/events/stream", count, [pid]) as streams:
            publish = row_publisher(table, rows)
            drive(streams, publish, 10, 0.3, count * rows)
            _, got, calls = drive(streams, publish, 100, seconds, count * rows)
    run = {"p50_ms": got["p50_us"] / 1000, "p99_ms": got["p99_us"] / 1000, "lost": calls * rows * count - got["messages"],
           "written": calls / seconds * rows}
    say(f"    {table.kind:10} p50 {run['p50_ms']:.2f} ms, p99 {run['p99_ms']:.2f} ms, max {got['max_us'] / 1000:.1f} ms, {run['lost']} lost,"
        f" {run['written']:.0f} rows/s written")
    return run


def latency(size):
    seconds, rounds = size.of((5, 3), (3, 1), (0.3, 1))
    with contextlib.ExitStack() as stack:
        server = None if size.smoke else stack.enter_context(postgres())
        for count, rows, p50, p99 in ((size.of(100, 100, 5), 1, 2, 10), (size.of(1000, 1000, 10), 10, None, 50)):
            title = f"{count:,} streams, {100 * rows:,} rows/s"
            say(f"latency: about to be inserted → at the client, {title}")
            runs = {}
            for _ in range(rounds):
                with tables(server) as both:
                    for kind, table in both.items():
                        runs.setdefault(kind, []).append(latency_once(table, count, rows, seconds))
            for kind, got in runs.items():
                a, b, lost, written = middle(got, "p50_ms"), middle(got, "p99_ms"), sum(run["lost"] for run in got), middle(got, "written")
                wanted = (f"p50 ≤ {p50} ms, " if p50 else "") + f"p99 ≤ {p99} ms, none lost"
                result("latency", f"row written to {kind} → at the client, {title}", f"p50 {a:.2f} ms, p99 {b:.2f} ms, {lost} lost", wanted,
                       (p50 is None or a <= p50) and b <= p99 and lost == 0 and written >= 95 * rows)


def stalled(size):
    seconds, count = size.of((60, 1000), (6, 500), (1, 10))
    say(f"stalled: {count} streams, 500 messages/s; without, then for {seconds} s with, then without a stream that does not read")
    # The stalled one is not cut, so that it is there all the time; the event log is short, so that it is full at once.
    with tilewire(gateway={"events": 100, "stalled": "10m"}) as deployment:
        port, pid = gateway_of(deployment)
        publish = row_publisher(deployment.table, 5)
        with Streams(port, "/api/events/stream", count, [pid]) as streams:
            drive(streams, publish, 100, seconds / 4, count * 5)  # what is allocated once is allocated now
            without = [drive(streams, publish, 100, seconds / 2, count * 5)[1]]
            before = pss_kb([pid])
            with Streams(port, "/api/events/stream", 0, [pid], stalled=1):
                got = drive(streams, publish, 100, seconds, count * 5)[1]
                grown = pss_kb([pid]) - before
            before = pss_kb([pid])
            without.append(drive(streams, publish, 100, seconds / 2, count * 5)[1])
            grown_without = pss_kb([pid]) - before
    a, b = median(run["p99_us"] for run in without) / 1000, got["p99_us"] / 1000
    say(f"    p99 without {', '.join(str(run['p99_us'] / 1000) for run in without)} ms, with {b} ms")
    result("stalled", f"a reader that stalls for {seconds} s: the gateway grows by",
           f"{grown} KB ({grown_without} KB in half the time without it)", "< 64 KB", grown < 64)
    result("stalled", f"a reader that stalls for {seconds} s: p99 of {count:,} others", f"{b:.1f} ms, {b / a:.2f} × {a:.1f} ms without it", "≤ 1.25 ×",
           b <= 1.25 * a)


def reconnect_once(count):
    with tilewire() as deployment:
        gateway = deployment["gateway0"]
        port, pid = gateway_of(deployment)
        with Streams(port, "/api/tiles/stream", count, [pid]) as streams:
            streams.tell("text " + LAST_TILE)
            streams.tell("back", answered=False)
            gateway.kill()
            gateway.start()
            got = streams.answer()
    run = {"seconds": got["seconds"], "errors": got["losses"] - count}
    say(f"    {run['seconds']:.2f} s, {run['errors']} lost again")
    return run


def shares(count, gateways):
    """Streams of each gateway on one port."""
    with sqlite_table() as table, temporary() as folder:
        deployment = Deployment(folder / "run", table, BIN, TILES, gateways=1)
        names = ["gateway0"] + [f"also{i}" for i in range(1, gateways)]
        for name in names[1:]:
            deployment.add(name, ["tilewire-gateway", *deployment["gateway0"].command[3:]])
        try:
            deployment.start()
            pids = [deployment[name].process.pid for name in names]
            with Streams(deployment.gateway_ports[0], "/api/tiles/stream", count, pids):
                time.sleep(0.5)  # until the HTTP server has closed its descriptors of the sockets that were taken from it
                counts = [open_sockets(pid) for pid in pids]
        finally:
            deployment.stop()
    others = (sum(counts) - count) / gateways  # sockets that are no streams: as many in each
    return [sockets - others for sockets in counts]


def open_sockets(pid):
    count = 0
    for entry in os.scandir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += os.readlink(entry.path).startswith("socket:")
    return count


def reconnect(size):
    count, rounds = size.of((10000, 3), (4000, 1), (200, 1))
    say(f"reconnect: {count:,} streams of 20 tiles, after the gateway was killed and started again")
    runs = [reconnect_once(count) for _ in range(rounds)]
    worst, errors = max(run["seconds"] for run in runs), sum(run["errors"] for run in runs)
    result("reconnect", f"{count:,} dashboards have their tiles again after the gateway's death",
           f"median {middle(runs, 'seconds'):.2f} s, worst {worst:.2f} s, {errors} errors", "≤ 3 s, no error", worst <= 3 and errors == 0)
    parts = [part / count for part in shares(count, 4)]
    text = ", ".join(f"{100 * part:.1f} %" for part in parts)
    result("reconnect", f"{count:,} streams shared by four gateways on one port", text, "each 22 to 28 %", all(0.22 <= part <= 0.28 for part in parts))
