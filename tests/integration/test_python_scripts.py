# SPDX-License-Identifier: Apache-2.0
"""The scripts of docs/scripts, as people run them, beside a deployment."""
import http.server
import json
import os
import signal
import sqlite3
import subprocess
import threading

import pytest

from conftest import ROOT
from tilewire import PATIENCE, now_iso, wait_until

SCRIPTS = ROOT / "docs" / "scripts"
TILES = [{"key": "orders.ever", "title": "Orders", "type": "count", "match": {"event_type": "order.*"}, "warn": "> 2", "critical": "> 4"},
         {"key": "jobs", "type": "gauge", "metric": "queue.depth", "warn": "> 10"}]


@pytest.fixture
def script(folder):
    """script(name, *arguments) → the process; what it prints is in the file NAME.out."""
    made = []

    def start(name, *arguments):
        with open(folder / f"{name}.out", "ab") as out:
            made.append(subprocess.Popen([SCRIPTS / name, *arguments], stdout=out, stderr=out, cwd=folder,
                                         env={**os.environ, "PYTHONPATH": str(ROOT / "python")}))
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.wait(timeout=PATIENCE)


def order(table, count=1):
    return table.insert([(now_iso(), "order.created", None, "o1", "Ada ordered", None)] * count)


def depth(table, value):
    table.insert([(now_iso(), "metrics.updated", None, None, None, json.dumps({"metric": "queue.depth", "value": value}))])


def test_alert_runs_a_command_when_a_value_is_passed_and_when_it_is_back(deploy, sqlite_table, folder, script):
    d = deploy(sqlite_table, gateways=1, tiles=TILES).start()
    (folder / "note").write_text('#!/bin/sh\necho "$@" >>notes\n')
    (folder / "note").chmod(0o755)
    notes = folder / "notes"
    depth(sqlite_table, 5)
    script("alert.py", "--gateway", f"http://127.0.0.1:{d.gateway_ports[0]}", "jobs", ">", "100", "--", "./note", "to ada:")

    def noted():
        return notes.read_text().splitlines() if notes.exists() else []

    wait_until(lambda: d.metric("streams_opened_total") >= 1, what="the stream")
    for value, lines in ((150, 1), (180, 1), (20, 2), (101, 3)):
        depth(sqlite_table, value)
        wait_until(lambda: d.tile("jobs")["data"].get("value") == value, what="the value is there")
        wait_until(lambda: len(noted()) == lines, what=f"{lines} notes: {(folder / 'alert.py.out').read_text()}")
    assert [noted()[0], *noted()[1:]] == ["to ada: jobs is 150 (> 100)", "to ada: jobs is as it should be", "to ada: jobs is 101 (> 100)"]


def test_to_sqlite_copies_tiles_and_their_history_and_goes_on_after_an_end(deploy, sqlite_table, folder, script):
    d = deploy(sqlite_table, gateways=1, tiles=TILES).start()
    arguments = ("to_sqlite.py", "--publish", d.addresses[2], "--query", d.addresses[3], "copy.db", "orders.*")

    def rows(sql):
        with sqlite3.connect(f"file:{folder}/copy.db?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()

    def known():
        try:
            return rows("SELECT key, json_extract(data, '$.value') FROM tiles")
        except sqlite3.OperationalError:
            return None  # There is no file yet, or no table in it.

    first = script(*arguments)
    for value in (0, 1, 2):
        wait_until(lambda: known() == [("orders.ever", value)], what=f"{value} is copied: {(folder / 'to_sqlite.py.out').read_text()}")
        order(sqlite_table)
    wait_until(lambda: known() == [("orders.ever", 3)], what="3 is copied")
    first.send_signal(signal.SIGINT)
    assert first.wait(timeout=PATIENCE) == 0
    order(sqlite_table, 4)
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] == 7, what="the value is there")
    script(*arguments)
    wait_until(lambda: known() == [("orders.ever", 7)], what="7 is copied")
    history = rows("SELECT json_extract(data, '$.value'), gap FROM history ORDER BY rowid")
    assert history == [(0, 0), (1, 0), (2, 0), (3, 0), (None, 1), (7, 0)], "the gap stands where it was"


class Chat(http.server.ThreadingHTTPServer):
    """What is behind a webhook."""

    def __init__(self):
        self.texts = []
        super().__init__(("127.0.0.1", 0), Hook)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.texts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_the_chat_bot_posts_statuses_and_events(deploy, sqlite_table, folder, script):
    d = deploy(sqlite_table, gateways=1, tiles=TILES).start()
    with Chat() as chat:
        script("chat_bot.py", "--gateway", f"http://127.0.0.1:{d.gateway_ports[0]}", "--types", "order.*", f"http://127.0.0.1:{chat.server_port}/hook")
        wait_until(lambda: d.metric("streams_opened_total") == 2, what="both streams")
        for status, count in (("🟡 Orders: warn", 3), ("🔴 Orders: critical", 2)):
            order(sqlite_table, count)
            wait_until(lambda: status in list(chat.texts), what=f"{status}: {chat.texts} {(folder / 'chat_bot.py.out').read_text()}")
        wait_until(lambda: chat.texts.count("Ada ordered") == 5, what="each event is told")
        chat.shutdown()
    assert len(chat.texts) == 7, chat.texts
