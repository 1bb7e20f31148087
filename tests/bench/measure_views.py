# SPDX-License-Identifier: Apache-2.0
"""Measures what it costs that clients may not see everything: a delivery, and an idle stream."""
import contextlib
import subprocess
import time

from measure import median, middle, ratio, turns
from report import result, say
from servers import BIN, Streams, drive, gateway_of, pss_kb, row_publisher, temporary, tilewire

# What the token says besides, by kind; None: nobody is asked. The patterns lie so that both they and what is asked for have to match.
KINDS = {"everyone": None, "view": ["--events=b*,c", "--tiles=t*,*1*"], "fields": ["--events=b*,c", "--fields=summary"]}
EVENTS = "/api/events/stream?types=*b,x"


@contextlib.contextmanager
def asked(kind):
    """Yields a deployment, and the headers with which its clients say who they are."""
    with contextlib.ExitStack() as stack:
        if KINDS[kind] is None:
            yield stack.enter_context(tilewire()), ""
            return
        folder = stack.enter_context(temporary())
        key, jwks = folder / "key.jwk", folder / "key.jwks"
        token = [str(BIN / "tilewire"), "token", str(key)]
        jwks.write_text(subprocess.run([*token, "--new-key"], check=True, text=True, stdout=subprocess.PIPE).stdout)
        text = subprocess.run([*token, *KINDS[kind]], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
        issuers = [{"issuer": "https://localhost", "audience": "tilewire", "jwks": str(jwks)}]
        yield stack.enter_context(tilewire(gateway={"auth": "jwt", "jwt": {"issuers": issuers}})), f"Authorization: Bearer {text}\r\n"


def delivery(kind, count, rate, seconds):
    with asked(kind) as (deployment, headers):
        port, pid = gateway_of(deployment)
        with Streams(port, EVENTS, count, [pid], headers=headers) as streams:
            publish = row_publisher(deployment.table, 1)
            drive(streams, publish, 10, 0.3, count)
            streams.tell("doze")
            _, got, calls = drive(streams, publish, rate, seconds, count)
    run = {"cpu_us": got["cpu_s"] * 1e6 / max(1, got["messages"]), "lost": calls * count - got["messages"]}
    say(f"    {kind:8} {run['cpu_us']:6.3f} µs of CPU each, {got['bytes'] // max(1, got['messages'])} bytes, {run['lost']} lost")
    return run


def memory(kind, count):
    with asked(kind) as (deployment, headers):
        port, pid = gateway_of(deployment)
        with Streams(port, "/api/tiles/stream", 20, [pid], headers=headers):  # so that what is allocated once is not counted
            time.sleep(0.5)
            before = pss_kb([pid])
            with Streams(port, "/api/tiles/stream", count, [pid], headers=headers):
                time.sleep(1)
                each = (pss_kb([pid]) - before) / count
    say(f"    {kind:8} {each:.3f} KB")
    return {"kb": each}


def views(size):
    count, rate = size.of(1000, 1000, 20), 100
    seconds, rounds = size.of((4, 7), (3, 2), (0.3, 1))
    say(f"views: server CPU per delivery, {count:,} streams, {rate} messages/s")
    runs = turns(rounds, lambda kind: delivery(kind, count, rate, seconds), KINDS)
    for kind in ("view", "fields"):
        times = ratio(runs[kind], runs["everyone"], "cpu_us")
        what = "with a view" if kind == "view" else "with a view that hides fields"
        result("views", f"server CPU per delivery {what}, {count:,} streams, {rate} messages/s",
               f"{middle(runs[kind], 'cpu_us'):.2f} µs, {times:.2f} × {middle(runs['everyone'], 'cpu_us'):.2f} µs without", "≤ 1.05 ×", times <= 1.05)
        result("views", f"server CPU per delivery {what}: lost", f"{sum(run['lost'] for run in runs[kind])}", "0",
               not any(run["lost"] for run in runs[kind]))
    count, rounds = size.of((10000, 3), (4000, 1), (100, 1))
    say(f"views: resident memory (PSS) of the gateway per idle stream, {count:,} streams")
    runs = turns(rounds, lambda kind: memory(kind, count), ("everyone", "view"))
    ours, others = (median([run["kb"] for run in runs[kind]]) for kind in ("view", "everyone"))
    result("views", f"resident memory of the gateway per idle stream with a view, {count:,} streams", f"{ours:.3f} KB ({others:.3f} KB without)",
           "within 0.02 KB of that without", ours <= others + 0.02)
