# SPDX-License-Identifier: Apache-2.0
"""Measures what one client costs the gateway that asks for as much as it may: many patterns over all events that are kept."""
import contextlib
import http.client
import pathlib
import subprocess
import sys
import time
import urllib.parse

from measure import median, middle
from report import result, say
from servers import FILL, ROOT, gateway_of, now_iso, sqlite_table, tilewire, wait_until

from hostile import SLOW_TYPE  # of tests/integration

# What one request may ask for; none of these is the type of an event, but they begin as those do.
PATTERNS = {"names": "type.other.%03d", "beginnings": "type.%03d.*", "ends": "*.type%03d", "middles": "*p%03d*e*"}
# Fills a table: {rows} of as many types.
DIFFERENT = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO events (timestamp,event_type,summary)"
             " SELECT '{now}', '{type}' || i, 'Something of a kind of its own happened' FROM n")


def cpu_s(pid):
    """User and system time so far, exact where ticks of 10 ms are too coarse."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def ask(port, pid, path, seconds):
    """The server's CPU per request on one connection, and the last status."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    requests, status = 0, None
    begun, used = time.monotonic(), cpu_s(pid)
    while time.monotonic() - begun < seconds or requests < 20:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        requests, status = requests + 1, answer.status
    connection.close()
    return (cpu_s(pid) - used) / requests, status


def patterns(size):
    events, seconds, rounds = size.of((10000, 1, 5), (10000, 0.3, 3), (500, 0.05, 1))
    say(f"patterns: 255 of them over {events:,} events in one request, which finds nothing")
    with sqlite_table() as table:
        table.execute(FILL["sqlite"].format(rows=events, now=now_iso()))
        with tilewire(table, gateway={"events": events}) as deployment:
            port, pid = gateway_of(deployment)
            newest = f'"id":{events},'.encode()
            wait_until(lambda: newest in deployment.request("/api/events?limit=1")[2], what="the events")
            paths = {name: "/api/events?types=" + urllib.parse.quote(",".join(form % i for i in range(255)), safe="*,")
                     for name, form in PATTERNS.items()}
            runs = {name: [] for name in paths}
            for _ in range(rounds):
                for name, path in paths.items():
                    cost, status = ask(port, pid, path, seconds)
                    assert status == 200, status
                    runs[name].append(cost * 1000)
            for name, costs in runs.items():
                say(f"    {name:10} {median(costs):.3f} ms")
            worst = max(runs, key=lambda name: median(runs[name]))
            result("patterns", f"CPU of the gateway for 255 patterns over {events:,} events in one request",
                   f"{median(runs[worst]):.2f} ms ({worst})", "≤ 1 ms", median(runs[worst]) <= 1)


# ---- One hostile client, and the others ----

HOSTILE = ROOT / "tests" / "integration" / "hostile.py"


@contextlib.contextmanager
def beside(kind, port):
    """A hostile client of that kind; None: nobody."""
    if kind is None:
        yield
        return
    process = subprocess.Popen([sys.executable, HOSTILE, kind, str(port), "127.0.0.2"], stdin=subprocess.PIPE)
    try:
        yield
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


def ask_often(ports, pid, seconds):
    """What another client sees that asks for the tiles 40 times a second: of the gateway that is attacked, and between that of one that is
    left alone on the same machine. With the share of a core that the first one takes."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, source_address=("127.0.0.3", 0)) for port in ports]
    times, refused = [[] for _ in ports], 0
    begun, used = time.monotonic(), cpu_s(pid)
    while time.monotonic() - begun < seconds:
        for connection, its_times in zip(connections, times, strict=True):
            asked = time.monotonic()
            connection.request("GET", "/api/tiles")
            answer = connection.getresponse()
            answer.read()
            its_times.append((time.monotonic() - asked) * 1000)
            refused += answer.status != 200
        time.sleep(0.025)
    share = (cpu_s(pid) - used) / (time.monotonic() - begun)
    for connection in connections:
        connection.close()
    attacked, alone = map(sorted, times)
    return {"p50_ms": median(attacked), "p99_ms": attacked[len(attacked) * 99 // 100], "alone_ms": alone[len(alone) * 99 // 100],
            "refused": refused, "share": share}


def hostile(size):
    events, seconds, rounds = size.of((10000, 10, 3), (10000, 5, 1), (300, 0.5, 1))
    say(f"hostile: one address asks for as much as it can, {events:,} events of as many types; 40 requests a second of another address")
    with sqlite_table() as table:
        table.execute(DIFFERENT.format(rows=events, now=now_iso(), type=SLOW_TYPE))
        with tilewire(table, gateway={"events": events, "limits": {}}, gateways=2) as deployment:
            port, pid = gateway_of(deployment)
            newest = f'"id":{events},'.encode()
            for gateway in range(2):
                wait_until(lambda gateway=gateway: newest in deployment.request("/api/events?limit=1", gateway=gateway)[2], what="the events")
            runs = {kind: [] for kind in (None, "patterns", "subscriptions")}
            for _ in range(rounds):
                for kind, got in runs.items():
                    with beside(kind, port):
                        got.append(ask_often(deployment.gateway_ports, pid, seconds))
                    say(f"    {kind or 'nobody':14} p50 {got[-1]['p50_ms']:6.2f} ms, p99 {got[-1]['p99_ms']:6.2f} ms (left alone"
                        f" {got[-1]['alone_ms']:6.2f} ms), {got[-1]['share'] * 100:3.0f} % of a core, {got[-1]['refused']} refused")
            del runs[None]
            for kind, got in runs.items():
                p50, p99, alone = middle(got, "p50_ms"), middle(got, "p99_ms"), middle(got, "alone_ms")
                refused = sum(run["refused"] for run in got)
                result("hostile", f"one address asks for {kind} without end: others'",
                       f"p50 {p50:.1f} ms, p99 {p99:.1f} ms ({alone:.1f} ms of a gateway that is left alone), {refused} refused",
                       "p99 ≤ 50 ms, none refused", p99 <= 50 and refused == 0)
