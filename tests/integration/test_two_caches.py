# SPDX-License-Identifier: Apache-2.0
"""Two caches side by side: when one dies, or hangs, the gateway's streams go on as if nothing had happened."""
import signal
import time

import pytest
import zmq

from test_crashes import Writer
from tilewire import wait_until

LONGEST_PAUSE_S = 2.0


@pytest.fixture
def twins(deploy, sqlite_table):
    """A deployment with a second cache, and a gateway that follows both."""
    d = deploy(sqlite_table, gateways=1)
    other = d.twin("cache2", "cache")
    d.config["gateway"]["upstreams"] = [{"publish": d.addresses[2], "query": d.addresses[3]}, other]
    d.write()
    return d.start()


def ordinal(d, cache):
    """Of the last event that the cache has; 0 while it does not answer."""
    try:
        return d.query({"op": "ping"}, cache, timeout_ms=1000)["ordinal"]
    except zmq.Again:
        return 0


def lose(program, how):
    program.process.send_signal(how)
    if how == signal.SIGKILL:
        program.process.wait()


def bring_back(program, how):
    if how == signal.SIGSTOP:
        program.process.send_signal(signal.SIGCONT)
    else:
        program.start()


def await_progress(stream, count=100):
    seen = len(stream.ids())
    wait_until(lambda: len(stream.ids()) > seen + count, what="events that go on")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_streams_go_on(twins, sqlite_table, how):
    d = twins
    events, tiles = d.stream("/api/events/stream"), d.stream("/api/tiles/stream")
    writer = Writer(sqlite_table, 21)
    try:
        await_progress(events)
        for victim in ("cache", "cache2"):
            lose(d[victim], how)
            await_progress(events)
            bring_back(d[victim], how)
            wait_until(lambda: ordinal(d, victim) >= events.ids()[-1], what=f"{victim} to be back")
    finally:
        writer.stop()
    last = sqlite_table.insert([writer.rows.next()])
    wait_until(lambda: events.ids()[-1] == last, what="the last event")
    ids = events.ids()
    assert ids == list(range(ids[0], last + 1)), "each once, in order, none left out"
    assert not [e for e in events.events + tiles.events if e["event"] == "reset"]
    assert not events.ended.is_set() and not tiles.ended.is_set(), "no client had to reconnect"
    d.verify()


def longest_pause(stream, since):
    times = [since] + [e["at"] for e in list(stream.events) if e["at"] > since and e["event"] != "heartbeat"]
    return max((b - a for a, b in zip(times, times[1:])), default=float("inf"))


@pytest.mark.timing
def test_the_gateway_moves_within_two_seconds_of_a_stop(twins, sqlite_table):
    """Of a stop, for there no connection tells that the cache is gone."""
    d = twins
    events, tiles = d.stream("/api/events/stream"), d.stream("/api/tiles/stream")
    writer = Writer(sqlite_table, 22)
    try:
        await_progress(events)
        at = time.monotonic()
        d["cache"].process.send_signal(signal.SIGSTOP)
        wait_until(lambda: time.monotonic() - at > 4)
        await_progress(events)
    finally:
        writer.stop()
    assert longest_pause(events, at) < LONGEST_PAUSE_S
    assert longest_pause(tiles, at) < LONGEST_PAUSE_S
