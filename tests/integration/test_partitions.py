# SPDX-License-Identifier: Apache-2.0
"""Programs on machines of their own, cut off from one another with packets dropped, not refused: everything comes back by
itself, and meanwhile /readyz and `stale` say how it is."""
import threading
import time

import pytest
import zmq

from conftest import throw_away_server, writers
from machines import Machines, why_not
from test_crashes import Resuming
from test_failover import await_progress, check_streams, epoch
from tilewire import TILES, Postgres, RandomEvents, wait_until

QUICK_TILES = [{**tile, "ttl": "2s"} for tile in TILES]  # so that stale is soon to be seen
OBSERVED_S = 2.0


class Stubborn:
    """Inserts events all the while, and goes on when the database is back."""

    def __init__(self, table):
        self.table, self.rows = table, RandomEvents(61)
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.write)
        self.thread.start()

    def write(self):
        import psycopg2
        db = None
        while not self.ending.wait(0.01):
            try:
                db = db or self.table.connect()
                with db, db.cursor() as cursor:
                    for _ in range(3):
                        cursor.execute("INSERT INTO events (timestamp,event_type,actor_id,target_id,summary,payload) "
                                       "VALUES (%s,%s,%s,%s,%s,%s)", self.rows.next())
            except psycopg2.Error:
                db = None
        if db is not None:
            db.close()

    def stop(self):
        self.ending.set()
        self.thread.join()


@pytest.fixture
def write():
    yield from writers(Stubborn)


# ---- What is told ----


def stale(d):
    """Of each tile served."""
    return [tile["stale"] for tile in d.get_json("/api/tiles")["tiles"]]


def ready(d):
    return d.request("/readyz")[0] == 200


def await_told(d):
    """Whatever was cut, the gateway says so, and goes on saying so."""
    wait_until(lambda: not ready(d), what="/readyz to say that something is wrong")
    assert b"beat" in d.request("/readyz")[2]
    wait_until(lambda: d.metric("upstream_lag_seconds") > 3)
    assert d.metric("ready") == 0
    wait_until(lambda: all(stale(d)), what="all tiles to be stale")
    until = time.monotonic() + OBSERVED_S
    while time.monotonic() < until:
        assert not ready(d) and all(stale(d))
        time.sleep(0.05)


def await_well(d):
    wait_until(lambda: ready(d), what="/readyz to be well again")
    wait_until(lambda: not any(stale(d)), what="all tiles to be fresh again")


# ---- The network ----


@pytest.fixture(scope="module")
def network():
    why = why_not()
    if why is not None:
        pytest.skip(f"cannot cut a network here: {why}")
    network = Machines("db", "one", "two", "cache", "mirror", "gateway")
    yield network
    network.close()


@pytest.fixture(scope="module")
def far_server(network):
    with throw_away_server(address=network.addresses["db"], enter=network.enter("db")) as server:
        yield server


@pytest.fixture
def spread(deploy, network, far_server):
    """An ingestor and its standby, two caches and a gateway, each on a machine of its own; the test is where the gateway is."""
    table = Postgres({**far_server, "uri": far_server["local_uri"]})
    table.create()
    at = network.addresses
    uri = f"postgresql://tilewire@{at['db']}:{far_server['port']}/{table.name}"
    d = deploy(table, tiles=QUICK_TILES, gateways=1, config={"source": {"uri": uri, "poll_interval": "100ms"}})
    d.config["insecure"] = True
    d.config["ingestor"]["checkpoint"] = "postgresql"
    own = {name: {key: d.config[name][key].replace("127.0.0.1", at[where]) for key in ("publish", "query")}
           for name, where in (("ingestor", "one"), ("cache", "cache"))}
    for name, addresses in own.items():
        d.config[name].update(addresses)
        d.query_addresses[name] = addresses["query"]
    d.config["cache"]["upstreams"] = [own["ingestor"], d.twin("standby", "ingestor", at["two"])]
    d.config["gateway"]["upstreams"] = [own["cache"], d.twin("mirror", "cache", at["mirror"])]
    d.write()
    for name, where in (("ingestor", "one"), ("standby", "two"), ("cache", "cache"), ("mirror", "mirror"), ("gateway0", "gateway")):
        d[name].command = [*network.enter(where), *d[name].command]
    with network.inside("gateway"):
        d.start("ingestor")
        d["standby"].start()
        d["standby"].await_log("standing by")
        d.start("cache", "mirror", "gateway0")
        yield d
    d.problems = d.stop()
    network.join_all()
    table.close()


def is_silent(d, name):
    """It says that it may not publish. It does not answer while it starts again."""
    try:
        return d.stats(name)["lease_valid"] == 0
    except zmq.Again:
        return False


def test_an_ingestor_that_is_cut_off_from_its_database_is_followed(spread, network, write):
    """It still reaches everything else, and would be believed."""
    d = spread
    client = Resuming(d, 0)
    writer = write(d.table)
    await_progress(client)
    before = epoch(d, "ingestor")
    network.cut("one", "db")
    d["standby"].await_log("ready component")
    await_progress(client)
    assert epoch(d, "standby") > before
    wait_until(lambda: is_silent(d, "ingestor"), what="the other one to know that it does not lead")
    await_well(d)
    log = len(d["ingestor"].log_text())
    network.join("one", "db")
    d["ingestor"].await_log("standing by: another ingestor", after=log)
    d["standby"].kill()  # on another machine: only its silence tells
    await_progress(client)
    check_streams(d, [client], writer)


def test_all_are_cut_off_from_the_database(spread, network, write):
    d = spread
    client = Resuming(d, 0)
    tiles = d.stream("/api/tiles/stream")
    writer = write(d.table)
    await_progress(client)
    network.cut("one", "db")
    network.cut("two", "db")
    await_told(d)
    assert tiles.events[-1]["data"]["stale"], "streams are told, too"
    network.join("one", "db")
    network.join("two", "db")
    await_well(d)
    await_progress(client)
    check_streams(d, [client], writer)
    assert not tiles.ended.is_set()


def test_a_gateway_moves_to_the_other_cache_and_is_cut_off_from_both(spread, network, write):
    d = spread
    client = Resuming(d, 0)
    writer = write(d.table)
    await_progress(client)
    network.cut("gateway", "cache")
    await_progress(client)
    assert ready(d)
    network.join("gateway", "cache")
    network.cut("gateway", "mirror")
    await_progress(client)
    network.cut("gateway", "cache")
    await_told(d)
    network.join("gateway", "mirror")
    network.join("gateway", "cache")
    await_well(d)
    check_streams(d, [client], writer)


def test_caches_are_cut_off_from_the_ingestors(spread, network, write):
    d = spread
    client = Resuming(d, 0)
    writer = write(d.table)
    await_progress(client)
    for cache in ("cache", "mirror"):
        for ingestor in ("one", "two"):
            network.cut(cache, ingestor)
    await_told(d)
    assert d.query({"op": "ping"})["serving"] is True, "what it has, it serves, as stale"
    for cache in ("cache", "mirror"):
        for ingestor in ("one", "two"):
            network.join(cache, ingestor)
    await_well(d)
    check_streams(d, [client], writer)
