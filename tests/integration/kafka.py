# SPDX-License-Identifier: Apache-2.0
"""A real Kafka, and topics of it as events tables."""
import contextlib
import fcntl
import functools
import json
import os
import pathlib
import pickle
import shutil
import subprocess
import tempfile
import time

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from certificates import certificate
from tilewire import free_ports

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "kafka"


class Broker:
    def __init__(self, path, first=None):
        """first: that of the cluster, which this one joins."""
        self.path, self.first = path, first
        self.port, self.sasl_port, self.controller_port = free_ports(3)
        self.address = f"127.0.0.1:{self.port}"
        self.other = None  # one that joined it
        self.through = {}  # further ports that it listens on → the port at which a relay to it listens
        self.tls = None  # the ports with TLS, without and with a user, and a file with key and certificate for localhost; the latter is in cert.pem, too
        self.mtls = None  # the port with TLS for those that have a certificate that it knows, and a file with these

    def command(self):
        if self.first is not None:
            return [SCRIPT, "join", self.path, str(self.port), self.first.path]
        return [SCRIPT, "start", self.path, str(self.port), str(self.sasl_port), *(f"{port}={relay}" for port, relay in self.through.items())]

    def start(self):
        environment = {**os.environ, "KAFKA_CONTROLLER_PORT": str(self.controller_port)}
        if self.tls is not None:
            environment["KAFKA_TLS"] = " ".join(map(str, self.tls))
        if self.mtls is not None:
            environment["KAFKA_MTLS"] = " ".join(map(str, self.mtls))
        subprocess.run(self.command(), check=True, stdout=subprocess.DEVNULL, env=environment)

    @contextlib.contextmanager
    def second(self):
        """One more broker of its cluster, which has what it had the last time."""
        self.other = self.other or Broker(self.path / "second", self)
        self.other.start()
        yield self.other
        self.other.stop("KILL")

    def stop(self, signal="TERM"):
        subprocess.run([SCRIPT, "stop", self.path, signal], check=True)

    @functools.cached_property
    def admin(self):
        return AdminClient({"bootstrap.servers": self.address, "log_level": 0})


@contextlib.contextmanager
def throw_away_broker():
    path = pathlib.Path(tempfile.mkdtemp(prefix="tilewire-kafka-"))
    broker = Broker(path)
    broker.start()
    yield broker
    broker.stop("KILL")
    shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def shared_broker(folder):
    """The broker of all workers of a run, for a JVM is what most of a test's time would be spent on: whoever needs it first starts it.
    It is stopped by stop_shared_broker, once all have ended."""
    with (folder / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = folder / "kafka.pickle"
        if not kept.exists():
            path = folder / "kafka"
            path.mkdir()
            broker = Broker(path)
            key, cert = certificate(path)
            pem = path / "both.pem"
            pem.write_text(key.read_text() + cert.read_text())
            broker.tls = (*free_ports(2), pem)
            (path / "client").mkdir()
            broker.mtls = (*free_ports(1), certificate(path / "client")[1])  # its key is beside it
            broker.start()
            kept.write_bytes(pickle.dumps(broker))
    yield pickle.loads(kept.read_bytes())


def stop_shared_broker(folder):
    if (folder / "kafka").exists():
        subprocess.run([SCRIPT, "stop", folder / "kafka", "KILL"], check=False)


def done(futures):
    for future in futures.values():
        future.result(30)


class Topics:
    """Topics of a broker, which the tests write to as they write to a table."""

    kind = "kafka"
    serial = 0

    def __init__(self, broker, partitions=3, names=1, replicas=1, **config):
        Topics.serial += 1
        self.broker, self.partitions, self.replicas, self.config = broker, partitions, replicas, config
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")  # with whom others share the broker
        self.names = [f"{worker}t{Topics.serial}.{'abc'[i]}" for i in range(names)]
        self.uri = f"kafka://{broker.address}/{','.join(self.names)}"
        self.producer = None
        self.produced = 0

    def create(self, names=None):
        done(self.broker.admin.create_topics([NewTopic(n, self.partitions, self.replicas, config=self.config) for n in names or self.names]))
        self.connect()

    def connect(self, **options):
        self.producer = Producer({"bootstrap.servers": self.broker.address, "linger.ms": 0, "log_level": 0, **options})

    def drop(self, name):
        done(self.broker.admin.delete_topics([name]))
        deadline = time.monotonic() + 30
        while name in self.broker.admin.list_topics(timeout=10).topics and time.monotonic() < deadline:
            pass

    def add_partitions(self, count, name=None):
        done(self.broker.admin.create_partitions([NewPartitions(name or self.names[0], count)]))

    def configure(self, name, **config):
        done(self.broker.admin.alter_configs([ConfigResource("topic", name, set_config=config)]))

    def send(self, value, key=None, name=None, partition=None, **options):
        """One message, which is on the broker when this returns."""
        where = {} if partition is None else {"partition": partition}
        self.producer.produce(name or self.names[0], value, key, **where, **options)
        assert self.producer.flush(30) == 0

    def insert(self, rows):
        """Rows as a table has them, spread over the topics and their partitions."""
        for stamp, event, actor, target, summary, payload in rows:
            self.produced += 1
            value = {"timestamp": stamp, "event_type": event, "actor_id": actor, "target_id": target, "summary": summary}
            if payload is not None:
                value["payload"] = json.loads(payload)
            self.producer.produce(self.names[self.produced % len(self.names)], json.dumps(value), target)
        assert self.producer.flush(30) == 0

    def range(self, name, partition):
        from confluent_kafka import Consumer, TopicPartition
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": "none", "log_level": 0})
        found = consumer.get_watermark_offsets(TopicPartition(name, partition), timeout=10)
        consumer.close()
        return found

    def offsets(self, partition=0):
        """Of the messages that are still there in a partition of the first topic."""
        from confluent_kafka import Consumer, KafkaError, TopicPartition
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": "none", "enable.partition.eof": True, "log_level": 0})
        consumer.assign([TopicPartition(self.names[0], partition, 0)])
        found = []
        while (message := consumer.poll(30)) is not None and message.error() is None:
            found.append(message.offset())
        assert message is not None and message.error().code() == KafkaError._PARTITION_EOF
        consumer.close()
        return found

    def ids(self):
        """Of all messages that are there."""
        topics = self.broker.admin.list_topics(timeout=10).topics
        return [f"{name}-{p}-{offset}" for name in self.names if name in topics for p in topics[name].partitions
                for offset in range(*self.range(name, p))]

    def close(self):
        self.producer = None
