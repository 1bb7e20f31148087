# SPDX-License-Identifier: Apache-2.0
"""`tilewire verify` when rows are gone that tiles were made of: what can be proved is, and what is wrong is still found."""
import json
import signal
import threading

import msgpack
import pytest
import zmq

from tilewire import PATIENCE, RandomEvents, free_ports, now_iso, wait_until

ORDER = "order.created"


class Relay:
    """Stands between verify and the cache, and changes what tiles are said to be: change(key, tile) gets each in a snapshot, and whole(reply)
    the snapshot."""

    def __init__(self, upstream, change, whole):
        self.upstream, self.change, self.whole = upstream, change, whole
        self.address = f"tcp://127.0.0.1:{free_ports(1)[0]}"
        self.context = zmq.Context()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with self.context.socket(zmq.ROUTER) as front, self.context.socket(zmq.REQ) as back:
            front.linger = back.linger = 0
            front.bind(self.address)
            back.connect(self.upstream)
            while not self.ended.is_set():
                if front.poll(20):
                    *envelope, request = front.recv_multipart()
                    back.send(request)
                    reply = msgpack.unpackb(back.recv())
                    if msgpack.unpackb(request)["op"] == "snapshot":
                        for tile in reply["tiles"]:
                            if "p" in tile:
                                self.change(tile["k"], tile)
                        self.whole(reply)
                    front.send_multipart([*envelope, msgpack.packb(reply)])

    def close(self):
        self.ended.set()
        self.thread.join()
        self.context.term()


@pytest.fixture
def relay():
    made = []

    def make(d, change=lambda *_: None, whole=lambda _: None):
        made.append(Relay(d.query_addresses["cache"], change, whole))
        return made[-1].address

    yield make
    for one in made:
        one.close()


def verify(d, *options, address=None, timeout="5s"):
    """Exit status and report. What is not equal is looked at again until the timeout; so is what is equal only later."""
    result = d.run("--json", *(["--query", address] if address else []), "verify", "--timeout", timeout, *options)
    report = json.loads(result.stdout)
    assert result.returncode == {"equal": 0, "wrong": 1, "unprovable": 3}[report["verdict"]], report
    assert report["ok"] == (result.returncode == 0)
    return report


def keys(findings):
    return {finding["key"] for finding in findings}


def reason(report, key):
    return next(f["reason"] for f in report["wrong"] + report["unprovable"] if f["key"] == key)


def filled(deploy, table, rows=400, **options):
    d = deploy(table, **options)
    source = RandomEvents(41)
    table.insert([source.next() for _ in range(rows)])
    d.start()
    wait_until(lambda: d.stats()["position"] >= rows)
    assert verify(d, timeout=f"{PATIENCE}s")["verdict"] == "equal"
    return d, source


# ---- Rows that go ----


@pytest.mark.parametrize("empty", [range(1, 4), range(1, 10**6)])
def test_a_server_without_an_ingestor_for_a_moment_proves_nothing(deploy, sqlite_table, relay, empty):
    """A cache whose ingestor starts again has none of its tiles for a moment: those that were not found to be right are not left out."""
    sqlite_table.insert([(now_iso(), ORDER, None, f"o{i}", None, None) for i in range(10)])
    d = deploy(sqlite_table, gateways=0).start()
    wait_until(lambda: d.stats()["position"] == 10)
    sqlite_table.execute("DELETE FROM events WHERE id = 3")
    asked = iter(range(10**7))

    def whole(reply):
        if next(asked) in empty:
            reply.update(tiles=[], versions={}, more=False)

    result = d.run("--json", "--query", relay(d, whole=whole), "verify", "--timeout", "5s" if len(empty) == 3 else "1s")
    report = json.loads(result.stdout)
    if len(empty) == 3:
        assert report["verdict"] == "unprovable" and "orders.ever" in keys(report["unprovable"]), report
    else:
        assert result.returncode == 1 and "an ingestor that has gone" in report["error"], report


def test_retention(deploy, table):
    d, rows = filled(deploy, table)
    table.execute("DELETE FROM events WHERE id <= 200")
    report = verify(d)
    assert report["verdict"] == "unprovable" and not report["wrong"]
    unprovable = {f["key"]: f for f in report["unprovable"]}
    ever = unprovable["orders.ever"]
    assert ever["verdict"] == "unprovable"
    assert ever["rows"] > ever["rows_left"] > 0
    assert ever["reason"] == (f"cannot be proved: of the {ever['rows']} rows that it was made of {ever['rows'] - ever['rows_left']} are gone")
    assert ever["proved"] == (f"nothing in it contradicts the {ever['rows_left']} rows that are left; it counts each row that it was "
                              f"made of; no row has come for it since position 400")
    assert ever["differences"] == [{"path": "data.value", "expected": ever["rows_left"], "got": ever["rows"]}]
    assert report["equal"] + len(unprovable) == len(d.get_json("/api/tiles")["tiles"])
    text = d.run("verify")
    assert text.returncode == 3
    assert text.stdout.splitlines()[-1] == (
        f"verify: {len(unprovable)} tiles unprovable, {report['equal']} equal, position 400"), text.stdout
    table.insert([rows.next() for _ in range(100)])
    assert verify(d)["verdict"] == "unprovable"


def test_a_window_that_begins_after_the_rows_that_are_gone_is_proved(deploy, table):
    d = deploy(table, tiles=[{"key": "recent", "type": "count", "match": {"event_type": ORDER}, "window": "1m"},
                             {"key": "ever", "type": "count", "match": {"event_type": ORDER}},
                             {"key": "by", "type": "count", "match": {"event_type": ORDER}, "group_by": "target_id"}]).start()
    table.insert([(now_iso(-100), ORDER, None, "old", None, None)] * 10 + [(now_iso(), ORDER, None, "new", None, None)] * 5)
    wait_until(lambda: d.tile("ever")["data"]["value"] == 15)
    assert verify(d, timeout=f"{PATIENCE}s")["verdict"] == "equal"
    table.execute("DELETE FROM events WHERE target_id = 'old'")
    report = verify(d)
    assert keys(report["unprovable"]) == {"ever", "by/old"} and report["equal"] == 2, report
    assert reason(report, "by/old") == "cannot be proved: of the 10 rows that it was made of 10 are gone"


def test_what_rows_change_meanwhile_is_proved(deploy, table, relay):
    d, rows = filled(deploy, table)
    table.execute("DELETE FROM events WHERE id <= 200")
    looks = []

    def insert(key, tile):
        if key == "orders.ever":
            looks.append(tile["s"])
            if len(looks) < 3:
                table.insert([*(rows.next() for _ in range(20)), (now_iso(), ORDER, None, None, None, None)])
                wait_until(lambda: d.tile(key)["data"]["value"] > tile["p"]["data"]["value"])

    report = verify(d, address=relay(d, insert))
    ever = next(f for f in report["unprovable"] if f["key"] == "orders.ever")
    assert "; from position 400 on it has changed as the " in ever["proved"], ever


def partition(postgres_table):
    postgres_table.execute("DROP TABLE events; CREATE TABLE events (id bigserial, timestamp timestamptz, event_type text, actor_id text,"
                           " target_id text, summary text, payload jsonb) PARTITION BY RANGE (id);"
                           "CREATE TABLE old PARTITION OF events FOR VALUES FROM (1) TO (101);"
                           "CREATE TABLE new PARTITION OF events FOR VALUES FROM (101) TO (10000); CREATE INDEX ON events (id)")


def test_dropped_partition(deploy, postgres_table):
    partition(postgres_table)
    d, rows = filled(deploy, postgres_table)
    postgres_table.execute("DROP TABLE old")
    report = verify(d)
    assert "orders.ever" in keys(report["unprovable"]) and not report["wrong"], report
    postgres_table.insert([rows.next() for _ in range(50)])
    assert not verify(d)["wrong"]


def test_a_partition_that_is_detached_and_attached_again(deploy, postgres_table):
    """Its rows stay in the tiles, and count once when they come back."""
    partition(postgres_table)
    d, rows = filled(deploy, postgres_table)
    before = d.tile("orders.ever")["data"]
    postgres_table.execute("ALTER TABLE events DETACH PARTITION old")
    report = verify(d)
    assert "orders.ever" in keys(report["unprovable"]) and not report["wrong"], report
    postgres_table.execute("ALTER TABLE events ATTACH PARTITION old FOR VALUES FROM (1) TO (101)")
    d.verify()
    assert d.tile("orders.ever")["data"] == before
    postgres_table.insert([rows.next() for _ in range(50)])
    d.verify()
    assert d.stats()["table_restarts"] == 0


def test_an_outbox_whose_rows_are_deleted_once_processed(deploy, table):
    d, rows = filled(deploy, table)
    for _ in range(5):
        table.execute("DELETE FROM events")
        last = table.insert([rows.next() for _ in range(20)])
        wait_until(lambda: d.stats()["position"] >= last)
    report = verify(d)
    assert "orders.ever" in keys(report["unprovable"]) and not report["wrong"], report
    table.execute("DELETE FROM events")
    report = verify(d)
    assert not report["wrong"] and report["rows"] == 0, report


def test_truncate_while_the_ids_go_on(deploy, postgres_table):
    d, rows = filled(deploy, postgres_table)
    postgres_table.execute("TRUNCATE events")
    report = verify(d)
    assert "orders.ever" in keys(report["unprovable"]) and not report["wrong"], report
    postgres_table.insert([rows.next() for _ in range(50)])
    assert not verify(d)["wrong"]
    assert d.stats()["table_restarts"] == 0


def test_truncate_after_which_the_ids_begin_anew(deploy, postgres_table):
    d, rows = filled(deploy, postgres_table)
    postgres_table.execute("TRUNCATE events RESTART IDENTITY")
    postgres_table.insert([rows.next() for _ in range(50)])
    wait_until(lambda: d.stats()["table_restarts"] == 1)
    assert verify(d, timeout=f"{PATIENCE}s")["verdict"] == "equal"


def test_a_restored_backup(deploy, table):
    """It lacks the newest rows; then their ids are used again, and all tiles are built from it."""
    d, rows = filled(deploy, table, config={"source": {"poll_interval": "100ms"}})
    table.execute("DELETE FROM events WHERE id > 350")
    d["ingestor"].await_log("the newest rows of table .* are gone")
    assert verify(d)["verdict"] == "unprovable"
    table.load(range(351, 370), rows)
    wait_until(lambda: d.stats()["table_restarts"] == 1)
    assert verify(d, timeout=f"{PATIENCE}s")["verdict"] == "equal"


@pytest.mark.parametrize("again", [False, True])
def test_a_standby_that_lacked_the_last_rows(deploy, table, again):
    """Nobody has told the tiles yet. If other rows have their ids, then the tiles are made of rows that never were; else these may have
    been deleted."""
    d, rows = filled(deploy, table)
    d["ingestor"].kill(signal.SIGKILL)
    table.execute("DELETE FROM events WHERE id > 300")
    if again:
        table.load(range(301, 401), rows)
    report = verify(d, "--allow-stale", timeout="1s")
    if again:
        assert "orders.ever" in keys(report["wrong"]) and reason(report, "orders.ever").startswith("lacks rows that are there"), report
    else:
        assert "orders.ever" in keys(report["unprovable"]) and not report["wrong"], report


# ---- What is wrong ----


def change_value(wanted, by):
    """A change for a relay: the tile's data.value is off; its tally is not."""

    def change(key, tile):
        if key == wanted:
            tile["p"]["data"]["value"] += by

    return change


def test_a_wrong_tile_is_wrong(deploy, table, relay):
    d, _ = filled(deploy, table)
    report = verify(d, address=relay(d, change_value("orders.ever", 1)), timeout="300ms")
    assert keys(report["wrong"]) == {"orders.ever"} and not report["unprovable"], report
    assert report["wrong"][0]["verdict"] == "differs"


@pytest.mark.parametrize("by", [1, -1])
def test_a_wrong_tile_is_wrong_though_other_rows_are_gone(deploy, table, relay, by):
    d, _ = filled(deploy, table)
    table.execute("DELETE FROM events WHERE event_type LIKE 'ticket%'")  # of another tile
    report = verify(d, address=relay(d, change_value("orders.ever", by)), timeout="300ms")
    assert keys(report["wrong"]) == {"orders.ever"} and keys(report["unprovable"]) == {"tickets.sla"}, report


@pytest.mark.parametrize("by", [1, -1])
def test_a_wrong_count_is_wrong_though_its_rows_are_gone(deploy, table, relay, by):
    d, _ = filled(deploy, table)
    table.execute("DELETE FROM events WHERE id <= 200")
    report = verify(d, address=relay(d, change_value("orders.ever", by)), timeout="300ms")
    assert keys(report["wrong"]) == {"orders.ever"}, report
    assert "no rows that are gone explain that" in reason(report, "orders.ever")


def test_a_wrong_change_is_wrong_though_rows_are_gone(deploy, table, relay):
    """Whatever the gauge was at the first look, the rows since say what it has become."""
    d, _ = filled(deploy, table, tiles=[{"key": "depth", "type": "gauge", "metric": "queue.depth"}])
    table.execute("DELETE FROM events WHERE id <= 200")
    table.insert([(now_iso(), "metrics.updated", None, None, None, json.dumps({"metric": "queue.depth", "value": 7}))])
    wait_until(lambda: d.tile("depth")["data"]["value"] == 7)
    looks = []

    def change(_, tile):
        looks.append(tile["s"])
        tile["p"]["data"]["max"] = 200  # a row that is gone may have said so
        if len(looks) == 1:
            table.insert([(now_iso(), "metrics.updated", None, None, None, json.dumps({"metric": "queue.depth", "value": 8}))])
            wait_until(lambda: d.tile("depth")["data"]["value"] == 8)
        elif looks[0] != tile["s"]:
            tile["p"]["data"]["value"] = 9

    report = verify(d, address=relay(d, change), timeout="2s")
    assert keys(report["wrong"]) == {"depth"}, report
    assert "in a way that the" in reason(report, "depth")


def test_a_tile_that_lacks_rows_is_wrong(deploy, table, relay):
    d, _ = filled(deploy, table)
    table.execute("DELETE FROM events WHERE event_type LIKE 'ticket%'")

    def change(key, tile):
        if key == "orders.ever":
            tile["p"]["data"]["value"] -= 1
            tile["m"][0] -= 1

    report = verify(d, address=relay(d, change), timeout="300ms")
    assert keys(report["wrong"]) == {"orders.ever"} and report["wrong"][0]["verdict"] == "lacks", report


# ---- What tiles say of themselves ----


def test_a_tile_that_is_being_built_is_waited_for(deploy, table, relay):
    d, _ = filled(deploy, table)
    looks = []

    def for_a_while(key, tile):
        if key == "orders.ever":
            looks.append(key)
            if len(looks) < 4:
                tile["p"]["building"] = {"position": "12"}
                tile["p"]["data"]["value"] = 3

    def for_ever(key, tile):
        if key == "orders.ever":
            tile["p"]["building"] = {"position": "12"}

    assert verify(d, address=relay(d, for_a_while), timeout=f"{PATIENCE}s")["verdict"] == "equal"
    report = verify(d, address=relay(d, for_ever), timeout="300ms")
    assert keys(report["unprovable"]) == {"orders.ever"} and not report["wrong"], report
    assert reason(report, "orders.ever") == "cannot be proved: it is being built"
    assert report["unprovable"][0]["verdict"] == "building"


def test_a_tile_of_an_older_version_tells_no_tally(deploy, table, relay):
    d, _ = filled(deploy, table)
    address = relay(d, lambda _, tile: tile.pop("m"))
    assert verify(d, address=address, timeout=f"{PATIENCE}s")["verdict"] == "equal"
    table.execute("DELETE FROM events WHERE id <= 200")
    report = verify(d, address=address)
    assert "orders.ever" in keys(report["unprovable"]) and not report["wrong"], report
    assert "is not known, since its state comes from an older version" in reason(report, "orders.ever")
    off = relay(d, lambda key, tile: (tile.pop("m"), change_value("orders.ever", -1000)(key, tile)))
    assert keys(verify(d, address=off, timeout="300ms")["wrong"]) == {"orders.ever"}
