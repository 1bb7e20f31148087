# SPDX-License-Identifier: Apache-2.0
"""The ingestor's wall clock is wrong, for a moment or for longer. A library that is loaded before others moves it."""
import datetime
import os
import re
import struct
import subprocess
import time

import pytest

from tilewire import now_iso, wait_until

DAY, HOUR = 86400, 3600

TILES = [
    {"key": "minute", "type": "count", "window": "1m", "ttl": "5s"},
    {"key": "hours", "type": "trend", "step": "1m", "length": 120, "aggregate": "count"},
    {"key": "sla", "type": "sla_risk", "opens": {"event_type": "x"}, "closes": {"event_type": "y"}, "item": "target_id", "within": "10m"},
    {"key": "by", "type": "count", "group_by": "target_id"},
]

SHIM = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static volatile int64_t *offset_s;
__attribute__((constructor)) static void begin(void)
{
    const int fd = open(getenv("CLOCK_OFFSET"), O_RDONLY);
    offset_s = mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, fd, 0);
}
int clock_gettime(clockid_t id, struct timespec *t)
{
    const int result = (int)syscall(SYS_clock_gettime, id, t);
    if (id == CLOCK_REALTIME && offset_s != NULL) {
        t->tv_sec += *offset_s;
    }
    return result;
}
"""


class Clock:
    """The wall clock of one program: so many seconds ahead of the machine's."""

    def __init__(self, folder, program, ahead_s=0):
        source, library = folder / "shim.c", folder / "shim.so"
        if not library.exists():
            source.write_text(SHIM)
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        self.file = folder / f"clock-{program.name}"
        self.file.write_bytes(struct.pack("q", ahead_s))
        sanitizer = os.environ.get("ASAN_OPTIONS", "")
        program.command = ["env", f"LD_PRELOAD={library}", f"CLOCK_OFFSET={self.file}",
                           f"ASAN_OPTIONS={sanitizer}{':' if sanitizer else ''}verify_asan_link_order=0", *program.command]

    def set(self, ahead_s):
        with open(self.file, "r+b") as file:
            file.write(struct.pack("q", ahead_s))


def insert(table, count, prefix):
    return table.insert([(now_iso(), "x", None, f"{prefix}{i}", None, None) for i in range(count)])


def assert_shown(d, count):
    """All rows are shown, by tiles that are true for now."""
    tile = wait_until(lambda: (t := d.tile("minute"))["data"]["value"] == count and t, what=f"{count} rows in the window")
    assert abs(time.time() - as_of(tile)) < 30
    assert not tile["stale"]
    wait_until(lambda: sum(d.tile("hours")["data"]["points"].values()) == count)
    assert d.tile("sla")["data"]["ok"] == count
    assert len([tile for tile in d.get_json("/api/tiles")["tiles"] if tile["key"].startswith("by/")]) == count


def as_of(tile):
    return datetime.datetime.fromisoformat(tile["as_of"]["time"]).timestamp()


@pytest.mark.parametrize("jump", [DAY, pytest.param(HOUR, marks=pytest.mark.thorough), -DAY])
def test_a_clock_that_is_wrong_for_a_moment_spoils_nothing(deploy, folder, sqlite_table, jump):
    d = deploy(sqlite_table, tiles=TILES)
    clock = Clock(folder, d["ingestor"])
    d.start()
    insert(sqlite_table, 5, "before")
    assert_shown(d, 5)
    clock.set(jump)
    d["ingestor"].await_log(r"the wall clock jumped by [+-]\d+\.\d s; tiles go on by the time before")
    insert(sqlite_table, 3, "meanwhile")
    assert_shown(d, 8)
    assert d.stats()["clock_held"] == 1
    time.sleep(2)  # for so long the clock is wrong
    assert_shown(d, 8)
    clock.set(0)
    d["ingestor"].await_log("the wall clock is right again")
    insert(sqlite_table, 2, "after")
    assert_shown(d, 10)
    assert (d.stats()["clock_held"], d.stats()["clock_steps"]) == (0, 1)
    d.verify()
    d["ingestor"].kill()
    d.start("ingestor")
    assert_shown(d, 10)
    d.verify()


def test_tiles_of_a_clock_that_was_a_day_ahead_are_right_within_a_minute(deploy, folder, sqlite_table):
    d = deploy(sqlite_table, tiles=TILES)
    clock = Clock(folder, d["ingestor"], DAY)
    d.start()
    insert(sqlite_table, 5, "before")
    wait_until(lambda: d.stats()["checkpoint_position"] == 5)
    assert d.tile("minute")["data"]["value"] == 0, "what such a clock makes of it"
    clock.set(0)
    d["ingestor"].await_log("the tiles are those of a wrong clock", 60)
    d["ingestor"].await_log("the state is of a clock that was ahead of ours: tiles that show a window of time are built again")
    insert(sqlite_table, 2, "after")
    assert_shown(d, 7)
    d.verify()


def test_a_standby_whose_clock_is_right_takes_over_from_one_two_minutes_ahead(deploy, folder, sqlite_table):
    d = deploy(sqlite_table, tiles=TILES)
    second = d.twin("second", "ingestor")
    d.config["cache"]["upstreams"] = [{"publish": d.addresses[0], "query": d.addresses[1]}, second]
    d.write()
    Clock(folder, d["ingestor"], 120)
    d.start("ingestor", "cache", "gateway0", "gateway1")
    insert(sqlite_table, 5, "before")
    wait_until(lambda: d.stats()["checkpoint_position"] == 5)
    d["second"].start()
    d["second"].await_log("standing by")
    d["ingestor"].kill()
    d["second"].await_log("the state is of a clock that was ahead of ours: tiles that show a window of time are built again")
    d["second"].await_log("ready component")
    insert(sqlite_table, 2, "after")
    assert_shown(d, 7)
    d.verify()


TOO_MANY = 70000  # rows that seem to be of the future; 65,536 may wait

EVER = [{"key": "ever", "type": "count"}, {"key": "hours", "type": "trend", "step": "1h", "length": 100, "aggregate": "count"}]


def behind(deploy, folder, table):
    """An ingestor whose clock is a day behind: it has counted 500 rows, and 70,000 of now are too many to wait."""
    d = deploy(table, tiles=EVER)
    clock = Clock(folder, d["ingestor"], -DAY)
    d.start()
    table.insert([(now_iso(-2 * DAY), "x", None, f"old{i}", None, None) for i in range(500)])
    wait_until(lambda: d.tile("ever")["data"]["value"] == 500)
    table.insert([(now_iso(), "x", None, f"i{i}", None, None) for i in range(TOO_MANY)])
    stats = wait_until(lambda: (s := d.stats())["future_rows_waiting"] + s["future_rows_dropped"] == TOO_MANY and s)
    assert 0 < stats["future_rows_waiting"] <= 65536
    assert d.tile("ever")["data"]["value"] == 500
    d["ingestor"].await_log(r"rows wait because their timestamps are in the future; those further ahead are not kept, but read again")
    return d, clock


def assert_all_counted(d, count):
    wait_until(lambda: d.tile("ever")["data"]["value"] == count, 60, what=f"{count} rows")
    wait_until(lambda: sum(d.tile("hours")["data"]["points"].values()) == count)
    assert all(tile["complete"] is True for tile in d.get_json("/api/tiles")["tiles"])
    assert d.stats()["future_rows_waiting"] == 0


@pytest.mark.parametrize("restarted", [False, True], ids=["set right", "started again"])
def test_rows_that_a_clock_that_was_behind_took_for_too_many_of_the_future_are_counted_in_the_end(deploy, folder, table, restarted):
    """And what was counted before stays, though a retention job has taken its rows."""
    d, clock = behind(deploy, folder, table)
    table.execute("DELETE FROM events WHERE target_id LIKE 'old%'")
    if restarted:
        wait_until(lambda: d.stats()["checkpoint_position"] == 500 + TOO_MANY)
        d["ingestor"].kill()
        clock.set(0)
        d.start("ingestor")
    else:
        clock.set(0)
    assert_all_counted(d, 500 + TOO_MANY)
    table.insert([(now_iso(), "x", None, f"after{i}", None, None) for i in range(7)])
    assert_all_counted(d, 507 + TOO_MANY)
    d["ingestor"].await_log("rows from the future that were too many to wait are read again")
    wait_until(lambda: d.stats()["checkpoint_position"] == 507 + TOO_MANY)
    d["ingestor"].kill()
    d.start("ingestor")
    assert_all_counted(d, 507 + TOO_MANY)


def test_rows_that_were_too_many_to_wait_and_are_gone_when_their_time_comes_are_missed(deploy, folder, sqlite_table):
    d, clock = behind(deploy, folder, sqlite_table)
    put_off = d.stats()["future_rows_dropped"]
    sqlite_table.db.execute("DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY timestamp DESC, id DESC LIMIT 100)")
    clock.set(0)
    d["ingestor"].await_log(r"100 rows whose timestamps were in the future, and which were too many to wait, are gone", 60)
    wait_until(lambda: d.tile("ever")["complete"] is False and d.tile("ever")["data"]["value"] == 500 + TOO_MANY - 100)
    assert put_off > 100


def test_a_crash_while_rows_that_were_too_many_to_wait_are_read_counts_none_twice(deploy, folder, sqlite_table):
    d, clock = behind(deploy, folder, sqlite_table)
    wait_until(lambda: d.stats()["checkpoint_position"] == 500 + TOO_MANY)
    clock.set(0)
    d["ingestor"].await_log("were too many to wait, and their time has come", 60)
    d["ingestor"].kill()
    d.start("ingestor")
    assert_all_counted(d, 500 + TOO_MANY)
    d.verify()


def clocks_of_metrics(d):
    """What a gateway says of clocks, in seconds; None: not known."""
    text = d.request("/metrics")[2].decode()
    return {name: float(value) if value != "NaN" else None
            for name, value in re.findall(r"^tilewire_gateway_(rows_ahead|row_age|database_clock_ahead)_seconds (\S+)$", text, re.M)}


@pytest.mark.parametrize("ahead_s", [50, -50])
def test_the_clocks_of_the_rows_of_the_database_and_ours_are_told_apart(deploy, folder, every_table, ahead_s):
    """A wrong clock of the ingestor: it is away from both of the others."""
    d = deploy(every_table, tiles=[{"key": "ever", "type": "count"}])
    Clock(folder, d["ingestor"], ahead_s)
    d.start()
    assert clocks_of_metrics(d).items() >= {"rows_ahead": 0, "row_age": None}.items()
    insert(every_table, 3, "i")
    stats = wait_until(lambda: (s := d.stats())["position"] == 3 and "row_age_ms" in s and s)
    age_ms = stats["row_age_ms"]
    assert -5 <= age_ms - ahead_s * 1000 < 10000  # both are cut to milliseconds, and the clock that was moved is read twice
    assert stats["rows_ahead"] == (3 if ahead_s < 0 else 0)
    assert -5 <= stats["rows_ahead_ms"] + min(age_ms, 0) < 10000
    if every_table.kind == "postgresql":
        assert abs(stats["database_clock_ahead_ms"] + ahead_s * 1000) <= stats["database_clock_uncertain_ms"]
    else:
        assert "database_clock_ahead_ms" not in stats
    wait_until(lambda: (clocks := clocks_of_metrics(d))["row_age"] is not None and abs(clocks["row_age"] * 1000 - age_ms) < 1
               and abs(clocks["rows_ahead"] * 1000 - stats["rows_ahead_ms"]) <= 1)
    shown = clocks_of_metrics(d)["database_clock_ahead"]
    assert shown is None if every_table.kind != "postgresql" else abs(shown + ahead_s) < 10
