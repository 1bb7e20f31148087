# SPDX-License-Identifier: Apache-2.0
"""Programs whose main thread stands still for seconds, as that of a busy machine does, while libzmq's thread goes on and much is
published. With ZMTP's heartbeats that ended them (`Assertion failed: _input_stopped`) as soon as they went on."""
import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import threading

import pytest

from tilewire import PATIENCE, now_iso, wait_until

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
INGESTOR_PUBLISHES, CACHE_PUBLISHES = 0, 2  # in Deployment.addresses
MANY = 220000  # rows: more than all queues between two programs hold


def ptrace(request, thread):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    assert libc.ptrace(request, thread, None, None) == 0, os.strerror(ctypes.get_errno())


@contextlib.contextmanager
def main_thread_stopped(program):
    """SIGSTOP would stop all threads; a debugger can stop one."""
    pid = program.process.pid
    ptrace(PTRACE_SEIZE, pid)
    ptrace(PTRACE_INTERRUPT, pid)
    os.waitid(os.P_PID, pid, os.WSTOPPED)
    try:
        yield
    finally:
        ptrace(PTRACE_DETACH, pid)


def connections_to(address):
    """The local ports of the connections to it that stand."""
    port = int(address.rsplit(":", 1)[1])
    found = set()
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(path, encoding="ascii") as table:
            for line in list(table)[1:]:
                local, remote, state = line.split()[1:4]
                if int(remote.rsplit(":", 1)[1], 16) == port and state == "01":
                    found.add(local.rsplit(":", 1)[1])
    return found


def publish_much(table):
    table.execute("INSERT INTO events (timestamp,event_type) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                  f"WHERE i < {MANY}) SELECT '{now_iso()}', 'order.shipped' FROM n")


def position(d):
    """The ingestor has so much to do that an answer may take long on a busy machine."""
    return d.query({"op": "stats"}, "ingestor")["stats"]["position"]


def gaps(d, name):
    if name == "cache":
        return d.stats("cache")["gaps"]
    return int(re.search(r"^tilewire_gateway_gaps_total (\d+)$", d.request("/metrics")[2].decode(), re.M)[1])


@pytest.mark.parametrize("name", ["cache", "gateway0"])
def test_a_main_thread_that_stands_still(deploy, sqlite_table, name):
    d = deploy(sqlite_table, gateways=1).start()
    upstream = d.addresses[INGESTOR_PUBLISHES if name == "cache" else CACHE_PUBLISHES]
    before, missed = connections_to(upstream), gaps(d, name)
    with main_thread_stopped(d[name]):
        publish_much(sqlite_table)
        wait_until(lambda: position(d) == MANY, what="all to be published")
        wait_until(lambda: not before <= connections_to(upstream), what="the upstream to give the connection up")
    last = sqlite_table.insert([(now_iso(), "order.created", None, "o", None, None)])
    wait_until(lambda: [e["id"] for e in d.get_json("/api/events")["events"]][:1] == [last])
    d.verify()
    assert gaps(d, name) > missed, "nothing was missed, and nothing tested"


def read(lines, seen, missed):
    for line in lines:
        said = json.loads(line)
        if "event" in said:
            seen.add(said["event"]["id"])
        elif "gap" in said:
            missed.append(said)


def test_a_tail_whose_output_nobody_reads(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    upstream = d.addresses[CACHE_PUBLISHES]
    before = connections_to(upstream)
    tail = subprocess.Popen([d.bin / "tilewire", "-c", d.file, "tail", "--events"], stdout=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: connections_to(upstream) > before)
        before = connections_to(upstream)
        publish_much(sqlite_table)
        wait_until(lambda: position(d) == MANY, what="all to be published")
        d.verify()
        wait_until(lambda: not before <= connections_to(upstream), what="the cache to give the connection up")
        seen, missed, later = set(), [], set()
        reader = threading.Thread(target=read, args=(tail.stdout, seen, missed))
        reader.start()

        def goes_on():
            later.add(sqlite_table.insert([(now_iso(), "order.created", None, "o", None, None)]))
            return later & seen
        wait_until(goes_on, what="the tail to hear of new rows")
        assert missed, "nothing was missed, and nothing tested"
        tail.send_signal(signal.SIGTERM)
        assert tail.wait(PATIENCE) == 0
        reader.join()
    finally:
        tail.kill()
        tail.wait()
