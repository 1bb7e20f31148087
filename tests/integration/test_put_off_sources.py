# SPDX-License-Identifier: Apache-2.0
"""Rows from the future that were too many to wait, with several sources: each is missed, and waited for, for itself."""
import datetime
import random
import signal
import time

import pytest

from conftest import make_table
from test_several import TILES, two, with_sources  # noqa: F401
from test_several_kinds import desk, shop  # noqa: F401
from tilewire import PATIENCE, wait_until

pytestmark = pytest.mark.thorough  # the rows' time comes by the clock, and a machine that is busy with much else may write them for as long

ROWS = 9000
FAT = "x" * 4000  # so that they take more than the 32 MiB that may wait


def rows(count, prefix, ahead_s=0, fill=""):
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=ahead_s)
    return [(at.isoformat(), "order.created", "a", f"{prefix}{i}{fill}", None, None) for i in range(count)]


def put_off(d, few, many):
    """10 rows of one table, and so many from the future of the other that not all can wait."""
    d.start()
    few.insert(rows(10, "s"))
    ahead = rows(ROWS, "d", 25, FAT)  # writing them takes a while
    for i in range(0, ROWS, 100):
        many.insert(ahead[i:i + 100])
    wait_until(lambda: (s := d.stats())["future_rows_waiting"] + s["future_rows_put_off"] == ROWS and s["future_rows_put_off"] > 0,
               what="all rows to have come")


def await_reading(d):
    wait_until(lambda: (s := d.stats())["future_rows_reading"] == 1 or s["future_rows_put_off"] == 0, what="their time to come")


def await_all(d, **counts):
    wait_until(lambda: {t["key"]: t["data"]["value"] for t in d.get_json("/api/tiles")["tiles"] if "building" not in t} == counts,
               what=f"{counts}")


def completes(d):
    return {t["key"]: t["complete"] for t in d.get_json("/api/tiles")["tiles"]}


def test_only_tiles_of_the_source_whose_rows_are_gone_lack_them(deploy, two):  # noqa: F811
    d = with_sources(deploy(two["shop"], tiles=TILES), two)
    put_off(d, two["shop"], two["desk"])
    two["desk"].execute("DELETE FROM events WHERE id > 8900")
    await_all(d, shop=10, desk=8900, all=8910)
    wait_until(lambda: completes(d) == {"shop": True, "desk": False, "all": False})


def test_a_source_that_cannot_be_read_then_keeps_nothing_from_being_saved(deploy, folder, two):  # noqa: F811
    d = with_sources(deploy(two["shop"], tiles=TILES), two)
    put_off(d, two["shop"], two["desk"])
    away = folder / "away.db"
    (folder / "desk.db").rename(away)
    wait_until(lambda: d.stats()["future_rows_reading"] == 1)
    two["shop"].insert(rows(5, "more"))
    # Saving takes a twentieth of the time at most: after one that took seconds on a busy machine the next one waits for minutes.
    wait_until(lambda: d.stats()["checkpoint_position"] == ROWS + 15, 3 * PATIENCE, what="a checkpoint")
    assert d.stats()["future_rows_reading"] == 1
    d["ingestor"].kill()
    away.rename(folder / "desk.db")
    d.start("ingestor")
    await_all(d, shop=15, desk=ROWS, all=ROWS + 15)
    assert completes(d) == {"shop": True, "desk": True, "all": True}
    d.verify()


def test_each_kind_of_source_goes_on_after_crashes(deploy, shop, desk):  # noqa: F811
    """Also when `sources` stand in another order afterwards."""
    tables = {"shop": shop, "desk": desk}
    d = with_sources(deploy(shop, tiles=TILES, config={"ingestor": {"checkpoint_interval": "10ms"}}), tables)
    desk.deployment = d
    put_off(d, shop, desk)
    await_reading(d)
    for turned in (True, False, True):
        time.sleep(random.uniform(0, 0.3))  # at any moment: nothing is waited for
        d["ingestor"].kill()
        with_sources(d, dict(sorted(tables.items(), reverse=turned)))
        d.start("ingestor")
    await_all(d, shop=10, desk=ROWS, all=ROWS + 10)
    d.verify()


@pytest.fixture(params=["sqlite-texts", "postgresql-uuid"])
def texts(request, folder):
    yield from make_table(request.param, request, folder)


def test_tables_by_cursor_go_on_after_crashes(deploy, texts):
    d = deploy(texts, tiles=[{"key": "all", "type": "count"}], config={"ingestor": {"checkpoint_interval": "10ms"}})
    put_off(d, texts, texts)
    await_reading(d)
    for _ in range(3):
        time.sleep(random.uniform(0, 0.3))  # at any moment: nothing is waited for
        d["ingestor"].kill()
        d.start("ingestor")
    await_all(d, all=ROWS + 10)
    d.verify()


def test_duplicates_of_rows_that_are_read_again_count_once(deploy, sqlite_table):
    d = deploy(sqlite_table, tiles=[{"key": "all", "type": "count"}], config={"source": {"dedupe": "target_id"}})
    put_off(d, sqlite_table, sqlite_table)
    sqlite_table.insert(rows(ROWS, "d", 20, FAT))
    await_all(d, all=ROWS + 10)
    d["ingestor"].kill(signal.SIGTERM)
    d.start("ingestor")
    await_all(d, all=ROWS + 10)
    d.verify()
