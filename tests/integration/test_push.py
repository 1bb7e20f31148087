# SPDX-License-Identifier: Apache-2.0
"""Events that Tilewire keeps itself: pushed by programs, stored with an fsync, read as any table."""
import concurrent.futures
import json
import os
import pathlib
import signal
import sqlite3
import subprocess

import pytest
import zmq

from tilewire import PATIENCE, wait_until

TILES = [{"key": "deploys", "type": "count", "match": {"event_type": "deploy"}},
         {"key": "amounts", "type": "trend", "match": {"event_type": "sale"}, "step": "1d", "length": 3, "aggregate": "sum",
          "value": "payload.amount"}]


class PushFile:
    """What stands for a table: the file is made by the ingestor."""
    kind = "push"

    def __init__(self, path, **source):
        self.path = pathlib.Path(path)
        self.uri = f"push:{self.path}"
        self.source = source

    def rows(self, sql="SELECT id FROM events ORDER BY id"):
        with sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=30) as db:
            return db.execute(sql).fetchall()


@pytest.fixture()
def pushed(folder):
    return PushFile(folder / "pushed.db")


def push(d, *events, key=None, of="ingestor"):
    request = {"op": "push", "events": list(events)} | ({"key": key} if key else {})
    return d.query(request, of)


def test_what_is_pushed_is_stored_counted_and_proved(deploy, pushed):
    d = deploy(pushed, tiles=TILES).start()
    assert os.stat(pushed.path).st_mode & 0o777 == 0o600
    assert push(d, {"event_type": "deploy", "summary": "v42"}) == {"first": 1, "count": 1, "repeated": False}
    answer = push(d, {"event_type": "deploy"}, {"event_type": "sale", "payload": '{"amount":2.50}'})
    assert answer == {"first": 2, "count": 2, "repeated": False}
    assert pushed.rows("SELECT id, event_type, payload FROM events") == [
        (1, "deploy", None), (2, "deploy", None), (3, "sale", '{"amount":2.50}')]
    wait_until(lambda: d.tile("deploys")["data"]["value"] == 2 and sum(d.tile("amounts")["data"]["points"].values()) == 2.5)
    d.verify()
    assert push(d, {"event_type": "deploy"}, of="cache")["error"]["code"] == "unknown_op"


def test_tilewire_push(deploy, pushed):
    d = deploy(pushed, tiles=TILES, gateways=0).start()
    assert d.run("push", "deploy", "--summary", "v42", "--actor", "ada", "--payload", '{"n":12345678901234567890123}').stdout == "1\n"
    assert pushed.rows("SELECT summary, actor_id, payload FROM events") == [("v42", "ada", '{"n":12345678901234567890123}')]
    assert d.run("push", "deploy", "--key", "a").stdout == "2\n"
    assert d.run("push", "deploy", "--key", "a").stdout == "2 (repeated)\n"
    other = d.run("push", "deploy", "--key", "a", "--actor", "bob")
    assert other.returncode == 1 and "was used for other events" in other.stdout
    command = [str(d.bin / "tilewire"), "-c", str(d.file), "push", "--json", "-"]
    lines = "\n".join(json.dumps({"event_type": "deploy", "summary": "x" * 400, "target_id": i}) for i in range(3000))
    out = subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE).stdout
    answers = [json.loads(line) for line in out.splitlines()]
    assert len(answers) > 1 and answers[-1]["last"] == 3002 and sum(a["events"] for a in answers) == 3000
    assert pushed.rows("SELECT target_id FROM events WHERE id > 2 ORDER BY id") == [(str(i),) for i in range(3000)]


def test_a_push_with_a_fault_stores_nothing(deploy, pushed):
    d = deploy(pushed, tiles=TILES, gateways=0).start()
    good = {"event_type": "deploy"}
    for bad, words in (({"event_type": ""}, "event_type is missing"), ({"event_type": "a", "id": 7}, "no field of an event"),
                       ({"event_type": "a", "payload": "{"}, "no JSON"), ({"event_type": 7}, "no text"), (7, "no map")):
        error = push(d, good, bad, key="k")["error"]
        assert error["code"] == "bad_request" and error["message"].startswith("event 2: ") and words in error["message"], error
    assert push(d)["error"]["code"] == "bad_request"
    assert d.query({"op": "push", "events": [good], "key": ""}, "ingestor")["error"]["code"] == "bad_request"
    assert pushed.rows() == []
    assert push(d, good, key="k")["repeated"] is False


def test_what_was_answered_survives_kill_9_exactly_once(deploy, pushed):
    """Several push at once while the ingestor is killed again and again. Who gets no answer repeats with the same key."""
    d = deploy(pushed, tiles=TILES, gateways=1).start()

    def ask(key):
        while True:
            try:
                answer = d.query({"op": "push", "events": [{"event_type": "deploy", "target_id": key}], "key": key}, "ingestor", 2000)
            except zmq.Again:
                continue
            if "error" not in answer:
                return key, answer["first"]
            assert answer["error"]["code"] == "unavailable", answer

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        work = [pool.submit(ask, f"k{i}") for i in range(400)]
        for part in (40, 120, 250):
            wait_until(lambda n=part: sum(w.done() for w in work) >= n, 120)
            d["ingestor"].kill(signal.SIGKILL)
            d["ingestor"].start()
        answers = dict(w.result(timeout=120) for w in work)
    rows = pushed.rows("SELECT target_id, id FROM events")
    assert len(rows) == 400 and dict(rows) == answers
    wait_until(lambda: d.tile("deploys")["data"]["value"] == 400)
    d.verify()


def test_a_standby_takes_none_and_says_who_leads(deploy, pushed):
    d = deploy(pushed, tiles=TILES, gateways=0).start()
    d.twin("standby", "ingestor")
    d["standby"].start().await_log("standing by")
    wait_until(lambda: "holds" in push(d, {"event_type": "deploy"}, of="standby").get("error", {}).get("message", ""))
    assert push(d, {"event_type": "deploy"})["first"] == 1
    d["ingestor"].kill(signal.SIGKILL)
    wait_until(lambda: push(d, {"event_type": "deploy"}, key="once", of="standby").get("first") == 2)
    assert push(d, {"event_type": "deploy"}, key="once", of="standby") == {"first": 2, "count": 1, "repeated": True}


def test_what_is_too_old_is_deleted_and_the_tiles_stay(deploy, folder):
    pushed = PushFile(folder / "pushed.db", keep="1s")
    d = deploy(pushed, tiles=TILES, gateways=1).start()
    assert push(d, *[{"event_type": "deploy"}] * 5000)["count"] == 5000
    wait_until(lambda: d.stats()["pushed_events_deleted"] == 5000 and pushed.rows() == [])
    assert push(d, {"event_type": "deploy"})["first"] == 5001
    wait_until(lambda: d.tile("deploys")["data"]["value"] == 5001)
    assert d.tile("deploys").get("complete") is not False
    wait_until(lambda: d.stats()["pushed_events_deleted"] == 5001)
    d["ingestor"].kill(signal.SIGKILL)
    d.start("ingestor")
    assert push(d, {"event_type": "deploy"})["first"] == 5002
    wait_until(lambda: d.tile("deploys")["data"]["value"] == 5002)


def test_a_disk_that_is_full_acknowledges_nothing(deploy, small_disk):
    pushed = PushFile(small_disk / "pushed.db")
    d = deploy(pushed, tiles=TILES, gateways=1).start()
    assert push(d, {"event_type": "deploy"})["first"] == 1
    filler = small_disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    stored, answer = 1, {}
    while "error" not in answer:  # there may be room in a page or two
        answer = push(d, *[{"event_type": "deploy", "summary": "x" * 1000}] * 10)
        stored += answer.get("count", 0)
    assert answer["error"]["code"] == "full" and "disk" in answer["error"]["message"], answer
    filler.unlink()
    assert wait_until(lambda: push(d, {"event_type": "deploy"}).get("first")) == stored + 1
    assert len(pushed.rows()) == stored + 1
    wait_until(lambda: d.tile("deploys")["data"]["value"] == stored + 1)


def test_another_programs_database_is_left_alone(deploy, pushed):
    with sqlite3.connect(pushed.path) as db:
        db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY)")
    d = deploy(pushed, tiles=TILES, gateways=0)
    d["ingestor"].start().await_log("is no file of pushed events")
    assert pushed.rows("SELECT name FROM sqlite_master") == [("events",)]
