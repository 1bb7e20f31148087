# SPDX-License-Identifier: Apache-2.0
"""Other people's programs: plain REQ and SUB sockets, the command line, exit statuses."""
import json
import pathlib
import random
import re
import signal
import subprocess
import threading

import msgpack
import zmq

from tilewire import PATIENCE, RandomEvents, now_iso, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_a_plain_req_socket(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    rows = RandomEvents(30)
    last = sqlite_table.insert([rows.next() for _ in range(50)])
    wait_until(lambda: d.query({"op": "ping"})["position"] == str(last))
    for server in ("cache", "ingestor"):
        ping = d.query({"op": "ping"}, server)
        assert ping["role"] == server and ping["serving"] is True and ping["lanes"] == 1
        tile = d.query({"op": "get", "key": "orders.ever"}, server)["tiles"][0]
        assert tile["p"]["type"] == "count"
        assert len(d.query({"op": "get", "keys": ["orders.ever", "queue.depth", "no.such"]}, server)["tiles"]) == 2
        assert d.query({"op": "get", "key": "no.such"}, server)["error"]["code"] == "not_found"
        keys = [t["k"] for t in d.query({"op": "list", "prefix": "orders."}, server)["tiles"]]
        assert keys == sorted(keys) and "orders.ever" in keys and "p" not in d.query({"op": "list"}, server)["tiles"][0]
        snapshot, after, tiles = None, 0, []
        while snapshot is None or snapshot["more"]:
            snapshot = d.query({"op": "snapshot", "after": after, "limit": 3}, server)
            assert len(snapshot["tiles"]) <= 3
            tiles += [t["k"] for t in snapshot["tiles"]]
            after = snapshot["next"]
        assert set(tiles) == {t["k"] for t in d.query({"op": "list"}, server)["tiles"]}
        events = d.query({"op": "events", "limit": 7}, server)
        assert [e["e"]["id"] for e in events["events"]] == list(range(last - 6, last + 1))
        assert [e["e"]["id"] for e in d.query({"op": "events", "after_id": last - 2}, server)["events"]] == [last - 1, last]
        assert d.query({"op": "stats"}, server)["stats"]


def test_malformed_queries_get_errors_and_do_no_harm(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    for server in ("cache", "ingestor"):
        for wrong in (b"", b"\xc1", b"\xdd\xff\xff\xff\xff", msgpack.packb(7), msgpack.packb({"op": 7}), msgpack.packb({"op": "format"}),
                      msgpack.packb({"op": "get"}), msgpack.packb({"op": "get", "keys": [1]}), msgpack.packb({"op": "events", "limit": 0}),
                      msgpack.packb({"op": "snapshot", "after": "x"}), msgpack.packb({"op": "events", "after_id": 4711})):
            error = d.query(wrong, server)["error"]
            assert error["code"] and error["message"]
        seed = random.randrange(1 << 32)
        print("seed", seed)
        rnd = random.Random(seed)
        with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            dealer.connect(d.addresses[1 if server == "ingestor" else 3])
            for _ in range(300):
                dealer.send_multipart([rnd.randbytes(rnd.choice([0, 1, 5, 70000])) for _ in range(rnd.randrange(1, 12))])
        assert d.query({"op": "ping"}, server)["serving"] is True
        assert d.stats(server)["queries_refused"] >= 10


def test_raw_deltas_for_scripts(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    with zmq.Context() as context, context.socket(zmq.SUB) as sub:
        sub.linger = 0
        sub.rcvtimeo = 5000
        sub.subscribe("tile.0.orders.ever")
        sub.subscribe("event.0.order.")
        sub.subscribe("beat.")
        sub.connect(d.addresses[2])
        assert sub.recv_multipart()[0] == b"beat.0"
        sqlite_table.insert([(now_iso(), "order.created", "ada", "o1", None, None)])
        seen = {}
        while len(seen) < 2:
            topic, header, body = sub.recv_multipart()
            if not topic.startswith(b"beat"):
                version, epoch, sequence, published = msgpack.unpackb(header)
                assert version == 1 and epoch > 0 and sequence > 0 and published > 0
                seen[topic] = msgpack.unpackb(body)
    assert seen[b"event.0.order.created"]["e"]["target_id"] == "o1"
    delta = seen[b"tile.0.orders.ever"]
    assert delta["k"] == "orders.ever" and delta["p"] == {"data": {"value": 1}} and delta["b"] is not None


def test_the_command_line(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    sqlite_table.insert([(now_iso(), "order.created", "ada", "o1", "first order", None)])
    d.verify()
    assert json.loads(d.run("get", "orders.ever", "--json", check=True).stdout)["data"]["value"] == 1
    assert re.search(r"^orders\.ever +count +1 +– +complete +1 .* live$", d.run("ls", "orders.", check=True).stdout, re.M)
    assert "first order" in d.run("events", check=True).stdout
    assert "events_folded" in d.run("stats", check=True).stdout + d.run("stats", "--from", "ingestor").stdout
    assert d.run("get", "no.such").returncode == 1
    assert d.run("frobnicate").returncode == 2
    check = subprocess.run([d.bin / "tilewire", "check", d.file], stdout=subprocess.PIPE, text=True, check=True)
    assert "ok" in check.stdout


def test_tail_prints_deltas(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    tail = subprocess.Popen([d.bin / "tilewire", "-c", d.file, "tail", "orders."], stdout=subprocess.PIPE, text=True)
    try:
        seen = []
        reader = threading.Thread(target=lambda: seen.extend(iter(tail.stdout.readline, "")), daemon=True)
        reader.start()

        def tailed():
            sqlite_table.insert([(now_iso(), "order.created", None, "o", None, None)])
            return any("orders.ever" in line for line in seen)

        wait_until(tailed, what="a delta in the tail")
        for line in list(seen):  # noqa: PERF101 (others append to it meanwhile)
            json.loads(line)
    finally:
        tail.send_signal(signal.SIGINT)
        tail.wait(PATIENCE)


def test_wrong_configurations(deploy, sqlite_table):
    d = deploy(sqlite_table)
    d.file.write_text("source:\n  uri: sqlite:x.db\n  pol_interval: 2s\n")
    for program in ("tilewire-ingestor", "tilewire-cache", "tilewire-gateway"):
        result = subprocess.run([d.bin / program, "-c", d.file], stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        assert result.returncode == 2
        assert result.stderr.count("\n") == 1 and "tilewire.yaml:3" in result.stderr and "poll_interval" in result.stderr
        assert subprocess.run([d.bin / program, "--nonsense"], stderr=subprocess.DEVNULL, timeout=PATIENCE).returncode == 2
        assert "tilewire" in subprocess.run([d.bin / program, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert subprocess.run([d.bin / "tilewire", "check", d.file], stderr=subprocess.DEVNULL, timeout=PATIENCE).returncode == 2


def test_signals_end_programs_cleanly(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    stream = d.stream("/api/events/stream")
    for name, how in (("gateway0", signal.SIGTERM), ("gateway1", signal.SIGINT), ("cache", signal.SIGTERM), ("ingestor", signal.SIGINT)):
        assert d[name].kill(how) == 0
    assert stream.ended.wait(PATIENCE)


def test_a_standby_takes_over(deploy, table):
    """Two ingestors at one checkpoint: the second waits, and goes on when the first is killed."""
    d = deploy(table).start()
    second = deploy(table, gateways=0)
    second.config["ingestor"]["checkpoint"] = d.config["ingestor"]["checkpoint"]
    second.write()
    second["ingestor"].start()
    second["ingestor"].await_log("standing by")
    assert second.query({"op": "ping"}, "ingestor")["serving"] is False
    rows = RandomEvents(31)
    table.insert([rows.next() for _ in range(100)])
    d.verify()
    d["ingestor"].kill()
    second["ingestor"].await_log("ready component")


def test_the_sample_script(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    sample = subprocess.Popen([ROOT / "scripts" / "subscribe.py", "--publish", d.addresses[2], "--query", d.addresses[3]],
                              stdout=subprocess.PIPE, text=True)
    try:
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(map(json.loads, sample.stdout)), daemon=True)
        tiles = {t["key"] for t in d.get_json("/api/tiles")["tiles"]}
        reader.start()
        wait_until(lambda: {line["tile"] for line in lines if line.get("whole")} >= tiles)
        sqlite_table.insert([(now_iso(), "order.created", "ada", "o1", None, None)])
        wait_until(lambda: any(line.get("event") == "order.created" and line["row"]["target_id"] == "o1" for line in lines))
        wait_until(lambda: {"tile": "orders.ever", "whole": False, "patch": {"data": {"value": 1}}} in lines)
        assert not any("gap_in_lane" in line for line in lines)
    finally:
        sample.send_signal(signal.SIGINT)
        assert sample.wait(PATIENCE) == 0
