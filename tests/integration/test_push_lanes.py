# SPDX-License-Identifier: Apache-2.0
"""Ingestors that share lanes read one file of pushed events, and each takes pushes."""
import signal

import pytest

from test_lanes import lane_of
from test_push import PushFile, push
from test_push_http import ids, post, with_push
from tilewire import wait_until

TILES = [{"key": key, "type": "count", "match": {"event_type": "deploy"}} for key in ("a", "b", "c", "d", "deploys", "last")]
DEPLOY = {"event_type": "deploy"}


@pytest.fixture
def start(deploy, folder):
    """Two ingestors with two lanes each, and one file that keeps events for that long."""
    def made(keep):
        pushed = PushFile(folder / "pushed.db", keep=keep)
        d = with_push(deploy, pushed)
        d.config["tiles"] = TILES
        d.config["ingestor"].update(lanes=4, own_lanes=[0, 1])
        d.config["cache"]["upstreams"] = [{"publish": d.addresses[0], "query": d.addresses[1]},
                                          d.twin("other", "ingestor", own_lanes=[2, 3], checkpoint=f"file:{folder / 'other'}")]
        d.config["gateway"]["push"].append({"query": d.query_addresses["other"]})
        d.write()
        assert {lane_of(tile["key"]) >= 2 for tile in TILES} == {False, True}
        return d.start("ingestor", "other", "cache", *(name for name in d.programs if name.startswith("gateway"))), pushed
    return made


def await_all(d, count):
    wait_until(lambda: {t["key"]: t["data"]["value"] for t in d.get_json("/api/tiles")["tiles"]} == {t["key"]: count for t in TILES},
               what=f"{count} in each tile")


def pushed_to(d, name, count, **key):
    """One that has just started says that it does not take any yet."""
    return wait_until(lambda: "error" not in (a := push(d, *[DEPLOY] * count, of=name, **key)) and a, what=f"{name} to take events")


def test_what_any_of_them_takes_counts_once_in_all_lanes(start):
    d, pushed = start("30d")
    assert pushed_to(d, "ingestor", 2, key="k") == {"first": 1, "count": 2, "repeated": False}
    assert pushed_to(d, "other", 2, key="k") == {"first": 1, "count": 2, "repeated": True}
    assert pushed_to(d, "other", 3)["first"] == 3
    await_all(d, 5)
    d.verify()
    for victim, stays in (("ingestor", "other"), ("other", "ingestor")):
        d[victim].kill(signal.SIGKILL)
        before = len(pushed.rows())
        assert pushed_to(d, stays, 2)["first"] == before + 1
        assert ids(wait_until(lambda: (a := post(d, DEPLOY))[0] == 201 and a, what="a gateway that finds one")) == [before + 3]
        d.start(victim)
        await_all(d, before + 3)
    d.verify()
    wait_until(lambda: len(d.get_json("/api/events?limit=100")["events"]) == 11, what="each event once")


def test_tiles_of_all_lanes_keep_what_was_deleted(start):
    """Each of the two deletes what is too old, once it has saved its own tiles."""
    d, pushed = start("3s")
    for n in range(1, 6):
        pushed_to(d, ("ingestor", "other")[n % 2], 3)
        await_all(d, 3 * n)
    wait_until(lambda: not pushed.rows(), what="what is too old to be deleted")
    for name in ("ingestor", "other"):
        d[name].kill(signal.SIGKILL)
        d.start(name)
    await_all(d, 15)
    pushed_to(d, "other", 1)
    await_all(d, 16)
    assert d.run("verify").returncode == 3  # what is gone is no proof, and no fault
