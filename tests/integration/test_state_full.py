# SPDX-License-Identifier: Apache-2.0
"""The schema `tilewire` on a disk that is full: tiles go on, and what was saved last is there after a crash, whole."""
import json
import shutil
import subprocess

import pytest

from test_crashes import fill
from tilewire import now_iso, wait_until

TILES = [{"key": "all", "type": "count"},
         {"key": "by", "type": "count", "group_by": "target_id", "max_groups": 100000, "idle": "1h"}]


def outside(table, *statements):
    """Statements that no transaction may hold."""
    connection = table.connect()
    connection.autocommit = True
    for statement in statements:
        connection.cursor().execute(statement)
    connection.close()


@pytest.fixture
def small_table(postgres_table, small_disk):
    """A table whose database puts what is made from now on onto a disk of 4 MiB."""
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    space = small_disk / "space"
    space.mkdir()
    shutil.chown(space, "postgres")
    name = f"{postgres_table.name}_small"
    outside(postgres_table, f"CREATE TABLESPACE {name} LOCATION '{space}'", f"ALTER DATABASE {postgres_table.name} SET default_tablespace = {name}")
    postgres_table.small_disk = small_disk
    yield postgres_table
    for deployment in postgres_table.deployments:
        deployment.problems = deployment.stop()
    postgres_table.deployments = []
    (small_disk / "filler").unlink(missing_ok=True)
    outside(postgres_table, f"ALTER DATABASE {postgres_table.name} RESET default_tablespace", "DROP SCHEMA IF EXISTS tilewire CASCADE",
            f"DROP TABLESPACE {name}")


def insert(table, first, count):
    """Rows of as many groups, each with a name that takes room in the state."""
    table.insert([(now_iso(), "x", None, f"{i:06}" + "x" * 40, None, json.dumps({})) for i in range(first, first + count)])


def value(d):
    return d.tile("all")["data"]["value"]


def test_a_full_disk_costs_no_state_and_no_tile(deploy, small_table):
    d = deploy(small_table, tiles=TILES, gateways=1, config={"ingestor": {"checkpoint": "postgresql"}}).start()
    insert(small_table, 0, 500)
    wait_until(lambda: d.stats()["checkpoint_position"] == 500)
    small_table.execute("DELETE FROM events")  # now the state alone knows of these
    fill(small_table.small_disk)
    with small_table.db, small_table.db.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'tilewire' AND reltablespace <> 0")
        assert cursor.fetchone()[0] > 0, "or it is not the disk that is full"
    insert(small_table, 500, 3000)
    d["ingestor"].await_log("the state cannot be saved: .*No space left on device")
    wait_until(lambda: value(d) == 3500, what="tiles that go on")
    saved = d.stats()["checkpoint_position"]
    assert saved < 3500 and d.stats()["checkpoint_failures"] > 0
    d["ingestor"].kill()
    (small_table.small_disk / "filler").unlink()
    d.start("ingestor")
    wait_until(lambda: value(d) == 3500 and d.stats()["checkpoint_position"] == 3500, what="all rows, of the state and of the table")
    assert d.tile("all")["complete"] is True
    assert "building all tiles" not in d["ingestor"].log_text().split("the state cannot be saved", 1)[1]
    for i in (0, 499, 500, 3499):
        assert d.tile(f"by/{i:06}" + "x" * 40)["data"]["value"] == 1


def test_a_disk_that_has_room_again_is_written_to_without_a_restart(deploy, small_table):
    d = deploy(small_table, tiles=TILES, gateways=1, config={"ingestor": {"checkpoint": "postgresql"}}).start()
    insert(small_table, 0, 10)
    wait_until(lambda: d.stats()["checkpoint_position"] == 10)
    fill(small_table.small_disk)
    insert(small_table, 10, 3000)
    d["ingestor"].await_log("the state cannot be saved: .*No space left on device")
    (small_table.small_disk / "filler").unlink()
    d["ingestor"].await_log("the state is saved again")
    wait_until(lambda: d.stats()["checkpoint_position"] == 3010)
    small_table.execute("DELETE FROM events")
    d["ingestor"].kill()
    d.start("ingestor")
    wait_until(lambda: value(d) == 3010)
    assert d.tile("all")["complete"] is True and d.tile("by/003009" + "x" * 40)["data"]["value"] == 1
