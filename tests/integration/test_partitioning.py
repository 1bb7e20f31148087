# SPDX-License-Identifier: Apache-2.0
"""A topic of eight partitions that four ingestors share out, beside one for all else: docs/partitioning.md."""
import json
import signal
import subprocess
import threading

import pytest

from kafka import Topics, throw_away_broker
from tilewire import PATIENCE, now_iso, wait_until

PARTITIONS, OWNERS, CUSTOMERS = 8, 4, 40
TILES = [
    {"key": "spent", "type": "trend", "group_by": "customer", "partition": True, "value": "payload.amount", "aggregate": "sum",
     "step": "1h", "length": 24, "ttl": "2s", "grace": "1h", "max_groups": 200},
    {"key": "orders", "type": "count", "group_by": "customer", "partition": True, "ttl": "2s", "grace": "1h", "max_groups": 200},
    {"key": "all", "type": "count", "ttl": "2s", "grace": "1h"},
]


@pytest.fixture(scope="module")
def broker():
    with throw_away_broker() as made:
        yield made


def share_out(deploy, broker, **source):
    """ingestor has lane 0, that is all that is not partitioned, and the events; part0 to part3 have two partitions each."""
    topics = Topics(broker, partitions=PARTITIONS)
    topics.create()
    config = {"source": {"fields": {"customer": "key"}, "poll_interval": "100ms", **source}, "ingestor": {"partitions": OWNERS}}
    d = deploy(topics, tiles=TILES, config=config)
    upstreams = [d.twin(f"part{i}", "ingestor", own_partitions=[i]) for i in range(OWNERS)]
    d.config["ingestor"]["own_lanes"] = [0]
    d.config["cache"]["upstreams"] = [{"publish": d.addresses[0], "query": d.addresses[1]}, *upstreams]
    d.write()
    return d, topics


@pytest.fixture
def shared(deploy, broker):
    d, topics = share_out(deploy, broker)
    d.start()
    return d, topics


def produce(topics, count, customers=CUSTOMERS):
    """Each customer's messages are in a partition of its own, which the producer's partitioner chooses."""
    for n in range(count):
        value = {"timestamp": now_iso(), "event_type": "order.created", "payload": {"amount": n % 7}}
        topics.producer.produce(topics.names[0], json.dumps(value), f"c{n % customers}")
    assert topics.producer.flush(30) == 0


def folded(d, *names):
    return [d.stats(name)["events_folded"] for name in names]


PARTS = [f"part{i}" for i in range(OWNERS)]


def await_folded(d, count):
    wait_until(lambda: sum(folded(d, *PARTS)) == count and folded(d, "ingestor") == [count], what=f"{count} messages to be folded")


def own_messages(topics):
    ends = [topics.range(topics.names[0], p)[1] for p in range(PARTITIONS)]
    return [sum(ends[i::OWNERS]) for i in range(OWNERS)]


def customers_of(d, part):
    """Those whose messages are in the partitions of that ingestor, which says so itself."""
    return {tile["k"] for tile in d.query({"op": "snapshot"}, part)["tiles"]}


def states(d):
    return {tile["key"]: tile["stale"] for tile in d.get_json("/api/tiles")["tiles"]}


def test_each_ingestor_reads_its_own_partitions_and_no_others(shared):
    d, topics = shared
    produce(topics, 2000)
    await_folded(d, 2000)
    own = own_messages(topics)
    assert folded(d, *PARTS) == own and sum(own) == 2000 and max(own) < 2000
    for i, part in enumerate(PARTS):
        known = {name for name in d.stats(part) if name.startswith("source_lag.")}
        assert known == {f"source_lag.{topics.names[0]}-{p}" for p in (i, i + OWNERS)}
    d.verify()
    members = [customers_of(d, part) for part in PARTS]
    assert sum(len(m) for m in members) == len(set.union(*members)) == 2 * CUSTOMERS
    lanes = {tile["k"]: tile["l"] for tile in d.query({"op": "snapshot"})["tiles"]}
    assert lanes == {"all": 0, **{key: 1 + i for i, m in enumerate(members) for key in m}}
    assert d.stats("ingestor")["events_published"] == 2000 and not any(d.stats(part)["events_published"] for part in PARTS)
    verify = [d.bin / "tilewire", "-c", d.folder / "part2.yaml", "verify", "--from", "ingestor", "--timeout", "30s"]
    result = subprocess.run(verify, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
    assert result.returncode == 0 and f"{len(members[2])} tiles" in result.stdout, result.stdout
    assert d.stats("cache")["tiles_of_two_lanes"] == 0 and d.metric("tiles_of_two_lanes_total") == 0


def test_one_that_dies_stops_its_own_members_until_its_standby_has_them(shared):
    d, topics = shared
    produce(topics, 400)
    await_folded(d, 400)
    d.verify()
    theirs = customers_of(d, "part1")
    d["part1"].kill()
    wait_until(lambda: {key for key, stale in states(d).items() if stale} == theirs, what="its members, and no others, to be stale")
    wait_until(lambda: d.request("/readyz")[0] == 503, what="/readyz to say that a lane is missing")
    produce(topics, 400)
    own = own_messages(topics)
    others = [part for part in PARTS if part != "part1"]
    wait_until(lambda: folded(d, *others) == [own[0], own[2], own[3]], what="the others to go on")
    wait_until(lambda: d.tile("all")["data"]["value"] == 800, what="what is not partitioned to go on")
    assert {key for key, stale in states(d).items() if stale} == theirs
    d.start("part1")
    wait_until(lambda: d.request("/readyz")[0] == 200, what="/readyz to be well again")
    wait_until(lambda: not any(states(d).values()), what="no tile to be stale")
    d.verify()


def test_a_standby_takes_its_partitions_over(deploy, broker):
    d, topics = share_out(deploy, broker)
    d.config["ingestor"].pop("own_lanes")
    d.config["cache"]["upstreams"].append(d.twin("standby", "ingestor", own_partitions=[2]))
    d.config["ingestor"]["own_lanes"] = [0]
    d.write()
    d.start("ingestor", *PARTS)
    d["standby"].start()
    d["standby"].await_log("standing by")
    d.start("cache", "gateway0", "gateway1")
    produce(topics, 400)
    await_folded(d, 400)
    d.verify()
    d["part2"].kill()
    produce(topics, 400)
    wait_until(lambda: d.stats("standby")["lease_valid"] == 1, what="the standby to take over")
    d.verify()
    assert customers_of(d, "standby") and not [name for name in d.stats("standby") if name.startswith("source_lag.") and name[-1] not in "26"]
    wait_until(lambda: d.request("/readyz")[0] == 200, what="/readyz to be well")
    assert d.tile("all")["data"]["value"] == 800


def test_owners_are_killed_under_load_and_their_standbys_go_on(deploy, broker):
    """Each of the four in turn, while messages come, and the one who stood by after it; whoever was killed stands by then."""
    d, topics = share_out(deploy, broker)
    own_lanes = d.config["ingestor"].pop("own_lanes")
    d.config["cache"]["upstreams"] += [d.twin(f"standby{i}", "ingestor", own_partitions=[i]) for i in range(OWNERS)]
    d.config["ingestor"]["own_lanes"] = own_lanes
    d.write()
    standbys = [f"standby{i}" for i in range(OWNERS)]
    d.start("ingestor", *PARTS)
    for name in standbys:
        d[name].start()
        d[name].await_log("standing by")
    d.start("cache", "gateway0", "gateway1")
    sent, stop = [], threading.Event()

    def write():
        while not stop.is_set():
            produce(topics, CUSTOMERS)
            sent.append(CUSTOMERS)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for i in range(OWNERS):
            for victim, heir in ((PARTS[i], standbys[i]), (standbys[i], PARTS[i])):
                d[victim].kill()
                wait_until(lambda heir=heir: d.stats(heir)["lease_valid"] == 1, what=f"{heir} to take over")
                before = d.stats(heir)["events_folded"]
                wait_until(lambda heir=heir, before=before: d.stats(heir)["events_folded"] > before, what=f"{heir} to go on")
                d[victim].start()
                d[victim].await_log("standing by")
    finally:
        stop.set()
        writer.join()
    wait_until(lambda: d.tile("all")["data"]["value"] == sum(sent), what="all messages")
    wait_until(lambda: d.request("/readyz")[0] == 200 and not any(states(d).values()), what="no tile to be stale")
    def orders():
        return [t["data"]["value"] for t in d.get_json("/api/tiles")["tiles"] if t["key"].startswith("orders/")]
    wait_until(lambda: len(orders()) == CUSTOMERS and sum(orders()) == sum(sent), what="each message once in the members")
    d.verify()


def test_events_that_come_twice_count_once_in_each_part(deploy, broker):
    """A producer that retries, before and after the owner of their partitions was killed, and after it ended."""
    d, topics = share_out(deploy, broker, dedupe="payload.event_id")
    d.start()

    def produce_orders(first, count):
        for n in range(first, first + count):
            value = json.dumps({"timestamp": now_iso(), "event_type": "order.created", "payload": {"event_id": f"e{n}", "amount": 1}})
            for _ in range(1 + n % 2):
                topics.producer.produce(topics.names[0], value, f"c{n % CUSTOMERS}")
        assert topics.producer.flush(30) == 0

    def await_orders(each):
        expected = {f"orders/c{c}": each for c in range(CUSTOMERS)} | {"all": each * CUSTOMERS}
        wait_until(lambda: {t["key"]: t["data"]["value"] for t in d.get_json("/api/tiles")["tiles"] if t["key"] == "all" or t["key"].startswith("orders/")}
                   == expected, what=f"{each} of each customer")

    produce_orders(0, 5 * CUSTOMERS)
    await_orders(5)
    for how in (signal.SIGKILL, signal.SIGTERM):
        d["part1"].kill(how)
        produce_orders(0, 5 * CUSTOMERS)  # all of them again
        d.start("part1")
    produce_orders(2 * CUSTOMERS, 5 * CUSTOMERS)
    await_orders(7)
    d.verify()


def test_one_key_in_partitions_of_two_ingestors_is_said(shared):
    """A producer that chooses partitions without the key, or a topic that got more of them."""
    d, topics = shared
    value = json.dumps({"timestamp": now_iso(), "event_type": "order.created", "payload": {"amount": 1}})
    for partition in (0, 1, 1):
        topics.send(value, "c0", partition=partition)
    wait_until(lambda: d.stats("cache")["tiles_of_two_lanes"] > 0 and d.metric("tiles_of_two_lanes_total") > 0, what="it to be counted")
    d["cache"].await_log("another ingestor publishes, too")
    result = d.run("verify", "--timeout", "5s")
    assert result.returncode == 1 and "orders/c0" in result.stdout, result.stdout


def test_one_ingestor_has_all_of_it_and_a_family_may_change_its_lane(deploy, broker):
    topics = Topics(broker, partitions=PARTITIONS)
    topics.create()
    config = {"source": {"fields": {"customer": "key"}}, "ingestor": {"partitions": OWNERS}}
    d = deploy(topics, tiles=TILES, config=config).start()

    def lanes():
        return {tile["k"]: tile["l"] for tile in d.query({"op": "snapshot"})["tiles"]}

    families = [tile["key"] for tile in TILES[:2]]
    members = {f"{key}/c{i}" for key in families for i in range(CUSTOMERS)}
    produce(topics, 400)
    wait_until(lambda: lanes() == {"all": 0, **dict.fromkeys(members, 1)}, what="all members to be on the first lane of partitions")
    d.verify()
    d.config["tiles"][1].pop("partition")
    d.write()
    d["ingestor"].process.send_signal(signal.SIGHUP)
    d["ingestor"].await_log("starting again with the new configuration")
    wait_until(lambda: lanes() == {"all": 0, **{key: int(key.startswith("spent/")) for key in members}}, what="one family to be on the lane of its key")
    produce(topics, 400)
    d.verify()
    assert d.request("/readyz")[0] == 200


def test_a_topic_may_grow_to_another_multiple(shared):
    """New partitions have owners at once, and each key stays with its ingestor, though not in its partition."""
    d, topics = shared
    produce(topics, 200)
    await_folded(d, 200)
    before = own_messages(topics)
    topics.add_partitions(PARTITIONS + OWNERS)
    topics.connect()
    for i, part in enumerate(PARTS):
        wait_until(lambda p=part, n=PARTITIONS + i: f"partition {topics.names[0]}-{n} is new" in d[p].log_text(), what="it to be found")
    assert d["part0"].log_text().count("is new, and is read") == 1
    produce(topics, 200)
    await_folded(d, 400)
    assert any(topics.range(topics.names[0], PARTITIONS + i)[1] for i in range(OWNERS))
    assert folded(d, *PARTS) == [2 * count for count in before]
    d.verify()
    assert d.stats("cache")["tiles_of_two_lanes"] == 0
