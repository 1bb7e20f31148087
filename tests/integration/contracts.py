# SPDX-License-Identifier: Apache-2.0
"""Holds what tests see against docs/contracts: each answer, each message of a stream, a WebSocket or ZeroMQ, and each reply to a query.

conftest.py calls watch() once; what does not keep its contract is in FAULTS, and fails the test that saw it."""
import collections
import functools
import json
import pathlib

import jsonschema
import msgpack
import yaml
import zmq

CONTRACTS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "contracts"
SCHEMAS = {path.name: json.loads(path.read_text()) for path in CONTRACTS.glob("*.json")}
SYSTEM = yaml.safe_load((CONTRACTS / "system.yaml").read_text())
CHECKS_OF_A_SHAPE = 3  # what has the same members and types as these is taken for right, which is most of what comes
FAULTS = []
SEEN = collections.Counter()  # by the name of the schema
STREAM_EVENTS = {"tile": "tile.json", "patch": "stream-patch.json", "expired": "stream-expired.json", "reset": "stream-reset.json",
                 "expired-token": "stream-expired-token.json", "heartbeat": "stream-heartbeat.json", "refused": "http-problem.json"}
checked = collections.Counter()


@functools.cache
def validator(name):
    """Of a file, or of a part of it: "zmq-reply.json#/$defs/get"."""
    schema = SCHEMAS.get(name, {"$ref": name})
    return jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver("", schema, store=SCHEMAS))


def shape(value):
    if isinstance(value, dict):
        return frozenset(("#" if name.lstrip("-").isdigit() else name, shape(member)) for name, member in value.items())
    if isinstance(value, list):
        return frozenset(shape(item) for item in value)
    return type(value)


def check(name, value, where):
    SEEN[name] += 1
    form = (name, shape(value))
    if checked[form] >= CHECKS_OF_A_SHAPE:
        return
    checked[form] += 1
    faults = validator(name).iter_errors(value)
    FAULTS.extend(f"{where} against {name}: {fault.message[:300]} at {list(fault.absolute_path)}" for fault in faults)


# ---- HTTP ----


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
    if described is None or method == "OPTIONS":
        return
    where = f"{method} {path[:200]} {status}"
    response = response_of(described, status)
    if response is None:
        FAULTS.append(f"{where}: system.yaml does not name this status")
        return
    kind = fields.get("content-type", "").partition(";")[0]
    if not kind.endswith("json") or not body or fields.get("content-encoding"):
        return
    content = response.get("content", {})
    if kind not in content and "/contracts/" not in path:
        FAULTS.append(f"{where}: system.yaml does not name {kind}")
    elif kind in content:
        check(content[kind]["schema"]["$ref"], json.loads(body), where)


# ---- Messages ----


def check_stream_event(path, event):
    raw = "/events/" in path and event["event"] not in STREAM_EVENTS
    name = "event.json" if raw else STREAM_EVENTS.get(event["event"])
    if name is None:
        FAULTS.append(f"{path}: events.yaml does not know the event {event['event']!r}")
    else:
        check(name, event["data"], path)


def check_ws_message(message):
    check("ws-message.json", message, "/api/ws")
    name = STREAM_EVENTS.get(message["event"])
    if name is None:
        check("event.json", {member: value for member, value in message.items() if member != "event"}, "/api/ws")
    elif "event_type" not in message:
        check(name, {member: value for member, value in message.items() if member not in ("event", "id")}, "/api/ws")


def check_published(frames):
    kind = frames[0].partition(b".")[0].decode(errors="replace")
    if len(frames) == 3 and kind in ("tile", "event", "beat"):
        check("zmq-header.json", msgpack.unpackb(frames[1]), kind)
        check(f"zmq-{kind}.json", msgpack.unpackb(frames[2]), kind)


def check_reply(request, reply):
    op = request.get("op") if isinstance(request, dict) else None
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

    def answered(self, result, path, method="GET", *_arguments, ports=None, **_named):
        if ports in (None, self.gateway_ports):  # and not the address for operators, which has less
            check_answer(path, method, *result)

    def opened(self, _none, _port, path, *_arguments, **_named):
        described = operation(path, "GET")
        if described is not None and str(self.status) not in described["responses"]:
            FAULTS.append(f"GET {path} {self.status}: system.yaml does not name this status")

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

    def framed(_self, result):
        opcode, payload = result
        if opcode == 1:  # text
            check_ws_message(json.loads(payload))

    begin = stream.__init__

    @functools.wraps(begin)
    def began(self, port, path, *arguments, **named):
        self.asked = path  # before its thread reads
        begin(self, port, path, *arguments, **named)

    stream.__init__ = began
    after(stream, "__init__", opened)
    after(stream, "take", taken)
    after(deployment, "request", answered)
    after(deployment, "query", asked)
    after(websocket, "read_frame", framed)
    after(zmq.Socket, "recv_multipart", received)
