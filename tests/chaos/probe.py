# SPDX-License-Identifier: Apache-2.0
"""Asks each program some twenty times a second, and says how long it took: probe.py SECONDS TARGETS (JSON); siege.py runs it.

The machine may be busy with other things, so that a program waits for a processor, and this one too. That says nothing of the program, and
the kernel counts it for each thread (/proc/PID/task/*/schedstat). So from the time that passed is taken away what program and probe have
waited; but what the program's main thread has worked meanwhile, it was not free for others:

    took = max(worked by the main thread, passed - waited by its threads - waited by the probe)
"""
import concurrent.futures
import http.client
import json
import pathlib
import sys
import time

import msgpack
import zmq

EACH_S = 0.04  # slower than a client may ask


def schedule(task):
    """What a thread has worked, and waited for a processor, in ms. None when it is gone."""
    try:
        worked, waited, _ = (task / "schedstat").read_text(encoding="ascii").split()
    except OSError:
        return None
    return int(worked) / 1e6, int(waited) / 1e6


class Clock:
    """What a program has worked and waited since the last look."""

    def __init__(self, pid):
        self.tasks = pathlib.Path(f"/proc/{pid}/task")
        self.pid = pid

    def look(self):
        """(worked by the main thread, waited by all)"""
        found = {task.name: schedule(task) for task in self.tasks.iterdir()}
        return found[str(self.pid)][0], sum(times[1] for times in found.values() if times is not None)


class Http:
    def __init__(self, target):
        self.target, self.connection = target, None

    def ask(self):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.target["port"], timeout=10)
        try:
            self.connection.request("GET", "/api/tiles/orders.ever", headers=self.target["headers"])
            response = self.connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            self.connection = None
            return False
        return response.status in (200, 404)


class Query:
    def __init__(self, target):
        self.target = target
        self.socket = zmq.Context.instance().socket(zmq.REQ)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, 10000)
        if target["curve"]:
            self.socket.curve_publickey, self.socket.curve_secretkey, self.socket.curve_serverkey = (key.encode() for key in target["curve"])
        self.socket.connect(f"tcp://127.0.0.1:{target['port']}")

    def ask(self):
        self.socket.send(msgpack.packb({"op": "get", "key": "orders.ever"}))
        try:
            return "error" not in msgpack.unpackb(self.socket.recv())
        except zmq.Again:
            return False


def measure(target, seconds):
    one, clock, own = (Http if target["http"] else Query)(target), Clock(target["pid"]), pathlib.Path("/proc/thread-self")
    found = {"took_ms": [], "wall_ms": []}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        worked, waited = clock.look()
        probe_waited = schedule(own)[1]
        at = time.monotonic()
        answered = one.ask()
        wall_ms = (time.monotonic() - at) * 1000
        worked_after, waited_after = clock.look()
        if answered:
            away_ms = waited_after - waited + schedule(own)[1] - probe_waited
            found["wall_ms"].append(wall_ms)
            found["took_ms"].append(max(worked_after - worked, wall_ms - away_ms))
        time.sleep(max(0.0, at + EACH_S - time.monotonic()))
    return found


def main():
    seconds, targets = float(sys.argv[1]), json.loads(sys.argv[2])
    with concurrent.futures.ProcessPoolExecutor(len(targets)) as processes:  # so that none waits for another
        found = {name: processes.submit(measure, target, seconds) for name, target in targets.items()}
        print(json.dumps({name: result.result() for name, result in found.items()}))


if __name__ == "__main__":
    main()
