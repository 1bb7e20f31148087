# SPDX-License-Identifier: Apache-2.0
"""What scripts/bench --compare does: two builds take turns at the same measurements, and what differs by more than chance is told.

    turn 1   old new       figures of a turn are compared with each other, so that a machine that becomes slower
    turn 2   new old       meanwhile has no say; who is first changes, so that it does not matter either
    turn 3   old new
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import servers
from measure import median
from report import say

BENCH = pathlib.Path(__file__).with_name("bench.py")
TURNS_MIN = 4  # of fewer, one in ten figures would lie apart by chance
FIGURE = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?: ?(%|×|(?:[µm]?s|[KMG]?B|\w+/s)\b))?")


def figures(text):
    """The numbers in what was measured, with their units: "4.40 µs, 22 %" has two."""
    return [(float(whole.replace(",", "") + (rest or "")), unit or "") for whole, rest, unit in FIGURE.findall(text)]


def verdict(old, new, target, unit):
    """Beyond noise is what lies apart: each run of one build is above each of the other. With five turns that happens to one figure in a
    hundred by chance. Better or worse it is where the target says so."""
    if max(new) < min(old):
        direction = "less"
    elif min(new) > max(old):
        direction = "more"
    else:
        return "noise"
    bound = re.match(r"([≤≥])", target)
    if bound is None or unit not in [of for _, of in figures(target)]:
        return direction
    return "better" if (direction == "less") == (bound[1] == "≤") else "worse"


def compared(old_runs, new_runs):
    """Of the results of as many runs of each build, the figures that ever change: (what, unit, old, new, ratio, verdict)."""
    rows = []
    for name in new_runs[0]:
        if any(name not in run for run in old_runs + new_runs):
            continue  # one of them does not measure that
        olds, news = [figures(run[name]["measured"]) for run in old_runs], [figures(run[name]["measured"]) for run in new_runs]
        for place, (_, unit) in enumerate(news[0]):
            if any(len(run) <= place or run[place][1] != unit for run in olds + news):
                continue  # the sentence is another one
            old, new = [run[place][0] for run in olds], [run[place][0] for run in news]
            if len({*old, *new}) > 1:
                ratios = [b / a if a != 0 else float("inf") if b != 0 else 1.0 for a, b in zip(old, new)]
                rows.append((name, unit, median(old), median(new), median(ratios), verdict(old, new, new_runs[0][name]["target"], unit)))
    return rows


def run(build, names, size):
    """The measurements with the programs of a build; the load generator is this one's."""
    with tempfile.TemporaryDirectory(prefix="tilewire-compare-") as folder:
        path = pathlib.Path(folder) / "figures"
        environment = {**os.environ, "TILEWIRE_BIN": str(build / "bin"), "TILEWIRE_LOAD": servers.LOAD}
        arguments = [*([] if size == "full" else [f"--{size}"]), "--figures", str(path), *names]
        result = subprocess.run([sys.executable, BENCH, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if not path.exists():
            sys.exit(f"{build}: the measurement failed\n{result.stdout}")
        return {f"{name}: {what}": {"measured": measured, "target": target} for name, what, measured, target, _ in json.loads(path.read_text())}


def compare(old, new, names, size, turns):
    """Prints each figure. Returns 1 if one is worse beyond noise, else 0."""
    runs = {old: [], new: []}
    for turn in range(turns):
        for build in (old, new) if turn % 2 == 0 else (new, old):
            runs[build].append(run(build, names, size))
        say(f"turn {turn + 1} of {turns} (load average {os.getloadavg()[0]:.1f})")
    worse = 0
    for name, unit, before, after, times, what in compared(runs[old], runs[new]):
        worse += what == "worse"
        say(f"  {what:7} {times:6.2f} ×  {before:g} → {after:g} {unit}   {name}")
    say(f"{worse} figures are worse, beyond noise; ratios are medians of {turns} turns")
    return 1 if worse else 0
