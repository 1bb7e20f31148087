# SPDX-License-Identifier: Apache-2.0
"""Each kind of source as one of several, beside a table of SQLite: the same promises, and ids that say which source they are of."""

import contextlib
import json
import os
import signal

import pytest

import nats
import redis_streams
from test_several import TILES, await_counts, ids, rows
from tilewire import Sqlite, wait_until


class Pushed:
    """What stands for a table: the file is made by the ingestor, and what comes is pushed to it."""

    def __init__(self, folder):
        self.uri = f"push:{folder / 'pushed.db'}"

    def insert(self, new):
        names = ("timestamp", "event_type", "actor_id", "target_id")
        events = [dict(zip(names, row)) for row in new]

        def stored():
            answer = self.deployment.query({"op": "push", "events": events}, "ingestor")
            assert "error" not in answer or answer["error"]["code"] == "unavailable", answer
            return "error" not in answer and answer

        answer = wait_until(stored, what="an ingestor that takes events")
        assert answer["source"] == "desk" and answer["count"] == len(events), answer


@pytest.fixture(params=["push", "kafka", "redis", "nats"])
def desk(request, folder):
    with contextlib.ExitStack() as stack:
        if request.param == "push":
            made = Pushed(folder)
        elif request.param == "kafka":
            made = request.getfixturevalue("topics")
        elif request.param == "redis":
            server = stack.enter_context(redis_streams.throw_away_server())
            made = stack.enter_context(contextlib.closing(redis_streams.Stream(server)))
        else:
            server = stack.enter_context(nats.throw_away_server())
            made = stack.enter_context(contextlib.closing(nats.Stream(server)))
            made.create()
        yield made


@pytest.fixture
def shop(folder):
    table = Sqlite(folder / "shop.db", "wal")
    table.create()
    yield table
    table.close()


def deployed(deploy, shop, desk):
    d = deploy(shop, tiles=TILES)
    d.config.pop("source")
    d.config["sources"] = [
        {"name": "shop", "uri": shop.uri, "poll_interval": "1s"},
        {"name": "desk", "uri": desk.uri, **({} if isinstance(desk, Pushed) else {"poll_interval": "1s"}), **getattr(desk, "source", {})},
    ]
    d.write()
    desk.deployment = d
    return d.start()


def ids_of(d, gateway=0):
    return [e["id"] for e in d.get_json("/api/events?limit=1000", gateway)["events"][::-1]]


def prove(deploy, shop, desk):
    shop.insert(rows(2))
    d = deployed(deploy, shop, desk)
    desk.insert(rows(5))
    await_counts(d, shop=2, desk=5, all=7)
    d.verify()
    wait_until(lambda: len(ids_of(d)) == 7 and ids_of(d) == ids_of(d, 1), what="the same events in the same order")
    before = ids_of(d)
    assert sum(i.startswith("shop-") for i in before) == 2 and sum(i.startswith("desk-") for i in before) == 5
    d["ingestor"].kill()
    d["ingestor"].start()
    await_counts(d, shop=2, desk=5, all=7)
    shop.insert(rows(1))
    desk.insert(rows(3))
    await_counts(d, shop=3, desk=8, all=11)
    d.verify()
    wait_until(lambda: len(ids_of(d)) == 11, what="all events")
    assert ids_of(d)[:7] == before
    stream = d.stream("/api/events/stream", gateway=1, last_event_id=before[3])
    wait_until(lambda: len(ids(stream)) == 7, what="those behind the place")
    assert ids(stream) == ids_of(d)[4:]
    d.problems = d.stop()


def test_each_kind_is_one_of_several(deploy, shop, desk):
    prove(deploy, shop, desk)


def test_a_table_by_its_cursor_is_one_of_several(deploy, shop, texts_table):
    prove(deploy, shop, texts_table)


def test_what_is_pushed_has_an_id_of_its_source(deploy, shop, folder):
    d = deployed(deploy, shop, Pushed(folder))
    assert d.run("push", "deploy").stdout == "desk-1\n"
    found = json.loads(d.run("push", "deploy", "--json").stdout)
    assert (found["first"], found["last"]) == ("desk-2", "desk-2")
    await_counts(d, shop=0, desk=2, all=2)
    assert ids_of(d) == ["desk-1", "desk-2"]


@contextlib.contextmanager
def hanging(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def away(server):
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextlib.contextmanager
def redis_bus():
    with redis_streams.throw_away_server(appendonly="yes", appendfsync="always") as server, contextlib.closing(redis_streams.Stream(server)) as made:
        yield made, lambda: int((server.path / "pid").read_text())


@contextlib.contextmanager
def nats_bus():
    with nats.throw_away_server() as server, contextlib.closing(nats.Stream(server)) as made:
        made.create()
        yield made, lambda: server.process.pid


@pytest.mark.parametrize("make", [redis_bus, nats_bus])
def test_a_bus_that_is_away_holds_up_no_other(deploy, shop, make):
    """Killed, or hanging: its tiles and those of all sources turn stale, and what comes from the other source is shown as before."""
    with make() as (bus, pid):
        shop.insert(rows(2))
        d = deployed(deploy, shop, bus)
        bus.insert(rows(3))
        await_counts(d, shop=2, desk=3, all=5)
        for turn, how in enumerate((lambda: away(bus.server), lambda: hanging(pid()))):
            with how():
                wait_until(lambda: d.tile("desk")["stale"] and d.tile("all")["stale"], what="stale tiles")
                shop.insert(rows(1))
                await_counts(d, shop=3 + turn)
                assert not d.tile("shop")["stale"]
            bus.connect()
            wait_until(lambda: not any(d.tile(tile["key"])["stale"] for tile in TILES), what="tiles that are true again")
            bus.insert(rows(1))
            await_counts(d, shop=3 + turn, desk=4 + turn, all=7 + 2 * turn)
        d.verify()
        d.problems = d.stop()
