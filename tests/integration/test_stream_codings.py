# SPDX-License-Identifier: Apache-2.0
"""Streams as clients that nobody here wrote read them: in chunks or not, compressed or not, each event when it happens."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading

import pytest

from tilewire import PATIENCE, now_iso, wait_until

CLIENTS = pathlib.Path(__file__).resolve().parents[2] / "build" / "tools" / "stream-clients-1"

# Each prints a line for each event as soon as its library gives it, and ends when the stream does.
PROGRAMS = {
    "requests": """
import requests, sys
with requests.get(sys.argv[1], stream=True, headers={"Accept-Encoding": sys.argv[2]}) as answer:
    for line in answer.iter_lines():
        if line.startswith(b"data: "):
            print(line[6:].decode(), flush=True)
""",
    "sseclient-py": """
import requests, sseclient, sys
with requests.get(sys.argv[1], stream=True, headers={"Accept-Encoding": sys.argv[2]}) as answer:
    for event in sseclient.SSEClient(answer).events():
        print(event.data, flush=True)
""",
    "httpx-sse": """
import httpx, httpx_sse, sys
with httpx.Client(timeout=None) as client, httpx_sse.connect_sse(client, "GET", sys.argv[1], headers={"Accept-Encoding": sys.argv[2]}) as source:
    for event in source.iter_sse():
        print(event.data, flush=True)
""",
    "aiohttp": """
import aiohttp, asyncio, sys
async def main():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        async with session.get(sys.argv[1], headers={"Accept-Encoding": sys.argv[2]}) as answer:
            async for line in answer.content:
                if line.startswith(b"data: "):
                    print(line[6:].decode().rstrip(), flush=True)
asyncio.run(main())
""",
    "urllib": """
import gzip, sys, urllib.request
with urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers={"Accept-Encoding": sys.argv[2]})) as answer:
    for line in answer:
        if line.startswith(b"data: "):
            print(line[6:].decode().rstrip(), flush=True)
""",
}
NODE = """
const answer = await fetch(process.argv[1], { headers: { "Accept-Encoding": process.argv[2] } });
let text = "";
for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
  text += part;
  for (let end; (end = text.indexOf("\\n")) >= 0; text = text.slice(end + 1)) {
    if (text.startsWith("data: ")) console.log(text.slice(6, end));
  }
}
"""
CURL = r"""curl -sSN --http1.1 ${2:+--compressed} "$1" | sed -un 's/^data: //p'; exit "${PIPESTATUS[0]}" """
COMMANDS = {name: ["/usr/bin/python3", "-c", text] for name, text in PROGRAMS.items()}
COMMANDS["node"] = ["node", "--input-type=module", "-e", NODE]
COMMANDS["curl"] = ["bash", "-c", CURL, "bash"]
BOTH = [(name, coding) for name in COMMANDS for coding in ("identity", "gzip") if (name, coding) != ("urllib", "gzip")]  # which unpacks nothing


class Client:
    def __init__(self, d, command, coding, path="/api/events/stream"):
        argument = coding if command[0] != "bash" else "" if coding == "identity" else coding
        self.program = subprocess.Popen([*command, f"http://127.0.0.1:{d.gateway_ports[0]}{path}", argument], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(CLIENTS)})
        self.events = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        d.clients.append(self)

    def read(self):
        for line in self.program.stdout:
            self.events.append(json.loads(line))

    def close(self):
        self.program.kill()
        self.program.wait()
        self.reader.join()
        self.program.stdout.close()
        self.program.stderr.close()


def insert(d, target):
    return d.table.insert([(now_iso(), "order.created", None, target, None, None)])


@pytest.mark.parametrize(("name", "coding"), BOTH)
def test_each_event_comes_when_it_happens_and_the_end_is_told(deploy, sqlite_table, name, coding):
    """Not with the next one, and not with a heartbeat: none comes meanwhile."""
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"heartbeat": "5m"}}).start()
    client = Client(d, COMMANDS[name], coding)
    wait_until(lambda: d.metric("streams") == 1, what="the stream is open")
    for i in range(3):
        insert(d, f"o{i}")
        wait_until(lambda i=i: [e["target_id"] for e in client.events] == [f"o{k}" for k in range(i + 1)], what=f"{name} tells event {i}")
    d["gateway0"].kill(signal.SIGTERM)
    assert client.program.wait(PATIENCE) == 0, client.program.stderr.read()
    assert len(client.events) == 3


@pytest.mark.parametrize("name", ["requests", "curl", "aiohttp"])
def test_who_is_cut_off_is_told_so(deploy, sqlite_table, name):
    """What ends without the last chunk has not ended: a client can tell a gateway that was killed from one that says goodbye."""
    d = deploy(sqlite_table, gateways=1).start()
    client = Client(d, COMMANDS[name], "identity")
    wait_until(lambda: d.metric("streams") == 1, what="the stream is open")
    insert(d, "o1")
    wait_until(lambda: client.events, what="the event")
    d["gateway0"].kill()
    assert client.program.wait(PATIENCE) != 0


def head_and_body(d, version, until, *headers):
    """The answer as it is on the wire, up to a text."""
    with socket.create_connection(("127.0.0.1", d.gateway_ports[0]), timeout=PATIENCE) as s:
        s.sendall("\r\n".join([f"GET /api/events/stream HTTP/{version}", "Host: localhost", *headers, "", ""]).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += s.recv(4096)
        insert(d, "o1")
        while until not in answer:
            answer += s.recv(4096)
    head, body = answer.split(b"\r\n\r\n", 1)
    return head.decode().lower().split("\r\n"), body


@pytest.mark.parametrize("headers", [(), ("Accept-Encoding: gzip",)])
def test_http_1_0_gets_the_text_alone(deploy, sqlite_table, headers):
    """As nginx asks unless it is told otherwise. It knows no chunks."""
    d = deploy(sqlite_table, gateways=1).start()
    head, body = head_and_body(d, "1.0", b'"o1"', *headers)
    assert not any(line.startswith(("transfer-encoding", "content-encoding")) for line in head)
    assert body.startswith(b"retry: ") and b"\nid: 1\n" in body


def test_a_chunk_holds_whole_messages(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    head, body = head_and_body(d, "1.1", b"\n\n\r\n")
    assert "transfer-encoding: chunked" in head
    first, body = body.split(b"\r\n", 1)
    retry, body = body[:int(first, 16)], body[int(first, 16):]
    assert retry.startswith(b"retry: ") and body.startswith(b"\r\n")
    size, body = body[2:].split(b"\r\n", 1)
    message = body[:int(size, 16)]
    assert message.startswith(b"id: 1\n") and message.endswith(b"\n\n") and size == f"{len(message):x}".encode()


def test_nothing_is_compressed_where_the_file_says_so(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"compress_streams": False}}).start()
    stream = d.stream("/api/tiles/stream", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in stream.headers and "accept-encoding" not in stream.headers.get("vary", "").lower()
    stream.await_event(lambda e: e["event"] == "tile")


def test_first_values_shrink_to_a_third(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    sqlite_table.insert([(now_iso(), "order.created", None, f"o{i}", None, json.dumps({"region": f"r{i}"})) for i in range(30)])
    d.verify()
    sent = {}
    for coding in ("identity", "gzip"):
        before = d.metric("sent_bytes_total")
        stream = d.stream("/api/tiles/stream", headers={"Accept-Encoding": coding})
        count = len(d.get_json("/api/tiles")["tiles"])
        wait_until(lambda stream=stream, count=count: len({e["data"].get("key") for e in stream.events if e["event"] == "tile"}) == count)
        sent[coding] = d.metric("sent_bytes_total") - before
        stream.close()
        wait_until(lambda: d.metric("streams") == 0)
    assert sent["gzip"] * 3 < sent["identity"], sent
    assert d.metric("blocks_compressed_total") >= 1
    # Who comes when nothing has changed gets the same blocks.
    made, shared = d.metric("blocks_compressed_total"), d.metric("blocks_shared_total")
    for _ in range(3):
        again = d.stream("/api/tiles/stream", headers={"Accept-Encoding": "gzip"})
        again.await_event(lambda e: e["event"] == "tile")
    wait_until(lambda: d.metric("blocks_shared_total") - shared + d.metric("blocks_compressed_total") - made >= 3)
    assert d.metric("blocks_shared_total") > shared


# What libraries make of a stream that goes on behind an event: each message in one line, the empty ones, too.
MESSAGES = {
    "sseclient-py": """
import json, requests, sseclient, sys
with requests.get(sys.argv[1], stream=True, headers=json.loads(sys.argv[2])) as answer:
    for event in sseclient.SSEClient(answer).events():
        print(json.dumps([event.event, event.data]), flush=True)
""",
    "httpx-sse": """
import httpx, httpx_sse, json, sys
with httpx.Client(timeout=None) as client, httpx_sse.connect_sse(client, "GET", sys.argv[1], headers=json.loads(sys.argv[2])) as source:
    for event in source.iter_sse():
        print(json.dumps([event.event, event.data]), flush=True)
""",
}


@pytest.mark.parametrize("library", list(MESSAGES))
def test_nothing_is_taken_for_an_empty_event(deploy, sqlite_table, library):
    """`retry:` stands in the block of the first event. Alone in one, httpx-sse takes it for an event without data."""
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": {"streams_per_address": 2}}}).start()
    insert(d, "o1")
    command = ["/usr/bin/python3", "-c", MESSAGES[library]]
    events, tiles = (Client(d, command, '{"Last-Event-ID": "0"}', path) for path in ("/api/events/stream", "/api/tiles/stream"))
    wait_until(lambda: events.events and tiles.events, what="both streams' first messages")
    refused = Client(d, command, '{"Accept": "text/event-stream", "User-Agent": "Mozilla/5.0"}')  # as a browser asks
    wait_until(lambda: refused.events, what="the refusal")
    insert(d, "o2")
    wait_until(lambda: [kind for kind, _ in events.events] == ["order.created"] * 2, what="the second event")
    assert [kind for kind, _ in refused.events] == ["refused"]
    assert all(data for client in (events, tiles, refused) for _, data in client.events)


# Readers of lines that end one at NEL, U+2028 and U+2029, too, as str.splitlines does (httpx since 0.24).
LINES = {
    "requests": """
import requests, sys
with requests.get(sys.argv[1], stream=True) as answer:
    answer.encoding = "utf-8"
    for line in answer.iter_lines(decode_unicode=True):
        if line.startswith("data: "):
            print(line[6:], flush=True)
""",
    "httpx": """
import httpx, sys
with httpx.Client(timeout=None) as client, client.stream("GET", sys.argv[1]) as answer:
    for line in answer.iter_lines():
        if line.startswith("data: "):
            print(line[6:].rstrip("\\n"), flush=True)  # which versions before 0.24 leave there
""",
}


@pytest.mark.parametrize("library", list(LINES))
def test_separators_of_unicode_break_no_line(deploy, sqlite_table, library):
    summary = "one\u2028two\u2029three\x85four\x0bfive\x0csix"
    d = deploy(sqlite_table, gateways=1).start()
    client = Client(d, ["/usr/bin/python3", "-c", LINES[library]], "")
    wait_until(lambda: d.metric("streams") == 1, what="the stream is open")
    d.table.insert([(now_iso(), "order.created", None, "o1", summary, None)])
    insert(d, "o2")
    wait_until(lambda: len(client.events) == 2, what="both events")
    assert [e.get("summary") for e in client.events] == [summary, None]
