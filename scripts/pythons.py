"""The Pythons that tests run with, each in a place where httpd's user can read it."""

import functools
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SYSTEM_PYTHON = Path("/usr/bin/python3")
TESTED = ("3.10", "3.12", "3.13", "3.14")
"""What is tested besides the system's Python, as far as it is there."""

HTTPD_USERS = ("www-data", "apache", "http", "nobody")


class Unusable(Exception):
    """Why something named by the user cannot be used."""


@functools.cache
def httpd_user() -> pwd.struct_passwd | None:
    """The account that httpd's children change to, or None when they do not change."""
    if os.geteuid() != 0:
        return None
    for name in HTTPD_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Unusable(f"none of the accounts {', '.join(HTTPD_USERS)} exists")


def closed_part(path: Path) -> Path | None:
    """The first part of a path that httpd's user cannot enter or read, if any."""
    user = httpd_user()
    if user is None:
        return None
    path = path.resolve()
    for part in [*reversed(path.parents), path]:
        needed = 0o5 if part == path and part.is_dir() else 0o4 if part == path else 0o1
        facts = part.stat()
        if facts.st_uid == user.pw_uid:
            granted = facts.st_mode >> 6
        elif facts.st_gid == user.pw_gid:
            granted = facts.st_mode >> 3
        else:
            granted = facts.st_mode
        if granted & needed != needed:
            return part
    return None


def describe(python: Path) -> tuple[str, Path]:
    """Version (`3.12`) and base executable of a Python, as the build sees them."""
    answer = subprocess.run(
        [python, "-E", "-s", ROOT / "cmake/python_info.py"], capture_output=True, text=True
    )
    if answer.returncode != 0:
        raise Unusable(f"{python} {answer.stderr.strip()}")
    version, _, executable = answer.stdout.splitlines()
    return version, Path(executable)


def tested_pythons() -> list[Path]:
    """The system's Python, and one of each version in TESTED that is found.

    WSGI_CORE_PYTHONS, a list separated by semicolons or spaces, says otherwise.
    """
    given = os.environ.get("WSGI_CORE_PYTHONS", "").replace(";", " ").split()
    if given:
        return [Path(name) for name in given]
    chosen = {describe(SYSTEM_PYTHON)[0]: SYSTEM_PYTHON}
    for version in TESTED:
        for candidate in _candidates(version):
            if version not in chosen and _is_usable(candidate, version):
                chosen[version] = candidate
    return list(chosen.values())


def _candidates(version: str) -> Iterator[Path]:
    if shutil.which("pyenv"):
        answer = subprocess.run(["pyenv", "root"], capture_output=True, text=True)
        if answer.returncode == 0:
            versions = Path(answer.stdout.strip()) / "versions"
            yield from sorted(versions.glob(f"{version}.*/bin/python{version}"), reverse=True)
    found = shutil.which(f"python{version}")
    if found:
        yield Path(found)


def _is_usable(python: Path, version: str) -> bool:
    try:
        return describe(python)[0] == version
    except (OSError, Unusable):
        return False


def readable_copy(python: Path, below: Path) -> Path:
    """A Python that httpd's user can read: the given one, or a copy of its tree."""
    version, executable = describe(python)
    if closed_part(executable) is None:
        return executable
    prefix = Path(_run(executable, "import sys; print(sys.base_prefix)"))
    copy = below / prefix.name
    finished = copy / ".complete"
    if not finished.exists():
        shutil.rmtree(copy, ignore_errors=True)
        for part in _needed_parts(prefix, version):
            _copy(part, copy / part.relative_to(prefix))
        finished.touch()
    return copy / executable.resolve().relative_to(prefix.resolve())


def _needed_parts(prefix: Path, version: str) -> Iterable[Path]:
    yield from (prefix / "bin").glob("python3*")
    yield from (prefix / "lib").glob("libpython*")
    yield prefix / "include"
    yield prefix / "lib" / f"python{version}"


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        leave_out = shutil.ignore_patterns("test", "tests", "__pycache__", "site-packages", "*.a")
        shutil.copytree(source, target, symlinks=True, ignore=leave_out)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)


def _run(python: Path, code: str) -> str:
    return subprocess.run(
        [python, "-E", "-s", "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()
