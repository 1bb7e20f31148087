# SPDX-License-Identifier: Apache-2.0
"""Several sources as a hostile reviewer has them: one twice, in another order, two of one database, with a standby, with lanes, by each face."""

import json
import os
import random
import signal
import subprocess
import threading

import jsonschema

from conftest import ROOT
from test_dedupe import Retrying
from test_several import TILES, await_counts, deployed, ids, rows, two, with_sources  # noqa: F401
from tilewire import PATIENCE, Postgres, now_iso, wait_until
from websocket import WebSocket


def with_standby(d, **config):
    """A second ingestor that waits for the lease of the first, or owns other lanes."""
    d.config["cache"]["upstreams"] = [{"publish": d.addresses[0], "query": d.addresses[1]}, d.twin("other", "ingestor", **config)]
    d.write()
    return d


def test_the_order_of_the_list_says_nothing_about_tiles(deploy, two):  # noqa: F811
    """Neither which rows they have, nor whether they have them all: one is gone that could not be counted again."""
    two["shop"].insert(rows(3))
    two["desk"].insert(rows(4))
    d = deployed(deploy, two).start()
    await_counts(d, shop=3, desk=4, all=7)
    wait_until(lambda: d.stats()["checkpoint_position"] == 7, what="a checkpoint")
    two["desk"].execute("DELETE FROM events WHERE id = 2")
    with_sources(d, {"desk": two["desk"], "shop": two["shop"]})
    before = len(d["ingestor"].log_text())
    d["ingestor"].process.send_signal(signal.SIGHUP)
    d["ingestor"].await_log("ready component", after=before)
    two["shop"].insert(rows(1))
    await_counts(d, shop=4, desk=4, all=8)
    assert [d.tile(key)["complete"] for key in ("shop", "desk", "all")] == [True, True, True]


def test_one_table_may_be_two_sources(deploy, two):  # noqa: F811
    two["shop"].insert(rows(3))
    d = with_sources(deploy(two["shop"], tiles=TILES), {"shop": two["shop"], "desk": two["shop"]}).start()
    await_counts(d, shop=3, desk=3, all=6)
    d["ingestor"].kill()
    d["ingestor"].start()
    two["shop"].insert(rows(2))
    await_counts(d, shop=5, desk=5, all=10)
    d.verify()


def test_a_table_that_is_missing_holds_up_no_other(deploy, two):  # noqa: F811
    two["desk"].execute("ALTER TABLE events RENAME TO soon")
    two["shop"].insert(rows(2))
    os.rename(two["desk"].path, away := two["desk"].path.with_suffix(".away"))
    d = deployed(deploy, two).start()
    await_counts(d, shop=2)
    d["ingestor"].await_log("cannot open the database .*Tiles of source desk, ")
    os.rename(away, two["desk"].path)
    d["ingestor"].await_log('has no table "events".*Tiles of source desk, ')  # another reason is told, too
    assert d.request("/api/tiles/desk")[0] == d.request("/api/tiles/all")[0] == 404
    two["desk"].execute("ALTER TABLE soon RENAME TO events")
    two["desk"].insert(rows(1))
    await_counts(d, shop=2, desk=1, all=3)
    d.verify()


def test_two_tables_of_one_database_each_wake_their_own(deploy, two, cluster):  # noqa: F811
    """They have one connection each, and one channel may be that of both. No poll is due before the test is over."""
    tables = {"desk": Postgres(cluster), "bank": Postgres(cluster)}
    for table in tables.values():
        table.create()
    tiles = [{**TILES[0], "key": name, "source": name} for name in tables] + [TILES[2]]
    d = with_sources(deploy(two["shop"], tiles=tiles), tables)
    for name, source in zip(tables, d.config["sources"], strict=True):
        source["poll_interval"] = "1h"
        d.write()
        d.run("install-trigger", "--source", name, check=True)
    d.start()
    await_counts(d, desk=0, bank=0, all=0)
    for turn in range(1, 4):
        for table in tables.values():
            table.insert(rows(1))
        await_counts(d, desk=turn, bank=turn, all=2 * turn)
    d.verify()
    for table in tables.values():
        table.close()


def test_rows_of_one_moment_have_one_order(deploy, two):  # noqa: F811
    """A gauge shows the newest row. Of equally old ones it is the same, whichever comes first, and when it is built from the past."""
    gauge = {"key": "load", "type": "gauge", "metric": "load"}
    members = {"key": "by", "type": "count", "group_by": "target_id"}
    d = with_sources(deploy(two["shop"], tiles=[*TILES, gauge, members]), two).start()
    await_counts(d, all=0)

    def insert(at, names):
        for i, name in enumerate(names):
            payload = json.dumps({"metric": "load", "value": 1 + (name == "desk")})
            two[name].insert([(at, "metrics.updated", None, "team", None, payload)])
            wait_until(lambda count=i + 1: d.tile("all")["data"]["value"] % 2 == count % 2, what="the row")

    shown = []
    for names in (["shop", "desk"], ["desk", "shop"]):
        insert(now_iso(), names)
        wait_until(lambda: d.tile("load")["data"]["value"] is not None, what="a value")
        d.verify()
        shown.append(d.tile("load")["data"]["value"])
    assert shown[0] == shown[1], shown
    assert d.tile("by/team")["data"]["value"] == 4
    d.config["tiles"].append({**gauge, "key": "later"})
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    wait_until(lambda: d.request("/api/tiles/later")[0] == 200 and d.tile("later")["data"].get("value") == shown[0], what="the same, later")
    d.verify()


def test_a_standby_goes_on_where_the_leader_was(deploy, two):  # noqa: F811
    r = random.Random(3)
    d = deployed(deploy, two)
    with_standby(d).start("ingestor", "cache", "gateway0", "gateway1")
    d["other"].start().await_log("standing by")
    await_counts(d, all=0)
    streams = [d.stream("/api/events/stream", gateway=i) for i in range(2)]
    sent = {"shop": 0, "desk": 0}
    for leader, waiting in (("ingestor", "other"), ("other", "ingestor"), ("ingestor", "other")):
        for _ in range(20):
            name = r.choice(["shop", "desk"])
            count = r.randrange(1, 4)
            two[name].insert(rows(count))
            sent[name] += count
        before = len(d[waiting].log_text())
        d[leader].kill()
        d[waiting].await_log("ready component", after=before)
        d[leader].start()
    total = sum(sent.values())
    await_counts(d, **sent, all=total)
    wait_until(lambda: all(len(ids(s)) >= total for s in streams), what="all events")
    assert ids(streams[0]) == ids(streams[1]) and len(set(ids(streams[0]))) == len(ids(streams[0])) == total
    assert not [e for s in streams for e in s.events if e["event"] == "reset"]
    d.verify()


def test_lanes_divide_the_tiles_of_several(deploy, two):  # noqa: F811
    """Each ingestor reads all sources; one that is killed stops its own tiles alone, and events are told once."""
    d = deployed(deploy, two)
    d.config["ingestor"].update(lanes=2, own_lanes=[0])
    with_standby(d, own_lanes=[1]).start()
    two["shop"].insert(rows(3))
    two["desk"].insert(rows(2))
    await_counts(d, shop=3, desk=2, all=5)
    for name in ("ingestor", "other"):
        d[name].kill()
        two["desk"].insert(rows(1))
        before = len(d[name].log_text())
        d[name].start().await_log("ready component", after=before)
    await_counts(d, shop=3, desk=4, all=7)
    wait_until(lambda: len(d.get_json("/api/events")["events"]) >= 7, what="all events")
    events = [e["id"] for e in d.get_json("/api/events")["events"]]
    assert len(events) == len(set(events)) == 7
    d.verify()


def test_each_face_resumes_behind_an_id(deploy, two):  # noqa: F811
    d = deployed(deploy, two).start()
    await_counts(d, all=0)
    for name in ("shop", "desk", "shop", "desk", "shop", "desk"):
        two[name].insert(rows(1))
    wait_until(lambda: len(d.get_json("/api/events")["events"]) == 6, what="all events")
    events = d.get_json("/api/events")["events"][::-1]
    order = [e["id"] for e in events]
    schema = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/contracts/event.json").read_text()))
    for event in events:
        schema.validate(event)
    for i, cursor in enumerate(order):
        assert [e["id"] for e in d.get_json(f"/api/events?after={cursor}", gateway=1)["events"]] == order[i + 1 :]
        assert [e["e"]["id"] for e in d.query({"op": "events", "after_id": cursor})["events"]] == order[i + 1 :]
        stream = d.stream(f"/api/events/stream?lastEventId={cursor}", gateway=1)
        socket = WebSocket(d.gateway_ports[i % 2])
        socket.say(subscribe=["*"], stream="events", cursor=cursor)
        heard = [socket.await_message(lambda m: m["event"] != "heartbeat")["id"] for _ in order[i + 1 :]]
        wait_until(lambda s=stream, left=5 - i: len(ids(s)) == left, PATIENCE, "the events behind it")
        assert ids(stream) == heard == order[i + 1 :]
        socket.close()
        stream.close()
    assert d.request("/api/events?after=shop-99")[0] == 404
    assert d.request("/api/events?after=cash-1")[0] == 404
    assert [json.loads(line)["id"] for line in d.run("--json", "events").stdout.splitlines()] == order
    listed = d.run("ls").stdout
    assert all(tile["key"] in listed for tile in TILES), listed


def test_tail_names_each_event_as_all_others_do(deploy, two):  # noqa: F811
    d = deployed(deploy, two).start()
    printed = []
    with subprocess.Popen([d.bin / "tilewire", "-c", d.file, "--json", "tail", "--events"], stdout=subprocess.PIPE, text=True) as tail:
        threading.Thread(target=lambda: printed.extend(tail.stdout), daemon=True).start()

        def heard():
            """It hears what comes once it has connected, and nobody says when that is."""
            two["shop"].insert(rows(1))
            return [line for line in list(printed) if "shop-" in line]

        wait_until(heard, what="tail to hear of a row")
        two["desk"].insert(rows(2))

        def told():
            found = [event["id"] for event in (json.loads(line).get("event") for line in list(printed)) if isinstance(event, dict)]
            order = [e["id"] for e in d.get_json("/api/events?limit=1000")["events"]][::-1]
            return "desk-2" in found and found == order[-len(found) :]

        wait_until(told, what="the same events in the same order")
        tail.send_signal(signal.SIGTERM)
        tail.wait(timeout=PATIENCE)


def test_one_with_dedupe_is_added_and_the_tiles_of_the_others_stay(deploy, two):  # noqa: F811
    """Nothing has to be known of the events of a source that was never read. All tiles were built anew, from the rows that were left."""
    producer = Retrying(two["desk"], 1)
    producer.write(8)
    two["shop"].insert(rows(3))
    d = with_sources(deploy(two["shop"], tiles=[TILES[0], TILES[2]]), {"shop": two["shop"]}).start()
    await_counts(d, shop=3, all=3)
    wait_until(lambda: d.stats()["checkpoint_position"] == d.stats()["position"], what="a checkpoint")
    two["shop"].execute("DELETE FROM events WHERE id = 2")
    two["shop"].insert(rows(1))
    await_counts(d, shop=4, all=4)
    d.config["tiles"] = TILES
    with_sources(d, two)
    d.config["sources"][1]["dedupe"] = "payload.event_id"
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_counts(d, shop=4, desk=len(producer.sent))
    assert d.tile("shop")["complete"]
    producer.write(4)
    d["ingestor"].kill()
    producer.write(4)
    d["ingestor"].start()
    await_counts(d, shop=4, desk=len(producer.sent))
    assert "building all tiles" not in d["ingestor"].log_text().split("building all tiles", 1)[1], "but at the first start"


def test_an_id_counts_once_in_each_source(deploy, two):  # noqa: F811
    """Both producers send the same ids, each some of them twice, and neither's are the other's."""
    producers = {name: Retrying(two[name], 1) for name in two}
    tiles = [*TILES, {"key": "by", "type": "count", "group_by": "payload.team"}]
    d = with_sources(deploy(two["shop"], tiles=tiles), two)
    for source in d.config["sources"]:
        source["dedupe"] = "payload.event_id"
    d.write()
    d.start()

    def sent(**more):
        counts = {name: len(producer.sent) for name, producer in producers.items()}
        return {**counts, "all": sum(counts.values()), **more}

    for _ in range(3):
        for producer in producers.values():
            producer.write(8)
        d["ingestor"].kill()
        for producer in producers.values():
            producer.write(4)
        d["ingestor"].start()
    await_counts(d, **sent())
    assert d.tile("by/a")["data"]["value"] + d.tile("by/b")["data"]["value"] == sent()["all"]
    events = [(e["id"].split("-")[0], e["target_id"]) for e in d.get_json("/api/events?limit=1000")["events"]]
    assert len(events) == len(set(events)) == sent()["all"]
    d.verify()
    # One goes, and comes back; others follow it in the list. A tile of all is built from the past meanwhile.
    whole = d.config["sources"]
    wait_until(lambda: d.stats()["checkpoint_position"] == d.stats()["position"], what="a checkpoint")
    d.config.update(sources=whole[:1], tiles=[TILES[0], TILES[2]])
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_counts(d, shop=sent()["shop"], all=sent()["shop"])
    for producer in producers.values():
        producer.write(4)
    d.config.update(sources=whole[::-1], tiles=tiles)
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    await_counts(d, **sent())
    d.verify()
