# SPDX-License-Identifier: Apache-2.0
"""What a gateway bears: clients that never come to an end, and more of them than there is room for."""
import json
import select
import signal
import socket
import threading

from tilewire import PATIENCE, now_iso, wait_until


def connect(d, text=b""):
    s = socket.create_connection(("127.0.0.1", d.gateway_ports[0]), timeout=PATIENCE)
    s.sendall(text)
    return s


def drip(s, text, pause_s=0.1):
    """Sends text again and again, byte by byte, until the other side has had enough; returns what it said."""
    answer = b""
    while True:
        for i in range(len(text)):
            if select.select([s], [], [], pause_s)[0]:
                try:
                    part = s.recv(65536)
                except ConnectionResetError:
                    return answer
                if not part:
                    return answer
                answer += part
            try:
                s.send(text[i:i + 1])
            except OSError:  # it was reset; what was said before may still be there
                pass


def test_requests_that_never_end(deploy, sqlite_table):
    """Each byte comes in time, but the request does not."""
    limits = {"request_timeout": "1s", "idle_timeout": "2s", "body": "1KiB"}
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": limits, "stalled": "1s"}}).start()
    attacks = {
        "line": (b"", b"GET /api/tiles?keys=a"),
        "headers": (b"GET /api/tiles HTTP/1.1\r\n", b"X-Slow: yes\r\n"),
        "body": (b"POST /api/tiles HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n", b"x"),
        "chunks": (b"POST /api/tiles HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        "silence": (b"", b""),
        "silence afterwards": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b""),
        "half a request afterwards": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz", b""),
    }
    answers = {}

    def attack(name, begin, text):
        with connect(d, begin) as s:
            answer = b""
            if text:
                answer = drip(s, text)
            else:
                while part := s.recv(65536):
                    answer += part
            answers[name] = answer

    threads = [threading.Thread(target=attack, args=(name, *what)) for name, what in attacks.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(answers) == set(attacks), "each comes to its end"
    for name in ("headers", "body", "chunks"):
        assert answers[name].startswith(b"HTTP/1.1 408 "), name
        assert json.loads(answers[name].split(b"\r\n\r\n")[1])["status"] == 408
    assert answers["line"] == answers["silence"] == b""
    for name in ("silence afterwards", "half a request afterwards"):
        assert answers[name].startswith(b"HTTP/1.1 200 ") and answers[name].endswith(b"alive\n")
    assert d.metric("connections_slow_total") == 3 and d.metric("connections_idle_total") == 4
    wait_until(lambda: d.metric("connections") == 0)


def test_a_body_without_end_is_cut(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    with connect(d, b"POST /api/tiles HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000000\r\n\r\n") as s:
        sent = 0
        try:
            while True:
                sent += s.send(b"x" * 65536)
                assert sent < 200_000_000
        except OSError:
            pass
    assert d.metric("bodies_refused_total") == 1


def test_headers_that_are_too_large(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": {"header": "2KiB"}}}).start()
    assert d.request("/api/tiles", headers={"X-Large": "x" * 1500})[0] == 200
    status, _, body = d.request("/api/tiles", headers={"X-Large": "x" * 3000})
    assert status == 431 and json.loads(body)["status"] == 431
    assert d.metric("headers_refused_total") == 1
    for large in ({"X-Huge": "x" * 60000}, {f"X-{i}": "x" for i in range(5000)}):
        try:
            assert d.request("/api/tiles", headers=large)[0] in (413, 431)
        except OSError:
            pass  # it is refused while it is being sent
    try:
        assert d.request("/api/tiles?keys=" + "a" * 100000)[0] in (414, 431)
    except OSError:
        pass
    assert d.request("/healthz")[0] == 200


def test_clients_of_ipv4_and_ipv6_on_one_socket(deploy, sqlite_table):
    """`*` listens for both; each has limits of its own."""
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": {"requests_per_second": 0.001, "requests_burst": 2}}})
    d.config["insecure"] = True
    d.write()
    d["gateway0"].command[-1] = f"*:{d.gateway_ports[0]}"
    d.start()

    def ask(host, source=None):
        with socket.create_connection((host, d.gateway_ports[0]), 30, source and (source, 0)) as s:
            s.sendall(b"GET /api/tiles HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return int(s.makefile("rb").readline().split()[1])

    assert [ask("127.0.0.1") for _ in range(3)] == [200, 200, 429]
    if socket.has_ipv6:
        try:
            assert [ask("::1") for _ in range(3)] == [200, 200, 429]
        except OSError:
            pass  # this machine has no IPv6
    assert ask("127.0.0.1", "127.0.0.2") == 200


def refusal(d, path):
    status, headers, body = d.request(path)
    assert json.loads(body)["status"] == status and int(headers["retry-after"]) >= 1
    return status


def test_limits_on_streams_and_their_reload(deploy, sqlite_table):
    """Each has a refusal and a counter of its own; SIGHUP changes them, and streams that are open do not notice."""
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": {"streams": 2}}}).start()
    limits = d.config["gateway"]["limits"]
    gateway = d["gateway0"]

    def reload(says, **changes):
        limits.update(changes)
        d.write()
        length = len(gateway.log_text())
        gateway.process.send_signal(signal.SIGHUP)
        gateway.await_log(says, after=length)

    streams = [d.stream("/api/events/stream") for _ in range(2)]
    assert refusal(d, "/api/events/stream") == 503 and d.metric("streams_refused_full_total") == 1
    reload("limits are those of the file now", streams=100, streams_per_address=3)
    assert refusal(d, "/api/events/stream") == 503, "no more than there was room for at the start"
    reload("stay 100000 and 1000", streams=2, streams_per_address=2, tiles=5)
    streams[1].close()
    wait_until(lambda: d.metric("streams") == 1)
    reload("limits are those of the file now", streams_per_address=1)
    assert refusal(d, "/api/events/stream") == 429 and d.metric("streams_refused_address_total") == 1
    reload("limits are those of the file now", streams_per_address=100, streams_per_second=0.001, streams_burst=1)
    short = d.stream("/api/events/stream")
    assert short.status == 200
    short.close()
    wait_until(lambda: d.metric("streams") == 1)
    assert refusal(d, "/api/events/stream") == 429 and d.metric("streams_refused_rate_total") == 1
    reload("limits are those of the file now", streams=1)
    assert refusal(d, "/api/events/stream") == 503
    reload('unknown key "steams"; did you mean "streams".*keeping the limits', steams=1)
    del limits["steams"]
    reload("limits are those of the file now", requests_burst=1, requests_per_second=0.001)
    codes = [d.request("/api/tiles")[0] for _ in range(3)]
    assert codes[-1] == 429
    last = sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
    streams[0].await_event(lambda e: e["id"] == str(last))


def test_too_few_descriptors_are_told_at_the_start(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1)
    gateway = d["gateway0"]
    gateway.command[:0] = ["prlimit", "--nofile=200:200"]
    gateway.start()
    assert gateway.process.wait(timeout=PATIENCE) == 1
    gateway.process = None
    assert "a gateway needs 256 at least" in gateway.log_text() and "ulimit -Hn" in gateway.log_text()


def test_at_the_limit_of_descriptors(deploy, sqlite_table):
    """More streams and connections than there are descriptors for: polite refusals, and nobody else notices."""
    d = deploy(sqlite_table, gateways=1)
    d["gateway0"].command[:0] = ["prlimit", "--nofile=256:256"]
    d.start()
    streams, refused = [], 0
    while refused < 20:
        s = connect(d, b"GET /api/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reader = s.makefile("rb")
        line = reader.readline()
        if line.startswith(b"HTTP/1.1 200 "):
            streams.append((s, reader))
            assert len(streams) < 256
            continue
        assert line.startswith(b"HTTP/1.1 503 "), line
        head = b"".join(iter(reader.readline, b"\r\n")).lower()
        assert b"retry-after: " in head
        refused += 1
        reader.close()
        s.close()
    assert len(streams) == 144 == d.metric("streams")
    assert d.metric("streams_refused_full_total") == 20
    # As many silent connections as anybody likes, and some that are in the middle of something.
    idle = [connect(d, b"" if i % 2 else b"GET /api/tiles HTTP/1.1\r\n") for i in range(300)]
    for _ in range(50):
        assert d.request("/healthz")[0] == 200
    assert d.metric("connections_evicted_total") >= 200
    last = sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
    for _, reader in streams:
        while not (line := reader.readline()).startswith(b"data: "):
            assert line, "a stream was ended"
        assert json.loads(line[6:])["id"] == last
    assert d.metric("streams") == 144
    for s, reader in streams:
        reader.close()
        s.close()
    for s in idle:
        s.close()
    wait_until(lambda: d.metric("streams") == 0)
    assert d.stream("/api/events/stream").status == 200
