"""scripts/bootstrap on machines that lack something."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from installed import REPOSITORY

BOOTSTRAP = REPOSITORY / "scripts/bootstrap"
# Root may write everywhere, unless it is not allowed to by a capability.
NOBODY = ("/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.getuid() == 0 else ()


class Machine:
    """A search path of its own, with commands that write down how they were called."""

    def __init__(self, root: Path) -> None:
        self.bin = root / "bin"
        self.bin.mkdir()
        self.calls = root / "calls"
        self.calls.touch()
        for name in ("sh", "cut", "env"):
            self.link(name)
        self.add("cargo", "echo 'cargo 1.95.0 (f2d3ce0bd 2026-03-21)'")
        self.add("apt-get", "")
        self.is_user(0)

    def link(self, name: str) -> None:
        program = shutil.which(name)
        assert program is not None
        (self.bin / name).symlink_to(program)

    def add(self, name: str, body: str) -> None:
        program = self.bin / name
        program.unlink(missing_ok=True)
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.calls}"\n{body}\n')
        program.chmod(0o755)

    def is_user(self, number: int) -> None:
        self.add("id", f"echo {number}")

    def lacks(self, *packages: str) -> None:
        """A Debian system with everything but these packages."""
        cases = "".join(f"{name}) exit 1;;\n" for name in packages)
        self.add(
            "dpkg-query",
            f'for last in "$@"; do :; done\ncase $last in\n{cases}esac\necho installed',
        )

    def run(
        self, *arguments: str, script: Path = BOOTSTRAP, user: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*user, self.bin / "sh", script, *arguments],
            env={"PATH": str(self.bin), "CARGO_HOME": "/nonexistent"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def called(self, name: str) -> list[str]:
        return [line for line in self.calls.read_text().splitlines() if line.startswith(f"{name} ")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_nothing_is_missing(machine: Machine) -> None:
    machine.lacks()
    result = machine.run("test")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert machine.called("apt-get") == []


def test_root_installs_what_is_missing_only(machine: Machine) -> None:
    machine.lacks("cmake", "valgrind")
    result = machine.run("test")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "==> installing system packages: cmake valgrind\n"
    assert machine.called("apt-get") == [
        "apt-get -qq update",
        "apt-get -qq install --yes --no-install-recommends cmake valgrind",
    ]


def test_run_needs_no_test_tools(machine: Machine) -> None:
    machine.lacks("valgrind", "clang-format", "wrk")
    assert machine.run("run").returncode == 0
    assert machine.called("apt-get") == []


def test_sudo_without_a_password(machine: Machine) -> None:
    machine.lacks("cmake")
    machine.is_user(1000)
    machine.add("sudo", 'shift\nexec env "$@"')
    machine.add("true", "")
    result = machine.run("run")
    assert result.returncode == 0, result.stderr
    assert machine.called("sudo")[-1] == (
        "sudo -n DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes "
        "--no-install-recommends cmake"
    )


def test_neither_root_nor_sudo(machine: Machine) -> None:
    machine.lacks("cmake", "apache2-dev")
    machine.is_user(1000)
    result = machine.run("run")
    assert result.returncode == 1
    assert "install them as root with: apt-get install apache2-dev cmake\n" in result.stderr


def test_sudo_that_wants_a_password_and_nobody_to_ask(machine: Machine) -> None:
    machine.lacks("cmake")
    machine.is_user(1000)
    machine.add("sudo", "exit 1")
    result = machine.run("run")
    assert result.returncode == 1
    assert "apt-get install cmake" in result.stderr


def test_check_installs_nothing(machine: Machine) -> None:
    machine.lacks("cmake")
    result = machine.run("--check", "build")
    assert result.returncode == 1
    assert "apt-get install cmake" in result.stderr
    assert machine.called("apt-get") == []


def test_apt_get_fails(machine: Machine) -> None:
    machine.lacks("cmake")
    machine.add("apt-get", "exit 100")
    result = machine.run("run")
    assert result.returncode == 1
    assert "try it as root with: apt-get install cmake" in result.stderr


def test_no_cargo(machine: Machine) -> None:
    machine.lacks()
    (machine.bin / "cargo").unlink()
    result = machine.run("build")
    assert result.returncode == 1
    assert "cargo was not found" in result.stderr
    assert "https://rustup.rs" in result.stderr


@pytest.mark.parametrize("version", ["1.63.0", "1.87.1"])
def test_old_cargo(machine: Machine, version: str) -> None:
    machine.lacks()
    machine.add("cargo", f"echo 'cargo {version} (0123abcd 2025-01-01)'")
    result = machine.run("build")
    assert result.returncode == 1
    assert f"cargo is version {version}, and 1.88 or newer is needed" in result.stderr


@pytest.mark.parametrize("version", ["1.88.0", "1.100.2", "2.0.0", "1.89.0-nightly"])
def test_new_cargo(machine: Machine, version: str) -> None:
    machine.lacks()
    machine.add("cargo", f"echo 'cargo {version} (0123abcd 2025-01-01)'")
    assert machine.run("build").returncode == 0


@pytest.mark.parametrize("closed", ["build", "build/CMakeCache.txt", "."])
def test_build_of_another_user(machine: Machine, closed: str) -> None:
    machine.lacks()
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place)
        (tree / "scripts").mkdir()
        bootstrap = shutil.copy(BOOTSTRAP, tree / "scripts")
        if closed != ".":
            (tree / "build").mkdir(mode=0o755)
            (tree / "build/CMakeCache.txt").touch()
        for path in (tree, *tree.rglob("*")):
            path.chmod(0o777)
        assert machine.run("build", script=bootstrap, user=NOBODY).returncode == 0
        (tree / closed).chmod(0o555)
        result = machine.run("build", script=bootstrap, user=NOBODY)
        (tree / closed).chmod(0o755)
    assert result.returncode == 1
    name = "" if closed == "." else f"{closed} "
    assert f"{name}belongs to another user, and you may not write to it; have it" in result.stderr


def test_not_debian(machine: Machine) -> None:
    result = machine.run("build")
    assert result.returncode == 1
    assert "apxs was not found. This is not a Debian system" in result.stderr
