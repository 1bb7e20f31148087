# SPDX-License-Identifier: Apache-2.0
"""Fixtures: real programs on real databases, each test with ports and folders of its own."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import contracts
from texts import PostgresTexts, SqliteTexts
from tilewire import Deployment, Postgres, Sqlite, Stream
from websocket import WebSocket

ROOT = pathlib.Path(__file__).resolve().parents[2]


RUN_FOLDER = "TILEWIRE_RUN_FOLDER"  # the folder that all workers of a run share; in the environment, which they inherit


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix="tilewire-run-")
    config.addinivalue_line("markers", "timing: measures times; run alone")
    config.addinivalue_line("markers", "memory: measures memory")
    config.addinivalue_line("markers", "thorough: a variant of what another test shows; run by scripts/test --all alone")


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput") and RUN_FOLDER in os.environ:
        folder = pathlib.Path(os.environ.pop(RUN_FOLDER))
        if (folder / "kafka").exists():
            from kafka import stop_shared_broker
            stop_shared_broker(folder)
        shutil.rmtree(folder, ignore_errors=True)


# The files that take longest. A worker has a file to itself, and one of these that began last would keep all waiting.
LONGEST = ("test_cursor.py", "test_proxies.py", "test_types_kept.py", "test_narrow.py", "test_clock.py", "test_retention.py", "test_kafka.py",
           "test_crashes.py", "test_verify_gone.py", "test_lost_rows.py", "test_state.py", "test_redis.py", "test_alerts.py", "test_kafka_faults.py",
           "test_demo.py", "test_bench.py", "test_verify_cursor.py", "test_postgres_wake.py", "test_damage.py", "test_lost_texts.py")


def pytest_collection_modifyitems(items):
    """What is measured means nothing with a sanitizer, which keeps memory that was freed and takes time of its own."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))
    if any(name in str(bin_folder()) for name in ("asan", "tsan")):
        for item in items:
            if any(item.iter_markers(name="timing")) or any(item.iter_markers(name="memory")):
                item.add_marker(pytest.mark.skip(reason="measures time or memory"))


contracts.watch(Deployment, Stream, WebSocket)


@pytest.fixture(autouse=True)
def contracts_are_kept():
    """All that a test sees is held against docs/contracts."""
    contracts.FAULTS.clear()
    yield
    faults = list(dict.fromkeys(contracts.FAULTS))
    assert not faults, "\n".join(faults[:10])


@pytest.fixture
def folder():
    """A folder that PostgreSQL's user can reach, too."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="tilewire-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def throw_away_server(**options):
    """A PostgreSQL; options as for Postgres.start_server."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="tilewire-pg-"))
    path.chmod(0o755)
    server = Postgres.start_server(ROOT / "scripts" / "postgres", path, **options)
    yield server
    Postgres.stop_server(server)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster():
    """A throw-away PostgreSQL, one for each worker."""
    with throw_away_server() as server:
        yield server


@pytest.fixture(scope="session")
def broker():
    """A throw-away Kafka, which all workers share."""
    from kafka import shared_broker  # whose library others need not have
    with shared_broker(pathlib.Path(os.environ[RUN_FOLDER])) as made:
        yield made


@pytest.fixture
def topics(broker):
    from kafka import Topics
    made = Topics(broker)
    made.create()
    return made


def writers(make):
    """For fixtures: write(table) → a writer, ended when the test is."""
    made = []

    def write(table):
        made.append(make(table))
        return made[-1]

    yield write
    for writer in made:
        writer.stop()


@pytest.fixture
def small_disk(folder):
    """A file system of 1 MiB."""
    path = folder / "small"
    path.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("a file system can be mounted by root alone")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


SQLITE_ROLLBACK, SQLITE_BLOBS, POSTGRESQL_BYTEA = (
    pytest.param(kind, marks=pytest.mark.thorough) for kind in ("sqlite-rollback", "sqlite-blobs", "postgresql-bytea"))


@pytest.fixture(params=["sqlite", SQLITE_ROLLBACK, "postgresql"])
def table(request, folder):
    """An events table of each kind."""
    yield from make_table(request.param, request, folder)


@pytest.fixture
def sqlite_table(request, folder):
    yield from make_table("sqlite", request, folder)


@pytest.fixture
def postgres_table(request, folder):
    yield from make_table("postgresql", request, folder)


@pytest.fixture(params=["sqlite-texts", SQLITE_BLOBS, "postgresql-uuid", POSTGRESQL_BYTEA])
def texts_table(request, folder):
    """An events table whose ids are texts, or are read as such; see test_cursor.py."""
    yield from make_table(request.param, request, folder)


@pytest.fixture(params=["sqlite", SQLITE_ROLLBACK, "postgresql", "sqlite-texts", SQLITE_BLOBS, "postgresql-uuid", POSTGRESQL_BYTEA])
def every_table(request, folder):
    """An events table of each kind, by source.cursor as well."""
    yield from make_table(request.param, request, folder)


def make_table(kind, request, folder):
    if kind == "postgresql":
        database = Postgres(request.getfixturevalue("cluster"))
    elif kind.startswith("postgresql-"):
        database = PostgresTexts(request.getfixturevalue("cluster"), kind.removeprefix("postgresql-"))
    elif kind in ("sqlite-texts", "sqlite-blobs"):
        database = SqliteTexts(folder / "events.db", *(("wal", False) if kind == "sqlite-texts" else ("delete", True)))
    else:
        database = Sqlite(folder / "events.db", "wal" if kind == "sqlite" else "delete")
    database.create()
    database.deployments = []
    yield database
    for deployment in database.deployments:
        deployment.problems = deployment.stop()  # before its database is gone
    database.close()


@pytest.fixture
def deploy(folder, request):
    """deploy(table, **options) → Deployment, ended after the test; its logs are shown when the test fails."""
    made = []

    def make(table, **options):
        deployment = Deployment(folder / f"d{len(made)}", table, bin_folder(), **options)
        made.append(deployment)
        return deployment

    yield make
    problems = [text for deployment in made for text in (deployment.problems or deployment.stop())]
    failed = getattr(request.node, "failed", False)
    if failed or problems:
        for deployment in made:
            deployment.print_logs()
    assert not problems, problems


def bin_folder():
    return pathlib.Path(os.environ.get("TILEWIRE_BIN", ROOT / "build" / "dev" / "bin"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.failed = outcome.get_result().failed
