# SPDX-License-Identifier: Apache-2.0
"""Envoy, run from docs/deploy/envoy.yaml, in front of two gateways, with somebody to ask who people are."""
import contextlib
import http.server
import json
import os
import pathlib
import ssl
import threading
import urllib.request

import pytest

from test_auth_proxy import SECRET, proxied, secret, signed_in  # noqa: F401 (fixtures)
from test_proxies import Proxied, documented, streams_in_the_page
from tilewire import PATIENCE, free_ports, now_iso, wait_until
from websocket import WebSocket

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVOY = os.environ.get("ENVOY", ROOT / "build" / "tools" / "envoy-1.40.0" / "envoy" / "_bin" / "envoy")


class StaticUpstream(http.server.BaseHTTPRequestHandler):
    """What oauth2-proxy answers with --upstream=static://200 --api-route=^/api/: 200 with who it is to who has its cookie, else 401."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        cookies = dict(pair.strip().split("=", 1) for pair in self.headers.get("Cookie", "").split(";") if "=" in pair)
        user, _, groups = cookies.get("_oauth2_proxy", "").partition(":")
        start = self.path.startswith("/oauth2/start")
        self.server.asked.append((self.path, self.headers.get("X-Tilewire-Secret")))
        self.send_response(200 if user or start else 401)
        if user:
            self.send_header("X-Auth-Request-User", user)
            if groups:
                self.send_header("X-Auth-Request-Groups", groups)
        body = b"sign in" if start else b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def envoy(proxied, folder, request):  # noqa: F811
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StaticUpstream)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    d = proxied(gateways=2, proxy={"user_header": "X-Auth-Request-User", "groups_header": "X-Auth-Request-Groups"},
                roles={"ops": {}, "support": {"tiles": ["tickets.*"], "events": []}}, sign_in_url="/oauth2/start?rd={return}",
                limits={"requests_per_second": 1000, "requests_burst": 1000})
    own, admin = folder / "proxy", free_ports(1)[0]
    own.mkdir(mode=0o755)

    def command(own, port, gateways, tls):
        changes = [("static_resources:\n", f"admin: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {admin}}}}}}}\nstatic_resources:\n"),
                   ("address: 0.0.0.0, port_value: 443}", f"address: 127.0.0.1, port_value: {port}}}"), ('value: "…"', f"value: {SECRET}"),
                   ("http://127.0.0.1:4180", f"http://127.0.0.1:{server.server_port}", 1), ("port_value: 4180", f"port_value: {server.server_port}")]
        changes += [(f"port_value: {8080 + i}", f"port_value: {gateway}") for i, gateway in enumerate(gateways)]
        return [ENVOY, "--concurrency", "1", "--disable-hot-restart", "-c", documented("envoy.yaml", own, (), tls, changes)]

    made = Proxied("envoy", d, own, command)
    made.asked, made.admin = server.asked, admin
    yield made
    made.close()
    server.shutdown()
    server.server_close()
    if getattr(request.node, "failed", False):
        print((own / "envoy.out").read_text()[-4000:])


def test_people_sign_in_behind_envoy(envoy, sqlite_table):
    get = envoy.get
    assert get("/api/tiles")[0] == 401
    assert get("/")[0] == get("/assets/app.js")[0] == get("/healthz")[0] == 200
    assert get("/oauth2/start?rd=/")[2] == b"sign in" and get("/metrics")[0] == 403
    keys = {who: {t["key"].split(".")[0] for t in json.loads(get("/api/tiles", *signed_in(who))[2])["tiles"]} for who in ("ada:ops", "ken:support")}
    assert {"orders", "tickets"} <= keys["ada:ops"] and keys["ken:support"] == {"tickets"}
    assert get("/api/events", *signed_in("ken:support"))[0] == 403
    # A client cannot say who it is, nor get past who is asked.
    own = ["-H", "X-Auth-Request-User: root", "-H", "X-Auth-Request-Groups: ops", "-H", f"X-Tilewire-Secret: {SECRET}"]
    assert get("/api/tiles", *own)[0] == 401
    assert get("/api/tiles", *own, *signed_in("eve:"))[0] == 403
    assert get("/api/tiles/orders.ever", *own, *signed_in("ken:support"))[0] == 404
    for path in ("/%61pi/tiles", "//api/tiles", "/./api/tiles", "/assets/../api/tiles", "/api%2ftiles", "/API/tiles"):
        assert get(path, "--path-as-is", *own)[0] in (400, 401, 404), path
    assert all(proof is None for _, proof in envoy.asked), "the secret is for the gateways"
    # Streams come as they come, and WebSockets with their user.
    stream = envoy.stream("/api/events/stream", *signed_in("ada:ops"))
    wait_until(lambda: any(line.startswith("retry: ") for line in stream))
    for n in range(1, 4):
        sqlite_table.insert([(now_iso(), "order.created", None, f"o{n}", None, None)])
        wait_until(lambda n=n: f"id: {n}" in stream, what="the event")
    tls = ssl.create_default_context(cafile=envoy.folder / "cert.pem")
    tls.set_alpn_protocols(["http/1.1"])
    host = f"localhost:{envoy.port}"

    def connect(**headers):
        return WebSocket(envoy.port, {"Host": host, "Origin": f"https://{host}", **headers},
                         wrap=lambda s: tls.wrap_socket(s, server_hostname="localhost"))

    with contextlib.closing(connect()) as ws:
        assert ws.status == 401
    with contextlib.closing(connect(Cookie="_oauth2_proxy=ken:support")) as ws:
        assert ws.status == 101
        ws.say(subscribe=["tickets.sla"])
        ws.await_message(lambda m: m["event"] == "tile" and m["key"] == "tickets.sla")
    # The audit has the client's own address, whatever it says.
    get("/api/tiles/tickets.sla", "-H", "X-Forwarded-For: 192.0.2.9", "-H", "Forwarded: for=192.0.2.9", *signed_in("mia:ops"), client="127.0.0.3")
    wait_until(lambda: any('who="mia" from="127.0.0.3"' in envoy.d[f"gateway{i}"].log_text() for i in (0, 1)), what="the line of the audit")


def test_a_gateway_that_dies_is_not_noticed_behind_envoy(envoy):
    assert envoy.most_streams() == streams_in_the_page("envoy")
    envoy.d["gateway0"].kill()
    assert [envoy.get("/api/tiles", *signed_in("ada:ops"))[0] for _ in range(20)] == [200] * 20


def test_gateways_that_are_not_ready_still_show_what_they_have_behind_envoy(envoy):
    d = envoy.d
    d["ingestor"].kill()
    wait_until(lambda: [d.request("/readyz", gateway=i)[0] for i in range(2)] == [503, 503], 60)

    def unready():
        with urllib.request.urlopen(f"http://127.0.0.1:{envoy.admin}/clusters", timeout=PATIENCE) as answer:
            return answer.read().count(b"/failed_active_hc")

    wait_until(lambda: unready() == 2, what="Envoy to find both unready")
    for _ in range(10):
        assert envoy.get("/")[0] == 200
        status, _, body = envoy.get("/api/tiles", *signed_in("ada:ops"))
        assert status == 200 and json.loads(body)["tiles"]
