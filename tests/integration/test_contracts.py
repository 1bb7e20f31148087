# SPDX-License-Identifier: Apache-2.0
"""docs/contracts: the descriptions are whole, the gateway serves them and keeps to them. What all other tests see is checked by contracts.py."""
import os
import re
import subprocess
import sys

import contracts
import jsonschema
import msgpack
import pytest
import yaml
import zmq
from conftest import ROOT
from contracts import CONTRACTS, SCHEMAS, SYSTEM
from tilewire import PATIENCE, RandomEvents, wait_until
from websocket import WebSocket

EVENTS = yaml.safe_load((CONTRACTS / "events.yaml").read_text())
SCHEMATHESIS = ROOT / "build" / "tools" / "schemathesis-4.32.5"
STREAMS = ["/api/tiles/stream", "/api/events/stream", "/api/ws"]  # they do not end by themselves


def references(document):
    """All $ref below a document."""
    if isinstance(document, dict):
        yield from ([document["$ref"]] if isinstance(document.get("$ref"), str) else [])
        document = list(document.values())
    if isinstance(document, list):
        for part in document:
            yield from references(part)


def pointed(reference, document):
    """What a reference in a document points to, or in another file beside it."""
    name, _, pointer = reference.partition("#")
    place = SCHEMAS[name] if name else document
    for step in pointer.split("/")[1:]:
        place = place[step.replace("~1", "/").replace("~0", "~")]
    return place


def test_each_schema_is_one_and_has_its_name_as_id():
    for name, schema in SCHEMAS.items():
        assert schema["$id"] == name
        jsonschema.Draft202012Validator.check_schema(schema)


def test_all_that_is_referred_to_is_there():
    for document in (SYSTEM, EVENTS, *SCHEMAS.values()):
        for reference in references(document):
            assert pointed(reference, document) is not None, reference


def test_each_schema_is_referred_to():
    used = {reference.partition("#")[0] for document in (SYSTEM, EVENTS, *SCHEMAS.values()) for reference in references(document)}
    described = EVENTS["components"]["messages"].values()
    assert all("zmq-header.json" in message["summary"] for message in described if message["name"] in ("tile", "event", "beat")
               and message["contentType"] == "application/msgpack")
    assert set(SCHEMAS) - used == {"zmq-header.json"}


def routes_of_the_gateway():
    """The paths of the table in routes.c, and the folders behind whose prefix a name stands."""
    text = (ROOT / "gateway/api/routes.c").read_text()
    table = re.search(r"routes\[\] = \{(.*?)\n\};", text, re.S)[1]
    folders = re.findall(r'_prefix\[\] = API_PREFIX "(\w+)/"', text)
    assert table.count("{") == len(re.findall(r'\{"(/[^"]*)"', table)) and len(folders) == text.count("_prefix[] =")
    return set(re.findall(r'\{"(/[^"]*)"', table)) | {f"/api/{folder}/{{key}}" for folder in folders}


def test_each_route_is_described_and_each_that_is_described_exists(deploy, sqlite_table):
    files = {"/", "/assets/{file}", "/contracts/{file}"}
    assert set(SYSTEM["paths"]) == routes_of_the_gateway() | files
    d = deploy(sqlite_table, gateways=1).start()
    wait_until(lambda: d.request("/api/tiles/orders.ever")[0] == 200)
    names = {"/api/tiles/{key}": "orders.ever", "/api/definitions/{key}": "orders.ever", "/assets/{file}": "app.js", "/contracts/{file}": "tile.json"}
    for path in SYSTEM["paths"]:
        if path in STREAMS[:2]:
            assert d.stream(path).status == 200
        else:
            status = d.request(re.sub(r"\{.*\}", names.get(path, ""), path))[0]
            assert status == (426 if path == "/api/ws" else 200), path


def test_each_status_that_the_pages_name_is_described():
    described = {int(status) for methods in SYSTEM["paths"].values() for operation in methods.values() for status in operation["responses"]}
    text = (ROOT / "docs/http.md").read_text()
    named = {int(status) for row in re.findall(r"^\| (`[45]\d\d`(?:, `\d{3}`)*) \|", text, re.M) for status in re.findall(r"\d{3}", row)}
    assert len(named) > 10 and named <= described


def test_a_gateway_serves_the_contracts_as_they_are(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    kinds = {".json": "application/schema+json", ".yaml": "application/yaml"}
    for path in CONTRACTS.iterdir():
        status, fields, body = d.request(f"/contracts/{path.name}")
        assert (status, fields["content-type"], body) == (200, kinds[path.suffix], path.read_bytes())
    assert d.request("/contracts/none.json")[0] == 404


def test_each_kind_of_message_is_seen_and_keeps_its_contract(deploy, sqlite_table):
    """conftest fails the test for what does not."""
    contracts.SEEN.clear()
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"heartbeat": "300ms"}}).start()
    streams = [d.stream(path) for path in ("/api/tiles/stream?form=patch", "/api/events/stream")]
    d.stream("/api/tiles/stream", last_event_id="zz-1").await_event(lambda e: e["event"] == "reset")
    ws = WebSocket(d.gateway_ports[0])
    ws.say(subscribe=["*"], form="patch")
    with zmq.Context() as context, context.socket(zmq.SUB) as sub:
        sub.linger = 0
        sub.rcvtimeo = PATIENCE * 1000
        sub.subscribe("")
        sub.connect(d.addresses[2])
        sub.recv_multipart()
        rows = RandomEvents(6)
        last = sqlite_table.insert([rows.next() for _ in range(300)])
        while not {"zmq-tile.json", "zmq-event.json"} <= set(contracts.SEEN):
            sub.recv_multipart()
    streams[1].await_event(lambda e: e["id"] == str(last))
    for stream in streams:
        stream.await_event(lambda e: e["event"] == "heartbeat")
    streams[0].await_event(lambda e: e["event"] == "patch")
    ws.await_message(lambda message: message["event"] == "patch")
    ws.close()
    for request in ({"op": "ping"}, {"op": "stats"}, {"op": "get", "key": "orders.ever"}, {"op": "get", "key": "none"}, {"op": "list"},
                    {"op": "snapshot", "after": 0}, {"op": "events", "newest": 5}):
        d.query(request)
    for path in ("/api/tiles", "/api/events", "/api/tiles/none", "/api/definitions/orders.ever", "/api/views"):
        d.request(path)
    expected = {"tile.json", "stream-patch.json", "stream-reset.json", "stream-heartbeat.json", "event.json", "ws-message.json", "zmq-header.json",
                "zmq-tile.json", "zmq-event.json", "zmq-beat.json", "zmq-query.json", "http-tiles.json", "http-events.json", "http-problem.json",
                "http-definition.json", "http-views.json",
                *(f"zmq-reply.json#/$defs/{op}" for op in ("ping", "stats", "get", "error", "list", "snapshot", "events"))}
    assert expected <= set(contracts.SEEN), expected - set(contracts.SEEN)


def test_what_does_not_keep_its_contract_is_noticed():
    contracts.check("stream-expired.json", {"key": "a", "more": 1}, "here")
    contracts.check_answer("/api/tiles/a", "GET", 418, {}, b"")
    contracts.check_answer("/api/tiles", "GET", 200, {"content-type": "application/json"}, b'{"cursor":"1-1","tiles":[{"key":"a"}]}')
    contracts.check_stream_event("/api/tiles/stream", {"event": "surprise", "data": {}})
    contracts.check_published([b"beat.0", msgpack.packb([1, 2, 3, 4]), msgpack.packb({"s": 5, "w": 6})])
    contracts.check_ws_message({"event": "heartbeat"})
    seen = {fault.partition(" against")[0].partition(":")[0] for fault in contracts.FAULTS}
    contracts.FAULTS.clear()
    assert seen == {"here", "GET /api/tiles/a 418", "GET /api/tiles 200", "/api/tiles/stream", "beat", "/api/ws"}


@pytest.mark.skipif(not SCHEMATHESIS.is_dir(), reason="scripts/setup installs schemathesis")
def test_schemathesis_finds_nothing(deploy, sqlite_table):
    """Made-up requests, right ones and wrong ones, a dozen for each route: no 5xx, no status and no body that is not described."""
    d = deploy(sqlite_table, gateways=1).start()
    rows = RandomEvents(7)
    sqlite_table.insert([rows.next() for _ in range(100)])
    d.verify()
    address = f"http://127.0.0.1:{d.gateway_ports[0]}/contracts/system.yaml"
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "run", address, "--seed", "13", "--phases", "fuzzing",
               "--max-examples", "12", "--no-shrink", "--workers", "1", "--continue-on-failure",
               "--generation-database", "none", "--warnings", "off",
               "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"]
    for path in STREAMS:
        command += ["--exclude-path", path]
    result = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(SCHEMATHESIS)}, cwd=d.folder, capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]
    assert d.metric("requests_total") > 100
