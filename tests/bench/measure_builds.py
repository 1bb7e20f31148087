# SPDX-License-Identifier: Apache-2.0
"""Measures whether running tiles notice that others are built beside them."""
import contextlib
import copy
import signal

from measure import middle, ratio
from report import result, say
from servers import DATA_BYTES, FILL, TILES, Streams, drive, gateway_of, now_iso, pad, postgres, stamp, tables, tilewire, wait_until

# The running tile shows the stamp of its newest row, so that a stream of it tells when that was written.
RUNNING = {"key": "newest", "type": "latest", "match": {"event_type": "b"}, "show": ["summary"], "rows": 1, "refresh": {"min_interval": "1ms"}}


def publisher(table):
    def publish():
        table.insert([(now_iso(), "b", None, None, pad(stamp(), DATA_BYTES // 2), None)])

    return publish


def figures(driven, count):
    """A change that comes while another one waits to be sent goes with it, so of a busy machine there may be fewer messages than rows."""
    _, got, calls = driven
    return {"p50_ms": got["p50_us"] / 1000, "p99_ms": got["p99_us"] / 1000, "share": got["messages"] / (calls * count), "rows": calls}


def while_building(d, streams, publish, count, tiles):
    """From the reload on until the new tiles are built."""
    log = len(d["ingestor"].log_text())
    d.config["tiles"] = tiles
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    d["ingestor"].await_log("are built beside the others", after=log)
    begun = []

    def goes_on():
        """At least for one row."""
        begun.append(True)
        return len(begun) == 1 or "new tiles are built" not in d["ingestor"].log_text()[log:]

    return figures(drive(streams, publish, 100, goes_on, count), count)


def one_kind(table, rows, rounds, seconds, count):
    """[figures without…], [figures with…]: they take turns."""
    with tilewire(table, tiles=[*TILES, RUNNING]) as d:
        wait_until(lambda: d.stats()["position"] >= rows, timeout=120, what="all rows")
        port, pid = gateway_of(d)
        publish, runs = publisher(table), ([], [])
        publish()
        wait_until(lambda: d.request("/api/tiles/newest")[0] == 200)
        with Streams(port, "/api/tiles/stream?keys=newest", count, [pid]) as streams:
            drive(streams, publish, 100, 0.3, count)
            for turn in range(rounds):
                runs[0].append(figures(drive(streams, publish, 100, seconds, count), count))
                new = [{**copy.deepcopy(tile), "key": f"new{turn}.{tile['key']}"} for tile in TILES]
                runs[1].append(while_building(d, streams, publish, count, [*TILES, RUNNING, *new]))
    for name, got in zip(("without", "beside a build"), runs, strict=True):
        say(f"    {table.kind:10} {name}: " + "; ".join(f"p50 {run['p50_ms']:.2f}, p99 {run['p99_ms']:.2f} ms" for run in got))
    say(f"    {table.kind:10} rows written meanwhile: " + ", ".join(f"{run['rows']} ({100 * run['share']:.0f} % of them told each)" for run in runs[1]))
    return runs


def builds(size):
    rows, rounds, seconds, count = size.of((3000000, 4, 3, 100), (1000000, 3, 1, 100), (20000, 1, 0.3, 5))
    with contextlib.ExitStack() as stack:
        server = None if size.smoke else stack.enter_context(postgres())
        for kind, table in stack.enter_context(tables(server)).items():
            say(f"builds: a running tile on {count} streams, 100 rows/s, while 20 others are built from {rows:,} rows of {kind}")
            table.execute(FILL[kind].format(rows=rows, now=now_iso()))
            without, beside = one_kind(table, rows, rounds, seconds, count)
            factor = ratio(beside, without, "p50_ms")
            result("builds", f"row written to {kind} → a running tile at the client, while 20 others are built from {rows:,} rows",
                   f"p50 {middle(beside, 'p50_ms'):.2f} ms, {factor:.2f} × without ({middle(without, 'p50_ms'):.2f} ms); p99"
                   f" {middle(beside, 'p99_ms'):.2f} ms ({middle(without, 'p99_ms'):.2f} ms)",
                   "p50 ≤ 1.25 ×, p99 ≤ 10 ms or 1.25 ×",
                   factor <= 1.25 and middle(beside, "p99_ms") <= max(10, 1.25 * middle(without, "p99_ms")))
