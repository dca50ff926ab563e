"""What the system refuses is told in one line, with what to do about it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Start
from express import ACCOUNT, APPS, COMMAND, Express, environment

ERROR = "mod_wsgi-express: error: "
AS_USER = ["setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "--"]
root_only = pytest.mark.skipif(os.getuid() != 0, reason="only root changes accounts")


@dataclass
class Failure:
    """What a server cannot be started with."""

    told: str
    """A part of the message, in which SITE stands for the directory of the test."""
    words: tuple[str, ...] = ()
    prepare: Callable[[Path], object] = lambda site: None
    root: str = "root"
    """The server root, in the directory of the test."""


def touch(name: str, mode: int = 0o644) -> Callable[[Path], object]:
    return lambda site: ((site / name).touch(), (site / name).chmod(mode))


def mkdir(name: str, mode: int = 0o755) -> Callable[[Path], object]:
    return lambda site: ((site / name).mkdir(), (site / name).chmod(mode))


FAILURES = {
    "server root is a file": Failure(
        "SITE/root is not a directory; remove it, or choose another one with --server-root",
        prepare=touch("root"),
    ),
    "parent of the server root is missing": Failure(
        "SITE/a/b cannot be made, because SITE/a does not exist; make it first", root="a/b"
    ),
    "parent of the server root is a file": Failure(
        "SITE/a/b cannot be made: Not a directory; choose another directory with --server-root",
        prepare=touch("a"),
        root="a/b",
    ),
    "name is too long": Failure(
        "cannot be made: File name too long; choose another directory with --server-root",
        root="x" * 300,
    ),
    "sockets with long paths": Failure(
        "longer than the system allows; name a directory with a shorter path with --socket-prefix",
        root="x" * 100,
    ),
    "a generated file is a directory": Failure(
        "SITE/root/httpd.conf cannot be written: Is a directory; make room or open the directory, "
        "or choose another one with --server-root",
        prepare=lambda site: (site / "root/httpd.conf").mkdir(parents=True),
    ),
    "document root is a file": Failure(
        "SITE/public is not a directory; remove it, or choose another one with --document-root",
        ("--document-root", "SITE/public"),
        touch("public"),
    ),
    "mount point is a file": Failure(
        "SITE/public/api is not a directory; remove it, or choose another one with --document-root",
        ("--document-root", "SITE/public", "--mount-point", "/api"),
        lambda site: (mkdir("public")(site), touch("public/api")(site)),
    ),
    "log directory cannot be made": Failure(
        "SITE/no/log cannot be made, because SITE/no does not exist; make it first",
        ("--log-directory", "SITE/no/log"),
    ),
    "directory of the pid file": Failure(
        "--pid-file: SITE/no does not exist; make it first", ("--pid-file", "SITE/no/pid")
    ),
    "directory of sockets": Failure(
        "--socket-prefix: SITE/no does not exist", ("--socket-prefix", "SITE/no")
    ),
    "shell": Failure(
        "SITE/shell cannot be run; install it, or name another program with --shell-executable",
        ("--shell-executable", "SITE/shell"),
    ),
    "gdb": Failure(
        "SITE/gdb cannot be run; install it, or name another program with --gdb-executable",
        ("--enable-gdb", "--gdb-executable", "SITE/gdb"),
    ),
    "rotatelogs": Failure(
        "SITE/rl cannot be run; install it, or name another program with --rotatelogs-executable",
        ("--rotate-logs", "--rotatelogs-executable", "SITE/rl"),
        touch("rl"),
    ),
    "included configuration": Failure(
        "--include-file: SITE/no.conf does not exist", ("--include-file", "SITE/no.conf")
    ),
    "types": Failure("--mime-types: SITE/no does not exist", ("--mime-types", "SITE/no")),
    "php": Failure(
        "libphp5.so does not exist; a newer PHP is loaded by a file of --include-file, with "
        "--server-mpm prefork",
        ("--with-php5",),
    ),
    "host without an address": Failure(
        "--host no-such-host.invalid: there is no such host; name an IP address of this machine, "
        "or leave --host out to listen on all of them",
        ("--host", "no-such-host.invalid"),
    ),
    "host that is no name": Failure("--host a..b: there is no such host", ("--host", "a..b")),
    "foreign address": Failure(
        "--host 2001:db8::1: this machine does not have the address; name one that it has",
        ("--host", "2001:db8::1"),
    ),
}


def refusal(server: Express, words: tuple[str, ...] = ()) -> str:
    result = server.run(*words)
    assert result.returncode == 1, result.stdout + result.stderr
    (line,) = result.stderr.splitlines()
    assert line.startswith(ERROR)
    return line.removeprefix(ERROR)


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_failure(express: Start, environ_app: Path, site: Path, failure: Failure) -> None:
    failure.prepare(site)
    server = express(environ_app)
    server.server_root = site / failure.root
    words = tuple(word.replace("SITE", str(site)) for word in failure.words)
    assert failure.told.replace("SITE", str(site)) in refusal(server, words)


# What an ordinary user may not do.
FORBIDDEN = {
    "server root": Failure(
        "SITE/root/httpd.conf cannot be written: Permission denied; make room or open the "
        "directory, or choose another one with --server-root",
        prepare=lambda site: (
            (site / "root/htdocs").mkdir(parents=True),
            (site / "root/python-eggs").mkdir(),
        ),
    ),
    "parent of the server root": Failure(
        "SITE/root cannot be made: Permission denied; choose another directory with --server-root",
        prepare=lambda site: site.chmod(0o755),
    ),
    "log directory": Failure(
        "--log-directory: SITE/log cannot be written to by you; open it, or choose another one",
        ("--log-directory", "SITE/log"),
        mkdir("log"),
    ),
    "log": Failure(
        "SITE/log/error_log cannot be written to by you; remove it, or choose another directory "
        "with --log-directory",
        ("--log-directory", "SITE/log"),
        lambda site: (mkdir("log", 0o777)(site), touch("log/error_log")(site)),
    ),
    "pid file": Failure(
        "--pid-file: SITE/run cannot be written to by you; open it, or choose another one",
        ("--pid-file", "SITE/run/pid"),
        mkdir("run"),
    ),
    "configuration": Failure(
        "--include-file: SITE/x.conf cannot be read by you; open it, or name another one",
        ("--include-file", "SITE/x.conf"),
        touch("x.conf", 0o600),
    ),
    "script": Failure(
        "the application: SITE/app.wsgi cannot be read by you; open it, or name another one",
        ("--entry-point", "SITE/app.wsgi"),
        touch("app.wsgi", 0o600),
    ),
}


@root_only
@pytest.mark.parametrize("failure", FORBIDDEN.values(), ids=FORBIDDEN)
def test_forbidden(express: Start, environ_app: Path, site: Path, failure: Failure) -> None:
    site.chmod(0o777)
    failure.prepare(site)
    server = express(environ_app)
    server.command = [*AS_USER, *server.command]
    server.account = []
    server.server_root = site / failure.root
    words = tuple(word.replace("SITE", str(site)) for word in failure.words)
    assert failure.told.replace("SITE", str(site)) in refusal(server, words)


@pytest.fixture
def full(site: Path) -> Iterator[Path]:
    """A file system without room, but for some more names."""
    place = site / "full"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", place]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def fill(place: Path) -> None:
    with (place / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return


def test_full_disk(express: Start, environ_app: Path, full: Path) -> None:
    """The files of before stay whole."""
    server = express(environ_app, "--setup-only")
    server.server_root = full / "root"
    assert server.run().returncode == 0
    before = {
        path.name: path.read_bytes() for path in server.server_root.iterdir() if path.is_file()
    }
    fill(full)
    told = refusal(server, ("--setenv", "A", "B"))
    assert told.startswith(f"{full}/root/httpd.conf cannot be written: No space left on device; ")
    after = {
        path.name: path.read_bytes() for path in server.server_root.iterdir() if path.is_file()
    }
    assert after == before


@pytest.mark.parametrize("command", ["start-server", "setup-server", "module-config"])
def test_output_cannot_be_written(site: Path, command: str) -> None:
    words = [] if command == "module-config" else ["--server-root", site / "root", *ACCOUNT]
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [COMMAND, command, *words], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert result.returncode == 1
    assert result.stderr == (
        f"{ERROR}standard output cannot be written: No space left on device; "
        "redirect it elsewhere\n"
    )


def test_output_is_closed(site: Path) -> None:
    line = f"exec {COMMAND} setup-server --server-root {site}/root >&-"
    result = subprocess.run(["sh", "-c", line], stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith(f"{ERROR}standard output is closed; redirect it")


def test_output_is_read_no_more(site: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(
        [COMMAND, "setup-server", "--server-root", site / "root"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert result.returncode == 1
    assert "standard output cannot be written: Broken pipe" in result.stderr
    assert "Traceback" not in result.stderr


def test_directory_is_gone(site: Path) -> None:
    line = (
        f"mkdir {site}/gone && cd {site}/gone && rmdir {site}/gone && exec {COMMAND} start-server"
    )
    result = subprocess.run(["sh", "-c", line], capture_output=True, text=True)
    assert result.returncode == 1
    assert f"{ERROR}the current directory is gone; change to one that exists" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("words", [(), ("--host", "::1")])
def test_port_in_use_on_ipv6(express: Start, environ_app: Path, words: tuple[str, ...]) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        server = express(environ_app, *words)
        server.port = taken.getsockname()[1]
        told = f"port {server.port} is in use by another program; choose another one with --port"
        assert refusal(server) == told


def test_system_without_ipv6(express: Start, environ_app: Path) -> None:
    """It is known there, and no address has it."""
    without = "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 && ip link set lo up"
    inside = ["unshare", "--net", "sh", "-c", f'{without} && exec "$0" "$@"']
    if os.getuid() != 0 or subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
        pytest.skip("no network of one's own can be had here")
    server = express(environ_app)
    script = (
        "import urllib.request, subprocess, sys, time\n"
        "server = subprocess.Popen(sys.argv[2:])\n"
        "for _ in range(200):\n"
        "    try:\n"
        "        print(urllib.request.urlopen(sys.argv[1]).status)\n"
        "        break\n"
        "    except OSError:\n"
        "        time.sleep(0.05)\n"
        "server.terminate()\n"
        "server.wait()\n"
    )
    url = f"http://127.0.0.1:{server.port}/"
    result = subprocess.run(
        [*inside, "python3", "-c", script, url, *server.command, *server.options()],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert result.stdout.splitlines()[-1] == "200", result.stdout + result.stderr


@root_only
def test_python_behind_a_closed_directory(express: Start, site: Path) -> None:
    """Also where only a link on the way to it is."""
    closed = site / "closed"
    closed.mkdir(mode=0o700)
    (closed / "app").symlink_to(APPS / "environ.wsgi")
    (site / "app.wsgi").symlink_to(closed / "app")
    told = refusal(express(site / "app.wsgi"))
    assert (
        f"{site}/app.wsgi cannot be read by www-data, whom the server runs as, because {closed}"
        in told
    )


@root_only
def test_python_that_only_root_may_run(express: Start, environ_app: Path, site: Path) -> None:
    """What no mode of a file tells is seen when the application is tried."""
    shell = site / "shell"
    shell.write_text('#!/bin/sh\n[ "$(id -u)" = 0 ] || exit 126\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    told = refusal(express(environ_app, "--shell-executable", shell))
    assert told.startswith(f"{sys.executable} cannot be run by www-data, whom the server runs as;")


def test_python_that_crashes(express: Start, site: Path) -> None:
    (site / "app.wsgi").write_text("import os\nos.abort()\n")
    told = refusal(express(site / "app.wsgi"))
    assert told == "Python ends with signal 6 where the application is loaded"


@root_only
def test_shell_that_only_root_may_run(express: Start, environ_app: Path, site: Path) -> None:
    shell = site / "shell"
    shell.write_text('#!/bin/sh\nexec /bin/sh "$@"\n')
    shell.chmod(0o700)
    told = refusal(express(environ_app, "--shell-executable", shell))
    assert f"{shell} cannot be run by www-data, whom the server runs as: Permission denied" in told
