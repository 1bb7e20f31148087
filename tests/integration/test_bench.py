# SPDX-License-Identifier: Apache-2.0
"""scripts/bench would rot if nothing ran it: its parts that need no nginx and no PostgreSQL, with tiny numbers."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import bin_folder
from tilewire import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parents[2]


def bench(*arguments):
    return subprocess.run([sys.executable, ROOT / "tests" / "bench" / "bench.py", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=5 * PATIENCE, env={**os.environ, "TILEWIRE_BIN": str(bin_folder())})


@pytest.mark.parametrize("name,figures", [("fanout", 7), ("get", 5), ("patterns", 1), ("hostile", 2), ("fold", 1),
                                          ("catchup", 1), ("cursor", 1), ("kafka", 2), ("nats", 2), ("partitions", 2), ("push", 3), ("redis", 2),
                                          ("locks", 2), ("million", 5), ("selections", 6), ("state", 3), ("builds", 1), ("stalled", 2), ("views", 5)])
def test_it_measures(name, figures):
    result = bench("--smoke", name)
    assert result.returncode == 0, result.stdout
    assert re.search(rf"^{figures} figures", result.stdout, re.M), result.stdout
    assert all(int(lost) == 0 for lost in re.findall(r"(\d+) lost\b", result.stdout)), result.stdout


def test_gateways_on_one_port_share_the_streams():
    """200 streams on four gateways: a share that chance alone would give is out of these bounds once in millions of runs."""
    result = bench("--smoke", "reconnect")
    assert result.returncode == 0, result.stdout
    shares = [float(share) for share in re.findall(r"([\d.]+) %", result.stdout.split("shared by four gateways")[1].split("(target")[0])]
    assert len(shares) == 4 and 98 < sum(shares) < 102, result.stdout
    assert all(10 < share < 42 for share in shares), result.stdout


def test_every_measurement_has_its_place_in_the_documentation():
    usage = bench("--help").stdout
    names = re.search(r"\[((?:\w+\|)+\w+)", usage)[1].split("|")
    text = (ROOT / "docs" / "performance.md").read_text()
    assert [text.count(f"<!-- bench {name} -->") for name in names] == [1] * len(names)


def test_what_the_machine_cannot_hold_is_refused_before_it_begins():
    result = bench("--smoke", "--streams", "1000000000", "million")
    assert result.returncode == 0 and "this machine cannot: " in result.stdout and "needed: " in result.stdout, result.stdout
    assert re.search(r"^0 figures", result.stdout, re.M), result.stdout


def test_two_builds_of_the_same_programs_differ_by_noise_alone(tmp_path):
    """The older build has no load generator: this build's is used."""
    (tmp_path / "bin").symlink_to(pathlib.Path(bin_folder()).resolve())
    result = bench("--smoke", "--compare", str(tmp_path), "--turns", "4", "patterns")
    assert "turn 4 of 4" in result.stdout, result.stdout
    # Figures that are the same in each run, as they may be of so little work, are not shown.
    assert re.search(r"^\d+ figures are worse, beyond noise", result.stdout, re.M), result.stdout


def test_what_became_worse_beyond_noise_is_told():
    sys.path.insert(0, str(ROOT / "tests" / "bench"))
    import compare

    assert compare.figures("1,274.5 µs, 2.88 × with 10 (25 µs); 22 to 28 %, 1,000,000 rows/s") == [
        (1274.5, "µs"), (2.88, "×"), (10, ""), (25, "µs"), (22, ""), (28, "%"), (1000000, "rows/s")]

    def run(us, target="≤ 2 µs"):
        return {"x": {"measured": f"{us} µs, for 10", "target": target}}

    old = [run(us) for us in (1.0, 1.2, 0.9, 1.1)]
    (row,) = compare.compared(old, [run(us) for us in (1.3, 1.5, 1.4, 2.0)])
    assert row[:2] == ("x", "µs") and abs(row[4] - (1.3 / 1.0 + 1.4 / 0.9) / 2) < 1e-6 and row[5] == "worse"
    assert compare.compared(old, [run(us) for us in (0.8, 0.7, 0.5, 0.85)])[0][5] == "better"
    assert compare.compared(old, [run(us) for us in (1.3, 1.5, 1.4, 1.15)])[0][5] == "noise"
    assert compare.compared(old, [run(us, "≥ 2 µs") for us in (1.3, 1.5, 1.4, 2.0)])[0][5] == "better"
    assert compare.compared(old, [run(us, "-") for us in (1.3, 1.5, 1.4, 2.0)])[0][5] == "more"
    assert compare.compared([run(1)] * 4, [run(1)] * 4) == []


def test_what_it_does_not_know_is_refused():
    result = bench("fan-out")
    assert result.returncode == 2 and "fan-out" in result.stdout
    result = bench("--compare", "/nowhere", "fanout")
    assert result.returncode == 2 and "/nowhere is no build" in result.stdout
