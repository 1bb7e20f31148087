# SPDX-License-Identifier: Apache-2.0
"""Measures what a cache costs: its latency, and its CPU for each subscriber."""
import subprocess
import sys
import threading

import yaml

from report import result, say
from servers import BIN, Program, Streams, drive, free_ports, row_publisher, tilewire, wait_until


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
