# SPDX-License-Identifier: Apache-2.0
"""HTTP as clients and proxies expect it, and the contracts of what is served."""
import email.utils
import gzip
import http.client
import json
import re
import socket
import time
import urllib.parse

import contracts
from tilewire import PATIENCE, TILES, RandomEvents, now_iso, wait_until



def problem(answer, status):
    code, headers, body = answer
    assert code == status
    assert headers["content-type"] == "application/problem+json"
    document = json.loads(body)
    assert document["status"] == status and document["detail"].endswith("."), document
    return headers


def test_answers_are_dated(deploy, sqlite_table):
    """One Date for each answer, that of now: also for those that are made once and used again."""
    d = deploy(sqlite_table, gateways=1).start()
    etag = d.request("/api/tiles/orders.ever")[1]["etag"]
    seen = set()

    def two_seconds_were_seen():
        for headers in ({}, {"If-None-Match": etag}):
            before = int(time.time())
            connection = http.client.HTTPConnection("127.0.0.1", d.gateway_ports[0], timeout=PATIENCE)
            connection.request("GET", "/api/tiles/orders.ever", headers=headers)
            response = connection.getresponse()
            response.read()
            connection.close()
            dates = response.headers.get_all("Date")
            assert len(dates) == 1
            moment = email.utils.parsedate_to_datetime(dates[0]).timestamp()
            assert before - 30 <= moment <= time.time()
            seen.add((response.status, moment))
        return len({moment for status, moment in seen if status == 304}) >= 2

    wait_until(two_seconds_were_seen, what="the clock to tick")
    assert {status for status, _ in seen} == {200, 304}


def test_etags(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] == 1)

    def asked(path, form):
        """The tag of now, and the answer to who asks with a form of it: other tiles may change in between."""
        status, headers, body = d.request(path)
        assert status == 200 and body
        return headers["etag"], d.request(path, headers={"If-None-Match": form(headers["etag"])})

    def is_known(path, form):
        etag, (status, headers, body) = asked(path, form)
        return (status, body, headers["etag"]) == (304, b"", etag)

    known = [lambda tag: tag, lambda _: "*", lambda tag: f'"other", {tag}', lambda tag: tag.removeprefix("W/")]
    # A proxy that compresses appends the coding, and hands on what clients then ask with (Apache's mod_deflate).
    known += [lambda tag, end=end: f'{tag[:-1]}{end}"' for end in ("-gzip", "-br", ";gzip")]
    other = ['"other"', '"-gzip"', '""']
    for path in ("/api/tiles", "/api/tiles?keys=orders.ever", "/api/tiles/orders.ever", "/api/events"):
        wait_until(lambda: d.request(path)[1]["etag"] == d.request(path, gateway=1)[1]["etag"], what="the same on each gateway")
        for form in known:
            wait_until(lambda: is_known(path, form), what=f"{path} to be known by {form('TAG')}")
        for form in [lambda _, tag=tag: tag for tag in other] + [lambda tag, end=end: tag[:-1] + end for end in ("-", "-gzip", '-gzipped"', 'a-gzip"')]:
            assert asked(path, form)[1][0] == 200, (path, form("TAG"))
    etag = d.request("/api/tiles/orders.ever")[1]["etag"]
    sqlite_table.insert([(now_iso(), "order.created", None, "o2", None, None)])
    wait_until(lambda: d.request("/api/tiles/orders.ever", headers={"If-None-Match": etag})[0] == 200)


def test_a_long_list_is_read_in_pages(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    sqlite_table.insert([(now_iso(), "order.created", None, f"o{i}", None, json.dumps({"region": f"r {i}"})) for i in range(30)])
    wait_until(lambda: len(d.get_json("/api/tiles?keys=orders.by_region/*")["tiles"]) == 30)
    keys, path = [], "/api/tiles?keys=orders.by_region/*&limit=7"
    page = d.get_json(path)
    while True:
        keys += [tile["key"] for tile in page["tiles"]]
        if "next" not in page:
            break
        assert len(page["tiles"]) == 7 and page["next"] == keys[-1]
        page = d.get_json(f"{path}&after={urllib.parse.quote(page['next'], safe='')}")
    assert keys == [tile["key"] for tile in d.get_json("/api/tiles?keys=orders.by_region/*")["tiles"]] and len(page["tiles"]) == 2
    etag = d.request(path)[1]["etag"]
    assert d.request(path, headers={"If-None-Match": etag})[0] == 304
    for wrong in ("limit=0", "limit=10001", "limit=x", "limit=", "limit=-1", "limit=5x", "after=a", "limit=5&after=", "limit=5&after=a%20b"):
        problem(d.request(f"/api/tiles?{wrong}"), 400)


def test_large_lists_are_compressed_for_those_who_want_it(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    order = [(now_iso(), "order.created", None, f"o{i}", None, json.dumps({"region": f"r{i}"})) for i in range(30)]
    sqlite_table.insert(order)
    for gateway in (0, 1):
        wait_until(lambda: d.tile("orders.ever", gateway)["data"]["value"] == 30 and len(d.get_json("/api/tiles", gateway)["tiles"]) > 40)
    path = "/api/tiles?keys=orders.ever,orders.by_region/*"
    _, plain, body = d.request(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain and plain["vary"] == "Accept-Encoding"
    for accepted in ("gzip", "br, GZIP;q=0.5", "*", "identity;q=0.1, gzip"):
        status, packed, bytes_ = d.request(path, headers={"Accept-Encoding": accepted})
        assert (status, packed["content-encoding"], packed["vary"]) == (200, "gzip", "Accept-Encoding"), accepted
        assert json.loads(gzip.decompress(bytes_))["tiles"] == json.loads(body)["tiles"] and len(bytes_) < len(body) / 5
        assert int(packed["content-length"]) == len(bytes_)
    for refused in ("gzip;q=0", "br", "gzip;q=0, *", "gzip;q=0.2, identity"):
        assert "content-encoding" not in d.request(path, headers={"Accept-Encoding": refused})[1], refused
    # Each coding has a tag of its own, the same on every gateway; and its 304, which names it.
    assert plain["etag"] != packed["etag"] and plain["content-type"] == packed["content-type"]
    for etag, accepted in ((plain["etag"], "identity"), (packed["etag"], "gzip")):
        for gateway in (0, 1):
            status, headers, rest = d.request(path, headers={"If-None-Match": etag, "Accept-Encoding": accepted}, gateway=gateway)
            assert (status, rest, headers["etag"], headers["vary"]) == (304, b"", etag, "Accept-Encoding")
            assert "content-encoding" not in headers
        other = "gzip" if accepted == "identity" else "identity"
        assert d.request(path, headers={"If-None-Match": etag, "Accept-Encoding": other})[0] == 200

    def head_is_as_long():  # a tile that is confirmed meanwhile is another list, under the same tag
        (_, head, _), (_, got, _) = (d.request(path, method=method, headers={"Accept-Encoding": "gzip"}) for method in ("HEAD", "GET"))
        return head["content-encoding"] == "gzip" and head["content-length"] == got["content-length"]

    wait_until(head_is_as_long, what="HEAD to say how long the list is")
    assert "content-encoding" not in d.request("/api/tiles?keys=queue.depth", headers={"Accept-Encoding": "gzip"})[1], "small"
    sqlite_table.insert(order[:1])
    wait_until(lambda: d.request(path, headers={"If-None-Match": packed["etag"], "Accept-Encoding": "gzip"})[0] == 200)


def test_errors_say_what_to_do(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    problem(d.request("/api/tiles/no.such"), 404)
    problem(d.request("/nothing/here"), 404)
    problem(d.request("/api/tiles?keys=a,,b"), 400)
    problem(d.request("/api/tiles/stream?form=half"), 400)
    for path in ("/api/tiles/orders%00", "/api/tiles?keys=%00", "/api/tiles?keys=orders.*%00x", "/api/events?limit=5%00",
                 "/api/tiles/stream?keys=%00", "/api/events/stream?types=%00"):
        problem(d.request(path), 400)
    problem(d.request("/api/events?limit=0"), 400)
    problem(d.request("/api/events?limit=x"), 400)
    problem(d.request("/api/events?after=two%0Alines"), 400)
    problem(d.request("/api/events?after=4711"), 404)
    assert problem(d.request("/api/tiles", method="POST", body="x"), 405)["allow"] == "GET, HEAD, OPTIONS"
    problem(d.request("/api/tiles", method="POST", body=b"x" * 10_000_000), 413)


def test_events_newest_first_or_after(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    sqlite_table.insert([(now_iso(), "order.created", None, f"o{i}", None, None) for i in range(30)])
    wait_until(lambda: len(d.get_json("/api/events")["events"]) == 30)
    assert [e["id"] for e in d.get_json("/api/events?limit=3")["events"]] == [30, 29, 28]
    assert [e["id"] for e in d.get_json("/api/events?after=27")["events"]] == [28, 29, 30]
    for nonsense in ("-1", "x", "1.5"):
        assert d.request(f"/api/events?after={nonsense}")[0] == 400, nonsense
    assert [e["id"] for e in d.get_json("/api/events?after=0&limit=2")["events"]] == [1, 2]
    assert d.get_json("/api/events?types=ticket.*")["events"] == []


def test_connections_are_kept(deploy, sqlite_table):
    """Each kind of answer leaves the connection open, also when requests come one upon the other."""
    d = deploy(sqlite_table).start()
    etag = d.request("/api/tiles/queue.depth")[1]["etag"]
    requests = [("GET /api/tiles/queue.depth", 200), ("GET /api/tiles/no.such", 404), ("HEAD /api/tiles", 200),
                ("OPTIONS /api/tiles", 204), ("PUT /api/tiles", 405), ("GET /healthz", 200), ("GET /api/events", 200)]
    wire = b"".join(f"{line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode() for line, _ in requests)
    wire += f"GET /api/tiles/queue.depth HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: {etag}\r\n\r\n".encode()
    wire += b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", d.gateway_ports[0]), timeout=PATIENCE) as s:
        s.sendall(wire)
        answers = b""
        while part := s.recv(65536):
            answers += part
    codes = [int(code) for code in re.findall(r"HTTP/1\.1 (\d+) ", answers.decode())]
    assert codes == [code for _, code in requests] + [304, 200]


def read_answer(reader, head=False):
    """The next answer on a connection: status line, headers, body."""
    line = reader.readline().decode().rstrip()
    headers = {}
    while field := reader.readline().decode().strip():
        name, _, value = field.partition(": ")
        headers[name.lower()] = value
    return line, headers, b"" if head else reader.read(int(headers.get("content-length", 0)))


def test_each_answer_leaves_the_connection_open(deploy, sqlite_table):
    limits = {"header": "4KiB", "body": "1KiB", "requests_per_second": 0.01, "requests_burst": 9}
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": limits, "cors_origins": ["https://ops.example.org"]}}).start()
    wait_until(lambda: d.request("/readyz")[0] == 200)
    with socket.create_connection(("127.0.0.1", d.gateway_ports[0]), timeout=PATIENCE) as s, s.makefile("rb") as reader:

        def ask(method, path, *fields, body=b""):
            length = [f"Content-Length: {len(body)}"] if body else []
            s.sendall("\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *fields, *length, "", ""]).encode() + body)
            line, headers, _ = read_answer(reader, head=method == "HEAD")
            assert headers.get("connection", "").lower() != "close", (method, path, line)
            return int(line.split()[1]), headers

        status, headers = ask("GET", "/api/tiles/queue.depth")
        assert status == 200
        assert ask("GET", "/api/tiles/queue.depth", f"If-None-Match: {headers['etag']}")[0] == 304
        assert ask("GET", "/api/tiles/queue.depth", 'If-None-Match: "a", "b"', f"If-None-Match: {headers['etag']}")[0] == 304
        assert ask("HEAD", "/api/tiles")[0] == 200
        assert ask("GET", "/api/tiles?keys=,")[0] == 400
        assert ask("GET", "/api/tiles/no.such")[0] == 404
        assert ask("OPTIONS", "/api/tiles", "Origin: https://ops.example.org", "Access-Control-Request-Method: GET")[0] == 204
        assert ask("POST", "/api/tiles", body=b"x" * 1000)[0] == 405
        assert ask("POST", "/api/tiles", body=b"x" * 10000)[0] == 413
        assert ask("GET", "/api/events", body=b"x" * 1000)[0] == 429
        assert ask("OPTIONS", "/api/events")[0] == 429
        assert ask("GET", "/healthz", body=b"x")[0] == 200
        assert ask("GET", "/", "If-None-Match: *")[0] == 304
        assert ask("DELETE", "/nothing")[0] == 405


def test_http_1_0(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()

    def ask(text):
        with socket.create_connection(("127.0.0.1", d.gateway_ports[0]), timeout=PATIENCE) as s, s.makefile("rb") as reader:
            s.sendall(text)
            line, headers, body = read_answer(reader)
            assert reader.read() == b"", "the connection ends with the answer"
            return int(line.split()[1]), headers, body

    status, headers, body = ask(b"GET /api/tiles/queue.depth HTTP/1.0\r\n\r\n")
    assert status == 200 and json.loads(body)["key"] == "queue.depth"
    assert ask(f"GET /api/tiles/queue.depth HTTP/1.0\r\nIf-None-Match: {headers['etag']}\r\n\r\n".encode())[0] == 304
    assert ask(b"GET /api/tiles/no.such HTTP/1.0\r\n\r\n")[0] == 404
    with socket.create_connection(("127.0.0.1", d.gateway_ports[0]), timeout=PATIENCE) as s, s.makefile("rb") as reader:
        for _ in range(2):
            s.sendall(b"GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
            line, headers, body = read_answer(reader)
            assert line.split()[1] == "200" and headers["connection"].lower() == "keep-alive"
        s.sendall(b"GET /api/events/stream HTTP/1.0\r\n\r\n")
        assert reader.readline().split()[1] == b"200"
        sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
        while not (line := reader.readline()).startswith(b"data: "):
            assert line, "the stream ended"


def test_keys_may_be_percent_encoded(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, json.dumps({"region": "50% süd/x,y*"}))])
    wait_until(lambda: len(d.get_json("/api/tiles?keys=orders.by_region/*")["tiles"]) == 1)
    key = d.get_json("/api/tiles?keys=orders.by_region/*")["tiles"][0]["key"]
    assert "%25" in key and "%2F" in key
    for written in (key, urllib.parse.quote(key), urllib.parse.quote(key, safe=""),
                    key.replace("orders", "%6Frders").replace("%", "%25").replace("%256F", "%6F")):
        assert d.get_json(f"/api/tiles/{written}")["key"] == key, written
    for written in (urllib.parse.quote(key), urllib.parse.quote(key, safe="")):
        assert [t["key"] for t in d.get_json(f"/api/tiles?keys={written}")["tiles"]] == [key], written
    assert d.get_json("/api/tiles/%71ueue.depth")["key"] == "queue.depth"
    for bad in ("%zz", "a%2", "%", "a%20b", "%ff%fe", "a//b"):
        assert d.request(f"/api/tiles/{bad}")[0] in (400, 404), bad


def test_definitions_are_as_configured(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    for tile in d.config["tiles"]:
        status, headers, body = d.request(f"/api/definitions/{tile['key']}")
        assert status == 200 and headers["content-type"] == "application/json"
        assert json.loads(body) == tile
    problem(d.request("/api/definitions/unheard.of"), 404)
    problem(d.request("/api/definitions/"), 404)


def test_status_pages(deploy, sqlite_table):
    d = deploy(sqlite_table)
    d["gateway0"].start().await_log("serving component")
    assert d.request("/healthz")[0] == 200
    problem(d.request("/readyz"), 503)
    problem(d.request("/api/tiles"), 503)
    d.start("ingestor", "cache")
    wait_until(lambda: d.request("/readyz")[0] == 200)
    d["cache"].kill()
    wait_until(lambda: d.request("/readyz")[0] == 503, what="the gateway to miss the cache")
    assert d.request("/api/tiles")[0] == 200, "what is known is served on"
    assert d.request("/healthz")[0] == 200
    d.start("cache")
    wait_until(lambda: d.request("/readyz")[0] == 200)
    assert d.metric("snapshots_total") >= 1


def test_cors(deploy, sqlite_table):
    """Pages of the configured origins may read all that is served, errors included; those of others nothing."""
    limits = {"requests_per_second": 0.001, "requests_burst": 22, "streams_per_address": 1}
    mine = "https://ops.example.org"
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"cors_origins": [mine], "limits": limits}}).start()
    stream = d.stream("/api/tiles/stream")
    etag = d.request("/api/tiles/queue.depth")[1]["etag"]
    asked = [("/api/tiles", {}, 200), ("/api/tiles/queue.depth", {}, 200), ("/api/tiles/queue.depth", {"If-None-Match": etag}, 304),
             ("/api/events", {}, 200), ("/api/tiles/no.such", {}, 404), ("/api/events/stream", {}, 429), ("/", {}, 200), ("/healthz", {}, 200)]
    for origin, allowed in ((mine, mine), ("https://evil.example.org", None), (None, None)):
        for path, headers, expected in asked:
            status, answer, _ = d.request(path, headers=headers | ({"Origin": origin} if origin else {}))
            assert status == expected, (path, status)
            assert answer.get("access-control-allow-origin") == allowed, (path, origin)
            assert "Origin" in answer["vary"], path
            exposed = answer.get("access-control-expose-headers", "")
            assert not allowed or {"ETag", "Retry-After", "Preference-Applied"} <= set(exposed.split(", ")), path
    for origin, allowed in ((mine, mine), ("https://evil.example.org", None)):
        preflight = {"Origin": origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match"}
        status, answer, body = d.request("/api/tiles", method="OPTIONS", headers=preflight)
        assert (status, body, answer.get("access-control-allow-origin")) == (204, b"", allowed)
        assert "GET" in answer["access-control-allow-methods"] and "if-none-match" in answer["access-control-allow-headers"].lower()
    assert d.request("/api/tiles", headers={"Origin": mine})[0] == 429
    answer = d.request("/api/tiles", headers={"Origin": mine})[1]
    assert answer["access-control-allow-origin"] == mine and int(answer["retry-after"]) >= 1
    stream.close()


def test_cors_for_everybody(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"cors_origins": ["*"]}}).start()
    for path in ("/api/tiles", "/api/tiles/queue.depth", "/api/events", "/api/tiles/no.such"):
        assert d.request(path, headers={"Origin": "https://any.example.org"})[1]["access-control-allow-origin"] == "*"
    assert d.stream("/api/tiles/stream").headers["access-control-allow-origin"] == "*"
    assert d.stream("/api/events/stream").headers["content-type"] == "text/event-stream"


def test_requests_upon_each_other_end_with_a_stream(deploy, sqlite_table):
    """Also one that waits is answered in its turn; what follows a stream is not listened to."""
    d = deploy(sqlite_table, gateways=1).start()
    etag = d.request("/api/tiles?keys=queue.depth")[1]["etag"]
    lines = ["GET /healthz", "GET /api/tiles?keys=queue.depth&wait=200ms", "GET /api/tiles/no.such", "GET /api/events/stream", "GET /readyz"]
    wire = "".join(f"{line} HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: {etag}\r\n\r\n" for line in lines)
    with socket.create_connection(("127.0.0.1", d.gateway_ports[0]), timeout=PATIENCE) as s, s.makefile("rb") as reader:
        s.sendall(wire.encode())
        assert [int(read_answer(reader)[0].split()[1]) for _ in lines[:3]] == [200, 304, 404]
        line, headers, _ = read_answer(reader)
        assert line.split()[1] == "200" and headers["content-type"] == "text/event-stream"
        assert headers["transfer-encoding"] == "chunked"
        assert int(reader.readline(), 16) == len(retry := reader.readline()) and retry.startswith(b"retry: ")
        last = sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
        assert reader.readline() == b"\r\n" and int(reader.readline(), 16) > 0
        assert reader.readline() == f"id: {last}\n".encode()


def test_what_is_no_http(deploy, sqlite_table):
    limits = {"idle_timeout": "1s", "request_timeout": "1s"}  # half a request may be followed by the other half
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": limits}}).start()
    wrong = [b"GET /api/tiles HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
             b"GET /api/tiles HTTP/9.9\r\nHost: localhost\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
             b"POST /api/tiles HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
             b"POST /api/tiles HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"]
    for wire in wrong:
        with socket.create_connection(("127.0.0.1", d.gateway_ports[0]), timeout=PATIENCE) as s:
            s.sendall(wire)
            s.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while part := s.recv(65536):
                    answer += part
            except ConnectionResetError:
                pass
        assert not answer.startswith(b"HTTP/1.1 2"), (wire, answer)
    assert d.request("/healthz")[0] == 200


def test_limits_are_polite(deploy, sqlite_table):
    d = deploy(sqlite_table, config={"gateway": {"limits": {"streams_per_address": 3, "requests_per_second": 5, "requests_burst": 20}}}).start()
    streams = [d.stream("/api/events/stream") for _ in range(3)]
    assert all(s.status == 200 for s in streams)
    assert "retry-after" in problem(d.request("/api/events/stream"), 429)
    streams[0].close()
    wait_until(lambda: d.metric("streams") == 2)
    codes = [d.request("/api/tiles")[0] for _ in range(40)]
    assert 200 in codes and 429 in codes
    assert d.request("/healthz")[0] == 200
    assert d.metric("requests_refused_total") > 0


def test_what_is_served_keeps_its_contracts(deploy, table):
    d = deploy(table).start()
    rows = RandomEvents(4)
    table.insert([rows.next() for _ in range(500)])
    d.verify()
    tiles = d.get_json("/api/tiles")["tiles"]
    assert {t["type"] for t in tiles} == {t["type"] for t in TILES}
    for tile in tiles:
        contracts.validator("tile.json").validate(tile)
        contracts.validator(f"{tile['type']}.json").validate(tile["data"])
    for event in d.get_json("/api/events?limit=200")["events"]:
        contracts.validator("event.json").validate(event)


def test_what_streams_carry_keeps_its_contracts(deploy, sqlite_table):
    d = deploy(sqlite_table, config={"gateway": {"heartbeat": "300ms"}}).start()
    streams = {path: d.stream(path) for path in ("/api/tiles/stream", "/api/tiles/stream?form=patch", "/api/events/stream")}
    rows = RandomEvents(5)
    last = sqlite_table.insert([rows.next() for _ in range(300)])
    d.verify()
    for stream in streams.values():
        stream.await_event(lambda e: e["event"] == "heartbeat")
    streams["/api/events/stream"].await_event(lambda e: e["id"] == str(last))
    streams["/api/tiles/stream?form=patch"].await_event(lambda e: e["event"] == "patch")
    seen = set()
    for path, stream in streams.items():
        for e in list(stream.events):
            data = e["data"]
            if e["event"] == "heartbeat":
                assert set(data) == {"now", "as_of", "lag_ms", "page"} and data["lag_ms"] < 5000
                assert e["id"] is None
            elif path == "/api/events/stream":
                contracts.validator("event.json").validate(data)
                assert e["id"] == str(data["id"]) and e["event"] == data["event_type"]
            elif e["event"] == "tile":
                contracts.validator("tile.json").validate(data)
                seen.add(data["type"])
            else:
                assert e["event"] == "patch"
                assert set(data) == {"key", "base", "version", "as_of", "updated_at", "patch"}
                assert set(data["patch"]) <= {"data", "status", "status_since", "status_pending"}
    assert seen == {t["type"] for t in TILES}


def test_metrics_are_as_prometheus_reads_them(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    d.stream("/api/events/stream")
    status, headers, body = d.request("/metrics")
    assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
    typed, described, samples = {}, set(), {}
    for line in body.decode().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in typed and kind in ("counter", "gauge", "histogram")
            typed[name] = kind
        elif line.startswith("# HELP "):
            described.add(line.split(" ")[2])
        else:
            name, value = re.fullmatch(r"([a-z_]+)(?:\{[^{}]*\})? (\S+)", line).groups()
            samples[name] = float(value)
            family = re.sub(r"_(bucket|sum|count)$", "", name) if name not in typed else name
            assert family in typed, line
            assert typed[family] != "counter" or family.endswith("_total"), line
    assert described == set(typed)
    assert samples["tilewire_gateway_streams"] == 1 and samples["tilewire_gateway_ready"] == 1


def test_head_answers_as_get_without_the_body(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    for path in ("/api/tiles", "/api/tiles/queue.depth", "/api/events", "/"):
        get, head = d.request(path), d.request(path, method="HEAD")
        assert head[0] == get[0] == 200 and head[2] == b""
        for name in ("etag", "content-type", "content-length", "cache-control"):
            assert head[1].get(name) == get[1].get(name), (path, name)
    head = d.request("/api/events/stream", method="HEAD")
    assert head[0] == 200 and head[1]["content-type"] == "text/event-stream" and head[2] == b""
    assert head[1]["cache-control"] == "no-cache, no-transform" and head[1]["x-accel-buffering"] == "no"
    stream = d.stream("/api/events/stream")
    assert "content-length" not in head[1] and "content-length" not in stream.headers, "a stream has no length, and none is said"
    assert "transfer-encoding" not in head[1] and stream.headers["transfer-encoding"] == "chunked"
    packed = d.request("/api/events/stream", method="HEAD", headers={"Accept-Encoding": "gzip"})[1]
    assert packed["content-encoding"] == "gzip" and "content-encoding" not in head[1]
    assert "Accept-Encoding" in stream.headers["vary"] and "Accept-Encoding" in head[1]["vary"] and "Accept-Encoding" in packed["vary"]
    for headers in (head[1], stream.headers):
        assert abs(email.utils.parsedate_to_datetime(headers["date"]).timestamp() - time.time()) < 60


def test_views_and_frames_are_as_configured(deploy, sqlite_table):
    d = deploy(sqlite_table)
    d.config["gateway"].update(views={"wall": "show=orders.*&size=a:2", "\u00fcber \"all\"": ""}, frame_ancestors=["https://wiki.example.org", "http://localhost:3000"])
    d.write()
    d.start()
    status, headers, body = d.request("/api/views")
    assert status == 200 and headers["content-type"] == "application/json"
    assert json.loads(body) == {"views": [{"name": "wall", "query": "show=orders.*&size=a:2"}, {"name": "\u00fcber \"all\"", "query": ""}]}
    policy = d.request("/")[1]["content-security-policy"]
    assert policy.endswith("; frame-ancestors 'self' https://wiki.example.org http://localhost:3000")


def test_the_dashboard_is_served_strictly(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    status, headers, body = d.request("/", headers={"Accept-Encoding": "identity"})
    assert status == 200 and headers["content-type"].startswith("text/html") and b"<html" in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["content-security-policy"].endswith("; frame-ancestors 'self'")
    assert d.request("/", headers={"If-None-Match": headers["etag"]})[0] == 304
    packed = d.request("/", headers={"Accept-Encoding": "gzip"})
    assert packed[1]["content-encoding"] == "gzip" and packed[2][:2] == b"\x1f\x8b"
