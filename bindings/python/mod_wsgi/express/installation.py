"""What was built with this package, and the httpd it was built for."""

import functools
import json
import os
import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from .errors import StartError

PACKAGE = Path(__file__).resolve().parent.parent
SERVER = PACKAGE / "server"
"""Beside the module, the tree of libraries that it uses. Importing `mod_wsgi.server` warns, so its
place is told from ours."""

PACKAGES = {
    "debian": "apt-get install apache2-bin apache2-utils",
    "fedora": "dnf install httpd",
    "rhel": "dnf install httpd",
    "suse": "zypper install apache2",
    "alpine": "apk add apache2 apache2-utils",
    "arch": "pacman -S apache",
}


@dataclass(frozen=True)
class Httpd:
    """Names and places of httpd's programs, as apxs told them to the build."""

    httpd: str
    modules: str
    rotatelogs: str


@functools.cache
def built_for() -> Httpd:
    facts = SERVER / "httpd.json"
    if not facts.exists():
        raise StartError(
            f"{SERVER} has no httpd module in it: this package was not installed, only found. "
            "Install it with pip."
        )
    return Httpd(**json.loads(facts.read_text()))


def module_file() -> Path:
    """The httpd module."""
    version = sysconfig.get_config_var("py_version_nodot")
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    return SERVER / f"mod_wsgi-py{version}{suffix}"


def engine_library() -> Path:
    """libwsgi_core, under the name by which the module asks for it."""
    found = sorted((SERVER / "lib").glob("libwsgi_core.so.*"))
    if not found:
        raise StartError(f"{SERVER}/lib has no libwsgi_core in it; install the package again")
    return found[0]


def find_httpd(wanted: str | None) -> str:
    """httpd's program: that of $HTTPD, or the wanted one, or that of the build."""
    name = os.environ.get("HTTPD") or wanted or built_for().httpd
    if os.path.isabs(name):
        candidates = [name, os.path.basename(name)] if not wanted else [name]
    else:
        candidates = [name, "httpd"]
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
    for candidate in candidates:
        found = shutil.which(candidate, path=places)
        if found:
            return os.path.abspath(found)
    return name


def missing_httpd(name: str) -> StartError:
    """The error for an httpd that is not there."""
    command = next((PACKAGES[each] for each in _distributions() if each in PACKAGES), None)
    advice = f"install it ({command})" if command else "install Apache httpd 2.4"
    return StartError(
        f"httpd was not found as {name}; {advice}, or name it with --httpd-executable"
    )


def _distributions() -> list[str]:
    """Ids of the system and of those it is like, the closest first."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return []
    facts = dict(line.split("=", 1) for line in lines if "=" in line)
    ids = [facts.get("ID", ""), *facts.get("ID_LIKE", "").strip('"').split()]
    names = [each.strip('"') for each in ids]
    return ["debian" if each == "ubuntu" else each for each in names]
