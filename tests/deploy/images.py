"""Images for the lines `FROM` of a Dockerfile: of this machine's packages, not from a registry."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import runtimes
from podman import Engine

# What a slim image of Python has besides Debian's minimum.
PYTHON_PACKAGES = (
    *("ca-certificates", "netbase", "tzdata", "libbz2-1.0", "libexpat1", "libffi8", "liblzma5"),
    *("libncursesw6", "libreadline8", "libsqlite3-0", "libssl3", "libuuid1", "zlib1g"),
)
PYTHON_NAME = re.compile(r"python:(\d+\.\d+)-slim-(\w+)")

PYTHON = """
# arguments: name, change, suite, home of Python, packages
mmdebstrap --quiet --variant=minbase --include="$5" \\
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \\
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \\
    --customize-hook="sync-in $4 /usr/local" \\
    --customize-hook='chroot "$1" ldconfig' \\
    --customize-hook='ln -sf python3 "$1/usr/local/bin/python"' \\
    --customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname"' \\
    "$3" - | podman import --quiet --change "$2" - "$1"
"""
RUST = """
# arguments: name, change, the toolchain's directory
tar -C "$3" -c --transform='s,^\\.,usr/local/rustup/toolchains/installed,' \\
    ./bin/cargo ./bin/rustc ./lib | podman import --quiet --change "$2" - "$1"
"""


def make_bases(engine: Engine, dockerfile: Path) -> str:
    """Makes the images that a Dockerfile begins with; returns why that is impossible."""
    names = set(re.findall(r"^FROM (\S+)", dockerfile.read_text(), re.M))
    for name in sorted(names):
        if name.startswith("rust:"):
            make(engine, name, RUST, toolchain())
        elif not (match := PYTHON_NAME.fullmatch(name)):
            return f"there is nothing to make {name} of"
        elif not (home := runtimes.homes().get(match[1])) or home == Path("/usr"):
            return f"no Python {match[1]} to make {name} of"
        else:
            make(engine, name, PYTHON, match[2], home, ",".join(PYTHON_PACKAGES))
    return ""


def toolchain() -> Path:
    answer = subprocess.check_output(["rustc", "--print", "sysroot"], text=True)
    return Path(answer.strip()).resolve()


def make(engine: Engine, name: str, script: str, *arguments: str | Path) -> None:
    """Makes an image, if it was not made from the same before."""
    full_name = f"docker.io/library/{name}"
    changed = [each.stat().st_mtime_ns for each in arguments if isinstance(each, Path)]
    made_from = hashlib.sha256(f"{script} {arguments} {changed}".encode()).hexdigest()
    engine.prepare(
        f"""
        found=$(podman image inspect --format '{{{{index .Labels "made-from"}}}}' "$1" || :)
        [ "$2" != "LABEL made-from=$found" ] || exit 0
        {script}
        """,
        *(full_name, f"LABEL made-from={made_from}", *arguments),
    )
