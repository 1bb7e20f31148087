# SPDX-License-Identifier: Apache-2.0
"""scripts/bench would rot if nothing ran it: its parts that need no nginx and no PostgreSQL, with tiny numbers."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import bin_folder

ROOT = pathlib.Path(__file__).resolve().parents[2]


def bench(*arguments):
    return subprocess.run([sys.executable, ROOT / "tests" / "bench" / "bench.py", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=120, env={**os.environ, "TILEWIRE_BIN": str(bin_folder())})


@pytest.mark.parametrize("name,figures", [("fanout", 4), ("get", 2), ("patterns", 1), ("hostile", 2), ("fold", 1),
                                          ("catchup", 1), ("cursor", 1), ("kafka", 2), ("nats", 1), ("partitions", 2), ("push", 3), ("redis", 2),
                                          ("locks", 2), ("selections", 4), ("state", 3), ("stalled", 2), ("views", 5)])
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


def test_what_it_does_not_know_is_refused():
    result = bench("fan-out")
    assert result.returncode == 2 and "fan-out" in result.stdout
