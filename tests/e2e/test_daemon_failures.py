"""Processes of a group that end when they should not: what the client gets, what the log says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

import process
from conftest import StartGroup, StartHttpd, StartServer
from evaluating import evaluate
from groups import (
    grouped,
    kill,
    supervisor,
    wait_inside,
    wait_replaced,
    wait_workers,
    worker,
)
from httpd import Httpd, Mpm
from load import Load, asking
from server import PREFIX
from waiting import poll

DIED = r"WC0081: Process {pid} of group 'app' {how}"
LOST = r"WC0068: .*'app'"


def test_killed_while_idle(serve: StartGroup) -> None:
    """The next request is served by another process; nothing is said to the client."""
    server = serve()
    server.log.allow_crashes()
    pid = worker(server)
    kill(pid)
    server.log.expect(DIED.format(pid=pid, how="was ended by SIGKILL"))
    assert wait_replaced(server, pid) > 0


def test_killed_in_a_request(serve: StartGroup) -> None:
    """502; one line tells cause, signal, request and duration; the next request is fine."""
    server = serve(app="waiting.wsgi")
    server.log.allow_crashes()
    connection, _ = wait_inside(server)
    [pid] = wait_workers(server)
    kill(pid)
    assert connection.read_response().status == 502
    found = server.log.wait_for(DIED.format(pid=pid, how="was ended by SIGKILL"))
    assert "'GET /?" in found[0].text and " seconds" in found[0].text
    server.log.expect(DIED.format(pid=pid, how="was ended by SIGKILL"))
    server.log.expect(LOST)
    connection, gate = wait_inside(server, 1)
    gate.touch()
    assert connection.read_response().body != str(pid).encode()


def test_one_of_two_processes_is_killed_under_load(httpd: StartHttpd) -> None:
    """Only what ran in the killed process may fail, and that with 502."""
    server = httpd(grouped("processes=2 threads=4", "hello.wsgi"), Mpm("event", 1, 8, 2))
    server.log.allow_crashes()
    server.log.allow(LOST)
    server.log.allow("WC0081: .*was ended by SIGKILL")
    wait_workers(server, 2)
    with Load(asking(server.port, "/", b"Hello world\n"), 4, 20) as load:
        for _ in range(5):
            load.wait_answers(50)
            kill(wait_workers(server, 2)[0])
            time.sleep(0.3)
    bad = [failure for failure in load.failures if "502" not in failure]
    assert bad == []
    assert len(load.failures) <= 20
    assert load.answered > 250


def test_supervisor_is_killed(serve: StartGroup) -> None:
    """Another one is started with other processes; the old ones end."""
    server = serve()
    server.log.allow_crashes()
    old, pid = supervisor(server), worker(server)
    kill(old)
    server.log.expect(rf"WC0085: .*process {old}")
    process.wait_gone([pid])
    poll(lambda: supervisor(server) not in (0, old), "another supervisor")
    assert wait_replaced(server, pid) > 0


def test_request_in_flight_when_the_supervisor_is_killed(serve: StartGroup) -> None:
    """It may finish within shutdown-timeout."""
    server = serve(app="waiting.wsgi")
    server.log.allow_crashes()
    connection, gate = wait_inside(server)
    [pid] = wait_workers(server)
    kill(supervisor(server))
    server.log.expect("WC0085: ")
    server.log.wait_for("WC0085: ")
    gate.touch()
    assert connection.read_response().body == str(pid).encode()


def test_nothing_survives_httpds_parent(start: StartServer) -> None:
    server = Httpd(grouped("processes=2") + "WSGIDaemonProcess second\n")
    watched = start(server)
    watched.log.allow_crashes()
    watched.log.allow("WC0068|WC0081|AH")
    wait_workers(watched, 3)
    pids = process.descendants(server.pid)
    daemons = [pid for pid in pids if process.name(pid) == "wsgi-daemon"]
    assert len(daemons) == 4
    os.kill(server.pid, signal.SIGKILL)
    try:
        process.wait_gone(daemons)
    finally:
        for pid in pids:
            if pid not in daemons and process.is_running(pid):
                os.kill(pid, signal.SIGKILL)


def test_child_of_httpd_is_killed(httpd: StartHttpd) -> None:
    """Its slots come back; a request of the next child is served by the same process."""
    server = httpd(grouped("threads=1", "waiting.wsgi"), Mpm("event", 1, 4, 2))
    server.log.allow_crashes()
    server.log.allow("AH00052|WC0055")
    connection, gate = wait_inside(server)
    [pid] = wait_workers(server)
    [child] = [p for p in process.children(server.server.pid) if p != supervisor(server)]
    kill(child)
    assert connection.is_closed_by_server()
    gate.touch()
    connection, gate = wait_inside(server, 1)
    gate.touch()
    assert connection.read_response().body == str(pid).encode()


def test_process_that_hangs_in_its_end_is_ended(serve: StartGroup) -> None:
    server = serve("shutdown-timeout=1")
    server.log.allow_crashes()
    server.log.expect("WC0035: .*did not end")
    server.log.allow("WC0081: .*exited with code 1")
    pid = worker(server)
    evaluate(server, "/", "atexit.register(time.sleep, 60)")
    began = time.monotonic()
    kill(pid, signal.SIGTERM)
    wait_replaced(server, pid)
    assert 0.8 < time.monotonic() - began < 4


def test_process_without_memory(httpd: StartHttpd) -> None:
    server = httpd(grouped("memory-limit=300000000"))
    found = evaluate(server, "/", "len(bytearray(400000000))")
    assert found["raised"] == "MemoryError"
    assert evaluate(server, "/", "1") == 1


def test_plan_of_another_build_names_both_versions() -> None:
    """The program refuses what a library of another build tells it, in one line."""
    parts = (b"@build", b"0.0.1+of-another-build", b"@anything", b"else")
    plan = os.memfd_create("plan")
    os.write(plan, b"".join(len(part).to_bytes(8, "little") + part for part in parts))
    program = PREFIX / "libexec/wsgi-core/wsgi-daemon"
    environment = {"WSGI_DAEMON_ROLE": f"supervisor:{plan}"}
    result = subprocess.run(
        [str(program)], env=environment, pass_fds=[plan], capture_output=True, text=True
    )
    os.close(plan)
    assert result.returncode != 0
    theirs = r"the libwsgi_core of the server is 0.0.1\+of-another-build: "
    line = rf"WC0065: {program} is (\S+), but {theirs}"
    match = re.search(line, result.stderr)
    assert match, result.stderr
    assert match[1].encode() in program.read_bytes()
