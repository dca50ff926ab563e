"""The installed tree, as its users see it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("WSGI_CORE_PYTHON", "/usr/bin/python3")


def run(
    command: Sequence[str | Path], cwd: Path = REPOSITORY, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a command without what a surrounding make has set; both streams in `stdout`."""
    kept = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(
        command,
        cwd=cwd,
        env=kept | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def succeed(command: Sequence[str | Path], cwd: Path = REPOSITORY, **environ: str) -> str:
    """The output of a command that has to succeed."""
    result = run(command, cwd, **environ)
    assert result.returncode == 0, f"{command} failed:\n{result.stdout}"
    return result.stdout


def make_install(**variables: str | Path) -> str:
    assignments = [f"{name}={value}" for name, value in variables.items()]
    return succeed(["make", "install", f"PYTHON={PYTHON}", *assignments])


def python_version() -> str:
    return succeed([PYTHON, REPOSITORY / "cmake/python_info.py"]).splitlines()[0]


def apxs(name: str) -> str:
    return succeed(["apxs", "-q", name]).strip()


@dataclass(frozen=True)
class Tree:
    """An installation below `prefix`."""

    prefix: Path

    @property
    def lib(self) -> Path:
        return self.prefix / "lib"

    @property
    def engine(self) -> Path:
        return self.lib / "libwsgi_core.so"

    @property
    def module(self) -> Path:
        return self.lib / "httpd/modules/mod_wsgi.so"

    def files(self) -> set[str]:
        """Every file below the prefix; a symbolic link with where it points to."""
        found = set()
        for path in self.prefix.rglob("*"):
            name = str(path.relative_to(self.prefix))
            if path.is_symlink():
                found.add(f"{name} -> {os.readlink(path)}")
            elif not path.is_dir():
                found.add(name)
        return found

    def pkg_config(self, *arguments: str) -> list[str]:
        answer = succeed(
            ["pkg-config", *arguments, "wsgi_core"], PKG_CONFIG_PATH=str(self.lib / "pkgconfig")
        )
        return answer.split()


def check_httpd(module: Path, root: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """What `httpd -t` says about a configuration that loads this module."""
    modules = apxs("LIBEXECDIR")
    config = root / "httpd.conf"
    config.write_text(
        f"""
        ServerRoot "{root}"
        DefaultRuntimeDir "{root}"
        ServerName localhost
        Listen 127.0.0.1:8000
        ErrorLog "{root}/error.log"
        LoadModule mpm_event_module {modules}/mod_mpm_event.so
        LoadModule authz_core_module {modules}/mod_authz_core.so
        LoadModule wsgi_module "{module}"
        WSGIScriptAlias / {root}/app.wsgi
        """
    )
    httpd = Path(apxs("SBINDIR"), apxs("PROGNAME"))
    return run([httpd, "-t", "-f", config], root, **environ)
