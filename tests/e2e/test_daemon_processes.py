"""processes, threads and the names of what runs: what the application sees, and the system."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import process
from conftest import StartGroup, StartHttpd
from evaluating import environ, evaluate
from groups import grouped, supervisor, wait_workers, worker, workers
from httpd import Mpm
from server import Watched


def met(server: Watched, count: int) -> list[tuple[int, int]]:
    """Process and thread of as many requests at once."""
    found: list[tuple[int, int]] = []
    expression = "[time.sleep(0.3), os.getpid(), environ['mod_wsgi.thread_id']][1:]"

    def ask() -> None:
        pid, thread = evaluate(server, "/", expression)
        found.append((pid, thread))

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize(
    ("options", "multiprocess", "multithread"),
    [
        ("", False, True),
        ("processes=1", True, True),
        ("processes=2", True, True),
        ("threads=1", False, False),
        ("processes=3 threads=1", True, False),
    ],
)
def test_environ_flags(
    serve: StartGroup, options: str, multiprocess: bool, multithread: bool
) -> None:
    server = serve(options)
    assert environ(server, "/", "wsgi.multiprocess") is multiprocess
    assert environ(server, "/", "wsgi.multithread") is multithread
    assert environ(server, "/", "wsgi.run_once") is False


@pytest.mark.parametrize(("options", "count"), [("", 1), ("processes=1", 1), ("processes=3", 3)])
def test_as_many_processes_as_configured(serve: StartGroup, options: str, count: int) -> None:
    server = serve(options)
    found = wait_workers(server, count)
    assert worker(server) in found
    assert set(found).isdisjoint(process.children(server.server.pid))


def test_requests_use_all_processes_and_threads(httpd: StartHttpd) -> None:
    server = httpd(grouped("processes=2 threads=3"), Mpm("event", 1, 8, 1))
    wait_workers(server, 2)
    found = met(server, 6)
    assert len(set(found)) == 6
    assert {pid for pid, _ in found} == set(workers(server))
    assert {thread for _, thread in found} == {1, 2, 3}


def test_the_default_is_one_process_with_15_threads(httpd: StartHttpd) -> None:
    server = httpd(grouped(), Mpm("event", 1, 16, 1))
    found = met(server, 15)
    assert len(set(found)) == 15
    assert len({pid for pid, _ in found}) == 1
    assert evaluate(server, "/", "mod_wsgi.threads_per_process") == 15
    assert evaluate(server, "/", "[apache.maximum_processes, apache.threads_per_process]") == [1, 16]
    assert evaluate(server, "/", "mod_wsgi.maximum_processes") == 1


def test_one_thread_serves_one_request_at_a_time(serve: StartGroup) -> None:
    server = serve("threads=1")
    found = met(server, 3)
    assert len(set(found)) == 1


@pytest.mark.parametrize("mpm", [Mpm("prefork", 2, 1, 4), Mpm("worker", 2, 4, 2)])
def test_every_child_uses_the_same_processes(httpd: StartHttpd, mpm: Mpm) -> None:
    server = httpd(grouped("processes=2"), mpm)
    found = wait_workers(server, 2)
    assert {pid for pid, _ in met(server, 4)} <= set(found)


def test_httpd_has_no_python(serve: StartGroup) -> None:
    server = serve()
    pid = worker(server)
    others = [*process.children(server.server.pid), server.server.pid]
    for other in others:
        assert "libpython" not in Path(f"/proc/{other}/maps").read_text()
    assert "libpython" in Path(f"/proc/{pid}/maps").read_text()


def test_groups_are_separate(httpd: StartHttpd) -> None:
    server = httpd("""
        WSGIDaemonProcess one
        WSGIDaemonProcess two threads=2
        WSGIScriptAlias /one @APPS@/evaluate.wsgi process-group=one
        WSGIScriptAlias /two @APPS@/evaluate.wsgi process-group=two
        WSGIScriptAlias /none @APPS@/evaluate.wsgi
        """)
    expression = "[os.getpid(), environ['mod_wsgi.process_group'], mod_wsgi.process_group]"
    found = {name: evaluate(server, f"/{name}", expression) for name in ("one", "two", "none")}
    assert [found[name][1:] for name in found] == [["one", "one"], ["two", "two"], ["", ""]]
    assert len({pid for pid, *_ in found.values()}) == 3
    assert found["none"][0] in process.children(server.server.pid)


@pytest.mark.parametrize(
    ("option", "expected"),
    [("%{GROUP}", "(wsgi:app)"), ("mine", "mine"), ('"two words"', "two words")],
)
def test_display_name(httpd: StartHttpd, option: str, expected: str) -> None:
    server = httpd(grouped(f"display-name={option}"))
    assert command_line(worker(server)) == expected


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0].decode().rstrip()


def test_supervisor_is_small(serve: StartGroup) -> None:
    """It has one thread and no Python."""
    server = serve("processes=2")
    wait_workers(server, 2)
    pid = supervisor(server)
    assert process.status(pid, "Threads") == 1
    assert "libpython" not in Path(f"/proc/{pid}/maps").read_text()


def test_file_descriptors_of_httpd_stay_there(httpd: StartHttpd) -> None:
    """A worker has neither httpd's listening socket nor its logs but stderr."""
    server = httpd(grouped())
    found = evaluate(server, "/", "[os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd') if os.path.lexists(f'/proc/self/fd/{n}')]")
    assert not [path for path in found if path.endswith("access.log")]
    inode = next(
        fields[9]
        for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
        if fields[3] == "0A" and int(fields[1].partition(":")[2], 16) == server.port
    )
    assert f"socket:[{inode}]" not in found
