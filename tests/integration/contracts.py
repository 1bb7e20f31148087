# SPDX-License-Identifier: Apache-2.0
"""Holds what tests see against docs/contracts: each answer, each message of a stream, a WebSocket or ZeroMQ, and each reply to a query.

conftest.py calls watch() once; what does not keep its contract is in FAULTS, and fails the test that saw it."""
import collections
import functools
import gzip
import json
import pathlib
import re

import jsonschema
import msgpack
import yaml
import zmq

CONTRACTS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "contracts"
SCHEMAS = {path.name: json.loads(path.read_text()) for path in CONTRACTS.glob("*.json")}
SYSTEM = yaml.safe_load((CONTRACTS / "system.yaml").read_text())
FAULTS = []
SEEN = collections.Counter()  # by the name of the schema
STREAM_EVENTS = {"tile": "tile.json", "patch": "stream-patch.json", "expired": "stream-expired.json", "reset": "stream-reset.json",
                 "expired-token": "stream-expired-token.json", "heartbeat": "stream-heartbeat.json", "refused": "http-problem.json"}


@functools.cache
def validator(name):
    """Of a file, or of a part of it: "zmq-reply.json#/$defs/get"."""
    schema = SCHEMAS.get(name, {"$ref": name})
    return jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver("", schema, store=SCHEMAS))


def check(name, value, where):
    SEEN[name] += 1
    if name == "tile.json" and isinstance(value, dict):
        SEEN[f"{value.get('type')}.json"] += 1  # which it names, for `data`
    if not validator(name).is_valid(value):
        faults = validator(name).iter_errors(value)
        FAULTS.extend(f"{where} against {name}: {fault.message[:300]} at {list(fault.absolute_path)}" for fault in faults)


# ---- HTTP ----

BASE_PATHS = {}  # of a gateway's port: what its gateway.base_path is


def below(path, port):
    """The path without that one, under which all is there, too."""
    base = BASE_PATHS.get(port)
    return path[len(base):] if base and path.startswith(f"{base}/") else path


def template(path):
    """The path as system.yaml names it; None if it is described nowhere."""
    path = path.partition("?")[0]
    if path in SYSTEM["paths"]:
        return path
    for folder in ("/api/tiles/", "/api/definitions/", "/assets/", "/contracts/"):
        if path.startswith(folder) and len(path) > len(folder):
            return folder + ("{key}" if folder.startswith("/api") else "{file}")
    return None


def operation(path, method):
    """What system.yaml says of a request. HEAD is answered like GET, and other methods are refused as it is."""
    methods = SYSTEM["paths"].get(template(path) or "", {})
    return methods.get(method.lower(), methods.get("get"))


def response_of(described, status):
    response = described["responses"].get(str(status))
    reference = (response or {}).get("$ref", "")
    return SYSTEM["components"]["responses"][reference.rpartition("/")[2]] if reference else response


def check_answer(path, method, status, fields, body):
    described = operation(path, method)
    where = f"{method} {path[:200]} {status}"
    if described is None and status < 300 and method != "OPTIONS":
        FAULTS.append(f"{where}: system.yaml does not name this path")
    if described is None or method == "OPTIONS":
        return
    response = response_of(described, status)
    if response is None:
        FAULTS.append(f"{where}: system.yaml does not name this status")
        return
    kind = fields.get("content-type", "").partition(";")[0]
    if not kind.endswith("json") or not body:
        return
    if fields.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    content = response.get("content", {})
    if kind not in content and "/contracts/" not in path:
        FAULTS.append(f"{where}: system.yaml does not name {kind}")
    elif kind in content:
        check(content[kind]["schema"]["$ref"], json.loads(body), where)


def check_sent(path, method, status, fields, body):
    """What was taken of a client: the events that it pushed."""
    described = (operation(path, method) or {}).get("requestBody")
    fields = {name.lower(): value for name, value in (fields or {}).items()}
    if method != "POST" or described is None or status not in (200, 201) or "ce-specversion" in fields:  # which makes any body the data of a CloudEvent
        return
    kind = fields.get("content-type", "application/json").partition(";")[0].strip().lower()
    schema = described["content"].get(kind, {}).get("schema")
    if schema is None:
        FAULTS.append(f"POST {path}: it took {kind}, which system.yaml does not name")
    elif "$ref" in schema:
        said = json.loads(body)
        check(schema["$ref"], said, f"what POST {path} took")
        for event in said if isinstance(said, list) else [said]:
            check_metric(event, "a pushed event")


# ---- Messages ----


def check_metric(event, where):
    """The payload of metrics.updated, of which a test may make what is none on purpose: that has no metric."""
    payload = event.get("payload")
    if event.get("event_type") == "metrics.updated" and isinstance(payload, dict) and "metric" in payload:
        check("metric-payload.json", payload, where)


def check_stream_event(path, event):
    raw = "/events/" in path and event["event"] not in STREAM_EVENTS
    name = "event.json" if raw else STREAM_EVENTS.get(event["event"])
    if name is None:
        FAULTS.append(f"{path}: events.yaml does not know the event {event['event']!r}")
    else:
        check(name, event["data"], path)
        if raw:
            check_metric(event["data"], path)


def check_ws_message(message):
    check("ws-message.json", message, "/api/ws")
    name = STREAM_EVENTS.get(message["event"])
    if name is None:
        check("event.json", {member: value for member, value in message.items() if member != "event"}, "/api/ws")
    elif "event_type" not in message:
        check(name, {member: value for member, value in message.items() if member not in ("event", "id")}, "/api/ws")


def check_published(frames):
    kind = frames[0].partition(b".")[0].decode(errors="replace")
    if len(frames) != 3 or kind not in ("tile", "event", "beat"):
        FAULTS.append(f"{frames[0][:100]!r} with {len(frames)} frames: events.yaml does not know such a message")
        return
    check("zmq-header.json", msgpack.unpackb(frames[1]), kind)
    body = msgpack.unpackb(frames[2])
    check(f"zmq-{kind}.json", body, kind)


@functools.cache
def counters_of(program):
    """Those of `stats` that monitoring.md has a row for. NAME stands for what differs."""
    table = (CONTRACTS.parent / "monitoring.md").read_text().split(f"\n## All counters of the {program}\n")[1].split("\n## ")[0]
    return {counter for row in re.findall(r"^\| (`[a-z_]+.*?) \|", table, re.M) for counter in re.findall(r"`([a-z_A-Z0-9.]+)`", row)}


def check_counters(stats):
    unknown = {re.sub(r"\..*", ".NAME", counter) for counter in stats} - counters_of("ingestor") - counters_of("cache")
    FAULTS.extend(f"stats: monitoring.md does not have {counter}" for counter in sorted(unknown))


def check_reply(request, reply):
    op = request.get("op") if isinstance(request, dict) else None
    if op == "stats" and "stats" in reply:
        check_counters(reply["stats"])
    if "error" not in reply:
        check("zmq-query.json", request, "a query")
    check(f"zmq-reply.json#/$defs/{'error' if 'error' in reply else op}", reply, f"the reply to {op}")


# ---- Where they are seen ----


def after(owner, name, look):
    """Has look(self, result, arguments) called after each call of owner's method."""
    method = getattr(owner, name)

    @functools.wraps(method)
    def watched(self, *arguments, **named):
        result = method(self, *arguments, **named)
        look(self, result, *arguments, **named)
        return result

    setattr(owner, name, watched)


def watch(deployment, stream, websocket):
    """The classes of the harness."""

    def configured(self, _none, *_names):
        BASE_PATHS.update(dict.fromkeys(self.gateway_ports, self.config["gateway"].get("base_path")))

    def answered(self, result, path, method="GET", headers=None, gateway=0, body=None, ports=None):
        if ports in (None, self.gateway_ports):  # and not the address for operators, which has less
            path = below(path, self.gateway_ports[gateway])
            check_answer(path, method, *result)
            check_sent(path, method, result[0], headers, body)

    def opened(self, _none, _port, _path, *_arguments, **_named):
        described = operation(self.asked, "GET")
        if described is not None and str(self.status) not in described["responses"]:
            FAULTS.append(f"GET {self.asked} {self.status}: system.yaml does not name this status")

    def taken(self, _none, _block):
        if self.events and self.events[-1] is not getattr(self, "last_checked", None):
            self.last_checked = self.events[-1]
            check_stream_event(self.asked, self.last_checked)

    def asked(_self, reply, request, *_arguments, **_named):
        if isinstance(reply, dict) and isinstance(request, dict):
            check_reply(request, reply)

    def received(self, frames, *_arguments, **_named):
        if self.type == zmq.SUB:
            check_published(frames)

    def framed(self, result):
        opcode, payload = result
        if opcode == 1:  # text
            check_ws_message(json.loads(payload))
            for message in self.__dict__.pop("said", []):
                check("ws-request.json", message, "what /api/ws took")
        elif opcode == 8:  # a close: what was said is why, perhaps
            self.said = []

    def said(self, _none, **message):
        self.__dict__.setdefault("said", []).append(message)

    begin = stream.__init__

    @functools.wraps(begin)
    def began(self, port, path, *arguments, **named):
        self.asked = below(path, port)  # before its thread reads
        begin(self, port, path, *arguments, **named)

    stream.__init__ = began
    after(stream, "__init__", opened)
    after(stream, "take", taken)
    after(deployment, "request", answered)
    after(deployment, "query", asked)
    after(deployment, "start", configured)
    after(websocket, "read_frame", framed)
    after(websocket, "say", said)
    after(zmq.Socket, "recv_multipart", received)
