# SPDX-License-Identifier: Apache-2.0
"""What the documentation names exists: commands and their options, routes, keys, metrics."""
import contextlib
import functools
import re
import subprocess

import pytest
import redis_streams
import yaml
from conftest import ROOT, bin_folder
from contracts import counters_of
from documents import PAGES, name, spans
from tilewire import PATIENCE, RandomEvents, now_iso, wait_until

PROGRAMS = ["tilewire-ingestor", "tilewire-cache", "tilewire-gateway"]
# Options of the programs of others, which are named beside ours.
FOREIGN = {"--no-close", "--exclude-path-regex", "--preset", "--test-dir", "--test", "--target", "--prefix", "--now", "--system-site-packages", "--strict",
           "--user", "--reverse-proxy", "--api-route"}


def each_page(test):
    return pytest.mark.parametrize("page", PAGES, ids=name)(test)


@functools.cache
def options(*command):
    """Those that --help tells of."""
    result = subprocess.run([*command, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
    assert result.returncode == 0, result.stdout
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", result.stdout))


@functools.cache
def commands():
    text = subprocess.run([bin_folder() / "tilewire", "--help"], stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE).stdout
    return set(re.findall(r"^  ([a-z-]+)(?: \[?[A-Z_]+\]?)?  ", text.split("Commands:")[1], re.M))


def scripts():
    return [path for path in sorted((ROOT / "scripts").iterdir()) if path.suffix in ("", ".py") and "--help" in path.read_text()]


@functools.cache
def all_options():
    known = set(FOREIGN)
    for program in PROGRAMS:
        known |= options(bin_folder() / program)
    for command in commands():
        known |= options(bin_folder() / "tilewire", command)
    for script in scripts():
        known |= options(script)
    return known


def uses(text):
    """(program, words behind it) of each call of ours in a line of shell."""
    for call in re.split(r"[|;&]|\$\(|^\$ | = ", text):
        words = re.sub(r"  +#.*", "", call).strip().removeprefix("$ ").replace("…", "").split()
        if words and re.fullmatch(r"(build/\w+/bin/)?tilewire(-\w+)?|scripts/\w+", words[0]):
            yield words[0].rsplit("/bin/", 1)[-1], words[1:]


@each_page
def test_commands_and_their_options_exist(page):
    for span in spans(page):
        for program, words in uses(span):
            given = [word.split("=")[0] for word in words if re.match(r"--[a-z]", word)]
            if program == "tilewire":
                command = next((word for word in words if re.fullmatch(r"[a-z][a-z-]+", word)), None)
                assert command is None or command in commands(), f"{page.name}: {span}"
                known = options(bin_folder() / program, *([command] if command else []))
            elif program in PROGRAMS:
                known = options(bin_folder() / program)
            elif program.startswith("scripts/") and ROOT / program in scripts():
                known = options(ROOT / program)
            else:
                continue
            assert set(given) <= known | {"--help", "--version"}, f"{page.name}: {span}"


@functools.cache
def options_of_one_command():
    """(command, option) of the table in cli.md; a row without a command is of the one above."""
    table = (ROOT / "docs/cli.md").read_text().split("\n## What one command takes\n")[1].split("\n## ")[0]
    found, command = set(), ""
    for first, second in re.findall(r"^\| (?:`([a-z-]+)` )?\| (`-.*?`) \|", table, re.M):
        command = first or command
        found |= {(command, option.split()[0]) for option in re.findall(r"`(-[^`]+)`", second)}
    return found


def test_each_option_of_a_command_is_in_cli_md_and_each_there_exists():
    text = (ROOT / "docs/cli.md").read_text()
    common = options(bin_folder() / "tilewire") | {"-n"}
    exist = {(command, option) for command in commands() for option in options(bin_folder() / "tilewire", command) - common}
    documented = {(command, option) for command, option in options_of_one_command() if option != "-n"}
    assert len(exist) > 25 and exist - documented == set(), "these are not documented"
    assert documented - exist == set(), "these do not exist"
    for program in ["tilewire", *PROGRAMS]:
        for option in options(bin_folder() / program) - {"-?", "-V"}:
            assert re.search(rf"`{option}[ `]", text), f"{program} {option} is not documented"


@functools.cache
def styles():
    """The properties by which a page styles <live-tile>."""
    return set(re.findall(r"--tilewire-[a-z-]+", "".join(path.read_text() for path in (ROOT / "gateway/web").glob("*.css"))))


@each_page
def test_options_that_stand_alone_exist(page):
    for span in spans(page):
        if match := re.fullmatch(r"(--[a-z][a-z-]+)([ =].*)?", span):
            known = styles() if match[1].startswith("--tilewire-") else all_options()
            assert match[1] in known, f"{page.name}: {span}"


@functools.cache
def routes():
    """Expressions of the paths in the contract, which another test holds against the gateway."""
    paths = yaml.safe_load((ROOT / "docs/contracts/system.yaml").read_text())["paths"]
    return [re.compile(re.sub(r"\\\{[^}]*\\\}", ".+", re.escape(path))) for path in paths]


@each_page
def test_routes_exist(page):
    for span in spans(page):
        for path in re.findall(r"(?<![\w.-])(?:https?://[\w.:-]+)?(/(?:api|metrics|contracts|healthz|readyz)(?:/[^\s?`'\",)|]*|\b(?=$|[\s?`'\",)|])))", span):
            path = path.rstrip(".:…")
            if path == "/api/v2/alerts":
                continue  # Alertmanager's
            assert path in ("/api", "/api/", "/contracts/") or any(route.fullmatch(path) for route in routes()), f"{page.name}: {path}"


@functools.cache
def keys():
    """The keys in the tables of configuration.md, which a unit test holds against the programs, each with those around it."""
    found, section = set(), ""
    for line in (ROOT / "docs/configuration.md").read_text().splitlines():
        if heading := re.match(r"#+ `([a-z.]+)`", line):
            section = heading[1]
        elif row := re.match(r"\| `([a-z_.]+)` \|", line):
            whole = row[1] if row[1].split(".")[0] in ("source", "ingestor", "cache", "gateway", "curve") else f"{section}.{row[1]}"
            parts = whole.split(".")
            found |= {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
    return found


@each_page
def test_keys_exist(page):
    for span in spans(page):
        if match := re.fullmatch(r"((?:source|ingestor|cache|gateway)\.[a-z_]+(?:\.[a-z_]+)*)(?:[:=].*)?", span):
            if match[1].endswith((".yaml", ".c", ".h", ".md", ".py", ".key", ".pub", ".service")):
                continue
            assert match[1] in keys(), f"{page.name}: {span}"


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What a small deployment says of itself: the metrics, and the counters of `tilewire stats`."""
    from tilewire import Deployment, Sqlite
    folder = tmp_path_factory.mktemp("docs")
    table = Sqlite(folder / "events.db", "wal")
    table.create()
    rows = RandomEvents(1)
    table.insert([rows.next() for _ in range(50)])
    d = Deployment(folder / "d", table, bin_folder(), gateways=1)
    d.start()
    try:
        text = d.request("/metrics")[2].decode() + d.request("/metrics/tiles")[2].decode()
        stats = {of: set(d.stats(of)) for of in ("ingestor", "cache")}
        yield set(re.findall(r"^# TYPE (\w+) ", text, re.M)), stats
    finally:
        problems = d.stop()
        table.close()
    assert not problems


@pytest.fixture
def several(postgres_table):
    """PostgreSQL, of which a clock is known, and a stream, of which it is known how far it is ahead."""
    with redis_streams.throw_away_server() as server, contextlib.closing(redis_streams.Stream(server)) as stream:
        yield postgres_table, stream


def test_the_tables_of_counters_have_each_counter_and_none_that_is_not_there(deploy, several):
    """And contracts.py looks at those that all other tests see."""
    table, stream = several
    d = deploy(table, tiles=[{"key": "all", "type": "count"}])
    d.config.pop("source")
    d.config["sources"] = [{"name": "shop", "uri": table.uri, "poll_interval": "1s"}, {"name": "desk", "uri": stream.uri, "poll_interval": "1s"}]
    d.write()
    d.start()
    rows = [(now_iso(), "order.created", "a", "t", None, None)]
    table.insert(rows)
    stream.insert(rows)

    def told(program):
        return {re.sub(r"\..*", ".NAME", counter) for counter in d.stats(program)}

    later = {"database_clock_ahead_ms", "row_age_ms", "source_lag.NAME", "source_up.NAME"}
    wait_until(lambda: later <= told("ingestor"), what="what the ingestor says when it is known")
    for program in ("ingestor", "cache"):
        said, documented = told(program), counters_of(program)
        assert said - documented == set(), "these are not documented"
        assert documented - said == set(), "these do not exist"


def test_metrics_exist(said):
    metrics = said[0] | {f"{metric}_{suffix}" for metric in said[0] for suffix in ("bucket", "sum", "count")}
    for page in PAGES:
        for span in spans(page):
            for metric in re.findall(r"(?<![\w/.-])tilewire_(?:gateway|tile)_[a-z_]+[a-z](?![\w*/.-])", span):
                assert metric in metrics or metric.startswith("tilewire_tile_"), f"{page.name}: {metric}"


def test_the_table_of_metrics_has_each_metric(said):
    text = (ROOT / "docs/monitoring.md").read_text().split("\n## All metrics\n")[1].split("\n## ")[0]
    documented = set(re.findall(r"^\| `([a-z_]+)", text, re.M))
    exposed = {metric.removeprefix("tilewire_gateway_") for metric in said[0] if metric.startswith("tilewire_gateway_")}
    assert exposed - documented == set(), "these are not documented"
    assert documented - exposed == set(), "these do not exist"
