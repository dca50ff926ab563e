"""Replacing processes in order: changed scripts, signals, httpd's own restarts, the end."""

from __future__ import annotations

import os
import signal
import time

import pytest

import process
from conftest import StartHttpd, StartServer
from evaluating import evaluate
from groups import (
    grouped,
    kill,
    supervisor,
    wait_inside,
    wait_replaced,
    wait_workers,
    worker,
    workers,
)
from httpd import Httpd, Mpm
from load import Load, asking
from server import Watched
from waiting import poll

SEVERAL = Mpm("event", 1, 8, 4)


def httpd_of(server: Watched) -> Httpd:
    assert isinstance(server.server, Httpd)
    return server.server


def touch(server: Watched, script: str, step: int = 1) -> None:
    path = server.apps / script
    changed = path.stat().st_mtime + step
    os.utime(path, (changed, changed))


@pytest.mark.parametrize("options", ["", "processes=2 threads=4"])
def test_touching_the_script_replaces_the_process(httpd: StartHttpd, options: str) -> None:
    """No request after the change is served by a process that has the old script."""
    server = httpd(grouped(options))
    loaded = evaluate(server, "/", "STATE['loaded']")
    pid = worker(server)
    touch(server, "evaluate.wsgi")
    began = time.time()
    for _ in range(10):
        assert worker(server) != pid
        assert evaluate(server, "/", "STATE['loaded']") != loaded
    if not options:
        assert evaluate(server, "/", "STATE['loaded']") >= began - 0.5
        # One of several may stay for as long as nothing is asked of it.
        process.wait_gone([pid])


ASKING = """
import os
FLAG = __file__ + ".flag"
LOADED = os.path.exists(FLAG)
def reload_required(path):
    return os.path.exists(FLAG) != LOADED
def application(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d %d" % (os.getpid(), len(body))]
"""


def test_a_script_that_asks_to_be_loaded_again(httpd: StartHttpd) -> None:
    """Its `reload_required` is asked before each request, and the next process serves that one."""
    server = httpd(
        "WSGIDaemonProcess app\n"
        "WSGIScriptAlias / @ROOT@/asking.wsgi process-group=app application-group=%{GLOBAL}"
    )
    script = server.root / "asking.wsgi"
    script.write_text(ASKING)

    def ask() -> str:
        pid, length = server.post("/", b"x" * 300000).body.decode().split()
        assert length == "300000"
        return pid

    first = ask()
    assert ask() == first
    flag = server.root / "asking.wsgi.flag"
    flag.touch()
    second = ask()
    assert second != first
    assert ask() == second
    flag.unlink()
    assert ask() not in (first, second)


def test_touching_loses_no_request(httpd: StartHttpd) -> None:
    server = httpd(grouped("processes=2 threads=4", "hello.wsgi"), SEVERAL)
    with Load(asking(server.port, "/", b"Hello world\n"), 8, 60) as load:
        for step in range(10):
            load.wait_answers(20)
            touch(server, "hello.wsgi", step + 1)
    assert load.failures == []


def test_body_of_the_request_that_sees_the_change(httpd: StartHttpd) -> None:
    """It arrives whole in the new process."""
    server = httpd(grouped(app="gateway.wsgi"))
    assert server.post("/input_digest", b"abc").json()[0] == 3
    for _ in range(3):
        touch(server, "gateway.wsgi")
        assert server.post("/input_digest", b"x" * 300000).json()[0] == 300000


def test_request_in_flight_finishes_when_the_script_changes(httpd: StartHttpd) -> None:
    server = httpd(grouped(app="waiting.wsgi"))
    [pid] = wait_workers(server)
    connection, gate = wait_inside(server)
    touch(server, "waiting.wsgi")
    gate.touch()
    assert connection.read_response().body == str(pid).encode()
    connection, gate = wait_inside(server, 1)
    gate.touch()
    assert connection.read_response().body != str(pid).encode()


def test_script_reloading_off(httpd: StartHttpd) -> None:
    server = httpd(grouped() + "WSGIScriptReloading Off\n")
    pid = worker(server)
    touch(server, "evaluate.wsgi")
    assert worker(server) == pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signal_to_an_idle_process(httpd: StartHttpd, number: signal.Signals) -> None:
    server = httpd(grouped())
    pid = worker(server)
    kill(pid, number)
    wait_replaced(server, pid)
    server.log.wait_for(rf"Process {pid} of group 'app' .*exited with code 0")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_signal_lets_the_request_finish(httpd: StartHttpd, number: signal.Signals) -> None:
    server = httpd(grouped(app="waiting.wsgi"))
    connection, gate = wait_inside(server)
    [pid] = wait_workers(server)
    kill(pid, number)
    time.sleep(0.3)
    gate.touch()
    assert connection.read_response().body == str(pid).encode()
    process.wait_gone([pid])


@pytest.mark.parametrize("option", ["graceful-timeout=1", "eviction-timeout=1"])
def test_time_for_requests_after_sigusr1(httpd: StartHttpd, option: str) -> None:
    server = httpd(grouped(f"{option} shutdown-timeout=1", "waiting.wsgi"))
    server.log.allow_crashes()
    server.log.allow("WC0068|WC0081|WC0035")
    connection, _ = wait_inside(server)
    [pid] = wait_workers(server)
    began = time.monotonic()
    kill(pid, signal.SIGUSR1)
    assert connection.read_response().status == 502
    assert 1.5 < time.monotonic() - began < 6


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR2])
def test_other_signals_change_nothing(httpd: StartHttpd, number: signal.Signals) -> None:
    server = httpd(grouped())
    pid = worker(server)
    kill(pid, number)
    time.sleep(0.2)
    assert worker(server) == pid


def test_graceful_restart_replaces_the_processes(httpd: StartHttpd) -> None:
    server = httpd(grouped(), SEVERAL)
    old, pid = supervisor(server), worker(server)
    httpd_of(server).graceful()
    poll(lambda: supervisor(server) not in (0, old), "another supervisor")
    poll(lambda: worker(server) != pid, "a new process serves")
    process.wait_gone([old, pid], 20)


def test_graceful_restart_lets_requests_finish(httpd: StartHttpd) -> None:
    server = httpd(grouped(app="waiting.wsgi"), SEVERAL)
    connection, gate = wait_inside(server)
    [pid] = wait_workers(server)
    httpd_of(server).graceful()
    time.sleep(0.5)
    gate.touch()
    assert connection.read_response().body == str(pid).encode()
    process.wait_gone([pid], 20)


@pytest.mark.slow
def test_graceful_restarts_lose_no_request(httpd: StartHttpd) -> None:
    server = httpd(grouped("processes=2 threads=4", "hello.wsgi"), SEVERAL)
    with Load(asking(server.port, "/", b"Hello world\n"), 4, 120) as load:
        for _ in range(8):
            httpd_of(server).graceful()
            load.wait_answers(20)
    assert load.failures == []
    poll(lambda: len(daemons(server)) == 3, "old generations have ended", 30)


def daemons(server: Watched) -> list[int]:
    found = process.descendants(server.server.pid)
    return [pid for pid in found if process.name(pid) == "wsgi-daemon"]


def test_hard_restart(httpd: StartHttpd) -> None:
    server = httpd(grouped(), SEVERAL)
    pid = worker(server)
    os.kill(server.server.pid, signal.SIGHUP)
    server.log.wait_for("resuming normal operations", 2)
    poll(lambda: worker(server) != pid, "a new process serves")
    process.wait_gone([pid])


def test_graceful_stop(httpd: StartHttpd) -> None:
    server = httpd(grouped(app="waiting.wsgi"))
    connection, gate = wait_inside(server)
    pids = daemons(server)
    [pid] = wait_workers(server)
    os.kill(server.server.pid, signal.SIGWINCH)
    server.log.wait_for("AH00492")
    gate.touch()
    assert connection.read_response().body == str(pid).encode()
    poll(lambda: not server.server.is_alive(), "httpd ended", 20)
    process.wait_gone(pids)


def test_idle_stop_takes_less_than_a_second(start: StartServer) -> None:
    times = []
    for _ in range(3):
        server = start(Httpd(grouped("processes=2")))
        worker(server)
        pids = daemons(server)
        began = time.monotonic()
        server.server.stop()
        process.wait_gone(pids)
        times.append(time.monotonic() - began)
    assert min(times) < 1.0, times


def test_stop_with_a_request_in_flight_ends_everything(httpd: StartHttpd) -> None:
    server = httpd(grouped("shutdown-timeout=1", "waiting.wsgi"))
    server.log.allow_crashes()
    server.log.allow("WC|AH")
    connection, _ = wait_inside(server)
    pids = daemons(server)
    server.server.stop()
    process.wait_gone(pids)
    connection.close()


def test_httpd_ends_after_its_groups(httpd: StartHttpd) -> None:
    server = httpd(grouped())
    path = server.root / "tmp" / "atexit"
    evaluate(server, "/", f"atexit.register(touch, '{path}')")
    evaluate(server, "/", "atexit.register(time.sleep, 0.5)")
    pids = daemons(server)
    parent = server.server.process
    assert parent is not None
    parent.terminate()
    parent.wait(15)
    assert not any(map(process.is_running, pids))
    assert path.read_text() == "called\n"


def test_atexit_runs_when_a_process_is_replaced(httpd: StartHttpd) -> None:
    server = httpd(grouped())
    path = server.root / "tmp" / "atexit"
    pid = worker(server)
    evaluate(server, "/", f"atexit.register(touch, '{path}')")
    kill(pid, signal.SIGTERM)
    wait_replaced(server, pid)
    assert path.read_text() == "called\n"
