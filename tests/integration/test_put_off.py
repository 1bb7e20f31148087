# SPDX-License-Identifier: Apache-2.0
"""Rows from the future that were too many to wait are read again when their time has come: whatever ends the ingestor meanwhile."""
import datetime
import random
import re
import signal
import time

import pytest

from test_clock import DAY, EVER, Clock, assert_all_counted
from test_retention import reload
from tilewire import now_iso, wait_until

ROWS = 150000  # 65,536 may wait; and the more there are the longer reading them again takes


def rows(count, prefix, at=None):
    at = at or now_iso()
    return [(at, "x", None, f"{prefix}{i}", None, None) for i in range(count)]


def behind(d, folder, table, count=ROWS):
    """An ingestor whose clock is a day behind, and so many rows of now, of one moment: none of them waits."""
    clock = Clock(folder, d["ingestor"], -DAY)
    d.start()
    table.insert(rows(count, "i"))
    wait_until(lambda: d.stats()["future_rows_put_off"] == count, what="all rows to be put off")
    wait_until(lambda: (s := d.stats())["checkpoint_position"] == s["position"])
    return clock


def await_halfway(d, count=ROWS):
    """Returns how many rows have been read again, at least."""
    stats = wait_until(lambda: (s := d.stats())["future_rows_reading"] == 1 and s["future_rows_put_off"] < count and s,
                       what="rows to be read again")
    return count - stats["future_rows_put_off"]


def test_an_ingestor_that_is_told_to_end_goes_on_reading_where_it_was(deploy, folder, table):
    """What it has read may be gone from the table by then."""
    d = deploy(table, tiles=EVER)
    clock = behind(d, folder, table)
    clock.set(0)
    read = await_halfway(d)
    d["ingestor"].kill(signal.SIGTERM)
    table.execute(f"DELETE FROM events WHERE id <= {read}")
    d.start("ingestor")
    d["ingestor"].await_log("reading the rows again that were too many to wait goes on")
    assert_all_counted(d, ROWS)


def test_crashes_at_any_moment_while_rows_are_read_again(deploy, folder, table):
    d = deploy(table, tiles=EVER, config={"ingestor": {"checkpoint_interval": "10ms"}})
    clock = behind(d, folder, table)
    clock.set(0)
    for _ in range(5):
        time.sleep(random.uniform(0, 0.5))  # at any moment: nothing is waited for
        d["ingestor"].kill()
        d.start("ingestor")
    assert_all_counted(d, ROWS)
    d.verify()


def test_tiles_change_while_rows_are_read_again(deploy, folder, sqlite_table):
    d = deploy(sqlite_table, tiles=EVER)
    clock = behind(d, folder, sqlite_table)
    clock.set(0)
    await_halfway(d)
    reload(d, [*EVER, {"key": "new", "type": "count"}], wait=False)
    d["ingestor"].await_log("SIGHUP: 2 tile definitions go on, 1 are new or changed, 0 are gone")
    wait_until(lambda: any(t["key"] == "new" and "building" not in t and t["data"]["value"] == ROWS for t in d.get_json("/api/tiles")["tiles"]),
               60, what="the new tile")
    assert_all_counted(d, ROWS)
    d.verify()


def test_a_tile_that_goes_while_rows_are_put_off_is_built_anew_when_it_comes_back(deploy, folder, sqlite_table):
    """It would lack those that are read again without it."""
    tiles = [*EVER, {"key": "away", "type": "count"}]
    d = deploy(sqlite_table, tiles=tiles)
    clock = behind(d, folder, sqlite_table)
    reload(d, EVER, wait=False)
    d["ingestor"].await_log("the state of tile away is not kept, because too many rows wait")
    clock.set(0)
    assert_all_counted(d, ROWS)
    reload(d, tiles)
    wait_until(lambda: d.tile("away")["data"]["value"] == ROWS, 60)
    d.verify()


def moments(log, line):
    """When the log said that."""
    return [datetime.datetime.fromisoformat(m[1]) for m in re.finditer(rf"(?m)^(\S+)Z .*{line}", log)]


@pytest.mark.thorough  # it measures
def test_reading_them_again_takes_a_fifth_of_the_time_at_most(deploy, sqlite_table):
    """Each reading makes room for as many rows as may wait. These are so dense that then the next reading is due at once, and come with
    those first that are furthest ahead, so that others are put off again."""
    d = deploy(sqlite_table, tiles=EVER).start()
    begin = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=25)  # writing them takes a while
    sqlite_table.insert([((begin + datetime.timedelta(microseconds=10 * i)).isoformat(), "x", None, f"i{i}", None, None)
                         for i in reversed(range(250000))])
    wait_until(lambda: d.stats()["future_rows_dropped"] > 0)
    wait_until(lambda: d.tile("ever")["data"]["value"] == 250000 and d.stats()["future_rows_reading"] == 0, what="all rows")
    log = d["ingestor"].log_text()
    begun = moments(log, "are read again beside the others")
    ended = moments(log, "were too many to wait are read again, their time has come")
    assert len(begun) == len(ended) >= 2
    for i, again in enumerate(begun[1:]):
        assert (again - ended[i]).total_seconds() >= 4 * (ended[i] - begun[i]).total_seconds() - 0.02


def test_tiles_say_that_they_lack_rows_whose_time_has_come(deploy, folder, sqlite_table):
    """So `verify` takes none of them for wrong."""
    d = deploy(sqlite_table, tiles=EVER)
    clock = behind(d, folder, sqlite_table)
    clock.set(0)
    await_halfway(d)
    seen = d.tile("ever")
    assert seen["data"]["value"] == ROWS or seen["building"]["progress"] < 1
    assert_all_counted(d, ROWS)
    wait_until(lambda: "building" not in d.tile("ever"))
    d.verify()
