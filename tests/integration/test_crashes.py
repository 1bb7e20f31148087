# SPDX-License-Identifier: Apache-2.0
"""kill -9 of each program under load: nothing lost, nothing twice, everything equal to the truth again."""
import contextlib
import signal
import threading
import time

import pytest

from tilewire import RandomEvents, now_iso, wait_until


class Writer:
    """Inserts random events all the while. With `seen`, which says how many of them were received, it is never more than 1,000 ahead: what
    the programs keep for those who were away is bounded, and how much comes while one starts depends on the machine."""

    def __init__(self, table, seed, seen=None):
        self.table, self.rows, self.seen = table, RandomEvents(seed), seen
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.write)
        self.thread.start()

    def write(self):
        while not self.ending.is_set():
            if self.seen is None or self.rows.count < self.seen() + 1000:
                self.table.insert([self.rows.next() for _ in range(5)])
            time.sleep(0.005)

    def stop(self):
        self.ending.set()
        self.thread.join()


class Resuming:
    """An event client as browsers are: reconnects with the last id it has, to whatever gateway lives."""

    def __init__(self, deployment, gateway):
        self.d, self.gateway = deployment, gateway
        self.streams = [deployment.stream("/api/events/stream", gateway)]

    def ids(self):
        return [i for s in self.streams for i in s.ids()]

    def resets(self):
        return sum(e["event"] == "reset" for s in self.streams for e in s.events)

    def keep_up(self):
        if self.streams[-1].ended.is_set():
            seen = [e["id"] for s in self.streams for e in s.events if e["id"]]
            try:
                self.streams.append(self.d.stream("/api/events/stream", self.gateway, seen[-1] if seen else None))
            except (OSError, AssertionError):
                pass


@pytest.mark.parametrize("victim", ["ingestor", "cache", "gateway0"])
def test_kill_under_load(deploy, table, victim):
    d = deploy(table).start()
    client = Resuming(d, 0)
    writer = Writer(table, 7, lambda: len(client.ids()))
    try:
        wait_until(lambda: len(client.ids()) > 100)
        for _ in range(3):
            d[victim].kill()
            d.start(victim)
            seen = len(client.ids())
            wait_until(lambda: client.keep_up() or len(client.ids()) > seen + 1050, what="the events to go on")
    finally:
        writer.stop()
    last = table.ids()[-1]
    wait_until(lambda: client.keep_up() or client.ids()[-1] == last)
    d.verify()
    ids = client.ids()
    assert ids == sorted(set(ids)), "each once and in order"
    assert client.resets() == 0
    begin = ids[0]
    assert ids == [i for i in table.ids() if i >= begin], "none missing"


INSERT = "INSERT INTO events (timestamp,event_type,actor_id,target_id,summary,payload) VALUES (%s,%s,%s,%s,%s,%s)"


class Writers:
    """Transactions that take their time, side by side: ids commit out of order, some never."""

    def __init__(self, table, count):
        self.table = table
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.write, args=(seed,)) for seed in range(count)]
        for thread in self.threads:
            thread.start()

    def write(self, seed):
        rows = RandomEvents(seed)
        db = self.table.connect()
        while not self.ending.is_set():
            cursor = db.cursor()
            for row in [rows.next() for _ in range(rows.random.randrange(1, 4))]:
                cursor.execute(INSERT, row)
                time.sleep(rows.random.uniform(0, 0.02))
            db.rollback() if rows.random.random() < 0.2 else db.commit()
        db.close()

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.parametrize("checkpoint", ["file", "postgresql"])
def test_late_commits_and_kills(deploy, postgres_table, checkpoint):
    """Rows that commit out of order keep their places in the stream when the ingestor is killed in between."""
    d = deploy(postgres_table, config={"source": {"poll_interval": "20ms"}})
    if checkpoint == "postgresql":
        d.config["ingestor"]["checkpoint"] = "postgresql"
    d.config["ingestor"]["checkpoint_interval"] = "500ms"
    d.write()
    d.start()
    clients = [Resuming(d, 0), Resuming(d, 1)]
    writers = Writers(postgres_table, 5)
    try:
        for _ in range(6):
            seen = len(clients[0].ids())
            wait_until(lambda: len(clients[0].ids()) > seen + 100, what="events")
            d["ingestor"].kill()
            d.start("ingestor")
    finally:
        writers.stop()
    d.verify()
    expected = postgres_table.ids()
    for client in clients:
        wait_until(lambda: len(client.ids()) >= len(expected), what="all events")
        assert client.resets() == 0
    ids = clients[0].ids()
    assert clients[1].ids() == ids, "the same order on each gateway"
    assert ids != sorted(ids), "or nothing came late, and nothing was tested"
    assert sorted(ids) == expected, "each exactly once"
    late = [e for e in clients[0].streams[0].events if e["event"] != "heartbeat"][len(ids) // 2]
    again = d.stream("/api/events/stream", 1, late["id"])
    wait_until(lambda: len(again.ids()) >= len(ids) - len(ids) // 2 - 1)
    assert again.ids() == ids[len(ids) // 2 + 1:]


@pytest.mark.parametrize("deleted", [0, 3])
def test_a_late_row_behind_those_that_a_crash_forgot(deploy, postgres_table, deleted):
    """What was delivered after the last journal record keeps its places, though nothing on disk tells of it; a row that came
    late meanwhile gets none of theirs, not even of those that were deleted."""
    rows = RandomEvents(14)
    postgres_table.insert([rows.next()])
    d = deploy(postgres_table, config={"ingestor": {"checkpoint_interval": "1h"}}).start()
    clients = [Resuming(d, 0), Resuming(d, 1)]
    slow = postgres_table.connect()
    slow.cursor().execute(INSERT, rows.next())
    first = postgres_table.insert([rows.next()])  # shows that one is missing, and writes a record
    wait_until(lambda: all(first in c.ids() for c in clients))
    last = postgres_table.insert([rows.next() for _ in range(10)])
    wait_until(lambda: all(last in c.ids() for c in clients))
    d["ingestor"].kill()
    slow.commit()
    slow.close()
    if deleted:
        postgres_table.execute("DELETE FROM events WHERE id > %d" % (last - deleted))
    d.start("ingestor")
    for client in clients:
        wait_until(lambda: first - 1 in client.ids(), what="the late row")
        assert client.ids() == list(range(first, last + 1)) + [first - 1]
        assert client.resets() == 0
    after = postgres_table.insert([rows.next()])
    for client in clients:
        wait_until(lambda: after in client.ids())
    d.verify()
    kept = [e["id"] for e in d.get_json("/api/events?limit=1000")["events"]]
    assert kept[:2] == [after, first - 1], "newest first, and the late one in its place"


def test_everything_killed_at_once(deploy, table):
    d = deploy(table).start()
    rows = RandomEvents(8)
    table.insert([rows.next() for _ in range(500)])
    for name in ("ingestor", "cache", "gateway0", "gateway1"):
        d[name].kill()
    table.insert([rows.next() for _ in range(500)])
    d.start()
    d.verify()
    assert len(d.get_json("/api/events?limit=1000")["events"]) == 1000, "the event log is filled again"


def test_resume_from_a_checkpoint(deploy, table):
    d = deploy(table).start()
    rows = RandomEvents(9)
    last = table.insert([rows.next() for _ in range(1000)])
    wait_until(lambda: d.stats()["position"] == last)
    wait_until(lambda: d.stats()["checkpoint_position"] == last)
    d["ingestor"].kill()
    before = len(d["ingestor"].log_text())
    table.insert([rows.next() for _ in range(10)])
    d.start("ingestor")
    d["ingestor"].await_log("going on after position", after=before)
    d.verify()
    assert d.stats()["events_folded"] < 1000


def test_a_checkpoint_of_another_source_rebuilds(deploy, sqlite_table, postgres_table):
    """The tiles' definitions are the same, but the place in the table means nothing there."""
    rows = RandomEvents(15)
    sqlite_table.insert([rows.next() for _ in range(300)])
    postgres_table.insert([rows.next() for _ in range(200)])
    d = deploy(sqlite_table).start()
    wait_until(lambda: d.stats()["checkpoint_position"] == 300)
    for table in (postgres_table, sqlite_table):
        assert d["ingestor"].kill(signal.SIGTERM) == 0
        before = len(d["ingestor"].log_text())
        d.config["source"]["uri"] = table.uri
        d.write()
        d.start("ingestor")
        d["ingestor"].await_log("the state is that of another table", after=before)
        d.verify()


def test_a_checkpoint_that_cannot_be_written_is_told_and_harmless(deploy, sqlite_table):
    d = deploy(sqlite_table, config={"ingestor": {"checkpoint": "file:/proc/nowhere/checkpoint"}})
    d["ingestor"].start()
    d["ingestor"].await_log("cannot open /proc/nowhere/")
    d["ingestor"].kill()


def test_changed_definitions_rebuild(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    rows = RandomEvents(11)
    sqlite_table.insert([rows.next() for _ in range(300)])
    d.verify()
    d.config["tiles"] = d.config["tiles"][1:] + [{"key": "all", "type": "count"}]
    d.write()
    before = len(d["ingestor"].log_text())
    d["ingestor"].process.send_signal(signal.SIGHUP)
    d["ingestor"].await_log("new tiles are built", after=before)
    assert "ready component" not in d["ingestor"].log_text()[before:], "the others notice nothing"
    wait_until(lambda: d.request("/api/tiles/all")[0] == 200)
    wait_until(lambda: d.request("/api/tiles/orders.created")[0] == 404)
    d.verify()
    d.config["tiles"][0]["type"] = "nonsense"
    d.write()
    before = len(d["ingestor"].log_text())
    d["ingestor"].process.send_signal(signal.SIGHUP)
    d["ingestor"].await_log("keeping the configuration", after=before)
    assert d["ingestor"].alive()


def test_late_subscribers_and_lost_ones(deploy, sqlite_table):
    """A cache that is stopped misses messages: those beyond the high-water mark (SOCKET_PUBLISH_HWM and what the kernel holds), or all
    if it took so long that the connection was given up. When it goes on it notices, and heals."""
    d = deploy(sqlite_table).start()
    gaps = d.stats("cache")["gaps"]
    d["cache"].process.send_signal(signal.SIGSTOP)
    many = 220000
    sqlite_table.execute("INSERT INTO events (timestamp,event_type) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                         f"WHERE i < {many}) SELECT '{now_iso()}', 'order.shipped' FROM n")
    wait_until(lambda: d.query({"op": "stats"}, "ingestor")["stats"]["position"] == many, what="all to be published")
    d["cache"].process.send_signal(signal.SIGCONT)
    last = sqlite_table.insert([(now_iso(), "order.created", None, "o", None, None)])
    d.verify()
    assert d.stats("cache")["gaps"] > gaps, "nothing was missed, and nothing tested"
    wait_until(lambda: [e["id"] for e in d.get_json("/api/events")["events"]][:1] == [last])


def test_stale_then_gone(deploy, sqlite_table):
    d = deploy(sqlite_table, tiles=[{"key": "a", "type": "count", "ttl": "1s", "grace": "1s"}]).start()
    stream = d.stream("/api/tiles/stream")
    stream.await_event(lambda e: e["event"] == "tile" and not e["data"]["stale"])
    begun = time.monotonic()
    while time.monotonic() < begun + 2.5:
        assert d.tile("a")["stale"] is False, "keyframes keep a quiet tile fresh"
        time.sleep(0.1)
    d["ingestor"].kill()
    stream.await_event(lambda e: e["event"] == "tile" and e["data"]["stale"])
    stream.await_event(lambda e: e["event"] == "expired" and e["data"] == {"key": "a"})
    assert d.request("/api/tiles/a")[0] == 404
    d.start("ingestor")
    wait_until(lambda: d.request("/api/tiles/a")[0] == 200)
    assert d.tile("a")["stale"] is False


def test_a_busy_tile_that_stays_the_same_is_refreshed(deploy, sqlite_table):
    """Its rows come all the time, and none of them changes what it shows, so it is never quiet."""
    tiles = [{"key": "peak", "type": "trend", "metric": "load", "step": "1d", "length": 2, "aggregate": "max", "ttl": "3s"}]
    d = deploy(sqlite_table, tiles=tiles).start()
    ended = threading.Event()

    def write():
        while not ended.wait(0.02):
            sqlite_table.insert([(now_iso(), "metrics.updated", None, None, None, '{"metric":"load","value":1}')])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_until(lambda: d.request("/api/tiles/peak")[0] == 200 and d.tile("peak")["data"]["points"])
        refreshed = d.stats()["keyframes_published"]
        wait_until(lambda: d.stats()["keyframes_published"] >= refreshed + 3, what="keyframes while rows come")
    finally:
        ended.set()
        writer.join()
    d.verify()


def test_time_passes_without_events(deploy, sqlite_table):
    tiles = [{"key": "w", "type": "count", "window": "2s"},
             {"key": "s", "type": "sla_risk", "opens": {"event_type": "o"}, "closes": {"event_type": "c"}, "item": "target_id",
              "due": "payload.due_at", "at_risk": "2s"}]
    d = deploy(sqlite_table, tiles=tiles).start()
    stream = d.stream("/api/tiles/stream")
    sqlite_table.insert([(now_iso(), "o", None, "i", None, '{"due_at":"%s"}' % now_iso(5))])
    for state in ("ok", "at_risk", "breached"):
        stream.await_event(lambda e: e["event"] == "tile" and e["data"]["key"] == "s" and e["data"]["data"][state] == 1)
    wait_until(lambda: d.tile("w")["data"]["value"] == 0)
    d.verify()


def test_the_same_after_fifty_thousand_events(deploy, table):
    d = deploy(table)
    rows = RandomEvents(13)
    for _ in range(25):
        table.insert([rows.next() for _ in range(1000)])
    d.start()
    for _ in range(250):
        table.insert([rows.next() for _ in range(100)])
    d.verify()


def fill(path):
    with open(path / "filler", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 512)


def test_a_full_disk_costs_a_reset_and_no_event(deploy, postgres_table, small_disk):
    """Neither checkpoint nor journal can be written: tiles and streams go on, and say that the order may be another one after a crash."""
    rows = RandomEvents(16)
    postgres_table.insert([rows.next() for _ in range(100)])
    d = deploy(postgres_table, config={"ingestor": {"checkpoint": f"file:{small_disk}/checkpoint"}}).start()
    d.verify()
    clients = [Resuming(d, 0), Resuming(d, 1)]
    fill(small_disk)
    apart = list(range(1002, 6000, 2))  # so many ranges are missing that their record does not fit into what is left of a page
    postgres_table.load(apart, rows)
    d["ingestor"].await_log("the order of delivery cannot be journaled: cannot write .*disk is full")
    d["ingestor"].await_log("the state cannot be saved")
    for client in clients:
        wait_until(lambda: client.resets() >= 1, what="a reset")
    late = postgres_table.insert([rows.next()])
    assert late < apart[0]
    for client in clients:
        wait_until(lambda: client.ids()[-1:] == [late], what="the event that comes late")
    d.verify()
    resets = [client.resets() for client in clients]
    d["ingestor"].kill()
    d["ingestor"].start()
    d["ingestor"].await_log("standing by: cannot make .*No space left")  # the lease needs the disk
    before = len(d["ingestor"].log_text())
    (small_disk / "filler").unlink()
    d["ingestor"].await_log("ready component", after=before)
    for client, before in zip(clients, resets):
        wait_until(lambda: client.keep_up() or client.resets() > before, what="another reset, for the order may be another one")
    d.verify()
    late = postgres_table.insert([rows.next()])
    for client in clients:
        wait_until(lambda: client.ids()[-1:] == [late], what="events once more")
    position = d.stats()["position"]
    wait_until(lambda: d.stats()["checkpoint_position"] == position)
    before = [(client.ids(), client.resets()) for client in clients]
    d["ingestor"].kill()
    d.start("ingestor")
    late = postgres_table.insert([rows.next()])
    for client, (ids, resets) in zip(clients, before):
        wait_until(lambda: client.keep_up() or client.ids()[-1:] == [late])
        assert client.ids() == ids + [late] and client.resets() == resets, "the disk has room again, and all is as it was"
    d.verify()
