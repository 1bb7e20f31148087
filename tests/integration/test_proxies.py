# SPDX-License-Identifier: Apache-2.0
"""Gateways behind nginx, HAProxy and Caddy, run from the very files in docs/deploy, with TLS and HTTP/2 on the outside."""
import contextlib
import gzip
import json
import os
import pathlib
import pwd
import signal
import ssl
import subprocess
import threading

import pytest

from tilewire import PATIENCE, Program, free_ports, now_iso, wait_until
from websocket import WebSocket

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "docs" / "deploy"


def replace(text, old, new, times=None):
    assert text.count(old) == times if times else old in text, f"{old!r} is not in the file any more"
    return text.replace(old, new)


def certificate(folder):
    """A throw-away one for localhost, with its key, in one file."""
    key, cert, both = folder / "key.pem", folder / "cert.pem", folder / "tls.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, stderr=subprocess.DEVNULL)
    both.write_text(cert.read_text() + key.read_text())
    return both


def documented(name, folder, gateways, tls, changes):
    """The file of docs/deploy with addresses and paths of the test's own; changes: pairs of old and new. Returns its path."""
    text = replace((DEPLOY / name).read_text(), "/etc/tilewire/tls.pem", str(tls))
    for theirs, ours in zip((8080, 8081), gateways):
        text = replace(text, f" 127.0.0.1:{theirs}", f" 127.0.0.1:{ours}")
    for change in changes:
        text = replace(text, *change)
    file = folder / name
    file.write_text(text)
    return file


def documented_nginx(name, folder, port, *rest, more=()):
    user = pwd.getpwuid(os.geteuid()).pw_name  # the folder is the tests' own
    temporary = "".join(f"    {what}_temp_path {folder}/{what};\n" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    changes = [("listen 443 ", f"listen 127.0.0.1:{port} "), ("/run/nginx.pid", f"{folder}/nginx.pid"), ("/var/log/nginx", str(folder)),
               ("user www-data", f"user {user}"), ("http {\n", "http {\n" + temporary)]
    file = documented(name, folder, *rest, [*changes, *more])
    return ["/usr/sbin/nginx", "-c", file, "-e", f"{folder}/error.log", "-g", "daemon off;"]


def nginx_command(*rest):
    return documented_nginx("nginx.conf", *rest)


def haproxy_command(folder, port, *rest):
    changes = [("bind :443 ", f"bind 127.0.0.1:{port} ")]
    if os.geteuid() != 0:
        changes += [("    user haproxy\n", ""), ("    group haproxy\n", "")]
    return ["/usr/sbin/haproxy", "-db", "-f", documented("haproxy.cfg", folder, *rest, changes)]


def caddy_command(folder, port, *rest):
    file = documented("Caddyfile", folder, *rest, [(":443 {", f":{port} {{\n\tbind 127.0.0.1")])
    return ["/usr/bin/env", f"HOME={folder}", "/usr/bin/caddy", "run", "--config", file, "--adapter", "caddyfile"]


class Proxied:
    def __init__(self, kind, d, folder, command=None):
        self.d, self.folder, self.port, self.curls = d, folder, free_ports(1)[0], []
        self.tls = certificate(folder)
        make = command or COMMANDS[kind]
        self.program = Program(kind, make(folder, self.port, d.gateway_ports, self.tls), folder / f"{kind}.out").start()
        wait_until(lambda: self.get("/healthz")[0] == 200, what=f"{kind}: {self.program.log_text()}")

    def command(self, path, *options, client="127.0.0.2"):
        return ["curl", "-sS", "--http2", "--cacert", str(self.folder / "cert.pem"), "--interface", client, "-m", "60", *options,
                f"https://127.0.0.1:{self.port}{path}"]

    def get(self, path, *options, client="127.0.0.2"):
        """Status, headers and body; over HTTP/2."""
        done = subprocess.run(self.command(path, "-i", *options, client=client), capture_output=True, check=False)
        if done.returncode != 0:
            return 0, {}, done.stderr
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0].startswith("HTTP/2 "), lines[0]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        return int(lines[0].split()[1]), headers, body

    def stream(self, path, *options):
        process = subprocess.Popen(self.command(path, "-N", "-i", *options), stdout=subprocess.PIPE)
        lines = []

        def read():
            for line in process.stdout:
                lines.append(line.decode().rstrip())  # noqa: PERF401 (others look at the list meanwhile)

        threading.Thread(target=read, daemon=True).start()
        self.curls.append(process)
        return lines

    def close(self):
        for process in self.curls:
            process.kill()
            process.wait(timeout=PATIENCE)
        if self.program.alive():
            self.program.kill(signal.SIGTERM)


COMMANDS = {"nginx": nginx_command, "haproxy": haproxy_command, "caddy": caddy_command}


@pytest.fixture(params=list(COMMANDS))
def proxied(request, deploy, sqlite_table, folder):
    """A proxy before two gateways that allow each address twelve requests."""
    limits = {"requests_per_second": 0.001, "requests_burst": 12}
    d = deploy(sqlite_table, config={"gateway": {"limits": limits, "trusted_proxies": ["127.0.0.1"]}}).start()
    own = folder / "proxy"
    own.mkdir(mode=0o755)
    made = Proxied(request.param, d, own)
    yield made
    made.close()
    if getattr(request.node, "failed", False):
        for log in own.glob("*.*"):
            if log.suffix in (".out", ".log"):
                print(f"---- {log.name}\n{log.read_text()[-4000:]}")


def test_streams_arrive_as_they_come(proxied, sqlite_table):
    proxied.get("/api/tiles")
    events, tiles = proxied.stream("/api/events/stream"), proxied.stream("/api/tiles/stream?keys=orders.ever")
    for lines in (events, tiles):
        wait_until(lambda: any(line.startswith("retry: ") for line in lines), what="the stream's first line")
    for n in range(1, 4):
        last = sqlite_table.insert([(now_iso(), "order.created", None, f"o{n}", None, None)])
        # Far less than any buffer has come by now; and the next row comes when this one has.
        wait_until(lambda: f"id: {last}" in events, what="the event")
        wait_until(lambda: any(f'"data":{{"value":{n}}}' in line for line in tiles), what="the tile")
    for lines in (events, tiles):
        assert lines[0].startswith("HTTP/2 200") and "content-type: text/event-stream" in lines
    again = proxied.stream("/api/events/stream", "-H", "Last-Event-ID: 1")
    wait_until(lambda: "id: 3" in again)
    assert "id: 2" in again and "id: 1" not in again


def test_answers_get_through(proxied, sqlite_table):
    d = proxied.d
    rows = [(now_iso(), "order.created", None, f"o{i}", None, json.dumps({"region": f"r{i}"})) for i in range(30)]
    sqlite_table.insert(rows)
    for gateway in (0, 1):
        wait_until(lambda: d.metric("tiles", gateway) >= 42, what="all tiles")
    status, headers, body = proxied.get("/api/tiles", "-H", "Accept-Encoding: gzip")
    assert status == 200 and headers["content-encoding"] == "gzip" and len(json.loads(gzip.decompress(body))["tiles"]) >= 42
    assert "Accept-Encoding" in headers["vary"]
    status, headers, body = proxied.get("/api/tiles/orders.by_region/r7")
    assert status == 200 and json.loads(body)["data"] == {"value": 1}
    assert proxied.get("/api/tiles/orders.by_region/r7", "-H", f"If-None-Match: {headers['etag']}")[0] == 304
    assert proxied.get("/api/tiles/orders.by_region%2fr7")[0] == 200
    # Long-polling: without news until its time is over, and with news.
    quiet = "/api/tiles?keys=queue.depth"
    etag = proxied.get(quiet)[1]["etag"]
    assert proxied.get(quiet + "&wait=300ms", "-H", f"If-None-Match: {etag}")[0] == 304
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(proxied.get("/api/events?after=30&wait=60s")))
    waiting.start()
    wait_until(lambda: d.metric("waiting", 0) + d.metric("waiting", 1) == 1)
    sqlite_table.insert(rows[:1])
    waiting.join(30)
    assert [e["id"] for e in json.loads(answers[0][2])["events"]] == [31]
    assert proxied.get("/api/tiles/no.such")[0] == 404
    assert proxied.get("/metrics")[0] == 403 and proxied.get("/metrics", client="127.0.0.1")[0] == 404  # it is elsewhere here


def test_websockets_get_through(proxied, sqlite_table):
    tls = ssl.create_default_context(cafile=proxied.folder / "cert.pem")
    tls.set_alpn_protocols(["http/1.1"])

    def connect(origin):
        headers = {"Host": f"localhost:{proxied.port}", "Origin": origin}
        return WebSocket(proxied.port, headers, wrap=lambda s: tls.wrap_socket(s, server_hostname="localhost"))

    with contextlib.closing(connect(f"https://localhost:{proxied.port}")) as ws:
        assert ws.status == 101
        ws.say(subscribe=["orders.ever"])
        ws.await_message(lambda m: m["event"] == "tile" and m["data"] == {"value": 0})
        for n in range(1, 4):
            sqlite_table.insert([(now_iso(), "order.created", None, f"o{n}", None, None)])
            ws.await_message(lambda m, n=n: m["event"] == "tile" and m["data"] == {"value": n})
    with contextlib.closing(connect("https://evil.example.org")) as ws:
        assert ws.status == 403


def test_limits_are_those_of_the_clients_address(proxied):
    """Each of the two gateways allows twelve; both may be asked."""
    spoofed = [["-H", "X-Forwarded-For: 192.0.2.9"], ["-H", "Forwarded: for=192.0.2.9"],
               ["-H", "X-Forwarded-For: 192.0.2.9", "-H", "Forwarded: for=192.0.2.9"]]
    answers = []
    while answers[-12:] != [429] * 12:  # a proxy may ask either, by chance: then both have said so
        answers.append(proxied.get("/api/tiles/queue.depth")[0])
    assert answers.count(200) <= 24 and set(answers) == {200, 429}
    for headers in spoofed:
        assert proxied.get("/api/tiles/queue.depth", *headers)[0] == 429, headers
    assert proxied.get("/api/tiles/queue.depth", client="127.0.0.3")[0] == 200, "another client"
    assert proxied.get("/api/events/stream", client="127.0.0.2")[0] == 429


def test_a_gateway_that_dies_is_not_noticed(proxied):
    events = proxied.stream("/api/events/stream")
    wait_until(lambda: any(line.startswith("retry:") for line in events))
    serving = 0 if proxied.d.metric("streams", 0) == 1 else 1
    proxied.d[f"gateway{serving}"].kill()
    wait_until(lambda: proxied.curls[0].poll() is not None, what="the stream to end")
    for _ in range(5):
        assert proxied.get("/healthz")[0] == 200
    assert proxied.get("/api/tiles")[0] == 200


def test_gateways_that_are_not_ready_still_show_what_they_have(proxied):
    d = proxied.d
    d["ingestor"].kill()
    d["cache"].kill()
    wait_until(lambda: [d.request("/readyz", gateway=i)[0] for i in range(2)] == [503, 503], 60)
    if proxied.program.name == "haproxy":
        proxied.program.await_log("backend gateways has no server available")
    for client in ("127.0.0.2", "127.0.0.3"):  # one after the other goes to each gateway
        assert proxied.get("/", client=client)[0] == 200
        status, _, body = proxied.get("/api/tiles", client=client)
        assert status == 200 and json.loads(body)["tiles"]
