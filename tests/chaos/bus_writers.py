# SPDX-License-Identifier: Apache-2.0
"""Producers of messages, as applications are: in transactions, some of which are aborted, and without, where what is sent again after a broken
connection is there twice: it counts once where it has an id (source.dedupe), and twice where it has none."""
import logging
import threading
import time

from confluent_kafka import KafkaException, Producer

from bus import LARGEST, PARTITIONS
from tilewire import RandomEvents, now_iso

TRANSACTIONAL, PLAIN = 4, 2
PAUSE_S = 0.15
SILENCE = logging.Logger("librdkafka")  # of what happens to them; what matters is raised
SILENCE.addHandler(logging.NullHandler())


class Session:
    """What siege.HugeRows writes with: a producer in the form of a database's connection."""

    def __init__(self, writers):
        self.writers, self.producer = writers, writers.producer()

    def cursor(self):
        return self

    def commit(self):
        self.producer.flush(10)

    def close(self):
        pass


class BusWriters:
    """Threads that write from start() to stop(), through a relay."""

    errors = (KafkaException, BufferError)

    def __init__(self, bus, seed):
        self.bus = bus
        self.ending = threading.Event()
        self.deleted = set()
        self.failures = 0
        jobs = [(self.write_transactions, f"writer{i}") for i in range(TRANSACTIONAL)] + [(self.write_plainly, f"plain{i}") for i in range(PLAIN)]
        self.threads = [threading.Thread(target=job, args=(name, RandomEvents(f"{seed} {name}")), daemon=True) for job, name in jobs]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            if thread.is_alive():
                thread.join()

    def producer(self, **options):
        return Producer({"bootstrap.servers": self.bus.addresses["writers"], "linger.ms": 0, "log_level": 0, "message.max.bytes": LARGEST,
                         "reconnect.backoff.max.ms": 500, "socket.timeout.ms": 5000, **options}, logger=SILENCE)

    def connect(self):
        return Session(self)

    def insert(self, session, row):
        session.producer.produce(self.bus.topic_of(row[1]), self.bus.message_of(row), row[3])

    def rows(self, rows):
        """Some, with notes, which are trimmed at any time, and probes, which are counted."""
        r = rows.random
        for _ in range(r.randrange(1, 6)):
            yield rows.next()
            if r.random() < 0.2:
                yield now_iso(), "note.written", "ada", None, "a note", None
            if r.random() < 0.2:
                yield now_iso(), "probe.written", "ada", None, "a probe", None

    # ---- In transactions ----

    def write_transactions(self, name, rows):
        """Whoever comes back by the same name ends the transaction that was left open, so none stays."""
        while True:
            try:
                producer = self.producer(**{"transactional.id": f"chaos-{name}", "transaction.timeout.ms": 20000})
                producer.init_transactions(20)
                while not self.ending.is_set():
                    self.transaction(producer, rows)
                return
            except self.errors:
                self.failures += 1
                time.sleep(0.1)

    def transaction(self, producer, rows):
        r = rows.random
        self.ending.wait(r.expovariate(1 / PAUSE_S))
        slow = r.random() < 0.05
        producer.begin_transaction()
        for row in self.rows(rows):
            producer.produce(self.bus.topic_of(row[1], r), self.bus.message_of(row), row[3])
            producer.poll(0)
            time.sleep(r.uniform(0, 0.5) if slow else r.uniform(0, 0.01))
        if r.random() < 0.15:
            producer.abort_transaction(20)
        else:
            producer.commit_transaction(20)

    # ---- Without ----

    def write_plainly(self, _, rows):
        r = rows.random
        producer = self.producer(**{"acks": "all", "message.timeout.ms": 60000, "request.timeout.ms": 3000})
        while not self.ending.wait(r.expovariate(1 / PAUSE_S)):
            for row in self.rows(rows):
                topic, partition, message = self.bus.topic_of(row[1], r), r.randrange(min(PARTITIONS.values())), self.bus.message_of(row)
                for _ in range(2 if r.random() < 0.3 else 1):  # as one that heard no answer sends it again, to the same partition
                    producer.produce(topic, message, row[3], partition)
            producer.poll(0)
        producer.flush(60)
