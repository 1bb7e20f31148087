# SPDX-License-Identifier: Apache-2.0
"""What must hold after a chaos run, as pure functions of what clients saw. Each returns sentences that say what did not."""


MOST_EXCUSED = 0.05  # of all events, those that nobody saw because streams began anew


def before_by_id(committed, order):
    """Those with ids below all that anybody saw."""
    return {i for i in committed if i < min(order)}


def id_of(seen):
    """A client saw the id of an event, or, of one that came again, (id, numbering)."""
    return seen[0] if isinstance(seen, tuple) else seen


def check_events(histories, committed, deleted=frozenset(), unseen=before_by_id, anew=False, excused=None):
    """`histories`: for each client's name its segments, lists of what it saw (id_of) in the order in which they came; a new segment
    begins where the client was told `reset` (or came anew, without an id to resume after). `committed`: the ids in the table.
    `deleted`: ids of rows that were committed and then deleted, which some may have seen, and others not. `unseen`: tells which of the committed
    ones nobody has to have seen, because they came before all of an order, say. `anew`: streams of all clients began anew now and then, so that the
    order is in pieces that nobody can join. `excused`: tells which of those that nobody saw came in the moment before that; a fault that loses
    events is not to hide among them, so they may be few.

    Within a segment each event comes at most once. All segments are pieces of one order, the same for everybody, in which
    no committed event is left out from the first one that anybody saw. An event that came again stands at another place of the order, in each
    numbering at one.
    """
    problems = []
    following = {}  # id → (the one after it, who saw it so)
    firsts = set()
    committed = set(committed)
    for name, segments in histories.items():
        for segment in segments:
            seen = set()
            for i in map(id_of, segment):
                if i in seen:
                    problems.append(f"{name} saw event {i} twice")
                if i not in committed and i not in deleted:
                    problems.append(f"{name} saw event {i}, which is not in the table")
                seen.add(i)
            segment = [i for i in segment if id_of(i) not in deleted]
            if segment:
                firsts.add(segment[0])
            for before, after in zip(segment, segment[1:]):
                other, witness = following.setdefault(before, (after, name))
                if other != after:
                    problems.append(f"after event {before}, {name} saw {after} and {witness} saw {other}")
    if problems or not firsts:
        return problems
    order = longest_order(following, firsts)
    if anew:
        order = order + list(firsts | following.keys() | {after for after, _ in following.values()})
    order = [id_of(i) for i in order]
    missing = committed - set(order) - unseen(committed, order)
    pardoned = excused(missing) if anew and excused is not None else set()
    missing -= pardoned
    if len(pardoned) > MOST_EXCUSED * len(committed):
        problems.append(f"nobody saw {len(pardoned)} of {len(committed)} events, and that streams began anew behind them does not account for so many: "
                        f"{abbreviated(pardoned)}")
    if missing:
        problems.append(f"nobody saw event{'s' if len(missing) > 1 else ''} {abbreviated(missing)}")
    return problems


def longest_order(following, firsts):
    """The chain from the first event that nothing came before: the order in which all were delivered."""
    behind = {after for after, _ in following.values()}
    chains = []
    for i in firsts - behind:
        chain = [i]
        while chain[-1] in following:
            chain.append(following[chain[-1]][0])
        chains.append(chain)
    return max(chains, key=len, default=[])


def check_ends(histories, committed, deleted=frozenset()):
    """Every client is at the end: its last segment ends with the event that was delivered last."""
    histories = {name: [[i for i in map(id_of, segment) if i not in deleted] for segment in segments] for name, segments in histories.items()}
    lasts = {name: segments[-1][-1] for name, segments in histories.items() if segments and segments[-1]}
    empty = [name for name in histories if name not in lasts]
    problems = [f"{name} saw no event at all" for name in empty] if committed else []
    ends = set(lasts.values())
    if len(ends) > 1:
        problems.append("clients stand at different events: " + ", ".join(f"{n} at {i}" for n, i in sorted(lasts.items())))
    return problems


def as_shown(value):
    """JSON has 15 digits of a number, which is what a double can tell apart for sure; MessagePack has all."""
    if isinstance(value, float):
        return float(f"{value:.15g}")
    if isinstance(value, dict):
        return {key: as_shown(member) for key, member in value.items()}
    return [as_shown(member) for member in value] if isinstance(value, list) else value


def check_tiles(name, held, truth):
    """`held` and `truth`: for each key (version, data)."""
    problems = [f"{name} lacks tile {key}" for key in sorted(truth.keys() - held.keys())]
    problems += [f"{name} holds tile {key}, which is gone" for key in sorted(held.keys() - truth.keys())]
    for key in sorted(held.keys() & truth.keys()):
        (version, data), (true_version, true_data) = held[key], truth[key]
        if version != true_version or as_shown(data) != as_shown(true_data):
            problems.append(f"{name} holds {key} as {held[key]}, and the cache as {truth[key]}")
    return problems


def abbreviated(ids, most=10):
    ids = sorted(ids)
    return ", ".join(map(str, ids[:most])) + (f" and {len(ids) - most} more" if len(ids) > most else "")
