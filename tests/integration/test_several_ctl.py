# SPDX-License-Identifier: Apache-2.0
"""The commands of `tilewire`, and what is pushed over HTTP, with several sources."""

import json
import signal

from tilewire import Postgres, wait_until

from test_monitoring import series
from test_several import TILES, await_counts, deployed, rows, two, with_sources  # noqa: F401
from test_several_kinds import Pushed, ids_of


def again(d):
    """Starts the ingestor, and waits until it leads."""
    before = len(d["ingestor"].log_text())
    d["ingestor"].start()
    d["ingestor"].await_log("ready component", after=before)


def sources_up(d, gateway=0):
    """What /metrics says of each source."""
    got = series(d.request("/metrics", gateway=gateway)[2].decode())
    return {key.split('"')[1]: value for key, value in got.items() if key.startswith("tilewire_gateway_source_up{")}


def test_check_names_each_source(deploy, two):  # noqa: F811
    d = deployed(deploy, two)
    assert "ok, 3 tiles" in d.run("check", str(d.file)).stdout
    two["desk"].execute("DROP TABLE events")
    result = d.run("check", "--connect")
    assert result.returncode == 1, result.stdout
    lines = result.stdout.splitlines()
    assert any(line.startswith("ok") and "shop" in line for line in lines), result.stdout
    assert any(line.startswith("error") and "desk" in line for line in lines), result.stdout


def test_the_state_of_several_is_listed_exported_and_imported(deploy, two):  # noqa: F811
    two["shop"].insert(rows(3))
    two["desk"].insert(rows(4))
    d = deployed(deploy, two).start()
    await_counts(d, shop=3, desk=4, all=7)
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    assert len(json.loads(d.run("--json", "state", "ls", check=True).stdout)) == 3
    file = str(d.folder / "export")
    d.run("state", "export", file, check=True)
    two["shop"].execute("DELETE FROM events WHERE id = 1")
    again(d)
    two["desk"].insert(rows(1))
    await_counts(d, shop=3, desk=5, all=8)
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    answer = d.run("state", "import", file)
    assert answer.returncode == 0, answer.stdout
    assert "the state of 3 tiles" in d.run("check", "--connect").stdout
    again(d)
    await_counts(d, shop=3, desk=5, all=8)
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    answer = d.run("state", "drop", "desk")
    assert answer.returncode == 0, answer.stdout
    again(d)
    await_counts(d, shop=3, desk=5, all=8)


def test_the_trigger_is_of_the_source_that_is_named(deploy, two, cluster):  # noqa: F811
    tables = {"shop": two["shop"], "desk": Postgres(cluster), "bank": Postgres(cluster)}
    for table in (tables["desk"], tables["bank"]):
        table.create()
    d = with_sources(deploy(two["shop"], tiles=TILES), tables)
    assert "say which one with --source NAME" in d.run("install-trigger").stdout
    assert "needs no trigger" in d.run("install-trigger", "--source", "shop").stdout
    assert "none of them is called cash" in d.run("install-trigger", "--source", "cash").stdout
    assert d.run("install-trigger", "--source", "bank").returncode == 0
    for name, there in (("bank", True), ("desk", False)):
        with tables[name].db.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgname = 'tilewire_notify'")
            assert (cursor.fetchone()[0] == 1) == there
    with_sources(d, {"shop": two["shop"], "desk": tables["desk"]})
    assert d.run("install-trigger").returncode == 0
    for table in (tables["desk"], tables["bank"]):
        table.close()


def test_stats_events_and_tail_speak_of_each_source(deploy, two):  # noqa: F811
    two["shop"].insert(rows(2))
    d = deployed(deploy, two).start()
    await_counts(d, shop=2, desk=0, all=2)
    assert (d.stats()["source_up.shop"], d.stats()["source_up.desk"]) == (1, 1)
    away = two["desk"].path.with_suffix(".away")
    two["desk"].path.rename(away)
    wait_until(lambda: d.stats()["source_up.desk"] == 0, what="desk to be down")
    wait_until(lambda: sources_up(d, 1) == {"shop": 1, "desk": 0}, what="each gateway to know")
    assert d.stats()["source_up.shop"] == 1 and d.stats()["source_up"] == 1
    away.rename(two["desk"].path)
    two["desk"].insert(rows(1))
    await_counts(d, shop=2, desk=1, all=3)
    assert d.stats()["source_up.desk"] == 1
    wait_until(lambda: sources_up(d) == {"shop": 1, "desk": 1}, what="the gateway to know")
    listed = d.run("events").stdout
    assert all(name in listed for name in ("shop-1", "shop-2", "desk-1")), listed


def test_what_is_pushed_over_http_has_an_id_of_its_source(deploy, two, folder):  # noqa: F811
    d = with_sources(deploy(two["shop"], tiles=TILES), {"shop": two["shop"], "desk": Pushed(folder)})
    d.config["sources"][1] = {"name": "desk", "uri": Pushed(folder).uri, "keep": "1d"}
    d.config["gateway"]["push"] = [{"query": d.addresses[1]}]
    d.write()
    d.start()
    events = json.dumps([{"event_type": "deploy"}, {"event_type": "deploy"}])
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    status, _, body = d.request("/api/events", headers=headers, method="POST", body=events)
    assert (status, json.loads(body)) == (201, {"ids": ["desk-1", "desk-2"], "repeated": False})
    status, _, body = d.request("/api/events", headers=headers, method="POST", body=events)
    assert (status, json.loads(body)) == (200, {"ids": ["desk-1", "desk-2"], "repeated": True})
    await_counts(d, shop=0, desk=2, all=2)
    assert ids_of(d) == ["desk-1", "desk-2"]


def test_pushed_events_go_when_they_are_saved_and_too_old(deploy, two, folder):  # noqa: F811
    """By the ids of the pushed events, and not by the order of all: many rows of the other source came before."""
    two["shop"].insert(rows(50))
    d = with_sources(deploy(two["shop"], tiles=TILES), {"shop": two["shop"], "desk": Pushed(folder)})
    d.config["sources"][1] = {"name": "desk", "uri": Pushed(folder).uri, "keep": "1s"}
    d.write()
    d.start()
    for i in range(3):
        assert d.run("push", "deploy").stdout == f"desk-{i + 1}\n"
    await_counts(d, shop=50, desk=3, all=53)
    wait_until(lambda: d.stats()["pushed_events_deleted"] == 3, what="pushed events to go")
    d["ingestor"].kill()
    again(d)
    assert d.run("push", "deploy").stdout == "desk-4\n"
    await_counts(d, shop=50, desk=4, all=54)
    assert d.tile("desk")["complete"]
