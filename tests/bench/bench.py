#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What scripts/bench runs: each measurement takes turns with its yardsticks; docs/performance.md tells what and how."""
import argparse
import contextlib
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time

import yaml

import report
from report import result, say
from servers import (BIN, FOLD, LAST_TILE, TILES, Deployment, Program, Streams, datagram_publisher, drive, free_ports, gateway_of, load, loop,
                     nginx, now_iso, post_publisher, postgres, pss_kb, row_publisher, sqlite_table, tables, temporary, tilewire, wait_until)

median = statistics.median


class Size:
    """How much is measured. full: what the targets are about. quick: a look. smoke: does it run at all, without nginx and
    PostgreSQL."""

    def __init__(self, name):
        self.full, self.smoke = name == "full", name == "smoke"

    def of(self, full, quick, smoke):
        return full if self.full else smoke if self.smoke else quick


# ---- Fan-out ----


def fanout_once(kind, count, rate, burst, seconds, doze=False):
    """Messages to `count` streams: `rate` times a second `burst` at once. doze: what a server pays for waking the load generator,
    which shares its machine, is not to be measured with it."""
    with contextlib.ExitStack() as stack:
        if kind == "Tilewire":
            deployment = stack.enter_context(tilewire())
            port, pid = gateway_of(deployment)
            pids, path, publish = [pid], "/api/events/stream", row_publisher(deployment.table, burst)
        elif kind == "nchan":
            port, pids, _ = stack.enter_context(nginx())
            path, publish = "/sub", post_publisher(port, burst)
        else:
            port, pid = stack.enter_context(loop(kind, count))
            pids, path, publish = [pid], "/", datagram_publisher(port, burst)
        streams = stack.enter_context(Streams(port, path, count, pids))
        drive(streams, publish, 10, 0.3, count * burst)  # nchan's channel exists from its first message on
        if doze:
            streams.tell("doze")
        then, got, calls = drive(streams, publish, rate, seconds, count * burst)
    run = {"cpu_us": got["cpu_s"] * 1e6 / max(1, got["messages"]), "lost": calls * burst * count - got["messages"],
           "per_s": then["messages"] / then["seconds"], "p99_ms": got["p99_us"] / 1000}
    say(f"    {kind:8} {run['cpu_us']:6.2f} µs of CPU each, {run['per_s']:10,.0f} deliveries/s of {got['bytes'] // max(1, got['messages'])} bytes,"
        f" {run['lost']} lost, p50 {got['p50_us'] / 1000:.1f} ms, p99 {run['p99_ms']:.1f} ms")
    return run


def turns(rounds, measure, kinds):
    """One of each kind after the other, again and again: {kind: [run…]}."""
    runs = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            runs[kind].append(measure(kind))
    return runs


def middle(runs, what):
    return median(run[what] for run in runs)


def ratio(ours, others, what):
    """Of the two that ran one after the other, the median over the rounds: a machine that becomes slower meanwhile has no say."""
    return median(a[what] / max(b[what], 1e-9) for a, b in zip(ours, others, strict=True))


def fanout_cost(size):
    seconds, rounds = size.of((4, 5), (3, 1), (0.3, 1))
    kinds = ("bare", "Tilewire") if size.smoke else ("bare", "Tilewire", "nchan")
    for count, rate in ((1000, 100), (size.of(10000, 4000, 0), 5)) if not size.smoke else ((20, 100),):
        say(f"fanout: server CPU per delivery, {count:,} streams, {rate} messages/s")
        runs = turns(rounds, lambda kind: fanout_once(kind, count, rate, 1, seconds, doze=True), kinds)
        title = f"server CPU per delivery, {count:,} streams, {rate} messages/s"
        ours = middle(runs["Tilewire"], "cpu_us")
        for kind, limit in (("bare", 1.10), ("nchan", 0.65)):
            if kind in runs:
                other, times = middle(runs[kind], "cpu_us"), ratio(runs["Tilewire"], runs[kind], "cpu_us")
                name = "a bare send loop" if kind == "bare" else "nchan"
                least = f" (the bare send loop {ratio(runs['bare'], runs[kind], 'cpu_us'):.2f} ×)" if kind == "nchan" else ""
                result("fanout", f"{title}: against {name}", f"{ours:.2f} µs, {times:.2f} × {other:.2f} µs{least}", f"≤ {limit:.2f} ×",
                       times <= limit)
        lost = sum(run["lost"] for run in runs["Tilewire"])
        result("fanout", f"{title}: lost", f"{lost}", "0", lost == 0)


def fanout_rate(size):
    seconds, rounds = size.of((5, 3), (3, 1), (0.3, 1))
    count = size.of(1000, 1000, 20)
    for offered, limit_ms in ((1000, 30), (3000, 50), (6000, 50)) if not size.smoke else ((1000, 30),):
        say(f"fanout: {count:,} streams offered {offered:,} messages/s")
        # nchan is far beyond its limit already with the first. Twenty times what it delivers is more than 3,000 offer.
        kinds = ("coalesce", "Tilewire", "nchan") if offered == 6000 else ("coalesce", "Tilewire")
        runs = turns(rounds, lambda kind: fanout_once(kind, count, 250, offered // 250, seconds), kinds)
        ours, loops = (runs[kind] for kind in ("Tilewire", "coalesce"))
        rate, p99, lost = middle(ours, "per_s"), middle(ours, "p99_ms"), sum(run["lost"] for run in ours)
        title = f"{count:,} streams offered {offered:,} messages/s"
        result("fanout", f"{title}: delivered", f"{rate:,.0f}/s, {lost} lost (a coalescing loop {middle(loops, 'per_s'):,.0f}/s)",
               "all of them, 0 lost", lost == 0 and rate >= 0.97 * offered * count)
        result("fanout", f"{title}: p99 latency, from the row's insertion", f"{p99:.1f} ms (a coalescing loop {middle(loops, 'p99_ms'):.1f} ms)",
               f"≤ {limit_ms} ms", p99 <= limit_ms)
        if "nchan" in runs:
            other = middle(runs["nchan"], "per_s")
            times = ratio(ours, runs["nchan"], "per_s")
            result("fanout", f"{title}: against nchan", f"{times:.1f} × {other:,.0f}/s", "≥ 20 ×", times >= 20)


def fanout(size):
    fanout_cost(size)
    fanout_rate(size)


# ---- Memory ----


def memory_once(kind, count):
    """Kilobytes of the server (PSS) per idle stream."""
    with contextlib.ExitStack() as stack:
        if kind == "Tilewire":
            port, pid = gateway_of(stack.enter_context(tilewire()))
            pids, path = [pid], "/api/tiles/stream"
        else:
            port, pids, _ = stack.enter_context(nginx())
            path = "/sub"
        stack.enter_context(Streams(port, path, 20, pids))  # so that what is allocated once is not counted
        if kind == "nchan":
            post_publisher(port)()
        time.sleep(0.5)
        before = pss_kb(pids)
        stack.enter_context(Streams(port, path, count, pids))
        time.sleep(1)
        each = (pss_kb(pids) - before) / count
    say(f"    {kind:8} {each:.3f} KB")
    return each


def memory(size):
    count, rounds = size.of((10000, 3), (4000, 1), (100, 1))
    say(f"memory: resident memory (PSS) of the server per idle stream, {count:,} streams")
    runs = turns(rounds, lambda kind: memory_once(kind, count), ("Tilewire",) if size.smoke else ("Tilewire", "nchan"))
    ours = median(runs["Tilewire"])
    other = f" (nchan {median(runs['nchan']):.2f} KB)" if "nchan" in runs else ""
    result("memory", f"resident memory of the gateway per idle stream, {count:,} streams", f"{ours:.3f} KB{other}", "≤ 0.25 KB", ours <= 0.25)


# ---- GET ----


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
                connection.sendall(b"HEAD /tile.json HTTP/1.1\r\nHost: x\r\n\r\n")
                etag = re.search(r"ETag: (\S+)", connection.recv(65536).decode())[1]
            servers["nginx"] = (nginx_port, "/tile.json", etag, nginx_pids)
        for code in (200, 304):
            rates = turns(rounds, lambda name: get_once(name, code, servers[name], seconds), servers)
            ours, other = median(rates["Tilewire"]), median(rates.get("nginx", [0]))
            against = f", {ours / other:.2f} × nginx ({other:,.0f}/s)" if other else ""
            result("get", f"GET of one tile ({len(body)} bytes), {code}", f"{ours:,.0f}/s{against}", "≥ 1.00 × nginx, a static file", ours >= other)


# ---- Fold and catch-up ----


def fold(size):
    rows, rounds = size.of((2000000, 5), (500000, 3), (20000, 1))
    say(f"fold: {rows:,} rows in memory, 20 tiles, one core")
    rates = []
    for _ in range(rounds):
        out = subprocess.run([FOLD, str(rows)], check=True, stdout=subprocess.PIPE, text=True).stdout
        say("    " + out.strip())
        rates.append(float(re.search(r"(\d+) rows/s", out)[1]))
    result("fold", f"the fold alone, {rows:,} rows in memory, 20 tiles", f"{median(rates):,.0f} rows per second of CPU", "≥ 1,000,000", median(rates) >= 1e6)


FILL = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO events"
              " (timestamp,event_type,actor_id,target_id,summary,payload) SELECT '{now}', 'type' || (i % 20), 'ada', 'item-' || (i % 20000),"
              " 'Ada did something to item ' || i, '{{\"amount\":' || i || '}}' FROM n",
    "postgresql": "INSERT INTO events (timestamp,event_type,actor_id,target_id,summary,payload) SELECT '{now}', 'type' || (i % 20), 'ada',"
                  " 'item-' || (i % 20000), 'Ada did something to item ' || i, jsonb_build_object('amount', i) FROM generate_series(1, {rows}) i",
}
YARDSTICK = {"sqlite": "a bare sqlite3_step loop", "postgresql": "COPY … TO STDOUT to /dev/null"}


def scan(table, rows):
    """Rows per second of the yardstick."""
    if table.kind == "sqlite":
        got = load("scan", table.path)
        assert got["rows"] == rows
        return rows / got["seconds"]
    start = time.monotonic()
    subprocess.run(["psql", "-q", table.uri, "-c", "COPY events TO STDOUT"], check=True, stdout=subprocess.DEVNULL)
    return rows / (time.monotonic() - start)


def catchup_once(table, rows):
    """Rows per second of an ingestor that starts without a checkpoint, from its start until its tiles are there."""
    with temporary() as folder:
        deployment = Deployment(folder / "run", table, BIN, TILES, gateways=1)
        start = time.monotonic()
        try:
            deployment.start("ingestor")
            took = time.monotonic() - start
            assert deployment.stats()["position"] == rows and deployment.stats()["events_folded"] == rows
        finally:
            deployment.stop()
    return rows / took


def catchup(size):
    rows, rounds = size.of((2000000, 3), (500000, 1), (20000, 1))
    with contextlib.ExitStack() as stack:
        both = stack.enter_context(tables(None if size.smoke else stack.enter_context(postgres())))
        for kind, table in both.items():
            say(f"catchup: {rows:,} rows of {kind}, 20 tiles, against {YARDSTICK[kind]}")
            table.execute(FILL[kind].format(rows=rows, now=now_iso()))
            table.execute({"sqlite": "PRAGMA wal_checkpoint(TRUNCATE)", "postgresql": "CHECKPOINT"}[kind])
            runs = turns(rounds, lambda who: scan(table, rows) if who == "yardstick" else catchup_once(table, rows), ("yardstick", "Tilewire"))
            ours, other = median(runs["Tilewire"]), median(runs["yardstick"])
            say("    " + ", ".join(f"{a:,.0f} rows/s against {b:,.0f}" for a, b in zip(runs["Tilewire"], runs["yardstick"])))
            result("catchup", f"catch-up from {kind}, {rows:,} rows, from the ingestor's start until it serves",
                   f"{ours:,.0f} rows/s, {ours / other:.2f} × {YARDSTICK[kind]} ({other:,.0f})", "≥ 0.50 ×", ours >= 0.5 * other)


# ---- Latency ----


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


# ---- A stalled reader ----


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


# ---- Reconnecting ----


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


# ---- A tree of caches ----


def follower(deployment, number, upstream):
    """A cache that follows `upstream` (a pair of addresses), and a gateway that follows that cache. Returns the cache's addresses and the
    gateway's port."""
    ports = free_ports(3)
    addresses = {"publish": f"tcp://127.0.0.1:{ports[0]}", "query": f"tcp://127.0.0.1:{ports[1]}"}
    config = {**deployment.config, "cache": {**addresses, "upstreams": [upstream]},
              "gateway": {**deployment.config["gateway"], "upstreams": [addresses]}}
    file = deployment.folder / f"level{number}.yaml"
    file.write_text(yaml.safe_dump(config))
    for name, options in (("cache", []), ("gateway", ["--listen", f"127.0.0.1:{ports[2]}"])):
        program = Program(f"{name}-{number}", [str(BIN / f"tilewire-{name}"), "-c", str(file), *options], deployment.folder / f"{name}-{number}.log")
        deployment.programs[program.name] = program
    deployment.start(f"cache-{number}", f"gateway-{number}")
    return addresses, ports[2]


def hops(size):
    """Median latency of streams of two gateways, one of which is two caches further down; milliseconds."""
    with tilewire() as deployment:
        upstream = dict(zip(("publish", "query"), deployment.addresses[2:]))
        upstream, _ = follower(deployment, 1, upstream)
        _, port = follower(deployment, 2, upstream)
        publish = row_publisher(deployment.table)
        with Streams(deployment.gateway_ports[0], "/api/events/stream", 10, []) as near, Streams(port, "/api/events/stream", 10, []) as far:
            far.tell("mark")
            _, got, calls = drive(near, publish, 100, size.of(5, 2, 0.3), 10)
            wait_until(lambda: far.tell("count")["messages"] == calls * 10, what="the far streams")
            return got["p50_us"] / 1000, far.tell("count")["p50_us"] / 1000


SUBSCRIBERS = """
import sys, zmq
context, poller = zmq.Context(), zmq.Poller()
sockets = [context.socket(zmq.SUB) for _ in range(int(sys.argv[2]))]
for socket in sockets:
    socket.connect(sys.argv[1])
    socket.subscribe(b"event.")
    poller.register(socket, zmq.POLLIN)
for socket in sockets:
    socket.recv_multipart()
print("all", flush=True)
while True:
    for socket, _ in poller.poll():
        socket.recv_multipart()
"""


def intake(program, count, seconds):
    """Microseconds of a program's CPU for each event, with so many subscribers to the cache beside the gateway."""
    with tilewire() as deployment:
        publish = row_publisher(deployment.table, 10)
        reader = subprocess.Popen([sys.executable, "-c", SUBSCRIBERS, deployment.addresses[2], str(count)], stdout=subprocess.PIPE)
        try:
            beside = threading.Thread(target=reader.stdout.readline)
            beside.start()
            while beside.is_alive():
                publish()
                beside.join(0.05)
            with Streams(deployment.gateway_ports[0], "/api/events/stream", 1, [deployment[program].process.pid]) as streams:
                _, got, calls = drive(streams, publish, 100, seconds, 10)
            return got["cpu_s"] * 1e6 / (calls * 10)
        finally:
            reader.kill()
            reader.wait()
            reader.stdout.close()


def tree(size):
    say("tree: what a cache costs")
    near, far = hops(size)
    say(f"    median latency {near:.2f} ms through one cache, {far:.2f} ms through three")
    result("tree", "a cache more between ingestor and gateway", f"{(far - near) / 2:.2f} ms more at the median", "≤ 1 ms", far - near <= 2)
    seconds = size.of(5, 2, 0.3)
    few, many = size.of((1, 101), (1, 51), (1, 3))
    a, b = intake("cache", few, seconds), intake("cache", many, seconds)
    each = (b - a) / (many - few)
    say(f"    {a:.1f} µs of the cache's CPU for each event with {few} subscribers, {b:.1f} with {many}")
    result("tree", "CPU of a cache for one message to one subscriber", f"{each:.2f} µs", "≤ 5 µs", each <= 5)
    own = intake("gateway0", few, seconds)
    result("tree", "CPU of a gateway for one event taken in, and sent to one stream", f"{own:.1f} µs", "≤ 50 µs", own <= 50)


MEASUREMENTS = {"fanout": fanout, "memory": memory, "get": get, "fold": fold, "catchup": catchup, "latency": latency,
                "stalled": stalled, "reconnect": reconnect, "tree": tree}


def options():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures Tilewire against yardsticks in the same run.",
                                     epilog="Exit status: 0, all targets met; 1, some missed. Without --quick the figures are also"
                                            " written into docs/performance.md.")
    parser.add_argument("names", nargs="*", metavar="|".join(MEASUREMENTS), help="what to measure; everything by default")
    parser.add_argument("--quick", action="store_true", help="everything in less than three minutes, with smaller numbers")
    parser.add_argument("--smoke", action="store_true", help="does it run at all? The figures mean nothing, and are not judged")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in MEASUREMENTS]
    if unknown:
        parser.error(f"there is no measurement {unknown[0]}")
    return arguments


def main():
    arguments = options()
    size = Size("smoke" if arguments.smoke else "quick" if arguments.quick else "full")
    report.judging = not size.smoke
    names = arguments.names or list(MEASUREMENTS)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    load_before, start = os.getloadavg()[0], time.monotonic()
    for name in names:
        MEASUREMENTS[name](size)
        if size.full:
            report.write([name], " ".join(["scripts/bench", *arguments.names]), load_before)
    missed = report.missed()
    say(f"{len(report.results)} figures in {time.monotonic() - start:.0f} s, {len(missed)} missed their target"
        + (f"; written to docs/{report.DOCUMENT.name}" if size.full else ""))
    for what in missed:
        say(f"  missed: {what}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
