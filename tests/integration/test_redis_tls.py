# SPDX-License-Identifier: Apache-2.0
"""A Redis that speaks TLS, read as docs/redis.md says: through a proxy beside the ingestor."""
import contextlib
import re
import socket
import subprocess

import test_check_connect
from certificates import certificate
from conftest import ROOT
from redis_streams import Stream, throw_away_server
from test_redis import await_value
from test_redis_uses import COUNT, order
from tilewire import free_ports, wait_until


def listens(port):
    with socket.socket() as peer:
        return peer.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def documented_proxy(folder, *changes):
    """HAProxy with what docs/redis.md has, but for these patterns and what stands there in the test."""
    page = (ROOT / "docs" / "redis.md").read_text()
    (text,) = re.findall(r"```\n(defaults\n.*?)```", page, re.DOTALL)
    (port,) = free_ports(1)
    for pattern, ours in (("127.0.0.1:6380", f"127.0.0.1:{port}"), *changes):
        assert text.count(pattern) == 1, pattern
        text = text.replace(pattern, ours)
    file = folder / "haproxy.cfg"
    file.write_text(text)
    with subprocess.Popen(["/usr/sbin/haproxy", "-db", "-f", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as proxy:
        try:
            wait_until(lambda: proxy.poll() is None and listens(port))
            yield port
        finally:
            proxy.terminate()


def test_a_server_that_speaks_tls_is_read_through_the_documented_proxy(deploy, folder):
    key, cert = certificate(folder)
    (port,) = free_ports(1)
    with throw_away_server(tls_port=port, tls_cert_file=cert, tls_key_file=key, tls_auth_clients="no") as server:
        stream = Stream(server)
        there = [("r1.example.org:6379", f"127.0.0.1:{port}"), ("/etc/ssl/certs/ca-certificates.crt", str(cert))]
        with documented_proxy(folder, *there, ("verifyhost r1.example.org", "verifyhost localhost")) as near:
            stream.uri = f"redis://127.0.0.1:{near}/{stream.name}"
            d = deploy(stream, tiles=COUNT, gateways=1).start()
            stream.send(order())
            await_value(d, 1)
            d.verify()
        with documented_proxy(folder, *there, ("verifyhost r1.example.org", "verifyhost other.example.org")) as near:
            d.config["source"]["uri"] = f"redis://127.0.0.1:{near}/{stream.name}"
            d.write()
            status, texts = test_check_connect.connect(d)
            assert status == 1
            test_check_connect.has(texts, "error", "source", "Redis")
        stream.close()
