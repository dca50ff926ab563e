"""Which Pythons the installed runtimes are for, and homes to run them with."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from server import PREFIX

RUNTIME = re.compile(r"libwsgi_python-(\d+\.\d+t?)\.so$")


def installed() -> list[str]:
    """The versions of the installed runtimes, such as "3.11"."""
    found = (RUNTIME.search(path.name) for path in (PREFIX / "lib" / "wsgi-core").glob("*.so"))
    return sorted((match[1] for match in found if match), key=lambda v: int(v.rstrip("t").split(".")[1]))


def is_free_threaded() -> bool:
    """Whether servers that say nothing else run on a free-threaded build of Python."""
    default = PREFIX / "lib" / "wsgi-core" / "default"
    return default.read_text().strip().endswith("t")


@functools.cache
def homes() -> dict[str, Path]:
    """Prefixes of Pythons by version, from WSGI_CORE_TEST_HOMES ("3.12=/path:3.13=/path")."""
    found = {own_version(): Path(sys.base_prefix)}
    for entry in os.environ.get("WSGI_CORE_TEST_HOMES", "").split(":"):
        if entry:
            version, _, path = entry.partition("=")
            found[version] = Path(path)
    return found


def own_version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def default_python() -> str:
    """An interpreter of the version that runs these tests, outside any environment."""
    return os.path.join(sys.base_prefix, "bin", f"python{own_version()}")


def make_environment(home: Path, version: str, target: Path) -> Path:
    """A virtual environment of the Python in `home`, readable by every user."""
    command = [str(home / "bin" / f"python{version}"), "-m", "venv", "--without-pip", str(target)]
    subprocess.run(command, check=True)
    return target


def is_readable_by_all(path: Path) -> bool:
    """Whether any user may search the directory and all above it."""
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in (path, *path.parents))


def packages(root: Path) -> Path:
    """The site-packages of these tests where the server's user can read them."""
    own = Path(sysconfig.get_paths()["purelib"])
    if is_readable_by_all(own):
        return own
    copied = root / "site-packages"
    if not copied.exists():
        shutil.copytree(own, copied, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    return copied
