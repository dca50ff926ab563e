"""Descriptors, memory and disk that run out: the answer, the log, and that it passes."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import process
from blocks import blocks, target
from conftest import StartHttpd, StartServer
from evaluating import evaluate
from groups import grouped, supervisor, wait_workers, worker, writable
from httpd import Httpd
from waiting import poll

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")


def limit_descriptors(pid: int, count: int) -> None:
    """Sets the soft limit of a process, as a process of the same user may."""
    command = ["prlimit", f"--pid={pid}", f"--nofile={count}:"]
    if os.geteuid() == 0:
        command[:0] = ["setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups"]
    subprocess.run(command, check=True)


def lowest_free(pid: int) -> int:
    """With this limit a process can open nothing."""
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    return next(number for number in range(10000) if number not in used)


def test_no_descriptors_in_a_process(httpd: StartHttpd) -> None:
    """Requests over new connections wait until there is one, and the log tells why."""
    server = httpd(grouped("", "blocks.wsgi"))
    server.log.expect("WC0083: .*'app': no connection can be taken: .*open files", None)
    [pid] = wait_workers(server)
    gate = writable(server) / "gate"
    answers: list[bytes] = []

    def ask() -> None:
        answers.append(blocks(server, "[b'served']").body)

    with server.connect() as held:
        # The connection that there is has a request.
        held.send_head("GET", target(f"gated('{gate}', b'held')"))
        assert held.read_head().status == 200
        assert held.read_chunk() == b"now"
        limit_descriptors(pid, lowest_free(pid))
        thread = threading.Thread(target=ask)
        thread.start()
        server.log.wait_for("WC0083")
        assert answers == []
        limit_descriptors(pid, 512)
        thread.join()
        gate.touch()
        assert held.read_chunk() == b"held"
    assert answers == [b"served"]
    assert wait_workers(server) == [pid]


def test_no_descriptors_in_httpd(httpd: StartHttpd) -> None:
    """503, and the next request is fine."""
    plain = "<Directory />\nAllowOverride None\n</Directory>\n"
    server = httpd(grouped("connect-timeout=1") + plain)
    server.log.expect("WC0067: .*'app'.*open files")
    children = process.children(server.server.pid)
    [child] = [pid for pid in children if pid != supervisor(server)]
    with server.connect() as connection:
        # httpd has this connection, and none to a process yet.
        assert connection.request("OPTIONS", "*").status == 200
        limit_descriptors(child, lowest_free(child))
        assert connection.request("GET", "/?1").status == 503
        limit_descriptors(child, 512)
    assert worker(server) > 0


def test_no_shared_memory_for_a_group(start: StartServer) -> None:
    """It is named at the start and answers 503; the others serve."""
    server = Httpd(
        "WSGIDaemonProcess large processes=4 threads=60000\n"
        "WSGIDaemonProcess small\n"
        "WSGIScriptAlias /large @APPS@/evaluate.wsgi process-group=large\n"
        "WSGIScriptAlias /small @APPS@/evaluate.wsgi process-group=small\n"
    )
    command = server.command()
    server.command = lambda: ["prlimit", "--fsize=2000000", *command]  # type: ignore[method-assign]
    watched = start(server)
    watched.log.expect("WC0065: Process group 'large' can't be set up: .*[Ff]ile too large", None)
    watched.log.allow("WC0065: Process group 'large'|WC0067: .*'large'")
    assert watched.get("/large?1").status == 503
    assert evaluate(watched, "/small", "1") == 1


@pytest.fixture
def full_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system on which nothing can be created."""
    path = tmp_path_factory.mktemp("full")
    command = ["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=2,mode=755", "none", str(path)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("file systems can't be mounted here")
    (path / "filler").touch()
    yield path
    subprocess.run(["umount", str(path)], check=True)


@needs_root
def test_no_room_for_sockets(full_disk: Path, httpd: StartHttpd) -> None:
    """503 with the reason in the log; and as soon as there is room, requests are served."""
    for path in (full_disk.parent, full_disk.parent.parent):
        path.chmod(0o755)
    server = httpd(grouped("connect-timeout=1") + f"WSGISocketPrefix {full_disk}/wsgi\n")
    server.log.expect("WC0065: .*'app': a process can't be started: socket .*: No space left", None)
    server.log.expect("WC0067: .*'app'")
    assert server.get("/?1").status == 503
    (full_disk / "filler").unlink()
    poll(lambda: server.log.find("is ready"), "a process", 30)
    assert worker(server) > 0


def test_log_that_takes_nothing(start: StartServer) -> None:
    """Requests are served all the same, also those that say something."""
    server = Httpd(grouped() + "ErrorLog /dev/full\n")
    server.log.wait_for = lambda *_, **__: []  # type: ignore[method-assign]
    watched = start(server)
    pid = worker(watched)
    assert evaluate(watched, "/", "environ['wsgi.errors'].write('text\\n') and 1") == 1
    assert watched.get("/?os._exit(7)").status == 502
    process.wait_gone([pid])
    assert worker(watched) != pid
