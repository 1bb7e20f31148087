# SPDX-License-Identifier: Apache-2.0
"""Ids beyond 2^53 - 1, which the numbers of JavaScript and of many JSON parsers cannot hold: each event is told by its own, on every face."""
import json
import pathlib
import signal
import subprocess

import jsonschema

from test_long_polling import Asking, waiting
from texts import SqliteTexts
from tilewire import PATIENCE, RandomEvents, now_iso, wait_until
from websocket import WebSocket

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXACT = 2**53 - 1  # up to here a double is exact
IDS = [EXACT - 1, EXACT, EXACT + 1, EXACT + 2, EXACT + 3, EXACT + 5, 2**63 - 2, 2**63 - 1]
SHOWN = [i if i <= EXACT else str(i) for i in IDS]


def loaded(deploy, table):
    d = deploy(table).start()
    table.load(IDS, RandomEvents(1))
    for gateway in (0, 1):
        wait_until(lambda: len(d.get_json("/api/events", gateway)["events"]) == len(IDS), what="all events")
    return d


def test_lists_and_streams_tell_each_event_by_its_own_id(deploy, table):
    d = loaded(deploy, table)
    schema = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/contracts/event.json").read_text()))
    events = d.get_json("/api/events")["events"]
    assert [e["id"] for e in events] == SHOWN[::-1]
    for event in events:
        schema.validate(event)
    assert not schema.is_valid({**events[0], "id": EXACT + 1}), "a number that JavaScript cannot hold"
    for i in range(len(IDS)):
        after = d.get_json(f"/api/events?after={IDS[i]}", gateway=1)["events"]
        assert [e["id"] for e in after] == SHOWN[i + 1:]
        for stream in (d.stream("/api/events/stream", gateway=1, last_event_id=IDS[i]), d.stream(f"/api/events/stream?lastEventId={IDS[i]}")):
            wait_until(lambda: len(stream.ids()) >= len(IDS) - i - 1, what="the events behind it")
            assert [(e["id"], e["data"]["id"]) for e in stream.events if e["event"] != "heartbeat"] == \
                [(str(after), SHOWN[k]) for k, after in enumerate(IDS) if k > i]
            stream.close()
    assert d.request(f"/api/events?after={2**63}")[0] == 400
    assert d.request(f"/api/events?after={2**63 - 3}")[0] == 404
    d.verify()


def test_websockets_go_on_behind_the_id_that_they_gave(deploy, table):
    d = loaded(deploy, table)
    for i, shown in enumerate(SHOWN[:-1]):
        for cursor in {shown, str(shown), IDS[i]}:
            socket = WebSocket(d.gateway_ports[i % 2])
            socket.say(subscribe=["*"], stream="events", cursor=cursor)
            heard = []
            while len(heard) < len(IDS) - i - 1:
                message = socket.await_message(lambda m: m["event"] != "heartbeat")
                heard.append(message["id"])
            assert heard == SHOWN[i + 1:]
            socket.close()
    for nonsense in (2**63, str(2**63), "x"):
        socket = WebSocket(d.gateway_ports[0])
        socket.say(subscribe=["*"], stream="events", cursor=nonsense)
        try:
            assert socket.await_message(lambda m: m["event"] != "heartbeat")["event"] == "reset"
        except EOFError as end:
            assert end.args[0] == 1008, end.args
        socket.close()


def test_long_polls_wait_behind_an_id(deploy, sqlite_table):
    d = deploy(sqlite_table).start()
    rows = RandomEvents(1)
    sqlite_table.load(IDS[:1], rows)
    for i, following in enumerate(IDS[1:]):
        wait_until(lambda last=IDS[i]: d.request(f"/api/events?after={last}")[0] == 200, what="the event")
        asking = Asking(d, f"/api/events?after={IDS[i]}&wait=20s")
        waiting(d, 1)
        sqlite_table.load([following], rows)
        status, _, body = asking.answer()
        asking.close()
        assert status == 200 and [e["id"] for e in json.loads(body)["events"]] == [SHOWN[i + 1]]
    d.verify()


def lines(command, count):
    """Starts a program that prints lines of JSON, and returns how to get the first ones that have an event's id."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ids():
        found = []
        while len(found) < count:
            line = process.stdout.readline()
            assert line, f"{command} ended"
            message = json.loads(line)
            row = message.get("row") or (message.get("event") if isinstance(message.get("event"), dict) else None)
            if row:
                found.append(row["id"])
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE)
        return found

    return process, ids


def test_the_command_line_and_scripts_show_them_in_the_same_way(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    rows = RandomEvents(1)
    sqlite_table.load([1], rows)
    wait_until(lambda: d.get_json("/api/events")["events"])
    tail, tailed = lines([d.bin / "tilewire", "-c", d.file, "tail", "--events"], len(IDS))
    script, printed = lines([ROOT / "scripts" / "subscribe.py", "--publish", d.addresses[2], "--query", d.addresses[3]], len(IDS))
    assert script.stdout.readline(), "it prints the tiles once it listens"
    wait_until(lambda: tail.poll() is None and d.query({"op": "ping"})["serving"])
    sqlite_table.load(IDS, rows)
    assert tailed() == SHOWN and printed() == SHOWN
    listed = d.run("--json", "events", "-n", str(len(IDS))).stdout.splitlines()
    assert [json.loads(line)["id"] for line in listed] == SHOWN
    table = d.run("events", "-n", str(len(IDS))).stdout.splitlines()[1:]
    assert [int(line.split()[0]) for line in table] == IDS
    events = d.query({"op": "events", "after_id": EXACT + 1})["events"]
    assert [e["e"]["id"] for e in events] == IDS[3:], "integers over ZeroMQ"


def test_the_script_shows_ids_that_are_texts(deploy, folder):
    table = SqliteTexts(folder / "texts.db", "wal")
    table.create()
    d = deploy(table, gateways=1).start()
    script, printed = lines([ROOT / "scripts" / "subscribe.py", "--publish", d.addresses[2], "--query", d.addresses[3]], 2)
    assert script.stdout.readline(), "it prints the tiles once it listens"
    table.insert([(now_iso(), "order.created", None, f"o{n}", None, None) for n in range(2)])
    assert printed() == table.ids()
    table.close()


def test_rows_that_commit_late_among_them_come_once_and_are_proved(deploy, postgres_table):
    d = deploy(postgres_table).start()
    rows = RandomEvents(3)
    streams = [d.stream("/api/events/stream", gateway) for gateway in (0, 1)]
    parts = [[5, 6], [EXACT, EXACT + 2], [2**63 - 1], [EXACT + 1, 2**63 - 2], [7]]  # the last two parts are late
    for part in parts:
        postgres_table.load(part, rows)
        for stream in streams:
            wait_until(lambda s=stream, last=part[-1]: last in s.ids(), what=f"{part}")
    expected = [i for part in parts for i in part]
    assert all(stream.ids() == expected for stream in streams)
    d.verify()
    for how in (signal.SIGKILL, signal.SIGTERM):
        wait_until(lambda: d.stats()["checkpoint_position"] == d.stats()["position"])
        d["ingestor"].kill(how)
        d.start("ingestor")
        d.verify()
        assert [int(e["id"]) for e in d.get_json("/api/events")["events"]] == expected[::-1]
        assert "begin anew" not in d["ingestor"].log_text()
    again = d.stream("/api/events/stream", gateway=1, last_event_id=2**63 - 1)
    wait_until(lambda: again.ids() == [EXACT + 1, 2**63 - 2, 7], what="what came late")
