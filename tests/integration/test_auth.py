# SPDX-License-Identifier: Apache-2.0
"""Who gets in: tokens of issuers, in headers and cookies, and everything that only looks like one."""
import hashlib
import hmac
import json
import re
import subprocess
import time

import jwt
import pytest

from conftest import bin_folder
from issuer import Issuer, b64, bearer, cookie, jwk, make_key
from tilewire import PATIENCE, free_ports, now_iso, wait_until
from websocket import WebSocket

PATHS = ["/api/tiles", "/api/tiles/queue.depth", "/api/tiles/stream", "/api/events", "/api/events/stream", "/api/definitions/queue.depth", "/api/ws",
         "/api/no/such/route"]
OPEN = ["/", "/assets/app.js", "/healthz", "/readyz", "/metrics"]


@pytest.fixture
def issuer(folder):
    return Issuer(folder, algs=("EdDSA", "ES256", "RS256"))


@pytest.fixture
def secured(deploy, sqlite_table, issuer):
    """secured(**gateway) → a deployment with one gateway that asks for tokens of the issuer."""
    def make(issuers=None, leeway="0", **gateway):
        tokens = {"issuers": [one.config() for one in issuers or [issuer]], "leeway": leeway}
        d = deploy(sqlite_table, gateways=1, config={"gateway": {"auth": "jwt", "jwt": tokens, **gateway}}).start()
        wait_until(lambda: d.request("/readyz")[0] == 200)
        return d
    return make


def get(d, token, path="/api/tiles"):
    return d.request(path, headers=bearer(token))


def test_without_a_token_there_is_no_data(secured):
    d = secured()
    for path in PATHS:
        status, headers, body = d.request(path)
        problem = json.loads(body)
        assert status == 401 and headers["www-authenticate"] == 'Bearer realm="tilewire"', path
        assert headers["content-type"] == "application/problem+json" and headers["cache-control"] == "no-store"
        assert problem["status"] == 401 and problem["title"] == "Unauthorized" and "Bearer" in problem["detail"]
    for path in OPEN:
        assert d.request(path)[0] == 200, path
    assert d.request("/api/tiles", method="OPTIONS")[0] == 204, "a browser's preflight never has credentials"
    assert "Authorization" in d.request("/api/tiles", method="OPTIONS")[1]["access-control-allow-headers"]
    assert d.metric("credentials_missing_total") == len(PATHS)


def test_a_token_of_each_algorithm_lets_in(secured, issuer):
    d = secured()
    for kid in issuer.keys:
        token = issuer.token(kid)
        for _ in range(3):
            assert get(d, token)[0] == 200, kid
        assert d.request("/api/tiles", headers=cookie(token))[0] == 200, kid
    assert d.metric("credentials_checked_total") == 3 and d.metric("credentials_known_total") == 9
    assert d.metric("identities") == 3 and 0 < d.metric("identities_bytes") < 10000
    assert d.metric("issuer_keys") == 3


def test_streams_and_websockets_by_header_and_by_cookie(secured, issuer):
    d = secured()
    token = issuer.token()
    for headers in (bearer(token), cookie(token)):
        stream = d.stream("/api/tiles/stream", headers=headers)
        assert stream.status == 200
        stream.await_event(lambda e: e["event"] == "tile")
        ws = WebSocket(d.gateway_ports[0], headers)
        assert ws.status == 101
        ws.close()


def problem_of(d, token):
    status, headers, body = get(d, token)
    return status, headers.get("www-authenticate", ""), json.loads(body).get("detail", "")


def test_tokens_that_are_refused(secured, issuer, folder):
    other = Issuer(folder, "https://other.example.org", algs=("EdDSA",))
    stranger = Issuer(folder, "https://stranger.example.org")
    d = secured(issuers=[issuer, other])
    good = issuer.token()
    header, payload, signature = good.split(".")
    public = json.dumps(jwk("RS256", issuer.keys["RS256-1"][1], "RS256-1"))
    hs256 = f"{b64({'alg': 'HS256', 'kid': 'RS256-1'})}.{payload}"
    kid = {"alg": "EdDSA", "kid": "EdDSA-1"}
    text = json.dumps(issuer.claims())
    refused = {
        "expired": issuer.token(exp=int(time.time()) - 1),
        "no exp": issuer.token(exp=None),
        "not yet": issuer.token(nbf=int(time.time()) + 60),
        "no audience": issuer.token(aud=None),
        "another audience": issuer.token(aud=["grafana"]),
        "no issuer": issuer.token(iss=None),
        "an issuer that we do not know": stranger.token(),
        "another issuer's name": other.token(iss=issuer.name),
        "the key of another issuer": issuer.token(iss=other.name),
        "alg none": f"{b64({'alg': 'none', 'kid': 'EdDSA-1'})}.{payload}.",
        "alg none, signed": issuer.signed({"alg": "none", "kid": "EdDSA-1"}, issuer.claims()),
        "alg of another key": issuer.signed({"alg": "EdDSA", "kid": "RS256-1"}, issuer.claims()),
        "HS256 with the public key": f"{hs256}.{b64(hmac.new(public.encode(), hs256.encode(), hashlib.sha256).digest())}",
        "HS256 with the file": f"{hs256}.{b64(hmac.new(issuer.file.read_bytes(), hs256.encode(), hashlib.sha256).digest())}",
        "no kid": issuer.signed({"alg": "EdDSA"}, issuer.claims()),
        "a kid that is a path": issuer.token(headers={"kid": "../../../dev/null"}),
        "a key of its own": issuer.token(headers={"kid": "x", "jwk": jwk("EdDSA", make_key("EdDSA"), "x")}),
        "crit": issuer.token(headers={"crit": ["x"], "x": 1}),
        "a logout token": issuer.token(headers={"typ": "logout+jwt"}),
        "cut": good[:-1],
        "signature of another": f"{header}.{payload}.{other.token().split('.')[2]}",
        "no signature": f"{header}.{payload}.",
        "payload changed": f"{header}.{b64(issuer.claims(sub='root'))}.{signature}",
        "padding": good + "=",
        "junk in base64": good[:-4] + "!" + good[-4:],
        "not UTF-8": good[:-4] + "\xff" + good[-4:],
        "four parts": good + ".e30",
        "a word": "secret",
        "a member twice": issuer.signed(kid, (text[:-1] + ', "sub": "root"}').encode()),
        "a header's member twice": issuer.signed(b'{"alg":"none","alg":"EdDSA","kid":"EdDSA-1"}', issuer.claims()),
        "a NUL": issuer.signed(kid, issuer.claims(sub="a\0b")),
        "no object": issuer.signed(kid, ["iss", issuer.name]),
        "deep": issuer.signed(kid, b"[" * 4000),
        "a claim with a member that is not known": issuer.token(tilewire={"tile": ["*"]}),
        "a claim that is a text": issuer.token(tilewire="*"),
    }
    for name, token in refused.items():
        status, challenge, detail = problem_of(d, token)
        assert status == 401, name
        assert re.fullmatch(r'Bearer realm="tilewire", error="invalid_token", error_description="[^"\\]+"', challenge), (name, challenge)
        assert detail.startswith("These credentials are refused: "), name
        assert d.request("/api/tiles", headers=cookie(token))[0] == 401, name
    assert d.metric("credentials_refused_total") == 2 * len(refused)
    assert get(d, good)[0] == 200 and get(d, other.token())[0] == 200
    assert d.metric("identities") == 2


def test_a_huge_token_is_refused(secured, issuer):
    d = secured(limits={"header": "64KiB", "requests_burst": 1000, "requests_per_second": 1000})
    assert get(d, issuer.token(x="x" * 5000))[0] == 200
    assert problem_of(d, issuer.token(x="x" * 7000))[0] == 401
    assert problem_of(d, "e30." * 10000)[0] == 401


def test_a_token_in_an_address_is_refused(secured, issuer):
    d = secured()
    token = issuer.token()
    status, headers, body = d.request(f"/api/tiles?access_token={token}")
    assert status == 400 and 'error="invalid_request"' in headers["www-authenticate"] and "address" in json.loads(body)["detail"]
    assert get(d, token, f"/api/tiles?access_token={token}")[0] == 400
    assert d.request(f"/api/tiles?token={token}")[0] == 401
    assert d.request("/api/tiles", headers={"Authorization": "Bearer"})[0] == 401


def test_two_tokens_are_none(secured, issuer):
    d = secured()
    one, two = issuer.token(), issuer.token(sub="ken")
    assert d.request("/api/tiles", headers={"Cookie": f"__Host-tilewire={one}; __Host-tilewire={two}"})[0] == 400
    # What a page says explicitly goes before the cookie; another scheme is not about us.
    assert d.request("/api/tiles", headers={**bearer("wrong"), **cookie(one)})[0] == 401
    assert d.request("/api/tiles", headers={"Authorization": "Basic YTpi", **cookie(one)})[0] == 200
    assert d.request("/api/tiles", headers={"Cookie": f"tilewire={one}"})[0] == 401
    assert d.request("/api/tiles", headers={"Cookie": f"x__Host-tilewire={one}"})[0] == 401
    assert d.request("/api/tiles", headers={"Authorization": f"bearer {one}"})[0] == 200


def test_a_token_shows_what_its_claim_or_its_groups_show(secured, issuer):
    d = secured(roles={"ops": {}, "support": {"tiles": ["tickets.*"], "events": []}})

    def keys(**claims):
        status, _, body = get(d, issuer.token(**claims))
        return {tile["key"].split(".")[0] for tile in json.loads(body)["tiles"]} if status == 200 else status

    assert {"orders", "tickets"} <= keys(groups=["ops"])
    assert keys(groups=["support", "others"]) == {"tickets"}
    assert keys(groups="support") == {"tickets"}
    assert keys(groups=["others"]) == keys() == 403
    assert keys(groups=["ops"], tilewire={"tiles": ["queue.*"]}) == {"queue"}


def test_without_roles_whoever_has_signed_in_sees_everything(secured, issuer):
    d = secured()
    tiles = json.loads(get(d, issuer.token())[2])["tiles"]
    assert {"orders.ever", "tickets.sla"} <= {tile["key"] for tile in tiles}


def test_keys_that_change_count_within_a_second(secured, issuer):
    d = secured()
    old = issuer.token("EdDSA-1")
    assert get(d, old)[0] == 200
    issuer.keys["EdDSA-2"] = ("EdDSA", make_key("EdDSA"))
    issuer.publish()
    new = issuer.token("EdDSA-2")
    wait_until(lambda: get(d, new)[0] == 200)
    assert get(d, old)[0] == 200, "both keys are good while they overlap"
    del issuer.keys["EdDSA-1"]
    issuer.publish()
    wait_until(lambda: get(d, old)[0] == 401)
    assert get(d, new)[0] == 200
    assert "has no such key" in problem_of(d, old)[2]


def test_a_broken_file_of_keys_leaves_the_old_ones(secured, issuer):
    d = secured()
    whole = issuer.file.read_text()
    issuer.file.write_text(whole[:len(whole) // 2])
    d["gateway0"].await_log("stay as they were")
    wait_until(lambda: d.metric("auth_file_failures_total") == 1)
    assert get(d, issuer.token())[0] == 200
    issuer.file.unlink()
    wait_until(lambda: d.metric("auth_file_failures_total") == 2)
    assert get(d, issuer.token())[0] == 200
    issuer.publish()
    d["gateway0"].await_log(": 3 now")
    assert get(d, issuer.token())[0] == 200


def test_a_known_token_ends_when_it_expires(secured, issuer):
    d = secured()
    token = issuer.token(exp=time.time() + 2)
    assert get(d, token)[0] == 200
    assert d.metric("identities") == 1
    wait_until(lambda: get(d, token)[0] == 401)
    wait_until(lambda: d.metric("identities") == 0)


def test_limits_are_the_subjects_where_there_is_one(secured, issuer):
    limits = {"requests_per_second": 0.001, "requests_burst": 10, "streams_per_address": 2}
    d = secured(limits=limits)
    ada, ken = issuer.token(), issuer.token(sub="ken")
    assert get(d, ada)[0] == get(d, ken)[0] == 200  # Unknown yet, so these two were charged to the address.
    assert [get(d, ada)[0] for _ in range(12)].count(200) == 10
    assert get(d, issuer.token(jti="2"))[0] == 200, "a new token is checked at the address' expense"
    assert [get(d, ken)[0] for _ in range(8)].count(200) == 8
    assert [get(d, "wrong")[0] for _ in range(10)].count(429) > 0, "who guesses is stopped before signatures are checked"
    assert get(d, ken)[0] == 200


def test_streams_of_one_subject_are_limited(secured, issuer):
    d = secured(limits={"streams_per_address": 2, "requests_burst": 1000, "requests_per_second": 1000})
    ada, ken = issuer.token(), issuer.token(sub="ken")
    again = issuer.token(jti="2")
    assert [d.stream("/api/tiles/stream", headers=bearer(token)).status for token in (ada, again, ada)] == [200, 200, 429], "whatever token she has"
    assert [d.stream("/api/tiles/stream", headers=bearer(ken)).status for _ in range(3)] == [200, 200, 429]


def test_no_page_of_another_origin_uses_a_users_cookie(secured, issuer):
    """A WebSocket's handshake has the cookie, whoever's page opens it."""
    d = secured(cors_origins=["*", "https://ops.example.org"])
    port, token = d.gateway_ports[0], issuer.token()
    own = f"http://localhost:{port}"
    for headers, origin, status in ((cookie(token), "https://evil.example", 403), (cookie(token), own, 101), (bearer(token), "https://evil.example", 101)):
        ws = WebSocket(port, {**headers, "Host": f"localhost:{port}", "Origin": origin})
        assert ws.status == status, (headers, origin)
        ws.close()


def ended(program):
    """Starts a program that ends by itself; its exit status."""
    program.start()
    status = program.process.wait(timeout=PATIENCE)
    program.process = None
    return status


def test_a_gateway_does_not_start_without_its_keys(deploy, sqlite_table, issuer):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"auth": "jwt", "jwt": {"issuers": [issuer.config(jwks="/no/such/file")]}}})
    assert ended(d["gateway0"]) == 1
    assert "/no/such/file: cannot be read" in d["gateway0"].log_text()


def test_an_open_gateway_listens_on_the_loopback_alone(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=0)
    port = free_ports(1)[0]
    d.add("outside", ["tilewire-gateway", "--listen", f"0.0.0.0:{port}"])
    assert ended(d["outside"]) == 2
    assert "everybody there could read everything" in d["outside"].log_text()
    d.config["gateway"]["listen"] = f"*:{port}"
    d.write()
    result = d.run("check", str(d.file))
    assert result.returncode == 2 and "gateway.auth: jwt" in result.stdout and "insecure: true" in result.stdout
    d.config["insecure"] = True
    d.write()
    assert d.run("check", str(d.file)).returncode == 0


def test_waiting_for_news_with_a_token(secured, issuer, sqlite_table):
    d = secured()
    token = issuer.token()
    tag = get(d, token, "/api/tiles?keys=orders.ever")[1]["etag"]
    sqlite_table.insert([(now_iso(), "order.created", None, None, None, None)])
    status, _, _ = d.request("/api/tiles?keys=orders.ever&wait=20s", headers={**bearer(token), "If-None-Match": tag})
    assert status == 200


def test_streams_end_with_their_token(secured, issuer):
    """With an event that says so, on both kinds of stream and on a WebSocket; waiting requests end, too."""
    d = secured(leeway="1m")
    exp = time.time() + 4
    token = issuer.token(exp=exp)
    streams = [d.stream(path, headers=headers) for path in ("/api/tiles/stream", "/api/events/stream") for headers in (bearer(token), cookie(token))]
    ws = WebSocket(d.gateway_ports[0], bearer(token))
    ws.say(subscribe=["*"])
    tag = get(d, token)[1]["etag"]
    status, _, _ = d.request("/api/tiles?wait=60s", headers={**bearer(token), "If-None-Match": tag})
    assert status in (200, 304) and exp - 1 < time.time() < exp + 3
    for stream in streams:
        assert stream.ended.wait(PATIENCE)
        last = stream.events[-1]
        assert last["event"] == "expired-token" and last["data"] == {} and last["id"] is None
    ws.await_message(lambda m: m["event"] == "expired-token")
    assert ws.closed() == (3000, "Come back with a new token.")
    assert time.time() < exp + 3
    assert d.metric("streams_expired_total") == 5
    assert get(d, token)[0] == 200, "clocks may differ by a minute here"


def test_a_new_token_goes_on_where_the_old_one_ended(secured, issuer, sqlite_table):
    d = secured()
    sqlite_table.insert([(now_iso(), "order.created", None, None, None, None)])
    old = issuer.token(exp=time.time() + 2)
    tiles, events = (d.stream(path, headers=bearer(old)) for path in ("/api/tiles/stream", "/api/events/stream?lastEventId=0"))
    tiles.await_event(lambda e: e["event"] == "tile" and e["data"]["key"] == "orders.ever" and e["data"]["data"]["value"] == 1)
    assert tiles.ended.wait(PATIENCE) and events.ended.wait(PATIENCE)
    cursor, last = (next(e["id"] for e in reversed(stream.events) if e["id"]) for stream in (tiles, events))
    sqlite_table.insert([(now_iso(), "order.created", None, None, None, None)])
    new = issuer.token()
    wait_until(lambda: json.loads(get(d, new, "/api/tiles/orders.ever")[2])["data"]["value"] == 2)
    tiles = d.stream("/api/tiles/stream", last_event_id=cursor, headers=bearer(new))
    events = d.stream("/api/events/stream", last_event_id=last, headers=bearer(new))
    assert tiles.await_event(lambda e: e["event"] == "tile" and e["data"]["key"] == "orders.ever")["data"]["data"]["value"] == 2
    assert events.await_event(lambda e: e["event"] == "order.created")["id"] == "2"
    assert not [e for e in tiles.events + events.events if e["event"] == "reset"]


def test_a_problem_says_where_to_sign_in(secured, issuer):
    d = secured(sign_in_url="/oauth2/start?rd={return}")
    nothing = issuer.token(tilewire={"tiles": []})
    for status, _, body in (d.request("/api/tiles"), get(d, nothing)):
        problem = json.loads(body)
        assert (problem["status"], problem["sign_in_url"]) == (status, "/oauth2/start?rd={return}") and status in (401, 403)
    assert "sign_in_url" not in json.loads(get(d, nothing, "/api/tiles/orders.ever")[2])


# ---- tilewire token ----

@pytest.mark.parametrize("alg", ["EdDSA", "ES256", "RS256"])
def test_tokens_for_scripts(secured, folder, alg):
    """Made by `tilewire token`, read by PyJWT, and accepted by a gateway."""
    tilewire = bin_folder().resolve() / "tilewire"

    def make(*arguments):
        return subprocess.run([tilewire, "token", *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, timeout=PATIENCE)

    made = make("--new-key", "mine.jwk", "--alg", alg)
    assert made.returncode == 0, made.stdout
    (folder / "mine.jwks").write_text(made.stdout)
    assert (folder / "mine.jwk").stat().st_mode & 0o777 == 0o600
    assert make("mine.jwk", "--public").stdout == made.stdout
    public = jwt.PyJWKSet.from_json(made.stdout).keys[0]
    private = jwt.PyJWK.from_json((folder / "mine.jwk").read_text()).key
    assert private.public_key().public_numbers() == public.key.public_numbers() if alg != "EdDSA" else True

    token = make("mine.jwk", "--subject", "Ada \"L\"", "--groups", "a,b c", "--tiles", "orders.*,x", "--events", "", "--expires", "90s").stdout.strip()
    claims = jwt.decode(token, public.key, algorithms=[alg], audience="tilewire", issuer="https://localhost")
    assert claims == {"iat": claims["iat"], "exp": claims["iat"] + 90, "iss": "https://localhost", "aud": "tilewire", "sub": "Ada \"L\"",
                      "groups": ["a", "b c"], "tilewire": {"tiles": ["orders.*", "x"], "events": []}}
    assert jwt.get_unverified_header(token) == {"alg": alg, "typ": "JWT", "kid": public.key_id}
    plain = jwt.decode(make("mine.jwk").stdout.strip(), public.key, algorithms=[alg], audience="tilewire")
    assert set(plain) == {"iat", "exp", "iss", "aud"} and plain["exp"] == plain["iat"] + 3600
    other = make("mine.jwk", "--issuer", "https://i", "--audience", "a").stdout.strip()
    assert jwt.decode(other, public.key, algorithms=[alg], audience="a", issuer="https://i")

    class Mine:
        @staticmethod
        def config():
            return {"issuer": "https://localhost", "audience": "tilewire", "jwks": str(folder / "mine.jwks")}

    d = secured(issuers=[Mine])
    assert {tile["key"].split(".")[0] for tile in json.loads(get(d, token)[2])["tiles"]} == {"orders"}
    assert get(d, token, "/api/events")[0] == 403
    assert get(d, other)[0] == 401


def test_keys_of_scripts_are_kept(folder):
    def make(*arguments):
        command = [bin_folder().resolve() / "tilewire", "token", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE)
        return done.returncode, done.stderr.strip()

    assert make("--new-key", "mine.jwk")[0] == 0
    assert make("--new-key", "mine.jwk") == (1, "tilewire: cannot make mine.jwk: File exists")
    (folder / "mine.jwk").chmod(0o640)
    assert make("mine.jwk") == (1, "tilewire: mine.jwk: others may read it, and could make tokens: chmod 600")
    (folder / "link.jwk").symlink_to("mine.jwk")
    assert make("link.jwk")[0] == 1
    (folder / "bad.jwk").write_text("{}")
    (folder / "bad.jwk").chmod(0o600)
    assert make("bad.jwk") == (1, "tilewire: bad.jwk: it is no key for signatures with EdDSA, ES256 or RS256")
    assert make("no.jwk")[0] == 1
    assert make("--alg", "HS256", "mine.jwk")[0] == 2 and make("--expires", "0", "mine.jwk")[0] == 2 and make()[0] == 2
