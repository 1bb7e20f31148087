# SPDX-License-Identifier: Apache-2.0
"""What docs/push.md promises to whoever pushes, and what the commands say of what was pushed."""
import concurrent.futures
import contextlib
import json
import random
import signal
import sqlite3

import test_check_connect
from test_clock import DAY, Clock
from test_dedupe import DEDUPE
from test_dedupe import TILES as NAMED
from test_push import TILES, PushFile, push
from test_push_http import JSON, ids, post, with_push
from test_slow_disk import ALL, Disk
from test_verify_gone import change_value, keys, relay, verify  # noqa: F401 (a fixture)
from tilewire import now_iso, wait_until

DEPLOY = {"event_type": "deploy"}


def fill(disk):
    """Writes until there is no room left. Returns the file that has it all."""
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    return filler


def test_a_push_is_answered_only_after_the_fsync(deploy, folder):
    """While fsync does not return the log of SQLite has the events, and nobody is told that they are stored. What had been answered before would be
    here before the answer to what is asked later."""
    pushed = PushFile(folder / "pushed.db")
    d = with_push(deploy, pushed)
    d.config["ingestor"]["checkpoint_interval"] = "1h"
    d.write()
    disk = Disk(folder, d["ingestor"])
    d.start()
    assert ids(wait_until(lambda: (a := post(d, DEPLOY))[0] == 201 and a)) == [1]
    log = pushed.path.with_name("pushed.db-wal")
    before = log.stat().st_size
    disk.let_through(0)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        try:
            over_http, by_query = pool.submit(post, d, {**DEPLOY, "summary": "x" * 60_000}), pool.submit(push, d, DEPLOY)
            wait_until(lambda: log.stat().st_size > before and disk.is_waited_for(), what="the log to be written, and to be synced")
            commits = [d.stats()["push_commits"] for _ in range(20)]
            assert commits == [1] * 20 and not over_http.done() and not by_query.done()
            assert len(pushed.rows()) == 1
        finally:
            disk.let_through(ALL)
        assert sorted([*ids(over_http.result()), by_query.result()["first"]]) == [2, 3]
    wait_until(lambda: d.tile("deploys")["data"]["value"] == 3)


def test_a_full_disk_is_507_until_there_is_room(deploy, small_disk):
    pushed = PushFile(small_disk / "pushed.db")
    d = with_push(deploy, pushed).start()
    assert ids(wait_until(lambda: (a := post(d, DEPLOY))[0] == 201 and a)) == [1]
    filler = fill(small_disk)
    stored, key = 1, JSON | {"Idempotency-Key": "once"}
    while (answer := post(d, [{**DEPLOY, "summary": "x" * 1000}] * 10))[0] == 201:  # there may be room in a page or two
        stored += 10
    status, problem, fields = answer
    assert status == 507 and "Nothing was stored" in problem["detail"] and "disk" in problem["detail"], answer
    assert int(fields["retry-after"]) > 0
    large = [{**DEPLOY, "summary": "x" * 1000}] * 100
    assert post(d, large, key)[0] == 507
    assert len(pushed.rows()) == stored
    filler.unlink()
    again = wait_until(lambda: (a := post(d, large, key))[0] != 507 and a)
    assert again[0] == 201 and again[1]["ids"] == list(range(stored + 1, stored + 101)), again
    assert post(d, large, key)[:2] == (200, {**again[1], "repeated": True})
    assert len(pushed.rows()) == stored + 100
    wait_until(lambda: d.tile("deploys")["data"]["value"] == stored + 100)
    d.verify()


def test_a_key_is_known_for_a_day_over_restarts_and_no_longer(deploy, folder):
    """Also when its event is gone. The clock of the ingestor is moved while that is not there."""
    pushed = PushFile(folder / "pushed.db", keep="1s")
    d = deploy(pushed, tiles=TILES[:1], gateways=1)
    clock = Clock(folder, d["ingestor"])
    d.start()
    assert push(d, DEPLOY, key="a") == {"first": 1, "count": 1, "repeated": False}
    for ahead in (0, DAY - 600):
        wait_until(lambda: not pushed.rows(), what="the event to be deleted")
        d["ingestor"].kill()
        clock.set(ahead)
        d.start("ingestor")
        answer = wait_until(lambda: "error" not in (a := push(d, DEPLOY, key="a")) and a, what="an ingestor that takes events")
        assert answer == {"first": 1, "count": 1, "repeated": True}, ahead
        deleted = d.stats()["pushed_events_deleted"]
        push(d, DEPLOY)
        wait_until(lambda deleted=deleted: d.stats()["pushed_events_deleted"] > deleted, what="a look for what is too old")
        assert push(d, DEPLOY, key="a")["repeated"] is True, ahead
    d["ingestor"].kill()
    clock.set(DAY + 60)
    d.start("ingestor")
    wait_until(lambda: not pushed.rows("SELECT key FROM pushes"), what="the key to be forgotten")
    assert push(d, DEPLOY, key="a") == {"first": 4, "count": 1, "repeated": False}
    wait_until(lambda: d.tile("deploys")["data"]["value"] == 4)


def test_one_id_counts_once_among_what_is_pushed(deploy, folder):
    """A client without an Idempotency-Key that pushes some events again: in the same body, at once, or after the ingestor was killed."""
    pushed = PushFile(folder / "pushed.db", **DEDUPE["source"])
    d = deploy(pushed, tiles=NAMED, gateways=1).start()
    r, names = random.Random(5), []

    def order(name):
        return {"timestamp": now_iso(), "event_type": "order.created", "target_id": name,
                "payload": json.dumps({"event_id": name, "amount": 1, "team": "ab"[len(names) % 2]})}

    def send(count):
        for _ in range(count):
            new = [f"e{len(names) + i}" for i in range(r.randrange(1, 5))]
            events = [order(name) for name in new + r.sample(new, 1) + r.sample(names, min(2, len(names)))]
            names.extend(new)
            wait_until(lambda events=events: "error" not in push(d, *events), what="an ingestor that takes events")

    for how in (signal.SIGKILL, signal.SIGTERM):
        send(10)
        d["ingestor"].kill(how)
        d.start("ingestor")
    send(10)
    assert len(pushed.rows()) > len(names)
    wait_until(lambda: d.tile("orders")["data"]["value"] == len(names), what="each event to count")
    wait_until(lambda: sum(t["data"]["value"] for t in d.get_json("/api/tiles")["tiles"] if t["key"].startswith("by/")) == len(names))
    told = [e["target_id"] for e in d.get_json("/api/events?limit=1000")["events"]]
    assert sorted(told) == sorted(names)
    d.verify()


def test_verify_tells_wrong_from_unprovable(deploy, folder, relay):  # noqa: F811
    pushed = PushFile(folder / "pushed.db")
    d = deploy(pushed, tiles=TILES, gateways=1, config={"ingestor": {"checkpoint_interval": "200ms"}}).start()
    push(d, DEPLOY, DEPLOY, {"event_type": "sale", "payload": '{"amount":2}'})
    wait_until(lambda: d.tile("deploys")["data"]["value"] == 2)
    assert verify(d)["verdict"] == "equal"
    off = relay(d, change_value("deploys", 1))
    report = verify(d, address=off, timeout="300ms")
    assert keys(report["wrong"]) == {"deploys"} and not report["unprovable"] and report["equal"] == 1, report
    # What `keep` has deleted proves nothing any more, and more than there can have been is wrong all the same.
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    d.config["source"]["keep"] = "1s"
    d.write()
    d.start("ingestor")
    wait_until(lambda: not pushed.rows(), what="all to be deleted")
    push(d, DEPLOY)
    wait_until(lambda: d.tile("deploys")["data"]["value"] == 3)
    wait_until(lambda: not pushed.rows(), what="all to be deleted")
    report = verify(d, timeout="300ms")
    assert keys(report["unprovable"]) == {"deploys", "amounts"} and not report["wrong"], report
    report = verify(d, address=off, timeout="300ms")
    assert keys(report["wrong"]) == {"deploys"} and keys(report["unprovable"]) == {"amounts"}, report


def test_check_connect_tells_what_the_file_is(deploy, folder):
    pushed = PushFile(folder / "pushed.db")
    d = deploy(pushed, tiles=TILES, gateways=0)
    status, texts = test_check_connect.connect(d)
    assert status == 0 and not pushed.path.exists(), texts
    test_check_connect.has(texts, "ok", "source", "pushed.db is not there yet", "the ingestor makes it when it starts")
    d.start()
    push(d, {"event_type": "deploy", "summary": "v42", "payload": '{"commit":"8c1f"}'})
    wait_until(lambda: d.stats()["checkpoint_position"] == 1)
    status, texts = test_check_connect.connect(d)
    assert not [f for f in texts if f[0] == "error"], texts
    test_check_connect.has(texts, "ok", "source", "in WAL mode")
    test_check_connect.has(texts, "ok", "source", "row 1 is the newest, of type deploy", "summary")
    assert len(pushed.rows()) == 1


def test_check_connect_tells_what_the_ingestor_would_refuse(deploy, folder):
    pushed = PushFile(folder / "pushed.db")
    d = deploy(pushed, tiles=TILES, gateways=0)
    with contextlib.closing(sqlite3.connect(pushed.path)) as db:
        db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, timestamp, event_type)")
        db.commit()
        status, texts = test_check_connect.connect(d)
        assert status == 1
        test_check_connect.has(texts, "error", "source", "pushed.db is no file of pushed events", "source.uri")
        db.executescript("PRAGMA application_id = 0x544c5750; PRAGMA user_version = 2")
        test_check_connect.has(test_check_connect.connect(d)[1], "error", "source", "format 2", "a newer version")
        db.executescript("PRAGMA user_version = 0")
    pushed.path.write_bytes(b"this is no database, and it is long enough to be looked at" * 20)
    test_check_connect.has(test_check_connect.connect(d)[1], "error", "source", "file is not a database")
    d.config["source"]["uri"] = f"push:{folder}/none/pushed.db"
    d.write()
    status, texts = test_check_connect.connect(d)
    assert status == 1
    test_check_connect.has(texts, "error", "source", f"the folder {folder}/none: No such file", "let the ingestor's user write there")
