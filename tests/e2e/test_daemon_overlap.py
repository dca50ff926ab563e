"""Replacement while the old process still works: who serves what, and how many there are."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import process
import pytest
from conftest import StartGroup, StartHttpd
from evaluating import evaluate
from groups import grouped, kill, wait_inside, wait_workers, worker, workers
from load import Load, asking
from server import Watched
from waiting import poll


def touch(server: Watched, script: str, step: int = 1) -> None:
    path = server.apps / script
    changed = path.stat().st_mtime + step
    os.utime(path, (changed, changed))


def ask_inside(server: Watched, number: int) -> int:
    """The process that serves a request from start to end."""
    connection, gate = wait_inside(server, number)
    gate.touch()
    return int(connection.read_response().body)


def test_new_script_is_served_while_the_old_one_has_a_request(serve: StartGroup) -> None:
    server = serve(app="waiting.wsgi")
    [old] = wait_workers(server)
    connection, gate = wait_inside(server)
    for step in (1, 2):
        touch(server, "waiting.wsgi", step)
        assert ask_inside(server, step) != old
    assert process.is_running(old)
    gate.touch()
    assert connection.read_response().body == str(old).encode()
    process.wait_gone([old])
    wait_workers(server, 1)


@pytest.mark.parametrize(
    ("number", "options"),
    [
        (signal.SIGUSR1, "graceful-timeout=20"),
        (signal.SIGTERM, "shutdown-timeout=20"),
    ],
)
def test_a_signal_with_a_request_in_flight(
    serve: StartGroup, number: signal.Signals, options: str
) -> None:
    server = serve(options, "waiting.wsgi")
    [old] = wait_workers(server)
    connection, gate = wait_inside(server)
    kill(old, number)
    server.log.wait_for("is ready", 2)
    assert ask_inside(server, 1) != old
    gate.touch()
    assert connection.read_response().body == str(old).encode()


def test_old_process_serves_until_the_new_one_is_ready(serve: StartGroup) -> None:
    """Nothing waits for the start of the next one: it is held up for as long as the test asks."""
    server = serve("display-name=mine")
    old = worker(server)
    kill(old, signal.SIGUSR1)
    new = poll(lambda: next((p for p in workers(server) if p != old), 0), "the next process")
    os.kill(new, signal.SIGSTOP)
    try:
        if not server.log.find(f"Process {new} of group 'app' is ready"):
            assert [worker(server) for _ in range(20)] == [old] * 20
    finally:
        os.kill(new, signal.SIGCONT)
    process.wait_gone([old])
    assert worker(server) == new


def test_processes_are_replaced_one_after_the_other(serve: StartGroup) -> None:
    """Four that are old at once: one more starts, and one that was replaced may still end."""
    server = serve("processes=4 restart-interval=2")
    first = set(wait_workers(server, 4))
    seen, most = set(first), 0

    def count() -> bool:
        nonlocal most
        now = workers(server)
        seen.update(now)
        most = max(most, len(now))
        return not first & set(now)

    poll(count, "the end of the first four", 15)
    assert len(seen) >= 8
    assert most <= 4 + 2


def test_number_of_processes_is_bounded(serve: StartGroup) -> None:
    """However often the script changes while requests are in flight: two for each one."""
    server = serve("graceful-timeout=3", "waiting.wsgi")
    server.log.allow_crashes()
    server.log.allow("WC0068|WC0081|WC0035")
    wait_workers(server)
    held = [wait_inside(server, 100)]
    touch(server, "waiting.wsgi", 1)
    held.append(wait_inside(server, 101))
    assert len(workers(server)) == 2
    touch(server, "waiting.wsgi", 1)
    with server.connect() as waiting:
        gate = Path(f"{held[0][1]}-third")
        waiting.send_head("GET", f"/?{gate}")
        assert len(workers(server)) == 2
        held[0][1].touch()
        assert held[0][0].read_response().status == 200
        gate.touch()
        assert waiting.read_response().status == 200
    held[1][1].touch()
    assert held[1][0].read_response().status == 200


def test_maximum_requests_under_load(httpd: StartHttpd) -> None:
    server = httpd(grouped("maximum-requests=50 threads=4", "hello.wsgi"))
    wait_workers(server)
    with Load(asking(server.port, "/", b"Hello world\n"), 4, 30) as load:
        load.wait_answers(1000)
    assert load.failures == []
    assert len(server.log.find("it has served maximum-requests")) >= 1000 // 60


def test_maximum_requests_is_not_exceeded(serve: StartGroup) -> None:
    server = serve("maximum-requests=20")
    found = [worker(server) for _ in range(100)]
    counts = [found.count(pid) for pid in dict.fromkeys(found)]
    assert max(counts) <= 20 and len(counts) >= 5
    assert evaluate(server, "/", "1") == 1
