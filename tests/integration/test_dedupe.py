# SPDX-License-Identifier: Apache-2.0
"""source.dedupe: producers that deliver at least once, and events that count once, whatever happens in between."""
import json
import random
import signal

import pytest

from test_crashes import Resuming
from tilewire import PATIENCE, now_iso, wait_until

DEDUPE = {"source": {"dedupe": "payload.event_id"}}
TILES = [
    {"key": "orders", "type": "count", "match": {"event_type": "order.created"}},
    {"key": "amount", "type": "trend", "match": {"event_type": "order.created"}, "step": "1m", "length": 60, "aggregate": "sum",
     "value": "payload.amount"},
    {"key": "by", "type": "count", "match": {"event_type": "order.created"}, "group_by": "payload.team"},
]


def order(name, **payload):
    more = {} if name is None else {"event_id": name}
    return now_iso(), "order.created", None, f"o{name}", "an order", json.dumps({**more, "amount": 1, **payload})


class Retrying:
    """A producer that knows no better than to send some events again: at once, in the same batch, or much later."""

    def __init__(self, table, seed):
        self.table, self.random = table, random.Random(seed)
        self.sent, self.rows, self.serial = [], 0, seed * 1_000_000

    def write(self, batches):
        for _ in range(batches):
            batch = []
            for _ in range(self.random.randrange(1, 6)):
                self.serial += 1
                event = order(f"e{self.serial}", team=self.random.choice("ab"))
                batch.append(event)
                self.sent.append(event)
                if self.random.random() < 0.3:
                    batch.append((now_iso(), *event[1:]))
            again = self.random.sample(self.sent, min(2, len(self.sent)))
            batch += [event if self.random.random() < 0.5 else (now_iso(), *event[1:]) for event in again]
            self.random.shuffle(batch)
            self.rows += len(batch)
            self.table.insert(batch)


def value(d, key="orders", gateway=0):
    status, _, body = d.request(f"/api/tiles/{key}", gateway=gateway)
    return json.loads(body)["data"]["value"] if status == 200 else None


def await_value(d, expected, key="orders", timeout=PATIENCE):
    wait_until(lambda: value(d, key) == expected, timeout, f"{key} {expected}, and not {value(d, key)}")


def names_of_events(d):
    """What was published of each event; the payload says which it was."""
    return [e["target_id"] for e in d.get_json("/api/events?limit=1000")["events"]]


def survive(d, table):
    """One history with crashes, a restart, a new tile and a new start, for any kind of source."""
    producer = Retrying(table, 1)
    d.start()
    client = Resuming(d, 0)
    for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        producer.write(15)
        wait_until(lambda: value(d))
        d["ingestor"].kill(how)
        producer.write(5)
        d.start("ingestor")
    producer.write(10)
    await_value(d, len(producer.sent))
    # A tile after the other comes to the gateway.
    wait_until(lambda: value(d, "by/a") + value(d, "by/b") == len(producer.sent), what="the members")
    wait_until(lambda: client.keep_up() or sorted(e["data"]["target_id"] for s in client.streams for e in s.events if e["event"] == "order.created") ==
               sorted(e[3] for e in producer.sent), what="each event once in the stream")
    events = names_of_events(d)
    assert len(events) == len(set(events)) == min(1000, len(producer.sent))
    d.verify()
    return producer


def test_one_id_counts_once_whatever_happens(deploy, every_table):
    d = deploy(every_table, tiles=TILES, config=DEDUPE)
    producer = survive(d, every_table)
    # Built from the rows that are there, among which the duplicates are, too.
    d.config["tiles"].append({"key": "later", "type": "count", "match": {"event_type": "order.*"}})
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_value(d, len(producer.sent), "later")
    # A tile that goes, and comes back after others have come.
    gone = d.config["tiles"].pop(0)
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    d["ingestor"].await_log("1 are gone")
    producer.write(10)
    await_value(d, len(producer.sent), "later")
    d.config["tiles"].append(gone)
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_value(d, len(producer.sent), "orders")
    producer.write(1)
    await_value(d, len(producer.sent), "orders")
    d.verify()


def test_a_standby_knows_what_has_come(deploy, table):
    d = deploy(table, tiles=TILES[:1], config=DEDUPE)
    d.config["cache"]["upstreams"] = [{"publish": d.addresses[0], "query": d.addresses[1]}, d.twin("standby", "ingestor")]
    d.write()
    d.start("ingestor", "cache", "gateway0")
    d["standby"].start().await_log("standing by")
    table.insert([order("a"), order("b"), order("a")])
    await_value(d, 2)
    wait_until(lambda: d.stats()["checkpoint_position"] == table.ids()[-1])
    d["ingestor"].kill()
    table.insert([order("b"), order("c"), order("a"), order("c")])
    await_value(d, 3)
    assert d.stats("standby")["events_duplicate"] == 3  # of these; the first life counted its own
    d.verify()


def test_duplicates_are_counted_and_an_event_without_a_name_counts(deploy, sqlite_table):
    d = deploy(sqlite_table, tiles=TILES[:1], config=DEDUPE).start()
    sqlite_table.insert([order("a"), order(None), order(None), order("a"), order("")])
    sqlite_table.insert([order("a"), order("")])
    await_value(d, 5)
    stats = d.stats()
    assert (stats["events_duplicate"], stats["event_ids_known"], stats["event_ids_forgotten"]) == (2, 1, 0)
    assert len(names_of_events(d)) == 5
    d.verify()


def test_another_dedupe_builds_everything_again(deploy, table):
    d = deploy(table, tiles=TILES[:1]).start()
    table.insert([order("a"), order("a"), order("b", other="x"), order("c", other="x")])
    await_value(d, 4)
    for source, expected in (({"dedupe": "payload.event_id"}, 3), ({"dedupe": "payload.other"}, 3), ({"dedupe": "payload.event_id"}, 3),
                             ({"dedupe": "payload.event_id", "dedupe_window": "2h"}, 3), ({}, 4), ({"dedupe": "payload.event_id"}, 3)):
        d.config["source"] = {k: v for k, v in d.config["source"].items() if not k.startswith("dedupe")} | source
        d.write()
        before = len(d["ingestor"].log_text())
        d["ingestor"].process.send_signal(signal.SIGHUP)
        d["ingestor"].await_log("new tiles are built|building all tiles from the events table", after=before)
        await_value(d, expected)
        d.verify()
    table.insert([order("b"), order("d")])
    await_value(d, 4)
    d.verify()


def test_less_memory_than_ids_is_told(deploy, sqlite_table):
    d = deploy(sqlite_table, tiles=TILES[:1], config={"source": {"dedupe": "payload.event_id", "dedupe_memory": "1MiB"}})
    count = (1 << 20) // 64
    sqlite_table.insert([order(f"n{i}") for i in range(count + 100)])
    sqlite_table.insert([order("n0"), order(f"n{count}")])
    d.start()
    await_value(d, count + 101)  # n0 was forgotten
    assert d.stats()["event_ids_forgotten"] == 101
    d["ingestor"].await_log("more events come within source.dedupe_window")
    d.verify()
    d["ingestor"].kill()
    d.start("ingestor")
    sqlite_table.insert([order(f"n{count}"), order("new")])
    await_value(d, count + 102)
    d.verify()


@pytest.mark.parametrize("logged", [True, False])
def test_a_retry_that_overtakes_what_it_repeats(deploy, postgres_table, logged):
    """A transaction hangs, the producer gives it up and writes the event again; then it commits after all."""
    import psycopg2
    d = deploy(postgres_table, tiles=TILES[:2], config={**DEDUPE, "ingestor": {} if logged else {"events": 1}, "cache": {} if logged else {"events": 1}})
    d.start()
    hung = psycopg2.connect(postgres_table.uri)
    insert = "INSERT INTO events (timestamp,event_type,actor_id,target_id,summary,payload) VALUES (%s,%s,%s,%s,%s,%s)"
    hung.cursor().execute(insert, order("a"))
    postgres_table.insert([order("a", amount=5)])
    await_value(d, 1)
    hung.commit()
    hung.close()
    wait_until(lambda: d.stats()["events_duplicate"] == 1)
    postgres_table.insert([order("b"), order("c")])
    await_value(d, 3)
    result = d.run("verify", "--timeout", "10s")
    # When the log does not have the event any more, nobody can say which of the two rows counted.
    assert result.returncode == 0 if logged else "wrong" not in result.stdout and "which one came first" in result.stdout, result.stdout
    d.config["tiles"].append({"key": "later", "type": "count", "match": {"event_type": "order.*"}})
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_value(d, 3, "later")


def test_rows_that_are_gone_make_no_tile_wrong(deploy, table):
    """Of two rows with one id the first is deleted, and it is the other that verify finds."""
    d = deploy(table, tiles=TILES[:2], config=DEDUPE).start()
    last = table.insert([order("a", amount=5), order("b"), order("a")])
    await_value(d, 2)
    table.execute(f"DELETE FROM events WHERE id = {last - 2}")
    result = d.run("verify", "--timeout", "3s")
    assert "1 tile unprovable, 1 equal" in result.stdout and "which one came first" in result.stdout, result.stdout
    table.insert([order("a"), order("c")])
    await_value(d, 3)
