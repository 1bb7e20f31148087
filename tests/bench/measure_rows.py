# SPDX-License-Identifier: Apache-2.0
"""Measures how fast rows are folded, and read from a table: against a bare scan of it."""
import contextlib
import re
import subprocess
import time

from measure import median, turns
from report import result, say
from servers import BIN, FILL, FILL_TEXTS, FOLD, TILES, Deployment, load, now_iso, postgres, tables, temporary, text_tables


def fold(size):
    rows, rounds = size.of((2000000, 5), (500000, 3), (20000, 1))
    say(f"fold: {rows:,} rows in memory, 20 tiles, one core")
    rates = []
    for _ in range(rounds):
        out = subprocess.run([FOLD, str(rows)], check=True, stdout=subprocess.PIPE, text=True).stdout
        say("    " + out.strip())
        rates.append(float(re.search(r"(\d+) rows/s", out)[1]))
    for name in ("count", "number", "ratio", "percentile", "duration", "presence", "distinct",
                 "top", "rate", "rate_counters", "heatmap", "heatmap_sum", "sla_risk", "business"):
        say(f"    20 tiles of {name}: " + subprocess.run([FOLD, str(rows), name], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
    result("fold", f"the fold alone, {rows:,} rows in memory, 20 tiles", f"{median(rates):,.0f} rows per second of CPU", "≥ 1,000,000", median(rates) >= 1e6)


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


def cursor(size):
    """Against ids that grow, of as many rows in a table beside it."""
    rows, rounds = size.of((1000000, 5), (1000000, 3), (20000, 1))
    with contextlib.ExitStack() as stack:
        server = None if size.smoke else stack.enter_context(postgres())
        grow, texts = stack.enter_context(tables(server)), stack.enter_context(text_tables(server))
        for kind, table in texts.items():
            say(f"cursor: {rows:,} rows of {kind} by source.cursor, 20 tiles, against integer ids")
            pair = {"texts": table, "integers": grow[kind]}
            for who, filled in pair.items():
                filled.execute((FILL_TEXTS if who == "texts" else FILL)[kind].format(rows=rows, now=now_iso()))
                filled.execute({"sqlite": "PRAGMA wal_checkpoint(TRUNCATE)", "postgresql": "CHECKPOINT"}[kind])
            runs = turns(rounds, lambda who: catchup_once(pair[who], rows), ("integers", "texts"))
            ours, other = median(runs["texts"]), median(runs["integers"])
            say("    " + ", ".join(f"{a:,.0f} rows/s against {b:,.0f}" for a, b in zip(runs["texts"], runs["integers"])))
            result("cursor", f"catch-up from {kind} by source.cursor, {rows:,} rows with UUIDs, from the ingestor's start until it serves",
                   f"{ours:,.0f} rows/s, {ours / other:.2f} × integer ids ({other:,.0f})", "≥ 0.70 ×", ours >= 0.7 * other)
