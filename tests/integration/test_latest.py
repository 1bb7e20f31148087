# SPDX-License-Identifier: Apache-2.0
"""The newest rows as a table (`latest`), against every row that was written."""
import datetime
import json
import random
import signal

from tilewire import now_iso, wait_until

SHOW = ["target_id", "payload.reason", "payload.amount"]
TILES = [{"key": "failed", "type": "latest", "match": {"event_type": "payment.failed"}, "show": SHOW, "rows": 7},
         {"key": "by", "type": "latest", "match": {"event_type": "payment.failed"}, "show": ["payload.amount"], "rows": 3, "group_by": "target_id"}]


def some(rng, count):
    """Rows of the last hour, in no order, of which some have equal times, and some lack fields."""
    rows = []
    for _ in range(count):
        at = now_iso(-rng.randrange(3600))[:-5] + ".000Z"
        payload = rng.choice([{"reason": rng.choice("abc"), "amount": rng.randrange(100)}, {"reason": "ä" * 200}, {"amount": True}, {}])
        rows.append((at, rng.choice(["payment.failed", "payment.failed", "payment.made"]), None, rng.choice([None, "p-1", "p-2"]), None, json.dumps(payload)))
    return rows


def fields_of(target, payload):
    payload = json.loads(payload)
    values = {"target_id": target, "payload.reason": payload.get("reason"), "payload.amount": payload.get("amount")}
    return {name: ("true" if value is True else str(value))[:128]  # an umlaut is two bytes
            for name, value in values.items() if value is not None}


def expected(rows):
    """The seven newest of all rows, whose places in the list are their ids; equal times are in the order of these."""
    failed = [(row[0], id, row) for id, row in enumerate(rows, 1) if row[1] == "payment.failed"]
    return {str(id): {"at": at, "fields": fields_of(row[3], row[5])} for at, id, row in sorted(failed)[-7:]}


def test_the_newest_rows_are_shown_whatever_order_they_come_in(deploy, table):
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    rows = some(rng, 60)
    d = deploy(table, tiles=TILES)
    table.insert(rows[:20])
    d.start()
    for begin in (20, 40):
        table.insert(rows[begin:begin + 20])
        wait_until(lambda end=begin + 20: d.tile("failed")["data"] == {"show": SHOW, "rows": expected(rows[:end])})
    d.verify()
    d["ingestor"].kill(signal.SIGKILL)
    rows += some(rng, 20)
    table.insert(rows[60:])
    d["ingestor"].start()
    wait_until(lambda: d.tile("failed")["data"]["rows"] == expected(rows))
    d.verify()


def test_ids_that_are_texts_name_the_rows(deploy, texts_table):
    d = deploy(texts_table, tiles=TILES).start()
    texts_table.insert(some(random.Random(7), 40))
    wait_until(lambda: len(d.tile("failed")["data"]["rows"]) == 7)
    d.verify()
    served = {event["id"] for event in d.get_json("/api/events?limit=100")["events"]}
    assert set(d.tile("failed")["data"]["rows"]) <= served


def test_a_row_of_the_future_is_shown_when_its_time_comes(deploy, table):
    d = deploy(table, tiles=TILES).start()
    at = now_iso(2)
    table.insert([(at, "payment.failed", None, "p-1", None, "{}"), (now_iso(-1), "payment.failed", None, "p-2", None, "{}")])
    wait_until(lambda: "2" in d.tile("failed")["data"]["rows"])
    tile = wait_until(lambda: (tile := d.tile("failed")) and "1" in tile["data"]["rows"] and tile)
    assert datetime.datetime.fromisoformat(tile["as_of"]["time"]) >= datetime.datetime.fromisoformat(at)
    d.verify()
