# SPDX-License-Identifier: Apache-2.0
"""Never two ingestors publish at once: neither when several are stopped, woken and killed, nor when one is kept out of its
database."""
import signal
import time

import pytest
import zmq

from test_crashes import Resuming
from test_failover import (TAKEN_OVER, any_table, await_progress, check_streams, epoch, listen, stop,  # noqa: F401 (fixtures)
                           with_standby, write)
from tilewire import wait_until


def test_of_four_ingestors_never_two_publish(deploy, any_table, write, listen):  # noqa: F811
    """Stopped, woken and killed in turn: by the times at which messages were published, no epoch reaches into the next."""
    d = deploy(any_table, gateways=1)
    d.config["source"]["poll_interval"] = "50ms"
    if any_table.kind == "postgresql":
        d.config["ingestor"]["checkpoint"] = "postgresql"
    names = ["ingestor", "i1", "i2", "i3"]
    d.config["cache"]["upstreams"] = [{"publish": d.addresses[0], "query": d.addresses[1]}]
    d.config["cache"]["upstreams"] += [d.twin(name, "ingestor") for name in names[1:]]
    d.write()
    heard = {name: listen(upstream["publish"]) for name, upstream in zip(names, d.config["cache"]["upstreams"], strict=True)}
    for name in names:
        d[name].start()
    d.start("cache", "gateway0")
    client = Resuming(d, 0)
    writer = write(any_table)
    await_progress(client)
    reigns = []  # an epoch for each that led

    def reign(name):
        """The epoch of one that holds the lease and was heard in that epoch. One that holds the lease may not have begun to
        publish, and a client that goes on may still be at what the leader before it published."""
        try:
            stats = d.stats(name) if d[name].alive() else {"lease_valid": 0}
        except zmq.Again:
            return None  # it is still starting
        heard_of = stats["lease_valid"] and any(m[1] == stats["epoch"] for m in heard[name].messages)
        return stats["epoch"] if heard_of and stats["epoch"] not in reigns else None

    def await_leader():
        name, began = wait_until(lambda: next(((name, began) for name in names if (began := reign(name))), None), TAKEN_OVER,
                                 "another ingestor that leads")
        reigns.append(began)
        return name

    stopped = None
    for how in (signal.SIGSTOP, signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM):
        victim = await_leader()
        if how == signal.SIGSTOP:
            stop(d[victim])
        else:
            d[victim].kill(how)
        asleep = victim if how == signal.SIGSTOP else None
        names.remove(victim)
        await_progress(client, 50)
        if stopped is not None:
            d[stopped].process.send_signal(signal.SIGCONT)
            names.append(stopped)
        if asleep is None:
            d[victim].start()
            names.append(victim)
        stopped = asleep
    await_leader()
    await_progress(client, 50)
    messages = sorted((m for h in heard.values() for m in h.messages), key=lambda m: m[3])
    epochs = [m[1] for m in messages]
    assert reigns == sorted(reigns) and set(reigns) <= set(epochs)
    assert epochs == sorted(epochs), "an older epoch was published in while a newer one was under way"
    check_streams(d, [client], writer)


# ---- Cut connections: PostgreSQL ----


@pytest.fixture
def roles(postgres_table):
    """Two users, so that one can be kept out of the database."""
    names = [f"{postgres_table.name}_{which}" for which in ("a", "b")]
    for name in names:
        postgres_table.execute(f"CREATE ROLE {name} LOGIN SUPERUSER")
    yield names
    for name in names:
        postgres_table.execute(f"DROP OWNED BY {name} CASCADE")
        postgres_table.execute(f"DROP ROLE {name}")


def uri_of(table, role):
    return table.uri.replace("//tilewire@", f"//{role}@")


def terminate(table, role):
    table.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'")


def test_takes_over_from_one_whose_connections_are_cut(deploy, postgres_table, roles, write, listen):  # noqa: F811
    """Its connections are ended, and it may not come in again: it lives, and is still heard by the cache."""
    d = deploy(postgres_table, config={"source": {"uri": uri_of(postgres_table, roles[0])}})
    with_standby(d, source={"uri": uri_of(postgres_table, roles[1])})
    clients = [Resuming(d, 0), Resuming(d, 1)]
    heard = listen(d.addresses[0])
    writer = write(postgres_table)
    await_progress(clients[0])
    old = epoch(d, "ingestor")
    postgres_table.execute(f"ALTER ROLE {roles[0]} NOLOGIN")
    terminate(postgres_table, roles[0])
    d["standby"].await_log("ready component", timeout=TAKEN_OVER)
    taken_at = time.time()
    await_progress(clients[0])
    assert d.stats("ingestor")["lease_valid"] == 0
    assert not [m for m in heard.messages if m[3] > taken_at], "it was silent by the time that the other began"
    log = len(d["ingestor"].log_text())
    postgres_table.execute(f"ALTER ROLE {roles[0]} LOGIN")
    d["ingestor"].await_log("standing by: another ingestor", after=log)
    assert epoch(d, "standby") > old
    assert not [m for m in heard.messages if m[1] != old]
    check_streams(d, clients, writer)


def test_connections_that_are_killed_are_made_anew_and_nothing_changes_hands(deploy, postgres_table, roles, write):  # noqa: F811
    d = deploy(postgres_table, config={"source": {"uri": uri_of(postgres_table, roles[0])}})
    with_standby(d, source={"uri": uri_of(postgres_table, roles[1])})
    clients = [Resuming(d, 0), Resuming(d, 1)]
    writer = write(postgres_table)
    await_progress(clients[0])
    before = epoch(d, "ingestor")
    for _ in range(5):
        failures = d.stats()["source_failures"]
        terminate(postgres_table, roles[0])
        wait_until(lambda: d.stats()["source_failures"] > failures, what="the failure")
        wait_until(lambda: d.stats()["source_up"] == 1, what="a connection that can be ended")
        await_progress(clients[0], 20)
    assert epoch(d, "ingestor") == before
    check_streams(d, clients, writer)
