# SPDX-License-Identifier: Apache-2.0
"""Measures what different selections cost: a row while thousands of dashboards of their own are open, opening them, and their memory."""
import contextlib
import time

from measure import median, middle, ratio, turns
from measure_limits import cpu_s
from report import result, say
from servers import LIMITS, Streams, gateway_of, pss_kb, tilewire, wait_until
from tilewire import now_iso

MEMBERS = [{"key": "m", "title": "Members", "type": "count", "match": {"event_type": "m"}, "group_by": "target_id", "max_groups": 10000}]
# Each stream has a selection of its own; {} is its number. The patterns match one tile each and begin with `*`: no order of keys finds them.
# Ten streams of this one have all tiles.
TENTHS = "/api/tiles/stream?keys=m/i-{}*"
PATHS = {"keys": "/api/tiles/stream?keys=m/i-{}", "patterns": "/api/tiles/stream?keys=*-{}"}


@contextlib.contextmanager
def many_tiles(count):
    """A deployment with so many tiles, m/i-0 and so on."""
    limits = {**LIMITS, "channels": 20000, "tiles": 20000}
    with tilewire(gateway={"limits": limits, "events": 1000}, tiles=MEMBERS) as deployment:
        now = now_iso()
        deployment.table.insert([(now, "m", None, f"i-{i}", None, None) for i in range(count)])
        wait_until(lambda: deployment.metric("tiles") >= count, timeout=60, what="all tiles")
        yield deployment


def settle(pid):
    """Until the gateway has nothing left to do: less than a twentieth of the time, twice in a row."""
    quiet = 0
    while quiet < 2:
        used = cpu_s(pid)
        time.sleep(0.5)
        quiet = quiet + 1 if cpu_s(pid) - used <= 0.025 else 0


def rows(deployment, pid, tiles, rate, seconds):
    """CPU of the gateway for each of that many rows a second, each of which changes the next of so many tiles. All have changed once before: patterns
    are asked about a tile when it first does."""
    now = now_iso()
    deployment.table.insert([(now, "m", None, f"i-{i}", None, None) for i in range(tiles)])
    settle(pid)
    used, begun, count = cpu_s(pid), time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        now = now_iso()
        deployment.table.insert([(now, "m", None, f"i-{(count + i) * 7919 % tiles}", None, None) for i in range(10)])
        count += 10
        time.sleep(max(0.0, begun + count / rate - time.monotonic()))
    time.sleep(0.5)
    return (cpu_s(pid) - used) / count


def warm(deployment, tiles):
    """All tiles are rendered, and the log of events is full: what is measured then is that of streams."""
    port, pid = gateway_of(deployment)
    with Streams(port, "/api/tiles/stream", 1, [pid]):
        rows(deployment, pid, tiles, 1000, 0.1)
    wait_until(lambda: deployment.metric("streams") == 0, timeout=60, what="the stream's end")


def opened(deployment, path, streams, tiles, rate, seconds, heartbeat_s):
    """Memory is measured when each channel has had frames, and a heartbeat."""
    port, pid = gateway_of(deployment)
    memory, used = pss_kb([pid]), cpu_s(pid)
    with Streams(port, path, streams, [pid]) as open_streams:
        run = {"open_s": open_streams.opened["seconds"], "open_cpu_s": cpu_s(pid) - used}
        run["row_us"] = rows(deployment, pid, tiles, rate, seconds) * 1e6
        time.sleep(heartbeat_s)
        run["kb"] = (pss_kb([pid]) - memory) / streams
    wait_until(lambda: deployment.metric("streams") == 0, timeout=60, what="the streams' end")
    say(f"    {streams:6,}  {run['row_us']:8.1f} µs of CPU a row, opened in {run['open_s']:.2f} s with {run['open_cpu_s']:.2f} s of CPU,"
        f" {run['kb']:.2f} KB each")
    return run


def selections(size):
    few, many, tiles = size.of((10, 10000, 10000), (10, 4000, 4000), (2, 20, 40))
    seconds, rounds, heartbeat_s = size.of((4, 3, 17), (3, 1, 17), (0.3, 1, 0))
    for kind, path in PATHS.items():
        say(f"selections: {few:,} and {many:,} different {kind} of one tile each, {tiles:,} tiles, 1,000 rows/s")
        with many_tiles(tiles) as deployment:
            warm(deployment, tiles)

            def turn(which, d=deployment, p=path):
                streams = many if which == "many" else few if which == "few" else 10
                return opened(d, TENTHS if which == "tenths" else p, streams, tiles, 1000, seconds, heartbeat_s if which == "many" else 0)

            runs = turns(rounds, turn, ("few", "tenths", "many"))
        times, fair = ratio(runs["many"], runs["few"], "row_us"), ratio(runs["many"], runs["tenths"], "row_us")
        what = f"{many:,} different {kind} of one tile each, {tiles:,} tiles"
        result("selections", f"gateway CPU per row, {what}",
               f"{middle(runs['many'], 'row_us'):.1f} µs, {times:.2f} × with {few} ({middle(runs['few'], 'row_us'):.1f} µs)", "≤ 1.5 ×", times <= 1.5)
        result("selections", f"the same against 10 selections that have all tiles, so that each row is sent to somebody, too ({kind})",
               f"{fair:.2f} × ({middle(runs['tenths'], 'row_us'):.1f} µs)", "≤ 1.5 ×", fair <= 1.5)
        if kind == "keys":
            seconds_open = median(run["open_s"] for run in runs["many"])
            result("selections", f"opening streams of {what}", f"{seconds_open:.2f} s, {middle(runs['many'], 'open_cpu_s'):.2f} s of CPU", "≤ 1.0 s",
                   seconds_open <= 1.0)
            memory = runs["many"][0]["kb"]
            result("selections", f"resident memory of the gateway per quiet stream with its channel, {what}", f"{memory:.2f} KB", "≤ 1 KB", memory <= 1)
