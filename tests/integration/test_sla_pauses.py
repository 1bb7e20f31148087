# SPDX-License-Identifier: Apache-2.0
"""Clocks of items that stand still, and deadlines that are kept: late rows, crashes, business time, and `tilewire verify`."""
import copy
import signal

import pytest

from test_sla_calendar import DESK, dues, risks, utc
from test_local_time import Past
from tilewire import RandomEvents, wait_until

ITEMS = {"type": "sla_risk", "opens": {"event_type": "open"}, "closes": {"event_type": "close"}, "item": "target_id", "within": "8h", "at_risk": "2h"}
PAUSES = {"pauses": {"event_type": "wait"}, "resumes": {"event_type": "answer"}}
KEPT = {"pauses": {"event_type": ["wait", "close"]}, "resumes": {"event_type": "answer"}, "reopen": "keep"}
WORK = {"type": "sla_risk", "opens": {"event_type": "work_item_created"}, "closes": {"event_type": "work_item_done"}, "item": "target_id", "within": "20s"}
STOPS = {"pauses": {"event_type": "work_item_blocked"}, "resumes": {"event_type": "work_item_claimed"}}


@pytest.fixture
def at(deploy, folder, sqlite_table):
    """Starts a deployment at a local time of Berlin, with one tile and rows of (local time, type, item)."""
    def insert(*rows):
        last = sqlite_table.insert([(utc(when), kind, None, item, None, None) for when, kind, item in rows])
        wait_until(lambda: d.stats()["position"] == last)

    d = deploy(sqlite_table, config={"calendars": [DESK]}, tiles=[])

    def begin(local, tile, *rows):
        d.config["tiles"] = [{name: value for name, value in {"key": "sla", **ITEMS, **tile}.items() if value is not None}]
        d.write()
        past = Past(d, folder)
        past.set(local)
        d.start()
        insert(*rows)
        return d, past, insert
    return begin


def paused(d):
    return d.tile("sla")["data"]["paused"]


def test_the_day_of_the_documentation(at):
    """And rows that come late: the pause was half as long, and there was one more."""
    d, past, insert = at("2026-11-26 19:00:00", PAUSES, ("2026-11-26 09:00", "open", "t"), ("2026-11-26 11:00", "wait", "t"))
    wait_until(lambda: paused(d) == 1)
    assert risks(d) == (0, 0, 0) and dues(d) == {}
    past.verify()
    insert(("2026-11-26 15:00", "answer", "t"))
    wait_until(lambda: dues(d) == {"t": utc("2026-11-26 21:00")})
    assert risks(d) == (0, 1, 0) and paused(d) == 0
    insert(("2026-11-26 13:00", "answer", "t"))
    wait_until(lambda: dues(d) == {"t": utc("2026-11-26 19:00")})
    assert risks(d) == (0, 0, 1)
    insert(("2026-11-26 16:00", "wait", "t"), ("2026-11-26 18:30", "answer", "t"))
    wait_until(lambda: dues(d) == {"t": utc("2026-11-26 21:30")})
    past.verify()


def test_what_happens_after_the_deadline_does_not_help(at):
    d, past, _ = at("2026-11-26 19:00:00", PAUSES, ("2026-11-26 09:00", "open", "t"), ("2026-11-26 17:00", "wait", "t"))
    wait_until(lambda: risks(d) == (0, 0, 1))
    assert paused(d) == 0 and dues(d) == {"t": utc("2026-11-26 17:00")}
    past.verify()


def test_only_business_time_passes_around_a_pause(at):
    """Thursday 16:00 to 17:00, then it waits until Saturday; 7 of 8 hours are left for Monday, which has 10."""
    d, past, insert = at("2026-11-28 12:00:00", {**PAUSES, "calendar": "desk"},
                         ("2026-11-26 16:00", "open", "t"), ("2026-11-26 17:00", "wait", "t"), ("2026-11-28 11:00", "answer", "t"))
    wait_until(lambda: dues(d) == {"t": utc("2026-11-30 15:00")})
    past.verify()
    insert(("2026-11-27 10:00", "answer", "t"), ("2026-11-27 12:00", "wait", "t"))
    wait_until(lambda: dues(d) == {"t": utc("2026-11-30 13:00")})
    past.verify()


def test_a_duration_is_in_business_time(at):
    """From Friday 17:00 to Monday 09:00 the desk was open for 2 hours, and for 10 more until Tuesday 09:00."""
    d, past, insert = at("2026-12-01 12:00:00", {"type": "duration", "window": "30d", "calendar": "desk", "within": None, "at_risk": None},
                         ("2026-11-27 17:00", "open", "t"), ("2026-12-01 09:00", "close", "t"),
                         ("2026-11-28 09:00", "open", "u"), ("2026-11-29 09:00", "close", "u"),
                         ("1999-11-28 09:00", "open", "v"), ("2026-11-29 09:00", "close", "v"))
    wait_until(lambda: d.tile("sla")["data"]["count"] == 3)
    past.verify()
    insert(("2026-11-30 09:00", "close", "t"))
    wait_until(lambda: d.tile("sla")["data"]["p50"] == pytest.approx(7200, rel=0.008))
    past.verify()


def test_a_deadline_is_kept_and_time_stands_still_while_it_is_closed(at):
    d, past, insert = at("2026-11-26 19:00:00", KEPT, ("2026-11-26 09:00", "open", "t"), ("2026-11-26 11:00", "close", "t"))
    wait_until(lambda: risks(d) == (0, 0, 0))
    past.verify()
    insert(("2026-11-26 18:00", "open", "t"))
    wait_until(lambda: dues(d) == {"t": utc("2026-11-27 00:00")})
    insert(("2026-11-26 08:00", "open", "t"))
    wait_until(lambda: dues(d) == {"t": utc("2026-11-26 23:00")})
    past.verify()


def test_a_kept_deadline_passes_while_the_item_is_closed(at):
    d, past, insert = at("2026-11-26 19:00:00", {"reopen": "keep"}, ("2026-11-26 09:00", "open", "t"), ("2026-11-26 11:00", "close", "t"))
    insert(("2026-11-26 18:00", "open", "t"))
    wait_until(lambda: dues(d) == {"t": utc("2026-11-26 17:00")})
    assert "paused" not in d.tile("sla")["data"]
    past.verify()


def test_more_pauses_than_count(at):
    """Of 40 pauses of a minute those of the last 64 rows count, whichever comes first; the others are counted."""
    rows = [(f"2026-11-26 10:{minute:02}", "wait" if minute % 2 == 0 else "answer", "t") for minute in range(60)]
    rows += [(f"2026-11-26 11:{minute:02}", "wait" if minute % 2 == 0 else "answer", "t") for minute in range(20)]
    d, past, _ = at("2026-11-26 19:00:00", PAUSES, ("2026-11-26 09:00", "open", "t"), *reversed(rows))
    wait_until(lambda: dues(d) == {"t": utc("2026-11-26 17:32")})
    assert d.stats()["pauses_dropped"] == 16
    past.verify()


def test_random_rows_and_crashes(deploy, every_table):
    """`kill -9` between rows that come late, and each time the tiles are what all rows make of them."""
    tiles = [{"key": "plain", **WORK}, {"key": "stops", **WORK, **STOPS}, {"key": "keeps", **WORK, "reopen": "keep"},
             {"key": "both", **WORK, **STOPS, "reopen": "keep"},
             {"key": "by", **WORK, **STOPS, "reopen": "keep", "group_by": "payload.team"},
             {"key": "closed", **WORK, **STOPS, "pauses": {"event_type": ["work_item_blocked", "work_item_done"]}, "reopen": "keep"}]
    d = deploy(every_table, tiles=[copy.deepcopy(tile) for tile in tiles], gateways=1).start()
    rows = RandomEvents(16)
    for _ in range(4):
        every_table.insert([rows.next() for _ in range(150)])
        wait_until(lambda: d.stats()["position"] == rows.count and d.stats()["checkpoint_position"] == rows.count)
        every_table.insert([rows.next() for _ in range(50)])
        d["ingestor"].kill(signal.SIGKILL)
        d.start("ingestor")
        d["ingestor"].await_log("going on after position")
        wait_until(lambda: d.stats()["position"] == rows.count)
        d.verify()
    data = {key: d.tile(key)["data"] for key in ("plain", "stops", "keeps", "both")}
    assert data["stops"]["paused"] > 0 and data["both"]["paused"] > 0 and "paused" not in data["plain"]
    assert data["plain"] != data["keeps"], "some were opened again"
