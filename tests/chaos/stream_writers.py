# SPDX-License-Identifier: Apache-2.0
"""Producers of a stream, as applications are that know no better: what no answer came to is sent again, as it was."""
import threading
import time

from streams import message_of
from tilewire import RandomEvents, now_iso

THREADS = 5
PAUSE_S = 0.15


class Session:
    """What siege.HugeRows writes with: a connection in the form of a database's."""

    def __init__(self, bus):
        self.sender, self.waiting = bus.sender(bus.relays["writers"]), []

    def cursor(self):
        return self

    def commit(self):
        waiting, self.waiting = self.waiting, []
        self.sender.send(waiting)

    def close(self):
        self.sender.close()


class StreamWriters:
    """Threads that write from start() to stop(), through a relay."""

    def __init__(self, bus, seed, count=THREADS):
        self.bus, self.errors, self.seed = bus, bus.errors, seed
        self.ending, self.failures = threading.Event(), 0
        self.threads = [threading.Thread(target=self.write, args=(f"{seed}.{i}",), daemon=True) for i in range(count)]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            if thread.is_alive():
                thread.join()

    def connect(self):
        return Session(self.bus)

    def insert(self, session, row):
        session.waiting.append((row[1], message_of(row)))

    def write(self, name):
        try:
            self.write_rows(name)
        except Exception as error:  # a thread that dies in silence would make an easy run
            self.bus.broken.append(f"writer {name} ended: {error!r}")
            raise

    def write_rows(self, name):
        rows = RandomEvents(name)
        r, sender, before = rows.random, None, []
        while not self.ending.wait(r.expovariate(1 / PAUSE_S)):
            batch = list(self.batch(name, rows))
            sender = self.send(sender, batch)
            before = (before + batch)[-50:]
            if r.random() < 0.1:
                sender = self.send(sender, r.sample(before, r.randrange(1, 4)))

    def batch(self, name, rows):
        """Pairs of a name and a row. Notes have no name, for they may go before any was read."""
        r = rows.random
        for _ in range(r.randrange(1, 6)):
            yield f"{name}.{rows.count}", rows.next()
            if r.random() < 0.2:
                yield None, (now_iso(), "note.written", "ada", None, "a note", None)
            if r.random() < 0.2:
                yield f"{name}.{rows.count}.probe", (now_iso(), "probe.written", "ada", None, "a probe", None)

    def send(self, sender, batch):
        """Again until it is answered, on a connection of its own if need be; the end of a run waits for that, too."""
        messages, deadline = [(row[1], message_of(row, event)) for event, row in batch], time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                sender = sender or self.bus.sender(self.bus.relays["writers"])
                sender.send(messages)
                self.bus.acknowledged.update(event for event, _ in batch if event is not None)
                return sender
            except self.errors:
                self.failures += 1
                if sender is not None:
                    sender.close()
                sender = None
                time.sleep(0.1)
        return sender
