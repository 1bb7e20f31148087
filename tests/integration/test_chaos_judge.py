# SPDX-License-Identifier: Apache-2.0
"""What judges a chaos run can itself be wrong: each kind of failure has to be found."""
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))

from chaos import KINDS, KINDS_POSTGRES, plan
from clients import TileStream, merge, number, reached
from judge import check_ends, check_events, check_tiles
from siege import BUDGETS_MIB, BUS_MIB, P99_MS, judge_latency, judge_memory
from tiles import judge_probes, judge_verify

COMMITTED = [1, 2, 3, 4, 5, 6]
ORDER = [1, 2, 4, 5, 3, 6]  # 3 committed late


def test_pieces_of_one_order_are_fine():
    assert check_events({"a": [ORDER], "b": [[4, 5, 3, 6]], "c": [[1, 2], [3, 6]], "d": [[]]}, COMMITTED) == []
    assert check_ends({"a": [ORDER], "b": [[1, 2], [3, 6]]}, COMMITTED) == []


def test_what_came_before_anybody_listened_may_be_missing():
    assert check_events({"a": [[4, 5, 6]]}, COMMITTED) == []


@pytest.mark.parametrize("segments, said", [
    ([[1, 2, 4, 4, 5, 3, 6]], "twice"),
    ([[1, 2, 4, 5, 3, 6, 2]], "twice"),
    ([[1, 2, 5, 3, 6]], "after event 2"),  # 4 is missing
    ([[1, 2, 3, 4, 5, 6]], "after event 2"),  # another order
    ([[1, 2, 4, 5, 3, 6, 7]], "not in the table"),
])
def test_what_one_client_saw_differently_is_found(segments, said):
    problems = check_events({"right": [ORDER], "wrong": segments}, COMMITTED)
    assert problems and said in problems[0]


def test_rows_that_were_deleted_may_have_been_seen_or_not():
    seen, unseen = [1, 2, 4, 9, 5, 3, 6, 8], ORDER
    assert check_events({"a": [seen], "b": [unseen]}, COMMITTED, {8, 9}) == check_ends({"a": [seen], "b": [unseen]}, COMMITTED, {8, 9}) == []
    assert "not in the table" in check_events({"a": [seen], "b": [unseen]}, COMMITTED, {8})[0]
    assert "twice" in check_events({"a": [seen + [9]]}, COMMITTED, {8, 9})[0]
    assert "after event 4" in check_events({"a": [seen], "b": [[1, 2, 4, 9, 3, 6]]}, COMMITTED, {8, 9})[0]


def test_what_nobody_saw_is_found():
    assert "nobody saw event 4" in check_events({"a": [[1, 2, 5, 3, 6]], "b": [[2, 5, 3, 6]]}, COMMITTED)[0]
    assert "nobody saw events 3, 6" in check_events({"a": [[1, 2, 4, 5]]}, COMMITTED)[0]


def test_what_nobody_saw_is_found_also_where_all_streams_began_anew():
    pieces = {"a": [[1, 2, 4], [5, 3, 6]], "b": [[1, 2, 4], [3, 6]]}
    assert "nobody saw" in check_events(pieces, COMMITTED)[0], "nobody saw 5 behind 4"
    assert check_events(pieces, COMMITTED, anew=True) == []
    assert "nobody saw event 4" in check_events({"a": [[1, 2], [5, 3, 6]]}, COMMITTED, anew=True)[0]
    assert check_events({"a": [[1, 2], [5, 3, 6]]}, COMMITTED, anew=True, unseen=lambda *_: {4}) == []
    assert "after event 5" in check_events({"a": [[1, 2, 4], [5, 3]], "b": [[5, 6]]}, COMMITTED, anew=True)[0]


def test_events_that_came_again_are_of_another_order():
    before, again = [1, 2, 4], [(2, 77), (4, 77), (3, 77), 5, 6]
    right = {"a": [before, again], "b": [[1, 2], again[1:]]}
    assert check_events(right, COMMITTED, anew=True) == check_ends(right, COMMITTED) == []
    assert "twice" in check_events({"a": [before + again]}, COMMITTED, anew=True)[0], "not told that they come again"
    assert "after event" in check_events(right | {"c": [[(2, 77), (3, 77)]]}, COMMITTED, anew=True)[0], "in another order than others"
    assert check_events(right | {"c": [[(2, 88), (3, 88)]]}, COMMITTED, anew=True) == []
    assert "nobody saw event 3" in check_events({"a": [before, [(2, 77), (4, 77), 5, 6]]}, COMMITTED, anew=True)[0]
    assert "not in the table" in check_events({"a": [[1, (9, 77)]]}, COMMITTED, anew=True)[0]
    assert check_events({"a": [[1, (9, 77)]]}, [1], {9}) == []


def test_who_stands_behind_is_found():
    assert "different events" in check_ends({"a": [ORDER], "b": [ORDER[:-1]]}, COMMITTED)[0]
    assert "no event at all" in check_ends({"a": [ORDER], "b": [[]]}, COMMITTED)[0]


def test_tiles_that_differ_are_found():
    truth = {"a": ((1, 5), {"value": 3}), "b": ((1, 6), {"value": 0.1 + 0.2})}
    assert check_tiles("x", {"a": ((1, 5), {"value": 3}), "b": ((1, 6), {"value": 0.3})}, truth) == []
    assert "lacks tile b" in check_tiles("x", {"a": truth["a"]}, truth)[0]
    assert "which is gone" in check_tiles("x", truth | {"c": ((1, 1), {})}, truth)[0]
    assert check_tiles("x", truth | {"a": ((1, 4), {"value": 3})}, truth)
    assert check_tiles("x", truth | {"a": ((1, 5), {"value": 4})}, truth)


def test_clients_merge_and_compare_as_the_protocol_says():
    assert merge({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"c": None, "e": 3}, "d": [2]}) == {"a": {"b": 1, "e": 3}, "d": [2]}
    assert number("1k-z") < number("1k-10") < number("1l-1")


def test_patches_of_tiles_that_are_not_held_are_found_unless_they_are_old():
    assert reached("1-5_-z_2-1") == (2, 1) and reached("1-5_-z") == (1, 35) and reached(None) == (0, 0)
    client = TileStream("client", [], 1, form="patch")
    client.last_id = "1-5"
    client.connected()
    patch = {"key": "a", "base": "1-4", "patch": {}}
    client.take("patch", "1-5", patch | {"version": "1-5"})
    assert client.problems == []
    client.take("patch", "1-6", patch | {"version": "1-6"})
    assert len(client.problems) == 1


@pytest.mark.parametrize("lost, came, good", [
    (3, 3, True),  # all of them in the moment before streams began anew
    (3, 2, False),  # one at another time
    (30, 30, False),  # too many to be of that moment
])
def test_what_nobody_saw_since_streams_began_anew_is_excused_within_bounds(lost, came, good):
    committed = set(range(200))
    segments = [list(range(100 - lost)), list(range(100, 200))]
    excused = set(range(100 - came, 100))
    said = check_events({"right": segments}, committed, anew=True, excused=lambda ids: ids & excused)
    assert (said == []) == good
    assert check_events({"right": segments}, committed, anew=True) != []


def test_a_seed_makes_the_same_faults():
    def told(seed):
        return [(f"{fault.at:.3f}", str(fault)) for fault in plan(60, seed, "postgresql")]

    assert told(5) == told(5) != told(6)
    kinds = {line.split()[0] for _, line in told(5)} | {line.split()[0] for _, line in told(6)}
    assert {"kill", "end", "stop", "cut", "refuse", "hold", "terminate"} <= kinds <= {name.split()[0] for name in KINDS | KINDS_POSTGRES}


class OneTile:
    def __init__(self, value):
        self.value = value

    def tiles_of_cache(self, name):
        return {"probes": ((1, 1), {"value": self.value})} if self.value is not None else None


@pytest.mark.parametrize("value, good", [(7, True), (6, False), (8, False), (None, False)])
def test_probes_are_counted_exactly(value, good):
    assert (judge_probes(OneTile(value), "cache1", 7) == []) == good


@pytest.mark.parametrize("output, good", [
    ('{"wrong":[],"unprovable":[{"key":"probes"}]}', True),
    ('{"wrong":[],"unprovable":[{"key":"orders.ever"}]}', False),  # no row of it was deleted
    ('{"wrong":[{"key":"probes"}],"unprovable":[]}', False),
    ("verify: cannot connect", False),
])
def test_only_what_probes_made_may_be_unprovable(output, good):
    assert (judge_verify(output) is None) == good


@pytest.mark.parametrize("times, said", [
    ([1.0] * 990 + [P99_MS + 1.0] * 10, None),  # 1 in 100 may take longer
    ([1.0] * 989 + [P99_MS + 1.0] * 11, "p99"),
    ([1.0] * 10, "10 times only"),
    ([], "0 times only"),
])
def test_who_is_not_answered_in_time_is_found(times, said):
    problems = judge_latency({"gateway1": [1.0] * 100, "gateway2": times})
    assert (problems == []) == (said is None) and all("gateway2" in problem and said in problem for problem in problems)


def test_memory_beyond_the_budgets_is_found():
    most = {f"{kind}1": mib for kind, mib in BUDGETS_MIB.items()}
    assert judge_memory(most, "sqlite") == []
    assert ["cache1 took" in problem for problem in judge_memory(most | {"cache1": BUDGETS_MIB["cache"] + 1}, "kafka")] == [True]
    more = most | {"ingestor1": BUDGETS_MIB["ingestor"] + BUS_MIB["kafka"]}
    assert judge_memory(more, "kafka") == [] and len(judge_memory(more, "sqlite")) == 1


# ---- What a producer sent again, and what retention took ----


class Recorded:
    """A stream whose server is a list of pairs: what an entry's payload says it is called, or None, and its type."""

    def __new__(cls, said, removed=(), there=(), lost=()):
        streams = pytest.importorskip("streams")
        bus = object.__new__(streams.StreamBus)
        bus.entries = {i: streams.Entry(json.dumps({"event_type": kind, "payload": {"event_id": name}}), i) for i, (name, kind) in enumerate(said)}
        bus.removed, bus.there, bus.acknowledged, bus.broken, bus.anew, bus.lost = {*removed, *lost}, set(there), {"a"}, [], [], set(lost)
        bus.read_along, bus.present = lambda: None, lambda: bus.entries.keys() - bus.removed
        return bus


def test_of_copies_the_first_counts_though_it_may_be_gone():
    said = [("a", "x"), (None, "note.written"), ("a", "x"), ("b", "probe.written"), (None, "note.written"), ("b", "probe.written")]
    bus = Recorded(said, removed=[0, 1, 3], there=[3])
    assert sorted(bus.ids()) == [3, 4]
    assert bus.gone() == {0, 1}
    assert bus.count_probes() == 1
    assert bus.losses() == []


def test_of_what_a_server_lost_nobody_knows_whether_it_was_read():
    """Nor, if it was not, whether it is a copy that counts."""
    said = [("a", "x"), ("b", "probe.written"), ("a", "x"), ("c", "x"), ("b", "probe.written"), ("c", "x")]
    bus = Recorded(said, lost=[0, 1])
    assert bus.ids() == [3] and bus.gone() == {0, 1, 2, 4}
    assert bus.forgets and bus.count_probes() == bus.doubtful_probes == 1
    assert bus.losses() == []


def test_a_server_that_lost_what_it_acknowledged_is_told():
    bus = Recorded([("b", "x")])
    assert "lost 1" in bus.losses()[0]


def test_where_rows_of_all_kinds_are_gone_nothing_may_be_wrong():
    tile = {"key": "orders", "verdict": "unprovable"}
    assert judge_verify(json.dumps({"wrong": [], "unprovable": [tile]}), forgets=True) is None
    assert judge_verify(json.dumps({"wrong": [], "unprovable": [tile]})) is not None
    assert judge_verify(json.dumps({"wrong": [tile], "unprovable": []}), forgets=True) is not None
