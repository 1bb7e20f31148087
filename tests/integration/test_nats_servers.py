# SPDX-License-Identifier: Apache-2.0
"""NATS JetStream with servers that let in whom they know, with TLS, and with a cluster of several."""
import pathlib
import re
import ssl
import subprocess
import threading

from certificates import certificate, secret_file
from nats import Client, Stream, jwt_of, nkey_pair, throw_away_cluster, throw_away_server
from test_crashes import Resuming
from test_nats import COUNT, await_value, order
from tilewire import wait_until

RIGHTS = """publish: ["$JS.API.STREAM.INFO.{0}", "$JS.API.STREAM.MSG.GET.{0}", "$JS.API.CONSUMER.*.{0}", "$JS.API.CONSUMER.*.{0}.>",
                    "$JS.API.CONSUMER.MSG.NEXT.{0}.*", "$JS.FC.{0}.>"], subscribe: ["_INBOX.>"]"""


def await_value_of(d, stream):
    d.start("cache", "gateway0", "gateway1")
    stream.send(order())
    await_value(d, 1)
    d.verify()


def test_a_user_who_may_do_no_more_than_the_documentation_says(deploy, folder):
    documented = (pathlib.Path(__file__).parents[2] / "docs" / "nats.md").read_text()
    for right in re.findall(r'"([^"]+)"', RIGHTS.format("ORDERS")):
        assert right in documented
    public, seed = nkey_pair("U")
    options = f"""authorization {{users: [{{user: admin, password: admin}}, {{nkey: {public}}},
        {{user: tilewire, password: secret, permissions: {{{RIGHTS.format("SECURE")}}}}}]}}\n"""
    with throw_away_server(options) as server:
        stream = Stream(server)
        stream.name, stream.uri = "SECURE", f"nats://{server.address}/SECURE"
        stream.login = {"user": "admin", "pass": "admin"}
        stream.create()
        secret = secret_file(folder, "secret", "wrong")
        stream.source = {"password_file": str(secret), "nats": {"user": "tilewire"}}
        d = deploy(stream, tiles=COUNT)
        d["ingestor"].start()
        d["ingestor"].await_log("Authorization Violation")
        secret_file(folder, "secret", "secret")
        d["ingestor"].await_log("ready component")
        await_value_of(d, stream)
        d["ingestor"].kill()  # looks for the message that it read last
        d.start("ingestor")
        stream.send(order())
        await_value(d, 2)
        assert "Permissions Violation" not in (server.path / "log").read_text()

        stream.source = {"nats": {"nkey": public, "nkey_seed_file": str(secret_file(folder, "seed", seed))}}
        other = deploy(stream, tiles=COUNT)
        other["ingestor"].start()
        other.start("cache", "gateway0", "gateway1")
        await_value(other, 2)
        other.verify()


def test_tls_and_a_token(deploy, folder):
    key, cert = certificate(folder)
    with throw_away_server(f'tls {{cert_file: "{cert}", key_file: "{key}", ca_file: "{cert}", verify: true}}\nauthorization {{token: "secret"}}\n') as server:
        stream = Stream(server)
        context = ssl.create_default_context(cafile=cert)
        context.load_cert_chain(cert, key)
        stream.client = Client(server.port, host="localhost", context=context, auth_token="secret")
        stream.create()
        token = secret_file(folder, "token", "secret")
        stream.source = {"nats": {"token_file": str(token), "tls": True, "ca_file": str(cert), "certificate_file": str(cert), "key_file": str(key)}}
        d = deploy(stream, tiles=COUNT)
        d["ingestor"].start()
        d["ingestor"].await_log("mismatch")  # its name is another than the address
        d["ingestor"].kill()
        d.config["source"]["nats"]["server_name"] = "localhost"
        d.write()
        token.chmod(0o644)
        d["ingestor"].start()
        d["ingestor"].await_log("everybody may read it")
        token.chmod(0o600)
        d["ingestor"].await_log("ready component")
        await_value_of(d, stream)


def test_credentials(deploy, folder):
    """An operator, an account and a user, each signed by the one before."""
    operator, account, user = (nkey_pair(kind) for kind in "OAU")
    system = nkey_pair("A")
    limits = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}
    storage = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    jwts = {"operator": jwt_of(operator, operator, {"type": "operator", "version": 2}),
            "account": jwt_of(operator, account, {"type": "account", "version": 2, "limits": {**limits, **storage}}),
            "system": jwt_of(operator, system, {"type": "account", "version": 2, "limits": limits}),
            "user": jwt_of(account, user, {"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1})}
    options = f"""operator: {jwts["operator"]}\nsystem_account: {system[0]}\nresolver: MEMORY
resolver_preload: {{{account[0]}: {jwts["account"]}, {system[0]}: {jwts["system"]}}}\n"""
    with throw_away_server(options) as server:
        stream = Stream(server)
        stream.login = {"jwt": jwts["user"], "nkey": user}
        stream.create()
        credentials = secret_file(folder, "user.creds", f"-----BEGIN NATS USER JWT-----\n{jwts['user']}\n------END NATS USER JWT------\n\n"
                                  f"-----BEGIN USER NKEY SEED-----\n{user[1]}\n------END USER NKEY SEED------")
        stream.source = {"nats": {"credentials_file": str(credentials)}}
        d = deploy(stream, tiles=COUNT)
        d["ingestor"].start()
        await_value_of(d, stream)


def test_a_cluster_of_which_one_server_is_killed(deploy):
    """The stream has three copies. The victim is the server that the ingestor is connected to."""
    with throw_away_cluster() as servers:
        stream = Stream(servers[0], replicas=3)
        stream.uri = f"nats://{','.join(s.address for s in servers)}/{stream.name}"
        wait_until(stream.can_create, what="a cluster that has a leader")
        d = deploy(stream, tiles=COUNT).start()
        stream.send(*[order() for _ in range(5)])
        await_value(d, 5)
        victim = next(s for s in servers if connected(d["ingestor"], s))
        victim.stop()
        stream.server = next(s for s in servers if s.process is not None)
        stream.connect()
        wait_until(lambda: stored(stream), what="a new leader")
        await_value(d, stream.info()["last_seq"], timeout=60)
        victim.start()
        stream.send(order())
        await_value(d, stream.info()["last_seq"])
        d.verify()


def stored(stream):
    """A message, which is the one of its id, however often it is sent."""
    stream.connect()
    stream.client.socket.settimeout(5)
    try:
        return "seq" in stream.client.ask(f"{stream.base}.order", order().encode(), [("Nats-Msg-Id", "once")])
    except TimeoutError:
        return False


def connected(program, server):
    lines = subprocess.run(["ss", "-Htnp", "dport", "=", f":{server.port}"], check=True, capture_output=True, text=True).stdout
    return f"pid={program.process.pid}," in lines


class Producer(threading.Thread):
    """Sends numbered messages, each again under the same id until the server has said that it is stored. `seen` says how many of them were
    received: it is never more than 500 ahead, because what is kept for those who were away is bounded."""

    def __init__(self, stream, seen):
        super().__init__(daemon=True)
        self.stream, self.seen, self.ending, self.stored = stream, seen, threading.Event(), 0

    def run(self):
        while not self.ending.is_set():
            try:
                client = Client(self.stream.server.port)
                while not self.ending.wait(0.05 if self.stored > self.seen() + 500 else 0):
                    if self.stored > self.seen() + 500:
                        continue
                    answer = client.ask(f"{self.stream.base}.order", order(n=self.stored).encode(), [("Nats-Msg-Id", f"m{self.stored}")])
                    self.stored += "seq" in answer
            except OSError:
                self.ending.wait(0.05)


def test_a_server_and_an_ingestor_that_are_killed_again_and_again_under_load(deploy):
    with throw_away_server() as server:
        stream = Stream(server)
        stream.create()
        d = deploy(stream, tiles=COUNT, config={"ingestor": {"events": 100_000}}).start()
        client = Resuming(d, 1)
        producer = Producer(stream, lambda: len(client.ids()))
        producer.start()
        for victim in ("server", "ingestor", "server", "ingestor"):
            before = len(client.ids())
            wait_until(lambda n=before: client.keep_up() or len(client.ids()) > n + 100, what="messages")
            if victim == "server":
                server.stop()
                server.start()
            else:
                d["ingestor"].kill()
                d.start("ingestor")
        producer.ending.set()
        producer.join()
        stream.connect()
        expected = stream.ids()
        assert len(expected) in (producer.stored, producer.stored + 1)
        wait_until(lambda: client.keep_up() or len(client.ids()) >= len(expected), what="all messages")
        assert client.ids() == expected and client.resets() == 0
        await_value(d, len(expected))
        d.verify()
