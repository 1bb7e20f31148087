# SPDX-License-Identifier: Apache-2.0
"""Three sources at once, a SQLite file, a PostgreSQL database and a stream of NATS: who writes into them, and what is true of all in the end."""
import datetime
import itertools
import random
import sqlite3

import psycopg2

from anew import Anew
from stream_writers import StreamWriters
from streams import StreamProbes
from tiles import PROBE, TableProbes
from writers import PostgresWriters, SqliteWriters, Truth


def named(name, ids):
    """Ids as events of that source have them."""
    return {f"{name}-{i}" for i in ids}


class Several:
    """The tables by the names of their sources. Any may be away while the others are read."""

    kind = "several"

    def __init__(self, shop, bank, feed):
        self.parts = {"shop": shop, "bank": bank, "feed": feed}
        self.feed = feed
        self.tiles = [{"key": f"{name}.orders", "type": "count", "match": {"event_type": "order.*"}, "source": name} for name in self.parts]
        self.tiles.append({"key": "feed.probes", "type": "count", "match": {"event_type": PROBE}, "source": "feed"})
        self.is_away = False

    def listen_through(self, relays):
        self.feed.listen_through(relays)

    def ids(self):
        return set().union(*(named(name, part.ids()) for name, part in self.parts.items()))

    def suffer(self, kind, r):
        """What servers of streams do."""
        return self.feed.suffer(kind, r)

    def insert(self, rows):
        self.parts["shop"].insert(rows)

    def go_away(self, away):
        """The table of the SQLite file has another name, which nobody reads or writes. False: so it is already."""
        if self.is_away == away:
            return False
        db = sqlite3.connect(self.parts["shop"].path, timeout=60)
        db.execute("ALTER TABLE " + ("events RENAME TO absent" if away else "absent RENAME TO events"))
        db.close()
        self.is_away = away
        return True

    def close(self):
        for part in self.parts.values():
            part.close()


class SeveralWriters:
    def __init__(self, table, seed):
        self.of = {"shop": SqliteWriters(table.parts["shop"], seed, count=2), "bank": PostgresWriters(table.parts["bank"], seed, count=3),
                   "feed": StreamWriters(table.feed, seed, count=2)}
        self.errors = tuple(writers.errors for writers in self.of.values())

    @property
    def failures(self):
        return sum(writers.failures for writers in self.of.values())

    def start(self):
        for writers in self.of.values():
            writers.start()
        return self

    def stop(self):
        for writers in self.of.values():
            writers.stop()


    def connect(self):
        return Session(random.choice(list(self.of.values())))

    @staticmethod
    def insert(cursor, row):
        writers, own = cursor
        writers.insert(own, row)


class Session:
    """What siege.HugeRows writes with: a connection to one of them."""

    def __init__(self, writers):
        self.writers, self.db = writers, writers.connect()

    def cursor(self):
        return self.writers, self.db.cursor()

    def commit(self):
        self.db.commit()

    def close(self):
        self.db.close()


class SeveralProbes:
    def __init__(self, d, table, writers):
        self.of = {name: TableProbes(writers.of[name].connect, writers.of[name].errors) for name in ("shop", "bank")}
        self.of["feed"] = StreamProbes(d, table.feed, "feed.probes")
        self.errors = (sqlite3.Error, psycopg2.Error, *table.feed.errors)

    def written(self):
        return {name: probes.written() for name, probes in self.of.items()}

    def delete(self, ids):
        for name, probes in self.of.items():
            probes.delete(ids[name])


class SeveralTruth:
    def __init__(self, table, writers, probes):
        self.of = {name: Truth(table.parts[name], writers.of[name], probes.of[name]) for name in ("shop", "bank")} | {"feed": table.feed}
        self.anew = Anew()

    @property
    def judged(self):
        # Each time that the order is lost, with a source away, nobody can join what came before with what comes after.
        return {"unseen": self.unseen, "anew": bool(self.anew), "excused": self.excused}

    def settle(self, d):
        for truth in self.of.values():
            truth.settle(d)
        self.anew.settle(d)

    def ids(self):
        return set().union(*(named(name, truth.ids()) for name, truth in self.of.items()))

    def gone(self):
        return set().union(*(named(name, truth.gone()) for name, truth in self.of.items()))

    def written(self, name):
        """When each row of a source was written, ms, in the order of their ids. What it says of itself may be some time ago: it was written no earlier
        than those whose ids are before it."""
        if name == "feed":
            return {f"feed-{i}": entry.came_ms for i, entry in sorted(self.of[name].entries.items())}
        cursor = self.of[name].table.db.cursor()
        cursor.execute("SELECT id, timestamp FROM events ORDER BY id")
        moments = {f"{name}-{i}": stamp if isinstance(stamp, datetime.datetime) else datetime.datetime.fromisoformat(stamp) for i, stamp in cursor}
        return dict(zip(moments, itertools.accumulate((moment.timestamp() * 1000 for moment in moments.values()), max)))

    def unseen(self, committed, order):
        """Of each source those with ids below all that anybody saw."""
        found, seen = set(), set(order)
        for name in self.of:
            found.update(itertools.takewhile(lambda i: i not in seen, self.written(name)))
        return found & committed

    def excused(self, ids):
        """What came not long before streams began anew, as with a bus."""
        came = {}
        for name in self.of:
            came.update(self.written(name))
        return self.anew.excuse(ids, came)

    def losses(self):
        return self.of["feed"].losses()

    def count_probes(self):
        return sum(truth.count_probes() for truth in self.of.values())
