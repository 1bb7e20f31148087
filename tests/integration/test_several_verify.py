# SPDX-License-Identifier: Apache-2.0
"""verify with several sources: each tile by the rows of its source, and what cannot be read hides no other."""

import json
import os

from test_several import await_counts, deployed, rows, two  # noqa: F401


def verified(d, *options):
    result = d.run("verify", "--json", "--timeout", "20s", *options)
    return result.returncode, json.loads(result.stdout)


def test_each_tile_is_proved_by_the_rows_of_its_source(deploy, two):  # noqa: F811
    two["shop"].insert(rows(3))
    two["desk"].insert(rows(4))
    d = deployed(deploy, two).start()
    await_counts(d, shop=3, desk=4, all=7)
    status, found = verified(d)
    assert status == 0, found
    assert found["equal"] == 3 and found["rows"] == 7
    two["desk"].insert(rows(5))
    status, found = verified(d)
    assert status == 0, found
    assert found["rows"] == 12


def test_rows_that_are_gone_leave_the_tiles_of_the_other_source_proved(deploy, two):  # noqa: F811
    two["shop"].insert(rows(3))
    two["desk"].insert(rows(4))
    d = deployed(deploy, two).start()
    await_counts(d, shop=3, desk=4, all=7)
    two["desk"].execute("DELETE FROM events WHERE id = 2")
    status, found = verified(d)
    assert status == 3, found
    assert [f["key"] for f in found["unprovable"]] == ["all", "desk"] and found["equal"] == 1


def test_a_source_that_cannot_be_read_is_named_and_hides_no_other(deploy, two):  # noqa: F811
    two["shop"].insert(rows(3))
    two["desk"].insert(rows(4))
    d = deployed(deploy, two).start()
    await_counts(d, shop=3, desk=4, all=7)
    os.rename(two["desk"].path, f"{two['desk'].path}.away")
    status, found = verified(d, "--allow-stale")
    os.rename(f"{two['desk'].path}.away", two["desk"].path)
    assert status == 3, found
    assert [f["key"] for f in found["unprovable"]] == ["all", "desk"] and found["equal"] == 1
    assert all("source desk cannot be read" in f["reason"] for f in found["unprovable"])
    status, found = verified(d)
    assert status == 0, found
