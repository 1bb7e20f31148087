# SPDX-License-Identifier: Apache-2.0
"""Messages that nobody in his right mind sends, and servers that are none."""
import contextlib
import json
import re
import socket
import threading
import time

import pytest

import nats
import redis_streams
import test_check_connect
from kafka import Topics
from test_kafka import COUNT, await_value, order, unusable
from tilewire import wait_until

MIB = 1 << 20
LARGE = order(payload={"text": "x" * (8 * MIB)})  # beyond the 4 MiB that a value may have
MANY = 1000


@contextlib.contextmanager
def kafka_with_room(request):
    topics = Topics(request.getfixturevalue("broker"), **{"max.message.bytes": str(9 * MIB)})
    topics.create()
    topics.connect(**{"message.max.bytes": 9 * MIB})
    topics.send_with_many = lambda value: topics.send(value, headers=[(f"h{i}", b"x") for i in range(MANY)])
    yield topics


@contextlib.contextmanager
def nats_with_room(_):
    with nats.throw_away_server("max_payload: 9MB\n") as server:
        stream = nats.Stream(server)
        stream.create()
        stream.send_with_many = lambda value: stream.send(value, headers=[(f"h{i}", "x") for i in range(MANY)])
        yield stream
        stream.close()


@contextlib.contextmanager
def redis_with_room(_):
    with redis_streams.throw_away_server() as server:
        stream = redis_streams.Stream(server)
        stream.send_with_many = lambda value: stream.send(None, **json.loads(value), **{f"h{i}": "x" for i in range(MANY)})
        yield stream
        stream.close()


@pytest.mark.parametrize("make", [kafka_with_room, nats_with_room, redis_with_room])
def test_messages_of_no_byte_of_many_headers_and_of_too_many_bytes(deploy, request, make):
    """Each is used or passed over, counted, and in nobody's way: when it comes, after a restart, and for verify."""
    with make(request) as bus:
        d = deploy(bus, tiles=COUNT, gateways=1).start()
        bus.send("")
        bus.send(LARGE)
        bus.send_with_many(order())
        bus.send(order())
        await_value(d, 2)
        wait_until(lambda: unusable(d) == 2, what="the two to be counted")
        d.verify()
        d["ingestor"].kill()
        d.start("ingestor")
        bus.send(order())
        await_value(d, 3)
        d.verify()
        d.stop()


class Impostor:
    """Listens where a server is expected, and answers each thing that it is sent with the next of these texts, over and over."""

    def __init__(self, *answers):
        self.answers = answers
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.heard = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.answer, args=(self.socket.accept()[0],), daemon=True).start()

    def answer(self, peer):
        with peer, contextlib.suppress(OSError):
            while peer.recv(65536):
                peer.sendall(self.answers[self.heard % len(self.answers)])
                self.heard += 1


@pytest.fixture
def impostor():
    made = []

    def make(*answers):
        made.append(Impostor(*answers))
        return made[-1]

    yield make
    for one in made:
        one.socket.close()


class Source:
    def __init__(self, uri):
        self.uri = uri


@pytest.mark.parametrize("uri", ["kafka://{}/orders", "nats://{}/ORDERS", "redis://{}/orders"])
def test_a_server_of_something_else(deploy, impostor, uri):
    """The programs say that it is of no use, and the ingestor lives."""
    other = impostor(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", bytes(range(256)) * 8)
    d = deploy(Source(uri.format(other.address)), tiles=COUNT, gateways=0)
    d["ingestor"].start()
    d["ingestor"].await_log("trying again")
    status, texts = test_check_connect.connect(d)
    assert status == 1
    test_check_connect.has(texts, "error", "source", "127.0.0.1")
    assert d["ingestor"].alive()


ABOUT = b"*4\r\n$6\r\nlength\r\n:1\r\n$17\r\nlast-generated-id\r\n$3\r\n1-1\r\n"


@pytest.mark.parametrize("answer", [b"*1\r\n:5\r\n", b"*1\r\n*2\r\n:5\r\n*0\r\n", b"*1\r\n*2\r\n$3\r\n1-1\r\n*-1\r\n", b"*1\r\n*2\r\n$1\r\nx\r\n*0\r\n",
                                    b"*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n:1\r\n", b":5\r\n", b"$2\r\nno\r\n"])
def test_verify_refuses_what_is_no_entry_of_a_stream(deploy, impostor, answer):
    """What stands for a page of a stream of Redis is none; it was read as one, which ended the program with a signal."""
    d = deploy(Source(f"redis://{impostor(ABOUT, answer).address}/orders"), tiles=COUNT, gateways=0)
    result = d.run("verify", "--from", "ingestor", "--timeout", "2s")
    assert result.returncode == 1 and "it answers with what is no entry of a stream" in result.stdout, result


class NoRedis(Impostor):
    """It has a stream, as far as it says so, but what it gives for a page of it is a full one of this."""

    def __init__(self, page):
        super().__init__()
        self.page = page

    def answer(self, peer):
        given = {b"XINFO": ABOUT, b"XREAD": self.page}
        with peer, contextlib.suppress(OSError):
            while data := peer.recv(65536):
                for command in re.findall(rb"\r\n(XINFO|XREAD|XRANGE|XREVRANGE)\r\n", data):
                    self.heard += 1
                    peer.sendall(given.get(command, b"*0\r\n"))


@pytest.mark.parametrize("page", [b"*1\r\n*2\r\n$6\r\norders\r\n*10000\r\n" + b":5\r\n" * 10000, b":5\r\n"], ids=["full", "number"])
def test_a_redis_that_gives_no_entries_is_asked_with_backoff(deploy, page):
    """It was asked for the same page again and again, without a pause and without a word."""
    other = NoRedis(page)
    d = deploy(Source(f"redis://{other.address}/orders"), tiles=COUNT, gateways=0)
    d["ingestor"].start()
    d["ingestor"].await_log("what is no entry of a stream")
    wait_until(lambda: d["ingestor"].log_text().count("does not count the entries") >= 3, what="some tries")
    assert other.heard < 30
    other.socket.close()


class Refusing(Impostor):
    """It hangs up on whoever connects, and remembers when that was."""

    def __init__(self):
        self.came = []
        super().__init__()

    def answer(self, peer):
        self.came.append(time.monotonic())
        peer.close()


@pytest.mark.timing
def test_tries_become_rare_and_not_too_rare(deploy):
    """With backoff, up to 5 s: so long after its return at most is a server found."""
    other = Refusing()
    d = deploy(Source(f"redis://{other.address}/orders"), tiles=COUNT, gateways=0)
    d["ingestor"].start()
    wait_until(lambda: len(other.came) >= 10, what="tries")
    gaps = [later - earlier for earlier, later in zip(other.came, other.came[1:])]
    # Half of the limit at least, and all of it at most: 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5 s.
    assert sum(gaps[:3]) < 2, gaps
    assert all(2.4 <= gap <= 6 for gap in gaps[6:]), gaps
    other.socket.close()
