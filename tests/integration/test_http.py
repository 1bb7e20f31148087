"""HTTP as clients and proxies expect it, and the contracts of what is served."""
import json
import pathlib
import re
import socket

import jsonschema

from tilewire import RandomEvents, now_iso, wait_until

CONTRACTS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "contracts"


def problem(answer, status):
    code, headers, body = answer
    assert code == status
    assert headers["content-type"] == "application/problem+json"
    document = json.loads(body)
    assert document["status"] == status and document["detail"].endswith("."), document
    return headers


def test_etags(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] == 1)
    for path in ("/api/tiles", "/api/tiles?keys=orders.ever", "/api/tiles/orders.ever", "/api/events"):
        status, headers, body = d.request(path)
        assert status == 200 and body
        etag = headers["etag"]
        assert d.request(path, gateway=1)[1]["etag"] == etag, "the same on each gateway"
        for condition in (etag, "*", f'"other", {etag}', etag.removeprefix("W/")):
            status, headers, body = d.request(path, headers={"If-None-Match": condition})
            assert (status, body, headers["etag"]) == (304, b"", etag), (path, condition)
        assert d.request(path, headers={"If-None-Match": '"other"'})[0] == 200
    etag = d.request("/api/tiles/orders.ever")[1]["etag"]
    sqlite_table.insert([(now_iso(), "order.created", None, "o2", None, None)])
    wait_until(lambda: d.request("/api/tiles/orders.ever", headers={"If-None-Match": etag})[0] == 200)


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
    problem(d.request("/api/events?after=-1"), 400)
    problem(d.request("/api/events?after=4711"), 404)
    assert problem(d.request("/api/tiles", method="POST", body="x"), 405)["allow"] == "GET, HEAD, OPTIONS"
    problem(d.request("/api/tiles", method="POST", body=b"x" * 10_000_000), 413)


def test_events_newest_first_or_after(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    sqlite_table.insert([(now_iso(), "order.created", None, f"o{i}", None, None) for i in range(30)])
    wait_until(lambda: len(d.get_json("/api/events")["events"]) == 30)
    assert [e["id"] for e in d.get_json("/api/events?limit=3")["events"]] == [30, 29, 28]
    assert [e["id"] for e in d.get_json("/api/events?after=27")["events"]] == [28, 29, 30]
    assert [e["id"] for e in d.get_json("/api/events?after=0&limit=2")["events"]] == [1, 2]
    assert d.get_json("/api/events?types=ticket.*")["events"] == []


def test_connections_are_kept(deploy, sqlite_table):
    """Each kind of answer leaves the connection open, also when requests come one upon the other."""
    d = deploy(sqlite_table).start()
    etag = d.request("/api/tiles/queue.depth")[1]["etag"]
    requests = [("GET /api/tiles/queue.depth", 200), ("GET /api/tiles/no.such", 404), ("HEAD /api/tiles", 200),
                ("OPTIONS /api/tiles", 204), ("PUT /api/tiles", 405), ("GET /healthz", 200), ("GET /api/events", 200)]
    wire = b"".join(f"{line} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode() for line, _ in requests)
    wire += f"GET /api/tiles/queue.depth HTTP/1.1\r\nHost: x\r\nIf-None-Match: {etag}\r\n\r\n".encode()
    wire += b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", d.gateway_ports[0]), timeout=10) as s:
        s.sendall(wire)
        answers = b""
        while part := s.recv(65536):
            answers += part
    codes = [int(code) for code in re.findall(r"HTTP/1\.1 (\d+) ", answers.decode())]
    assert codes == [code for _, code in requests] + [304, 200]


def test_status_pages(deploy, sqlite_table):
    d = deploy(sqlite_table)
    d["gateway0"].start().await_log("ready component")
    assert d.request("/healthz")[0] == 200
    problem(d.request("/readyz"), 503)
    problem(d.request("/api/tiles"), 503)
    d.start("ingestor", "cache")
    wait_until(lambda: d.request("/readyz")[0] == 200)
    d["cache"].kill()
    wait_until(lambda: d.request("/readyz")[0] == 503, 10, "the gateway to miss the cache")
    assert d.request("/api/tiles")[0] == 200, "what is known is served on"
    assert d.request("/healthz")[0] == 200
    d.start("cache")
    wait_until(lambda: d.request("/readyz")[0] == 200, 10)
    assert d.metric("snapshots_total") >= 1


def test_cors(deploy, sqlite_table):
    d = deploy(sqlite_table, config={"gateway": {"cors_origins": ["https://ops.example.org"]}}).start()
    for origin, allowed in (("https://ops.example.org", "https://ops.example.org"), ("https://evil.example.org", None)):
        for path in ("/api/tiles", "/api/tiles/queue.depth", "/api/events"):
            assert d.request(path, headers={"Origin": origin})[1].get("access-control-allow-origin") == allowed
        answer = d.request("/api/tiles", method="OPTIONS", headers={"Origin": origin})
        assert answer[0] == 204 and answer[1].get("access-control-allow-origin") == allowed


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
    schemas = {path.stem: json.loads(path.read_text()) for path in CONTRACTS.glob("*.json")}
    validators = {name: jsonschema.Draft202012Validator(schema) for name, schema in schemas.items()}
    tiles = d.get_json("/api/tiles")["tiles"]
    assert {t["type"] for t in tiles} == {"count", "trend", "sla_risk", "backlog", "gauge"}
    for tile in tiles:
        validators["tile"].validate(tile)
        validators[tile["type"]].validate(tile["data"])
    for event in d.get_json("/api/events?limit=200")["events"]:
        validators["event"].validate(event)


def test_what_streams_carry_keeps_its_contracts(deploy, sqlite_table):
    d = deploy(sqlite_table, config={"gateway": {"heartbeat": "300ms"}}).start()
    schemas = {path.stem: json.loads(path.read_text()) for path in CONTRACTS.glob("*.json")}
    validators = {name: jsonschema.Draft202012Validator(schema) for name, schema in schemas.items()}
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
                assert set(data) == {"now", "as_of", "lag_ms"} and data["lag_ms"] < 5000
                assert e["id"] is None
            elif path == "/api/events/stream":
                validators["event"].validate(data)
                assert e["id"] == str(data["id"]) and e["event"] == data["event_type"]
            elif e["event"] == "tile":
                validators["tile"].validate(data)
                validators[data["type"]].validate(data["data"])
                seen.add(data["type"])
            else:
                assert e["event"] == "patch"
                assert set(data) == {"key", "base", "version", "as_of", "updated_at", "patch"}
                assert set(data["patch"]) <= {"data"}
    assert seen == {"count", "trend", "sla_risk", "backlog", "gauge"}


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
    assert head[1]["cache-control"] == "no-cache" and head[1]["x-accel-buffering"] == "no"


def test_the_dashboard_is_served_strictly(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    status, headers, body = d.request("/", headers={"Accept-Encoding": "identity"})
    assert status == 200 and headers["content-type"].startswith("text/html") and b"<html" in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert d.request("/", headers={"If-None-Match": headers["etag"]})[0] == 304
    packed = d.request("/", headers={"Accept-Encoding": "gzip"})
    assert packed[1]["content-encoding"] == "gzip" and packed[2][:2] == b"\x1f\x8b"
