# SPDX-License-Identifier: Apache-2.0
"""What scripts/bench found: printed, and kept in docs/performance.md between markers."""
import datetime
import os
import pathlib
import platform
import re

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "performance.md"

results = []  # of all measurements: (name, what, measured, target, met)
judging = True  # do figures mean anything?


def say(text):
    print(text, flush=True)


def result(name, what, measured, target, met):
    results.append((name, what, measured, target, bool(met)))
    verdict = "" if not judging else "met     " if met else "MISSED  "
    say(f"  {verdict}{what}: {measured} (target: {target})")


def missed():
    return [what for _, what, _, _, met in results if judging and not met]


def machine():
    """Its kind, not its name."""
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", info, re.M)
    return f"{os.cpu_count()} cores ({model[1] if model else platform.machine()}), Linux {'.'.join(platform.release().split('.')[:2])}"


def table(name, command, load_before):
    lines = [f"Measured on {datetime.date.today().isoformat()} with `{command}` on {machine()}; load average before it"
             f" {load_before:.1f}.", "", "| what | measured | target | |", "|---|---|---|---|"]
    lines += [f"| {what} | {measured} | {target} | {'met' if met else '**missed**'} |"
              for owner, what, measured, target, met in results if owner == name]
    return "\n".join(lines)


def replace_section(text, name, section):
    begin, end = f"<!-- bench {name} -->", "<!-- end -->"
    pattern = rf"{re.escape(begin)}\n.*?{re.escape(end)}"
    assert len(re.findall(pattern, text, re.S)) == 1, f"{DOCUMENT.name} has no place for {name}"
    return re.sub(pattern, lambda _: f"{begin}\n{section}\n{end}", text, flags=re.S)


def write(names, command, load_before):
    """Replaces the figures of the measurements that ran."""
    text = DOCUMENT.read_text()
    for name in names:
        text = replace_section(text, name, table(name, command, load_before))
    DOCUMENT.write_text(text)
