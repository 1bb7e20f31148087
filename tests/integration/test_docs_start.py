# SPDX-License-Identifier: Apache-2.0
"""Starts each whole configuration that the documentation shows, in a network of its own with the default ports. test_docs.py checks those, and parts, too."""
import re
import sqlite3

import pytest
import yaml
from conftest import ROOT, bin_folder
from doc_pieces import shell_of_its_own
from documents import PAGES, blocks, name
from tilewire import wait_until

PROGRAMS = ("ingestor", "cache", "gateway")
# Whose server is not there: (page, expression), why. The ingestor has to go on trying, and to say what it is that it cannot reach.
WITHOUT_SOURCE = {
    ("docs/kafka.md", r"^  uri: kafka://b1:|kafka://b1:9092,b2:9092/orders\""): "test_kafka.py",
    ("docs/messages.md", r"format: debezium"): "test_kafka_uses.py",
    ("docs/nats.md", r"uri: nats://n1:4222"): "test_nats.py",
    ("docs/partitioning.md", r"own_lanes|own_partitions"): "test_partitioning.py",
    ("docs/redis.md", r"uri: redis://127"): "test_redis.py",
}
# The columns that any of the pages' tables has.
TABLES = """
CREATE TABLE events (id INTEGER PRIMARY KEY, timestamp TEXT, event_type TEXT, actor_id TEXT, target_id TEXT, summary TEXT, payload TEXT,
    region TEXT, paid TEXT, team TEXT);
CREATE TABLE log (n INTEGER PRIMARY KEY, created_at TEXT, kind TEXT, shop TEXT, details TEXT);
"""
COLUMNS = "timestamp timestamptz DEFAULT now(), event_type text, actor_id text, target_id text, summary text, payload jsonb"


def whole():
    """(page, line, text) of each block that has a source and tiles."""
    for page in PAGES:
        for line, _, text in blocks(page, "yaml"):
            said = yaml.safe_load(text)
            if isinstance(said, dict) and {"source", "sources"} & said.keys() and "tiles" in said:
                yield name(page), line, text


WHOLE = list(whole())


def found(table, page, text):
    return next((why for (of, pattern), why in table.items() if of == page and re.search(pattern, text, re.M)), None)


def test_each_exception_is_of_a_configuration():
    for page, pattern in WITHOUT_SOURCE:
        assert any(of == page and re.search(pattern, text, re.M) for of, _, text in WHOLE), f"{page}: {pattern} matches nothing"


def here(text):
    """With names that lead to this machine, and a password for whom no password is asked."""
    text = re.sub(r"(data|ingestor|cache)-2\.example\.org", "127.0.0.2", text)  # which leads to the same ones
    text = re.sub(r"\b[\w-]+\.example\.org\b|(?<=@)(localhost|db)\b|\b[bnr]\d\b", "127.0.0.1", text)
    return text.replace("?sslmode=verify-full", "")


@pytest.fixture
def shell(folder):
    with shell_of_its_own(folder) as made:
        yield made


def postgresql(shell, folder):
    server = shell.run("a server", f"{ROOT}/scripts/postgres start {folder}/postgres 5432", folder).strip()
    shell.run("its tables", f"""set -e
        psql {server} -qc 'CREATE ROLE ops SUPERUSER LOGIN' -c 'CREATE DATABASE shop OWNER ops'
        psql postgresql://ops@127.0.0.1/shop -qc 'CREATE TABLE events (id bigserial PRIMARY KEY, created_at timestamptz DEFAULT now(), {COLUMNS})' \
            -c 'CREATE SCHEMA audit' -c 'CREATE TABLE audit.log (seq bigserial PRIMARY KEY, created_at timestamptz, region_code text, {COLUMNS})'""", folder)


def secrets(shell, folder, text):
    """Keys and passwords where the file has them."""
    (folder / "secrets").mkdir(mode=0o700)
    for secret in re.findall(r"(secrets/[\w-]+)[ }\n]", text):
        (folder / secret).write_text("none is asked for\n")
        (folder / secret).chmod(0o600)
    if "curve:" in text:
        for program in PROGRAMS:
            shell.run("keys", f"tilewire keygen secrets/{program} --role {program} --add clients.yaml", folder)


@pytest.mark.parametrize(("page", "line", "text"), WHOLE, ids=[f"{page}:{line}" for page, line, _ in WHOLE])
def test_a_whole_configuration_starts(shell, folder, page, line, text):
    (folder / "tilewire.yaml").write_text(here(text).replace("/etc/tilewire", str(folder)))
    secrets(shell, folder, text)
    for file in re.findall(r"sqlite:(\w+\.db)", text):
        sqlite3.connect(folder / file).executescript(TABLES)
    of_postgresql = "postgresql://" in text and found(WITHOUT_SOURCE, page, text) is None
    if of_postgresql:
        postgresql(shell, folder)
    logs = {program: folder / f"{program}.log" for program in PROGRAMS}
    for program in PROGRAMS:
        with open(logs[program], "wb") as log:
            started = shell.start([bin_folder().resolve() / f"tilewire-{program}"], folder, log)
            started.called = program

    def said(program):
        return logs[program].read_text(errors="replace")

    def alive():
        for program in shell.started[-3:]:
            assert program.poll() is None, f"{page}:{line}: {program.called} ended with {program.returncode}: {said(program.called)}"
        return True

    try:
        if found(WITHOUT_SOURCE, page, text) is not None:
            unreachable = r"(error|warn) +ingestor: .*127\.0\.0\.1"
            wait_until(lambda: alive() and re.search(unreachable, said("ingestor")), timeout=40, what=f"{page}:{line} to say what it cannot reach")
        else:
            for program in PROGRAMS:
                wait_until(lambda program=program: alive() and "ready component" in said(program), timeout=40, what=f"{page}:{line}: the {program} to be ready")
            wait_until(lambda: alive() and "in sync" in said("gateway"), timeout=40, what=f"{page}:{line}: the gateway to have all tiles")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{''.join(map(said, PROGRAMS))}") from None
    finally:
        if of_postgresql:
            shell.run("the server's end", f"{ROOT}/scripts/postgres stop {folder}/postgres immediate", folder)
