# SPDX-License-Identifier: Apache-2.0
"""Deadlines in business time: hours, holidays and both changes of the clock, late rows, restarts, reloads, and `tilewire verify`."""
import copy
import datetime
import signal

import pytest

from test_local_time import BERLIN, Past
from tilewire import wait_until

WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "08:00-18:00")
DESK = {"name": "desk", "time_zone": "Europe/Berlin", **WEEK, "holidays": ["2026-12-25"]}
NIGHT = {"name": "night", "time_zone": "Europe/Berlin", **dict.fromkeys((*WEEK, "sat", "sun"), "00:00-04:00")}
CONFIG = {"calendars": [DESK, NIGHT]}
ITEMS = {"type": "sla_risk", "opens": {"event_type": "open"}, "closes": {"event_type": "close"}, "item": "target_id"}
SLA = {"key": "sla", **ITEMS, "within": "4h", "at_risk": "1h", "calendar": "desk"}
NIGHTLY = {"key": "nightly", **ITEMS, "within": "4h", "at_risk": "1h", "calendar": "night"}
ALL_HOURS = {"key": "all-hours", **ITEMS, "within": "4h", "at_risk": "1h"}


def utc(local):
    """A local time of Berlin as the tiles write moments."""
    at = datetime.datetime.fromisoformat(local).replace(tzinfo=BERLIN).astimezone(datetime.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def insert(table, *rows):
    """Rows of (local time, type, item)."""
    return table.insert([(utc(at), kind, None, item, None, None) for at, kind, item in rows])


def risks(d, key="sla"):
    data = d.tile(key)["data"]
    return data["ok"], data["at_risk"], data["breached"]


def dues(d, key="sla"):
    return {item["id"]: item["due_at"] for item in d.tile(key)["data"]["worst"]}


@pytest.fixture
def at(deploy, folder, sqlite_table):
    """Starts a deployment at a local time of Berlin."""
    def begin(local, tiles, rows):
        d = deploy(sqlite_table, config=copy.deepcopy(CONFIG), tiles=[copy.deepcopy(tile) for tile in tiles])
        past = Past(d, folder)
        past.set(local)
        d.start()
        last = insert(sqlite_table, *rows)
        wait_until(lambda: d.stats()["position"] == last)
        return d, past
    return begin


def test_the_day_of_a_service_desk(at):
    """2026-11-27 is a Friday."""
    d, past = at("2026-11-27 17:59:00", [SLA, ALL_HOURS],
                 [("2026-11-27 09:00", "open", "breached"), ("2026-11-27 14:30", "open", "at-risk"), ("2026-11-27 16:00", "open", "over-sunday")])
    wait_until(lambda: dues(d) == {"breached": utc("2026-11-27 13:00"), "at-risk": utc("2026-11-30 08:30"), "over-sunday": utc("2026-11-30 10:00")})
    assert risks(d) == (1, 1, 1)
    assert dues(d, "all-hours")["over-sunday"] == utc("2026-11-27 20:00")
    past.verify()


def test_a_tile_turns_when_business_time_passes_and_no_row_comes(at):
    """At risk from Friday 17:00 on, when an hour is left, which is Monday's first."""
    d, past = at("2026-11-27 16:59:52", [SLA], [("2026-11-27 14:00", "open", "a")])
    wait_until(lambda: risks(d) == (1, 0, 0))
    wait_until(lambda: risks(d) == (0, 1, 0))
    past.verify()
    d.stop()
    past.set("2026-11-30 07:00:00")
    d.start()
    wait_until(lambda: risks(d) == (0, 0, 1))
    past.verify()


def test_a_weekend_is_no_time(at):
    d, past = at("2026-11-29 12:00:00", [SLA], [("2026-11-27 15:30", "open", "a"), ("2026-11-28 11:00", "open", "b")])
    wait_until(lambda: dues(d) == {"a": utc("2026-11-30 09:30"), "b": utc("2026-11-30 12:00")})
    assert risks(d) == (2, 0, 0)
    past.verify()
    d.stop()
    past.set("2026-11-30 09:29:55")
    d.start()
    wait_until(lambda: risks(d) == (1, 1, 0))
    wait_until(lambda: risks(d) == (1, 0, 1))
    past.verify()


def test_a_holiday_is_no_time(at):
    d, past = at("2026-12-26 12:00:00", [SLA], [("2026-12-24 16:00", "open", "a"), ("2026-12-25 10:00", "open", "b")])
    wait_until(lambda: dues(d) == {"a": utc("2026-12-28 10:00"), "b": utc("2026-12-28 12:00")})
    past.verify()


@pytest.mark.parametrize(("day", "due"), [("2026-03-29", "2026-03-30 01:00"), ("2026-10-25", "2026-10-25 03:00")])
def test_hours_over_a_change_of_the_clock_are_as_long_as_they_are(at, day, due):
    """From 00:00 to 04:00 the night has 3 hours when the clock is put forward, and 5 when it is put back."""
    d, past = at(f"{day} 12:00:00", [NIGHTLY], [(f"{day} 00:00", "open", "a")])
    wait_until(lambda: dues(d, "nightly") == {"a": utc(due)})
    past.verify()


def test_late_rows_and_reopening(at, sqlite_table):
    d, past = at("2026-11-27 12:00:00", [SLA], [("2026-11-27 11:00", "open", "a"), ("2026-11-27 11:30", "close", "b")])
    insert(sqlite_table, ("2026-11-27 09:00", "open", "b"), ("2026-11-26 17:00", "open", "a"), ("2026-11-26 16:00", "open", "late"))
    wait_until(lambda: dues(d) == {"a": utc("2026-11-27 15:00"), "late": utc("2026-11-27 10:00")})
    assert risks(d) == (1, 0, 1)
    insert(sqlite_table, ("2026-11-27 11:45", "open", "b"))
    wait_until(lambda: dues(d).get("b") == utc("2026-11-27 15:45"))
    past.verify()


def test_the_time_depends_on_the_priority(at, sqlite_table):
    d, past = at("2026-11-27 12:00:00", [{"key": "sla", **ITEMS, "priority": "payload.priority", "targets": {"p1": "1h", "p*": "4h", "7": "8h"},
                                          "calendar": "desk"}],
                 [("2026-11-27 11:00", "close", "x")])
    opened = utc("2026-11-27 11:30")
    payloads = {"one": '{"priority": "p1"}', "three": '{"priority": "p3"}', "seven": '{"priority": 7}',
                "other": '{"priority": "x"}', "none": "{}", "empty": '{"priority": ""}'}
    sqlite_table.insert([(opened, "open", None, item, None, payload) for item, payload in payloads.items()])
    wait_until(lambda: dues(d) == {"one": utc("2026-11-27 12:30"), "three": utc("2026-11-27 15:30"), "seven": utc("2026-11-30 09:30")})
    assert risks(d) == (6, 0, 0)  # at risk a quarter of the shortest before
    past.verify()
    sqlite_table.insert([(utc("2026-11-27 10:00"), "open", None, "seven", None, '{"priority": "p1"}'),  # late, and no longer so
                         (utc("2026-11-27 11:45"), "open", None, "three", None, '{"priority": "p1"}')])
    wait_until(lambda: dues(d)["three"] == utc("2026-11-27 12:45"))
    assert dues(d)["seven"] == utc("2026-11-30 09:30")
    past.verify()


def test_a_restart_keeps_the_deadlines(at):
    d, past = at("2026-11-27 12:00:00", [SLA], [("2026-11-27 11:00", "open", "a"), ("2026-11-26 16:00", "open", "b")])
    wait_until(lambda: d.stats()["checkpoint_position"] == 2)
    d["ingestor"].kill()
    d.start("ingestor")
    d["ingestor"].await_log("going on after position")
    wait_until(lambda: risks(d) == (1, 0, 1))
    assert dues(d) == {"a": utc("2026-11-27 15:00"), "b": utc("2026-11-27 10:00")}
    past.verify()


def test_another_calendar_is_taken_by_a_reload_and_builds_its_tiles_alone_anew(at):
    d, past = at("2026-11-27 12:00:00", [SLA, NIGHTLY, ALL_HOURS], [("2026-11-27 11:00", "open", "a")])
    wait_until(lambda: dues(d) == {"a": utc("2026-11-27 15:00")})
    d.config["calendars"][0]["fri"] = ["08:00-12:00", "13:00-16:00"]
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    d["ingestor"].await_log("SIGHUP: 2 tile definitions go on")
    wait_until(lambda: dues(d) == {"a": utc("2026-11-27 16:00")})
    past.verify()


def test_what_is_wrong_in_a_calendar_is_named_with_its_place(deploy, sqlite_table):
    d = deploy(sqlite_table, config={"calendars": [{**DESK, "mon": "18:00-08:00"}]}, tiles=[SLA])
    result = d.run("check")
    assert result.returncode == 2
    line = next(i for i, text in enumerate(d.file.read_text().split("\n"), 1) if "18:00-08:00" in text)
    assert f"{d.file}:{line}:" in result.stdout
    assert 'calendar "desk": mon: the hours end before they begin' in result.stdout
