"""Building the tree and putting it where httpd can use it."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from pythons import ROOT, closed_part, describe

BUILD = ROOT / "build"
WHEELS = BUILD / "wheels"
WHEEL_REQUIREMENTS = ROOT / "tests/express/requirements-wheel.txt"
"""What a virtual environment needs to build a wheel of this tree."""

Command = Sequence[str | Path]


def public_directory() -> Path:
    """The build tree, or a temporary directory where httpd's user cannot enter that."""
    BUILD.mkdir(exist_ok=True)
    if closed_part(BUILD) is None:
        return BUILD
    directory = Path(tempfile.mkdtemp(prefix="wsgi-core-"))
    directory.chmod(0o755)
    return directory


def configure(pythons: Sequence[Path], *options: str, log: IO[str] | None = None) -> bool:
    names = ";".join(str(python) for python in pythons)
    return run(["cmake", "-S", ROOT, "-B", BUILD, f"-DPYTHON={names}", *options], log)


def build(log: IO[str] | None = None) -> bool:
    return run(["cmake", "--build", BUILD], log)


def install(prefix: Path, log: IO[str] | None = None) -> bool:
    return run(["cmake", "--install", BUILD, "--prefix", prefix], log)


def environment(**changes: str) -> dict[str, str]:
    """Ours, without the settings of a surrounding make, which are about its own targets."""
    removed = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR", "PYTHONPATH", "PYTHONHOME")
    environ = {name: value for name, value in os.environ.items() if name not in removed}
    return environ | changes


def run(command: Command, log: IO[str] | None, **changes: str) -> bool:
    """Run a command, with its output in the log, or on the terminal without one."""
    stderr = subprocess.STDOUT if log else None
    environ = environment(**changes)
    return subprocess.run(command, stdout=log, stderr=stderr, env=environ).returncode == 0


def make_venv(venv: Path, python: Path, requirements: Path, log: IO[str] | None = None) -> bool:
    """Create a virtual environment, or keep the one that was made from the same."""
    wanted = f"{python}\n{requirements.read_text()}"
    stamp = venv / "made-from"
    if stamp.exists() and stamp.read_text() == wanted:
        return True
    made = run([python, "-m", "venv", "--clear", venv], log) and run(
        pip(venv, "install", "--requirement", requirements), log
    )
    if made:
        stamp.write_text(wanted)
    return made


def build_wheel(builder: Path, python: Path, log: IO[str] | None = None) -> Path | None:
    """What `pip wheel .` makes for a Python, with what cargo has built already.

    `builder` is a virtual environment of that Python, made from WHEEL_REQUIREMENTS or more.
    """
    version, executable = describe(python)
    of_version = f"wsgi_core-*-cp{version.replace('.', '')}-*"
    for old in WHEELS.glob(of_version):
        old.unlink()
    settings = (f"WSGI_CORE_CARGO_DIR={BUILD}", f"PYTHON={executable}")
    defines = (f"--config-settings=cmake.define.{each}" for each in settings)
    options = ("--no-build-isolation", "--no-deps", "-w", WHEELS, *defines)
    built = run(pip(builder, "wheel", *options, ROOT), log)
    return next(WHEELS.glob(of_version), None) if built else None


def install_wheel(venv: Path, wheel: Path, log: IO[str] | None = None) -> bool:
    """Install a wheel of this tree in the place of one of the same version."""
    return run(pip(venv, "install", "--force-reinstall", "--no-deps", wheel), log)


def pip(venv: Path, subcommand: str, *arguments: str | Path) -> Command:
    options = ("--quiet", "--disable-pip-version-check")
    as_root = ("--root-user-action", "ignore") if subcommand == "install" else ()
    return [venv / "bin/python", "-m", "pip", *options, subcommand, *as_root, *arguments]
