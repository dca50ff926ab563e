"""Load: processes that die or are replaced all the time, and more requests than there is room for.

With WSGI_CORE_SOAK in the environment the long forms run.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import process
from blocks import target
from client import Connection
from conftest import StartGroup, StartHttpd
from groups import grouped, kill, supervisor, wait_workers, workers, writable
from httpd import Httpd, Mpm
from load import Load, asking
from server import Watched
from waiting import poll

SOAK = bool(os.environ.get("WSGI_CORE_SOAK"))
CLIENTS = 64
MPM = Mpm("event", 2, 40, 4)
BODY = b"".join(b"%07d\n" % n for n in range(4000))
NUMBERS = "b''.join(b'%07d\\n' % n for n in range(k, k + 500))"
STREAM = target(f"({NUMBERS} for k in range(0, 4000, 500))")


class Answers:
    """Counts what clients get. Whatever is not whole and right must be told as a failure."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.count: Counter[str] = Counter()
        self.lock = threading.Lock()

    def ask(self) -> None:
        with Connection(self.port, 30.0) as connection:
            response = connection.request("GET", STREAM, {"Connection": "close"})
        if response.status == 200 and not response.complete:
            kind = "broken off"
            assert BODY.startswith(response.body), "not what was sent"
        else:
            kind = str(response.status)
            assert response.complete
            assert response.status != 200 or response.body == BODY, "looks complete, and is not"
        assert kind in ("200", "broken off", "502", "503", "504"), kind
        with self.lock:
            self.count[kind] += 1


def memory(pids: list[int]) -> int:
    return sum(process.status(pid, "VmRSS") for pid in pids)


def hosts(server: Watched) -> list[int]:
    """All processes that stay: httpd's and the supervisor."""
    return [server.server.pid, *process.children(server.server.pid)]


@pytest.mark.parametrize("processes", [1, 2, 3, 4] if SOAK else [2])
def test_processes_killed_at_random(httpd: StartHttpd, processes: int) -> None:
    """Every request is answered, completely or with an error that says so; nothing piles up."""
    server = httpd(grouped(f"processes={processes} threads=8", "blocks.wsgi"), MPM)
    server.log.allow_crashes()
    server.log.allow("WC0068|WC0067|WC0081: .*was ended by SIGKILL")
    wait_workers(server, processes)
    answers, chance = Answers(server.port), random.Random(1)
    seconds = 60 if SOAK else 8
    before: tuple[int, int] | None = None
    with Load(answers.ask, CLIENTS, seconds) as load:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(1.0, left))
            if found := workers(server):
                kill(chance.choice(found))
            if before is None and left < seconds * 0.7:
                before = memory(hosts(server)), sum(map(process.descriptors, hosts(server)))
    assert load.failures == []
    assert answers.count["200"] > 50 * seconds, answers.count
    # One death costs no more than what that process had.
    assert answers.count.total() - answers.count["200"] <= 8 * (seconds + 1) * 2, answers.count
    wait_workers(server, processes)
    assert before is not None
    after = memory(hosts(server)), sum(map(process.descriptors, hosts(server)))
    assert after[0] < before[0] * 1.3 + 8000, (before, after)
    assert after[1] <= before[1] + 4 * CLIENTS, (before, after)


def touch(path: Path, step: int) -> None:
    changed = path.stat().st_mtime + step
    os.utime(path, (changed, changed))


def lose_none(server: Watched, step: Callable[[int], None], count: int) -> None:
    """Under the load of all clients no request fails, whatever the steps replace."""
    with Load(asking(server.port, "/", b"Hello world\n"), CLIENTS, 300) as load:
        for number in range(count):
            step(number)
            load.wait_answers(CLIENTS)
    assert load.failures == []
    assert load.answered >= count * CLIENTS


def test_touching_loses_no_request_of_64_clients(httpd: StartHttpd) -> None:
    server = httpd(grouped("processes=2 threads=8", "hello.wsgi"), MPM)
    path = server.apps / "hello.wsgi"
    lose_none(server, lambda _: touch(path, 1), 50 if SOAK else 6)


def test_graceful_restarts_lose_no_request_of_64_clients(httpd: StartHttpd) -> None:
    server = httpd(grouped("processes=2 threads=8", "hello.wsgi"), MPM)
    assert isinstance(server.server, Httpd)
    host = server.server
    lose_none(server, lambda _: host.graceful(), 20 if SOAK else 4)
    daemons = [pid for pid in process.descendants(host.pid) if process.name(pid) == "wsgi-daemon"]
    poll(lambda: sum(map(process.is_running, daemons)) <= 3, "the end of old generations", 30)


def test_queue_timeout_sheds_load(serve: StartGroup) -> None:
    """Those that can't be served in time are told so, and when to come again."""
    server = serve("threads=2 queue-timeout=1", "blocks.wsgi")
    server.log.expect("WC0066: .*'app'", None)
    found: list[tuple[int, str | None]] = []

    def ask() -> None:
        response = server.get(target("[time.sleep(0.6), b'done'][1:]"))
        found.append((response.status, response.header("Retry-After")))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(found) == {(200, None): 4, (503, "1"): 4}


def sleeping(pids: list[int]) -> int:
    """How many processes wait for something in shared memory."""
    return sum("futex" in Path(f"/proc/{pid}/wchan").read_text() for pid in pids)


def test_requests_are_served_in_order_of_arrival(httpd: StartHttpd) -> None:
    """Whichever child of httpd they came to."""
    server = httpd(grouped("threads=1", "waiting.wsgi"), Mpm("prefork", 10, 1, 10))
    children = [p for p in process.children(server.server.pid) if p != supervisor(server)]
    connections = [server.connect() for _ in range(9)]
    for connection in connections:
        # Each child has one of them from here on.
        assert connection.request("OPTIONS", "*").status == 200
    directory = writable(server)
    for number, connection in enumerate(connections):
        before = sleeping(children)
        connection.send_head("GET", f"/?{directory}/{number}")
        if number == 0:
            poll((directory / "0.started").exists, "the first has the only thread")
        else:
            poll(lambda: sleeping(children) > before, "the next one waits")  # noqa: B023
    for number, connection in enumerate(connections):
        poll((directory / f"{number}.started").exists, f"request {number} has its turn")
        assert len(list(directory.glob("*.started"))) == number + 1
        (directory / f"{number}").touch()
        assert connection.read_response().status == 200
        connection.close()
