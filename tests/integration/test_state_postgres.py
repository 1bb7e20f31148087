# SPDX-License-Identifier: Apache-2.0
"""A large state in PostgreSQL is saved in bounded statements of one transaction, and what takes the place of something large in no
time that grows with both."""
import signal
import time

from tilewire import wait_until

MEMBERS = 25000
FILL = "INSERT INTO events (timestamp,event_type,actor_id,target_id) SELECT now(), 'opened', {actor}, {target} FROM generate_series(1, {rows}) i"
STORED = "FROM tilewire.state WHERE member > 0 AND octet_length(value) > 150"


def read(table, sql):
    with table.db, table.db.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


def start(deploy, table, tile):
    return deploy(table, tiles=[tile], gateways=0, config={"ingestor": {"checkpoint": "postgresql", "checkpoint_interval": "1s"}}).start()


def await_saved(d, position):
    wait_until(lambda: d.stats()["checkpoint_position"] >= position, timeout=60, what="the save")


def test_a_large_save_is_several_statements_of_one_transaction(deploy, postgres_table):
    postgres_table.execute(FILL.format(actor="repeat('x', 150) || i", target="NULL", rows=MEMBERS))
    d = start(deploy, postgres_table, {"key": "f", "type": "count", "group_by": "actor_id", "max_groups": MEMBERS})
    await_saved(d, MEMBERS)
    count, transactions, statements = read(postgres_table, f"SELECT count(*), count(DISTINCT xmin::text), count(DISTINCT cmin::text) {STORED}")
    assert (count, transactions) == (MEMBERS, 1)
    assert 1 < statements < 10
    d["ingestor"].kill(signal.SIGKILL)
    postgres_table.execute("DELETE FROM events")
    d.start("ingestor")
    wait_until(lambda: d.stats("cache")["tiles"] == MEMBERS, timeout=60, what="all members come back")


def test_a_member_that_makes_room_for_a_large_one_holds_up_no_save(deploy, postgres_table):
    """It took minutes: each of its items was compared with each of the new ones."""
    fill = FILL.format(actor="'{}'", target="'t' || i", rows=10000)
    d = start(deploy, postgres_table, {"key": "f", "type": "backlog", "item": "target_id", "states": {"opened": "open", "closed": None},
                                       "group_by": "actor_id", "max_groups": 1, "idle": "3s"})
    postgres_table.execute(fill.format("a"))
    filled = time.time()
    await_saved(d, 10000)
    wait_until(lambda: time.time() > filled + 3 and d.stats("cache")["tiles"] == 0, timeout=60, what="the member to be hidden")
    postgres_table.execute(fill.format("b"))
    await_saved(d, 20000)
    assert read(postgres_table, "SELECT count(*) FROM tilewire.state WHERE item > 0 AND member > 0")[0] == 10000
