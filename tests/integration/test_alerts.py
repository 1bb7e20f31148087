# SPDX-License-Identifier: Apache-2.0
"""Who is told of tiles in trouble: each place gets each message, once but after a crash, whatever happens to it, to the rows and to the programs."""
import contextlib
import email
import email.policy
import http.server
import json
import pathlib
import signal
import socketserver
import subprocess
import threading
import time
import urllib.request

import pytest
import zmq

import contracts
from tilewire import Postgres, free_ports, now_iso, wait_until

TILES = [{"key": "failed", "type": "count", "match": {"event_type": "failed"}, "title": "Störungen", "warn": "> 0", "critical": "> 2", "clear_after": "0"},
         {"key": "open", "type": "backlog", "item": "target_id", "states": {"opened": "open", "closed": None}, "critical": "> 0", "clear_after": "0"},
         {"key": "depth", "type": "gauge", "metric": "depth", "unit": "jobs", "group_by": "payload.labels.host", "critical": "> 20", "clear_after": "0"}]


def row(event_type, target=None, payload=None):
    return (now_iso(), event_type, None, target, None, json.dumps(payload) if payload is not None else None)


class Hook:
    """A webhook. `answer` says what comes of a request: a status, or a function of its handler."""

    def __init__(self):
        self.got, self.requests, self.answer, self.headers = [], 0, 200, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.requests += 1
                answer = outer.answer
                if callable(answer):
                    answer(self)
                    return
                if answer == 200 and isinstance(body, dict) and "alert" in body:
                    contracts.check("alert.json", body, "a webhook")
                if answer == 200:
                    outer.headers.append(self.headers)
                    outer.got.append(body)
                self.send_response(answer)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self):
        """(key, state, status) of each alert, in the order in which they came."""
        return [(a["key"], a["state"], a["status"]) for body in list(self.got) for a in body["alerts"]]

    def until(self, *wanted):
        wait_until(lambda: len(self.told()) >= len(wanted), what=f"{wanted}, but there is {self.told()}")
        assert sorted(self.told()) == sorted(wanted)


@pytest.fixture
def hook():
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


def config(hook, **keys):
    return {"alerts": [{"name": "ops", "webhook": hook.url, "wait": "0", **keys}]}


def serving(d, of="ingestor"):
    with contextlib.suppress(zmq.Again):
        return d.query({"op": "ping"}, of=of, timeout_ms=1000)["serving"]
    return False


def stored(d):
    """Nothing is due, and what was told is stored."""
    wait_until(lambda: d.stats()["alerts_waiting"] == 0, what="nothing is due")
    before = d.stats()["checkpoints_written"]

    def look():
        d.run("silence", "nothing", "1s", check=True)  # so that there is something to store
        return d.stats()["checkpoints_written"] >= before + 2

    wait_until(look, what="it is stored")


def test_a_tile_in_trouble_is_told_and_that_it_is_over(deploy, table, hook):
    d = deploy(table, tiles=TILES, config=config(hook, labels={"team": "ops"})).start()
    table.insert(3 * [row("failed")] + [row("opened", "t1"), row("metrics.updated", payload={"metric": "depth", "value": 30, "labels": {"host": "h1"}})])
    hook.until(("failed", "firing", "critical"), ("open", "firing", "critical"), ("depth/h1", "firing", "critical"))
    table.insert([row("closed", "t1")])
    hook.until(("failed", "firing", "critical"), ("open", "firing", "critical"), ("depth/h1", "firing", "critical"), ("open", "resolved", "critical"))
    body = next(b for b in hook.got if any(a["key"] == "failed" for a in b["alerts"]))
    alert = next(a for a in body["alerts"] if a["key"] == "failed")
    assert body["alert"] == "ops" and body["kind"] == "alerts" and body["labels"] == {"team": "ops"}
    assert alert["title"] == "Störungen" and alert["data"]["value"] == 3 and alert["told_before"] is False
    assert alert["text"].startswith("Störungen is critical: 3 (failed, since ")
    assert alert["since"] == d.tile("failed")["status_since"]
    texts = [a["text"] for b in hook.got for a in b["alerts"]]
    assert any(text.startswith("open is critical: 1 in all (open, since ") for text in texts)
    assert any(text.startswith("depth: h1 is critical: 30 jobs (depth/h1, since ") for text in texts)
    stats = d.stats()
    assert stats["alerts_firing"] == 2 and stats["alert_failures"] == 0 and stats["alert_messages"] >= 2
    listed = json.loads(d.run("alerts", "--json").stdout)
    assert {a["key"] for a in listed["alerts"]} == {"failed", "depth/h1"} and all(a["told"] for a in listed["alerts"])
    assert "failed    critical  firing" in d.run("alerts").stdout


BEGUN = (("failed", "firing", "critical"), ("open", "firing", "critical"))


def begin(deploy, table, hook, **keys):
    """A deployment in which two tiles are in trouble, of which was told."""
    state = {"checkpoint": "postgresql"} if isinstance(table, Postgres) else {}
    d = deploy(table, tiles=TILES, gateways=1, config={**config(hook, **keys), "ingestor": state}).start()
    table.insert(3 * [row("failed")] + [row("opened", "t1")])
    hook.until(*BEGUN)
    return d


def test_a_restart_a_rebuild_and_a_late_row_tell_nothing_again(deploy, table, hook):
    d = begin(deploy, table, hook)
    stored(d)
    d["ingestor"].kill()
    d["ingestor"].start()
    wait_until(lambda: serving(d), what="it serves again")
    d["ingestor"].kill(signal.SIGTERM)
    d.config["tiles"][0]["match"] = {"event_type": ["failed", "broken"]}  # so that it is built anew
    d.write()
    d["ingestor"].start()
    wait_until(lambda: serving(d), what="it serves again")
    table.insert([("2026-01-01T00:00:00Z", "failed", None, None, None, None)])  # a row that is late by months
    wait_until(lambda: d.tile("failed")["data"]["value"] == 4, what="the late row counts")
    table.insert([row("closed", "t1")])
    hook.until(*BEGUN, ("open", "resolved", "critical"))
    d.verify()


def test_what_could_not_be_told_is_told_after_a_crash(deploy, sqlite_table, hook):
    hook.answer = 503
    d = deploy(sqlite_table, tiles=TILES, gateways=1, config=config(hook)).start()
    sqlite_table.insert([row("opened", "t1")])
    wait_until(lambda: hook.requests, what="it is tried")
    d["ingestor"].await_log('alert "ops" cannot be told: it answers 503. Trying again until it is')
    sqlite_table.insert([row("closed", "t1")])  # it is over before anybody has heard of it
    wait_until(lambda: d.tile("open")["status"] == "ok", what="it is over")
    before = d.stats()["checkpoints_written"]
    sqlite_table.insert([row("other")])
    wait_until(lambda: d.stats()["checkpoints_written"] > before, what="it is stored")
    d["ingestor"].kill()
    hook.answer = 200
    d["ingestor"].start()
    hook.until(("open", "firing", "critical"), ("open", "resolved", "critical"))
    assert [state for _, state, _ in hook.told()] == ["firing", "resolved"]


def endless(status):
    def answer(handler):
        handler.send_response(status)
        handler.end_headers()
        with contextlib.suppress(OSError):
            while True:
                handler.wfile.write(bytes(65536))
    return answer


def hang(handler):
    handler.rfile.read()  # until the other side gives up


def redirect(handler):
    handler.send_response(307)
    handler.send_header("location", "http://127.0.0.1:9/")
    handler.send_header("content-length", "0")
    handler.end_headers()


def drop(handler):
    handler.connection.shutdown(2)
    handler.close_connection = True


@pytest.mark.parametrize(("answer", "log"), [
    (500, "it answers 500"), (404, "it answers 404"), (hang, "timed out|Timeout"), (endless(500), "it answers 500"),
    (redirect, "redirects are not followed"), (drop, "Empty reply from server")], ids=["500", "404", "hangs", "endless", "redirect", "drops"])
def test_a_hostile_receiver_costs_its_own_messages_alone(deploy, sqlite_table, hook, answer, log):
    hostile = Hook()
    hostile.answer = answer
    alerts = config(hook)["alerts"] + [{"name": "bad", "webhook": hostile.url, "wait": "0", "timeout": "2s"}]
    d = deploy(sqlite_table, tiles=TILES, gateways=1, config={"alerts": alerts}).start()
    sqlite_table.insert([row("opened", "t1")])
    hook.until(("open", "firing", "critical"))
    d["ingestor"].await_log(f'alert "bad" cannot be told: .*({log})')
    wait_until(lambda: hostile.requests >= 2, what="it is tried again")
    sqlite_table.insert([row("closed", "t1")])
    hook.until(("open", "firing", "critical"), ("open", "resolved", "critical"))
    hostile.answer = 200
    hostile.until(("open", "firing", "critical"), ("open", "resolved", "critical"))
    d["ingestor"].await_log('alert "bad" is told again')
    assert len([line for line in d["ingestor"].log_text().splitlines() if "cannot be told" in line]) == 1
    hostile.server.shutdown()
    hostile.server.server_close()


def test_an_answer_without_an_end_is_an_answer(deploy, sqlite_table, hook):
    hook.answer = endless(200)
    d = deploy(sqlite_table, tiles=TILES, gateways=1, config=config(hook)).start()
    sqlite_table.insert([row("opened", "t1")])
    wait_until(lambda: d.stats()["alert_messages"] == 1, what="it is taken")
    assert hook.requests == 1


def test_only_who_leads_tells_and_who_takes_over_tells_nothing_again(deploy, table, hook):
    d = deploy(table, tiles=TILES, gateways=1, config=config(hook)).start()
    d.twin("standby", "ingestor")
    d["standby"].start()
    table.insert(3 * [row("failed")] + [row("opened", "t1")])
    hook.until(*BEGUN)
    stored(d)
    d["ingestor"].kill()
    wait_until(lambda: serving(d, "standby"), what="the standby takes over")
    table.insert([row("closed", "t1")])
    hook.until(*BEGUN, ("open", "resolved", "critical"))


def test_what_is_silenced_is_told_to_nobody_until_it_ends(deploy, table, hook):
    d = deploy(table, tiles=TILES, gateways=1, config=config(hook)).start()
    out = d.run("silence", "op*", "1h", check=True).stdout
    assert "SILENCED" in out and "op*" in out
    table.insert(3 * [row("failed")] + [row("opened", "t1")])
    hook.until(("failed", "firing", "critical"))
    wait_until(lambda: d.tile("open")["status"] == "critical", what="it is in trouble")
    stored(d)
    d["ingestor"].kill()
    d["ingestor"].start()
    wait_until(lambda: serving(d), what="it serves again")
    listed = json.loads(d.run("alerts", "--json").stdout)
    assert [s["key"] for s in listed["silences"] if s["key"] != "nothing"] == ["op*"]
    assert {a["key"]: a["told"] for a in listed["alerts"]} == {"failed": True, "open": False}
    assert hook.told() == [("failed", "firing", "critical")]
    d.run("silence", "op*", "0", check=True)
    hook.until(*BEGUN)
    refused = d.run("silence", "op*")
    assert refused.returncode == 2 and "tilewire silence op* 2h" in refused.stdout
    assert d.run("silence", "op en", "1h").returncode == 1


def test_a_dead_mans_switch_is_held_while_tiles_are_true(deploy, sqlite_table, hook):
    beats = [{"name": "alive", "webhook": hook.url, "heartbeat": "1s"}]
    d = deploy(sqlite_table, tiles=TILES, gateways=1, config={"alerts": beats}).start()
    wait_until(lambda: len(hook.got) >= 3, what="three calls")
    assert {(body["kind"], len(body["alerts"])) for body in hook.got} == {("heartbeat", 0)}
    sqlite_table.shell("ALTER TABLE events RENAME TO away")
    wait_until(lambda: d.stats()["source_up"] == 0, what="the source is away")
    wait_until(lambda: d.stats()["alerts_waiting"] == 0)
    before, began = len(hook.got), time.monotonic()
    wait_until(lambda: time.monotonic() - began > 2.5, what="time enough for two calls")
    assert len(hook.got) <= before + 1, "one may have been under way"
    sqlite_table.shell("ALTER TABLE away RENAME TO events")
    wait_until(lambda: len(hook.got) > before + 1, what="it is called again")


def test_alerts_are_changed_while_all_goes_on(deploy, table, hook):
    d = begin(deploy, table, hook)
    epoch = d.stats()["epoch"]
    other = Hook()
    d.config["alerts"] = [{"name": "ops", "webhook": other.url, "wait": "0", "tiles": ["open"]}]
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    d["ingestor"].await_log("SIGHUP: 3 tile definitions go on")
    other.until(("failed", "resolved", "critical"))  # of which it tells no more
    table.insert([row("closed", "t1")])
    other.until(("failed", "resolved", "critical"), ("open", "resolved", "critical"))
    assert d.stats()["epoch"] == epoch and hook.told() and len(hook.told()) == 2
    other.server.shutdown()
    other.server.server_close()


def test_a_program_of_the_user_gets_the_message(deploy, sqlite_table, folder):
    script = folder / "page"
    script.write_text(f"#!/bin/sh\ncat >>{folder}/got\n[ -e {folder}/fails ] && exit 3\n"
                      f"[ -e {folder}/hangs ] && {{ sleep 1000 & echo $! >{folder}/child; sleep 1000; }}\nexit 0\n")
    script.chmod(0o755)
    (folder / "fails").touch()
    alerts = [{"name": "page", "command": [str(script)], "wait": "0", "timeout": "2s"}]
    d = deploy(sqlite_table, tiles=TILES, gateways=1, config={"alerts": alerts}).start()
    sqlite_table.insert([row("opened", "t1")])
    d["ingestor"].await_log('alert "page" cannot be told: .*page ended with status 3')
    (folder / "hangs").touch()
    (folder / "fails").unlink()
    child = wait_until(lambda: (folder / "child").exists() and (folder / "child").read_text().strip(), what="it hangs")
    wait_until(lambda: not pathlib.Path(f"/proc/{child}").exists(), what="what it started is ended as well")
    (folder / "hangs").unlink()
    wait_until(lambda: d.stats()["alert_messages"] == 1, what="it is taken")
    bodies = [json.loads(line) for line in (folder / "got").read_text().splitlines()]
    assert {body["alerts"][0]["key"] for body in bodies} == {"open"} and len(bodies) >= 3


class Relay(socketserver.ThreadingTCPServer):
    """As much of SMTP as a relay has to speak (RFC 5321)."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self):
        self.mails, self.refuses = [], False
        super().__init__(("127.0.0.1", 0), RelayHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class RelayHandler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 relay\r\n")
        sender, to = None, []
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"MAIL":
                sender = line.decode().partition("<")[2].partition(">")[0]
            if word == b"RCPT":
                to.append(line.decode().partition("<")[2].partition(">")[0])
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                text = b""
                while (line := self.rfile.readline()) != b".\r\n":
                    text += line.removeprefix(b".")
                if not self.server.refuses:
                    self.server.mails.append((sender, to, email.message_from_bytes(text, policy=email.policy.default)))
            self.wfile.write(b"451 later\r\n" if word == b"RCPT" and self.server.refuses else b"250 ok\r\n")


def test_a_mail_goes_by_a_relay(deploy, sqlite_table):
    relay = Relay()
    relay.refuses = True
    alerts = [{"name": "mail", "mail_to": ["ops@example.org", "boss@example.org"], "mail_from": "tilewire@example.org",
               "mail_relay": f"smtp://127.0.0.1:{relay.server_address[1]}", "wait": "0", "tiles": ["failed"]}]
    d = deploy(sqlite_table, tiles=TILES, gateways=1, config={"alerts": alerts}).start()
    sqlite_table.insert(3 * [row("failed")])
    d["ingestor"].await_log('alert "mail" cannot be told')
    relay.refuses = False
    sender, to, mail = wait_until(lambda: relay.mails and relay.mails[0], what="a mail")
    assert sender == "tilewire@example.org" and to == ["ops@example.org", "boss@example.org"]
    assert mail["subject"] == "[critical] Störungen" and mail["to"] == "ops@example.org, boss@example.org"
    assert f"mail: smtp://127.0.0.1:{relay.server_address[1]} is reached" in d.run("check", "--connect").stdout
    assert mail.get_content().startswith("Störungen is critical: 3 (failed, since ")
    relay.shutdown()
    relay.server_close()


def test_secrets_are_in_files_and_may_change(deploy, sqlite_table, hook, folder):
    for name, text in (("url", hook.url), ("token", "one")):
        (folder / name).write_text(text + "\n")
        (folder / name).chmod(0o600)
    alerts = [{"name": "ops", "webhook_file": str(folder / "url"), "token_file": str(folder / "token"), "wait": "0"}]
    d = deploy(sqlite_table, tiles=TILES, gateways=1, config={"alerts": alerts}).start()
    sqlite_table.insert([row("opened", "t1")])
    hook.until(("open", "firing", "critical"))
    (folder / "token").write_text("two\n")
    sqlite_table.insert([row("closed", "t1")])
    hook.until(("open", "firing", "critical"), ("open", "resolved", "critical"))
    assert [h["authorization"] for h in hook.headers] == ["Bearer one", "Bearer two"]
    (folder / "token").chmod(0o644)
    sqlite_table.insert([row("opened", "t2")])
    d["ingestor"].await_log("everybody may read it")
    assert "two" not in d["ingestor"].log_text() and hook.url not in d["ingestor"].log_text()
    (folder / "token").chmod(0o600)
    wait_until(lambda: len(hook.got) == 3, what="it is told at last")


@pytest.mark.parametrize("form", ["slack", "pagerduty"])
def test_other_receivers_get_their_own_words(deploy, sqlite_table, hook, folder, form):
    (folder / "key").write_text("KEY\n")
    (folder / "key").chmod(0o600)
    alerts = [{"name": "ops", "webhook": hook.url, "format": form, "wait": "0"}]
    if form == "pagerduty":
        alerts[0]["routing_key_file"] = str(folder / "key")
    deploy(sqlite_table, tiles=TILES, gateways=1, config={"alerts": alerts}).start()
    sqlite_table.insert(3 * [row("failed")] + [row("opened", "t1")])
    wait_until(lambda: len(hook.got) >= (2 if form == "pagerduty" else 1), what="it is told")
    if form == "slack":
        assert ":red_circle: Störungen is critical: 3 (failed, since " in "\n".join(body["text"] for body in hook.got)
    else:
        assert {(b["routing_key"], b["event_action"], b["dedup_key"]) for b in hook.got} == {
            ("KEY", "trigger", "tilewire/ops/failed"), ("KEY", "trigger", "tilewire/ops/open")}


@pytest.fixture
def alertmanager(folder):
    """A real Alertmanager, which takes for over what nobody repeats."""
    (folder / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    port, = free_ports(1)
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(
            ["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/alertmanager",
             f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="], stdout=log, stderr=log)
    yield f"http://127.0.0.1:{port}/api/v2/alerts"
    process.kill()
    process.wait()


def test_a_real_alertmanager_knows_what_is_in_trouble(deploy, sqlite_table, alertmanager):
    alerts = [{"name": "ops", "webhook": alertmanager, "format": "alertmanager", "status": "warn", "wait": "0", "labels": {"team": "ops"}},
              {"name": "alive", "webhook": alertmanager, "format": "alertmanager", "heartbeat": "1s"}]
    d = deploy(sqlite_table, tiles=TILES, gateways=1, config={"alerts": alerts}).start()

    def known():
        with contextlib.suppress(OSError), urllib.request.urlopen(alertmanager + "?active=true", timeout=10) as answer:
            return sorted((a["labels"]["alertname"], a["labels"].get("tile"), a["labels"].get("severity")) for a in json.load(answer))
        return None

    alive = ("TilewireHeartbeat", None, None)
    wait_until(lambda: known() == [alive], what="the heartbeat is there")
    sqlite_table.insert([row("failed"), row("opened", "t1")])
    wait_until(lambda: known() == [alive, ("TilewireTile", "failed", "warning"), ("TilewireTile", "open", "critical")], what="two alerts")
    sqlite_table.insert(2 * [row("failed")] + [row("closed", "t1")])
    wait_until(lambda: known() == [alive, ("TilewireTile", "failed", "critical")], what="one is worse, and one over")
    with urllib.request.urlopen(alertmanager, timeout=10) as answer:
        alert = next(a for a in json.load(answer) if a["labels"].get("tile") == "failed")
    assert alert["labels"]["team"] == "ops" and alert["annotations"]["title"] == "Störungen"
    assert alert["annotations"]["summary"].startswith("Störungen is critical: 3 (failed, since ")
    assert d.stats()["alert_failures"] == 0 or "cannot be told" in d["ingestor"].log_text()


def test_check_tries_who_is_told(deploy, sqlite_table, hook, folder):
    (folder / "url").write_text(hook.url + "\n")
    (folder / "url").chmod(0o600)
    dead, = free_ports(1)
    alerts = [{"name": "good", "webhook_file": str(folder / "url")}, {"name": "sh", "command": ["/bin/sh"]},
              {"name": "gone", "webhook": f"http://127.0.0.1:{dead}/"}, {"name": "away", "command": ["/nowhere/page"]},
              {"name": "secret", "webhook": hook.url, "token_file": str(folder / "none")},
              {"name": "mail", "mail_to": ["a@b.c"], "mail_relay": f"smtp://127.0.0.1:{dead}"}]
    d = deploy(sqlite_table, tiles=TILES, gateways=1, config={"alerts": alerts})
    found = json.loads(d.run("check", "--connect", "--json").stdout)["findings"]
    said = [(finding["level"], finding["text"]) for finding in found if finding["about"] == "alerts"]
    assert ("ok", f"good: {folder}/url is reached") in said and ("ok", "sh: /bin/sh can be run") in said
    errors = [text for level, text in said if level == "error"]
    assert any(text.startswith(f"gone: http://127.0.0.1:{dead}/ is not reached: ") for text in errors)
    assert any(text.startswith("away: /nowhere/page cannot be run: ") for text in errors)
    assert any(text.startswith(f"secret: {folder}/none: cannot be read: ") for text in errors)
    assert any(text.startswith(f"mail: smtp://127.0.0.1:{dead} is not reached: ") for text in errors) and len(errors) == 4
    assert hook.requests == 0, "nobody is told"
