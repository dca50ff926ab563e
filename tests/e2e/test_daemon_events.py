"""Events of the process: what applications are told of signals and of the end."""

from __future__ import annotations

import signal
import time

import pytest

import process
from conftest import StartHttpd
from evaluating import evaluate
from groups import grouped, kill, wait_replaced, worker

PRINT = "lambda name, **payload: print(name, payload)"


@pytest.mark.parametrize(
    ("options", "number", "reason"),
    [
        ("", signal.SIGTERM, "shutdown_signal"),
        ("", signal.SIGUSR1, "graceful_signal"),
        ("eviction-timeout=5", signal.SIGUSR1, "eviction_signal"),
        ("", signal.SIGXCPU, "cpu_time_limit"),
        ("maximum-requests=2", 0, "maximum_requests"),
        ("inactivity-timeout=1", 0, "inactivity_timeout"),
        ("restart-interval=1", 0, "restart_interval"),
    ],
)
def test_process_stopping(httpd: StartHttpd, options: str, number: int, reason: str) -> None:
    """Subscribers of events come before those of the end."""
    server = httpd(grouped(options))
    evaluate(
        server,
        "/",
        f"[mod_wsgi.subscribe_shutdown({PRINT}), mod_wsgi.subscribe_events({PRINT})]",
    )
    server.log.expect(rf"process_stopping {{'shutdown_reason': '{reason}'}}", 2)
    pid = worker(server)
    if number:
        kill(pid, number)
    server.log.wait_for(rf"Process {pid} of group 'app' exited with code 0")
    server.log.wait_for(rf"shutdown_reason {reason}\)")


def test_process_stopping_of_a_changed_script(httpd: StartHttpd) -> None:
    server = httpd(grouped())
    evaluate(server, "/", f"mod_wsgi.subscribe_shutdown({PRINT})")
    server.log.expect("process_stopping {'shutdown_reason': 'script_reload'}")
    pid = worker(server)
    path = server.apps / "evaluate.wsgi"
    path.write_bytes(path.read_bytes())
    assert worker(server) != pid
    process.wait_gone([pid])


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR2])
def test_process_signal(httpd: StartHttpd, number: signal.Signals) -> None:
    server = httpd(grouped())
    pid = worker(server)
    evaluate(server, "/", f"mod_wsgi.subscribe_signals({PRINT})")
    server.log.expect(f"process_signal {{'signame': '{number.name}', 'signum': {number:d}}}")
    kill(pid, number)
    server.log.wait_for("process_signal")
    assert worker(server) == pid


def test_callback_that_does_not_return(httpd: StartHttpd) -> None:
    """It has shutdown-timeout, like all of the end."""
    server = httpd(grouped("shutdown-timeout=1"))
    pid = worker(server)
    evaluate(server, "/", "mod_wsgi.subscribe_shutdown(lambda name, **payload: time.sleep(30))")
    server.log.expect("WC0035: .*did not end within shutdown-timeout")
    server.log.expect(f"WC0081: Process {pid} .*exited with code 1")
    began = time.monotonic()
    kill(pid, signal.SIGTERM)
    wait_replaced(server, pid)
    assert 0.8 < time.monotonic() - began < 4
    assert server.log.find('File ".*evaluate.wsgi|File "<string>"')
