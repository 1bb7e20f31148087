#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy over all sources, as many at a time as there are cores.

A source that was found clean is passed over until what it is compiled from changes: the digest of its preprocessed text,
of both .clang-tidy and of its command is kept in the build folder.

usage: tidy.py [BUILD]        BUILD (build/dev) has a compile_commands.json
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# clang does not know all warnings of gcc, which is what the commands were made for.
EXTRA = ["-Wno-unknown-warning-option"]
# The analyzer goes down at most so many paths of a function, and not 225,000 as it does unasked: uthash's loops alone have
# more, and a file with some of them took 17 s of CPU instead of 5.
EXTRA += ["-Xclang", "-analyzer-config", "-Xclang", "max-nodes=60000"]


def digest_of(entry, settings):
    """Of all that clang-tidy's verdict depends on, but for the version of clang-tidy, which is part of settings."""
    command = shlex.split(entry["command"])
    if "ccache" in command[0]:
        command = command[1:]
    output = command.index("-o")
    preprocess = command[:output] + command[output + 2:]
    preprocess[preprocess.index("-c")] = "-E"
    text = subprocess.run(preprocess, cwd=entry["directory"], check=True, capture_output=True).stdout
    # Comments count as well: NOLINT stands in one.
    own = pathlib.Path(entry["file"]).read_bytes()
    return hashlib.sha256(settings + " ".join(preprocess + EXTRA).encode() + text + own).hexdigest()


def check(entry, build, settings, stamps):
    """Nothing when the source is clean, else what clang-tidy says."""
    stamp = stamps / digest_of(entry, settings)
    if stamp.exists():
        return ""
    run = subprocess.run(["clang-tidy", "-p", build, "--quiet", "--warnings-as-errors=*", *(f"--extra-arg={extra}" for extra in EXTRA),
                          entry["file"]], capture_output=True, text=True)
    if run.returncode == 0:
        stamp.touch()
        return ""
    return run.stdout or run.stderr


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/dev").resolve()
    entries = [entry for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
               if not pathlib.Path(entry["file"]).is_relative_to(build)]
    version = subprocess.run(["clang-tidy", "--version"], check=True, capture_output=True).stdout
    settings = version + (ROOT / ".clang-tidy").read_bytes() + (ROOT / "tests/.clang-tidy").read_bytes()
    stamps = build / "tidy"
    stamps.mkdir(exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = [text for text in pool.map(lambda entry: check(entry, build, settings, stamps), entries) if text]
    print("\n".join(said), end="")
    sys.exit(1 if said else 0)


if __name__ == "__main__":
    main()
