# SPDX-License-Identifier: Apache-2.0
"""`tilewire verify --http`: what a gateway shows is held against the oracle, and who may see it against the token."""
import http.server
import json
import threading

import pytest

from issuer import Issuer
from test_proxies import COMMANDS, proxied  # noqa: F401 (a fixture)
from tilewire import PATIENCE, RandomEvents, free_ports, now_iso, wait_until

TILES = [
    {"key": "tickets.sla", "type": "sla_risk", "opens": {"event_type": "ticket.opened"}, "closes": {"event_type": "ticket.resolved"},
     "item": "target_id", "within": "1h", "at_risk": "30s"},
    {"key": "orders.ever", "type": "count", "match": {"event_type": "order.*"}},
    {"key": "orders.by_region", "type": "count", "match": {"event_type": "order.created"}, "group_by": "payload.region"},
]
ROLES = {"support": {"tiles": ["tickets.*"], "fields": ["data.worst.due_at"]}, "shop": {"tiles": ["orders.*"]}, "*": {"tiles": [], "events": []}}


class Relay(http.server.ThreadingHTTPServer):
    """Stands before a gateway, and lies as it is told; without a lie it answers what it has."""

    daemon_threads = True

    def __init__(self, d):
        self.d, self.lie = d, lambda tiles: tiles
        super().__init__(("127.0.0.1", 0), Relayed)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def close(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Relayed(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        headers = {"Authorization": self.headers["Authorization"]} if self.headers["Authorization"] else {}
        status, _, body = self.server.d.request(self.path, headers=headers)
        if status == 200:
            answer = json.loads(body)
            answer["tiles"] = self.server.lie({tile["key"]: tile for tile in answer["tiles"]}).values()
            answer["tiles"] = list(answer["tiles"])
            body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def asked(deploy, sqlite_table, folder):
    """A deployment whose gateway asks who its clients are; verify(url, token's claims) → status and report."""
    issuer = Issuer(folder)
    d = deploy(sqlite_table, tiles=TILES, gateways=1,
               config={"gateway": {"auth": "jwt", "jwt": {"issuers": [issuer.config()]}, "roles": ROLES}}).start()
    file = folder / "token"

    def verify(url=None, timeout=f"{PATIENCE}s", **claims):
        file.write_text(issuer.token(**claims))
        file.chmod(0o600)
        result = d.run("verify", "--http", url or f"http://127.0.0.1:{d.gateway_ports[0]}", "--token-file", str(file), "--timeout", timeout, "--json")
        return result.returncode, json.loads(result.stdout)

    d.issuer, d.verify_as, d.token_file = issuer, verify, file
    rows = [(now_iso(), "ticket.opened", None, "t1", None, "{}"), (now_iso(), "order.created", None, None, None, '{"region":"eu"}')]
    sqlite_table.insert(rows)
    wait_until(lambda: d.verify_as(tilewire={})[1].get("equal") == 3)
    return d


def without(member):
    return lambda tiles: {key: {name: value for name, value in tile.items() if name != member} for key, tile in tiles.items()}


def changed(key, **members):
    return lambda tiles: {**tiles, key: {**tiles[key], **members}} if key in tiles else tiles


LIES = [
    # Under a token with these claims; what is shown; which tile is wrong then, and how.
    ({"tilewire": {}}, lambda tiles: {key: tile for key, tile in tiles.items() if key != "orders.ever"}, {"orders.ever": "not_shown"}),
    ({"tilewire": {}}, changed("orders.ever", data={"value": 2}), {"orders.ever": "shown_otherwise"}),
    ({"tilewire": {}}, changed("orders.ever", version="1-1"), {"orders.ever": "shown_late"}),
    ({"tilewire": {}}, changed("orders.ever", more=1), {"orders.ever": "shown_otherwise"}),
    ({"tilewire": {}}, without("title"), dict.fromkeys(("orders.by_region/eu", "orders.ever", "tickets.sla"), "shown_otherwise")),
    ({"tilewire": {}}, lambda tiles: {**tiles, "made.up": {**tiles["orders.ever"], "key": "made.up"}}, {"made.up": "surplus"}),
    ({"tilewire": {"tiles": ["tickets.*"]}}, lambda tiles: {**tiles, "orders.ever": {"key": "orders.ever"}}, {"orders.ever": "exposed"}),
    ({"tilewire": {"fields": []}}, lambda tiles: changed("tickets.sla", data={**tiles["tickets.sla"]["data"], "worst": []})(tiles),
     {"tickets.sla": "shown_otherwise"}),
    ({"groups": ["support"]}, lambda tiles: changed("tickets.sla", data={**tiles["tickets.sla"]["data"], "worst": [{"id": "t1"}]})(tiles),
     {"tickets.sla": "shown_otherwise"}),
]


def test_each_lie_is_found(asked):
    relay = Relay(asked)
    try:
        assert asked.verify_as(relay.url, tilewire={})[0] == 0
        for claims, lie, wrong in LIES:
            relay.lie = lie
            status, report = asked.verify_as(relay.url, timeout="1s", **claims)
            assert status == 1 and {finding["key"]: finding["verdict"] for finding in report["wrong"]} == wrong, (claims, report)
    finally:
        relay.close()


def test_roles_say_what_is_seen(asked):
    orders = {"orders.ever", "orders.by_region/eu"}
    for claims, hidden in (({"groups": ["support"]}, orders), ({"groups": "shop"}, {"tickets.sla"}), ({"groups": ["shop", "support"]}, set()),
                           ({}, {*orders, "tickets.sla"}), ({"groups": ["support"], "tilewire": {"tiles": ["*eu"]}}, {"orders.ever", "tickets.sla"})):
        status, report = asked.verify_as(**claims)
        assert status == 0 and set(report["not_seen"]) == hidden and report["equal"] == 3 - len(hidden), (claims, report)


def test_rows_may_come_meanwhile(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"source": {"poll_interval": "50ms"}}).start()
    rows, ended = RandomEvents(3), threading.Event()

    def write():
        while not ended.wait(0.02):
            sqlite_table.insert([rows.next()])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_until(lambda: d.stats("cache")["tiles"] > 5)
        result = d.run("verify", "--http", f"http://127.0.0.1:{d.gateway_ports[0]}", "--timeout", "20s", "--json")
        assert result.returncode == 0 and json.loads(result.stdout)["equal"] > 5, result.stdout
    finally:
        ended.set()
        writer.join()


def test_what_is_wrong_is_said_with_what_to_do(asked, folder):
    url = f"http://127.0.0.1:{asked.gateway_ports[0]}"

    def said(*options, file=None):
        file = file or asked.token_file
        result = asked.run("verify", "--timeout", "300ms", *options, *(["--token-file", str(file)] if file else []))
        assert result.returncode == 1 or not options, result.stdout
        return result.stdout

    asked.token_file.write_text(Issuer(folder, "https://other.example").token())
    assert "its issuer (iss) is none that is accepted here" in said("--http", url) and "--token-file" in said("--http", url)
    asked.token_file.write_text("no token")
    assert "this is no token (JWT)" in said("--http", url)
    asked.token_file.write_text(asked.issuer.token())
    assert "could be read on its way" in said("--http", "http://tiles.example.org") and "https://" in said("--http", "http://tiles.example.org")
    for wrong in ("ftp://localhost", "localhost:8080", "http://localhost/?token=x", ""):
        assert "--http is a gateway's address" in said("--http", wrong), wrong
    assert "Failed to connect" in said("--http", f"http://127.0.0.1:{free_ports(1)[0]}")
    assert "answers 404" in said("--http", f"{url}/metrics")
    asked.token_file.chmod(0o644)
    assert "chmod o=" in said("--http", url)
    assert "need --http" in said()


@pytest.mark.parametrize("proxied", [name for name in COMMANDS if name != "varnish"], indirect=True)  # which has no TLS
def test_over_tls(proxied):  # noqa: F811
    url = f"https://localhost:{proxied.port}"
    strange = proxied.d.run("verify", "--http", url, "--timeout", f"{PATIENCE}s")  # it does not try again
    assert strange.returncode == 1 and "--ca-file" in strange.stdout, strange.stdout
    known = proxied.d.run("verify", "--http", url, "--ca-file", str(proxied.folder / "cert.pem"), "--timeout", f"{PATIENCE}s")
    assert known.returncode == 0, known.stdout
