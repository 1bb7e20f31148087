# SPDX-License-Identifier: Apache-2.0
"""The release before this one and this one, side by side: each program is replaced while rows come, in either order, and gateways and caches are put back.
scripts/test --all builds the programs of that release (build_previous in scripts/lib.sh)."""

import itertools
import json
import signal
import threading

import pytest

import contracts
from conftest import ROOT, bin_folder
from tilewire import now_iso, wait_until

PREVIOUS = ROOT / "build" / "previous" / "bin"
pytestmark = pytest.mark.skipif(not PREVIOUS.exists(), reason="scripts/test --all builds the release before this one")

# What that release knows.
TILES = [
    {"key": "orders", "type": "count", "match": {"event_type": "order.*"}},
    {"key": "recent", "type": "count", "window": "1h"},
    {"key": "amount", "type": "trend", "step": "1m", "length": 60, "aggregate": "sum", "value": "payload.amount"},
    {"key": "regions", "type": "count", "match": {"event_type": "order.*"}, "group_by": "payload.region"},
    {
        "key": "tickets",
        "type": "sla_risk",
        "opens": {"event_type": "ticket.opened"},
        "closes": {"event_type": "ticket.closed"},
        "item": "target_id",
        "within": "1h",
        "at_risk": "5m",
    },
    {"key": "work", "type": "backlog", "item": "target_id", "states": {"ticket.opened": "open", "ticket.closed": None}},
]
GATEWAYS = ["gateway0", "gateway1"]
ORDERS = {"those who serve first": [*GATEWAYS, "cache", "ingestor"], "those who are served first": ["ingestor", "cache", *GATEWAYS]}


@pytest.fixture(autouse=True)
def contracts_are_kept():
    """Not here: what the release before this one sends may be less than this one promises."""
    yield
    contracts.FAULTS.clear()


class Writer(threading.Thread):
    """An application that goes on whatever happens, in a process of its own for each row."""

    numbers = itertools.count()

    def __init__(self, table):
        super().__init__(daemon=True)
        self.table, self.ended, self.fault = table, threading.Event(), None
        self.start()

    def run(self):
        kinds = itertools.cycle(["order.created", "ticket.opened", "order.shipped", "ticket.closed"])
        try:
            while not self.ended.wait(0.05):
                n = next(self.numbers)
                payload = json.dumps({"region": f"r{n % 5}", "amount": n})
                values = f"'{now_iso()}', '{next(kinds)}', 't{n // 4}', '{payload}'"
                self.table.shell(f"INSERT INTO events (timestamp, event_type, target_id, payload) VALUES ({values})")
        except Exception as fault:
            self.fault = fault

    def stop(self):
        self.ended.set()
        self.join()
        assert self.fault is None, self.fault


class Follower:
    """A client of a gateway's events that comes back where it was. `runs` has what it was given, from one `reset` to the next."""

    def __init__(self, d, gateway):
        self.d, self.gateway, self.runs = d, gateway, [[]]
        self.stream = d.stream("/api/events/stream", gateway)

    def collect(self):
        for event in self.stream.events:
            if event["event"] == "reset":
                self.runs.append([])
            elif event["event"] != "heartbeat":
                self.runs[-1].append(int(event["id"]))

    def come_back(self):
        self.stream.ended.wait()
        self.collect()
        last = next((event["id"] for event in reversed(self.stream.events) if event["id"]), None)
        self.stream = self.d.stream("/api/events/stream", self.gateway, last_event_id=last)


def of_version(d, name, folder):
    """From its next start on."""
    program = d[name]
    program.command = [str(folder / program.command[0].rsplit("/", 1)[1]), *program.command[1:]]


def replace(d, name, folder, followers):
    """The program by its other version, with the same file and the same address."""
    assert d[name].kill(signal.SIGTERM) == 0, d[name].log_text()
    of_version(d, name, folder)
    d.start(name)
    if name in GATEWAYS:
        followers[GATEWAYS.index(name)].come_back()


@pytest.mark.parametrize("kind", ["sqlite_table", "postgres_table"])
@pytest.mark.parametrize("order", ORDERS.values(), ids=list(ORDERS))
def test_each_program_is_replaced_while_rows_come(order, kind, request, deploy):
    table = request.getfixturevalue(kind)
    d = deploy(table, tiles=TILES)
    del d.config["gateway"]["limits"]["work_per_second"]  # newer, as are other keys; the file is for both
    d.write()
    for name in d.programs:
        of_version(d, name, PREVIOUS)
    table.insert([(now_iso(), "order.created", None, None, None, json.dumps({"region": "r0", "amount": 1}))])
    d.start()
    followers = [Follower(d, 0), Follower(d, 1)]
    writer = Writer(table)
    steps = [(name, bin_folder()) for name in order] + [(name, PREVIOUS) for name in (*GATEWAYS, "cache")]
    for name, folder in steps:
        replace(d, name, folder, followers)
        rows = len(table.ids())  # written by now; each gateway has to show all of them
        for gateway in (0, 1):
            wait_until(lambda g=gateway, n=rows: counted(d, g) >= n, what=f"the rows, {name} being replaced")
    writer.stop()
    ids = table.ids()
    for gateway, follower in enumerate(followers):
        wait_until(lambda g=gateway: counted(d, g) == len(ids), what="all rows")
        follower.stream.await_event(lambda event: event["id"] == str(ids[-1]))
        follower.collect()
        # That release's journal of the order in which PostgreSQL committed is not read any more: said once, and silent never.
        assert len(follower.runs) == (1 if table.kind == "sqlite" else 2)
        for run in filter(None, follower.runs):
            first = ids.index(run[0])
            assert run == ids[first : first + len(run)], "each event once, in order"
        assert follower.runs[-1][-1] == ids[-1]
    d.verify()


def counted(d, gateway):
    return d.tile("recent", gateway)["data"]["value"]
