# SPDX-License-Identifier: Apache-2.0
"""Writers of the events table, as applications are: several at once, in transactions that take their time, some of which are rolled
back; and rows that are deleted again."""
import sqlite3
import threading
import time

from tilewire import RandomEvents, now_iso

COLUMNS = "timestamp,event_type,actor_id,target_id,summary,payload"


class Writers:
    """Threads that write from start() to stop(). `deleted` holds the ids of rows that were seen by others and deleted then."""

    def __init__(self, table, connect, mark, errors, seed, count, pause_s):
        """table: has new_id() if rows bring their ids. connect(): a DB-API connection that is not in autocommit mode; mark: of a
        parameter; errors: those that happen, by type."""
        self.connect, self.mark, self.errors, self.pause_s = connect, mark, errors, pause_s
        self.new_id = getattr(table, "new_id", None)
        self.last = threading.local()
        self.ending = threading.Event()
        self.deleted = set()
        self.failures = 0
        self.threads = [threading.Thread(target=self.write, args=(RandomEvents(f"{seed} {i}"),), daemon=True) for i in range(count)]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            if thread.is_alive():
                thread.join()

    def write(self, rows):
        while not self.ending.is_set():
            db = None
            try:
                db = self.connect()
                while not self.ending.is_set():
                    self.transaction(db, rows)
            except self.errors:
                self.failures += 1
                self.ending.wait(0.1)
            finally:
                if db is not None:
                    self.close(db)

    def close(self, db):
        try:
            db.close()
        except self.errors:
            pass

    def transaction(self, db, rows):
        r = rows.random
        self.ending.wait(r.expovariate(1 / self.pause_s))
        cursor = db.cursor()
        notes = []
        slow = r.random() < 0.05
        for _ in range(r.randrange(1, 6)):
            self.insert(cursor, rows.next())
            if r.random() < 0.1:
                self.insert(cursor, rows.next())
                cursor.execute(f"DELETE FROM events WHERE id = '{self.last_id(cursor)}'")  # nobody ever sees it
            if r.random() < 0.2:
                # No tile is made of these, so they may go when they were seen: verify counts what there is.
                self.insert(cursor, (now_iso(), "note.written", "ada", None, "a note", None))
                notes.append(self.last_id(cursor))
            if r.random() < 0.2:
                self.insert(cursor, (now_iso(), "probe.written", "ada", None, "a probe", None))
                cursor.execute(f"INSERT INTO probes VALUES ('{self.last_id(cursor)}')")
            self.hold(r, slow)
        if r.random() < 0.15:
            db.rollback()
            return
        db.commit()
        if notes and r.random() < 0.5:
            self.hold(r, slow)
            self.deleted.update(notes)
            quoted = ",".join(f"'{note}'" for note in notes)
            cursor.execute(f"DELETE FROM events WHERE id IN ({quoted})")
            db.commit()

    def hold(self, r, slow):
        time.sleep(r.uniform(0, 0.5) if slow else r.uniform(0, 0.01))

    def insert(self, cursor, row):
        names, values = COLUMNS, row
        if self.new_id is not None:
            self.last.id = self.new_id()
            names, values = f"{COLUMNS},id", (*row, self.last.id)
        cursor.execute(f"INSERT INTO events ({names}) VALUES ({','.join([self.mark] * len(values))})", values)

    def last_id(self, cursor):
        return self.given_id(cursor) if self.new_id is None else self.last.id


class SqliteWriters(Writers):
    """One at a time holds the database, so nobody takes long."""

    def __init__(self, table, seed, count=3, pause_s=0.08):
        super().__init__(table, lambda: sqlite3.connect(table.path, timeout=60, isolation_level="IMMEDIATE"), "?", sqlite3.OperationalError, seed,
                         count, pause_s)

    def given_id(self, cursor):
        return cursor.lastrowid

    def hold(self, r, slow):
        time.sleep(r.uniform(0, 0.05) if slow else 0)


class PostgresWriters(Writers):
    def __init__(self, table, seed, count=6, pause_s=0.15):
        import psycopg2
        super().__init__(table, table.connect, "%s", psycopg2.Error, seed, count, pause_s)

    def given_id(self, cursor):
        cursor.execute("SELECT currval(pg_get_serial_sequence('events', 'id'))")
        return cursor.fetchone()[0]


class Truth:
    """What is true of a database's table when nobody writes any more."""

    def __init__(self, table, writers, probes):
        self.table, self.writers, self.probes = table, writers, probes
        self.judged = {}  # what judge.check_events is told beside

    def settle(self, _):
        if self.table.kind == "postgresql":
            self.table.db = self.table.connect()  # the one before has been ended with its server

    def ids(self):
        return self.table.ids()

    def gone(self):
        """Some deletions failed with their connection."""
        return (self.writers.deleted | self.probes.deleted) - set(self.table.ids())

    def losses(self):
        """Databases lose nothing that was committed."""
        return []

    def count_probes(self):
        cursor = self.table.db.cursor()
        cursor.execute("SELECT count(*) FROM probes")
        return cursor.fetchone()[0]
