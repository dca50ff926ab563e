"""Process groups of an httpd: their configuration, their supervisor and their processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import process
from client import Connection
from evaluating import evaluate
from server import Watched
from waiting import poll

PID = "os.getpid()"


def grouped(options: str = "", app: str = "evaluate.wsgi", name: str = "app") -> str:
    """An application at / in a process group."""
    return (
        f"WSGIDaemonProcess {name} {options}\n"
        f"WSGIScriptAlias / @APPS@/{app} process-group={name} application-group=%{{GLOBAL}}\n"
    )


def supervisor(server: Watched) -> int:
    """The supervisor of the newest generation."""
    children = process.children(server.server.pid)
    found = [pid for pid in children if process.name(pid) == "wsgi-daemon"]
    return found[-1] if found else 0


def workers(server: Watched) -> list[int]:
    pid = supervisor(server)
    return process.children(pid) if pid else []


def wait_workers(server: Watched, count: int = 1, without: tuple[int, ...] = ()) -> list[int]:
    """The workers, once there are `count` that are not among those `without`."""

    def enough() -> list[int]:
        found = [pid for pid in workers(server) if pid not in without]
        return found if len(found) == count else []

    return poll(enough, f"{count} workers")


def worker(server: Watched) -> int:
    """The worker that serves a request."""
    return int(evaluate(server, "/", PID))


def wait_replaced(server: Watched, old: int, seconds: float = 10.0) -> int:
    """Waits until a worker has ended, and another serves."""
    poll(lambda: not process.is_running(old), f"the end of worker {old}", seconds)
    new = worker(server)
    assert new != old
    return new


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    os.kill(pid, number)


def writable(server: Watched) -> Path:
    """A directory that every user may write to."""
    directory = server.root / "shared"
    directory.mkdir(exist_ok=True)
    directory.chmod(0o777)
    return directory


def wait_inside(server: Watched, number: int = 0) -> tuple[Connection, Path]:
    """A request inside waiting.wsgi, which ends when the file is created."""
    gate = writable(server) / f"gate-{number}"
    connection = server.connect()
    connection.send_head("GET", f"/?{gate}")
    poll(Path(f"{gate}.started").exists, "the request is in its application")
    return connection, gate
