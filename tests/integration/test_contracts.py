# SPDX-License-Identifier: Apache-2.0
"""docs/contracts: the descriptions are whole, the gateway serves them and keeps to them. What all other tests see is checked by contracts.py."""
import copy
import gzip
import json
import os
import re
import subprocess
import sys
import time

import contracts
import jsonschema
import msgpack
import pytest
import yaml
import zmq
from conftest import ROOT
from contracts import CONTRACTS, SCHEMAS, SYSTEM
from issuer import Issuer, bearer
from test_alerts import Hook
from test_push import PushFile
from test_push_http import post, with_push
from tilewire import PATIENCE, RandomEvents, now_iso, wait_until
from websocket import WebSocket

EVENTS = yaml.safe_load((CONTRACTS / "events.yaml").read_text())
SCHEMATHESIS = ROOT / "build" / "tools" / "schemathesis-4.32.5"
DESCRIPTIONS = ROOT / "build" / "tools" / "contract-schemas-1"
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


@pytest.fixture
def hook():
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


def tiles_events_and_queries(deploy, sqlite_table):
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


def a_tile_that_expires(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, tiles=[{"key": "orders", "type": "count", "ttl": "1s", "grace": "1s"}]).start()
    stream = d.stream("/api/tiles/stream")
    stream.await_event(lambda e: e["event"] == "tile")
    d["ingestor"].kill()
    stream.await_event(lambda e: e["event"] == "expired")


def a_token_that_expires(deploy, sqlite_table, issuer):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"auth": "jwt", "jwt": {"issuers": [issuer.config()], "leeway": "0"}}}).start()
    stream = d.stream("/api/tiles/stream", headers=bearer(issuer.token(exp=time.time() + 3)))
    stream.await_event(lambda e: e["event"] == "expired-token")


def what_is_pushed(deploy, folder):
    d = with_push(deploy, PushFile(folder / "pushed.db")).start()
    metric = {"event_type": "metrics.updated", "payload": {"metric": "queue.depth", "value": 7, "labels": {"host": "db-1"}}}
    wait_until(lambda: post(d, metric)[0] == 201)
    assert post(d, [metric, {"event_type": "deploy"}])[0] == 201
    assert d.query({"op": "push", "events": [{**metric, "payload": json.dumps(metric["payload"])}]}, "ingestor")["count"] == 1


def an_alert(deploy, sqlite_table, hook):
    d = deploy(sqlite_table, gateways=0, tiles=[{"key": "failed", "type": "count", "match": {"event_type": "failed"}, "critical": "> 0"}],
               config={"alerts": [{"name": "ops", "webhook": hook.url, "wait": "0"}]}).start()
    sqlite_table.insert([(now_iso(), "failed", None, None, None, None)])
    hook.until(("failed", "firing", "critical"))
    wait_until(lambda: d.stats()["alert_messages"] == 1)  # counted once it is answered


def test_each_schema_is_seen_and_kept(deploy, sqlite_table, folder, hook):
    """conftest fails the test for what is not kept. A schema that this test never sees is held against nothing."""
    contracts.SEEN.clear()
    tiles_events_and_queries(deploy, sqlite_table)
    a_tile_that_expires(deploy, sqlite_table)
    a_token_that_expires(deploy, sqlite_table, Issuer(folder))
    what_is_pushed(deploy, folder)
    an_alert(deploy, sqlite_table, hook)
    seen = set(contracts.SEEN)
    assert set(SCHEMAS) - {name.partition("#")[0] for name in seen} == set()
    parts = {f"zmq-reply.json#/$defs/{op}" for op in ("ping", "stats", "get", "error", "list", "snapshot", "events", "push")}
    assert parts <= seen, parts - seen


@pytest.mark.skipif(not DESCRIPTIONS.is_dir(), reason="scripts/setup fetches the schemas of OpenAPI and AsyncAPI")
@pytest.mark.parametrize(("document", "name", "spoil"), [
    (SYSTEM, "openapi-3.1.json", lambda d: d["paths"]["/api/tiles"]["get"].update(responses={"ok": {}})),
    (EVENTS, "asyncapi-3.json", lambda d: d["channels"]["push"].update(adress="/api/events")),
], ids=["OpenAPI 3.1", "AsyncAPI 3"])
def test_the_descriptions_are_what_their_standards_say(document, name, spoil):
    schema = json.loads((DESCRIPTIONS / name).read_text())
    judge = jsonschema.validators.validator_for(schema)(schema)
    assert [f"{fault.message[:300]} at {list(fault.absolute_path)}" for fault in judge.iter_errors(document)] == []
    spoilt = copy.deepcopy(document)
    spoil(spoilt)
    assert not judge.is_valid(spoilt), "the schema is one that sees something"


def test_what_does_not_keep_its_contract_is_noticed():
    contracts.check("stream-expired.json", {"key": "a", "more": 1}, "here")
    contracts.check_answer("/api/tiles/a", "GET", 418, {}, b"")
    contracts.check_answer("/api/tiles", "GET", 200, {"content-type": "application/json"}, b'{"cursor":"1-1","tiles":[{"key":"a"}]}')
    contracts.check_stream_event("/api/tiles/stream", {"event": "surprise", "data": {}})
    contracts.check_published([b"beat.0", msgpack.packb([1, 2, 3, 4]), msgpack.packb({"s": 5, "w": 6})])
    contracts.check_ws_message({"event": "heartbeat"})
    contracts.check_published([b"wave.0", b"", b""])
    contracts.check_answer("/api/nothing", "GET", 200, {}, b"")
    zipped = {"content-type": "application/json", "content-encoding": "gzip"}
    contracts.check_answer("/api/events", "GET", 200, zipped, gzip.compress(b'{"events":7}'))
    contracts.check_sent("/api/events", "POST", 201, {}, b'{"event_type":"metrics.updated","payload":{"metric":"a","value":"b"}}')
    contracts.check_sent("/api/events", "POST", 201, {"Content-Type": "text/plain"}, b"")
    contracts.check_reply({"op": "stats"}, {"stats": {"surprises": 1}})
    seen = {fault.partition(" against")[0].partition(":")[0] for fault in contracts.FAULTS}
    contracts.FAULTS.clear()
    assert seen >= {"here", "GET /api/tiles/a 418", "GET /api/tiles 200", "/api/tiles/stream", "beat", "/api/ws", "b'wave.0' with 3 frames",
                    "GET /api/nothing 200", "GET /api/events 200", "a pushed event", "POST /api/events", "stats"}, seen


def made_up(d):
    """Made-up requests, right ones and wrong ones, a dozen for each route: no 5xx, no status and no body that is not described. What schemathesis says."""
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


@pytest.mark.skipif(not SCHEMATHESIS.is_dir(), reason="scripts/setup installs schemathesis")
def test_schemathesis_finds_nothing(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    rows = RandomEvents(7)
    sqlite_table.insert([rows.next() for _ in range(100)])
    d.verify()
    made_up(d)


@pytest.mark.skipif(not SCHEMATHESIS.is_dir(), reason="scripts/setup installs schemathesis")
def test_schemathesis_finds_nothing_where_events_are_pushed(deploy, folder):
    """There a POST is answered with 201, too."""
    pushed = PushFile(folder / "pushed.db")
    d = with_push(deploy, pushed).start()
    wait_until(lambda: post(d, {"event_type": "first"})[0] == 201)
    made_up(d)
    assert d.metric("pushed_events_total") > 1, "some were right"
