# SPDX-License-Identifier: Apache-2.0
"""Gateways behind nginx, HAProxy, Caddy, Apache, lighttpd, Traefik and Varnish, run from the very files in docs/deploy, with TLS and HTTP/2 on
the outside (but Varnish, which has no TLS)."""
import contextlib
import gzip
import json
import os
import pathlib
import pwd
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from tilewire import PATIENCE, Program, free_ports, now_iso, wait_until
from websocket import WebSocket

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs" / "deploy"
TRAEFIK = ROOT / "build" / "tools" / "traefik-3.7.15" / "bin" / "traefik"


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


def documented(name, folder, gateways, tls, changes, address=" 127.0.0.1:{}"):
    """The file of docs/deploy with addresses and paths of the test's own; tls: None where it names none; changes: pairs of old and new.
    Returns its path."""
    text = (DEPLOY / name).read_text()
    if tls is not None:
        text = replace(text, "/etc/tilewire/tls.pem", str(tls))
    for theirs, ours in zip((8080, 8081), gateways):
        text = replace(text, address.format(theirs), address.format(ours))
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


def apache_command(folder, port, *rest):
    changes = [("Listen 443", f"Listen 127.0.0.1:{port}"), ("*:443", f"127.0.0.1:{port}"), ("/run/apache2", str(folder)), ("/var/log/apache2", str(folder))]
    file = documented("apache.conf", folder, *rest, changes, address="//127.0.0.1:{} ")
    return ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", file]


def lighttpd_command(folder, port, *rest):
    changes = [("server.port = 443", f"server.port = {port}"), ('"0.0.0.0"', '"127.0.0.1"'), ("/run/lighttpd.pid", f"{folder}/lighttpd.pid"),
               ("/var/log/lighttpd", str(folder)), ("/var/empty", str(folder)), ("server.max-fds = 65536\n", ""), ("32768", "512")]
    changes += [(f'server.{what}name = "www-data"\n', "") for what in ("user", "group")]  # the folder is the tests' own
    file = documented("lighttpd.conf", folder, *rest, changes, address='"port" => {},')
    return ["/usr/sbin/lighttpd", "-D", "-f", file]


def traefik_command(folder, port, gateways, tls):
    file = documented("traefik.yaml", folder, (), None, [('":443"', f'"127.0.0.1:{port}"'), ("filename: /etc/traefik/", f"filename: {folder}/")])
    documented("traefik-gateways.yaml", folder, gateways, tls, [], address="//127.0.0.1:{}")
    return [TRAEFIK, f"--configFile={file}"]


def varnish_command(folder, port, gateways, _):
    file = documented("varnish.vcl", folder, gateways, None, [], address='.port = "{}"')
    # In one process, and as who runs the tests.
    return ["/usr/sbin/varnishd", "-F", "-n", folder / "varnish", "-f", file, "-a", f"127.0.0.1:{port}", "-j", "none"]


class Proxied:
    def __init__(self, kind, d, folder, command=None):
        self.d, self.folder, self.port, self.curls = d, folder, free_ports(1)[0], []
        self.scheme, self.http = ("http", "1.1") if kind == "varnish" else ("https", "2")
        self.tls = certificate(folder)
        make = command or COMMANDS[kind]
        self.program = Program(kind, make(folder, self.port, d.gateway_ports, self.tls), folder / f"{kind}.out").start()
        wait_until(lambda: self.get("/healthz")[0] == 200, what=f"{kind}: {self.program.log_text()}")

    def command(self, path, *options, client="127.0.0.2"):
        return ["curl", "-sS", f"--http{self.http}", "--cacert", str(self.folder / "cert.pem"), "--interface", client, "-m", "60", *options,
                f"{self.scheme}://127.0.0.1:{self.port}{path}"]

    def wrap(self, connection):
        """A connection to the proxy, made one over TLS where the proxy speaks that; over HTTP/1.1."""
        if self.scheme == "http":
            return connection
        context = ssl.create_default_context(cafile=self.folder / "cert.pem")
        context.set_alpn_protocols(["http/1.1"])
        return context.wrap_socket(connection, server_hostname="localhost")

    def most_streams(self):
        """How many streams one connection over HTTP/2 may have, as the proxy says in its first frame: SETTINGS."""
        context = ssl.create_default_context(cafile=self.folder / "cert.pem")
        context.set_alpn_protocols(["h2"])
        with contextlib.closing(context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), PATIENCE), server_hostname="localhost")) as s:
            s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            frames = s.makefile("rb")
            head = frames.read(9)
            assert head[3] == 4, "not SETTINGS"
            body = frames.read(int.from_bytes(head[:3], "big"))
        return dict(struct.iter_unpack(">HI", body))[3]

    def get(self, path, *options, client="127.0.0.2"):
        """Status, headers and body; over HTTP/2, where the proxy speaks it."""
        done = subprocess.run(self.command(path, "-i", *options, client=client), capture_output=True, check=False)
        if done.returncode != 0:
            return 0, {}, done.stderr
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0].startswith(f"HTTP/{self.http} "), lines[0]
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

    def await_none_ready(self):
        """Waits until the proxy has found out that no gateway is ready, if it is one that asks."""
        if self.program.name == "haproxy":
            self.program.await_log("backend gateways has no server available")
        elif self.program.name == "traefik":
            for port in self.d.gateway_ports:
                self.program.await_log(f"Health check failed.*127.0.0.1:{port}")
        elif self.program.name == "varnish":
            listed = ["varnishadm", "-n", self.folder / "varnish", "backend.list"]
            sick = re.compile(r"^boot\.gateway\d +probe .* sick ", re.MULTILINE)
            wait_until(lambda: len(sick.findall(subprocess.run(listed, capture_output=True, text=True, check=True).stdout)) == 2, what="sick backends")

    def close(self):
        for process in self.curls:
            process.kill()
            process.wait(timeout=PATIENCE)
        if self.program.alive():
            self.program.kill(signal.SIGTERM)


COMMANDS = {"nginx": nginx_command, "haproxy": haproxy_command, "caddy": caddy_command, "apache": apache_command, "lighttpd": lighttpd_command,
            "traefik": traefik_command, "varnish": varnish_command}


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
    packed = proxied.stream("/api/tiles/stream?keys=orders.ever", "--compressed")
    for lines in (events, tiles, packed):
        wait_until(lambda: any(line.startswith("retry: ") for line in lines), what="the stream's first line")
    for n in range(1, 4):
        last = sqlite_table.insert([(now_iso(), "order.created", None, f"o{n}", None, None)])
        # Far less than any buffer has come by now; and the next row comes when this one has.
        wait_until(lambda: f"id: {last}" in events, what="the event")
        for lines in (tiles, packed):
            wait_until(lambda lines=lines: any(f'"data":{{"value":{n}}}' in line for line in lines), what="the tile")
    assert [any(line.lower() == "content-encoding: gzip" for line in lines) for lines in (packed, tiles)] == [True, False]
    for lines in (events, tiles, packed):
        assert lines[0].startswith(f"HTTP/{proxied.http} 200") and "content-type: text/event-stream" in [line.lower() for line in lines]
    again = proxied.stream("/api/events/stream", "-H", "Last-Event-ID: 1")
    wait_until(lambda: "id: 3" in again)
    assert "id: 2" in again and "id: 1" not in again


def streams_in_the_page(name):
    return int(re.search(rf"^\| {name} \| (\d+) \|", (DEPLOY / "README.md").read_text(), re.MULTILINE | re.IGNORECASE).group(1))


@pytest.mark.parametrize("proxied", [name for name in COMMANDS if name != "varnish"], indirect=True)  # which speaks HTTP/1.1
def test_a_connection_has_as_many_streams_as_the_page_says(proxied):
    assert proxied.most_streams() == streams_in_the_page(proxied.program.name)


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
    def connect(origin):
        return WebSocket(proxied.port, {"Host": f"localhost:{proxied.port}", "Origin": origin}, wrap=proxied.wrap)

    with contextlib.closing(connect(f"{proxied.scheme}://localhost:{proxied.port}")) as ws:
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
    wait_until(lambda: [d.request("/readyz", gateway=i)[0] for i in range(2)] == [503, 503], 60)
    proxied.await_none_ready()
    for client in ("127.0.0.2", "127.0.0.3"):  # one after the other goes to each gateway
        assert proxied.get("/", client=client)[0] == 200
        status, _, body = proxied.get("/api/tiles", client=client)
        assert status == 200 and json.loads(body)["tiles"]


def compressing(proxy, text):
    """Its file, with compression of all that is text, as distributions and people set it up."""
    if proxy == "apache":
        return "ServerRoot /usr/lib/apache2\nLoadModule deflate_module modules/mod_deflate.so\nSetOutputFilter DEFLATE\n" + text
    if proxy == "caddy":
        return replace(text, "\tbind 127.0.0.1\n", "\tbind 127.0.0.1\n\tencode gzip\n", 1)
    if proxy == "traefik":
        text = replace(text, "middlewares: [who-it-is, another]", "middlewares: [who-it-is, another, smaller]", 1)
        return replace(text, "  middlewares:\n    #", "  middlewares:\n    smaller: {compress: {}}\n    #", 1)
    text = replace(text, '"mod_openssl")', '"mod_openssl", "mod_deflate")', 1)
    return text + 'deflate.mimetypes = ("text/", "application/json")\ndeflate.allowed-encodings = ("gzip")\n'


FILES = {"apache": "apache.conf", "caddy": "Caddyfile", "lighttpd": "lighttpd.conf", "traefik": "traefik-gateways.yaml"}


@pytest.fixture
def proxied_compressing(request, deploy, sqlite_table, folder, gateways_compress):
    d = deploy(sqlite_table, config={"gateway": {"trusted_proxies": ["127.0.0.1"], "compress_streams": gateways_compress}}).start()
    own = folder / "proxy"
    own.mkdir(mode=0o755)

    def command(*rest):
        made = COMMANDS[request.param](*rest)
        file = own / FILES[request.param]
        file.write_text(compressing(request.param, file.read_text()))
        return made

    made = Proxied(request.param, d, own, command)
    yield made
    made.close()


@pytest.mark.parametrize("proxied_compressing", list(FILES), indirect=True)
@pytest.mark.parametrize("accepts", [True, False])
@pytest.mark.parametrize("gateways_compress", [True, False])
def test_events_arrive_through_a_proxy_that_compresses(proxied_compressing, sqlite_table, accepts):
    made, options = proxied_compressing, ["--compressed"] if accepts else []
    lines = made.stream("/api/events/stream", *options)
    wait_until(lambda: any(line.startswith("retry: ") for line in lines), what="the stream's first line")
    for _ in range(3):
        last = sqlite_table.insert([(now_iso(), "order.created", None, "o", None, None)])
        wait_until(lambda last=last: f"id: {last}" in lines, what="the event")
    for gateway in (0, 1):  # the proxy may ask either, and a row's event comes before its tiles
        wait_until(lambda gateway=gateway: made.d.tile("orders.ever", gateway)["data"]["value"] == 3, what="the tile")
    accepted = ["-H", "Accept-Encoding: gzip"] if accepts else []
    tag = ["-H", f"If-None-Match: {made.get('/api/tiles/orders.ever', *accepted)[1]['etag']}"]
    assert made.get("/api/tiles/orders.ever", *accepted, *tag)[0] == 304
    # Whoever waits for news with the tag that the proxy gave has one answer for it, and not hundreds.
    list_of_one, answers, end = "/api/tiles?keys=orders.ever", 0, time.monotonic() + 2
    tag = ["-H", f"If-None-Match: {made.get(list_of_one, *accepted)[1]['etag']}"]
    while time.monotonic() < end:
        assert made.get(f"{list_of_one}&wait=2s", *accepted, *tag)[0] == 304
        answers += 1
    assert answers == 1


def test_a_stream_outlives_what_varnish_gives_an_answer(deploy, sqlite_table, folder):
    d = deploy(sqlite_table, config={"gateway": {"heartbeat": "1s", "trusted_proxies": ["127.0.0.1"]}}).start()
    own = folder / "proxy"
    own.mkdir(mode=0o755)
    made = Proxied("varnish", d, own, lambda *rest: [*varnish_command(*rest), "-p", "send_timeout=1"])
    try:
        lines = made.stream("/api/events/stream")
        wait_until(lambda: lines.count("event: heartbeat") >= 4, what="four heartbeats, one a second")
    finally:
        made.close()
