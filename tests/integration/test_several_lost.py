# SPDX-License-Identifier: Apache-2.0
"""Of several sources the database of one goes back to a backup: its tiles are right then, and those of the others never changed."""

import pytest

from test_lost_rows import PostgresFolder
from test_outages import own_server, own_table  # noqa: F401 (fixtures)
from test_several import TILES, await_counts, ids, rows, two, with_sources  # noqa: F401
from tilewire import wait_until


@pytest.mark.parametrize("point_in_time", [True, False], ids=["to a point in time", "as it was"])
def test_a_database_that_is_restored_costs_the_others_nothing(deploy, two, own_table, point_in_time):  # noqa: F811
    desk = own_table
    desk.insert(rows(4))
    two["shop"].insert(rows(3))
    d = with_sources(deploy(two["shop"], tiles=TILES), {"shop": two["shop"], "desk": desk}).start()
    await_counts(d, shop=3, desk=4, all=7)
    folder = PostgresFolder(desk, d)
    folder.save()
    stream = d.stream("/api/events/stream")
    desk.insert(rows(5))
    await_counts(d, shop=3, desk=9, all=12)
    wait_until(lambda: d.stats()["checkpoint_position"] == d.stats()["position"], what="a checkpoint")
    two["shop"].execute("DELETE FROM events WHERE id = 1")
    folder.restore((lambda: desk.insert(rows(7))) if point_in_time else None)
    if not point_in_time:
        desk.insert(rows(7))
    await_counts(d, shop=3, desk=11, all=13)
    wait_until(lambda: any(e["event"] == "reset" for e in stream.events), what="reset")
    assert [d.tile(key)["complete"] for key in ("shop", "desk", "all")] == [True, True, False]
    two["shop"].insert(rows(1))
    await_counts(d, shop=4, desk=11, all=14)
    d.problems = d.stop()
