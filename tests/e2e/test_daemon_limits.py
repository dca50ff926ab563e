"""What bounds the processes of a group, and roots and sockets of their own."""

from __future__ import annotations

import os
import pwd
import shutil
import sysconfig
from pathlib import Path
from urllib.parse import quote

import pytest

from conftest import StartHttpd
from evaluating import environ, evaluate
from groups import grouped, wait_replaced, worker

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")
MMAP = "len(importlib.import_module('mmap').mmap(-1, {}))"


def test_virtual_memory_limit(httpd: StartHttpd) -> None:
    """Also of memory that is no data: shared mappings."""
    server = httpd(grouped("virtual-memory-limit=3000000000"))
    assert evaluate(server, "/", MMAP.format(1000000)) == 1000000
    assert evaluate(server, "/", MMAP.format(4000000000))["raised"] == "OSError"
    assert evaluate(server, "/", "1") == 1


def test_memory_limit_ends_what_can_not_go_on(httpd: StartHttpd) -> None:
    """C code without memory aborts: 502, the cause in the log, and another process."""
    server = httpd(grouped("memory-limit=300000000"))
    server.log.allow_crashes()
    server.log.expect(r"WC0068: .*'app'.*ended before it answered")
    pid = worker(server)
    server.log.expect(rf"WC0081: Process {pid} of group 'app' was ended by SIGABRT .*'GET /\?")
    library = "importlib.import_module('ctypes').CDLL(None)"
    expression = f"(lambda c: c.malloc(400000000) or c.abort())({library})"
    assert server.get(f"/?{quote(expression)}").status == 502
    assert wait_replaced(server, pid) > 0


@needs_root
def test_socket_user(httpd: StartHttpd) -> None:
    """The socket is that user's; httpd's processes, who are others, can't connect to it."""
    server = httpd(
        grouped("socket-user=games connect-timeout=1") + "WSGISocketPrefix tmp/wsgi\n"
    )
    server.log.expect("WC0067: .*'app'.*[Pp]ermission denied")
    assert server.get("/?1").status == 503
    [path] = [path for path in (server.root / "tmp").iterdir() if path.is_socket()]
    assert path.stat().st_uid == pwd.getpwnam("games").pw_uid


def link_tree(source: Path, target: Path) -> None:
    """A copy; of links where the file system lets them."""

    def link(one: str, other: str) -> None:
        try:
            os.link(one, other)
        except OSError:
            shutil.copy2(one, other)

    ignored = shutil.ignore_patterns("__pycache__", "test", "idlelib", "tkinter", "ensurepip")
    shutil.copytree(source, target, copy_function=link, ignore=ignored)


@needs_root
def test_chroot(httpd: StartHttpd) -> None:
    """Files are where they are there, and nothing else can be reached."""
    server = httpd(
        "WSGIDaemonProcess app chroot=@ROOT@/jail\n"
        "WSGIScriptAlias /in @ROOT@/jail/srv/evaluate.wsgi process-group=app\n"
        "WSGIScriptAlias /out @APPS@/evaluate.wsgi process-group=app\n",
        before=lambda root: make_jail(root / "jail", root / "apps/evaluate.wsgi"),
    )
    assert environ(server, "/in", "SCRIPT_FILENAME") == "/srv/evaluate.wsgi"
    assert environ(server, "/in", "DOCUMENT_ROOT") is None
    assert set(evaluate(server, "/in", "os.listdir('/')")) == set(os.listdir(server.root / "jail"))
    assert evaluate(server, "/in", "open('/etc/passwd')")["raised"] == "FileNotFoundError"
    assert evaluate(server, "/in", "os.getuid()") == pwd.getpwnam("www-data").pw_uid
    server.log.expect("WC0064: ")
    assert server.get("/out?1").status == 502


def make_jail(jail: Path, script: Path) -> None:
    (jail / "srv").mkdir(parents=True)
    shutil.copy(script, jail / "srv")
    library = Path(sysconfig.get_paths()["stdlib"])
    link_tree(library, jail / library.relative_to("/"))
