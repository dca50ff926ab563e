"""Building the tree and putting it where httpd can use it."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from pythons import ROOT, closed_part

BUILD = ROOT / "build"

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
    pip: Command = [venv / "bin/python", "-m", "pip", "install", "--quiet"]
    quiet = {"PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    made = run([python, "-m", "venv", "--clear", venv], log) and run(
        [*pip, "--requirement", requirements], log, **quiet
    )
    if made:
        stamp.write_text(wanted)
    return made
