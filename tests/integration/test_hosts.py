# SPDX-License-Identifier: Apache-2.0
"""Under which names a gateway answers. A page can have its own name point to a gateway's address; the name in `Host` gives it away."""
import json
import socket

import pytest

from tilewire import PATIENCE, free_ports, wait_until
from websocket import WebSocket

PATHS = ["/", "/api/tiles", "/api/tiles/queue.depth", "/api/tiles/stream", "/api/events", "/api/events/stream", "/api/definitions/queue.depth",
         "/api/ws", "/metrics", "/no/such/file"]


def ask(port, target, *hosts, method="GET", version="HTTP/1.1", address="127.0.0.1"):
    """Status and body."""
    lines = [f"{method} {target} {version}", *(f"Host: {host}" for host in hosts), "Connection: close", "", ""]
    with socket.create_connection((address, port), timeout=PATIENCE) as s, s.makefile("rb") as reader:
        s.sendall("\r\n".join(lines).encode())
        status = int(reader.readline().split()[1])
        length = 0
        while line := reader.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return status, reader.read(length)


@pytest.fixture
def ready(deploy, sqlite_table):
    def make(**config):
        d = deploy(sqlite_table, gateways=1, config={"gateway": config}).start()
        wait_until(lambda: d.request("/readyz")[0] == 200)
        return d, d.gateway_ports[0]
    return make


def test_a_gateway_on_the_loopback_answers_to_names_of_the_loopback(ready):
    d, port = ready()
    for host in ("localhost", f"localhost:{port}", "LOCALHOST:1", f"127.0.0.1:{port}", "127.0.0.1", f"[::1]:{port}", "[::1]"):
        assert ask(port, "/api/tiles", host)[0] == 200, host
    refused = ["attacker.example", f"attacker.example:{port}", "localhost.attacker.example", "127.0.0.1.attacker.example", "10.0.0.5", "", "0.0.0.0"]
    for host in refused:
        status, body = ask(port, "/api/tiles", host)
        assert status == 421, host
        problem = json.loads(body)
        assert problem["status"] == 421 and problem["title"] == "Misdirected Request" and "gateway.hosts" in problem["detail"]
    assert d.metric("requests_refused_host_total") == len(refused)
    assert ask(port, "/api/tiles", version="HTTP/1.0")[0] == 200, "who names no host is no browser"


def test_everything_but_the_health_is_refused_under_a_strange_name(ready):
    _, port = ready()
    for path in PATHS:
        assert ask(port, path, "attacker.example")[0] == 421, path
        assert ask(port, path, "attacker.example", method="OPTIONS")[0] == 421, path
    for path in ("/healthz", "/readyz"):
        assert ask(port, path, "attacker.example")[0] == 200


def test_a_page_whose_name_points_here_opens_no_websocket(ready):
    """Its origin is that of the request's Host, so that alone does not tell."""
    _, port = ready()
    for host, status in (("attacker.example", 421), (f"attacker.example:{port}", 421), (f"localhost:{port}", 101)):
        ws = WebSocket(port, {"Host": host, "Origin": f"http://{host}"})
        assert ws.status == status, host
        ws.close()
    ws = WebSocket(port, {"Host": f"localhost:{port}", "Origin": f"http://attacker.example:{port}"})
    assert ws.status == 403
    ws.close()


def test_names_that_are_configured(ready):
    _, port = ready(hosts=["tiles.example.org", "[fd00::5]"])
    for host, status in (("tiles.example.org", 200), ("Tiles.Example.org.:8443", 200), ("[fd00:0::5]:80", 200), ("localhost", 200),
                         ("other.example.org", 421), ("tiles.example.org.attacker.example", 421)):
        assert ask(port, "/api/tiles", host)[0] == status, host


def test_every_name_may_be_allowed(ready):
    _, port = ready(hosts=["*"])
    assert ask(port, "/api/tiles", "attacker.example")[0] == 200


@pytest.mark.parametrize("hosts,status", [(None, 200), (["tiles.example.org"], 421)])
def test_elsewhere_names_are_checked_when_they_are_configured(ready, hosts, status):
    d, _ = ready(**({"hosts": hosts} if hosts else {}))
    port = free_ports(1)[0]
    d.config["insecure"] = True
    d.write()
    d.add("outside", ["tilewire-gateway", "--listen", f"0.0.0.0:{port}"])
    d.start("outside")
    wait_until(lambda: ask(port, "/readyz", "x")[0] == 200)
    assert ask(port, "/api/tiles", "attacker.example")[0] == status
    assert ask(port, "/api/tiles", "localhost")[0] == status, "it is a name like any other there"
    assert ask(port, "/api/tiles", "tiles.example.org")[0] == 200


def test_a_request_names_one_host(ready):
    _, port = ready(hosts=["*"])
    assert ask(port, "/api/tiles", "localhost", "localhost")[0] == 400
    assert ask(port, "/healthz", "localhost", "attacker.example")[0] == 400
    for host in ("a b", "a/b", "user@localhost", "localhost:80:80", "[::1", "localhost, localhost"):
        assert ask(port, "/api/tiles", host)[0] == 400, host


def test_a_target_may_be_a_whole_uri(ready):
    """Then its host counts, and Host does not (RFC 9112, 3.2.2)."""
    _, port = ready()
    status, body = ask(port, f"http://localhost:{port}/api/tiles/queue.depth?x=1", "attacker.example")
    assert status == 200 and json.loads(body)["key"] == "queue.depth"
    assert json.loads(ask(port, "/api/tiles/queue%2Edepth", "localhost")[1])["key"] == "queue.depth"
    assert json.loads(ask(port, "HTTP://localhost/api/tiles/queue%2Edepth", "localhost")[1])["key"] == "queue.depth"
    for target, expected in ((f"http://127.0.0.1:{port}", 200), ("http://localhost?x", 200), ("https://[::1]/healthz", 200),
                             ("http://attacker.example/api/tiles", 421), ("http://attacker.example", 421), ("http:///api/tiles", 400),
                             ("http://user@localhost/api/tiles", 400), ("http://local%68ost/api/tiles", 400), ("ftp://localhost/api/tiles", 400)):
        assert ask(port, target, "localhost")[0] == expected, target
    assert ask(port, f"http://localhost:{port}/api/tiles", "localhost", "localhost")[0] == 400
