# SPDX-License-Identifier: Apache-2.0
"""What the documentation shows that can be run: single commands, whole blocks of shell, and snippets; and a shell to run them in."""
import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import subprocess

import network
import pytest
from conftest import ROOT, bin_folder
from documents import PAGES, blocks, name
from tilewire import PATIENCE, wait_until

ENOUGH_S = 40  # for what a command is to show, on a busy machine
SHELL = ("sh", "console")
RUN = (*SHELL, "python", "js", "jsx", "html", "sql", "yaml")
SHOWN = ("", "json", "css", "yaml part")  # what nobody runs: drawings, messages, and parts of configurations
# They do not end by themselves: they are ended when they have shown what they are to show.
ENDLESS = r"curl -N|tilewire tail$|subscribe\.py|tilewire-gateway --listen"


# Both of its options for that at once are refused.
CURL = """#!/bin/sh
for word in "$@"; do case $word in --fail | -[a-zA-Z]*f* | -f*) exec /usr/bin/curl "$@" ;; esac; done
exec /usr/bin/curl --fail-with-body "$@"
"""


@dataclasses.dataclass(frozen=True)
class Piece:
    """A command, or a snippet, with the lines that the page shows as its answer."""

    page: str
    line: int
    language: str
    text: str
    shown: tuple = ()

    def __str__(self):
        return f"{self.page}:{self.line}: {self.text.splitlines()[0]}"

    def is_at(self, page, pattern):
        return self.page == page and re.search(pattern, self.text, re.M) is not None

    @property
    def endless(self):
        return self.language in SHELL and re.search(ENDLESS, self.text) is not None


def joined(text):
    """With the lines that belong together as one."""
    return re.sub(r"\\\n *|(?<=[|&]{2})\n *|(?<=\|)\n *", " ", text)


def of_console(text):
    """(command, lines of its answer) of what begins with `$ `."""
    for part in re.split(r"^\$ ", joined(text), flags=re.M)[1:]:
        command, *shown = part.rstrip("\n").split("\n")
        yield command, tuple(line for line in shown if line.strip())


def of_shell(text):
    """Each line is a command, but where a line is nothing alone."""
    together = re.search(r"<<|^ |^cd |^mkdir .*&& cd |\bPGPASSWORD=|^umask|& *$", joined(text), re.M)
    for command in [text] if together else joined(text).splitlines():
        if command.strip() and not command.startswith("#"):
            command = re.sub(r" +# .*", "", command) if not together else command
            yield from command.split("; ") if re.fullmatch(r"tilewire \w+(; tilewire \w+)+", command) else [command]


def pieces():
    for page in PAGES:
        for line, language, text in blocks(page, *RUN):
            if language == "console":
                yield from (Piece(name(page), line, language, command, shown) for command, shown in of_console(text))
            elif language == "sh":
                yield from (Piece(name(page), line, language, command) for command in of_shell(text))
            else:
                yield Piece(name(page), line, language, text)


def like(line):
    """An expression for a line of the page: ids, times, versions and figures may differ, and what is left out."""
    if line.startswith("HTTP/"):
        return re.escape(line)
    words = (".*" if word == "…" else r"\S+" if re.search(r"\d|^–$", word) else "m?s" if word in ("ms", "s") else re.escape(word) for word in line.split())
    return r"\s*".join(words)


class Shell:
    """A folder with our programs on the path, and a curl that fails where the server says so. It ends what was started in it."""

    def __init__(self, folder):
        self.folder, self.started = folder, []
        path = folder / "bin"
        path.mkdir()
        (path / "curl").write_text(CURL)
        (path / "curl").chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{path}:{pathlib.Path(bin_folder()).resolve()}:{os.environ['PATH']}",
                            "PYTHONPATH": str(ROOT / "python"), "PYTHONUNBUFFERED": "1"}

    def start(self, command, cwd, output, **named):
        program = subprocess.Popen(command, cwd=cwd, stdout=output, env=self.environment, start_new_session=True,
                                   **{"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT, **named})
        self.started.append(program)
        return program

    def end(self, program, by=signal.SIGKILL):
        try:
            os.killpg(program.pid, by)
        except ProcessLookupError:
            pass
        program.wait(timeout=PATIENCE)

    def close(self):
        for program in self.started:
            self.end(program)

    def run(self, piece, command, cwd, expected=(), endless=False, status=0, **named):
        """Runs it to its end; what is endless until it has shown all that is expected, and anything at all."""
        out, err = (cwd / f"{stream}-{len(self.started)}" for stream in ("out", "err"))
        with open(out, "wb") as output, open(err, "wb") as errors:
            program = self.start(["bash", "-c", command], cwd, output, stderr=errors, **named)

        def said():
            return out.read_text(errors="replace") + "\n" * (err.stat().st_size > 0) + err.read_text(errors="replace")

        def missing():
            return [pattern for pattern in expected if not re.search(pattern, said(), re.M)]

        def over():
            return program.poll() is not None or (endless and said() and not missing())

        try:
            wait_until(over, timeout=ENOUGH_S)
            assert (program.poll() is None) if endless else program.returncode == status, f"it ended with {program.returncode}"
            assert said() or (not endless and "curl" not in command), "it shows nothing"
            assert not missing(), f"it does not show {missing()}"
        except AssertionError as error:
            raise AssertionError(f"{piece}: {error}, {missing()}; it showed\n{said()[-2000:]}") from None
        finally:
            self.end(program)
        return said()


@contextlib.contextmanager
def shell_of_its_own(folder):
    """In a network of its own, so that the default ports are free."""
    if not network.available():
        pytest.skip("needs root, for a network of its own")
    inside = network.Network()
    made = Shell(folder)
    try:
        yield made
    finally:
        made.close()
        inside.close()
