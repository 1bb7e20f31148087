# SPDX-License-Identifier: Apache-2.0
"""A whole deployment of Tilewire under random faults, and what must hold afterwards. scripts/chaos runs it."""
import argparse
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from texts import PostgresTexts, SqliteTexts  # noqa: E402
from curve import Keys  # noqa: E402
from issuer import Issuer  # noqa: E402
from tilewire import Postgres, Sqlite, now_iso, wait_until  # noqa: E402

import clients  # noqa: E402
import judge  # noqa: E402
import siege  # noqa: E402
import tiles  # noqa: E402
from servers import server_of  # noqa: E402
from whole import BUSES, CACHES, GATEWAYS, INGESTORS, Whole  # noqa: E402
from writers import PostgresWriters, SqliteWriters, Truth  # noqa: E402

SETTLE_S = 30  # until all are in sync again


# ---- Faults ----


class Fault:
    """Something that is done to a target, and undone `after` so many seconds (0: there is nothing to undo)."""

    def __init__(self, at, kind, target, after):
        self.at, self.kind, self.target, self.after = at, kind, target, after
        self.process = None  # that it was done to

    def __str__(self):
        return f"{self.kind} {self.target}" + (f" for {self.after:.1f} s" if self.after else "")


KINDS = {"kill": 28, "end": 8, "stop": 18, "cut": 16, "refuse": 8, "hold": 14, "kill ingestors": 2, "kill caches": 2, "kill all": 1, "tiles": 10}
KINDS_DISK = {"fill": 5}
KINDS_POSTGRES = {"terminate": 8, "restart": 1, "crash": 1}
KINDS_KAFKA = {"restart": 1, "crash": 2, "partition": 4, "topic": 2, "trim": 2}
KINDS_STREAM = {"restart": 2, "crash": 3, "trim": 4}
KINDS_REDIS = KINDS_STREAM | {"lose": 5}
KINDS_SEVERAL = KINDS_POSTGRES | KINDS_STREAM | {"away": 5}
KINDS_OF = {"postgresql": KINDS_POSTGRES, "several": KINDS_SEVERAL, "kafka": KINDS_KAFKA, "redis": KINDS_REDIS, "nats": KINDS_STREAM}


def plan(seconds, seed, kind, disk=False):
    """The faults of a run: the same for the same seed."""
    r = random.Random(seed)
    programs = INGESTORS + CACHES + GATEWAYS
    groups = {"kill ingestors": INGESTORS, "kill caches": CACHES, "kill all": programs}
    links = [f"{a}>{b}" for a, bs in [(c, INGESTORS) for c in CACHES] + [(g, CACHES) for g in GATEWAYS] for b in bs]
    links += [f"clients>{name}" for name in CACHES + GATEWAYS]
    if kind not in ("sqlite", "push"):
        links += [f"{i}>database" for i in INGESTORS]
    if kind == "push":
        links += [f"{g}>{i}" for g in GATEWAYS for i in INGESTORS]
    if kind == "several":
        links += [f"{i}>database.stream" for i in INGESTORS]  # and nothing else of it
    if kind in (*BUSES, "several"):
        links.append("writers>database")
    weights = KINDS | KINDS_OF.get(kind, {}) | (KINDS_DISK if disk else {})
    faults, at = [], r.uniform(0.5, 1.5)
    while at < seconds:
        what = r.choices(list(weights), list(weights.values()))[0]
        if what in groups:
            after = r.uniform(0.05, 3)
            faults += [Fault(at, "kill", name, after) for name in groups[what]]
        elif what in ("tiles", "partition", "topic", "trim"):
            faults.append(Fault(at, what, r.randrange(10**6), 0))
        elif what == "fill":
            faults.append(Fault(at, what, "disk", r.uniform(0.2, 6)))
        elif what in ("kill", "end"):
            faults.append(Fault(at, what, r.choice(programs), r.uniform(0.05, 3)))
        elif what == "stop":
            faults.append(Fault(at, what, r.choice(programs), r.choice([r.uniform(0.05, 1), r.uniform(1, 8)])))
        elif what == "cut":
            faults.append(Fault(at, what, r.choice(links), 0))
        elif what in ("hold", "refuse"):
            faults.append(Fault(at, what, r.choice(links), r.choice([r.uniform(0.1, 1), r.uniform(1, 8)])))
        elif what == "terminate":
            faults.append(Fault(at, what, r.choice(INGESTORS + ["writers"]), 0))
        else:
            faults.append(Fault(at, what, "database", r.uniform(0.1, 3)))
        at += r.expovariate(1 / 0.7)
    return faults


class Wrecker:
    """Does faults to a deployment, and undoes them."""

    def __init__(self, deployment):
        self.d = deployment
        self.problems = []
        self.server = server_of(deployment.table)

    def do(self, fault):
        """False: there was nothing to do it to."""
        if fault.kind in ("terminate", "restart", "crash", "partition", "topic", "trim"):
            return self.server.up() and self.do_to_database(fault)
        if fault.kind == "lose":
            return self.server.up() and self.server.keep_copy()
        if fault.kind == "away":
            return self.d.table.go_away(True)
        if fault.kind == "tiles":
            tiles.change_tiles(self.d, random.Random(fault.target), INGESTORS)
            return True
        if fault.kind == "fill":
            self.d.disk.fill()
            return True
        program = self.d.programs.get(fault.target)
        if program is not None and not program.alive():
            return False
        fault.process = program.process if program is not None else None
        if fault.kind == "kill":
            program.kill()
        elif fault.kind == "end":
            program.process.send_signal(signal.SIGCONT)
            program.process.send_signal(signal.SIGTERM)
        elif fault.kind == "stop":
            program.process.send_signal(signal.SIGSTOP)
        elif fault.kind == "cut":
            self.d.relays.cut(fault.target)
        elif fault.kind == "refuse":
            self.d.relays.refuse(fault.target)
        elif fault.kind == "hold":
            self.d.relays.hold(fault.target)
        return True

    def do_to_database(self, fault):
        if fault.kind == "terminate":
            self.server.terminate("" if fault.target == "writers" else fault.target)
        elif fault.kind in ("restart", "crash"):
            self.server.stop(fault.kind == "crash")
        else:
            return self.d.table.suffer(fault.kind, random.Random(fault.target))
        return True

    def undo(self, fault):
        if fault.kind in ("restart", "crash"):
            self.server.start()
            return
        if fault.kind == "lose":
            self.server.lose()
            return
        if fault.kind in ("hold", "refuse"):
            self.d.relays.release(fault.target)
            return
        if fault.kind == "away":
            self.d.table.go_away(False)
            return
        if fault.kind == "fill":
            self.d.disk.empty()
            return
        program = self.d.programs[fault.target]
        if program.alive() and fault.kind == "end" and program.process is fault.process:
            self.await_end(program)
        if program.alive():
            program.process.send_signal(signal.SIGCONT)
        else:
            self.note_end(program)
            program.start()

    def await_end(self, program):
        try:
            program.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.problems.append(f"{program.name} did not end within 20 s of SIGTERM")
            program.kill()

    def note_end(self, program):
        if program.process.returncode not in (0, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGHUP):
            self.problems.append(f"{program.name} ended with {program.process.returncode}")

    def heal(self):
        if self.server is not None:
            self.server.heal()
        if self.d.table.kind == "several":
            self.d.table.go_away(False)
        self.d.relays.release()
        self.d.disk.empty()
        for program in self.d.programs.values():
            if program.alive():
                program.process.send_signal(signal.SIGCONT)
        for program in self.d.programs.values():
            if not program.alive():
                self.note_end(program)
                program.start()

    def run(self, faults):
        """Does them at their times, and undoes them."""
        begun = time.monotonic()
        todo = [(fault.at, True, fault) for fault in faults]
        while todo:
            todo.sort(key=lambda step: step[0])
            at, doing, fault = todo.pop(0)
            time.sleep(max(0.0, begun + at - time.monotonic()))
            if doing:
                done = self.do(fault)
                print(f"{at:7.1f} s  {fault}{'' if done else ': it is not there'}", flush=True)
                if done and fault.after:
                    todo.append((at + fault.after, False, fault))
            else:
                self.undo(fault)


# ---- The run ----


def start_clients(d, seed):
    """Fifty, of different kinds."""
    gateways, r = [d.entrances[name][0] for name in GATEWAYS], random.Random(seed)
    made = {"events": [], "tiles": [], "copies": [], "scripts": []}
    for i in range(4):
        made["events"].append(clients.WebSocketEvents(f"event socket {i}", gateways, r.random()))
        made["tiles"].append(clients.WebSocketTiles(f"tile socket {i}", gateways, r.random(), form=["full", "patch"][i % 2]))
    for i in range(10):
        made["events"].append(clients.EventStream(f"event stream {i}", gateways, r.random()))
    for i in range(6):
        made["events"].append(clients.EventPolls(f"event polls {i}", gateways, r.random()))
    for i in range(11):
        made["tiles"].append(clients.TileStream(f"tile stream {i}", gateways, r.random(), form=["full", "patch"][i % 2]))
    for i in range(7):
        made["tiles"].append(clients.TilePolls(f"tile polls {i}", gateways, r.random(), wait=[None, "2s"][i % 2]))
    for i in range(4):
        made["copies"].append(clients.Replica(f"replica {i}", *d.entrances[CACHES[i % 2]], r.random()))
    publish, query = zip(*(d.entrances[name] for name in CACHES))
    for i in range(4):
        made["scripts"].append(clients.Subscriber(f"subscriber {i}", publish[i % 2:i % 2 + 1], r.random()) if i < 2
                               else clients.Asker(f"asker {i}", query, r.random()))
    for number, client in enumerate(sum(made.values(), [])):
        client.headers = d.headers_of(client.name, number)
        client.start()
    return made


def differences(d, left):
    """How what clients hold of tiles differs from what the caches do: of those in `left`, (client, key), with what is told of each."""
    truths = [truth for truth in (d.tiles_of_cache(name) for name in CACHES) if truth is not None]
    if not truths:
        return dict.fromkeys(left, "no cache answers")
    held = {client: client.held() for client in {client for client, _ in left}}
    problems = {}
    for client, key in left:
        shown, *true = ({key: tiles[key]} if key in tiles else {} for tiles in (held[client], *truths))
        answers = [judge.check_tiles(client.name, shown, truth) for truth in true]
        if all(answers):
            problems[client, key] = answers[0][0]
    return problems


def await_equal_tiles(d, made, timeout_s):
    """Tiles go on changing with time alone, one with a short window at each row that leaves it. So each tile of each client has to be equal
    once, not all at one moment."""
    every = made["tiles"] + made["copies"]
    deadline = time.monotonic() + timeout_s
    truths = [d.tiles_of_cache(name) or {} for name in CACHES]
    keys = set().union(*truths, *(client.held() for client in every))
    left = {(client, key) for client in every for key in keys}
    while True:
        problems = differences(d, left)
        left = set(problems)
        if not left or time.monotonic() > deadline:
            return list(problems.values())
        time.sleep(0.05)


def check(d, made, truth, early):
    problems, deleted = [], truth.gone() | early
    probes = truth.count_probes(), getattr(truth, "doubtful_probes", 0)
    begun = time.monotonic()
    try:
        wait_until(d.ready, SETTLE_S, "all programs in sync")
        wait_until(lambda: not any(tiles.judge_probes(d, name, *probes) for name in CACHES), SETTLE_S, "all that was written to be read")
    except AssertionError as error:
        problems.append(str(error))
    print(f"all in sync {time.monotonic() - begun:.1f} s after the last fault", flush=True)
    for name in CACHES:
        found = tiles.judge_verify(d.verify_against(name).stdout, getattr(truth, "forgets", False))
        if found is not None:
            problems.append(f"tilewire verify against {name}:\n{found}")
        problems += tiles.judge_probes(d, name, *probes)
    # So that there is an end that all have to reach, also those that were told to start over last.
    before = set(truth.ids())
    d.table.insert([(now_iso(), "note.written", "ada", None, "the last", None)])
    histories = {client.name: client.segments for client in made["events"] + made["copies"]}
    deadline = time.monotonic() + 10
    while True:
        ids = set(truth.ids())
        found = ["the last event is not among those that were written"] if ids <= before else (
            judge.check_ends(histories, ids - early, deleted) or judge.check_events(histories, ids - early, deleted, **truth.judged))
        if not found or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    problems += found
    if hasattr(truth, "anew"):
        print(truth.anew, flush=True)
    problems += truth.losses() + await_equal_tiles(d, made, 45)  # the shortest window is 30 s, and empty then
    for client in sum(made.values(), []):
        problems += client.problems
        if client.connections == 0:
            problems.append(f"{client.name} was never answered")
    return problems


def writers_of(d, table, seed):
    """Who writes, who deletes probes, and what is true in the end."""
    if table.kind == "kafka":
        from bus import BusProbes
        from bus_writers import BusWriters
        return BusWriters(table, seed), BusProbes(d, table), table
    if table.kind == "push":
        from pushed import PushWriters
        from streams import StreamProbes
        table.attach(d)
        return PushWriters(table, seed), StreamProbes(d, table), table
    if table.kind in ("redis", "nats"):
        from stream_writers import StreamWriters
        from streams import StreamProbes
        return StreamWriters(table, seed), StreamProbes(d, table), table
    if table.kind == "several":
        from several import SeveralProbes, SeveralTruth, SeveralWriters
        writers = SeveralWriters(table, seed)
        probes = SeveralProbes(d, table, writers)
        return writers, probes, SeveralTruth(table, writers, probes)
    writers = (PostgresWriters if table.kind == "postgresql" else SqliteWriters)(table, seed)
    probes = tiles.TableProbes(writers.connect, writers.errors)
    return writers, probes, Truth(table, writers, probes)


def begin(d, table, truth, hostile):
    """Starts all; the ids of rows that came before anybody listened."""
    if hostile and table.kind != "push":
        table.insert(siege.rows_of_many_types())
    d.start_whole()
    if hostile and table.kind == "push":
        table.insert(siege.rows_of_many_types())
    return set(truth.ids()) if hostile else set()


def run(arguments, folder, table):
    issuer = Issuer(folder) if arguments.auth else None
    keys = Keys(arguments.bin, folder) if arguments.curve else None
    if keys is not None and table.kind == "push":
        keys.allow("gateway", "push")
    d = Whole(folder, table, arguments.bin, arguments.lanes, issuer, keys, arguments.previous)
    calm_s = min(20.0, arguments.seconds / 3) if arguments.hostile else 0.0
    # The order over partitions is what the journal says: on a full disk it is lost by design, and streams begin anew.
    on_disk = d.disk.mounted and table.kind == "sqlite"
    if table.kind == "sqlite" and not on_disk:
        print("no disk fills up: that takes a file system of its own, which root alone can mount", flush=True)
    faults = plan(arguments.seconds - calm_s, arguments.seed, table.kind, on_disk)
    writers, probes, truth = writers_of(d, table, arguments.seed)
    retention = tiles.Retention(d, probes, INGESTORS)
    made, wrecker, hostile, early = {}, Wrecker(d), None, set()
    try:
        early = begin(d, table, truth, arguments.hostile)
        made = start_clients(d, arguments.seed)
        writers.start()
        retention.start()
        if arguments.hostile:
            hostile = siege.Siege(d, writers, arguments.seed).begin()
            wrecker.problems += siege.measure(d, calm_s)
        wrecker.run(faults)
        if hostile is not None:
            wrecker.problems += hostile.end()
        wrecker.heal()
        retention.stop()
        writers.stop()
        truth.settle(d)
        problems = check(d, made, truth, early)
        deleted, events = len(truth.gone()), len(truth.ids())
    finally:
        if hostile is not None:
            hostile.end()
        retention.stop()
        writers.stop()
        for client in sum(made.values(), []):
            client.stop()
        ended = d.close()
    problems += wrecker.problems + ended
    everybody = sum(made.values(), [])
    resets = ", ".join(f"{client.name} {client.resets}" for client in made["events"] + made["copies"] if client.resets) or "none"
    print(f"{len(faults)} faults, {events} events and {deleted} deleted ones, {len(everybody)} clients, which were answered "
          f"{sum(client.connections for client in everybody)} times; resets of event clients: {resets}", flush=True)
    return problems, d


def make_table(source, folder, cluster=None):
    if source == "kafka":
        from bus import Bus  # whose library others need not have
        return Bus(folder, [*INGESTORS, "writers"])
    if source.startswith("push"):
        from pushed import PushBus
        return PushBus(folder, keep=source == "push-keep")
    if source in ("redis", "nats"):
        from streams import NatsBus, RedisBus
        return (RedisBus if source == "redis" else NatsBus)(folder, [*INGESTORS, "writers"])
    if source == "several":
        from several import Several
        return Several(make_table("sqlite", folder), make_table("postgresql", folder, cluster), make_table("nats", folder))
    texts = source.endswith("-texts")
    if cluster is not None:
        table = (PostgresTexts if texts else Postgres)(cluster)
    else:
        table = (SqliteTexts if texts else Sqlite)(folder / "events.db", "wal")
    table.create()
    table.execute("CREATE TABLE probes (n " + ("text" if texts else "bigint") + ")")
    if cluster is not None:
        table.execute(f"ALTER DATABASE {table.name} SET idle_in_transaction_session_timeout = 0")
    return table


def main():
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long faults are made (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="the same seed makes the same faults; without, a random one")
    parser.add_argument("--source", choices=["sqlite", "postgresql", "sqlite-texts", "postgresql-texts", "several", *BUSES, "push", "push-keep"],
                        default="postgresql",
                        help="-texts: ids are UUIDs, read by source.cursor; several: a SQLite file, a PostgreSQL database and a stream of NATS "
                             "at once; push-keep: of what is pushed, events are deleted after 20 s")
    parser.add_argument("--lanes", type=int, default=1)
    parser.add_argument("--hostile", action="store_true",
                        help="with hostile clients of every kind: others are answered within 50 ms (p99), and memory stays within its bounds. "
                             "Both are measured in the first third, at most 20 s, in which there are no faults")
    parser.add_argument("--auth", action="store_true", help="gateways ask for tokens; hostile clients have some, too, and forge others")
    parser.add_argument("--curve", action="store_true", help="each program has a pair of keys, and lets in only whom it knows")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "dev" / "bin", help=argparse.SUPPRESS)
    parser.add_argument("--previous", type=pathlib.Path, metavar="FOLDER",
                        help="programs of an older release: each cache and gateway is one of these and one of this release, in turns, from start to start")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs even if all held")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(10**6)
    print(f"seed {arguments.seed}, {arguments.seconds:.0f} s on {arguments.source}", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tilewire-chaos-"))
    folder.chmod(0o755)
    cluster, table = None, None
    try:
        if arguments.source.startswith("postgresql") or arguments.source == "several":
            cluster = Postgres.start_server(ROOT / "scripts" / "postgres", folder / "postgres")
        table = make_table(arguments.source, folder, cluster)
        problems, _ = run(arguments, folder, table)
    finally:
        if table is not None:
            table.close()
        if cluster is not None:
            subprocess.run([ROOT / "scripts" / "postgres", "stop", folder / "postgres", "immediate"], check=False)
    if problems or arguments.keep:
        print(f"logs are in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    for problem in problems[:40]:
        print(problem[:2000])
    again = f"scripts/chaos --seconds {arguments.seconds:.0f} --seed {arguments.seed} --source {arguments.source}"
    again += " --hostile" * arguments.hostile + " --auth" * arguments.auth + " --curve" * arguments.curve
    print(f"failed: {len(problems)} things did not hold. Again: {again}" if problems else f"all held (seed {arguments.seed})")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
