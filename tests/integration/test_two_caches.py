"""Two caches side by side: when one dies, or hangs, the gateway's streams go on as if nothing had happened."""
import copy
import pathlib
import signal
import time

import msgpack
import pytest
import yaml
import zmq

from test_crashes import Writer
from tilewire import free_ports, wait_until

LONGEST_PAUSE_S = 2.0


@pytest.fixture
def twins(deploy, sqlite_table):
    """A deployment with a second cache, and a gateway that follows both."""
    d = deploy(sqlite_table, gateways=1)
    publish, query = (f"tcp://127.0.0.1:{port}" for port in free_ports(2))
    other = copy.deepcopy(d.config)
    other["cache"].update(publish=publish, query=query)
    file = d.folder / "cache2.yaml"
    file.write_text(yaml.safe_dump(other, sort_keys=False))
    d.config["gateway"]["upstreams"] = [{"publish": d.addresses[2], "query": d.addresses[3]},
                                        {"publish": publish, "query": query}]
    d.write()
    d.add("cache2", ["tilewire-cache"])
    d["cache2"].command[2] = str(file)
    return d.start()


def ordinal(d, cache):
    """Of the last event that the cache has; 0 while it does not answer."""
    address = yaml.safe_load(pathlib.Path(d[cache].command[2]).read_text())["cache"]["query"]
    with zmq.Context() as context, context.socket(zmq.REQ) as req:
        req.linger = 0
        req.rcvtimeo = 1000
        req.connect(address)
        req.send(msgpack.packb({"op": "ping"}))
        try:
            return msgpack.unpackb(req.recv())["ordinal"]
        except zmq.Again:
            return 0


def longest_pause(stream, since):
    times = [since] + [e["at"] for e in list(stream.events) if e["at"] > since and e["event"] != "heartbeat"]
    return max((b - a for a, b in zip(times, times[1:])), default=float("inf"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_streams_go_on(twins, sqlite_table, how):
    d = twins
    events, tiles = d.stream("/api/events/stream"), d.stream("/api/tiles/stream")
    writer = Writer(sqlite_table, 21)
    try:
        wait_until(lambda: len(events.ids()) > 50)
        for victim in ("cache", "cache2"):
            at = time.monotonic()
            d[victim].process.send_signal(how)
            seen = len(events.ids())
            wait_until(lambda: time.monotonic() - at > 4 and len(events.ids()) > seen + 100)
            assert longest_pause(events, at) < LONGEST_PAUSE_S
            assert longest_pause(tiles, at) < LONGEST_PAUSE_S
            if how == signal.SIGSTOP:
                d[victim].process.send_signal(signal.SIGCONT)
            else:
                d[victim].process.wait()
                d[victim].start()
            wait_until(lambda: ordinal(d, victim) >= events.ids()[-1])
    finally:
        writer.stop()
    last = sqlite_table.insert([writer.rows.next()])
    wait_until(lambda: events.ids()[-1] == last)
    ids = events.ids()
    assert ids == list(range(ids[0], last + 1)), "each once, in order, none left out"
    assert not [e for e in events.events + tiles.events if e["event"] == "reset"]
    assert not events.ended.is_set() and not tiles.ended.is_set()
    d.verify()

