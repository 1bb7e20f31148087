# SPDX-License-Identifier: Apache-2.0
"""A gateway that listens on a socket in the file system: answers, streams and limits are those of TCP, and whoever can connect is a proxy."""
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import stat
import tempfile

import pytest

from test_proxies import (Proxied, documented, documented_nginx, test_a_gateway_that_dies_is_not_noticed,  # noqa: F401 (run again here)
                          test_limits_are_those_of_the_clients_address, test_streams_arrive_as_they_come, test_websockets_get_through)
from tilewire import PATIENCE, TILES, now_iso, wait_until
from websocket import WebSocket


class OverSocket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = connect(self.path)


def connect(path):
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(30)
    made.connect(str(path))
    return made


def ask(path, target, headers=None, method="GET"):
    with contextlib.closing(OverSocket(path)) as connection:
        connection.request(method, target, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


@pytest.fixture
def short():
    """A socket's path has room for 107 bytes only. Others may go through the folder: HAProxy runs as a user of its own."""
    made = tempfile.mkdtemp(prefix="tw-")
    os.chmod(made, 0o755)
    yield made
    shutil.rmtree(made)


def on_sockets(d, folder):
    """Lets the gateways of a deployment listen there; their figures stay where they are. Returns the paths."""
    paths = [f"{folder}/{i}.sock" for i in range(len(d.gateway_ports))]
    for i, path in enumerate(paths):
        d.add(f"gateway{i}", ["tilewire-gateway", "--admin-listen", f"127.0.0.1:{d.admin_ports[i]}", "--listen", f"unix:{path}"])
    return paths


@pytest.fixture
def local(deploy, sqlite_table, short):
    """local(**gateway) → a gateway on a socket, started; its path is d.socket."""

    def make(**gateway):
        limits = {"requests_per_second": 1000, "requests_burst": 1000, **gateway.pop("limits", {})}
        d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": limits, **gateway}})
        d.socket = on_sockets(d, short)[0]
        return d.start()

    return make


def test_answers_streams_and_websockets(local, sqlite_table):
    d = local()
    assert stat.S_IMODE(os.lstat(d.socket).st_mode) == 0o660
    status, headers, body = ask(d.socket, "/api/tiles")
    assert status == 200 and len(json.loads(body)["tiles"]) >= len(TILES) - 1
    assert ask(d.socket, "/api/tiles", {"If-None-Match": headers["etag"]})[0] == 304
    assert ask(d.socket, "/")[0] == ask(d.socket, "/readyz")[0] == 200
    assert ask(d.socket, "/api/tiles", {"Host": "attacker.example"})[0] == 421
    with connect(d.socket) as stream, stream.makefile("rb") as lines:
        stream.sendall(b"GET /api/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert lines.readline().startswith(b"HTTP/1.1 200")
        while not lines.readline().startswith(b"retry: "):
            pass
        ws = WebSocket(connect(d.socket))
        ws.say(subscribe=["orders.ever"])
        ws.await_message(lambda m: m["event"] == "tile")
        for n in range(1, 4):
            sqlite_table.insert([(now_iso(), "order.created", None, f"o{n}", None, None)])
            while lines.readline() != f"id: {n}\n".encode():
                pass
            ws.await_message(lambda m, n=n: m["event"] == "tile" and m["data"] == {"value": n})
        ws.close()
    result = d.run("verify", "--http", f"unix:{d.socket}", "--timeout", f"{PATIENCE}s")
    assert result.returncode == 0, result.stdout


def test_who_comes_is_who_the_proxy_says(local):
    d = local(limits={"requests_per_second": 0.001, "requests_burst": 5})
    for address in ("192.0.2.1", "192.0.2.2"):
        spoofed = {"X-Forwarded-For": f"127.0.0.1, {address}"}
        assert [ask(d.socket, "/api/tiles", spoofed)[0] for _ in range(6)] == [200] * 5 + [429], address
    assert [ask(d.socket, "/api/tiles")[0] for _ in range(6)] == [200] * 5 + [429], "without a header all are one"


def test_a_proxy_says_who_it_is_only_with_the_secret(local, folder):
    secret = folder / "secret"
    secret.write_text("s" * 32 + "\n")
    secret.chmod(0o600)
    d = local(listen=f"unix:{folder}/unused.sock", auth="proxy", proxy={"secret_file": str(secret)}, roles={"ops": {}})
    ada = {"X-Forwarded-User": "ada", "X-Forwarded-Groups": "ops"}
    assert ask(d.socket, "/api/tiles", ada)[0] == 401
    assert ask(d.socket, "/api/tiles", {**ada, "X-Tilewire-Secret": "s" * 31})[0] == 401
    assert ask(d.socket, "/api/tiles", {**ada, "X-Tilewire-Secret": "s" * 32, "X-Forwarded-For": "192.0.2.1"})[0] == 200
    assert ask(d.socket, "/api/tiles", {"X-Forwarded-User": "ada", "X-Tilewire-Secret": "s" * 32})[0] == 403
    d["gateway0"].await_log('who="ada" from="192.0.2.1"')


def test_it_is_replaced_when_nobody_listens_and_goes_at_the_end(local):
    d = local(socket_mode="0600")
    gateway = d["gateway0"]
    d.add("second", ["tilewire-gateway", "--listen", f"unix:{d.socket}"])
    assert d["second"].start().process.wait(timeout=PATIENCE) == 1
    assert "another program does" in d["second"].log_text() and ask(d.socket, "/healthz")[0] == 200
    del d.programs["second"]
    gateway.kill()
    assert os.path.exists(d.socket)
    d.start("gateway0")
    assert ask(d.socket, "/healthz")[0] == 200 and stat.S_IMODE(os.lstat(d.socket).st_mode) == 0o600
    gateway.kill(signal.SIGTERM)
    assert not os.path.exists(d.socket)


def test_another_gateway_takes_the_path_while_one_drains(local):
    """As with a port: who ends gives the path up at once, and serves whom it has."""
    d = local(drain="60s")
    held = connect(d.socket)
    held.sendall(b"GET /healthz HTTP/1.1\r\nHost: local")
    wait_until(lambda: d.metric("connections") == 1)
    d.add("second", ["tilewire-gateway", "--listen", f"unix:{d.socket}"])
    d["gateway0"].process.send_signal(signal.SIGTERM)
    d["gateway0"].await_log("draining")
    wait_until(lambda: not os.path.exists(d.socket))
    d.start("second")
    assert ask(d.socket, "/healthz")[0] == 200 and d["gateway0"].alive()
    held.sendall(b"host\r\n\r\n")
    assert held.recv(12) == b"HTTP/1.1 200"
    held.close()
    assert d["gateway0"].process.wait(timeout=PATIENCE) == 0
    assert ask(d.socket, "/healthz")[0] == 200, "the one that ended removed its own only"


def test_operators_have_a_socket_too(deploy, sqlite_table, short):
    d = deploy(sqlite_table, gateways=1)
    d.add("gateway0", ["tilewire-gateway", "--listen", f"127.0.0.1:{d.gateway_ports[0]}", "--admin-listen", f"unix:{short}/admin.sock"])
    d.start()
    assert b"tilewire_gateway_requests_total" in ask(f"{short}/admin.sock", "/metrics")[2]
    assert d.request("/metrics")[0] == 404
    d["gateway0"].kill(signal.SIGTERM)
    assert not os.listdir(short)


def test_a_path_that_cannot_be_had_is_refused(short, deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1)
    target = f"{short}/target"
    os.symlink(target, f"{short}/link")
    for address, why in ((f"unix:{short}/link", "there is a link"), ("unix:relative.sock", "begins with a slash"), ("unix:/" + "a" * 107, "at most 107 bytes"),
                         (f"unix:{short}/none/x", "No such file")):
        d.add("refused", ["tilewire-gateway", "--listen", address])
        assert d["refused"].start().process.wait(timeout=PATIENCE) in (1, 2)
        assert why in d["refused"].log_text(), address
    del d.programs["refused"]
    assert not os.path.exists(target)


# ---- nginx and HAProxy in front, from docs/deploy, by the lines that are commented there ----

def over_sockets(kind, paths):
    def command(folder, port, _, tls):
        changes = [(f" 127.0.0.1:{8080 + i}", f" {'unix:' if kind == 'nginx' else 'unix@'}{path}") for i, path in enumerate(paths)]
        if kind == "nginx":
            return documented_nginx("nginx.conf", folder, port, (), tls, more=changes)
        changes += [("bind :443 ", f"bind 127.0.0.1:{port} ")]
        if os.geteuid() != 0:
            changes += [("    user haproxy\n", ""), ("    group haproxy\n", "")]
        return ["/usr/sbin/haproxy", "-db", "-f", documented("haproxy.cfg", folder, (), tls, changes)]

    return command


@pytest.fixture(params=["nginx", "haproxy"])
def proxied(request, deploy, sqlite_table, folder, short):
    """As in test_proxies.py, but by sockets, and no address is trusted."""
    limits = {"requests_per_second": 0.001, "requests_burst": 12}
    d = deploy(sqlite_table, config={"gateway": {"limits": limits, "hosts": ["localhost", "127.0.0.1"], "socket_mode": "0666"}})
    paths = on_sockets(d, short)
    d.start()
    own = folder / "proxy"
    own.mkdir(mode=0o755)
    made = Proxied(request.param, d, own, over_sockets(request.param, paths))
    yield made
    made.close()
    if getattr(request.node, "failed", False):
        for log in own.glob("*.*"):
            if log.suffix in (".out", ".log"):
                print(f"---- {log.name}\n{log.read_text()[-4000:]}")
