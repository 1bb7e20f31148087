#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Copies tiles into an SQLite database: what each is now (`tiles`), and each value that it had (`history`): to_sqlite.py copy.db 'orders.*'

It may be ended and started again at any time. Where changes were left out meanwhile, `history` has a row without a value (`gap`).
"""
import argparse
import asyncio
import json
import sqlite3

import tilewire

SCHEMA = """
CREATE TABLE IF NOT EXISTS tiles (key TEXT PRIMARY KEY, type TEXT, title TEXT, version TEXT, time TEXT, stale INTEGER, data TEXT);
CREATE TABLE IF NOT EXISTS history (key TEXT, version TEXT, time TEXT, gap INTEGER, data TEXT);
CREATE INDEX IF NOT EXISTS history_by_key ON history (key, time);
"""


def put(db, tile):
    """Writes a tile; its history grows by a row if it has another version."""
    known = db.execute("SELECT version FROM tiles WHERE key = ?", (tile["key"],)).fetchone()
    time, data = tile["as_of"]["time"], json.dumps(tile["data"])
    if known is None or known[0] != tile["version"]:
        db.execute("INSERT INTO history VALUES (?, ?, ?, 0, ?)", (tile["key"], tile["version"], time, data))
    db.execute("INSERT OR REPLACE INTO tiles VALUES (?, ?, ?, ?, ?, ?, ?)",
               (tile["key"], tile["type"], tile["title"], tile["version"], time, bool(tile["stale"]), data))


def take(db, item, began):
    """Writes what an item says. began: whether another snapshot came before."""
    match item:
        case tilewire.Snapshot(tiles, gap):
            known = [key for (key,) in db.execute("SELECT key FROM tiles")]
            if gap or (known and not began):
                db.executemany("INSERT INTO history SELECT key, NULL, time, 1, NULL FROM tiles WHERE key = ?", [(key,) for key in known])
            db.executemany("DELETE FROM tiles WHERE key = ?", [(key,) for key in known if key not in tiles])
            for tile in tiles.values():
                put(db, tile)
        case tilewire.Changed(tile):
            put(db, tile)
        case tilewire.Removed(key):
            db.execute("DELETE FROM tiles WHERE key = ?", (key,))


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--publish", default="tcp://127.0.0.1:7411", help="of the cache (default: %(default)s)")
    parser.add_argument("--query", default="tcp://127.0.0.1:7412", help="of the cache (default: %(default)s)")
    parser.add_argument("file")
    parser.add_argument("keys", nargs="?", default="*")
    args = parser.parse_args()

    db = sqlite3.connect(args.file)
    db.execute("PRAGMA journal_mode=WAL")
    db.executescript(SCHEMA)
    began = False
    async with tilewire.Bus(args.publish, args.query) as bus:
        async for item in bus.follow(args.keys):
            with db:  # one transaction for each item
                take(db, item, began)
            began = True


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
