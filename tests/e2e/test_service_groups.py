"""Process groups without request threads: their processes run scripts, and nothing else."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

import process
from conftest import StartHttpd
from groups import wait_workers
from server import Watched
from test_httpd_loading import write_script
from waiting import poll

# Each script has the path of a file to write to.
PRELUDE = """
import os, signal, sys, threading, time
import mod_wsgi
def note(*words):
    with open({path!r}, "a") as stream:
        print(*words, file=stream)
"""
SERVICE = (
    PRELUDE
    + """
note("started", os.getpid(), mod_wsgi.process_group)
note("main", threading.current_thread() is threading.main_thread())
try:
    while True:
        time.sleep(1000)
finally:
    note("ended", os.getpid(), sys.exc_info()[0].__name__)
"""
)


class Service:
    """A server with a service group whose scripts were in place before it started."""

    def __init__(self, httpd: StartHttpd) -> None:
        self.httpd = httpd
        self.path = Path()

    def start(self, *sources: str, options: str = "", more: str = "") -> Watched:
        imports = "".join(
            f"WSGIImportScript @ROOT@/{number}.py process-group=service "
            "application-group=%{GLOBAL}\n"
            for number in range(len(sources))
        )

        def prepare(root: Path) -> None:
            shared = root / "shared"
            shared.mkdir()
            shared.chmod(0o777)
            self.path = shared / "notes"
            for number, source in enumerate(sources):
                text = source.replace("{path!r}", repr(str(self.path)))
                write_script(root / f"{number}.py", text, 1_700_000_000)

        config = f"WSGIDaemonProcess service threads=0 {options}\n{imports}{more}"
        return self.httpd(config, prepare=prepare)

    def notes(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def wait(self, word: str, count: int = 1) -> list[list[str]]:
        """The notes that begin with this word."""

        def enough() -> list[list[str]]:
            found = [note.split() for note in self.notes()]
            found = [note for note in found if note[0] == word]
            return found if len(found) >= count else []

        return poll(enough, f"{count} notes {word!r}", 10.0)


@pytest.fixture
def service(httpd: StartHttpd) -> Service:
    return Service(httpd)


def test_a_script_runs_on_the_main_thread(service: Service) -> None:
    server = service.start(SERVICE)
    [[_, pid, group]] = service.wait("started")
    assert group == "service"
    assert wait_workers(server, 1) == [int(pid)]
    assert service.wait("main") == [["main", "True"]]


def test_sigterm_raises_system_exit_and_the_process_is_replaced(service: Service) -> None:
    server = service.start(SERVICE)
    [[_, pid, _]] = service.wait("started")
    os.kill(int(pid), signal.SIGTERM)
    assert service.wait("ended") == [["ended", pid, "SystemExit"]]
    first, second = service.wait("started", 2)
    assert first[1] == pid != second[1]
    assert not server.log.find("SystemExit")


def test_stopping_the_server_ends_it(service: Service) -> None:
    server = service.start(SERVICE)
    [[_, pid, _]] = service.wait("started")
    server.server.stop()
    assert service.wait("ended") == [["ended", pid, "SystemExit"]]
    assert not process.is_running(int(pid))


def test_scripts_run_in_order_and_the_last_return_ends_the_process(service: Service) -> None:
    script = PRELUDE + "note('ran', __file__[-4], os.getpid())\n"
    server = service.start(script, script)
    notes = service.wait("ran", 4)
    assert [number for _, number, _ in notes[:4]] == ["0", "1", "0", "1"]
    pids = [pid for *_, pid in notes[:4]]
    assert pids[0] == pids[1] != pids[2] == pids[3]
    server.log.wait_for(r"its scripts have ended")


def test_a_script_that_returns_is_not_a_failure(service: Service) -> None:
    """Nothing of it is an error in the log, and there is no growing pause."""
    service.start(PRELUDE + "note('ran', time.monotonic())\n")
    times = [float(time) for _, time in service.wait("ran", 4)]
    assert times[3] - times[0] >= 2.5


def test_exit_functions_run(service: Service) -> None:
    service.start(PRELUDE + "import atexit\natexit.register(note, 'exit')\nnote('ran')\n")
    service.wait("exit")


def test_a_failing_script_is_logged_and_the_next_one_runs(service: Service) -> None:
    server = service.start("raise ValueError('broken')\n", SERVICE)
    service.wait("started")
    server.log.expect(r"WC0042: ValueError exception raised processing WSGI script '.*/0\.py'")
    server.log.expect(r"^ValueError: broken$")
    server.log.tracebacks = True


def test_sys_exit_is_no_error(service: Service) -> None:
    server = service.start("raise SystemExit(3)\n", SERVICE)
    service.wait("started")
    assert not server.log.find("SystemExit")


def test_signals_belong_to_the_script(service: Service) -> None:
    source = (
        PRELUDE
        + """
def handler(number, frame):
    note("signal", number)
signal.signal(signal.SIGUSR2, handler)
signal.signal(signal.SIGTERM, lambda *_: note("mine") or sys.exit())
note("started", os.getpid(), signal.pthread_sigmask(signal.SIG_BLOCK, []) or "unblocked")
while True:
    time.sleep(1000)
"""
    )
    service.start(source)
    [[_, pid, mask]] = service.wait("started")
    assert mask == "unblocked"
    os.kill(int(pid), signal.SIGUSR2)
    assert service.wait("signal") == [["signal", str(int(signal.SIGUSR2))]]
    os.kill(int(pid), signal.SIGTERM)
    service.wait("mine")


def test_threads_of_the_script(service: Service) -> None:
    source = (
        PRELUDE
        + """
def work():
    note("worked", os.getpid())
    while not done.wait(1000):
        pass
done = threading.Event()
thread = threading.Thread(target=work)
thread.start()
try:
    thread.join()
finally:
    done.set()
    note("ended")
"""
    )
    service.start(source)
    [[_, pid]] = service.wait("worked")
    os.kill(int(pid), signal.SIGTERM)
    service.wait("ended")


def test_a_script_that_ignores_the_signal_is_ended(service: Service) -> None:
    source = (
        PRELUDE
        + """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
note("started", os.getpid())
while True:
    time.sleep(1000)
"""
    )
    server = service.start(source, options="shutdown-timeout=1")
    [[_, pid]] = service.wait("started")
    server.log.expect(r"WC0035: .*did not end within shutdown-timeout")
    server.log.expect(r"WC0081: .*exited with code 1 .*told to stop")
    server.server.stop()
    assert not process.is_running(int(pid))


def test_a_request_for_the_group_is_answered(service: Service) -> None:
    server = service.start(
        SERVICE, more="WSGIScriptAlias / @APPS@/hello.wsgi process-group=service\n"
    )
    server.log.expect(r"WC0067: .*serves no requests")
    assert server.get("/").status == 503


def test_other_groups_serve_meanwhile(service: Service) -> None:
    server = service.start(
        SERVICE,
        more="WSGIDaemonProcess app\nWSGIScriptAlias / @APPS@/hello.wsgi process-group=app\n",
    )
    service.wait("started")
    assert server.get("/").status == 200


def test_a_graceful_restart_starts_it_anew(service: Service) -> None:
    server = service.start(SERVICE)
    [[_, pid, _]] = service.wait("started")
    server.server.graceful()  # type: ignore[attr-defined]
    first, second = service.wait("started", 2)
    assert first[1] == pid != second[1]
    service.wait("ended")


def test_a_killed_service_is_replaced(service: Service) -> None:
    server = service.start(SERVICE)
    [[_, pid, _]] = service.wait("started")
    server.log.allow_crashes()
    server.log.expect(r"WC0081: .*SIGKILL")
    os.kill(int(pid), signal.SIGKILL)
    service.wait("started", 2)


def test_several_processes(service: Service) -> None:
    service.start(SERVICE, options="processes=3")
    assert len({pid for _, pid, _ in service.wait("started", 3)}) == 3
