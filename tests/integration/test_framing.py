# SPDX-License-Identifier: Apache-2.0
"""Where a request begins and ends (RFC 9112): what is malformed or ambiguous is refused, its connection closed, and nothing that
follows is taken for a request. Behind a proxy that would be another client's request, or answer (request smuggling)."""
import ctypes
import ctypes.util
import json
import socket

import pytest

from test_proxies import proxied  # noqa: F401 (a fixture)
from tilewire import PATIENCE, wait_until

TILE = "GET /api/tiles/queue.depth HTTP/1.1"  # its answer is kept, and is the same for all
SMUGGLED = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"
AFTER = b"GET /no/such/page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
OPEN, CLOSED = [404], []  # what is answered to AFTER


def get(*lines, first="GET /healthz HTTP/1.1", host="Host: localhost", body=b""):
    head = [first, *([host] if host else []), *lines, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def post(*lines, version="HTTP/1.1", body=b"abc", **more):
    return get(*lines, first=f"POST /healthz {version}", body=body, **more)


EVENT = b'{"event_type":"a"}'


def push(*lines, body=EVENT, path="/api/events"):
    return get("Content-Type: application/json", *lines, first=f"POST {path} HTTP/1.1", body=body)


def chunked(body):
    return post("Transfer-Encoding: chunked", body=body)


def target(text, method="GET", **more):
    return get(first=f"{method} {text} HTTP/1.1", **more)


# What is sent, the answers to it, and whether the connection is open then.
CASES = {
    "a request": (get(), [200], OPEN),
    "no space, and too many": (get("A:b", "C: \t d \t", "E:", "F:  "), [200], OPEN),
    "many headers": (get(*(f"X-{i}: {'a' * 100}" for i in range(100))), [200], OPEN),
    "empty lines before": (b"\r\n\r\n" + get(), [200], OPEN),
    "two requests": (get() + SMUGGLED, [200, 200], OPEN),
    # ---- lengths
    "a length": (post("Content-Length: 3"), [405], OPEN),
    "a GET with a body, which is no request": (get(f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED), [200], OPEN),
    "two lengths": (post("Content-Length: 3", "Content-Length: 40", body=b"abc" + SMUGGLED), [400], CLOSED),
    "two equal lengths": (post("Content-Length: 3", "content-length: 3"), [400], CLOSED),
    "a length behind a space": (post(f"Content-Length : {len(SMUGGLED)}", body=SMUGGLED), [400], CLOSED),
    "a length of HTTP/1.0": (post("Content-Length: 3", "Connection: keep-alive", version="HTTP/1.0"), [405], OPEN),
    # Libmicrohttpd refuses these by itself, and would begin its answer twice.
    "a list of lengths": (post("Content-Length: 3, 3", body=b"abc" + SMUGGLED), [400], CLOSED),
    "a negative length": (post("Content-Length: -3", body=SMUGGLED), [400], CLOSED),
    "a length with a sign": (post("Content-Length: +3", body=b"abc" + SMUGGLED), [400], CLOSED),
    "a length of 0x3": (post("Content-Length: 0x3", body=b"abc" + SMUGGLED), [400], CLOSED),
    "a length of nothing": (get("Content-Length:", body=SMUGGLED), [400], CLOSED),
    "a length and more": (post("Content-Length: 3 x"), [400], CLOSED),
    "a length and a NUL": (post("Content-Length: 3\0"), [400], CLOSED),
    "a length with a point": (get("Content-Length: 3.0"), [400], CLOSED),
    "a length of 64 bits": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 18446744073709551616\r\n\r\n", [413], CLOSED),
    "a length beyond 64 bits": (post("Content-Length: 99999999999999999999"), [413], CLOSED),
    "a wrong length behind a right one": (post("Content-Length: 3", "Content-Length: x", body=b"abc" + SMUGGLED), [400], CLOSED),
    "a wrong length before a right one": (post("Content-Length: x", "Content-Length: 3", body=b"abc" + SMUGGLED), [400], CLOSED),
    "a wrong length with chunks": (post("Content-Length: x", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED), [400], CLOSED),
    "a wrong length behind a request": (get() + post("Content-Length: +3", body=b"abc" + SMUGGLED), [200, 400], CLOSED),
    # ---- transfer codings
    "chunks": (chunked(b"3\r\nabc\r\n0\r\n\r\n"), [405], CLOSED),
    "chunks of a GET": (get("Transfer-Encoding: Chunked", body=b"3\r\nabc\r\n0\r\n\r\n" + SMUGGLED), [200], CLOSED),
    "chunks of a GET of a tile": (get("Transfer-Encoding: chunked", first=TILE, body=b"0\r\n\r\n" + SMUGGLED), [200], CLOSED),
    "chunks of a GET of a tile that is known": (get("Transfer-Encoding: chunked", "If-None-Match: *", first=TILE, body=b"0\n\n" + SMUGGLED), [304], CLOSED),
    "chunks with extensions": (chunked(b"3;a=\"b\"\r\nabc\r\n0\r\n\r\n"), [405], CLOSED),
    "chunks with trailers": (chunked(b"0\r\nHost: other\r\n\r\n"), [405], CLOSED),
    "chunks that end with LF": (chunked(b"3\nabc\n0\n\n" + SMUGGLED), [405], CLOSED),
    "a chunk of no size": (chunked(b"zz\r\nabc\r\n0\r\n\r\n"), [400], CLOSED),
    "a chunk of a negative size": (chunked(b"-3\r\nabc\r\n0\r\n\r\n"), [400], CLOSED),
    "a chunk of 0x3": (chunked(b"0x3\r\nabc\r\n0\r\n\r\n"), [400], CLOSED),
    "a chunk beyond 64 bits": (chunked(b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), [413], CLOSED),
    "a chunk that is too short": (chunked(b"3\r\nabcdef\r\n0\r\n\r\n"), [400], CLOSED),
    "length and chunks": (post("Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED), [400], CLOSED),
    "chunks and length": (post("Transfer-Encoding: chunked", "Content-Length: 3", body=b"0\r\n\r\n"), [400], CLOSED),
    "chunked twice": (post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), [400], CLOSED),
    "chunked, chunked": (post("Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"), [501], CLOSED),
    "gzip, chunked": (post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), [501], CLOSED),
    "chunked and a blank": (post("Transfer-Encoding: chunked ", body=b"0\r\n\r\n" + SMUGGLED), [400], CLOSED),
    "identity": (post("Transfer-Encoding: identity"), [400], CLOSED),
    "xchunked": (post("Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), [400], CLOSED),
    "chunked behind a vertical tab": (post("Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"), [400], CLOSED),
    "chunked behind a space": (post("Transfer-Encoding : chunked", body=b"0\r\n\r\n"), [400], CLOSED),
    "chunked in the next line": (post("Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n" + SMUGGLED), [400], CLOSED),
    "chunks of HTTP/1.0": (post("Transfer-Encoding: chunked", version="HTTP/1.0", body=b"0\r\n\r\n" + SMUGGLED), [400], CLOSED),
    # ---- pushes: this ingestor reads a table and takes none, which is found out when the whole body was read
    "a push": (push("Content-Length: 18"), [503], OPEN),
    "a push whose body is a request": (push(f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED), [400], OPEN),
    "a push behind which a request stands": (push("Content-Length: 18", body=EVENT + SMUGGLED), [503, 200], OPEN),
    "a push in chunks": (push("Transfer-Encoding: chunked", body=b"12\r\n" + EVENT + b"\r\n0\r\n\r\n"), [503], CLOSED),
    "a push in chunks, and a request": (push("Transfer-Encoding: chunked", body=b"12\r\n" + EVENT + b"\r\n0\r\n\r\n" + SMUGGLED), [503], CLOSED),
    "a push with two lengths": (push("Content-Length: 18", "Content-Length: 100", body=EVENT + SMUGGLED), [400], CLOSED),
    "a push to a path with an escaped NUL": (push("Content-Length: 18", path="/api/events%00x"), [400], OPEN),
    # ---- lines
    "a CR in a value": (get("A: b\rContent-Length: 5"), [400], CLOSED),
    "a NUL in a value": (get("A: b\0c"), [400], CLOSED),
    "a NUL in a name": (get("A\0B: c"), [400], CLOSED),
    "a control character in a value": (get("A: \x01"), [400], CLOSED),
    "a byte above 0x7f in a value": (get("A: \xff"), [200], OPEN),
    "lines that end with LF": (get().replace(b"\r\n", b"\n"), [400], CLOSED),
    "one line that ends with LF": (get("A: b\nC: d"), [400], CLOSED),
    "a value in two lines": (get("A: b\r\n c"), [400], CLOSED),
    "a length in two lines": (post("Content-Length:\r\n 3"), [400], CLOSED),
    "a space before the first header": (get(host=" Host: localhost"), [400], CLOSED),
    "a space before the colon": (get("A : b"), [400], CLOSED),
    "no name": (get(": b"), [400], CLOSED),
    "no colon": (get("b"), [400], CLOSED),
    "a name with a bracket": (get("A(: b"), [400], CLOSED),
    "a name that is not ASCII": (get("A\xff: b"), [400], CLOSED),
    # ---- the first line
    "two spaces": (get(first="GET  /healthz HTTP/1.1"), [400], CLOSED),
    "tabs": (get(first="GET\t/healthz\tHTTP/1.1"), [], CLOSED),
    "a space before the method": (b" " + get(), [], CLOSED),
    "a method of small letters": (get(first="get /healthz HTTP/1.1"), [405], OPEN),
    "a method that is no word": (get(first="G(T /healthz HTTP/1.1"), [400], CLOSED),
    "a NUL in the method": (get(first="GET\0X /healthz HTTP/1.1"), [400], CLOSED),
    "TRACE": (target("/healthz", "TRACE"), [405], OPEN),
    "CONNECT": (target("localhost:80", "CONNECT"), [405], OPEN),
    "HTTP/0.9": (b"GET /healthz\r\n\r\n", [400], CLOSED),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505], CLOSED),
    "HTTP/2.0": (get(first="GET /healthz HTTP/2.0"), [505], CLOSED),
    "HTTP/1.2, which is as 1.1": (get(first="GET /healthz HTTP/1.2"), [200], OPEN),
    "http/1.1": (get(first="GET /healthz http/1.1"), [400], CLOSED),
    "HTTP/1.10": (get(first="GET /healthz HTTP/1.10"), [400], CLOSED),
    # ---- targets
    "a NUL in a path": (target("/healthz\0/x"), [400], CLOSED),
    "a NUL in a query": (target("/healthz?a=\0"), [400], CLOSED),
    "an escaped NUL": (target("/healthz%00x"), [400], OPEN),
    "an escaped NUL in a query": (target("/api/tiles?keys=a%00b"), [400], OPEN),
    "a CR in a path": (target("/healthz\r/x"), [400], CLOSED),
    "a space in a path": (target("/healthz /x"), [400], CLOSED),
    "an escaped CRLF, which stays in its path": (target("/healthz%0d%0aX:%20y"), [404], OPEN),
    "a path without a slash": (target("healthz"), [400], CLOSED),
    "two slashes": (target("//healthz"), [404], OPEN),
    "dots": (target("/api/../healthz"), [404], OPEN),
    "escaped dots": (target("/%2e%2e/healthz"), [404], OPEN),
    "no UTF-8": (target("/api/tiles/\xff"), [400], OPEN),
    "no UTF-8, escaped": (target("/api/tiles/%ff"), [404], OPEN),
    "no escape": (target("/api/tiles/%zz"), [404], OPEN),
    "a star": (target("*", "OPTIONS"), [204], OPEN),
    "a star of GET": (target("*"), [400], CLOSED),
    "a whole URI": (target("http://localhost/healthz?a=b"), [200], OPEN),
    "a whole URI in capitals": (target("HTTP://LOCALHOST:80/healthz"), [200], OPEN),
    "a whole URI, whose host counts": (target("http://localhost/api/tiles", host="Host: attacker.example"), [200], OPEN),
    "a whole URI with a strange host": (target("http://attacker.example/api/tiles"), [421], OPEN),
    "a whole URI with a user": (target("http://me@localhost/healthz"), [400], CLOSED),
    "a whole URI without a host": (target("http:///healthz"), [400], CLOSED),
    "a URI of another scheme": (target("ftp://localhost/healthz"), [400], CLOSED),
    "a whole URI without Host": (target("http://localhost/healthz", host=None), [400], CLOSED),
    # ---- hosts
    "no Host": (get(host=None), [400], CLOSED),
    "no Host in HTTP/1.0": (get("Connection: keep-alive", first="GET /healthz HTTP/1.0", host=None), [200], OPEN),
    "two Hosts": (get("Host: localhost"), [400], CLOSED),
    "two Hosts, one in a whole URI": (target("http://localhost/healthz", host="Host: a\r\nHost: b"), [400], CLOSED),
    "a Host that is none": (get(host="Host: user@localhost") + SMUGGLED, [400], CLOSED),
    # ---- others
    "a body that waits to be wanted": (post("Expect: 100-continue", "Content-Length: 3"), [100, 405], OPEN),
    "another expectation": (get("Expect: much"), [200], OPEN),
    "close, upgrade": (get("Connection: close, upgrade"), [200], CLOSED),
}

# What libmicrohttpd 1.0 makes of some of them by itself, where it is strict: it refuses, or ends the connection, where the gateway would have
# refused; it takes a blank at the end of a value for none; and says nothing where an answer is there already.
STRICT = {
    "empty lines before": [None], "chunks of a GET of a tile that is known": [400], "chunks with extensions": [400], "chunks that end with LF": [400],
    "chunked, chunked": [400], "gzip, chunked": [400], "chunked and a blank": [405], "a NUL in the method": [None], "a NUL in a path": [None],
    "a NUL in a query": [None], "a body that waits to be wanted": [405, None],
}


def libmicrohttpd_is_strict():
    library = ctypes.CDLL(ctypes.util.find_library("microhttpd"))
    library.MHD_get_version.restype = ctypes.c_char_p
    return not library.MHD_get_version().startswith(b"0.")


if libmicrohttpd_is_strict():
    CASES = {name: (data, STRICT.get(name, answers), [] if name in STRICT else after) for name, (data, answers, after) in CASES.items()}


def read_answer(reader):
    """Its status; None at the end. Each answer is a header section and a body, whose length it says."""
    line = reader.readline()
    if not line:
        return None
    assert line.startswith(b"HTTP/1.1 "), line
    status, length = int(line.split()[1]), 0
    while (line := reader.readline().strip()):
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    body = reader.read(length)
    assert not body.startswith(b"HTTP/"), "one header section"
    if status in (400, 501) and body.startswith(b"{"):
        assert json.loads(body)["status"] == status
    return status


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def exchange(connection, data, answers):
    """The answers to data, and those to AFTER, which is sent when as many are here as are expected."""
    with connection, connection.makefile("rb") as reader:
        connection.sendall(data)
        got = [read_answer(reader) for _ in answers]
        try:
            connection.sendall(AFTER)
            while (status := read_answer(reader)) is not None:
                got.append(status)
        except OSError:
            pass  # it is closed
        return got


@pytest.fixture
def gateway(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1)
    d.config["gateway"]["push"] = [{"query": d.addresses[1]}]
    d.write()
    d.start()
    wait_until(lambda: d.request("/readyz")[0] == 200)
    headers = {"Content-Type": "application/json"}
    wait_until(lambda: b"no events can be pushed" in d.request("/api/events", "POST", headers, body=EVENT)[2])  # it is connected
    return d


def test_each_request_has_its_verdict(gateway):
    port, wrong = gateway.gateway_ports[0], {}
    for name, (data, answers, after) in CASES.items():
        got = exchange(connect(port), data, answers)
        if got != [*answers, *after]:
            wrong[name] = got
    assert not wrong


def test_headers_that_come_byte_by_byte_are_judged_alike(gateway):
    port = gateway.gateway_ports[0]
    for name in ("many headers", "two lengths", "a NUL in a value", "a value in two lines", "one line that ends with LF",
                 "a length with a point", "a length of 64 bits"):
        data, answers, after = CASES[name]
        connection = connect(port)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        step = 1 if len(data) < 200 else 97
        for at in range(0, len(data) - 1, step):
            connection.sendall(data[at:min(at + step, len(data) - 1)])
        assert exchange(connection, data[-1:], answers) == [*answers, *after], name


def test_a_wrong_length_among_headers_that_are_still_coming(gateway):
    """Libmicrohttpd does not say whose length is wrong, so it is looked for in all requests that are still coming."""
    data, answers, after = CASES["a length with a sign"]
    half = data.index(b"\r\n\r\n")
    port, before = gateway.gateway_ports[0], gateway.metric("requests_malformed_total")
    waiting = [connect(port) for _ in range(3)]
    for connection, begun in zip(waiting, (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n", b"GET /hea", data[:half])):
        connection.sendall(begun)
    assert exchange(connect(port), *CASES["a request"][:2]) == [200, 404]  # what was sent before was read by now
    waiting[2].sendall(data[half:])
    assert exchange(waiting[2], b"", answers) == [*answers, *after]
    assert exchange(waiting[0], b"\r\n", [200]) == [200, 404]
    assert exchange(waiting[1], b"lthz HTTP/1.1\r\nHost: localhost\r\n\r\n", [200]) == [200, 404]
    assert gateway.metric("requests_malformed_total") - before == 1


def test_malformed_requests_are_counted(gateway):
    port, before = gateway.gateway_ports[0], gateway.metric("requests_malformed_total")
    names = ("two lengths", "a NUL in a value", "chunked twice", "a list of lengths", "HTTP/0.9", "a chunk of no size")  # the last two: libmicrohttpd's
    for name in names:
        exchange(connect(port), *CASES[name][:2])
    assert exchange(connect(port), *CASES["an escaped NUL"][:2]) == [400, 404]
    assert gateway.metric("requests_malformed_total") - before == len(names)


THROUGH_A_PROXY = ["a request", "two lengths", "two equal lengths", "a length behind a space", "length and chunks", "chunks and length",
                   "a list of lengths", "a length with a sign",
                   "chunked in the next line", "chunks that end with LF", "chunks of a GET", "chunks with extensions", "a CR in a value",
                   "a NUL in a value", "a value in two lines", "xchunked", "chunked behind a vertical tab", "a NUL in a path", "a whole URI"]


def test_no_request_gets_in_through_a_proxy_as_part_of_another(proxied):  # noqa: F811
    """Whatever the proxy makes of them, each client has its own answers, also when connections to the gateways are shared."""
    wrong = {}

    def others():
        return [proxied.get("/healthz")[0] for _ in range(3)]

    for name in THROUGH_A_PROXY:
        data = CASES[name][0]
        data = data.replace(b"/readyz", b"/no/such/thing")
        with proxied.wrap(connect(proxied.port)) as connection:
            connection.sendall(data + AFTER)
            got, reader = [], connection.makefile("rb")
            while line := reader.readline():
                got += [int(line.split()[1])] if line.startswith(b"HTTP/1.1 ") else []
        # A proxy may mend it, or see a second request of the same client in it. But it is answered, and nobody else hears of it.
        asked = 2 + data.count(b"/no/such/thing")
        if not 1 <= len(got) <= asked or others() != [200] * 3:
            wrong[name] = got
    assert not wrong
