# SPDX-License-Identifier: Apache-2.0
"""What may be seen, on every face: each route is walked by somebody without a token, and by four whose tokens show
everything, some tiles, some events, and some fields. A route without a row here is a failure."""
import concurrent.futures
import copy
import json
import pathlib
import re

import pytest

from issuer import Issuer, bearer
from test_long_polling import waiting
from tilewire import PATIENCE, now_iso, wait_until
from websocket import WebSocket

ROUTES = pathlib.Path(__file__).parents[2] / "gateway/api/routes.c"

TILES = [
    {"key": "tickets.sla", "type": "sla_risk", "opens": {"event_type": "ticket.opened"}, "closes": {"event_type": "ticket.resolved"},
     "item": "target_id", "within": "1h", "at_risk": "30s"},
    {"key": "orders.ever", "type": "count", "match": {"event_type": "order.*"}},
    {"key": "orders.by_region", "type": "count", "match": {"event_type": "order.created"}, "group_by": "payload.region"},
]

CLAIMS = {
    "everything": {},
    "some tiles": {"tiles": ["tickets.*"], "events": []},
    "some events": {"tiles": [], "events": ["ticket.*"]},
    "some fields": {"fields": ["summary"], "push": ["ticket.*"]},
}

# By what it is recognised that something was shown. What is not in the set of one that is asked must never come.
MARKS = {
    "tiles": {"tickets.sla", "orders.ever", "orders.by_region/", "ITEM"},
    "definitions": {"tickets.sla", "orders.ever"},
    "events": {'"ticket.opened"', '"order.created"', "ITEM", "SUMMARY-T", "SUMMARY-O", "ACTOR-T", "ACTOR-O", "CARD-T", "CARD-O"},
    "nothing": set(),
}
SEEN = {
    "everything": MARKS,
    "some tiles": {"tiles": {"tickets.sla", "ITEM"}, "definitions": {"tickets.sla"}},
    "some events": {"events": {'"ticket.opened"', "ITEM", "SUMMARY-T", "ACTOR-T", "CARD-T"}},
    "some fields": {"tiles": {"tickets.sla", "orders.ever", "orders.by_region/"}, "definitions": MARKS["definitions"],
                    "events": {'"ticket.opened"', '"order.created"', "SUMMARY-T", "SUMMARY-O"}},
}


def get(path, shows, marks=None, hidden=403):
    return {"path": path, "shows": shows, "marks": marks or MARKS[shows], "hidden": hidden}


def each_tile(prefix, shows):
    """One tile at a time; ITEM is a part of the first."""
    yield get(f"{prefix}tickets.sla", shows, MARKS[shows] & {"tickets.sla", "ITEM"}, 404)
    yield get(f"{prefix}orders.ever", shows, {"orders.ever"}, 404)


# What is asked under each route. `stream` is Server-Sent Events; `subscribe` is said over a WebSocket.
ROWS = {
    "/api/tiles": [get("/api/tiles", "tiles"), get("/api/tiles?keys=*.sla,*e*", "tiles"), get("/api/tiles?keys=tickets.sla", "tiles", {"tickets.sla", "ITEM"}),
                   get("/api/tiles?keys=orders.ever", "tiles", {"orders.ever"}), get("/api/tiles?wait=100ms", "tiles")],
    "/api/tiles/KEY": [*each_tile("/api/tiles/", "tiles")],
    "/api/definitions/KEY": [*each_tile("/api/definitions/", "definitions")],
    "/api/tiles/stream": [{"stream": f"/api/tiles/stream{query}", "shows": "tiles"}
                          for query in ("", "?form=patch", "?keys=*s*&form=patch", "?lastEventId=1-1")],
    "/api/events": [get("/api/events", "events"), get("/api/events?after=0", "events"), get("/api/events?types=*.*e*&limit=1000", "events"),
                    get("/api/events?after=0&wait=100ms", "events"),
                    get("/api/events?types=order.created", "events", {'"order.created"', "SUMMARY-O", "ACTOR-O", "CARD-O"}),
                    {"push": "ticket.opened", "may": {"some fields"}}, {"push": "order.created", "may": set()}],
    "/api/events/stream": [{"stream": f"/api/events/stream?lastEventId=0{query}", "shows": "events"} for query in ("", "&event=message", "&types=*.*e*")],
    "/api/ws": [{"subscribe": {"subscribe": ["*"]}, "shows": "tiles"},
                {"subscribe": {"subscribe": ["orders.*", "tickets.*"], "form": "patch"}, "shows": "tiles"},
                {"subscribe": {"subscribe": ["*"], "stream": "events", "cursor": "0"}, "shows": "events"}],
    "/api/views": [get("/api/views", "nothing", hidden=200)],
    "/metrics/tiles": [get("/metrics/tiles", "tiles", MARKS["tiles"] - {"ITEM"}), get("/metrics/tiles?keys=tickets.sla", "tiles", {"tickets.sla"})],
    "/healthz": [get("/healthz", "nothing")],
    "/readyz": [get("/readyz", "nothing")],
    "/metrics": [get("/metrics", "nothing")],
    "/*": [get("/", "nothing"), get("/assets/app.js", "nothing")],
}
OPEN = {"/healthz", "/readyz", "/metrics", "/*"}


def rows_of(name, kind):
    return [row for row in ROWS[name] if kind in row]


def expected(who, row):
    return row.get("marks", MARKS[row["shows"]]) & SEEN[who].get(row["shows"], set())


def found(row, text):
    """The marks of all faces, so that a tile's list that shows an event is found, too. The names of the rules are definitions'."""
    marks = MARKS["tiles"] | MARKS["events"] if row["shows"] != "definitions" else MARKS["tiles"]
    if row["shows"] == "events":
        marks = marks | {"orders.ever"}
    return {mark for mark in marks if mark in text}


def test_each_route_has_a_row():
    text = ROUTES.read_text()
    routes = set(re.findall(r'^    \{"(/[^"]*)", api_\w+,', text, re.MULTILINE))
    prefixes = {f"/api/{name}KEY" for name in re.findall(r'_prefix\[\] = API_PREFIX "([^"]+)"', text)}
    assert len(routes) >= 8 and len(prefixes) >= 2, "routes.c is written in another way"
    assert routes | prefixes | {"/*"} == set(ROWS), "a route has no row here, or a row has no route"


def ticket(name):
    return (now_iso(), "ticket.opened", "ACTOR-T", f"ITEM-{name}", "SUMMARY-T", json.dumps({"card": "CARD-T"}))


def order(region):
    return (now_iso(), "order.created", "ACTOR-O", None, "SUMMARY-O", json.dumps({"card": "CARD-O", "region": region}))


@pytest.fixture
def seen(deploy, sqlite_table, folder):
    """seen() → a deployment with rows, and a token for each of those who ask; idle: when a family's member is removed."""
    return lambda idle="1h": deploy_with_rows(deploy, sqlite_table, Issuer(folder), idle)


def deploy_with_rows(deploy, table, issuer, idle):
    config = {"source": {"payload_in_events": True}, "gateway": {"auth": "jwt", "jwt": {"issuers": [issuer.config()]}, "heartbeat": "100ms"}}
    tiles = [{**tile, "idle": idle} if "group_by" in tile else tile for tile in TILES]
    d = deploy(table, tiles=tiles, gateways=1, config=config)
    d.config["gateway"]["push"] = [{"query": d.addresses[1]}]
    d.write()
    d.start()
    d.tokens = {who: bearer(issuer.token(sub=who, tilewire=claim)) for who, claim in CLAIMS.items()}
    d.issuer = issuer
    table.insert([ticket("1"), order("eu")])
    wait_until(lambda: "orders.by_region/eu" in d.request("/api/tiles", headers=d.tokens["everything"])[2].decode())
    wait_until(lambda: d.request("/api/events", headers=d.tokens["everything"])[2].count(b'"id"') == 2)
    return d


def test_each_answer_shows_what_may_be_seen(seen):
    d = seen()
    for name in ROWS:
        for row in rows_of(name, "path"):
            if name not in OPEN:
                assert d.request(row["path"])[0] == 401, row
            for who, token in d.tokens.items():
                status, headers, body = d.request(row["path"], headers=token)
                wanted = expected(who, row)
                shown = found(row, body.decode())
                assert shown == wanted, (who, row, body)
                assert status == (200 if wanted or name in OPEN else row["hidden"]), (who, row, body)
                if name not in OPEN:
                    assert {"Authorization", "Cookie"} <= set(headers["vary"].split(", ")), (who, row)
                    assert headers["cache-control"].startswith("private, ") == (status == 200), (who, row)
                    assert status == 200 or headers["cache-control"] == "no-store"


def test_only_who_may_push_is_handed_on(seen):
    """What is handed on is refused by this ingestor, since its source is a table: nothing else says 503 with these words."""
    d = seen()
    for name in ROWS:
        for row in rows_of(name, "push"):
            body = json.dumps({"event_type": row["push"]})
            headers = {"Content-Type": "application/json"}
            assert d.request(name, "POST", headers, body=body)[0] == 401, row
            for who, token in d.tokens.items():
                status, _, text = wait_until(lambda t=token, b=body: (a := d.request(name, "POST", headers | t, body=b))[2].find(b"can be reached") < 0 and a)
                handed_on = who in row["may"]
                assert status == (503 if handed_on else 403), (who, row, text)
                assert (b"no events can be pushed to this program" if handed_on else b"you may not push") in text, (who, row, text)


class Watching:
    """A stream of either kind, until a heartbeat that is made after a moment; `text` is all that came."""

    def __init__(self, d, row, headers):
        self.sse = d.stream(row["stream"], headers=headers) if "stream" in row else None
        self.ws = None if self.sse else WebSocket(d.gateway_ports[0], headers)
        self.status = (self.sse or self.ws).status
        self.text = ""
        if self.ws and self.status == 101:
            self.ws.say(**row["subscribe"])

    def read_until(self, moment):
        if self.status not in (200, 101):
            return
        if self.sse:
            self.sse.await_event(lambda e: e["event"] == "heartbeat" and e["data"]["now"] > moment)
            self.text = self.sse.raw.decode()
            return
        try:
            message = {}
            while message.get("event") != "heartbeat" or message["now"] <= moment:
                message = self.ws.read()
                self.text += json.dumps(message, separators=(",", ":"))
        except EOFError as end:
            self.status = end.args[0]


def test_each_stream_shows_what_may_be_seen(seen, sqlite_table):
    """Of what is there, of what changes, and of what is removed."""
    d = seen(idle="2s")
    watching = []
    for name in ROWS:
        for row in [*rows_of(name, "stream"), *rows_of(name, "subscribe")]:
            assert Watching(d, row, {}).status == 401
            watching += [(who, row, Watching(d, row, token)) for who, token in d.tokens.items()]
    control = d.stream("/api/tiles/stream?form=patch", headers=d.tokens["everything"])
    sqlite_table.insert([ticket("2"), order("eu")])
    control.await_event(lambda e: e["event"] == "patch" and e["data"]["key"] == "tickets.sla")
    control.await_event(lambda e: e["event"] == "expired" and e["data"]["key"] == "orders.by_region/eu")
    moment = now_iso()
    for who, row, stream in watching:
        stream.read_until(moment)
        wanted = expected(who, row)
        assert found(row, stream.text) == wanted, (who, row, stream.text)
        assert stream.status == (200 if stream.sse else 101) if wanted else stream.status in (403, 1008), (who, row)
        if "ITEM" in wanted:
            assert "ITEM-1" in stream.text and "ITEM-2" in stream.text, (who, row)
        if row["shows"] == "tiles" and "orders.by_region/" in wanted:
            assert '"expired"' in stream.text or "event: expired" in stream.text
        if row["shows"] == "tiles" and "patch" in str(row) and wanted:
            assert '"patch":{' in stream.text
        if wanted and stream.sse:
            assert stream.sse.headers["cache-control"] == "private, no-cache, no-transform"


def test_verify_over_http_knows_what_may_be_seen(seen, folder):
    """The oracle's own reading of the token against the gateway's: what is hidden is named, and all else is right."""
    d = seen()
    url = f"http://127.0.0.1:{d.gateway_ports[0]}"
    without = d.run("verify", "--http", url, "--timeout", "1s")
    assert without.returncode == 1 and "asks who this is" in without.stdout and "--token-file" in without.stdout
    all_keys = {"tickets.sla", "orders.ever", "orders.by_region/eu"}
    for who, token in d.tokens.items():
        file = folder / "token"
        file.write_text(token["Authorization"].removeprefix("Bearer ") + "\n")
        file.chmod(0o600)
        result = d.run("verify", "--http", url, "--token-file", str(file), "--json", "--timeout", f"{PATIENCE}s")
        report = json.loads(result.stdout)
        seen_keys = {key for key in all_keys if any(mark in key for mark in SEEN[who].get("tiles", ()))}
        assert report["wrong"] == [] and set(report["not_seen"]) == all_keys - seen_keys, (who, report)
        assert result.returncode == 0 and report["equal"] == len(seen_keys), (who, report)


def test_an_id_of_a_hidden_event_is_as_one_that_never_was(seen, sqlite_table):
    """Else whoever may see some events could find out which ids the others have."""
    d = seen()
    token = d.tokens["some events"]
    sqlite_table.insert([order("eu"), ticket("2")])  # 1 and 4 are tickets, 2 and 3 orders
    sqlite_table.execute("UPDATE sqlite_sequence SET seq = 9")
    sqlite_table.insert([ticket("3")])  # 10; there is none from 5 to 9
    wait_until(lambda: d.request("/api/events", headers=d.tokens["everything"])[2].count(b'"id"') == 5)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = {after: pool.submit(d.request, f"/api/events?after={after}", headers=token) for after in (2, 3, 5, 9)}
        answers = {after: answer.result() for after, answer in answers.items()}
    for after, (status, fields, body) in answers.items():
        assert (status, body) == (404, answers[5][2]), (after, body)
        assert {**fields, "date": ""} == {**answers[5][1], "date": ""}
    for after, rest in ((1, [4, 10]), (4, [10]), (10, []), (0, [1, 4, 10])):
        assert [e["id"] for e in json.loads(d.request(f"/api/events?after={after}", headers=token)[2])["events"]] == rest
    assert [e["id"] for e in json.loads(d.request("/api/events?after=2", headers=d.tokens["everything"])[2])["events"]] == [3, 4, 10]
    for after in ("1", "3", "7"):
        stream = d.stream("/api/events/stream", headers=token, last_event_id=after)
        stream.await_event(lambda e: e["event"] == ("ticket.opened" if after == "1" else "reset"))
        ws = WebSocket(d.gateway_ports[0], token)
        ws.say(subscribe=["*"], stream="events", cursor=after)
        first = ws.await_message(lambda m: m["event"] != "heartbeat")
        assert first["event"] == ("ticket.opened" if after == "1" else "reset"), after
        ws.close()


def data_of(stream, key):
    """What a client of a patch stream has of a tile, by RFC 7396."""
    tile = None
    for event in list(stream.events):
        if event["data"].get("key") == key and event["event"] == "tile":
            tile = copy.deepcopy(event["data"])
        elif event["data"].get("key") == key and event["event"] == "patch":
            assert event["data"]["base"] == tile["version"]
            tile["version"] = event["data"]["version"]
            merge(tile, event["data"]["patch"])
    return tile


def merge(target, patch):
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict) and isinstance(target.get(name), dict):
            merge(target[name], value)
        else:
            target[name] = value


def test_patches_lead_to_what_a_list_shows(seen, sqlite_table):
    d = seen()
    token = bearer(d.issuer.token(tilewire={"fields": ["data.worst.due_at"]}))
    whole = d.stream("/api/tiles/stream?form=patch", headers=d.tokens["everything"])
    some = d.stream("/api/tiles/stream?form=patch", headers=token)
    none = d.stream("/api/tiles/stream?form=patch", headers=d.tokens["some fields"])
    for name in "234567":
        sqlite_table.insert([ticket(name)])
    wait_until(lambda: data_of(whole, "tickets.sla")["data"]["ok"] == 7)
    version = data_of(whole, "tickets.sla")["version"]
    for stream, headers in ((whole, d.tokens["everything"]), (some, token), (none, d.tokens["some fields"])):
        wait_until(lambda s=stream: data_of(s, "tickets.sla")["version"] == version)
        tile = json.loads(d.request("/api/tiles/tickets.sla", headers=headers)[2])
        assert tile["version"] == version and tile["data"] == data_of(stream, "tickets.sla")["data"]
    assert [set(item) for item in data_of(some, "tickets.sla")["data"]["worst"]] == [{"due_at"}] * 5
    assert "worst" not in data_of(none, "tickets.sla")["data"]


def test_no_body_or_tag_is_shared_by_those_who_see_other_fields(seen):
    d = seen()
    for path in ("/api/tiles/tickets.sla", "/api/tiles?keys=tickets.sla", "/api/events?types=ticket.*"):
        tags = {}
        for who in ("everything", "some fields", "everything", "some fields"):
            status, headers, body = d.request(path, headers=d.tokens[who])
            assert status == 200 and (b"ITEM" in body) == (who == "everything"), (who, path)
            assert tags.setdefault(who, headers["etag"]) == headers["etag"]
        assert tags["everything"] != tags["some fields"], path
        for who, other in (("everything", "some fields"), ("some fields", "everything")):
            assert d.request(path, headers={**d.tokens[who], "If-None-Match": tags[who]})[0] == 304
            assert d.request(path, headers={**d.tokens[who], "If-None-Match": tags[other]})[0] == 200, (who, path)


def test_the_digest_of_a_list_of_events_says_nothing_of_hidden_fields(seen, sqlite_table):
    """Else the tag would tell who guesses a field that it is right."""
    d = seen()
    stamp = now_iso()
    tags = {}
    for name in ("1", "2"):
        sqlite_table.insert([(stamp, "ticket.opened", None, f"ITEM-{name}", "same", "{}")])
        wait_until(lambda: d.request("/api/events", headers=d.tokens["everything"])[2].count(b'"same"') == int(name))
        events = json.loads(d.request("/api/events?limit=1", headers=d.tokens["some fields"])[2])["events"]
        tags[name] = [d.request("/api/events?limit=1", headers=d.tokens[who])[1]["etag"].split("-")[-1] for who in ("some fields", "everything")]
        assert events[0]["target_id"] is None and events[0]["summary"] == "same"
    # The two differ in id, so the whole tag does; a digest of the fields alone would be in both.
    assert tags["1"][0] != tags["1"][1] and tags["2"][0] != tags["2"][1]


def test_what_may_not_be_seen_wakes_nobody(seen, sqlite_table):
    d = seen()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        tag = d.request("/api/tiles", headers=d.tokens["some tiles"])[1]["etag"]
        tiles = pool.submit(d.request, "/api/tiles?wait=9s", headers={**d.tokens["some tiles"], "If-None-Match": tag})
        events = pool.submit(d.request, "/api/events?after=1&wait=9s", headers=d.tokens["some events"])
        waiting(d, 2)
        sqlite_table.insert([order("eu")])
        wait_until(lambda: d.request("/api/events?after=2", headers=d.tokens["everything"])[2].count(b'"id"') == 1)
        assert not tiles.done() and not events.done() and d.metric("waiting") == 2
        sqlite_table.insert([ticket("2")])
        assert "ITEM-2" in tiles.result()[2].decode() and "ITEM-2" in events.result()[2].decode()


def test_equal_views_share_channels_and_others_do_not(seen):
    d = seen()
    plain = {"Accept-Encoding": "identity"}  # a channel has one coding
    channels = d.metric("channels")
    for sub in "abcde":
        token = bearer(d.issuer.token(sub=sub, tilewire={"tiles": ["tickets.*", "tickets.sla"], "events": [sub]}))
        d.stream("/api/tiles/stream", headers=token | plain)
    assert d.metric("channels") == channels + 1
    d.stream("/api/tiles/stream?keys=tickets.sla", headers=token | plain)
    d.stream("/api/tiles/stream?keys=tickets.sla", headers=d.tokens["everything"] | plain)
    assert d.metric("channels") == channels + 2, "what lies in a view is not different from what everybody sees"
    d.stream("/api/tiles/stream?keys=tickets.sla", headers=d.tokens["some fields"] | plain)
    assert d.metric("channels") == channels + 3


def test_who_comes_back_and_may_see_other_things_starts_over(seen):
    """A cursor says what a client has of all that it could see; what it could not see has not changed since."""
    d = seen()
    claims = {"tickets": {"tiles": ["tickets.*"]}, "all": {}, "fields": {"fields": []}}
    tokens = {name: bearer(d.issuer.token(tilewire=claim)) for name, claim in claims.items()}
    ids = {}
    for name, token in tokens.items():
        stream = d.stream("/api/tiles/stream", headers=token)
        stream.await_event(lambda e: e["event"] == "heartbeat")
        ids[name] = [e["id"] for e in stream.events if e["id"]][-1]
        ws = WebSocket(d.gateway_ports[0], token)
        ws.say(subscribe=["*"])
        assert ws.await_message(lambda m: m["event"] == "tile")["id"].partition("~")[2] == ids[name].partition("~")[2]
        ws.close()
        assert json.loads(d.request("/api/tiles", headers=token)[2])["cursor"].partition("~")[2] == ids[name].partition("~")[2]
    assert len({cursor.partition("~")[2] for cursor in ids.values()}) == 3
    for before in tokens:
        for now, token in tokens.items():
            stream = d.stream("/api/tiles/stream", headers=token, last_event_id=ids[before])
            stream.await_event(lambda e: e["event"] == "heartbeat")
            ws = WebSocket(d.gateway_ports[0], token)
            ws.say(subscribe=["*"], cursor=ids[before])
            first = ws.read()
            while first["event"] == "heartbeat" and before != now:
                first = ws.read()
            ws.close()
            if before == now:
                assert {e["event"] for e in stream.events} == {"heartbeat"} and first["event"] == "heartbeat"
            else:
                keys = {e["data"]["key"] for e in stream.events if e["event"] == "tile"}
                assert stream.events[0]["event"] == first["event"] == "reset", (before, now)
                assert keys == ({"tickets.sla"} if now == "tickets" else {"tickets.sla", "orders.ever", "orders.by_region/eu"})


def test_credentials_across_origins_are_for_configured_ones(deploy, sqlite_table, folder):
    issuer = Issuer(folder)
    auth = {"auth": "jwt", "jwt": {"issuers": [issuer.config()]}}
    d = deploy(sqlite_table, gateways=1, config={"gateway": {**auth, "cors_origins": ["https://ops.example.org"]}}).start()
    wait_until(lambda: d.request("/readyz")[0] == 200)
    token = bearer(issuer.token())
    for path in ("/api/tiles", "/api/tiles/orders.ever", "/api/events", "/api/no/such/route"):
        for method in ("GET", "OPTIONS"):
            headers = d.request(path, method, headers={**token, "Origin": "https://ops.example.org"})[1]
            assert headers["access-control-allow-origin"] == "https://ops.example.org" and headers["access-control-allow-credentials"] == "true", (method, path)
            headers = d.request(path, method, headers={**token, "Origin": "https://evil.example"})[1]
            assert not [name for name in headers if name.startswith("access-control-allow-") and name not in
                        ("access-control-allow-methods", "access-control-allow-headers")], (method, path)
            assert "Origin" in headers["vary"].split(", ")
    stream = d.stream("/api/tiles/stream", headers={**token, "Origin": "https://ops.example.org"})
    assert stream.headers["access-control-allow-credentials"] == "true"
    d.stop()
    d.config["gateway"]["cors_origins"] = ["*"]
    d.write()
    d.start()
    for path in ("/api/tiles", "/api/tiles/orders.ever"):
        for method in ("GET", "OPTIONS"):
            headers = d.request(path, method, headers={**token, "Origin": "https://ops.example.org"})[1]
            assert headers["access-control-allow-origin"] == "*" and "access-control-allow-credentials" not in headers


def test_without_auth_answers_are_for_all(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"cors_origins": ["https://ops.example.org"]}}).start()
    headers = d.request("/api/tiles", headers={"Origin": "https://ops.example.org"})[1]
    assert headers["cache-control"] == "no-cache" and "Authorization" not in headers["vary"]
    assert "access-control-allow-credentials" not in headers

