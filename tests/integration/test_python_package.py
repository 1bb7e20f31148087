# SPDX-License-Identifier: Apache-2.0
"""The Python package: what it tells is what GET /api/tiles answers, and each event comes once, though programs die meanwhile."""
import json
import os
import pathlib
import re
import runpy
import subprocess
import threading
import time

import pytest

from conftest import ROOT
from curve import Keys
from issuer import Issuer
from tilewire import PATIENCE, RandomEvents, wait_until

PACKAGE = ROOT / "python"

# Prints each item as a line of JSON. What `follow` and `events` give is told apart by the name of its class.
PROGRAM = """
import asyncio, json, sys
import tilewire

options = json.loads(sys.argv[1])
def say(**members):
    print(json.dumps(members), flush=True)

async def tiles(source):
    async for item in source.follow(options.get("keys", "*")):
        match item:
            case tilewire.Snapshot(tiles, gap): say(item="snapshot", tiles=tiles, gap=gap)
            case tilewire.Changed(tile, before): say(item="changed", tile=tile, before=before and before["version"])
            case tilewire.Removed(key): say(item="removed", key=key)
            case tilewire.Interrupted(reason): say(item="interrupted", reason=reason)
            case tilewire.Resumed(): say(item="resumed")

async def events(source):
    async for item in source.events(options.get("types", "*"), options.get("after")):
        match item:
            case tilewire.Event(id): say(event="event", id=id, type=item.event_type, actor=item.actor_id)
            case tilewire.Missed(after): say(event="missed", after=after)
            case tilewire.Interrupted(reason): say(event="interrupted", reason=reason)
            case tilewire.Resumed(): say(event="resumed")

async def main():
    if "urls" in options:
        source = tilewire.Gateway(*options["urls"], retry_s=0.1, token=options.get("token") and (lambda: open(options["token"]).read()))
    else:
        keys = {name: value.encode() for name, value in options.get("keys_of_curve", {}).items()}
        source = tilewire.Bus(*options["addresses"], **keys)
    async with source, asyncio.TaskGroup() as group:
        group.create_task(tiles(source))
        group.create_task(events(source))

asyncio.run(main())
"""


class Follower:
    """A program that follows with the package, and what it knows by what it was told."""

    def __init__(self, folder, name, **options):
        self.tiles, self.items, self.ids, self.events = None, [], [], []
        self.errors = folder / f"{name}.err"
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(["/usr/bin/python3", "-c", PROGRAM, json.dumps(options)], stdout=subprocess.PIPE, stderr=errors, text=True,
                                            cwd=folder, env={**os.environ, "PYTHONPATH": str(PACKAGE)})
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            if "event" in said:
                self.events.append(said["event"])
                self.ids += [int(said["id"])] if said["event"] == "event" else []
                continue
            if said["item"] == "snapshot":
                self.tiles = said["tiles"]
            elif said["item"] == "changed":
                key = said["tile"]["key"]
                known = self.tiles.get(key)
                assert said["before"] == (known and known["version"]), "before is what was told last"
                self.tiles = {**self.tiles, key: said["tile"]}
            elif said["item"] == "removed":
                self.tiles = {key: tile for key, tile in self.tiles.items() if key != said["key"]}
            self.items.append((said["item"], said.get("gap")))

    def await_item(self, item, what=None):
        wait_until(lambda: item in [name for name, _ in list(self.items)], what=what or f"{item}: {self.errors.read_text()}")

    def await_event(self, event):
        wait_until(lambda: event in list(self.events), what=f"{event}: {self.errors.read_text()}")

    def stop(self):
        self.process.kill()
        self.process.wait(timeout=PATIENCE)
        self.thread.join(PATIENCE)
        self.process.stdout.close()


@pytest.fixture
def follow(folder):
    made = []

    def make(**options):
        made.append(Follower(folder, f"follower{len(made)}", **options))
        return made[-1]

    yield make
    for follower in made:
        follower.stop()


def plain(tile):
    """Without what a refresh changes, of which only who asks anew hears."""
    return {name: value for name, value in tile.items() if name not in ("as_of", "updated_at")}


def await_same(d, *followers, keys="*"):
    """Until each knows just what the gateway answers."""

    def same(follower):
        known = follower.tiles
        answered = {tile["key"]: plain(tile) for tile in d.get_json(f"/api/tiles?keys={keys}")["tiles"]}
        return known is not None and {key: plain(tile) for key, tile in known.items()} == answered

    for follower in followers:
        wait_until(lambda: same(follower), what=f"what follower {followers.index(follower)} knows is what the gateway answers: {follower.errors.read_text()}")


def of_gateways(d):
    return {"urls": [f"http://127.0.0.1:{port}" for port in d.gateway_ports]}


def of_bus(d):
    return {"addresses": [d.addresses[2], d.addresses[3]]}


def test_what_it_tells_is_what_the_gateway_answers_though_programs_die(deploy, sqlite_table, follow):
    rows = RandomEvents(13)
    sqlite_table.insert([rows.next() for _ in range(50)])
    d = deploy(sqlite_table, gateways=1).start()
    http, bus = follow(**of_gateways(d), after="0"), follow(**of_bus(d), after="0")
    await_same(d, http, bus)
    sqlite_table.insert([rows.next() for _ in range(50)])
    await_same(d, http, bus)

    d["gateway0"].kill()
    http.await_item("interrupted")
    http.await_event("interrupted")
    sqlite_table.insert([rows.next() for _ in range(50)])
    d.start("gateway0")
    http.await_item("resumed")
    http.await_event("resumed")
    await_same(d, http, bus)
    assert len(bus.items) and "interrupted" not in [name for name, _ in bus.items], "who does not ask the gateway does not notice"

    d["cache"].kill()
    sqlite_table.insert([rows.next() for _ in range(50)])
    d.start("cache")
    sqlite_table.insert([rows.next() for _ in range(50)])
    ids = sqlite_table.ids()
    wait_until(lambda: len(http.ids) >= len(ids) and len(bus.ids) >= len(ids), what="all events came")
    await_same(d, http, bus)
    assert http.ids == bus.ids == ids, "each event once, in the order of delivery"
    assert "missed" not in http.events + bus.events
    assert http.items[0] == bus.items[0] == ("snapshot", False)
    assert ("snapshot", True) in bus.items, "what was missed while the cache was gone is announced"


def test_an_ingestor_that_is_killed_changes_nothing_for_who_follows(deploy, sqlite_table, follow):
    """Its epoch is another one then, and it sends again what it had sent last."""
    rows = RandomEvents(14)
    d = deploy(sqlite_table, gateways=1, config={"ingestor": {"lanes": 3}}).start()
    first = sqlite_table.insert([rows.next() for _ in range(20)])
    wait_until(lambda: d.get_json("/api/events")["events"][:1] and d.get_json("/api/events")["events"][0]["id"] == first, what="the last event is there")
    http, bus = (follow(**of, keys="orders.*", types="order.*", after=str(first)) for of in (of_gateways(d), of_bus(d)))
    await_same(d, http, bus, keys="orders.*")
    sqlite_table.insert([rows.next() for _ in range(30)])
    d["ingestor"].kill()
    sqlite_table.insert([rows.next() for _ in range(30)])
    d.start("ingestor")
    sqlite_table.insert([rows.next() for _ in range(30)])
    wanted = [row[0] for row in sqlite_table.db.execute("SELECT id FROM events WHERE id > ? AND event_type LIKE 'order.%' ORDER BY id", (first,))]
    wait_until(lambda: len(http.ids) >= len(wanted) and len(bus.ids) >= len(wanted), what="all events came")
    await_same(d, http, bus, keys="orders.*")
    assert http.ids == bus.ids == wanted
    assert "missed" not in http.events + bus.events


def test_events_that_are_not_kept_any_more_are_announced(deploy, sqlite_table, follow):
    d = deploy(sqlite_table, gateways=1, config={"ingestor": {"events": 10}}).start()
    rows = RandomEvents(15)
    last = sqlite_table.insert([rows.next() for _ in range(40)])
    wait_until(lambda: (d.get_json("/api/events?limit=1")["events"] or [{"id": 0}])[0]["id"] == last, what="all are read")
    followers = [follow(**of, after="99999") for of in (of_gateways(d), of_bus(d))]
    for follower in followers:
        follower.await_event("missed")
        follower.await_item("snapshot")
    more = sqlite_table.insert([rows.next()])
    for follower in followers:
        wait_until(lambda: follower.ids, what="the next event")
        assert follower.ids == [more] and follower.events == ["missed", "event"]


def secured(deploy, table, issuer):
    """Tokens are good for a while after their end, so that a slow start is no failure."""
    return deploy(table, gateways=1, config={"gateway": {"auth": "jwt", "jwt": {"issuers": [issuer.config()], "leeway": "20s"}}}).start()


def test_a_token_that_expires_is_replaced_and_nobody_notices(deploy, sqlite_table, follow, folder):
    issuer = Issuer(folder)
    d = secured(deploy, sqlite_table, issuer)
    token = folder / "token"
    token.write_text(issuer.token(exp=int(time.time()) + 3))
    follower = follow(**of_gateways(d), token=str(token))
    wait_until(lambda: d.metric("streams_opened_total") == 2, what="both streams")
    token.write_text(issuer.token())
    wait_until(lambda: d.metric("streams_expired_total") == 2, what="both streams ended with the token")
    last = sqlite_table.insert([RandomEvents(16).next()])
    wait_until(lambda: follower.ids == [last], what=f"the event: {follower.errors.read_text()}")
    assert "interrupted" not in follower.events


def test_a_token_that_is_refused_ends_it(deploy, sqlite_table, follow, folder):
    d = secured(deploy, sqlite_table, Issuer(folder))
    (folder / "token").write_text("none")
    follower = follow(**of_gateways(d), token=str(folder / "token"))
    assert follower.process.wait(timeout=PATIENCE) == 1
    assert "tilewire.items.Refused: 401: " in follower.errors.read_text()


def test_it_speaks_curve(deploy, sqlite_table, follow):
    d = deploy(sqlite_table, gateways=1)
    keys = Keys(d.bin, d.folder)
    d.config["curve"] = keys.section
    d.write()
    d.start()
    follower = follow(**of_bus(d), keys_of_curve={"secret_key": keys.secret("tilewire"), "server_key": keys.public["cache"]})
    await_same(d, follower)


def test_an_event_of_a_stream_has_a_bound_in_bytes():
    sse = runpy.run_path(PACKAGE / "tilewire" / "sse.py", run_name="sse")  # "tilewire" is a module of the tests
    most_bytes, Parser = sse["MOST_BYTES"], sse["Parser"]
    line = b"data: " + b"x" * (1 << 20) + b"\n"
    parser = Parser()
    for _ in range(3):  # an event each: what one takes is not added to the next
        assert [m.data for m in parser.feed(line * 12 + b"\n")] == ["\n".join(["x" * (1 << 20)] * 12)]
    for endless in (line, b"x" * len(line)):
        parser = Parser()
        with pytest.raises(ValueError, match="too long"):
            for _ in range(most_bytes // len(line) + 2):
                assert not list(parser.feed(endless))


def test_its_version_is_that_of_the_programs():
    version = re.search(r"project\(tilewire VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    assert f'version = "{version}"' in (PACKAGE / "pyproject.toml").read_text()


def test_it_can_be_installed(folder):
    """With pip, as its page says; what it needs is there already, and no registry is asked."""
    subprocess.run(["/usr/bin/python3", "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check",
                    "--root-user-action=ignore", "--target", folder / "site", copied(folder)], check=True, timeout=PATIENCE)
    assert (folder / "site" / "tilewire" / "py.typed").exists()
    subprocess.run(["/usr/bin/python3", "-c", "import tilewire; tilewire.Bus, tilewire.Gateway"], check=True, timeout=PATIENCE, cwd=folder / "site")


def copied(folder):
    """pip writes beside what it builds."""
    subprocess.run(["cp", "-r", PACKAGE, folder / "python"], check=True)
    return pathlib.Path(folder / "python")
