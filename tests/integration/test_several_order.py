# SPDX-License-Identifier: Apache-2.0
"""The order over several sources is lost, for one of them is away when the ingestor starts after a crash: whoever resumes is told."""

import json
import signal

from test_several import TILES, await_counts, rows, two, with_sources  # noqa: F401
from tilewire import wait_until
from websocket import WebSocket


def after(d, event):
    """What stands behind that event; None: nobody can say."""
    status, _, body = d.request(f"/api/events?after={event}")
    assert status in (200, 404), body
    return [e["id"] for e in json.loads(body)["events"]] if status == 200 else None


def begins_with_reset(d, event):
    stream = d.stream("/api/events/stream", headers={"Last-Event-ID": event})
    wait_until(lambda: stream.events, what="what stands behind it, or reset")
    return stream.events[0]["event"] == "reset"


def order_is_lost(deploy, two):  # noqa: F811
    """shop-1, desk-1, shop-2 were delivered and not saved, and desk's file is away when another life begins: the deployment, and that file."""
    d = deploy(two["shop"], tiles=TILES, config={"ingestor": {"checkpoint_interval": "1h"}})
    with_sources(d, two).start()
    two["shop"].insert(rows(1))
    await_counts(d, shop=1, desk=0, all=1)
    two["desk"].insert(rows(1))
    await_counts(d, shop=1, desk=1, all=2)
    two["shop"].insert(rows(1))
    await_counts(d, shop=2, desk=1, all=3)
    wait_until(lambda: after(d, "shop-1") == ["desk-1", "shop-2"], what="the first order")
    away = two["desk"].path.with_suffix(".away")
    d["ingestor"].kill()
    two["desk"].path.rename(away)
    d["ingestor"].start()
    d["ingestor"].await_log("streams begin anew")
    return d, away


def test_who_resumes_after_an_event_that_came_again_says_in_which_order_it_was_seen(deploy, two):  # noqa: F811
    d, away = order_is_lost(deploy, two)
    await_counts(d, shop=2, desk=1, all=3)
    away.rename(two["desk"].path)
    wait_until(lambda: [e["id"] for e in d.get_json("/api/events")["events"]] == ["desk-1", "shop-2", "shop-1"], what="the other order")
    order = {e["redelivered"] for e in d.get_json("/api/events")["events"]}
    assert len(order) == 1
    order = order.pop()
    # Not even after the last one: who saw desk-1 where it stood before lacks shop-2.
    assert [after(d, event) for event in ("shop-1", "shop-2", "desk-1")] == [None, None, None]
    assert [begins_with_reset(d, event) for event in ("shop-1", "shop-2", "desk-1")] == [True, True, True]
    # Who says in which order it saw the event can be told.
    assert [after(d, f"{event}~{order}") for event in ("shop-1", "shop-2", "desk-1")] == [["shop-2", "desk-1"], ["desk-1"], []]
    assert [after(d, f"desk-1~{other}") for other in (order + 1, 0)] == [None, None]
    stream = d.stream("/api/events/stream", headers={"Last-Event-ID": f"shop-2~{order}"})
    wait_until(lambda: stream.events, what="what stands behind it")
    assert (stream.events[0]["id"], stream.events[0]["data"]["id"]) == (f"desk-1~{order}", "desk-1")
    socket = WebSocket(d.gateway_ports[0])
    socket.say(subscribe=["*"], stream="events", cursor=f"shop-2~{order}")
    message = socket.read()
    assert (message["id"], message["redelivered"]) == ("desk-1", order)
    socket.close()
    two["shop"].insert(rows(2))
    wait_until(lambda: after(d, "shop-3") == ["shop-4"], what="new rows")
    assert "redelivered" not in d.get_json("/api/events")["events"][0]
    assert [after(d, event) for event in ("shop-1", "shop-2", "desk-1")] == [None, None, None]
    assert begins_with_reset(d, "desk-1") and not begins_with_reset(d, "shop-3")
    d.verify()
    # Nor after all programs have started again.
    for program in ("ingestor", "cache", "gateway0"):
        assert d[program].kill(signal.SIGTERM) == 0
    d.start("ingestor", "cache", "gateway0")
    wait_until(lambda: after(d, "shop-3") == ["shop-4"], what="the log")
    assert after(d, f"desk-1~{order}") == ["shop-3", "shop-4"]
    assert [after(d, event) for event in ("shop-1", "shop-2", "desk-1")] == [None, None, None]


def test_what_comes_again_says_so_also_in_the_life_after(deploy, two):  # noqa: F811
    """The order is lost with desk away, and before desk is back the ingestor is ended once more: the next one has to know."""
    d, away = order_is_lost(deploy, two)
    wait_until(lambda: [e["id"] for e in d.get_json("/api/events")["events"]] == ["shop-2", "shop-1"], what="what is left of the order")
    assert d["ingestor"].kill(signal.SIGTERM) == 0  # it saves what it has
    away.rename(two["desk"].path)
    d["ingestor"].start()
    await_counts(d, shop=2, desk=1, all=3)
    wait_until(lambda: [e["id"] for e in d.get_json("/api/events")["events"]] == ["desk-1", "shop-2", "shop-1"], what="the other order")
    assert all("redelivered" in e for e in d.get_json("/api/events")["events"])
    assert [after(d, event) for event in ("shop-1", "shop-2", "desk-1")] == [None, None, None]
    two["desk"].insert(rows(1))
    wait_until(lambda: d.get_json("/api/events")["events"][0]["id"] == "desk-2", what="what is new")
    assert "redelivered" not in d.get_json("/api/events")["events"][0]
    d.verify()
