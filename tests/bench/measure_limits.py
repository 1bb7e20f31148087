# SPDX-License-Identifier: Apache-2.0
"""Measures what one client costs the gateway that asks for as much as it may: many patterns over all events that are kept."""
import http.client
import pathlib
import time
import urllib.parse

from measure import median
from report import result, say
from servers import FILL, gateway_of, now_iso, sqlite_table, tilewire, wait_until

# What one request may ask for; none of these is the type of an event, but they begin as those do.
PATTERNS = {"names": "type.other.%03d", "beginnings": "type.%03d.*", "ends": "*.type%03d", "middles": "*p%03d*e*"}


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
