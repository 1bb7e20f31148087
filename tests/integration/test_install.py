# SPDX-License-Identifier: Apache-2.0
"""What an installation puts, and whether it is right: units, the configuration, manual pages, completions of shells."""

import functools
import os
import re
import shutil
import subprocess

import pytest
from conftest import ROOT, bin_folder

PROGRAMS = ["tilewire", "tilewire-ingestor", "tilewire-cache", "tilewire-gateway"]
UNITS = ["tilewire-ingestor.service", "tilewire-cache.service", "tilewire-gateway@8080.service"]
EXPOSURE_MAX = 2.0  # what systemd-analyze security makes of a unit: 10 is a program with all rights


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The root that `cmake --install` fills; its prefix is /usr."""
    root = tmp_path_factory.mktemp("root")
    build = bin_folder().parent
    command = ["cmake", "--install", str(build), "--prefix", "/usr"]
    subprocess.run(command, env={**os.environ, "DESTDIR": str(root)}, check=True, capture_output=True)
    return root


def say(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


@functools.cache
def options_of(*command):
    """The options that --help names, each as it is written there first: --config."""
    text = say(str(bin_folder() / command[0]), *command[1:], "--help").stdout
    return set(re.findall(r"^ +(?:-\S, )?(--[a-z-]+)", text, re.M))


@functools.cache
def commands():
    text = say(str(bin_folder() / "tilewire"), "--help").stdout
    return re.findall(r"^  ([a-z-]+) ", text[text.index("\nCommands:") :], re.M)


def test_everything_is_where_others_look_for_it(installed):
    files = [
        *(f"usr/bin/{name}" for name in PROGRAMS),
        "etc/tilewire/tilewire.yaml",
        "usr/lib/systemd/system/tilewire.target",
        "usr/lib/systemd/system/tilewire-gateway@.service",
        "usr/lib/sysusers.d/tilewire.conf",
        "usr/lib/tmpfiles.d/tilewire.conf",
        "usr/share/doc/tilewire/copyright",
        "usr/share/doc/tilewire/LICENSE",
        "usr/share/doc/tilewire/configuration.md",
    ]
    assert [name for name in files if not (installed / name).is_file()] == []
    assert "Leon Sorokin" in (installed / "usr/share/doc/tilewire/copyright").read_text()


def test_a_configuration_that_is_there_is_left_alone(installed):
    path = installed / "etc/tilewire/tilewire.yaml"
    before = path.read_text()
    path.write_text(before + "# mine\n")
    command = ["cmake", "--install", str(bin_folder().parent), "--prefix", "/usr"]
    subprocess.run(command, env={**os.environ, "DESTDIR": str(installed)}, check=True, capture_output=True)
    assert path.read_text() == before + "# mine\n"
    path.write_text(before)


def test_the_configuration_is_right_as_it_comes_and_after_two_lines(installed, tmp_path):
    text = (installed / "etc/tilewire/tilewire.yaml").read_text()
    edited = re.sub(r"^# (source:)\n# (  uri:) \S+", r"\1\n\2 sqlite:shop.db", text, flags=re.M)
    assert len([1 for a, b in zip(text.split("\n"), edited.split("\n"), strict=True) if a != b]) == 2
    everything = re.sub(r"^#(  - \{)", r"\1", edited, flags=re.M)
    for number, content in enumerate((text, edited, everything)):
        path = tmp_path / f"{number}.yaml"
        path.write_text(content)
        result = say(str(bin_folder() / "tilewire"), "check", str(path))
        assert result.returncode == 0, result


class TestUnits:
    @pytest.fixture
    def units(self, installed, tmp_path):
        """The units with programs that are there, for systemd looks."""
        for path in (installed / "usr/lib/systemd/system").iterdir():
            (tmp_path / path.name).write_text(path.read_text().replace("/usr/bin/", f"{bin_folder().resolve()}/"))
        shutil.copy(tmp_path / "tilewire-gateway@.service", tmp_path / "tilewire-gateway@8080.service")
        return tmp_path

    def test_systemd_understands_them(self, units):
        result = say("systemd-analyze", "verify", "--man=no", "tilewire.target", *UNITS, cwd=units, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"})
        assert result.returncode == 0 and "tilewire" not in result.stderr, result.stderr

    @pytest.mark.parametrize("unit", UNITS)
    def test_they_have_few_rights(self, units, unit):
        result = say("systemd-analyze", "security", "--offline=true", "--no-pager", unit, cwd=units, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"})
        exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout)
        assert exposure is not None, result
        assert float(exposure[1]) < EXPOSURE_MAX, result.stdout

    @pytest.mark.parametrize("unit", UNITS)
    def test_they_are_watched_and_come_back(self, units, unit):
        """Ready when it says so, ended when it hangs, started again however it ends, reloaded by SIGHUP, with descriptors for its streams."""
        lines = (units / unit.replace("@8080", "@")).read_text().splitlines()
        for line in ("Type=notify", "Restart=always", "WatchdogSec=60s", "ExecReload=/bin/kill -HUP $MAINPID"):
            assert line in lines, line
        limit = [int(line.split("=")[1]) for line in lines if line.startswith("LimitNOFILE=")]
        assert limit and limit[0] >= 4096

    def test_users_are_made_of_what_says_so(self, installed, tmp_path):
        (tmp_path / "etc").mkdir()
        source = installed / "usr/lib/sysusers.d/tilewire.conf"
        subprocess.run(["systemd-sysusers", f"--root={tmp_path}", str(source)], check=True, capture_output=True)
        users = {line.split(":")[0]: line.split(":")[3] for line in (tmp_path / "etc/passwd").read_text().splitlines()}
        groups = {line.split(":")[0]: line.split(":")[2] for line in (tmp_path / "etc/group").read_text().splitlines()}
        for name in ("ingestor", "cache", "gateway"):
            assert users[f"tilewire-{name}"] == groups["tilewire"]


SYSTEMCTL = """#!/bin/sh
echo "$*" >> "$SAID"
case $1 in
list-units) printf 'tilewire-gateway@8080.service loaded active running\\ntilewire-gateway@8081.service loaded active running\\n' ;;
show) tail -n 1 "$STATUS"; sed -i '$d' "$STATUS" ;; # what it says from call to call
esac
"""


class TestMaintainerScripts:
    """What the Debian package does on a machine with systemd, of which there is a stand-in here."""

    @pytest.fixture
    def run(self, tmp_path):
        (tmp_path / "bin").mkdir()
        for name, text in (("systemctl", SYSTEMCTL), ("systemd-sysusers", "#!/bin/sh\n"), ("install", "#!/bin/sh\n")):
            (tmp_path / "bin" / name).write_text(text)
            (tmp_path / "bin" / name).chmod(0o755)
        (tmp_path / "said").touch()

        def run(script, *arguments, statuses=()):
            (tmp_path / "status").write_text("\n".join(reversed(statuses)) + "\n")
            text = (ROOT / "packaging" / "debian" / script).read_text()
            text = text.replace("/run/systemd/system", str(tmp_path)).replace("/etc/systemd/system", str(tmp_path / "etc"))
            environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "SAID": str(tmp_path / "said"), "STATUS": str(tmp_path / "status")}
            subprocess.run(["sh", "-c", text, script, *arguments], env=environment, check=True, timeout=50)
            return (tmp_path / "said").read_text().splitlines()

        return run

    def test_programs_are_replaced_one_by_one_each_when_the_one_before_is_in_sync(self, run):
        said = run("postinst", "configure", "0.1.0", statuses=["ready", "beginning", "ready", "serving; no upstream has answered yet", "ready", "ready"])
        said = [line for line in said if line.startswith(("try-restart", "show"))]
        asks = "show --property=StatusText --value tilewire-"
        assert said == ["try-restart tilewire-cache.service", f"{asks}cache.service",
                        "try-restart tilewire-ingestor.service", f"{asks}ingestor.service", f"{asks}ingestor.service",
                        "try-restart tilewire-gateway@8080.service", f"{asks}gateway@8080.service", f"{asks}gateway@8080.service",
                        "try-restart tilewire-gateway@8081.service", f"{asks}gateway@8081.service"]

    def test_a_first_installation_starts_nothing(self, run):
        assert run("postinst", "configure", "") == ["daemon-reload"]

    def test_all_that_is_enabled_is_disabled_with_the_package(self, run, tmp_path):
        wants = tmp_path / "etc" / "tilewire.target.wants"
        wants.mkdir(parents=True)
        for port in (8081, 8082):
            (wants / f"tilewire-gateway@{port}.service").symlink_to("/usr/lib/systemd/system/tilewire-gateway@.service")
        said = run("prerm", "remove")
        assert said[0].startswith("stop ") and "tilewire-gateway@*.service" in said[0]
        disabled = [line.removeprefix("disable --quiet ") for line in said[1:]]
        own = "tilewire.target tilewire-cache.service tilewire-ingestor.service"
        assert disabled == ["tilewire-gateway@8081.service", "tilewire-gateway@8082.service", own]

    def test_an_upgrade_stops_nothing_beforehand(self, run):
        assert run("prerm", "upgrade", "0.2.0") == []


@pytest.mark.parametrize("page", ["man1/tilewire.1", "man8/tilewire-ingestor.8", "man8/tilewire-cache.8", "man8/tilewire-gateway.8"])
def test_manual_pages_have_every_option(installed, page):
    text = say("gzip", "-cd", str(installed / f"usr/share/man/{page}.gz")).stdout.replace("\\-", "-")
    program = page.split("/")[1][:-2]
    assert text.startswith(".TH ") and f"\n{program} - " in text
    for command in [[]] + [[name] for name in commands() if program == "tilewire"]:
        missing = {option for option in options_of(program, *command) if not re.search(rf"^\.B .*{option}\b", text, re.M)}
        assert missing == set(), command
        assert command == [] or f"\n.SS tilewire {command[0]} [OPTION...]" in text
    if shutil.which("man"):
        result = say("man", "--warnings", "-l", str(installed / f"usr/share/man/{page}.gz"), env={**os.environ, "LC_ALL": "C", "MANWIDTH": "80"})
        assert result.returncode == 0 and result.stderr == ""


COMPLETE = """
source "$1"; shift
compopt() { :; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_tilewire
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete_in_bash(installed, *words):
    path = installed / "usr/share/bash-completion/completions/tilewire"
    result = say("bash", "-c", COMPLETE, "bash", str(path), *words)
    assert result.returncode == 0 and result.stderr == "", result
    return set(result.stdout.split())


def test_bash_completes_commands_and_options(installed):
    assert set(commands()) <= complete_in_bash(installed, "tilewire", "")
    assert complete_in_bash(installed, "tilewire", "ver") == {"verify"}
    assert complete_in_bash(installed, "tilewire", "--from", "") == {"cache", "ingestor"}
    assert complete_in_bash(installed, "tilewire", "--from", "=", "i") == {"ingestor"}
    for name in commands():
        offered = {word.rstrip("=") for word in complete_in_bash(installed, "tilewire", name, "--")}
        assert offered == options_of("tilewire", name)
    for program in PROGRAMS[1:]:
        offered = {word.rstrip("=") for word in complete_in_bash(installed, program, "--")}
        assert offered == options_of(program)


def test_zsh_and_fish_have_the_same(installed):
    zsh = (installed / "usr/share/zsh/vendor-completions/_tilewire").read_text()
    fish = (installed / "usr/share/fish/vendor_completions.d/tilewire.fish").read_text()
    for name in commands():
        case = zsh[zsh.index(f"\n    tilewire:{name})") :].split(";;")[0]
        for option in options_of("tilewire", name):
            assert re.search(rf"'{option}=?\[", case), (name, option)
            assert f"'__fish_seen_subcommand_from {name}' -l {option[2:]} " in fish, (name, option)
    for shell, path in (("zsh", "usr/share/zsh/vendor-completions/_tilewire"), ("fish", "usr/share/fish/vendor_completions.d/tilewire.fish")):
        assert say(shell, "-n", str(installed / path)).returncode == 0


def test_the_port_of_the_command_line_is_at_the_address_of_the_file(deploy, sqlite_table):
    d = deploy(sqlite_table)
    command = [str(bin_folder() / "tilewire-gateway"), "-c", str(d.file), "--port"]
    assert say(*command, "0").returncode == 2
    assert "expected gateway.listen to be ADDRESS:PORT" in say(*command, "8081", "--listen", "127.0.0.1:8082").stderr


def test_scripts_say_what_they_take():
    for name in ("setup", "package", "renew-uplot"):
        result = say(str(ROOT / "scripts" / name), "--help")
        assert result.returncode == 0 and result.stdout.startswith(f"usage: scripts/{name}")
        assert say(str(ROOT / "scripts" / name), "--nonsense").returncode == 2
