# SPDX-License-Identifier: Apache-2.0
"""Runs each command and snippet that the documentation shows, beside a deployment of its own with the default ports, in a network of its own.

What is not run is named here, with the reason; a new block that cannot run fails until it is named, too."""
import contextlib
import re
import shutil
import sqlite3
import subprocess

import pytest
import yaml
from conftest import ROOT, bin_folder
from doc_pieces import RUN, SHELL, SHOWN, like, pieces, shell_of_its_own
from documents import PAGES, blocks, name
from tilewire import wait_until

DEMO, KEYS, SQL, MESSAGES = "the demo's tiles", "keys and tokens", "PostgreSQL", "alerts and pushed events"
CLIENT = "gateway/web/client/README.md"

# (page, expression): why it is not run here.
NOT_RUN = {
    ("README.md", r"^scripts/demo"): "test_demo.py",
    ("README.md", r"^scripts/test"): "it would run this test",
    ("README.md", r"^scripts/setup"): "installs packages; CI runs it on a fresh machine",
    ("README.md", r"^cmake --preset"): "builds for minutes; scripts/test does",
    ("README.md", r"^export PATH"): "only the shell's own, and done for each command here",
    ("README.md", r"^mkdir shop|^tilewire-ingestor &|^sqlite3 shop.db|^sudo -u postgres|^tilewire install-trigger|^kill "):
        "test_five_minutes.py runs both examples",
    ("docs/containers.md", r"^docker build|compose up"): "needs Docker's daemon; test_containers.py holds the files against it",
    ("docs/containers.md", r"^kubectl"): "needs a cluster; test_containers.py holds the manifests against its schemas",
    ("docs/dashboard.md", r"<live-tile"): "a page; tests/browser/live-tile.test.mjs",
    (CLIENT, r"tilewire-client/react"): "a component of a page; tests/browser/react.test.mjs",
    ("docs/deployment.md", r"^systemctl"): "needs systemd; tests/package",
    ("docs/gateway.md", r"^sysctl"): "changes the machine; test_handover.py does it in a network of its own",
    ("docs/http.md", r"^schemathesis"): "test_contracts.py, with what makes its requests the same each time",
    ("docs/installing.md", r"^scripts/package|^sudo"): "installs; tests/package",
    ("docs/kafka.md", r"^scripts/demo"): "test_demo.py",
    ("docs/kafka.md", r"kcat -P"): "test_five_minutes.py",
    ("docs/nats.md", r"^scripts/demo"): "test_demo.py",
    ("docs/nats.md", r"^scripts/nats_client"): "test_five_minutes.py",
    ("docs/partitioning.md", r"kcat -P"): "test_five_minutes.py",
    ("docs/performance.md", r"^scripts/bench"): "takes minutes; test_bench.py",
    ("docs/push.md", r"^cat >"): "test_five_minutes.py",
    ("docs/push.md", r"^scripts/demo"): "test_demo.py",
    ("docs/python.md", r"^pip install"): "test_python_package.py",
    ("docs/redis.md", r"^scripts/demo"): "test_demo.py",
    ("docs/redis.md", r"redis-cli XADD"): "test_five_minutes.py",
    ("docs/reliability.md", r"^tilewire verify$"): "of rows that are gone; test_verify_gone.py",
    ("docs/reliability.md", r"^scripts/chaos"): "takes minutes; scripts/test --chaos",
    ("docs/security.md", r"^curl -sSf https://login"): "asks an issuer that does not exist; test_auth.py renews such a file",
    ("docs/websocket.md", r"websocat"): "Debian has no websocat; the snippet above it says the same, and is run",
}
# Lines of an answer that are not to be seen here, and why.
NOT_SHOWN = {
    ("docs/sources.md", r"^orders\.old "): "a tile that was taken out of the file",
    ("docs/tiles.md", r"^orders\.(all|new) "): "a table that has lost rows, and a tile that is being built",
    ("docs/cli.md", r"(ticket\.opened|order\.created) +\w"): "which events are the newest",
    ("docs/configuration.md", r"^(ok|warning) .*(PostgreSQL|nothing tells|columns|row 41|payload has|state:|free to listen)|^0 errors"):
        "test_check_connect.py",
}
# What is not said of the demo's tiles, and of what.
ELSEWHERE = {
    ("docs/security.md", r"."): KEYS,
    ("docs/reliability.md", r"token"): KEYS,
    ("docs/protocol.md", r"curve_secretkey"): KEYS,
    ("docs/python.md", r"tilewire\.(Gateway|Bus)\(\n? *\"(https|tcp)"): KEYS,
    ("docs/sources.md", r"^psql|install-trigger|CREATE|ALTER"): SQL,
    ("docs/alerts.md", r"^cat >"): MESSAGES,
    ("docs/push.md", r"^tilewire push"): MESSAGES,
}
# What the commands and snippets show, where the page does not say it in the same block.
SHOWS = {
    ("README.md", r"events/stream"): [r"^event: \w", r"^data: \{"],
    ("README.md", r"tiles/stream"): [r'^data: \{"key"'],
    ("README.md", r"^tilewire tail"): [r'^\{.*"key"'],
    ("README.md", r"^tilewire stats"): [r"^deltas_applied +\d"],
    ("README.md", r"^tilewire verify"): [r"\d+ tiles? equal"],
    ("README.md", r"subscribe"): [r'"tickets\.'],
    ("docs/cli.md", r"^tilewire events"): [r"^\d+ +\S+Z +\w+[._]\w+ .*\n\d+ +\S+Z +\w+[._]\w+ "],
    ("docs/http.md", r"EventSource"): [r"^show orders\.created"],
    ("docs/http.md", r"--admin-listen"): [r"ready component"],
    ("docs/websocket.md", r"WebSocket"): [r"key: 'orders\.created'"],
    ("docs/dashboard.md", r"connect"): [r"^orders\.created \{"],
    (CLIENT, r"connect"): [r"^orders\.created \{", r"^connected sse"],
    ("docs/protocol.md", r"sub\.subscribe"): [r"'k': 'orders\.created'", r"^tile\.0\.orders\.\S+ \d+ \d+ \{"],
    ("docs/protocol.md", r"curve_secretkey"): [r"'k': 'orders\.created'"],
    ("docs/python.md", r"follow"): [r"^all of them: \[.*'orders\.created'", r"^orders\.\S+ \{"],
    ("docs/python.md", r"Gateway\(\n"): [r"^\[('orders\.[^']*'(, )?)+\]$"],
    ("docs/python.md", r"Bus\("): [r"'orders\.created'.*'tickets\.sla'"],
    ("docs/security.md", r"Bearer"): [r'^\{"cursor".*"key":"orders\.created"'],
    ("docs/alerts.md", r"^cat >"): [r'"text":"Errors is critical: 3 '],
    ("docs/push.md", r"^tilewire push"): [r"^\d+$"],
}
# Snippets that end; others follow what changes.
ENDS = {
    ("docs/dashboard.md", r"tiles\.close\(\)"): "it closes the connection",
    ("docs/protocol.md", r"curve_secretkey"): "one query",
    ("docs/python.md", r"tilewire\.(Gateway|Bus)\(\n? *\"(https|tcp)"): "it asks once",
}
# Names on the pages, and where that is here.
HOSTS = {"https://live.example.com": "http://127.0.0.1:8080", "https://tiles.example.org": "http://127.0.0.1:8080", "https://a.example.org": "http://127.0.0.1:8080",
         "https://b.example.org": "http://127.0.0.1:8080", "tcp://cache:": "tcp://127.0.0.1:"}
IN_A_PAGE = """
const Native = globalThis.EventSource;
globalThis.EventSource = class extends Native { constructor(path) { super(new URL(path, "http://127.0.0.1:8080")); } };
const show = (tile) => console.log("show", tile.key), remove = (key) => console.log("remove", key), removeAll = () => console.log("removeAll");
"""


def found(table, piece):
    return next((value for (page, pattern), value in table.items() if piece.is_at(page, pattern)), None)


def chosen(deployment):
    """In the order of the pages. YAML has a test of its own."""
    return [piece for piece in pieces() if piece.language != "yaml" and found(NOT_RUN, piece) is None and (found(ELSEWHERE, piece) or DEMO) == deployment]


# ---- That nothing is left out ----


def test_each_block_says_what_it_is():
    """A block with another label, or with none, would be run by nobody."""
    for page in PAGES:
        for line, language, text in blocks(page):
            assert language in (*RUN, *SHOWN), f"{name(page)}:{line}: nobody runs {language!r}"
            command = re.search(r"^(\$ |(curl|tilewire(-\w+)?|scripts/\w+|sudo|docker|kubectl|psql|sqlite3|systemctl|cmake|pip|export|cd|cat) )", text, re.M)
            assert language in (*SHELL, "css") or command is None, f"{name(page)}:{line}: {command[0]!r} is a command: say `sh`, or `console` with its answer"


@pytest.mark.parametrize("table", [NOT_RUN, ELSEWHERE, SHOWS, ENDS], ids=["not run", "elsewhere", "shows", "ends"])
def test_each_exception_is_of_something(table):
    all_pieces = [piece for piece in pieces() if piece.language != "yaml"]
    for page, pattern in table:
        assert any(piece.is_at(page, pattern) for piece in all_pieces), f"{page}: {pattern} matches nothing"


def test_each_line_that_is_not_to_be_seen_stands_in_an_answer():
    for page, pattern in NOT_SHOWN:
        assert any(piece.page == page and any(re.search(pattern, line) for line in piece.shown) for piece in pieces()), f"{page}: {pattern} matches nothing"


# ---- Running it ----


@pytest.fixture
def shell(folder):
    with shell_of_its_own(folder) as made:
        yield made


def configuration(folder, more=None):
    """The demo's, at the default ports."""
    text = (ROOT / "scripts/demo.yaml").read_text()
    for mark, value in {"COLUMNS": "columns: {timestamp: created_at}", "SOURCE": f"sqlite:{folder}/demo.db", "PORT": "8080",
                        "P1": "7401", "P2": "7402", "P3": "7411", "P4": "7412", "DIR": str(folder), "PUSH": ""}.items():
        text = text.replace(f"@{mark}@", value)
    said = yaml.safe_load(text)
    for section, keys in (more or {}).items():
        said.setdefault(section, {}).update(keys)
    return yaml.safe_dump(said, sort_keys=False)


class Deployed:
    """The three programs in the folder of a shell, and who writes rows. What a page makes of the programs is done here, too."""

    def __init__(self, shell, config):
        self.shell, self.folder, self.programs = shell, shell.folder, {}
        (self.folder / "tilewire.yaml").write_text(config)
        for program in ("ingestor", "cache", "gateway"):
            self.start(program)
        for program in self.programs:
            self.await_ready(program)

    def log(self, program):
        return (self.folder / f"{program}.log").read_text()

    def start(self, program, *options, called=None):
        called = called or program
        with open(self.folder / f"{called}.log", "ab") as log:
            self.programs[called] = self.shell.start([bin_folder().resolve() / f"tilewire-{program}", *options], self.folder, log)

    def await_ready(self, called):
        wait_until(lambda: "ready component" in self.log(called) or self.programs[called].poll() is not None, what=f"the {called}")
        assert self.programs[called].poll() is None, self.log(called)

    def stop(self, program):
        self.programs[program].terminate()
        self.programs[program].wait(timeout=20)


def place_of(piece, folder):
    """Each page has a folder, in which commands find what those before them made, and the configuration."""
    place = folder / re.sub(r"\W", "-", piece.page)
    if not place.exists():
        place.mkdir()
        shutil.copy(folder / "tilewire.yaml", place)
        (place / "node_modules").mkdir()
        (place / "node_modules/tilewire-client").symlink_to(ROOT / "gateway/web/client")
    return place


def here(text):
    for host, address in HOSTS.items():
        text = text.replace(host, address)
    return text.replace("scripts/", f"{ROOT}/scripts/")


def command_of(piece, place):
    """As a command of bash."""
    text = here(piece.text)
    if piece.language in SHELL:
        return "set -e\n" + text
    if piece.language == "js":
        (place / "snippet.mjs").write_text((IN_A_PAGE if "EventSource(" in text else "") + text)
        return "node --no-warnings --experimental-websocket --experimental-eventsource snippet.mjs"
    (place / "snippet.py").write_text(text)
    return "/usr/bin/python3 snippet.py"


def run(shell, piece, status=0, **named):
    place = place_of(piece, shell.folder)
    expected = [f"^{like(line)}" for line in piece.shown if not any(piece.page == page and re.search(pattern, line) for page, pattern in NOT_SHOWN)]
    expected += found(SHOWS, piece) or []
    endless = piece.endless or (piece.language in ("js", "python") and found(ENDS, piece) is None)
    return shell.run(piece, named.pop("command", None) or command_of(piece, place), place, expected, endless, status, **named)


@pytest.fixture
def demo(shell):
    subprocess.run([ROOT / "scripts/simulate", shell.folder / "demo.db", "--count", "500"], check=True)
    deployed = Deployed(shell, configuration(shell.folder))
    deployed.writer = shell.start([ROOT / "scripts/simulate", shell.folder / "demo.db", "--rate", "30"], shell.folder, subprocess.DEVNULL)
    return deployed


@contextlib.contextmanager
def prepared(demo, piece):
    """What the page has somebody do before, in words; gives what else to tell the command."""
    place, named = place_of(piece, demo.folder), {}
    if piece.is_at("docs/configuration.md", r"wrong\.yaml"):
        (place / "wrong.yaml").write_text("tiles: []\nsource:\n  uri: sqlite:events.db\n  pol_interval: 5s\n")
        named["status"] = 2
    elif piece.is_at("docs/http.md", r"If-None-Match: W/\"mw"):  # the tag that the command before it showed, of a tile that is quiet
        demo.shell.end(demo.writer)
        subprocess.run([bin_folder() / "tilewire", "verify"], cwd=demo.folder, check=True, stderr=subprocess.DEVNULL)
        said = subprocess.run(["curl", "-si", "http://127.0.0.1:8080/api/tiles/orders.created"], stdout=subprocess.PIPE, text=True, check=True).stdout
        named["command"] = piece.text.replace("mwukby00-3f9", re.search(r'ETag: W/"(\S+)"', said)[1])
    elif piece.is_at("docs/http.md", r"--admin-listen"):
        subprocess.run(["ip", "addr", "replace", "10.0.0.5/32", "dev", "lo"], check=True)
        (place / "tilewire.yaml").write_text(configuration(demo.folder) + "insecure: true\n")  # what the page's file says of its clients is on other pages
    elif piece.is_at("docs/sources.md", r"state (drop|import)"):
        demo.stop("ingestor")
    elif piece.is_at("docs/deployment.md", r":8081"):
        demo.start("gateway", "--port", "8081", called="gateway-2")
        wait_until(lambda: "in sync" in demo.log("gateway-2"), what="the second gateway")
    elif piece.is_at("docs/containers.md", r"^cd docs"):
        shutil.copytree(ROOT / "docs/deploy", place / "docs/deploy")
        named["command"] = f"printf 'change-me\\n' | {{\n{command_of(piece, place)}}}"
    try:
        yield named
    finally:
        after(demo, piece)


def after(demo, piece):
    if piece.is_at("docs/http.md", r"If-None-Match: W/\"mw"):
        demo.writer = demo.shell.start([ROOT / "scripts/simulate", demo.folder / "demo.db", "--rate", "30"], demo.folder, subprocess.DEVNULL)
    if piece.is_at("docs/sources.md", r"state import"):
        demo.start("ingestor")


def test_what_is_said_of_the_demo_runs(shell, demo):
    faults = []
    for piece in chosen(DEMO):
        try:
            with prepared(demo, piece) as named:
                run(shell, piece, **named)
        except AssertionError as error:
            faults.append(str(error))
    assert not faults, "\n\n".join(faults)


# ---- Keys and tokens ----

# What stands around a part of a program.
BEFORE_AND_BEHIND = {
    ("docs/protocol.md", r"curve_secretkey"): (
        "import msgpack, zmq\nreq = zmq.Context().socket(zmq.REQ)\n",
        'req.connect("tcp://127.0.0.1:7412")\nreq.send(msgpack.packb({"op": "get", "key": "orders.created"}))\nprint(msgpack.unpackb(req.recv()))\n'),
    ("docs/python.md", r"Gateway\(\n"): ("import asyncio, tilewire\n", """
async def main():
    async with gateway:
        print(sorted(await gateway.tiles()))
asyncio.run(main())
"""),
    ("docs/python.md", r"Bus\("): ("import asyncio, tilewire\n", """
async def main():
    async with bus:
        print(sorted(await bus.tiles()))
asyncio.run(main())
"""),
}


def with_token(folder):
    """The file that the page's commands belong to: tokens of the key that they make, and keys between the programs."""
    issuer = {"issuer": "https://localhost", "audience": "tilewire", "jwks": f"{folder}/mine.jwks"}
    return configuration(folder, {"gateway": {"auth": "jwt", "jwt": {"issuers": [issuer]}, "cors_origins": ["https://ops.example.org"]},
                                  "curve": {"keys_folder": f"{folder}/keys", "clients_file": f"{folder}/clients.yaml"}})


def test_what_is_said_of_keys_and_tokens_runs(shell):
    """All of it in one folder, and those commands first that make keys."""
    folder, deployed = shell.folder, None
    of_keys = chosen(KEYS)
    order = sorted(of_keys, key=lambda piece: not re.search(r"mkdir|keygen|--new-key", piece.text))
    subprocess.run([ROOT / "scripts/simulate", folder / "demo.db", "--count", "500"], check=True)
    for piece in order:
        if deployed is None and not re.search(r"mkdir|keygen|--new-key", piece.text):
            shell.run("a script's key", "tilewire keygen keys/script --role reader --add clients.yaml", folder)
            deployed = Deployed(shell, with_token(folder))
            shell.run("a script's token", "tilewire token mine.jwk --tiles 'orders.*' > token", folder)
        command = command_of(piece, folder)
        if around := found(BEFORE_AND_BEHIND, piece):
            text = here(piece.text).replace("/run/tilewire.token", "token")
            (folder / "snippet.py").write_text(around[0] + text + around[1])
        expected = [f"^{like(line)}" for line in piece.shown] + (found(SHOWS, piece) or [])
        shell.run(piece, command, folder, expected)


# ---- PostgreSQL, and SQLite where the page speaks of it ----


def statements(piece):
    """(for SQLite, text) of a block of SQL: all of it, or by the comments that say for whom."""
    for part in re.split(r"^(?=-- (?:SQLite|PostgreSQL):)", piece.text, flags=re.M):
        if part.strip():
            yield "AUTOINCREMENT" in part, part


def test_what_is_said_of_postgresql_and_sqlite_runs(shell, folder):
    server = shell.run("a server", f"{ROOT}/scripts/postgres start {folder}/postgres 5432", folder).strip()
    try:
        shell.run("its role and database", f"""set -e
            psql {server} -qc "CREATE ROLE ops LOGIN PASSWORD 'change-me'" -c 'CREATE DATABASE shop OWNER ops'
            psql postgresql://ops@localhost/shop -qc "CREATE TABLE events (id bigserial PRIMARY KEY, created_at timestamptz DEFAULT now(),
                event_type text NOT NULL, actor_id text, target_id text, summary text, payload jsonb)" """, folder)
        source = {"uri": "postgresql://ops@localhost/shop", "columns": {"timestamp": "created_at"}}
        (folder / "tilewire.yaml").write_text(yaml.safe_dump({"source": source, "tiles": [{"key": "all", "type": "count"}]}))
        for piece in chosen(SQL):
            if piece.language != "sql":
                run(shell, piece)
                continue
            for number, (of_sqlite, text) in enumerate(statements(piece)):
                if of_sqlite:
                    table = "CREATE TABLE orders (created_at TEXT, kind TEXT, details TEXT);" if "ON orders" in text else ""
                    sqlite3.connect(":memory:").executescript(table + text)
                    continue
                # Each line is a way of its own where there are several.
                for line in text.splitlines() if text.startswith("GRANT") else [text]:
                    file = folder / f"{piece.line}-{number}.sql"
                    file.write_text(f"BEGIN;\n{line}\nROLLBACK;\n")
                    shell.run(piece, f"psql -v ON_ERROR_STOP=1 postgresql://tilewire@localhost/shop -f {file}", folder, ["^ROLLBACK"])
    finally:
        shell.run("the server's end", f"{ROOT}/scripts/postgres stop {folder}/postgres", folder)


# ---- Alerts, and events that are pushed ----


def test_what_is_said_of_alerts_and_pushed_events_runs(shell, folder):
    """The programs that the alerts' five minutes start take the pushed event, too."""
    told = folder / "tilewire-alert.json"
    for piece in chosen(MESSAGES):
        command = "set -e\n" + piece.text.replace("/tmp/tilewire-alert.json", str(told))
        if piece.is_at("docs/alerts.md", r"^cat >"):
            command += "wait\n"  # so that its programs are there for the next one
            expected = found(SHOWS, piece)
            out = folder / "five-minutes"
            with open(out, "wb") as output:
                shell.start(["bash", "-c", command], folder, output)
            wait_until(lambda: all(re.search(pattern, out.read_text(), re.M) for pattern in expected), timeout=40, what=f"{piece} to show {expected}")
        else:
            shell.run(piece, command, folder, found(SHOWS, piece))
