# SPDX-License-Identifier: Apache-2.0
"""Measures how many streams this machine holds: gateways on one port, and load generators, by the dozen."""
import concurrent.futures
import contextlib
import os
import pathlib
import re
import resource
import signal
import time

from measure import median
from report import result, say
from servers import BIN, LIMITS, TILES, Deployment, Streams, datagram_publisher, loop, pss_kb, row_publisher, sqlite_table, temporary, wait_until

GATEWAY_STREAMS = 14400  # of 20,000 descriptors a gateway gives three quarters to streams; a port shares them out by chance
LOAD_STREAMS = 18000
KERNEL_KB = 11  # of both ends of a connection
PROCESS_MB = 8
streams_wanted = None  # --streams


def meminfo_kb(name):
    return int(re.search(rf"^{name}:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)[1])


def lacking(streams, processes):
    """What this machine would have to have; None: it has."""
    needed_kb = streams * (KERNEL_KB + 1) + processes * PROCESS_MB * 1024
    own_files = min(streams, LOAD_STREAMS) + 2000
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    tcp_kb = int(pathlib.Path("/proc/sys/net/ipv4/tcp_mem").read_text().split()[2]) * os.sysconf("SC_PAGE_SIZE") // 1024
    system_files = int(pathlib.Path("/proc/sys/fs/file-max").read_text())
    say(f"    needed: {needed_kb / 1e6:.1f} GB of memory, about {streams * KERNEL_KB / 1e6:.1f} of it the kernel's;"
        f" {own_files:,} open files in a process, {2 * streams:,} in all; {processes} processes")
    if needed_kb > meminfo_kb("MemAvailable"):
        return f"{meminfo_kb('MemAvailable') / 1e6:.1f} GB of memory are available"
    if files < own_files:
        return f"a process may open {files:,} files (ulimit -Hn)"
    if 2 * streams > system_files:
        return f"all processes may open {system_files:,} files (fs.file-max)"
    if streams * 0.1 > tcp_kb:
        return f"TCP may have {tcp_kb / 1e6:.2f} GB of buffers (net.ipv4.tcp_mem)"
    return None


class Crowd:
    """Load generators that have so many streams open together."""

    def __init__(self, ports, streams):
        self.streams, counts = streams, []
        while sum(counts) < streams:
            counts.append(min(LOAD_STREAMS, streams - sum(counts)))
        self.parts = []
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(len(counts)) as pool:
            jobs = [pool.submit(Streams, ports[i % len(ports)], "/api/events/stream", count, [], address=1 + 8 * i) for i, count in enumerate(counts)]
            self.parts = [job.result() for job in jobs if job.exception() is None]
        assert len(self.parts) == len(counts), "some streams could not be opened"
        self.open_s = time.monotonic() - begun

    def ask(self, line):
        return [part.tell(line) for part in self.parts]

    def spread(self, publish):
        """Publishes one message; seconds until the last stream had it, and how many never did."""
        self.ask("mark")
        publish()

        def there():
            counts = self.ask("count")
            return counts if sum(count["messages"] for count in counts) >= self.streams else None

        with contextlib.suppress(AssertionError):
            wait_until(there, timeout=60, what="the message on all streams")
        counts = self.ask("count")
        return max(count["max_us"] for count in counts) / 1e6, self.streams - sum(count["messages"] for count in counts)

    def back(self):
        """Waits until all are back; seconds since the first was lost, and how many were lost in all."""
        def here():
            answers = self.ask("away")
            return answers if sum(answer["losses"] for answer in answers) != 0 and all(answer["away"] == 0 for answer in answers) else None

        answers = wait_until(here, timeout=600, what="all streams to be back")
        return max(answer["seconds"] for answer in answers), sum(answer["losses"] for answer in answers)

    def end(self):
        for part in self.parts:
            part.__exit__()


@contextlib.contextmanager
def crowd(ports, streams):
    made = Crowd(ports, streams)
    try:
        yield made
    finally:
        made.end()


def bare_seconds(streams, messages):
    """The yardstick: as many bare loops as there are load generators, each told at once."""
    count = -(-streams // LOAD_STREAMS)
    sizes = [min(LOAD_STREAMS, streams - i * LOAD_STREAMS) for i in range(count)]
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(loop("bare", size))[0] for size in sizes]
        publishers = [datagram_publisher(port) for port in ports]
        with crowd(ports, streams) as clients:
            return median(clients.spread(lambda: [publish() for publish in publishers])[0] for _ in range(messages))


@contextlib.contextmanager
def gateways_on_one_port(table, folder, count, drain_s):
    config = {"gateway": {"limits": LIMITS, "events": 100, "drain": f"{drain_s}s"}}
    deployment = Deployment(folder / "run", table, BIN, TILES, gateways=1, config=config)
    command = ["tilewire-gateway", "--listen", f"127.0.0.1:{deployment.gateway_ports[0]}"]
    for name in ("gateway0", *(f"also{i}" for i in range(1, count)), *(f"next{i}" for i in range(count))):
        deployment.add(name, command)
    try:
        first = [name for name in deployment.programs if not name.startswith("next")]
        deployment.start(*first)
        yield deployment, [name for name in first if name not in ("ingestor", "cache")], [f"next{i}" for i in range(count)]
    finally:
        problems = deployment.stop()
        if problems:
            deployment.print_logs()
            raise AssertionError(problems)


def held(clients, publish, seconds):
    """The streams stay for that long, with a message each ten seconds: how long each took, and how many did not come."""
    times, lost, until = [], 0, time.monotonic() + seconds
    while not times or time.monotonic() < until:
        begun = time.monotonic()
        took, missing = clients.spread(publish)
        times.append(took)
        lost += missing
        time.sleep(max(0.0, min(10.0, seconds) - (time.monotonic() - begun)))
    return times, lost


def replace_all(deployment, clients, old, new):
    """The new gateways are started on the port, and then the old ones stopped, so that their streams come to new ones alone."""
    clients.ask("mark")
    clients.ask("return")
    deployment.start(*new)
    for name in old:
        deployment[name].process.send_signal(signal.SIGTERM)
    for name in old:
        deployment[name].process.wait(timeout=600)
    return clients.back()


def one_dies(deployment, clients, name):
    clients.ask("mark")
    clients.ask("return")
    deployment[name].kill()
    return clients.back()


def million(size):
    streams = streams_wanted or size.of(100000, 20000, 200)
    seconds, messages = size.of((300, 5), (20, 3), (0.2, 1))
    count = -(-streams // GATEWAY_STREAMS) + 1
    drain_s = max(1, streams // 4000)
    say(f"million: {streams:,} streams, {count} gateways on one port, held for {seconds} s")
    lack = lacking(streams, 2 * count + -(-streams // LOAD_STREAMS) + 2)
    if lack is not None:
        say(f"    this machine cannot: {lack}. Choose fewer with --streams, or see docs/deploy/linux.md.")
        return
    run = {"seconds": seconds, "bare_s": bare_seconds(streams, messages)}
    with sqlite_table() as table, temporary() as folder, gateways_on_one_port(table, folder, count, drain_s) as (deployment, old, new):
        measure(run, deployment, (old, new), streams, row_publisher(table))
    judge(f"{streams:,} streams", streams, count, drain_s, run)


def measure(run, deployment, gateways, streams, publish):
    old, new = gateways
    pids = [deployment[name].process.pid for name in old]
    run["empty_kb"], slab_kb = pss_kb(pids), meminfo_kb("Slab")
    with crowd(deployment.gateway_ports, streams) as clients:
        run["opened_s"] = clients.open_s
        run["open_kb"], run["kernel_kb"] = pss_kb(pids), meminfo_kb("Slab") - slab_kb
        run["times"], run["lost"] = held(clients, publish, run["seconds"])
        run["held_kb"] = pss_kb(pids)
        run["back_s"], run["back"] = one_dies(deployment, clients, old[-1])
        run["anew_s"], run["anew"] = replace_all(deployment, clients, old[:-1], new)
        run["lost"] += clients.spread(publish)[1]


def judge(what, streams, count, drain_s, run):
    took, each = median(run["times"]), 1e3 * (run["held_kb"] - run["empty_kb"]) / streams
    say(f"    opened in {run['opened_s']:.1f} s; {count} gateways take {run['empty_kb'] / 1e3:.0f} MB without streams, {run['open_kb'] / 1e3:.0f} MB with them;"
        f" the last client had a row after {', '.join(f'{t:.2f}' for t in run['times'])} s")
    result("million", f"{what}: memory of all {count} gateways after {run['seconds']} s (PSS), and the kernel's of both ends",
           f"{run['held_kb'] / 1e3:.0f} MB ({each:.0f} bytes more for each stream), and {run['kernel_kb'] / 1e6:.2f} GB", "≤ 300 MB", run["held_kb"] <= 300e3)
    result("million", f"{what}: until the last client has a row, against as many bare loops",
           f"{took:.2f} s, {took / run['bare_s']:.2f} × {run['bare_s']:.2f} s", "≤ 1.1 ×", took <= 1.1 * run["bare_s"])
    result("million", f"{what}: rows that did not come to a stream, before and after all that", f"{run['lost']}", "0", run["lost"] == 0)
    result("million", f"{what}: one gateway is killed, its streams are back", f"{run['back_s']:.1f} s, {run['back']:,} of them", "≤ 5 s", run["back_s"] <= 5)
    again = run["anew"] - streams
    result("million", f"{what}: all gateways are replaced, with `drain: {drain_s}s`", f"{run['anew_s']:.1f} s, {again:,} streams lost twice",
           f"≤ {drain_s + 5} s, none", run["anew_s"] <= drain_s + 5 and again == 0)
