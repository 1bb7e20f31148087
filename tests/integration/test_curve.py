# SPDX-License-Identifier: Apache-2.0
"""CURVE: who may connect, what each may do, and what a stranger costs."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess

import msgpack
import pytest
import yaml
import zmq

import test_check_connect
from conftest import ROOT, bin_folder
from curve import ROLES, Keys, keygen, mode, reload, stats, with_keys
from raw_curve import RawClient
from tilewire import PATIENCE, now_iso, wait_until

REFUSED_MS = 1500  # heartbeats come every second, answers at once


@pytest.fixture
def curved(deploy, sqlite_table):
    """A deployment whose programs have a pair of keys each, not started."""
    d = deploy(sqlite_table, gateways=1)
    return with_keys(d, Keys(d.bin, d.folder))


def addresses(d):
    """{server: (publish, query)}"""
    return {"ingestor": d.addresses[:2], "cache": d.addresses[2:]}


def test_programs_with_a_pair_each_work_together(curved, sqlite_table):
    curved.start()
    sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
    wait_until(lambda: curved.tile("orders.ever")["data"]["value"] == 1)
    assert stats(curved)["clients_refused"] == 0
    assert stats(curved, "ingestor")["clients_refused"] == 0
    curved.verify()


def test_every_command_works_with_the_readers_pair(curved, sqlite_table):
    curved.start()
    sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
    wait_until(lambda: curved.tile("orders.ever")["data"]["value"] == 1)
    for arguments in (["ls"], ["get", "orders.ever"], ["events"], ["stats"], ["stats", "--from", "ingestor"], ["tail", "-n", "1"],
                      ["tail", "--from", "ingestor", "-n", "1", "--events"]):
        sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
        result = curved.run(*arguments)
        assert result.returncode == 0 and result.stdout, (arguments, result.stdout)


def test_the_sample_script_speaks_curve(curved):
    curved.start()
    arguments = [ROOT / "scripts" / "subscribe.py", "--publish", curved.addresses[2], "--query", curved.addresses[3], "--seconds", "0.1"]
    for server in (curved.keys.folder / "cache.pub", curved.keys.public["cache"]):
        result = subprocess.run([*arguments, "--key", curved.keys.folder / "tilewire.key", "--server-key", server], stdout=subprocess.PIPE, text=True)
        assert result.returncode == 0 and '"tile": "orders.ever"' in result.stdout


def test_a_fresh_pair_may_neither_subscribe_nor_query(curved):
    curved.start()
    for server, (publish, query) in addresses(curved).items():
        assert curved.keys.asks(query, "tilewire", server)  # the same works for whom they know
        assert curved.keys.hears(publish, "tilewire", server)
        before = stats(curved, server)["clients_refused"]
        assert curved.keys.asks(query, None, server, REFUSED_MS) is None
        assert not curved.keys.hears(publish, None, server, REFUSED_MS)
        assert stats(curved, server)["clients_refused"] == before + 2
        curved[server].await_log(r"refused a client from 127\.0\.0\.1: nobody has its key \S{40} in the clients file")


def test_a_client_may_do_what_the_file_says(curved):
    keys = curved.keys
    for name in ("asker", "listener"):
        keys.add(name, "reader")
    may = {"asker": ["query"], "listener": ["subscribe"]}
    keys.write([{**entry, **({"may": may[entry["name"]]} if entry["name"] in may else {})} for entry in keys.entries()])
    curved.start()
    publish, query = curved.addresses[2:]
    assert keys.asks(query, "asker", "cache") and not keys.hears(publish, "asker", "cache", REFUSED_MS)
    assert keys.hears(publish, "listener", "cache") and keys.asks(query, "listener", "cache", REFUSED_MS) is None
    assert keys.asks(query, "ingestor", "cache", REFUSED_MS) is None  # it has no business there
    curved["cache"].await_log("refused asker, from 127.0.0.1: by the clients file it may not subscribe")
    curved["cache"].await_log("refused listener, from 127.0.0.1: by the clients file it may not query")


def test_peers_without_keys_are_refused(curved):
    curved.start()
    with zmq.Context() as context, context.socket(zmq.SUB) as sub:
        sub.linger = 0
        sub.subscribe("")
        sub.connect(curved.addresses[2])
        assert not sub.poll(REFUSED_MS)


def test_peers_that_prove_no_key_are_counted(curved):
    curved.start()
    for server, (publish, _) in addresses(curved).items():
        before = stats(curved, server)["clients_without_key"]
        with zmq.Context() as context, context.socket(zmq.SUB) as sub:
            sub.linger = 0
            sub.connect(publish)
            wait_until(lambda: stats(curved, server)["clients_without_key"] > before)
        curved[server].await_log("refused a client that proved no key")


# ---- What a stranger costs ----


def memory_kib(program):
    """The most that it ever used."""
    status = pathlib.Path(f"/proc/{program.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1])


FRAME = b"x" * 60000
FRAMES = 500  # 30 MB


def pushes(curved, server, pair):
    """Sends FRAMES frames of one message that has no end; whether the server let that happen."""
    client = RawClient(addresses(curved)[server][1], pair, curved.keys.public[server].encode())
    try:
        ready = client.shake_hands().startswith(b"READY")
        for _ in range(FRAMES):
            client.send_part(FRAME)
        return ready
    except OSError:
        return False
    finally:
        client.close()


def test_a_stranger_cannot_make_a_server_hold_memory(curved):
    """A message that has no end is kept by libzmq, whatever the bounds: only who is known gets so far."""
    curved.start()
    for server in addresses(curved):
        before, refused = memory_kib(curved[server]), stats(curved, server)["clients_refused"]
        assert not pushes(curved, server, zmq.curve_keypair())
        assert stats(curved, server)["clients_refused"] == refused + 1
        assert memory_kib(curved[server]) - before < 4096, server
        assert pushes(curved, server, [curved.keys.public["tilewire"].encode(), curved.keys.secret("tilewire").encode()])
        wait_until(lambda: memory_kib(curved[server]) - before > FRAMES * len(FRAME) / 2 / 1024)


def test_nor_can_one_who_speaks_without_libzmq(curved):
    """NULL instead of CURVE, frames that never end before the handshake does, and commands that claim to be huge."""
    curved.start()
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00"
    null = greeting + b"NULL".ljust(20, b"\0") + bytes(32)
    curve = greeting + b"CURVE".ljust(20, b"\0") + bytes(32)
    ready = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
    more = b"\x03" + struct.pack(">Q", len(FRAME)) + FRAME
    for server, (publish, query) in addresses(curved).items():
        before = memory_kib(curved[server])
        for address in (publish, query):
            for hello in (null + ready, curve + ready, curve, curve + b"\x06" + struct.pack(">Q", 1 << 62)):
                with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=PATIENCE) as peer:
                    assert cut_off(peer, hello, more), (server, hello)
        assert memory_kib(curved[server]) - before < 4096, server


def cut_off(peer, hello, more):
    """Sends the beginning, then a frame over and over: whether the other side ends the connection before it took 20 MB."""
    peer.sendall(hello)
    try:
        for _ in range(20_000_000 // len(more)):
            peer.sendall(more)
    except OSError:
        return True
    return False


# ---- Roles of servers ----


def test_a_gateways_key_cannot_pose_as_a_server(curved):
    """Neither does a program start with it, nor is it believed by those who connect."""
    keys = curved.keys
    (keys.folder / "cache.key").write_text(keys.secret("gateway"))
    curved["ingestor"].start().await_log("ready component")
    curved["cache"].start()
    assert curved["cache"].process.wait(timeout=PATIENCE) == 1
    assert "our secret key is that of gateway, a gateway by" in curved["cache"].log_text()
    curved.config["gateway"]["upstreams"] = [{"publish": curved.addresses[2], "query": curved.addresses[3], "server": "gateway"}]
    curved.write()
    curved["gateway0"].start()
    assert curved["gateway0"].process.wait(timeout=PATIENCE) == 2
    assert "gateway is a gateway by" in curved["gateway0"].log_text()
    for program in ("cache", "gateway0"):
        curved[program].process = None  # they have ended, as they should


def test_a_server_with_another_key_is_not_believed(curved):
    keys = curved.keys
    keys.make("false")
    real = keys.secret("cache")
    (keys.folder / "cache.key").write_text(keys.secret("false"))
    for name in ("ingestor", "cache", "gateway0"):
        curved[name].start()
    curved["gateway0"].await_log("serving component")
    curved["gateway0"].await_log("ends each connection before anything is said: it has another key than the one that is expected of it")
    assert curved.request("/readyz")[0] == 503
    result = curved.run("get", "orders.ever")
    assert result.returncode == 1 and "it has another key than the one that is expected of it" in result.stdout
    curved["cache"].kill(signal.SIGTERM)
    (keys.folder / "cache.key").write_text(real)
    curved["cache"].start()
    curved["gateway0"].await_log("in sync")


def test_two_caches_with_a_pair_each(curved):
    keys = curved.keys
    keys.add("cache-2", "cache")
    second = curved.twin("cache-2", "cache")
    with open(curved.folder / "cache-2.yaml") as file:
        own = yaml.safe_load(file)
    own["curve"] = {"secret_key_file": str(keys.folder / "cache-2.key"), "clients_file": str(keys.clients)}
    (curved.folder / "cache-2.yaml").write_text(yaml.safe_dump(own))
    first = {"publish": curved.addresses[2], "query": curved.addresses[3], "server": "cache"}
    curved.config["gateway"]["upstreams"] = [first, second]
    curved.write()
    curved["gateway0"].start()
    curved["gateway0"].process.wait(timeout=PATIENCE)
    assert "more than one cache is in" in curved["gateway0"].log_text()
    curved.config["gateway"]["upstreams"] = [first, {**second, "server": "cache-2"}]
    curved.write()
    curved.start()
    curved["gateway0"].await_log(f"upstream {second['query']} answers")


# ---- SIGHUP ----


@pytest.mark.parametrize("server", ["ingestor", "cache"])
def test_who_is_added_is_let_in(curved, server):
    curved.start()
    curved.keys.make("new")
    publish, query = addresses(curved)[server]
    assert curved.keys.asks(query, "new", server, REFUSED_MS) is None
    curved.keys.write([*curved.keys.entries(), {"name": "new", "role": "reader", "key": curved.keys.public["new"]}])
    reload(curved[server], "SIGHUP: ")
    assert curved.keys.asks(query, "new", server) and curved.keys.hears(publish, "new", server)


@pytest.mark.parametrize("server", ["ingestor", "cache"])
def test_who_is_removed_is_disconnected_and_the_others_go_on(curved, sqlite_table, server):
    keys = curved.keys
    keys.add("leaver", "reader")
    curved.start()
    publish, query = addresses(curved)[server]
    with keys.socket(zmq.SUB, publish, "leaver", server) as sub, keys.socket(zmq.DEALER, query, "leaver", server) as dealer:
        ping = [b"", msgpack.packb({"op": "ping"})]
        dealer.send_multipart(ping)
        assert sub.poll(5000) and dealer.poll(5000)
        keys.remove("leaver")
        reload(curved[server], "somebody may do less than before")
        wait_until(lambda: stats(curved, server)["clients_refused"] >= 2)
        while sub.poll(0):
            sub.recv_multipart()
        while dealer.poll(0):
            dealer.recv_multipart()
        with contextlib.suppress(zmq.Again):  # there is nobody to send it to
            dealer.send_multipart(ping, flags=zmq.DONTWAIT)
        assert not sub.poll(2500) and not dealer.poll(0)
    sqlite_table.insert([(now_iso(), "order.created", None, "o1", None, None)])
    wait_until(lambda: curved.tile("orders.ever")["data"]["value"] == 1)
    curved.verify()


def test_a_program_that_was_refused_comes_back_when_it_is_added(curved):
    entries = curved.keys.entries()
    curved.keys.remove("gateway")
    curved["ingestor"].start().await_log("ready component")
    curved["cache"].start().await_log("ready component")
    curved["gateway0"].start()
    curved["gateway0"].await_log(r"refuses our key \S{40}: its clients file has to name it")
    curved.keys.write(entries)
    reload(curved["cache"], "SIGHUP: who may connect is read again")
    curved["gateway0"].await_log("in sync")


def test_a_file_that_is_wrong_changes_nothing(curved):
    curved.start()
    text = curved.keys.clients.read_text()
    for server in ("ingestor", "cache"):
        curved.keys.clients.write_text(text + "- {name: x}\n")
        reload(curved[server], r"SIGHUP: .*clients\.yaml:5:3: a client needs a name, a role and a key, and `role` is missing")
        assert curved.keys.asks(addresses(curved)[server][1], "tilewire", server)
    result = curved.run("check")
    assert result.returncode == 2 and "clients.yaml:5:3" in result.stdout


# ---- What is refused at the start ----


def refused(d, program, status=1):
    """What it says when it does not start."""
    after = len(d[program].log_text())
    assert d[program].start().process.wait(timeout=PATIENCE) == status, d[program].log_text()
    d[program].process = None
    return d[program].log_text()[after:]


def test_secret_keys_that_others_can_read_are_refused(curved):
    for name in ("ingestor", "cache", "gateway", "tilewire"):
        (curved.keys.folder / f"{name}.key").chmod(0o640)
    for program, key in (("ingestor", "ingestor"), ("cache", "cache"), ("gateway0", "gateway")):
        assert f"keys/{key}.key: others than its owner may read it" in refused(curved, program)
    result = curved.run("ls")
    assert result.returncode == 1 and "tilewire.key: others than its owner may read it" in result.stdout


def test_a_clients_file_that_everybody_may_write_to_is_refused(curved):
    curved.keys.clients.chmod(0o666)
    assert "everybody can write to it, and so let himself in" in refused(curved, "cache", 2)


@pytest.mark.parametrize("changes", [{"cache": {"publish": "tcp://*:7411"}}, {"ingestor": {"query": "tcp://0.0.0.0:7402"}},
                                     {"gateway": {"upstreams": [{"publish": "tcp://10.9.9.9:1", "query": "tcp://10.9.9.9:2"}]}}])
def test_without_keys_nothing_leaves_the_machine(deploy, sqlite_table, changes):
    d = deploy(sqlite_table, gateways=1, config=changes)
    for program in d.programs:
        assert "set up keys under `curve`, or permit it with `insecure: true`" in refused(d, program, 2)
    d.config["insecure"] = True
    d.write()
    assert d.run("check").returncode == 0


def test_the_command_line_asks_no_other_machine_without_keys(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1)
    result = d.run("ls", "--query", "tcp://10.9.9.9:7412")
    assert result.returncode == 1 and "is another machine, and there are no keys" in result.stdout
    result = d.run("ls", "--query", "tcp://10.9.9.9:7412", "--insecure", "--timeout", "100ms")
    assert result.returncode == 1 and "there are no keys" not in result.stdout  # nobody is there


# ---- Keys of earlier versions ----


def test_one_pair_for_all_goes_on_to_work(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1)
    keys = Keys(d.bin, d.folder)
    d.config["curve"] = {"public_key_file": str(keys.folder / "cache.pub"), "secret_key_file": str(keys.folder / "cache.key")}
    d.write()
    d.start()
    assert d.run("get", "orders.ever").returncode == 0
    assert keys.asks(d.addresses[3], "gateway", "cache", REFUSED_MS) is None
    d["cache"].await_log(r"its key \S{40} is not our own; if it may connect, name it in a file, and that as curve\.clients_file")


def test_a_public_key_of_another_pair_is_refused(curved):
    curved.config["curve"] = {"public_key_file": str(curved.keys.folder / "gateway.pub"), "secret_key_file": str(curved.keys.folder / "cache.key")}
    curved.write()
    assert "gateway.pub: this is not the public key that belongs to the secret one" in refused(curved, "cache")


# ---- tilewire keygen ----


def test_keygen(folder):
    secret, public, clients = folder / "web.key", folder / "web.pub", folder / "clients.yaml"
    printed = keygen(bin_folder(), folder / "web", "gateway", clients)
    assert (mode(secret), mode(public)) == (0o600, 0o644)
    assert public.read_text() == printed + "\n"
    assert zmq.curve_public(secret.read_text().strip().encode()).decode() == printed
    assert yaml.safe_load(clients.read_text()) == [{"name": "web", "role": "gateway", "key": printed}]
    again = subprocess.run([bin_folder() / "tilewire", "keygen", folder / "web"], stderr=subprocess.PIPE, text=True)
    assert again.returncode == 1 and "web.key: it is there already, and is not overwritten" in again.stderr
    assert public.read_text() == printed + "\n"
    other = keygen(bin_folder(), folder / "other", "reader", clients, name="ops.laptop")
    assert other != printed and yaml.safe_load(clients.read_text())[1] == {"name": "ops.laptop", "role": "reader", "key": other}


def test_keygen_leaves_nothing_when_the_file_does_not_take_the_key(folder):
    clients = folder / "clients.yaml"
    keygen(bin_folder(), folder / "a", "cache", clients)
    before = clients.read_text()
    result = subprocess.run([bin_folder() / "tilewire", "keygen", folder / "b", "--role", "cache", "--name", "a", "--add", clients],
                            stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1 and "there are two clients called a" in result.stderr
    assert clients.read_text() == before and not list(folder.glob("b.*"))
    for options in (["--role", "cache"], ["--add", clients], ["--role", "king", "--add", clients]):
        assert subprocess.run([bin_folder() / "tilewire", "keygen", folder / "b", *options], stderr=subprocess.DEVNULL).returncode == 2


def test_the_example_of_the_documentation(folder):
    """docs/configuration.md, as it stands there."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    commands = re.search(r"```sh\n(mkdir -m 700 keys\n.*?)```", text, re.S)[1]
    subprocess.run(["bash", "-ec", commands], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "PATH": f"{bin_folder().resolve()}:{os.environ['PATH']}"})
    (folder / "tilewire.yaml").write_text("source: {uri: sqlite:e.db}\n" + re.search(r"```yaml\n(curve: \{keys_folder.*?)```", text, re.S)[1])
    subprocess.run([bin_folder() / "tilewire", "check", folder / "tilewire.yaml"], check=True, stdout=subprocess.DEVNULL)
    assert [(entry["name"], entry["role"]) for entry in yaml.safe_load((folder / "clients.yaml").read_text())] == list(ROLES.items())


def test_check_finds_keys_that_do_not_match(curved):
    _, texts = test_check_connect.connect(curved.start())
    for about, program in (("ingestor", "ingestor"), ("cache", "cache"), ("gateway.upstreams", "cache")):
        test_check_connect.has(texts, "ok", about, f"{program} answers at")
    curved.keys.remove("tilewire")
    for program in ("ingestor", "cache"):
        curved[program].process.send_signal(signal.SIGHUP)

    def refused():
        found = test_check_connect.connect(curved)[1]
        return all(any(f[:2] == ("error", about) and "key" in f[2] for f in found) for about in ("ingestor", "cache", "gateway.upstreams"))

    wait_until(refused, what="the refusals")
