"""A standby ingestor takes over from one that is killed, stopped, or cut off from its database, and the old one, if it comes
back, has nothing more to say: no event is lost, doubled or reordered."""
import pathlib
import signal
import threading
import time

import msgpack
import pytest
import zmq

from conftest import bin_folder, make_table, writers
from test_crashes import Resuming, Writer, Writers
from tilewire import RandomEvents, wait_until

TAKEN_OVER = 30  # s; deadlines are generous, for the machine may be busy: test_takes_over_within_five_seconds measures


class Listener:
    """Hears all that an ingestor publishes, whoever else does, and goes on hearing when it starts again."""

    def __init__(self, address):
        self.messages = []  # (topic, epoch, sequence, published at (s))
        self.context = zmq.Context()
        self.sub = self.context.socket(zmq.SUB)
        self.sub.rcvhwm = 0
        self.sub.linger = 0
        self.sub.subscribe("")
        self.sub.connect(address)
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        while not self.ending.is_set():
            if self.sub.poll(50):
                topic, header, _ = self.sub.recv_multipart()
                _, epoch, sequence, published = msgpack.unpackb(header)
                self.messages.append((topic.decode(), epoch, sequence, published / 1e6))

    def close(self):
        self.ending.set()
        self.thread.join()
        self.sub.close()
        self.context.term()


@pytest.fixture
def listen():
    made = []

    def make(address):
        made.append(Listener(address))
        return made[-1]

    yield make
    for listener in made:
        listener.close()


@pytest.fixture
def write():
    """On PostgreSQL transactions overlap, and some are rolled back."""
    yield from writers(lambda table: Writers(table, 4) if table.kind == "postgresql" else Writer(table, 41))


def with_standby(d, **config):
    """Adds a standby to the deployment, at the same checkpoint; the cache follows both."""
    d.config["source"]["poll_interval"] = "100ms"
    if d.table.kind == "postgresql":
        d.config["ingestor"]["checkpoint"] = "postgresql"
    first = {"publish": d.addresses[0], "query": d.addresses[1]}
    d.config["cache"]["upstreams"] = [first, d.twin("standby", "ingestor", **config)]
    d.write()
    others = [name for name in d.programs if name != "standby"]
    d["ingestor"].start()
    d["ingestor"].await_log("ready component")
    d["standby"].start()
    d["standby"].await_log("standing by")
    return d.start(*[name for name in others if name != "ingestor"])


def epoch(d, name):
    return d.stats(name)["epoch"]


def check_streams(d, clients, writer):
    """Ends the writing; each client has each event exactly once, all in the same order, and no tile differs."""
    writer.stop()
    expected = d.table.ids()
    for client in clients:
        wait_until(lambda: client.keep_up() or len(client.ids()) >= len(expected), 30, "all events")
        assert client.resets() == 0
        assert client.ids() == clients[0].ids(), "the same order on each gateway"
    assert sorted(clients[0].ids()) == expected, "each event exactly once"
    if d.table.kind == "sqlite":
        assert clients[0].ids() == expected
    assert all(len(client.streams) == 1 for client in clients), "no client had to reconnect"
    d.verify(timeout_s=20)


def stop(program):
    """SIGSTOP; returns the time by which no thread of it runs."""
    program.process.send_signal(signal.SIGSTOP)
    tasks = pathlib.Path(f"/proc/{program.process.pid}/task")
    wait_until(lambda: all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks.iterdir()))
    return time.time()


def await_progress(client, count=100):
    seen = len(client.ids())
    wait_until(lambda: len(client.ids()) > seen + count, TAKEN_OVER, "events that go on")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_table(request, folder):
    yield from make_table(request.param, request, folder)


def test_takes_over_after_kill_9(deploy, any_table, write):
    d = with_standby(deploy(any_table))
    clients = [Resuming(d, 0), Resuming(d, 1)]
    writer = write(any_table)
    await_progress(clients[0])
    before = epoch(d, "ingestor")
    d["ingestor"].kill()
    await_progress(clients[0])
    assert epoch(d, "standby") > before
    d["ingestor"].start()  # comes back as the standby of the other
    d["ingestor"].await_log("standing by")
    d["standby"].kill()
    await_progress(clients[0])
    check_streams(d, clients, writer)


def test_takes_over_from_a_stopped_one_which_falls_silent(deploy, any_table, write, listen):
    """SIGSTOP leaves the old ingestor its locks, connections and sockets, and the belief that no time has passed."""
    d = with_standby(deploy(any_table, config={"ingestor": {"checkpoint_interval": "10ms"}}))  # to stop it in the middle of one
    clients = [Resuming(d, 0), Resuming(d, 1)]
    heard = listen(d.addresses[0])
    writer = write(any_table)
    await_progress(clients[0])
    wait_until(lambda: len(heard.messages) > 100)
    old = epoch(d, "ingestor")
    stopped_at = stop(d["ingestor"])
    await_progress(clients[0])
    assert epoch(d, "standby") > old
    log = len(d["ingestor"].log_text())
    d["ingestor"].process.send_signal(signal.SIGCONT)
    d["ingestor"].await_log("falling silent and standing by", after=log)
    d["ingestor"].await_log("standing by: another ingestor", after=log)
    await_progress(clients[0])
    late = [m for m in heard.messages if m[3] > stopped_at]
    assert not late, "it published after it had been stopped"
    assert all(m[1] == old for m in heard.messages)
    d["standby"].process.send_signal(signal.SIGSTOP)  # and the same the other way round
    await_progress(clients[0])
    assert epoch(d, "ingestor") > old
    d["standby"].process.send_signal(signal.SIGCONT)
    check_streams(d, clients, writer)
    assert d.stats("cache")["event_resets"] == 0


def test_goes_on_after_a_stop_when_nobody_took_over(deploy, any_table, write):
    d = deploy(any_table)
    if any_table.kind == "postgresql":
        d.config["ingestor"]["checkpoint"] = "postgresql"
        d.write()
    d.start()
    clients = [Resuming(d, 0), Resuming(d, 1)]
    writer = write(any_table)
    await_progress(clients[0])
    d["ingestor"].process.send_signal(signal.SIGSTOP)
    wait_until(lambda: d.request("/readyz")[0] == 503, 30, "/readyz to say so")
    d["ingestor"].process.send_signal(signal.SIGCONT)
    await_progress(clients[0])
    wait_until(lambda: d.request("/readyz")[0] == 200, 30, "/readyz to be well again")
    check_streams(d, clients, writer)


def test_a_given_back_lease_is_taken_at_once(deploy, any_table):
    d = with_standby(deploy(any_table))
    rows = RandomEvents(42)
    any_table.insert([rows.next() for _ in range(100)])
    d.verify(timeout_s=20)
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    d["standby"].await_log("ready component")
    d.verify(timeout_s=20)


def test_of_four_ingestors_never_two_publish(deploy, any_table, write, listen):
    """Stopped, woken and killed in turn: by the times at which messages were published, no epoch reaches into the next."""
    d = deploy(any_table, gateways=1)
    d.config["source"]["poll_interval"] = "50ms"
    if any_table.kind == "postgresql":
        d.config["ingestor"]["checkpoint"] = "postgresql"
    names = ["ingestor", "i1", "i2", "i3"]
    d.config["cache"]["upstreams"] = [{"publish": d.addresses[0], "query": d.addresses[1]}]
    d.config["cache"]["upstreams"] += [d.twin(name, "ingestor") for name in names[1:]]
    d.write()
    heard = [listen(upstream["publish"]) for upstream in d.config["cache"]["upstreams"]]
    for name in names:
        d[name].start()
    d.start("cache", "gateway0")
    client = Resuming(d, 0)
    writer = write(any_table)
    await_progress(client)

    def leads(name):
        try:
            return d[name].alive() and d.stats(name)["lease_valid"]
        except zmq.Again:
            return False  # it is still starting

    stopped = None
    for how in (signal.SIGSTOP, signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM):
        victim = wait_until(lambda: next(filter(leads, names), None), TAKEN_OVER, "an ingestor that leads")
        if how == signal.SIGSTOP:
            stop(d[victim])
        else:
            d[victim].kill(how)
        asleep = victim if how == signal.SIGSTOP else None
        names.remove(victim)
        await_progress(client, 50)
        if stopped is not None:
            d[stopped].process.send_signal(signal.SIGCONT)
            names.append(stopped)
        if asleep is None:
            d[victim].start()
            names.append(victim)
        stopped = asleep
    await_progress(client, 50)
    messages = sorted((m for h in heard for m in h.messages), key=lambda m: m[3])
    epochs = [m[1] for m in messages]
    assert epochs == sorted(epochs), "an older epoch was published in while a newer one was under way"
    assert len(set(epochs)) >= 5
    check_streams(d, [client], writer)


# ---- Cut connections: PostgreSQL ----


@pytest.fixture
def roles(postgres_table):
    """Two users, so that one can be kept out of the database."""
    names = [f"{postgres_table.name}_{which}" for which in ("a", "b")]
    for name in names:
        postgres_table.execute(f"CREATE ROLE {name} LOGIN SUPERUSER")
    yield names
    for name in names:
        postgres_table.execute(f"DROP OWNED BY {name} CASCADE")
        postgres_table.execute(f"DROP ROLE {name}")


def uri_of(table, role):
    return table.uri.replace("//tilewire@", f"//{role}@")


def terminate(table, role):
    table.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'")


def test_takes_over_from_one_whose_connections_are_cut(deploy, postgres_table, roles, write, listen):
    """Its connections are ended, and it may not come in again: it lives, and is still heard by the cache."""
    d = deploy(postgres_table, config={"source": {"uri": uri_of(postgres_table, roles[0])}})
    with_standby(d, source={"uri": uri_of(postgres_table, roles[1])})
    clients = [Resuming(d, 0), Resuming(d, 1)]
    heard = listen(d.addresses[0])
    writer = write(postgres_table)
    await_progress(clients[0])
    old = epoch(d, "ingestor")
    postgres_table.execute(f"ALTER ROLE {roles[0]} NOLOGIN")
    terminate(postgres_table, roles[0])
    d["standby"].await_log("ready component", timeout=TAKEN_OVER)
    taken_at = time.time()
    await_progress(clients[0])
    assert d.stats("ingestor")["lease_valid"] == 0
    assert not [m for m in heard.messages if m[3] > taken_at], "it was silent by the time that the other began"
    log = len(d["ingestor"].log_text())
    postgres_table.execute(f"ALTER ROLE {roles[0]} LOGIN")
    d["ingestor"].await_log("standing by: another ingestor", after=log)
    assert epoch(d, "standby") > old
    assert not [m for m in heard.messages if m[1] != old]
    check_streams(d, clients, writer)


def test_connections_that_are_killed_are_made_anew_and_nothing_changes_hands(deploy, postgres_table, roles, write):
    d = deploy(postgres_table, config={"source": {"uri": uri_of(postgres_table, roles[0])}})
    with_standby(d, source={"uri": uri_of(postgres_table, roles[1])})
    clients = [Resuming(d, 0), Resuming(d, 1)]
    writer = write(postgres_table)
    await_progress(clients[0])
    before = epoch(d, "ingestor")
    for _ in range(5):
        failures = d.stats()["source_failures"]
        terminate(postgres_table, roles[0])
        wait_until(lambda: d.stats()["source_failures"] > failures)
        await_progress(clients[0], 20)
    assert epoch(d, "ingestor") == before
    check_streams(d, clients, writer)


@pytest.mark.timing
@pytest.mark.skipif("asan" in str(bin_folder()), reason="times are measured without sanitizers")
def test_takes_over_within_five_seconds_of_a_stop(deploy, any_table):
    """Of a stop, for that takes longest: a holder that died is known to be dead on the same machine."""
    d = with_standby(deploy(any_table))
    stream = d.stream("/api/events/stream")
    rows = RandomEvents(43)
    any_table.insert([rows.next() for _ in range(100)])
    d.verify(timeout_s=20)
    d["ingestor"].process.send_signal(signal.SIGSTOP)
    at = time.monotonic()
    last = any_table.insert([rows.next()])
    took = stream.await_event(lambda e: e["id"] == str(last), 30)["at"] - at
    assert took < 5
    print(f"taken over after {took:.2f} s")
