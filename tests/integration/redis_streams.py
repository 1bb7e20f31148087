# SPDX-License-Identifier: Apache-2.0
"""A real Redis, and streams of it as events tables."""
import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile

import redis

from tilewire import free_ports

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "redis"


class Server:
    def __init__(self, **options):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="tilewire-redis-"))
        self.port, = free_ports(1)
        self.address = f"127.0.0.1:{self.port}"
        self.options = options

    def start(self, **more):
        options = [str(x) for name, value in {**self.options, **more}.items() for x in (name.replace("_", "-"), value)]
        subprocess.run([SCRIPT, "start", self.path, str(self.port), *options], check=True, stdout=subprocess.DEVNULL)

    def stop(self, signal="TERM"):
        subprocess.run([SCRIPT, "stop", self.path, signal], check=True)

    def client(self, **options):
        return redis.Redis("127.0.0.1", self.port, decode_responses=True, **options)


@contextlib.contextmanager
def throw_away_server(**options):
    server = Server(**options)
    try:
        server.start()
        yield server
    finally:
        server.stop("KILL")
        shutil.rmtree(server.path, ignore_errors=True)


class Stream:
    """A stream, which the tests write to as they write to a table."""

    kind = "redis"
    serial = 0

    def __init__(self, server, database=0):
        Stream.serial += 1
        self.server, self.database = server, database
        self.name = f"stream:{Stream.serial}"
        self.uri = f"redis://{server.address}/{self.name}"
        if database:
            self.source = {"redis": {"database": database}}
        self.connect()

    def connect(self):
        self.redis = self.server.client(db=self.database)

    def send(self, value, field="data", id="*", **fields):
        """One entry, which is in Redis when this returns; its id."""
        return self.redis.xadd(self.name, {field: value, **fields} if value is not None else fields, id)

    def insert(self, rows):
        """Rows as a table has them: each second one in one field, the others as fields of their own."""
        pipe = self.redis.pipeline(transaction=False)
        for i, (stamp, event, actor, target, summary, payload) in enumerate(rows):
            value = {"timestamp": stamp, "event_type": event, "actor_id": actor, "target_id": target, "summary": summary}
            if i % 2:
                pipe.xadd(self.name, {k: v for k, v in {**value, "payload": payload}.items() if v is not None})
            else:
                pipe.xadd(self.name, {"data": json.dumps({**value, **({"payload": json.loads(payload)} if payload is not None else {})})})
        pipe.execute()

    def ids(self):
        """Of all entries that are there."""
        return [entry for entry, _ in self.redis.xrange(self.name)]

    def close(self):
        self.redis.close()
