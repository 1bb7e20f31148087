# SPDX-License-Identifier: Apache-2.0
"""What the measurements of scripts/bench share: how much is measured, and how runs that took turns are compared."""
import statistics

median = statistics.median


class Size:
    """How much is measured. full: what the targets are about. quick: a look. smoke: does it run at all, without nginx and
    PostgreSQL."""

    def __init__(self, name):
        self.name, self.full, self.smoke = name, name == "full", name == "smoke"

    def of(self, full, quick, smoke):
        return full if self.full else smoke if self.smoke else quick


def turns(rounds, measure, kinds):
    """One of each kind after the other, again and again: {kind: [run…]}."""
    runs = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            runs[kind].append(measure(kind))
    return runs


def middle(runs, what):
    return median(run[what] for run in runs)


def ratio(ours, others, what):
    """Of the two that ran one after the other, the median over the rounds: a machine that becomes slower meanwhile has no say."""
    return median(a[what] / max(b[what], 1e-9) for a, b in zip(ours, others, strict=True))
