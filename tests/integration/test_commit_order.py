# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's ids do not commit in order, may never come, or come minutes after they were taken: each event once, in one order everywhere."""
import random
import signal
import threading
import time

import pytest

from test_crashes import INSERT
from tilewire import LOADED, RandomEvents, now_iso, wait_until

INSERT_AT = f"INSERT INTO events ({LOADED}) VALUES (%s,%s,%s,%s,%s,%s,%s)"
NOISE = (now_iso(), "noise", None, None, None, None)  # in no tile, so that it may be deleted later and verify stays clean


def two_streams(d):
    return [d.stream("/api/events/stream", gateway) for gateway in (0, 1)]


def assert_same_order(streams, table, deleted=frozenset()):
    """Each row that is there was delivered exactly once, and in the same order on both gateways; of those deleted at most once."""
    expected = set(table.ids())
    for stream in streams:
        wait_until(lambda: expected <= set(stream.ids()), what="all rows")
    # What was deleted may be behind the last row that was not, and on its way to one of them.
    wait_until(lambda: streams[0].ids() == streams[1].ids(), what="the same events in the same order on both gateways")
    ids = streams[0].ids()
    assert len(ids) == len(set(ids)), "none twice"
    assert set(ids) - expected <= set(deleted), "nothing that was rolled back"
    for stream in streams:
        assert not [e for e in stream.events if e["event"] == "reset"]
    return ids


class Traffic:
    """Writers side by side. Each transaction stays open for a random time, may be rolled back, may delete what it has just written,
    or what another had committed before."""

    def __init__(self, table, writers, transactions):
        self.table, self.transactions = table, transactions
        self.noise, self.deleted, self.lock = [], set(), threading.Lock()
        self.failures = []
        self.threads = [threading.Thread(target=self.write, args=(seed,)) for seed in range(writers)]
        for thread in self.threads:
            thread.start()

    def write(self, seed):
        db = self.table.connect()
        try:
            rows = RandomEvents(seed)
            for _ in range(self.transactions):
                self.transact(db, rows, rows.random)
        except Exception as problem:
            self.failures.append(problem)
        finally:
            db.close()

    def transact(self, db, rows, r):
        noise, victim = [], None
        with db.cursor() as cursor:
            for _ in range(r.randrange(1, 5)):
                quiet = r.random() < 0.3
                cursor.execute(INSERT + " RETURNING id", NOISE if quiet else rows.next())
                written = cursor.fetchone()[0]
                if r.random() < 0.1:
                    cursor.execute("DELETE FROM events WHERE id = %s", (written,))
                elif quiet:
                    noise.append(written)
                time.sleep(r.expovariate(1 / 0.01))  # what applications do in between
            with self.lock:
                if self.noise and r.random() < 0.3:
                    victim = self.noise.pop(r.randrange(len(self.noise)))
            if victim is not None:
                cursor.execute("DELETE FROM events WHERE id = %s", (victim,))
        if r.random() < 0.2:
            db.rollback()
            return
        db.commit()
        with self.lock:
            self.noise.extend(noise)
            if victim is not None:
                self.deleted.add(victim)

    def join(self):
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures


def test_many_writers(deploy, postgres_table):
    d = deploy(postgres_table, config={"source": {"poll_interval": "50ms"}}).start()
    streams = two_streams(d)
    traffic = Traffic(postgres_table, 10, 30)
    traffic.join()
    ids = assert_same_order(streams, postgres_table, traffic.deleted)
    assert ids != sorted(ids), "or nothing came late, and nothing was tested"
    assert traffic.deleted
    d.verify()


def test_a_long_transaction_of_somebody_else_stalls_nothing(deploy, postgres_table):
    """It holds xmin back, so that no fence passes; rows come at once all the same, and late ones late."""
    postgres_table.execute("CREATE TABLE other (n int)")
    d = deploy(postgres_table, config={"source": {"poll_interval": "1h", "late_window": "1s"}})
    d.run("install-trigger", check=True)
    d.start()
    streams = two_streams(d)
    long = postgres_table.connect()
    long.cursor().execute("INSERT INTO other VALUES (1)")
    rows = RandomEvents(31)
    late = []
    for _ in range(5):
        slow = postgres_table.connect()
        with slow.cursor() as cursor:
            cursor.execute(INSERT + " RETURNING id", rows.next())
            late.append(cursor.fetchone()[0])
        last = postgres_table.insert([rows.next()])
        for stream in streams:
            stream.await_event(lambda e: e["id"] == str(last), what="a row, though a transaction is open")
        slow.commit()
        slow.close()
        for stream in streams:
            stream.await_event(lambda e: e["id"] == str(late[-1]), what="a late row, though a transaction is open")
    never = postgres_table.connect()
    never.cursor().execute(INSERT, rows.next())
    never.rollback()
    never.close()
    wait_until(lambda: postgres_table.insert([NOISE]) and d.stats()["ids_pending_for_s"] >= 2)
    assert d.stats()["ids_pending"] == 1, "the late window is over, the fence has not been passed"
    ids = assert_same_order(streams, postgres_table)
    assert [i for i in ids if i in late] == late
    d.verify()
    d["ingestor"].kill()
    d.config["source"]["poll_interval"] = "50ms"
    d.write()
    d.start("ingestor")
    wait_until(lambda: d.stats()["ids_pending"] == 1, what="what the journal says")
    long.rollback()
    long.close()
    wait_until(lambda: d.stats()["ids_pending"] == 0, what="the rolled-back id to be given up, without a row to tell of it")
    last = postgres_table.insert([rows.next()])
    for stream in streams:
        stream.await_event(lambda e: e["id"] == str(last))
    assert_same_order(streams, postgres_table)
    d.verify()


def test_an_id_that_was_taken_before_its_transaction_had_an_xid(deploy, postgres_table):
    """When it is missed no transaction is open, so the fence passes at once; late_window alone keeps it."""
    d = deploy(postgres_table, config={"source": {"poll_interval": "20ms"}}).start()
    streams = two_streams(d)
    rows = RandomEvents(32)
    slow = postgres_table.connect()
    slow.autocommit = True  # for nextval needs an xid itself now and then, when it writes to the log
    taken = []
    with slow.cursor() as cursor:
        for _ in range(3):
            cursor.execute("SELECT nextval('events_id_seq')")
            taken.append(cursor.fetchone()[0])
            last = postgres_table.insert([rows.next()])
            for stream in streams:
                stream.await_event(lambda e: e["id"] == str(last))
    assert d.stats()["ids_pending"] == 3
    line = next(text for text in d.run("stats", "--from", "ingestor").stdout.splitlines() if "ids_pending" in text)
    assert line.split()[-1] == "3", line
    for _ in range(20):  # looks that find the fence passed
        last = postgres_table.insert([rows.next()])
        streams[0].await_event(lambda e: e["id"] == str(last))
    assert d.stats()["ids_pending"] == 3
    slow.autocommit = False
    with slow.cursor() as cursor:
        for i in reversed(taken[1:]):
            cursor.execute(INSERT_AT, (i, *rows.next()))
    slow.commit()
    slow.close()
    ids = assert_same_order(streams, postgres_table)
    assert ids[-2:] == taken[1:], "late, and in the order of ids, having come at once"
    assert d.stats()["ids_pending"] == 1
    d.verify()


@pytest.mark.parametrize("pool", [50, 1000000])
def test_pooled_allocators(deploy, postgres_table, pool):
    """Each of several programs reserves a pool of ids, and inserts them one by one, long after; most of a large one never."""
    postgres_table.execute(f"ALTER SEQUENCE events_id_seq INCREMENT {pool}")
    d = deploy(postgres_table, config={"source": {"poll_interval": "50ms"}}).start()
    streams = two_streams(d)
    rows, r = RandomEvents(33), random.Random(34)
    pools = []
    for n in range(60):
        if len(pools) < 6 or r.random() < 0.1:
            with postgres_table.db, postgres_table.db.cursor() as cursor:
                cursor.execute("SELECT nextval('events_id_seq')")
                first = cursor.fetchone()[0]
            reserved = r.sample(range(first, first + pool), 10)
            pools.append(sorted(reserved) if r.random() < 0.7 else reserved)
        some = r.choice(pools)
        postgres_table.load([some.pop(0) for _ in range(min(len(some), r.randrange(1, 4)))], rows)
        pools = [p for p in pools if p]
        if n % 15 == 0:  # or a single look might find them all
            wait_until(lambda: set(postgres_table.ids()) <= set(streams[0].ids()))
    ids = assert_same_order(streams, postgres_table)
    assert ids != sorted(ids)
    d.verify()
    stats = d.stats()
    assert stats["ids_pending"] > 3 * pool
    assert stats["id_ranges_given_up"] == 0
    assert stats["checkpoint_bytes"] < 200000


def memory_kb(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def test_gaps_of_millions_again_and_again(deploy, postgres_table):
    """Tens of thousands of ranges of millions of ids: bounded, in memory and in checkpoints; what is given up is counted."""
    d = deploy(postgres_table, config={"source": {"poll_interval": "500ms"}}).start()
    before_kb = memory_kb(d["ingestor"].process)

    def jump(count):
        postgres_table.execute("INSERT INTO events (id,timestamp,event_type) SELECT nextval('events_id_seq'), now(), 'order.created' FROM "
                               f"generate_series(1, {count}) i WHERE setval('events_id_seq', nextval('events_id_seq') + 3000000) > 0")
        last = postgres_table.insert([NOISE])
        # With a sanitizer, and others beside it, some thousand rows are folded for seconds before it answers.
        wait_until(lambda: d.query({"op": "stats"}, "ingestor")["stats"]["position"] >= last, what="all that follows the gaps")

    jump(20000)
    stats = d.stats()
    assert stats["ids_pending"] >= 20000 * 3000000 and stats["id_ranges_given_up"] == 0
    jump(32000)
    stats = d.stats()
    assert 40000 * 3000000 < stats["ids_pending"] < 50001 * 3000000
    assert stats["id_ranges_given_up"] >= 2000
    if "asan" not in str(d.bin):
        assert memory_kb(d["ingestor"].process) - before_kb < 100 << 10
    ids = postgres_table.ids()
    inside = ids[-100] - 5
    for gateway in (0, 1):
        wait_until(lambda: [e["id"] for e in d.get_json("/api/events?limit=1", gateway)["events"]] == [ids[-1]], what="all that came before")
    streams = two_streams(d)  # not before: of so many at once a slow reader would be told `reset`
    postgres_table.load([inside], RandomEvents(36))  # within the newest gaps
    for stream in streams:
        stream.await_event(lambda e: e["id"] == str(inside), what="a row in one of the gaps")
    pending = d.stats()["ids_pending"]
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    d.start("ingestor")
    stats = d.stats()
    assert stats["ids_pending"] == pending, "the ranges of the checkpoint"
    assert stats["checkpoint_bytes"] < 2 << 20
    d.verify()
