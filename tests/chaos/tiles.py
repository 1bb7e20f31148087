# SPDX-License-Identifier: Apache-2.0
"""Tiles that come, change and go while a chaos run goes on, and rows that go when they are in what is saved."""
import copy
import json
import signal
import threading
import time

import yaml

import clients
from tilewire import TILES

# All rows of this type are noted in the table `probes`, in the same transaction, and are deleted in the end.
PROBE = "probe.written"
PROBES = [{"key": "probes", "type": "count", "match": {"event_type": PROBE}}]
# Each may be there or not, in one form or another. The first form is there at first.
CHANGING = [
    [{"key": "some.orders", "type": "count", "match": {"event_type": "order.*"}}, {"key": "some.orders", "type": "count"}],
    [{"key": "some.work", "type": "backlog", "item": "target_id", "states": {"work_item_created": "open", "work_item_done": None}},
     {"key": "some.work", "type": "backlog", "item": "target_id", "states": {"work_item_*": "open"}}],
    [{"key": "some.regions", "type": "count", "match": {"event_type": "order.created"}, "group_by": "payload.region"},
     {"key": "some.regions", "type": "count", "match": {"event_type": "order.shipped"}, "group_by": "payload.region"}],
    [{"key": "some.depth", "type": "gauge", "metric": "queue.depth"}],
]
RETAIN_S = 20  # longer than a fault keeps an ingestor from reading


def tiles_of(d, chosen):
    return copy.deepcopy([*TILES, *PROBES, *getattr(d.table, "tiles", []), *chosen])


def first_tiles(d):
    return tiles_of(d, (forms[0] for forms in CHANGING))


def change_tiles(d, random, names):
    """Other tiles for the ingestors of those names, and SIGHUP; `verify` is told, too."""
    chosen = [random.choice([None, *forms]) for forms in CHANGING]
    for file in [d.folder / f"{name}.yaml" for name in names] + list(d.folder.glob("verify-*.yaml")):
        config = yaml.safe_load(file.read_text())
        config["tiles"] = tiles_of(d, (tile for tile in chosen if tile is not None))
        new = file.with_suffix(".new")
        new.write_text(yaml.safe_dump(config, sort_keys=False))
        new.rename(file)
    for name in names:
        if d[name].alive():
            d[name].process.send_signal(signal.SIGHUP)


class TableProbes:
    """The probes of a database."""

    def __init__(self, connect, errors):
        self.connect, self.errors, self.deleted = connect, errors, set()

    def written(self):
        db = self.connect()
        cursor = db.cursor()
        cursor.execute("SELECT n FROM probes")
        found = {row[0] for row in cursor.fetchall()}
        db.close()
        return found

    def delete(self, ids):
        ids = ids - self.deleted
        if ids:
            self.deleted |= ids
            quoted = ",".join(f"'{i}'" for i in ids)
            db = self.connect()
            db.cursor().execute(f"DELETE FROM events WHERE id IN ({quoted})")
            db.commit()
            db.close()


class Retention(threading.Thread):
    """Deletes probes that are in what an ingestor has saved."""

    def __init__(self, d, probes, names):
        super().__init__(daemon=True)
        self.d, self.probes, self.names = d, probes, names
        self.ending = threading.Event()

    def stop(self):
        self.ending.set()
        if self.is_alive():
            self.join()

    def run(self):
        waiting = []
        while not self.ending.wait(1):
            try:
                waiting.append((time.monotonic(), self.probes.written()))
                if time.monotonic() - waiting[0][0] > RETAIN_S and self.are_saved():
                    self.probes.delete(waiting.pop(0)[1])
            except self.probes.errors:
                pass

    def leader(self):
        for name in self.names:
            reply = clients.ask(self.d.ports[name][1], {"op": "stats"}, 500)
            if reply and reply.get("stats", {}).get("lease_valid") and reply["stats"]["source_up"]:
                return reply["stats"]
        return None

    def are_saved(self):
        """Has what is delivered now been saved?"""
        first = self.leader()
        deadline = time.monotonic() + 5
        while first is not None and time.monotonic() < deadline and not self.ending.is_set():
            now = self.leader()
            if now is None or now["epoch"] != first["epoch"]:
                return False
            if now["checkpoint_position"] >= first["position"]:
                return True
            time.sleep(0.1)
        return False


def judge_probes(d, name, committed, doubtful=0):
    """The tile counts every probe that was ever committed, though most are gone; of so many nobody knows if they were read."""
    data = (d.tiles_of_cache(name) or {}).get("probes", (None, {}))[1]
    good = committed - doubtful <= data.get("value", -1) <= committed
    return [] if good else [f"{name} counts {data.get('value')} probes, of which {committed} were committed"]


def judge_verify(output, forgets=False):
    """What `verify --json` finds, but for what cannot be proved since probes are gone. forgets: rows of all kinds are gone."""
    try:
        found = json.loads(output)
    except ValueError:
        return output
    expected = {"probes", "feed.probes", "some.orders"}  # the last counts all rows in its other form
    if not found["wrong"] and (forgets or {tile["key"] for tile in found["unprovable"]} <= expected):
        return None
    return json.dumps(found)
