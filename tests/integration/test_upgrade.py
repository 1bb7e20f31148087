# SPDX-License-Identifier: Apache-2.0
"""The checkpoint of a version before 0.2, which was one piece, is taken over: no tile is built again, though the rows that it was made of
are gone. upgrade/KIND.checkpoint is one that such a program (of 2026-11-26) wrote, of the rows and tiles below."""
import json
import pathlib
import struct

import msgpack
import pytest

from tilewire import now_iso, wait_until

FIXTURES = pathlib.Path(__file__).parent / "upgrade"
TILES = [
    {"key": "ever", "type": "count", "match": {"event_type": "order.*"}},
    {"key": "recent", "type": "count", "window": "1h"},
    {"key": "days", "type": "trend", "step": "1d", "length": 7, "aggregate": "sum", "value": "payload.amount"},
    {"key": "last", "type": "trend", "metric": "depth", "step": "1m", "length": 10, "aggregate": "last"},
    {"key": "depth", "type": "gauge", "metric": "depth"},
    {"key": "depth.now", "type": "count", "metric": "depth"},
    {"key": "tickets", "type": "sla_risk", "opens": {"event_type": "ticket.opened"}, "closes": {"event_type": "ticket.closed"},
     "item": "target_id", "within": "1h", "at_risk": "5m"},
    {"key": "work", "type": "backlog", "item": "target_id", "breakdown": "payload.region",
     "states": {"ticket.opened": "open", "ticket.taken": "taken", "ticket.closed": None}},
    {"key": "regions", "type": "count", "match": {"event_type": "order.*"}, "group_by": "payload.region", "idle": "366d"},
]


def old_rows():
    """300 rows of a day that is over, and one whose time has not come."""
    rows = []
    for i in range(300):
        stamp = f"2026-11-20T{i // 60:02}:{i % 60:02}:00.000Z"
        kind = ["order.created", "metrics.updated", "ticket.opened", "ticket.taken", "ticket.closed"][i % 5]
        payload = {"region": f"r{i % 3}", "amount": i * 0.5}
        if kind == "metrics.updated":
            payload = {"metric": "depth", "value": i * 37 % 101}
        target = f"t{i // (5 + i % 4)}" if kind.startswith("ticket") else None
        rows.append((stamp, kind, None, target, None, json.dumps(payload)))
    return [*rows, ("2126-01-01T00:00:00.000Z", "order.created", None, None, None, None)]


def fnv1a(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return value


def framed(data):
    return b"TILEWIRE" + struct.pack("<QQQ", 1, len(data), fnv1a(data)) + data


def of_this_table(checkpoint, table):
    """The checkpoint as it would be of this table: the server and the table have numbers of their own."""
    parts = msgpack.unpackb(checkpoint[32:], strict_map_key=False)
    state = msgpack.unpackb(parts[4], strict_map_key=False)
    with table.db, table.db.cursor() as cursor:
        cursor.execute("SELECT 'events'::regclass::oid::bigint, pg_relation_filenode('events')::bigint")
        state[5], state[10] = cursor.fetchone()
    parts[4] = msgpack.packb(state)
    return framed(msgpack.packb(parts))


@pytest.fixture(params=["sqlite", "postgresql", "postgresql, checkpoint in a file"])
def upgraded(request, deploy):
    """An ingestor and a cache on a table whose rows of that day are gone, but for the last hundred, with the old checkpoint."""
    in_file = request.param != "postgresql"
    table = request.getfixturevalue("sqlite_table" if request.param == "sqlite" else "postgres_table")
    table.insert(old_rows())
    table.execute("DELETE FROM events WHERE id <= 200")
    checkpoint = (FIXTURES / f"{table.kind}.checkpoint").read_bytes()
    d = deploy(table, tiles=TILES, gateways=1, config=None if in_file else {"ingestor": {"checkpoint": "postgresql"}})
    if in_file:
        (d.folder / "checkpoint").write_bytes(checkpoint if table.kind == "sqlite" else of_this_table(checkpoint, table))
    else:
        table.execute("CREATE SCHEMA tilewire")
        table.execute("CREATE TABLE tilewire.checkpoint (name text PRIMARY KEY, holder bigint NOT NULL DEFAULT 0, saved_at timestamptz,"
                      " bytes bytea)")
        checkpoint = of_this_table(checkpoint, table)
        with table.db, table.db.cursor() as cursor:
            cursor.execute("INSERT INTO tilewire.checkpoint VALUES ('tilewire_events/1', 1, now(), %s)", (checkpoint,))
    return d


def test_an_old_checkpoint_is_taken_over_without_a_build(upgraded):
    d = upgraded.start()
    log = d["ingestor"].log_text()
    assert "the checkpoint of a version before 0.2 is taken over" in log
    assert "0 tile definitions have to be built" in log and "built beside the others" not in log
    tiles = json.loads((FIXTURES / "tiles.json").read_text())
    for key in ("ever", "depth", "depth.now", "work", "tickets"):
        assert d.tile(key)["data"] == tiles[key], key
    assert d.stats("ingestor")["future_rows_waiting"] == 1
    d.table.insert([(now_iso(), "order.created", None, None, None, json.dumps({"region": f"r{i}"})) for i in range(3)])
    wait_until(lambda: d.tile("ever")["data"] == {"value": tiles["ever"]["value"] + 3})
    wait_until(lambda: d.request("/api/tiles/regions/r2")[0] == 200)
    for i in range(3):
        wait_until(lambda: d.tile(f"regions/r{i}")["data"] == {"value": tiles[f"regions/r{i}"]["value"] + 1})
    assert d["ingestor"].kill() is not None
    d.start("ingestor")
    d.table.insert([(now_iso(), "order.created", None, None, None, json.dumps({"region": "r0"}))])
    wait_until(lambda: d.tile("ever")["data"] == {"value": tiles["ever"]["value"] + 4})
    wait_until(lambda: d.tile("work")["data"] == tiles["work"])


def test_what_an_older_program_finds_afterwards_is_of_a_newer_format(upgraded):
    """It reads the frame's format first, and refuses: tests/common/state/test_frame.c."""
    d = upgraded.start()
    wait_until(lambda: d.stats("ingestor")["checkpoints_written"] > 0)
    if d.config["ingestor"]["checkpoint"] != "postgresql":
        found = (d.folder / "checkpoint").read_bytes()
    else:
        with d.table.db, d.table.db.cursor() as cursor:
            cursor.execute("SELECT bytes FROM tilewire.checkpoint")
            found = bytes(cursor.fetchone()[0])
    assert found[:8] == b"TILEWIRE" and struct.unpack("<Q", found[8:16]) == (2,)
