# SPDX-License-Identifier: Apache-2.0
"""Who may push: roles of groups, keys of CURVE, and what `tilewire check --connect` says of it."""
import msgpack
import zmq

from curve import Keys, reload, with_keys
from issuer import Issuer, bearer
from test_check_connect import connect, has
from test_push import PushFile
from test_push_http import JSON, ids, post, with_push
from tilewire import wait_until


def test_roles_say_who_may_push(deploy, folder):
    pushed, issuer = PushFile(folder / "pushed.db"), Issuer(folder)
    roles = {"ops": {"push": ["*"]}, "ci": {"tiles": [], "events": [], "push": ["deploy"]}, "readers": {}, "*": {"tiles": []}}
    d = with_push(deploy, pushed, auth="jwt", jwt={"issuers": [issuer.config()]}, roles=roles).start()

    def status(groups, kind, **claims):
        return post(d, {"event_type": kind}, JSON | bearer(issuer.token(sub="ada", groups=groups, **claims)))[0]

    wait_until(lambda: status(["ops"], "first") == 201)
    assert status(["ci"], "deploy") == 201 and status(["ci"], "sale") == 403
    assert status(["readers"], "deploy") == 403 and status([], "deploy") == 403
    assert status(["readers", "ci"], "deploy") == 201
    assert status(["ops"], "sale", tilewire={"push": ["deploy"]}) == 403
    assert pushed.rows("SELECT event_type FROM events ORDER BY id") == [("first",), ("deploy",), ("deploy",)]


def test_with_keys_only_who_may_push_does(deploy, folder):
    """Which key may push is looked up for each push: what the clients file says now counts for connections that were there before."""
    pushed = PushFile(folder / "pushed.db")
    d = with_push(deploy, pushed)
    d = with_keys(d, Keys(d.bin, d.folder)).start()
    event = {"event_type": "deploy"}

    def refused(of):
        with d.keys.socket(zmq.REQ, d.addresses[1], of, "ingestor") as asker:
            asker.send(msgpack.packb({"op": "push", "events": [event]}))
            assert asker.poll(20000)
            return msgpack.unpackb(asker.recv())["error"]["code"] == "denied"

    def allow(**may):
        d.keys.write(
            [{k: v for k, v in entry.items() if k != "may"} | ({"may": may[entry["name"]]} if entry["name"] in may else {}) for entry in d.keys.entries()]
        )
        reload(d["ingestor"], "SIGHUP: ")

    assert wait_until(lambda: (a := post(d, event))[1]["detail"].count("by the clients file") and a)[0] == 503
    assert all(refused(name) for name in ("cache", "gateway", "tilewire"))
    result = d.run("push", "deploy")
    assert result.returncode == 1 and "give it `may: [subscribe, query, push]` there" in result.stdout
    has(connect(d)[1], "ok", "gateway.push", "none from the pair of keys that this command has")
    allow(gateway=["subscribe", "query", "push"])
    assert ids(post(d, event)) == [1] and refused("tilewire") and refused("cache")
    allow(tilewire=["query", "push"])
    assert post(d, event)[0] == 503
    assert d.run("push", "deploy").stdout == "2\n"
    has(connect(d)[1], "ok", "gateway.push", "takes events")
    assert len(pushed.rows()) == 2


def test_connecting_says_who_takes_what_is_pushed(deploy, folder):
    d = with_push(deploy, PushFile(folder / "pushed.db"))
    has(connect(d)[1], "ok", "gateway.push", "nothing runs at")
    d.start()
    wait_until(lambda: post(d, {"event_type": "deploy"})[0] == 201)
    has(connect(d)[1], "ok", "gateway.push", "takes events")
    d.config["gateway"]["push"] = [{"query": d.addresses[3]}]
    d.write()
    has(connect(d)[1], "error", "gateway.push", d.addresses[3], "no events can be pushed to this program")
    assert len(d.table.rows()) == 1
