#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What scripts/bench runs: each measurement takes turns with its yardsticks; docs/performance.md tells what and how."""
import argparse
import json
import os
import pathlib
import resource
import sys
import time

import compare
import measure_million
import report
import servers
from measure import Size
from measure_builds import builds
from measure_clients import get, latency, reconnect, stalled
from measure_fanout import fanout, memory
from measure_kafka import kafka
from measure_limits import hostile, patterns
from measure_locks import locks
from measure_million import million
from measure_nats import nats
from measure_partitions import partitions
from measure_push import push_rates
from measure_redis import redis
from measure_rows import catchup, cursor, fold
from measure_selections import selections
from measure_state import state
from measure_tree import tree
from measure_views import views
from report import say

MEASUREMENTS = {"fanout": fanout, "memory": memory, "get": get, "patterns": patterns, "hostile": hostile, "fold": fold, "catchup": catchup, "cursor": cursor,
                "kafka": kafka, "nats": nats, "partitions": partitions, "push": push_rates, "redis": redis, "locks": locks, "state": state, "latency": latency,
                "builds": builds, "stalled": stalled, "reconnect": reconnect, "selections": selections, "tree": tree, "views": views,
                "million": million}
ALONE = ["million"]  # only when it is named


def options():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures Tilewire against yardsticks in the same run.",
                                     epilog="Exit status: 0, all targets met; 1, some missed. Without --quick the figures are also"
                                            " written into docs/performance.md.")
    parser.add_argument("names", nargs="*", metavar="|".join(MEASUREMENTS), help="what to measure; everything by default")
    parser.add_argument("--quick", action="store_true", help="everything in less than four minutes, with smaller numbers")
    parser.add_argument("--smoke", action="store_true", help="does it run at all? The figures mean nothing, and are not judged")
    parser.add_argument("--compare", metavar="OLD_BUILD", type=pathlib.Path, help="the programs of that folder (build/release of another version) and this"
                        " build's take turns; says what changed beyond noise, and exits with 1 if something became worse")
    parser.add_argument("--turns", type=int, default=5, help="how often each of the two is measured then (5)")
    parser.add_argument("--streams", metavar="N", type=int, help="of the measurement `million`, which is made only when it is named (100000)")
    parser.add_argument("--figures", metavar="FILE", type=pathlib.Path, help="also writes the figures there, as JSON, and none into docs/performance.md")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in MEASUREMENTS]
    if unknown:
        parser.error(f"there is no measurement {unknown[0]}")
    if arguments.compare is not None and not (arguments.compare / "bin" / "tilewire-gateway").exists():
        parser.error(f"{arguments.compare} is no build: it has no bin/tilewire-gateway")
    if arguments.turns < compare.TURNS_MIN:
        parser.error(f"what differs by chance is not told from what changed in less than {compare.TURNS_MIN} turns")
    return arguments


def main():
    arguments = options()
    size = Size("smoke" if arguments.smoke else "quick" if arguments.quick else "full")
    report.judging = not size.smoke
    measure_million.streams_wanted = arguments.streams
    names = arguments.names or [name for name in MEASUREMENTS if name not in ALONE]
    if arguments.compare is not None:
        return compare.compare(arguments.compare.resolve(), servers.BIN.parent, names, size.name, arguments.turns)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    load_before, start = os.getloadavg()[0], time.monotonic()
    for name in names:
        MEASUREMENTS[name](size)
        if size.full and arguments.figures is None:
            report.write([name], " ".join(["scripts/bench", *arguments.names]), load_before)
    if arguments.figures is not None:
        arguments.figures.write_text(json.dumps(report.results))
    missed = report.missed()
    say(f"{len(report.results)} figures in {time.monotonic() - start:.0f} s, {len(missed)} missed their target"
        + (f"; written to docs/{report.DOCUMENT.name}" if size.full and arguments.figures is None else ""))
    for what in missed:
        say(f"  missed: {what}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
