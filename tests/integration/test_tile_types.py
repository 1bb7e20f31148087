# SPDX-License-Identifier: Apache-2.0
"""Tiles of each type with random rows, of which some are late, through a crash: `verify` computes them by code of its own."""
import pytest

from tilewire import RandomEvents, wait_until

# What is not among the tiles that every test has, or not in each form.
TILES = {
    "number": [
        {"key": f"{aggregate}.{name}", "type": "number", "match": {"event_type": "order.*"}, "aggregate": aggregate, "value": "payload.amount", **span}
        for aggregate in ("sum", "avg", "min", "max", "last")
        for name, span in (("ever", {}), ("week", {"window": "this_week"}), ("seconds", {"window": "3s"}))
    ] + [{"key": "load", "type": "number", "metric": "cpu.load", "aggregate": "avg", "group_by": "payload.labels.host", "window": "10s"}],
}


@pytest.mark.parametrize("name", TILES)
@pytest.mark.parametrize("kind", ["sqlite_table", "postgres_table"])
def test_a_type_shows_what_the_rows_say(deploy, request, name, kind):
    table = request.getfixturevalue(kind)
    d = deploy(table, tiles=TILES[name]).start()
    rows = RandomEvents(16)
    table.insert([rows.next() for _ in range(300)])
    d.verify()
    last = table.insert([rows.next() for _ in range(300)])
    wait_until(lambda: d.stats()["position"] == last)
    d["ingestor"].kill()
    table.insert([rows.next() for _ in range(50)])
    d.start("ingestor")
    d.verify()
    before = d.stats()["position"]
    last = table.insert([rows.next() for _ in range(50)])
    assert last != before
    d.verify()
