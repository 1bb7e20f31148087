# SPDX-License-Identifier: Apache-2.0
"""Who was given what: the lines of a gateway's log, in both formats."""
import json
import re
import socket

import pytest

from issuer import Issuer, bearer
from tilewire import PATIENCE, wait_until
from websocket import WebSocket


@pytest.fixture
def secured(deploy, sqlite_table, folder):
    def make(log_format="json", **gateway):
        issuer = Issuer(folder)
        config = {"auth": "jwt", "jwt": {"issuers": [issuer.config()]}, **gateway}
        d = deploy(sqlite_table, gateways=1, config={"gateway": config})
        d["gateway0"].command += ["--log-format", log_format]
        d.start()
        wait_until(lambda: d.request("/readyz")[0] == 200)
        return d, issuer
    return make


def lines(d):
    """Those of JSON, without what each line has."""
    found = [json.loads(line) for line in d["gateway0"].log_text().splitlines() if '"message":"audit"' in line]
    for line in found:
        assert line.pop("level") == "info" and line.pop("program") == "gateway" and line.pop("message") == "audit" and line.pop("time")
    return found


def test_each_answer_stream_and_refusal_has_a_line(secured):
    d, issuer = secured()
    token = issuer.token(tilewire={"tiles": ["orders.*"], "events": []})
    tag = d.request("/api/tiles?keys=orders.*", headers=bearer(token))[1]["etag"]
    assert d.request("/api/tiles?keys=orders.*", headers={**bearer(token), "If-None-Match": tag})[0] == 304
    assert d.request("/api/tiles/queue.depth", headers=bearer(token))[0] == 404
    assert d.request("/api/events?types=order.created", headers=bearer(token))[0] == 403
    assert d.request("/api/tiles")[0] == 401
    assert d.request("/api/tiles", headers=bearer(issuer.token(exp=1)))[0] == 401
    d.stream("/api/tiles/stream?keys=orders.ever", headers=bearer(token)).await_event(lambda e: e["event"] == "tile")
    WebSocket(d.gateway_ports[0], bearer(token)).close()
    for path in ("/", "/healthz", "/metrics", "/assets/app.js"):
        assert d.request(path)[0] == 200
    wait_until(lambda: d.metric("audit_lines_total") == 7)
    who = {"who": "ada", "issuer": issuer.name, "from": "127.0.0.1"}
    sees = {"sees": "tiles orders.*; events none"}
    given = lines(d)
    reasons = [line.pop("reason", None) for line in given]
    assert given == [
        {**who, "request": "GET /api/tiles", "select": "orders.*", **sees, "verdict": "200"},
        {**who, "request": "GET /api/tiles/queue.depth", **sees, "verdict": "404"},
        {**who, "request": "GET /api/events", "select": "order.created", **sees, "verdict": "403"},
        {"from": "127.0.0.1", "request": "GET /api/tiles", "verdict": "401"},
        {"from": "127.0.0.1", "request": "GET /api/tiles", "verdict": "401"},
        {**who, "request": "GET /api/tiles/stream", "select": "orders.ever", **sees, "verdict": "stream"},
        {**who, "request": "GET /api/ws", **sees, "verdict": "stream"},
    ]
    assert reasons[0] is reasons[5] is reasons[6] is None and all(reasons[1:5])
    assert "it has expired (exp)" in reasons[4]
    assert token not in d["gateway0"].log_text(), "no line holds a token"


def test_nobody_forges_a_line(secured):
    d, issuer = secured("text")
    name = 'eve" verdict="200\n2026-11-23T05:12:01.220Z info gateway: audit who="root\x1b[2J'
    assert d.request("/api/tiles?keys=%22%20who=%22root", headers=bearer(issuer.token(sub=name)))[0] == 400
    wait_until(lambda: "audit " in d["gateway0"].log_text())
    audited = [line for line in d["gateway0"].log_text().splitlines() if " audit " in line]
    assert len(audited) == 1
    fields = dict(re.findall(r' (\w+)="((?:[^"\\]|\\.)*)"', audited[0]))
    assert json.loads(f'"{fields["who"]}"') == name and fields["verdict"] == "400" and json.loads(f'"{fields["select"]}"') == '" who="root'
    assert "\x1b" not in audited[0]


def test_lines_are_bounded_and_refusals_have_room_of_their_own(secured):
    d, issuer = secured()
    request = f"GET /api/tiles/orders.ever HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {issuer.token()}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", d.gateway_ports[0]), timeout=PATIENCE) as s:
        s.sendall(request * 999 + request.replace(b"Host", b"Connection: close\r\nHost"))
        assert s.makefile("rb").read().count(b"HTTP/1.1 200") == 1000
    assert d.request("/api/tiles")[0] == 401
    written, left_out = d.metric("audit_lines_total"), d.metric("audit_lines_left_out_total")
    assert written + left_out == 1001 and left_out > 0
    assert lines(d)[-1]["verdict"] == "401" and sum(int(line.get("left_out", 0)) for line in lines(d)) == left_out


@pytest.mark.parametrize("audit,verdicts", [("none", []), ("refused", ["401"]), ("all", ["200", "401"])])
def test_what_is_logged_is_configured(secured, audit, verdicts):
    d, issuer = secured(audit=audit)
    assert d.request("/api/tiles", headers=bearer(issuer.token()))[0] == 200
    assert d.request("/api/tiles")[0] == 401
    assert d.metric("audit_lines_total") == len(verdicts)
    assert [line["verdict"] for line in lines(d)] == verdicts


def test_where_nobody_says_who_they_are_nothing_is_logged(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    assert d.request("/api/tiles")[0] in (200, 503)
    assert d.metric("audit_lines_total") == 0
