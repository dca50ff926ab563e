"""What replaces a process or turns a request away after some time."""

from __future__ import annotations

import threading
import time
from urllib.parse import quote

import process
from client import Response
from conftest import StartHttpd
from evaluating import evaluate
from groups import grouped, kill, wait_inside, wait_replaced, wait_workers, worker
from server import Watched

UNCAUGHT = "uncaught.wsgi"
SLOW_START = "WSGIScriptAlias / @APPS@/slow_start.wsgi process-group=app\n"
ONE = "threads=1 shutdown-timeout=1"
ENDED = r"WC0081: Process {pid} of group 'app' exited with code 1 after .*, because {why}, "
SERVING = r"while it served 'GET /.*' for \d+\.\d{3} seconds"


def ask(server: Watched, expression: str, path: str = "/") -> Response:
    return server.get(f"{path}?{quote(expression)}")


def own_pid(server: Watched) -> int:
    """The process that uncaught.wsgi runs in."""
    return int(ask(server, "os.getpid()").body)


def expect_end(server: Watched, pid: int, why: str) -> None:
    """A process is ended while it has a request that does not end."""
    server.log.expect("WC0035: .*did not end within shutdown-timeout")
    server.log.expect(ENDED.format(pid=pid, why=why) + SERVING)
    server.log.expect("WC0068: .*'app'")


def has_stack(server: Watched, function: str) -> bool:
    """Whether the log shows a thread inside this function."""
    return bool(server.log.find(rf'File ".*\.wsgi", line \d+,? in {function}'))


def assert_ended(server: Watched, expression: str, pid: int, why: str) -> None:
    """The request is answered 502, and one of the next process is served."""
    expect_end(server, pid, why)
    assert ask(server, expression).status == 502
    wait_replaced_by_asking(server, pid)


def wait_replaced_by_asking(server: Watched, old: int) -> None:
    process.wait_gone([old])
    assert own_pid(server) != old


class Meanwhile:
    """A request on a thread of its own."""

    def __init__(self, server: Watched, expression: str) -> None:
        self.response: Response | None = None
        self.seconds = 0.0
        self.thread = threading.Thread(target=self.run, args=(server, expression))
        self.thread.start()

    def run(self, server: Watched, expression: str) -> None:
        began = time.monotonic()
        self.response = ask(server, expression)
        self.seconds = time.monotonic() - began

    def status(self) -> int:
        self.thread.join()
        assert self.response is not None
        return self.response.status


def test_maximum_requests(httpd: StartHttpd) -> None:
    server = httpd(grouped("maximum-requests=3"))
    found = [worker(server) for _ in range(9)]
    assert [found.count(pid) for pid in dict.fromkeys(found)] == [3, 3, 3]


def test_maximum_requests_lets_others_finish(httpd: StartHttpd) -> None:
    server = httpd(grouped("maximum-requests=2 threads=2", UNCAUGHT))
    slow = Meanwhile(server, "spin(1), os.getpid()")
    server.log.wait_for("Loading WSGI script")
    pid = own_pid(server)
    assert slow.status() == 200
    assert slow.response is not None and slow.response.body == f"(None, {pid})".encode()
    wait_replaced_by_asking(server, pid)


def test_inactivity_timeout(httpd: StartHttpd) -> None:
    server = httpd(grouped("inactivity-timeout=1"))
    pid = worker(server)
    wait_replaced(server, pid)
    server.log.wait_for(rf"Process {pid} .*because inactivity-timeout is over")


def test_a_request_that_runs_is_no_inactivity(httpd: StartHttpd) -> None:
    server = httpd(grouped("inactivity-timeout=1", UNCAUGHT))
    assert ask(server, "spin(2.5)").status == 200


def test_what_counts_as_activity(httpd: StartHttpd) -> None:
    """Requests keep a process, but not those at a place with WSGIIgnoreActivity."""
    ignored = "<Location /ignored>\nWSGIIgnoreActivity On\n</Location>\n"
    server = httpd(grouped("inactivity-timeout=2") + ignored)
    pid = worker(server)
    for _ in range(3):
        time.sleep(0.9)
        assert worker(server) == pid
    deadline = time.monotonic() + 6
    while process.is_running(pid):
        assert time.monotonic() < deadline
        evaluate(server, "/ignored", "1")
        time.sleep(0.2)


def test_restart_interval(httpd: StartHttpd) -> None:
    server = httpd(grouped("restart-interval=1"))
    pid = worker(server)
    wait_replaced(server, pid)
    server.log.wait_for(rf"Process {pid} .*because restart-interval is over")


def test_restart_interval_lets_requests_finish(httpd: StartHttpd) -> None:
    server = httpd(grouped("restart-interval=1", UNCAUGHT))
    assert ask(server, "spin(2)").status == 200


def test_queue_timeout(httpd: StartHttpd) -> None:
    """503 with Retry-After while the only thread is busy; then all is well."""
    server = httpd(grouped("threads=1 queue-timeout=1", "waiting.wsgi"))
    connection, gate = wait_inside(server)
    server.log.expect("WC0066: .*'app'")
    response = server.get("/?x")
    assert response.status == 503
    assert response.header("Retry-After") == "1"
    gate.touch()
    assert connection.read_response().status == 200


def test_interrupt_timeout(httpd: StartHttpd) -> None:
    """The thread gets RequestTimeout, the client httpd's page for 504, and the process stays."""
    server = httpd(grouped("threads=1 request-timeout=1 interrupt-timeout=5", UNCAUGHT))
    pid = own_pid(server)
    response = ask(server, "spin(30)")
    assert response.status == 504
    assert b"Gateway Timeout" in response.body
    assert server.log.find(r"Injected RequestTimeout into thread 1 \(\d+\)")
    [line] = server.log.find("Request interrupted by RequestTimeout; thread recovered")
    assert "[script " in line.text
    assert has_stack(server, "spin")
    for _ in range(3):
        assert own_pid(server) == pid


def test_interrupted_after_the_head(httpd: StartHttpd) -> None:
    """The response does not look complete."""
    server = httpd(grouped("threads=1 request-timeout=1 interrupt-timeout=5", UNCAUGHT))
    pid = own_pid(server)
    response = ask(server, "spin(30)", "/late")
    assert (response.status, response.body) == (200, b"first")
    assert not response.complete
    server.log.wait_for("Request interrupted by RequestTimeout; thread recovered")
    assert own_pid(server) == pid


def test_application_that_catches_the_interruption(httpd: StartHttpd) -> None:
    server = httpd(grouped("threads=1 request-timeout=1 interrupt-timeout=5"))
    found = evaluate(server, "/", "[time.sleep(0.01) for _ in range(3000)]")
    assert found["raised"] == "RequestTimeout"
    assert evaluate(server, "/", "mod_wsgi.RequestTimeout.__mro__") == [
        "<class 'mod_wsgi.RequestTimeout'>",
        "<class 'BaseException'>",
        "<class 'object'>",
    ]


def test_interrupted_in_a_subinterpreter(httpd: StartHttpd) -> None:
    config = grouped("threads=1 request-timeout=1 interrupt-timeout=5", UNCAUGHT)
    server = httpd(config.replace("%{GLOBAL}", "other"))
    pid = own_pid(server)
    assert ask(server, "spin(30)").status == 504
    assert own_pid(server) == pid


def test_interrupted_while_the_script_is_loaded(httpd: StartHttpd) -> None:
    options = "threads=1 request-timeout=1 interrupt-timeout=5"
    server = httpd(f"WSGIDaemonProcess app {options}\n{SLOW_START}")
    server.log.expect("WC0042: .*RequestTimeout exception raised processing WSGI script")
    server.log.expect("^mod_wsgi.RequestTimeout$")
    server.log.tracebacks = True
    assert server.get("/").status == 504


def test_interruption_that_does_not_arrive(httpd: StartHttpd) -> None:
    """A thread that is blocked in C does not see it, and its process ends."""
    server = httpd(grouped(f"{ONE} request-timeout=1 interrupt-timeout=1", UNCAUGHT))
    pid = own_pid(server)
    assert_ended(server, "time.sleep(30)", pid, "request-timeout is over")
    assert server.log.find("Injected RequestTimeout into thread")
    assert has_stack(server, "application")


def test_request_timeout(httpd: StartHttpd) -> None:
    """Without interrupt-timeout the process ends, and nothing is raised in it."""
    server = httpd(grouped(f"{ONE} request-timeout=1", UNCAUGHT))
    pid = own_pid(server)
    assert_ended(server, "spin(30)", pid, "request-timeout is over")
    assert has_stack(server, "spin")
    assert server.log.find(r"shutdown_reason request_timeout\); 1 of its requests")
    assert not server.log.find("Injected")


def test_request_timeout_grows_with_the_threads(httpd: StartHttpd) -> None:
    """One second and ten threads are 3.3 seconds."""
    server = httpd(grouped("threads=10 request-timeout=1", UNCAUGHT))
    pid = own_pid(server)
    assert ask(server, "spin(2.5)").status == 200
    assert own_pid(server) == pid


def test_request_timeout_lets_others_finish(httpd: StartHttpd) -> None:
    """Two threads: 1.7 seconds. What began later may finish within graceful-timeout."""
    server = httpd(grouped("threads=2 shutdown-timeout=1 request-timeout=1", UNCAUGHT))
    pid = own_pid(server)
    server.log.expect("WC0035: ")
    server.log.expect(ENDED.format(pid=pid, why="request-timeout is over") + SERVING)
    server.log.expect("WC0068: .*'app'")
    stuck = Meanwhile(server, "spin(30)")
    time.sleep(1.0)
    other = Meanwhile(server, "spin(1.4)")
    assert other.status() == 200
    assert stuck.status() == 502


def test_deadlock_timeout(httpd: StartHttpd) -> None:
    """Code that does not let go of the GIL: 502, and the stacks that can be had without it."""
    server = httpd(grouped(f"{ONE} deadlock-timeout=1", UNCAUGHT))
    pid = own_pid(server)
    assert_ended(server, "keep_the_gil(30)", pid, "deadlock-timeout is over")
    assert has_stack(server, "keep_the_gil")


def test_request_timeout_while_the_gil_is_kept(httpd: StartHttpd) -> None:
    options = f"{ONE} deadlock-timeout=0 request-timeout=1 interrupt-timeout=1"
    server = httpd(grouped(options, UNCAUGHT))
    pid = own_pid(server)
    assert_ended(server, "keep_the_gil(30)", pid, "request-timeout is over")
    assert has_stack(server, "keep_the_gil")


def test_startup_timeout(httpd: StartHttpd) -> None:
    server = httpd(f"WSGIDaemonProcess app {ONE} startup-timeout=1\n{SLOW_START}")
    [pid] = wait_workers(server)
    expect_end(server, pid, "startup-timeout is over")
    assert server.get("/").status == 502
    process.wait_gone([pid])
    assert has_stack(server, "<module>")


def test_startup_timeout_ends_with_the_first_load(httpd: StartHttpd) -> None:
    server = httpd(grouped(f"{ONE} startup-timeout=1", UNCAUGHT))
    assert ask(server, "spin(2)").status == 200


def test_cpu_time_limit(httpd: StartHttpd) -> None:
    """The request that uses it up may finish."""
    server = httpd(grouped("cpu-time-limit=1", UNCAUGHT))
    response = ask(server, "burn(1.5), os.getpid()")
    assert response.status == 200
    pid = int(response.body.decode().strip("()").split(",")[1])
    wait_replaced_by_asking(server, pid)
    server.log.wait_for(rf"Process {pid} .*code 0 .*because cpu-time-limit is used up")


def test_cpu_time_limit_without_graceful_timeout(httpd: StartHttpd) -> None:
    server = httpd(grouped(f"{ONE} cpu-time-limit=1 graceful-timeout=0", UNCAUGHT))
    pid = own_pid(server)
    assert_ended(server, "burn(30)", pid, "cpu-time-limit is used up")


def test_shutdown_timeout_tells_what_did_not_end(httpd: StartHttpd) -> None:
    server = httpd(grouped(ONE, UNCAUGHT))
    pid = own_pid(server)
    expect_end(server, pid, "it was told to stop")
    stuck = Meanwhile(server, "spin(30)")
    time.sleep(0.3)
    kill(pid, 15)
    assert stuck.status() == 502
    assert has_stack(server, "spin")


def test_thread_of_a_request_that_was_given_up(httpd: StartHttpd) -> None:
    """504 for the request; the next one waits until the thread is free."""
    server = httpd(grouped("threads=1 socket-timeout=1 queue-timeout=1", "waiting.wsgi"))
    server.log.expect("WC0069: .*'app'")
    server.log.expect("WC0066: .*'app'")
    connection, gate = wait_inside(server)
    assert connection.read_response().status == 504
    assert server.get("/?x").status == 503
    gate.touch()
    connection, gate = wait_inside(server, 1)
    gate.touch()
    assert connection.read_response().status == 200
