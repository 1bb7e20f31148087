# SPDX-License-Identifier: Apache-2.0
"""A proxy that says who the client is: believed for its address and its secret, and from nobody else."""
import contextlib
import http.client
import http.server
import json
import ssl
import threading

import pytest

from test_proxies import Proxied, documented_nginx
from tilewire import PATIENCE, wait_until
from websocket import WebSocket

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def secret(folder):
    file = folder / "proxy.secret"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def proxied(deploy, sqlite_table, secret):
    def make(gateways=1, **gateway):
        proxy = {"secret_file": str(secret), **gateway.pop("proxy", {})}
        config = {"auth": "proxy", "proxy": proxy, "trusted_proxies": ["127.0.0.1"], **gateway}
        d = deploy(sqlite_table, gateways=gateways, config={"gateway": config}).start()
        wait_until(lambda: d.request("/readyz")[0] == 200)
        return d
    return make


def ask(d, *headers, source="127.0.0.1", path="/api/tiles"):
    """Headers are pairs, because one may be there twice."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", d.gateway_ports[0], timeout=PATIENCE, source_address=(source, 0))) as connection:
        connection.putrequest("GET", path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


PROOF = ("X-Tilewire-Secret", SECRET)
ADA = ("X-Forwarded-User", "ada")


def test_a_proxy_is_believed_for_its_address_and_its_secret(proxied):
    d = proxied()
    assert ask(d, ADA, PROOF)[0] == 200
    strangers = {
        "nobody": [],
        "no secret": [ADA],
        "a wrong secret": [ADA, ("X-Tilewire-Secret", "x" * len(SECRET))],
        "a part of the secret": [ADA, ("X-Tilewire-Secret", SECRET[:-1])],
        "an empty secret": [ADA, ("X-Tilewire-Secret", "")],
        "two secrets": [ADA, PROOF, ("X-Tilewire-Secret", "x")],
        "no user": [PROOF],
        "an empty user": [("X-Forwarded-User", " "), PROOF],
        "two users": [ADA, ("X-Forwarded-User", "root"), PROOF],
        "a long user": [("X-Forwarded-User", "a" * 300), PROOF],
        "a token": [("Authorization", "Bearer e30.e30.e30"), PROOF],
    }
    for name, headers in strangers.items():
        status, fields, body = ask(d, *headers)
        assert status == 401 and fields["WWW-Authenticate"].startswith("Proxy ") and json.loads(body)["status"] == 401, name
    assert ask(d, ADA, PROOF, source="127.0.0.2")[0] == 401, "it is not the proxy's address"
    assert d.request("/")[0] == d.request("/metrics")[0] == d.request("/healthz")[0] == 200


def test_groups_show_what_their_roles_show(proxied):
    d = proxied(roles={"ops": {}, "support team": {"tiles": ["tickets.*"]}, "queues": {"tiles": ["queue.*"]}})

    def keys(*groups):
        status, _, body = ask(d, ADA, PROOF, *(("X-Forwarded-Groups", group) for group in groups))
        return {tile["key"].split(".")[0] for tile in json.loads(body)["tiles"]} if status == 200 else status

    assert {"orders", "tickets"} <= keys("ops")
    assert keys("x, support team") == {"tickets"}
    assert keys("support team", "queues") == keys("support team,queues") == {"tickets", "queue"}
    assert keys() == keys("support") == keys("ops,x".upper()) == 403


def test_headers_have_the_names_that_are_configured(proxied):
    d = proxied(proxy={"user_header": "Remote-User", "groups_header": "Remote-Groups", "secret_header": "X-Proof"}, roles={"ops": {}})
    headers = [("Remote-User", "ada"), ("Remote-Groups", "ops"), ("X-Proof", SECRET)]
    assert ask(d, *headers)[0] == 200
    assert ask(d, ADA, ("X-Forwarded-Groups", "ops"), PROOF)[0] == 401


def test_a_new_secret_counts_within_a_second(proxied, secret):
    d = proxied()
    new = "f" * 32
    secret.write_text("short\n")
    d["gateway0"].await_log("stays as it was")
    assert ask(d, ADA, PROOF)[0] == 200
    secret.write_text(new + "\n")
    wait_until(lambda: ask(d, ADA, ("X-Tilewire-Secret", new))[0] == 200)
    assert ask(d, ADA, PROOF)[0] == 401
    assert d.metric("auth_file_failures_total") == 1


def test_limits_are_the_users(proxied):
    d = proxied(limits={"requests_per_second": 0.001, "requests_burst": 5})
    ken = ("X-Forwarded-User", "ken")
    assert ask(d, ADA, PROOF)[0] == ask(d, ken, PROOF)[0] == 200
    assert [ask(d, ADA, PROOF)[0] for _ in range(6)] == [200] * 5 + [429]
    assert [ask(d, ken, PROOF)[0] for _ in range(6)] == [200] * 5 + [429]


# ---- nginx and oauth2-proxy, from docs/deploy ----

class SignIn(http.server.BaseHTTPRequestHandler):
    """What oauth2-proxy answers: 202 with who it is to who has its cookie, else 401."""

    def do_GET(self):
        cookies = dict(pair.strip().split("=", 1) for pair in self.headers.get("Cookie", "").split(";") if "=" in pair)
        user, _, groups = cookies.get("_oauth2_proxy", "").partition(":")
        signed_in = self.path != "/oauth2/auth" or user
        self.send_response(202 if self.path == "/oauth2/auth" and user else 200 if signed_in else 401)
        if self.path == "/oauth2/auth" and user:
            self.send_header("X-Auth-Request-User", user)
            self.send_header("X-Auth-Request-Groups", groups)
        body = b"sign in" if self.path.startswith("/oauth2/start") else b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def behind_nginx(proxied, folder, request):
    """nginx as docs/deploy/nginx-oauth2.conf has it, in front of two gateways, with somebody to ask who people are."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SignIn)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    d = proxied(gateways=2, roles={"ops": {}, "support": {"tiles": ["tickets.*"], "events": []}}, sign_in_url="/oauth2/start?rd={return}")
    own = folder / "proxy"
    own.mkdir(mode=0o755)
    (own / "secret.conf").write_text(f'proxy_set_header X-Tilewire-Secret "{SECRET}";\n')
    changes = [("/etc/tilewire/proxy-secret.conf", str(own / "secret.conf"), 2), ("127.0.0.1:4180;", f"127.0.0.1:{server.server_port};", 1)]
    made = Proxied("nginx", d, own, lambda *rest: documented_nginx("nginx-oauth2.conf", *rest, more=changes))
    yield made
    made.close()
    server.shutdown()
    server.server_close()
    if getattr(request.node, "failed", False):
        print((own / "error.log").read_text()[-4000:])


def signed_in(who):
    return ["-H", f"Cookie: _oauth2_proxy={who}"]


def test_people_sign_in_with_oauth2_proxy_behind_nginx(behind_nginx):
    get = behind_nginx.get
    status, _, body = get("/api/tiles")
    assert status == 401 and json.loads(body)["title"] == "Unauthorized"
    assert get("/")[0] == get("/assets/app.js")[0] == get("/healthz")[0] == 200
    assert get("/oauth2/start?rd=/")[2] == b"sign in" and get("/oauth2/auth")[0] == 404
    keys = {who: {t["key"].split(".")[0] for t in json.loads(get("/api/tiles", *signed_in(who))[2])["tiles"]} for who in ("ada:ops", "ken:support")}
    assert {"orders", "tickets"} <= keys["ada:ops"] and keys["ken:support"] == {"tickets"}
    assert get("/api/events", *signed_in("ken:support"))[0] == 403
    stream = behind_nginx.stream("/api/tiles/stream", *signed_in("ken:support"))
    wait_until(lambda: any("tickets.sla" in line for line in stream))


def test_a_client_cannot_say_who_it_is_through_nginx(behind_nginx):
    own = ["-H", "X-Forwarded-User: root", "-H", "X-Forwarded-Groups: ops", "-H", f"X-Tilewire-Secret: {SECRET}"]
    assert behind_nginx.get("/api/tiles", *own)[0] == 401
    assert behind_nginx.get("/api/tiles", *own, *signed_in("eve:"))[0] == 403
    assert behind_nginx.get("/api/tiles/orders.ever", *own, *signed_in("ken:support"))[0] == 404
    assert behind_nginx.get("/api/tiles", *own[:4], *signed_in(":ops"))[0] == 401


def test_websockets_come_through_with_their_user(behind_nginx):
    tls = ssl.create_default_context(cafile=behind_nginx.folder / "cert.pem")
    host = f"localhost:{behind_nginx.port}"

    def connect(**headers):
        return WebSocket(behind_nginx.port, {"Host": host, "Origin": f"https://{host}", **headers},
                         wrap=lambda s: tls.wrap_socket(s, server_hostname="localhost"))

    with contextlib.closing(connect()) as ws:
        assert ws.status == 401
    with contextlib.closing(connect(Cookie="_oauth2_proxy=ken:support")) as ws:
        assert ws.status == 101
        ws.say(subscribe=["tickets.sla"])
        ws.await_message(lambda m: m["event"] == "tile" and m["key"] == "tickets.sla")
