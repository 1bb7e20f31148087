# SPDX-License-Identifier: Apache-2.0
"""Four lanes, two ingestors that own two each, a standby for one: what holds for one ingestor holds for both together."""
import signal

import pytest

from test_crashes import Resuming
from test_failover import any_table, await_progress, await_reign, check_streams, epoch, stop, write  # noqa: F401 (fixtures)
from tilewire import TILES, RandomEvents, now_iso, wait_until

LANES = 4


def lane_of(key):
    """FNV-1a (64 bit) of the key up to its first slash, as docs/protocol.md says."""
    hashed = 14695981039346656037
    for byte in key.split("/")[0].encode():
        hashed = (hashed ^ byte) * 1099511628211 % 2**64
    return hashed % LANES


def make_lanes(d):
    """ingestor has lanes 0 and 1 (and the events), other 2 and 3, standby waits for the lanes of ingestor."""
    assert {lane_of(tile["key"]) for tile in d.config["tiles"]} == {0, 1, 2, 3}
    d.config["source"]["poll_interval"] = "100ms"
    d.config["ingestor"].update(lanes=LANES, own_lanes=[0, 1])
    if d.table.kind == "postgresql":
        d.config["ingestor"]["checkpoint"] = "postgresql"
    d.config["cache"]["upstreams"] = [{"publish": d.addresses[0], "query": d.addresses[1]},
                                      d.twin("other", "ingestor", own_lanes=[2, 3]),
                                      d.twin("standby", "ingestor")]
    d.write()
    d.start("ingestor", "other")
    d["standby"].start()
    d["standby"].await_log("standing by")
    return d.start("cache", "gateway0", "gateway1")


@pytest.fixture
def lanes(deploy, any_table):  # noqa: F811
    return make_lanes(deploy(any_table))


def test_each_lane_is_folded_once_and_cursors_are_vectors(lanes, any_table):  # noqa: F811
    d = lanes
    rows = RandomEvents(51)
    any_table.insert([rows.next() for _ in range(500)])
    d.verify()
    versions = d.query({"op": "ping"})["versions"]
    assert sorted(versions) == ["0", "1", "2", "3"]
    assert sorted(d.query({"op": "ping"}, "ingestor")["versions"]) == ["0", "1"]
    assert sorted(d.query({"op": "ping"}, "other")["versions"]) == ["2", "3"]
    epochs = {lane: version[0] for lane, version in versions.items()}
    assert epochs == {"0": epoch(d, "ingestor"), "1": epoch(d, "ingestor"), "2": epoch(d, "other"), "3": epoch(d, "other")}
    assert d.stats("ingestor")["events_published"] == 500 and d.stats("other")["events_published"] == 0
    listing = d.get_json("/api/tiles")
    assert len(listing["tiles"]) > len(TILES)
    cursor = listing["cursor"].split("_")
    again = epochs["1"] == epochs["2"]  # both may have started in the same millisecond
    assert len(cursor) == LANES and [part[0] == "-" for part in cursor] == [False, True, again, True], cursor
    for tile in d.query({"op": "snapshot"})["tiles"]:
        assert tile["l"] == lane_of(tile["k"])


def test_any_ingestor_may_be_killed_under_load(lanes, any_table, write):  # noqa: F811
    d = lanes
    clients = [Resuming(d, 0), Resuming(d, 1)]
    tiles = d.stream("/api/tiles/stream")
    writer = write(any_table)
    await_progress(clients[0])
    d["other"].kill()
    d.start("other")
    before = epoch(d, "ingestor")
    d["ingestor"].kill()
    await_reign(d, "standby", before)
    await_progress(clients[0])
    d["ingestor"].start()
    d["ingestor"].await_log("standing by")
    before = epoch(d, "standby")
    stop(d["standby"])
    await_reign(d, "ingestor", before)
    await_progress(clients[0])
    d["standby"].process.send_signal(signal.SIGCONT)
    if any_table.kind == "postgresql":
        any_table.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                          "WHERE application_name = 'tilewire' AND datname = current_database()")
        await_progress(clients[0])
    check_streams(d, clients, writer)
    assert not [e for e in tiles.events if e["event"] == "reset"] and not tiles.ended.is_set()


def test_a_missing_lane_is_told_and_the_others_go_on(lanes, any_table):  # noqa: F811
    d = lanes
    rows = RandomEvents(52)
    any_table.insert([rows.next() for _ in range(50)])
    d.verify()
    d["other"].kill()
    wait_until(lambda: d.request("/readyz")[0] == 503, what="/readyz to say that lanes are missing")
    key = next(t["key"] for t in TILES if lane_of(t["key"]) < 2 and t["type"] == "count" and "window" not in t and "match" in t)
    stream = d.stream(f"/api/tiles/stream?keys={key}")
    stream.await_event(lambda e: e["event"] == "tile")
    last = any_table.insert([rows.next() for _ in range(50)])
    stream.await_event(lambda e: e["event"] == "tile" and int(e["data"]["as_of"]["position"]) >= last - 10)
    d.start("other")
    wait_until(lambda: d.request("/readyz")[0] == 200, what="/readyz to be well again")
    d.verify()


def test_a_tile_stream_goes_on_at_another_gateway_by_its_vector(deploy, any_table):  # noqa: F811
    """`Last-Event-ID` of one gateway, given to the other, brings what changed since, in each lane, and nothing else."""
    keys = [f"k{i}" for i in range(16)]
    d = make_lanes(deploy(any_table, tiles=[{"key": key, "type": "count", "match": {"event_type": key}} for key in keys]))

    def happen(*types):
        any_table.insert([(now_iso(), kind, None, None, None, None) for kind in types])

    def await_values(gateway, values):
        wait_until(lambda: all(d.tile(key, gateway)["data"]["value"] == value for key, value in values.items()))

    happen(*keys)
    await_values(0, dict.fromkeys(keys, 1))
    stream = d.stream("/api/tiles/stream", 0)
    wait_until(lambda: len(stream.events) >= len(keys))
    happen(keys[0])
    cursor = stream.await_event(lambda e: e["data"]["key"] == keys[0] and e["data"]["data"]["value"] == 2)["id"]
    assert len(cursor.split("_")) == LANES
    stream.close()
    changed = [next(key for key in keys[1:] if lane_of(key) == lane) for lane in (1, 2, 3)]
    happen(*changed)
    await_values(1, dict.fromkeys(changed, 2))
    resumed = d.stream("/api/tiles/stream", 1, cursor)
    happen(keys[0])
    resumed.await_event(lambda e: e["event"] == "tile" and e["data"]["key"] == keys[0])
    assert sorted(e["data"]["key"] for e in resumed.events) == sorted([*changed, keys[0]])
    assert [e["event"] for e in resumed.events] == ["tile"] * 4
    gone = d.stream("/api/tiles/stream", 1, "_".join(cursor.split("_")[:3]))  # of another number of lanes: all, anew
    wait_until(lambda: len(gone.events) >= len(keys))
