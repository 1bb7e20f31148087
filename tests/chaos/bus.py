# SPDX-License-Identifier: Apache-2.0
"""Kafka as what a chaos run is about: a broker behind relays, topics that grow and are trimmed, and somebody who reads along and so
knows what was ever committed."""
import json
import random
import socket
import struct
import threading
import time
import uuid

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from anew import Anew
from kafka import Broker, Topics
from tilewire import free_ports

PREFIX = "chaos."
PARTITIONS = {"orders": 3, "work": 2, "notes": 2, "probes": 2}
MOST_PARTITIONS = 8
MOST_TOPICS = 8
LARGEST = 8 << 20  # bytes of a message
TRIMMED = ("note.", "probe.")  # events whose topics forget, of which no copy is told from what it repeats
DELETE_RECORDS = 21  # of Kafka's protocol


def delete_records(port, offsets):
    """As retention does: what lies before the offset of each (topic, partition) is gone. -1: all that is there."""
    def text(value):
        return struct.pack(">h", len(value)) + value.encode()

    topics = {}
    for (topic, partition), offset in offsets.items():
        topics.setdefault(topic, []).append((partition, offset))
    body = struct.pack(">hhi", DELETE_RECORDS, 1, 7) + text("chaos") + struct.pack(">i", len(topics))
    for topic, partitions in topics.items():
        body += text(topic) + struct.pack(">i", len(partitions)) + b"".join(struct.pack(">iq", *p) for p in partitions)
    body += struct.pack(">i", 5000)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        answer = connection.makefile("rb")
        answer.read(struct.unpack(">i", answer.read(4))[0])


class BusProbes:
    """For tiles.Retention: probes, as far as they are known to be counted, in each partition."""

    errors = (OSError, struct.error)

    def __init__(self, d, bus):
        self.d, self.bus = d, bus
        self.counted = {}  # (topic, partition) → offset

    def written(self):
        """When a tile counts all that had been read by others before it was looked at, it counts each of these."""
        witness = self.bus.witness
        read = {p: offset for p, offset in list(witness.next.items()) if p[0] == PREFIX + "probes" and offset > 0}
        count = witness.probes
        tile = (self.d.tiles_of_cache("cache1") or {}).get("probes")
        if tile is not None and tile[1].get("value", 0) >= count:
            self.counted = read
        return self.counted

    def delete(self, offsets):
        if offsets:
            delete_records(self.bus.broker.port, offsets)


class Witness(threading.Thread):
    """Reads all topics as far as they are committed, past the relays."""

    def __init__(self, broker):
        super().__init__(daemon=True)
        self.broker, self.ending = broker, threading.Event()
        self.came = {}  # id → when the broker took it, ms
        self.named, self.copies = set(), set()  # (topic, partition, payload.event_id); ids of messages that say again what one before them said
        self.probes = 0
        self.next = {}  # (topic, partition) → offset
        self.ends = {}  # the same → offset, when the end was last reached there

    def run(self):
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": "witness", "isolation.level": "read_committed",
                             "enable.auto.commit": False, "auto.offset.reset": "earliest", "enable.partition.eof": True, "log_level": 0,
                             "reconnect.backoff.max.ms": 500, "fetch.wait.max.ms": 50})
        look_at = 0.0
        while not self.ending.is_set():
            if time.monotonic() > look_at:
                self.assign_new(consumer)
                look_at = time.monotonic() + 1
            for message in consumer.consume(500, 0.1):
                self.take(message)
        consumer.close()

    def assign_new(self, consumer):
        try:
            topics = consumer.list_topics(timeout=1).topics
        except KafkaException:
            return
        new = [(name, p) for name, topic in topics.items() if name.startswith(PREFIX) for p in topic.partitions if (name, p) not in self.next]
        if new:
            self.next |= dict.fromkeys(new, 0)
            consumer.incremental_assign([TopicPartition(*partition, 0) for partition in new])

    def take(self, message):
        partition = (message.topic(), message.partition())
        if message.error() is None:
            value = json.loads(message.value())
            self.probes += value["event_type"] == "probe.written"  # first: see BusProbes
            self.next[partition] = message.offset() + 1
            name, i = (value.get("payload") or {}).get("event_id"), "{}-{}-{}".format(*partition, message.offset())
            if name is not None and (*partition, name) in self.named:
                self.copies.add(i)
            self.named.add((*partition, name))
            self.came[i] = message.timestamp()[1]
        elif message.error().code() == KafkaError._PARTITION_EOF:
            self.ends[partition] = message.offset()

    def stop(self):
        self.ending.set()
        if self.is_alive():
            self.join()


class Bus(Topics):
    """The topics of a run, which together are its events table."""

    def __init__(self, folder, connections):
        """connections: the names of those that lead through a relay each."""
        self.broker = Broker(folder / "kafka")
        super().__init__(self.broker)
        self.names, self.config = [PREFIX + name for name in PARTITIONS], {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(LARGEST)}
        self.uri, self.source = f"kafka://{self.broker.address}/{PREFIX}*", {"dedupe": "payload.event_id"}
        self.connections, self.addresses, self.lows, self.anew = connections, {}, {}, Anew()
        self.witness = Witness(self.broker)

    def listen_through(self, relays):
        """Starts the broker, which tells each of those who connect to come back through its relay."""
        for name, port in zip(self.connections, free_ports(len(self.connections))):
            relay = relays.add(f"{name}>database", port)
            self.broker.through[port] = relay
            self.addresses[name] = f"127.0.0.1:{relay}"
        self.broker.start()
        for name, partitions in PARTITIONS.items():
            self.partitions = partitions
            self.create([PREFIX + name])
        self.connect(**{"message.max.bytes": LARGEST})
        self.witness.start()

    def uri_of(self, name):
        return f"kafka://{self.addresses[name]}/{PREFIX}*"

    # ---- What is written and read ----

    def topic_of(self, event_type, r=random):
        kind = {"order": "orders", "note": "notes", "probe": "probes"}.get(event_type.split(".")[0], "work")
        extra = self.names[len(PARTITIONS):]
        return r.choice(extra) if extra and kind == "orders" and r.random() < 0.3 else PREFIX + kind

    @staticmethod
    def message_of(row):
        stamp, event, actor, target, summary, payload = row
        value = {"timestamp": stamp, "event_type": event, "actor_id": actor, "target_id": target, "summary": summary}
        if payload is not None:
            name = {} if event.startswith(TRIMMED) else {"event_id": str(uuid.uuid4())}
            value |= {"payload": json.loads(payload) | name}
        return json.dumps(value, ensure_ascii=False)

    def insert(self, rows):
        for row in rows:
            self.producer.produce(self.topic_of(row[1]), self.message_of(row), row[3])
        assert self.producer.flush(30) == 0

    def ids(self):
        """Of the messages that were committed and are there, and of those that say the same the first."""
        return [i for i in list(self.witness.came) if not self.is_gone(i) and i not in self.witness.copies]

    def is_gone(self, message):
        topic, partition, offset = message.rsplit("-", 2)
        return int(offset) < self.lows.get((topic, int(partition)), 0)

    def gone(self):
        """Of all that was ever deleted, whoever saw it."""
        return {f"{topic}-{partition}-{offset}" for (topic, partition), low in self.lows.items() for offset in range(low)}

    def unseen(self, ids, order):
        """Those that came before anybody listened."""
        came = self.witness.came
        begun = min((came[i] for i in order if i in came), default=0) + 2000
        return {i for i in ids if came[i] < begun}

    def excused(self, ids):
        """Those that came not long before it was found out that messages are gone: all streams begin anew then, and what was delivered in the moment
        before may be seen by nobody."""
        return self.anew.excuse(ids, self.witness.came)

    @property
    def judged(self):
        return {"unseen": self.unseen, "anew": bool(self.anew), "excused": self.excused}

    def losses(self):
        """What was committed is what the witness read."""
        return []

    def count_probes(self):
        return self.witness.probes

    def settle(self, d):
        """Nobody writes or deletes any more: waits until all is read that there is."""
        deadline = time.monotonic() + 30
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": "none", "isolation.level": "read_committed", "log_level": 0})
        left = None
        while left != set():
            assert time.monotonic() < deadline, f"the witness did not come to the end of {left}"
            ranges = {p: consumer.get_watermark_offsets(TopicPartition(*p), timeout=10) for p in list(self.witness.next)}
            left = {p for p, (low, high) in ranges.items() if low < high and max(self.witness.next[p], self.witness.ends.get(p, 0)) < high}
            time.sleep(0.05)
        self.lows = {p: low for p, (low, _) in ranges.items()}
        self.anew.settle(d)
        consumer.close()

    # ---- What is done to it ----

    def suffer(self, kind, r):
        """False: it cannot, now or any more."""
        try:
            return {"partition": self.add_partition, "topic": self.add_topic, "trim": self.trim_notes}[kind](r)
        except (KafkaException, OSError):
            return False  # the broker has just gone

    def add_partition(self, r):
        name = r.choice(self.names)
        count = len(self.broker.admin.list_topics(topic=name, timeout=5).topics[name].partitions)
        if count < MOST_PARTITIONS:
            self.add_partitions(count + 1, name)
        return count < MOST_PARTITIONS

    def add_topic(self, _):
        if len(self.names) == MOST_TOPICS:
            return False
        name = f"{PREFIX}extra{len(self.names)}"
        self.create([name])
        self.connect(**{"message.max.bytes": LARGEST})
        self.names.append(name)
        return True

    def trim_notes(self, _):
        """Retention takes all notes that are there, read or not."""
        delete_records(self.broker.port, {p: -1 for p in list(self.witness.next) if p[0] == PREFIX + "notes"})
        return True

    def close(self):
        self.witness.stop()
        super().close()
        self.broker.stop("KILL")
