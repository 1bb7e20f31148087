# SPDX-License-Identifier: Apache-2.0
"""The listener for operators, and what limits there are on figures without it."""
import json
import socket
import subprocess

import pytest

from tilewire import PATIENCE, free_ports, wait_until


@pytest.fixture
def admin(deploy, sqlite_table):
    """A gateway with such a listener, by its configuration file; and its port there."""
    port = free_ports(1)[0]
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"admin_listen": f"127.0.0.1:{port}"}})
    d.admin_ports = [port]
    return d


def test_figures_and_health_are_told_there_and_figures_nowhere_else(admin):
    d = admin.start()
    for path in ("/metrics", "/healthz", "/readyz"):
        assert d.request(path, ports=d.admin_ports)[0] == 200
        assert d.request(path, "HEAD", ports=d.admin_ports)[2] == b""
    status, _, body = d.request("/metrics")
    assert status == 404 and "admin_listen" in json.loads(body)["detail"]
    assert d.request("/healthz")[0] == d.request("/readyz")[0] == 200
    for path in ("/", "/api/tiles", "/api/events", "/api/ws", "/assets/app.js"):
        status, _, body = d.request(path, ports=d.admin_ports)
        assert status == 404 and "gateway.listen" in json.loads(body)["detail"]
    assert d.request("/metrics", "POST", ports=d.admin_ports)[0] == 405
    assert d.request("/metrics%00/more", ports=d.admin_ports)[0] == 400
    before = d.metric("requests_total")
    assert before > 0 and d.metric("requests_total") == before  # those of the public listener


def test_pages_whose_name_points_there_read_nothing(admin):
    d = admin.start()
    headers = {"Host": "attacker.example"}
    assert d.request("/metrics", headers=headers, ports=d.admin_ports)[0] == 421
    assert d.request("/healthz", headers=headers, ports=d.admin_ports)[0] == 200


def test_it_answers_while_the_gateway_is_not_in_sync(admin):
    d = admin
    d["gateway0"].start()

    def ready():
        try:
            return d.request("/readyz", ports=d.admin_ports)[0]
        except OSError:
            return None

    wait_until(lambda: ready() == 503, what="its listener")
    assert d.request("/healthz", ports=d.admin_ports)[0] == 200
    d.start("ingestor", "cache")
    wait_until(lambda: ready() == 200, what="a gateway in sync")


def test_two_gateways_do_not_share_it(admin):
    """Figures would be those of either. The second one does not start, and says what to do."""
    d = admin.start()
    command = [d.bin / "tilewire-gateway", "-c", d.file, "--listen", f"127.0.0.1:{free_ports(1)[0]}"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert second.returncode == 1 and "--admin-listen" in second.stderr


def test_many_connections_do_not_keep_others_out(admin):
    d = admin.start()
    sockets = [socket.create_connection(("127.0.0.1", d.admin_ports[0])) for _ in range(40)]
    wait_until(lambda: d.request("/healthz", ports=d.admin_ports)[0] == 200, what="an answer beside them")
    for s in sockets:
        s.close()


def test_figures_and_definitions_count_as_requests(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"limits": {"requests_per_second": 0.001, "requests_burst": 2}}})
    d["gateway0"].command[3:5] = []  # no listener for figures
    d.start()
    definition = "/api/definitions/" + d.config["tiles"][0]["key"]
    statuses = [d.request(path)[0] for path in ("/metrics", definition, "/metrics", definition)]
    assert statuses == [200, 200, 429, 429]
    assert [d.request(path)[0] for path in ("/healthz", "/readyz")] * 20 == [200, 200] * 20
