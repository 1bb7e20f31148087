# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL is restarted, stopped for a while, and hangs: everything comes back by itself, and meanwhile /readyz and `stale`
say how it is."""
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from conftest import throw_away_server
from test_crashes import Resuming
from test_failover import await_progress, check_streams, with_standby
from test_partitions import QUICK_TILES, await_told, await_well, write  # noqa: F401 (write is a fixture)
from tilewire import Postgres, wait_until


@pytest.fixture
def own_server():
    """A PostgreSQL that may be stopped."""
    with throw_away_server() as server:
        yield server


@pytest.fixture
def own_table(own_server):
    table = Postgres({**own_server, "uri": own_server["local_uri"]})
    table.create()
    table.deployments = []
    yield table
    for deployment in table.deployments:
        deployment.problems = deployment.stop()


def processes(server):
    master = (server["path"] / "data" / "postmaster.pid").read_text().split()[0]
    children = subprocess.run(["pgrep", "-P", master], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return [int(pid) for pid in (master, *children)]


class Refusing:
    """Stands in for a server that is down, and notes when it was called."""

    def __init__(self, port):
        self.calls = []
        self.socket = socket.create_server(("127.0.0.1", port))
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.calls.append(time.monotonic())
            connection.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


def test_postgresql_is_restarted_and_stopped_for_a_while_and_hangs(deploy, own_server, own_table, write):  # noqa: F811
    """Some seconds are long enough for /readyz, for stale, and for the longest backoff; TILEWIRE_OUTAGE_S=60 makes it a minute."""
    uri = f"{own_server['uri'].rsplit('/', 1)[0]}/{own_table.name}?sslmode=disable"
    d = with_standby(deploy(own_table, tiles=QUICK_TILES, config={"source": {"uri": uri}}))
    clients = [Resuming(d, 0), Resuming(d, 1)]
    writer = write(own_table)
    await_progress(clients[0])

    Postgres.stop_server(own_server)
    Postgres.start_server(own_server["script"], own_server["path"], own_server["port"])
    await_progress(clients[0])
    await_well(d)

    Postgres.stop_server(own_server)
    await_told(d)
    refusing = Refusing(own_server["port"])
    down_s = float(os.environ.get("TILEWIRE_OUTAGE_S", 0))
    wait_until(lambda: len(refusing.calls) >= 10 and time.monotonic() - refusing.calls[0] >= down_s, down_s + 60, "attempts to connect")
    refusing.close()
    # Two ingestors look at the lease, at most twice a second each, and one reads: ten attempts take over two seconds.
    assert refusing.calls[9] - refusing.calls[0] > 1.5
    assert d.stats("ingestor")["lease_valid"] == 0 and d.stats("standby")["lease_valid"] == 0
    Postgres.start_server(own_server["script"], own_server["path"], own_server["port"])
    await_progress(clients[0])
    await_well(d)

    hung = processes(own_server)
    try:
        for pid in hung:
            os.kill(pid, signal.SIGSTOP)  # connections stay, and nothing is answered
        await_told(d)
        assert d["ingestor"].kill(signal.SIGTERM) == 0, "it ends, though its calls do not return"
    finally:
        for pid in hung:
            os.kill(pid, signal.SIGCONT)
    await_progress(clients[0])  # by the standby
    await_well(d)
    own_table.db = own_table.connect()
    check_streams(d, clients, writer)


def test_an_ingestor_ends_though_postgresql_hangs(deploy, own_server, own_table):
    d = deploy(own_table, config={"source": {"poll_interval": "50ms"}, "ingestor": {"checkpoint": "postgresql"}}).start("ingestor")
    hung = processes(own_server)
    try:
        for pid in hung:
            os.kill(pid, signal.SIGSTOP)
        d["ingestor"].await_log("the lease was not renewed")  # what it asked is not answered
        assert d["ingestor"].kill(signal.SIGTERM) == 0
        assert "ending without it" in d["ingestor"].log_text()
    finally:
        for pid in hung:
            os.kill(pid, signal.SIGCONT)


def test_commits_that_hang_cost_nobody_the_lease(deploy, own_table):
    """As on a disk that takes seconds, or while a synchronous replica is away."""
    d = with_standby(deploy(own_table, tiles=QUICK_TILES))
    before = d.stats()["epoch"]

    def value(sql):
        with own_table.db, own_table.db.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    def renewals():
        return value("SELECT beat FROM tilewire.lease")

    def replica(name):
        own_table.shell(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        own_table.shell("SELECT pg_reload_conf()")

    replica("away")
    own_table.shell("SET synchronous_commit = local; INSERT INTO events (event_type) VALUES ('x')")
    hang = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%checkpoint%'"
    wait_until(lambda: value(hang), what="a checkpoint that hangs")
    seen = renewals()
    wait_until(lambda: renewals() > seen + 10, what="renewals that go on")
    assert d.stats()["lease_valid"] == 1
    assert d.stats()["epoch"] == before and d.stats("standby")["lease_valid"] == 0
    replica("")
    d.verify()
