# SPDX-License-Identifier: Apache-2.0
"""Events tables whose ids do not grow, which are read by source.cursor."""
import uuid

from tilewire import LOADED, Postgres, Sqlite

CURSOR = {"cursor": ["timestamp", "id"]}


class SqliteTexts(Sqlite):
    """Ids that do not grow: UUIDs as text, or as blobs of 16 bytes."""

    source = CURSOR

    def __init__(self, path, journal, blobs=False):
        super().__init__(path, journal)
        self.blobs = blobs

    def create(self):
        super().create()
        self.db.execute("DROP TABLE events")
        self.db.execute(f"CREATE TABLE events (id {'BLOB' if self.blobs else 'TEXT'} PRIMARY KEY, timestamp, event_type TEXT, actor_id TEXT,"
                        " target_id TEXT, summary TEXT, payload TEXT)")
        self.db.execute("CREATE INDEX by_cursor ON events (timestamp, id)")

    def value(self, text):
        return bytes.fromhex(text) if self.blobs else text

    def new_id(self):
        return uuid.uuid4().hex if self.blobs else str(uuid.uuid4())

    def insert(self, rows):
        ids = [self.new_id() for _ in rows]
        self.put([(i, *row) for i, row in zip(ids, rows)])
        return ids[-1]

    def put(self, rows):
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany(f"INSERT INTO events ({LOADED}) VALUES (?,?,?,?,?,?,?)", [(self.value(i), *row) for i, *row in rows])
        self.db.execute("COMMIT")

    def load(self, ids, rows):
        self.put([(i, *rows.next()) for i in ids])

    def ids(self):
        return sorted(row[0].hex() if self.blobs else row[0] for row in self.db.execute("SELECT id FROM events"))


class PostgresTexts(Postgres):
    """Ids that do not grow, of a type that has texts: uuid, text or bytea."""

    source = CURSOR

    def __init__(self, cluster, type="uuid"):
        super().__init__(cluster)
        self.type = type

    def create(self):
        super().create()
        self.execute(f"ALTER TABLE events DROP COLUMN id; ALTER TABLE events ADD COLUMN id {self.type} PRIMARY KEY;"
                     "CREATE INDEX ON events (timestamp, id)")

    def value(self, text):
        return bytes.fromhex(text) if self.type == "bytea" else text

    def new_id(self):
        return uuid.uuid4().hex if self.type == "bytea" else str(uuid.uuid4())

    def insert(self, rows):
        ids = [self.new_id() for _ in rows]
        self.put([(i, *row) for i, row in zip(ids, rows)])
        return ids[-1]

    def put(self, rows, db=None):
        """With another connection: in its transaction, which is left open."""
        import psycopg2.extras
        values = [(self.value(i), *row) for i, *row in rows]
        statement, template = f"INSERT INTO events ({LOADED}) VALUES %s", f"(%s::{self.type},%s,%s,%s,%s,%s,%s)"
        if db is not None:
            psycopg2.extras.execute_values(db.cursor(), statement, values, template, page_size=len(values))
            return
        with self.db, self.db.cursor() as cursor:
            psycopg2.extras.execute_values(cursor, statement, values, template, page_size=len(values))

    def load(self, ids, rows):
        self.put([(i, *rows.next()) for i in ids])

    def ids(self):
        expression = "encode(id, 'hex')" if self.type == "bytea" else "id::text"
        with self.db, self.db.cursor() as cursor:
            cursor.execute(f"SELECT {expression} FROM events")
            return sorted(row[0] for row in cursor.fetchall())
