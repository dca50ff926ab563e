"""Options that limit processes and requests, in a running server."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import process
import pytest
from client import Connection
from evaluating import KEEP_THE_GIL, SLEEP, SPIN, ask, begin, evaluate, own_pid
from express import Express
from waiting import poll


@pytest.fixture
def serve(server: Express, environ_app: Path) -> Callable[..., Express]:
    """Starts a server of which the log may hold anything."""

    def serve(*words: str) -> Express:
        server.start(environ_app, *words)
        return server

    return serve


Serve = Callable[..., Express]


def wait_replaced(server: Express, old: int, why: str) -> None:
    process.wait_gone([old], 20)
    server.wait_for_log(f"because {why}")
    assert own_pid(server) != old


@pytest.mark.parametrize("option", ["--restart-interval", "--inactivity-timeout"])
def test_idle_process_is_replaced(serve: Serve, option: str) -> None:
    server = serve(option, "1")
    wait_replaced(server, own_pid(server), f"{option.removeprefix('--')} is over")


def test_ignore_activity(serve: Serve) -> None:
    """Requests keep the process, but not those for this path."""
    server = serve("--inactivity-timeout", "2", "--ignore-activity", "/ping")
    pid = own_pid(server)
    for _ in range(5):
        time.sleep(0.7)
        assert own_pid(server) == pid
    deadline = time.monotonic() + 15
    while process.is_running(pid):
        assert time.monotonic() < deadline
        assert server.get("/ping").status == 200
        time.sleep(0.2)


@pytest.mark.parametrize("mode", ["daemon", "embedded"])
def test_maximum_requests(serve: Serve, mode: str) -> None:
    """In embedded mode it counts connections, of httpd's children."""
    words = ["--embedded-mode", "--server-mpm", "prefork"] if mode == "embedded" else []
    server = serve("--maximum-requests", "3", *words)
    found = [own_pid(server) for _ in range(12)]
    assert max(found.count(pid) for pid in found) == 3


def test_cpu_time_limit(serve: Serve) -> None:
    server = serve("--cpu-time-limit", "1")
    pid = own_pid(server)
    assert evaluate(server, "sum(i * i for i in range(30_000_000)) > 0") is True
    wait_replaced(server, pid, "cpu-time-limit is used up")


@pytest.mark.parametrize(
    ("option", "expression"),
    [("--request-timeout", SPIN.format(30)), ("--deadlock-timeout", KEEP_THE_GIL.format(30))],
)
def test_process_of_a_stuck_request_is_replaced(serve: Serve, option: str, expression: str) -> None:
    server = serve(option, "1", "--threads", "1", "--shutdown-timeout", "1")
    pid = own_pid(server)
    assert ask(server, expression).status == 502
    wait_replaced(server, pid, f"{option.removeprefix('--')} is over")


def test_interrupt_timeout(serve: Serve) -> None:
    server = serve("--request-timeout", "1", "--interrupt-timeout", "5", "--threads", "1")
    pid = own_pid(server)
    assert ask(server, SPIN.format(30)).status == 504
    assert own_pid(server) == pid


def test_startup_timeout(server: Express) -> None:
    """The application loads in time when it is tried, and not with the server's first request."""
    script = "import os, time\nif 'MOD_WSGI_EXPRESS' in os.environ: time.sleep(60)\n"
    server.write("app.wsgi", script + "application = print\n")
    words = ("--startup-timeout", "1", "--shutdown-timeout", "1")
    server.start("app.wsgi", *words, "--application-group", "%{SERVER}")
    assert server.get().status == 502
    server.wait_for_log("because startup-timeout is over")


@pytest.mark.parametrize("option", ["--graceful-timeout", "--eviction-timeout"])
def test_time_for_requests_of_a_process_that_ends(serve: Serve, option: str) -> None:
    server = serve(option, "1", "--shutdown-timeout", "1")
    pid = own_pid(server)
    with begin(server, SLEEP.format(60)) as connection:
        time.sleep(0.3)
        os.kill(pid, signal.SIGUSR1)
        assert connection.read_response().status == 502
    wait_replaced(server, pid, "it was told to stop gracefully")


def test_shutdown_timeout(serve: Serve) -> None:
    server = serve("--shutdown-timeout", "1")
    pid = own_pid(server)
    with begin(server, SLEEP.format(60)) as connection:
        time.sleep(0.3)
        os.kill(pid, signal.SIGTERM)
        assert connection.read_response().status == 502
    server.wait_for_log("did not end within shutdown-timeout")
    process.wait_gone([pid])


def test_queue_timeout(serve: Serve) -> None:
    """A request for which there is no thread is turned away; the one that has it goes on."""
    server = serve("--queue-timeout", "1", "--threads", "1")
    own_pid(server)
    with begin(server, SLEEP.format(4)) as connection:
        time.sleep(0.3)
        response = server.get()
        assert (response.status, response.header("Retry-After")) == (503, "1")
        assert connection.read_response().status == 200


def test_connect_timeout(serve: Serve, site: Path) -> None:
    """There is nobody to connect to while processes cannot start."""
    server = serve("--connect-timeout", "1", "--working-directory", str(site))
    pid = own_pid(server)
    away = site.rename(f"{site}-away")
    try:
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        assert poll(lambda: server.get().status != 502 and server.get().status, "an answer") == 503
        assert time.monotonic() - began < 12
        server.wait_for_log("no process of the group can be reached")
    finally:
        away.rename(site)
    poll(lambda: server.get().status == 200, "a process again", 30)


def test_socket_timeout(serve: Serve) -> None:
    """Of a process that says nothing, and of a client."""
    server = serve("--socket-timeout", "1", "--body-timeout", "0")
    assert ask(server, SLEEP.format(3)).status == 504
    with Connection(server.port) as connection:
        connection.send_head("POST", "/", {"Content-Length": "10"})
        connection.send(b"half")
        assert connection.is_closed_by_server() or connection.read_response().status >= 400


def test_response_socket_timeout(serve: Serve) -> None:
    """A client that takes nothing loses its response; the thread is free again."""
    server = serve("--response-socket-timeout", "1", "--threads", "1", "--queue-timeout", "30")
    with Connection(server.port, window=4096) as connection:
        connection.send_head("GET", "/?evaluate=%27x%27*50000000")
        assert connection.read_head().status == 200
        assert server.get().status == 200
        assert len(connection.read_to_end()) < 50_000_000


@pytest.mark.parametrize(
    "words",
    [
        ("--header-timeout", "1", "--header-max-timeout", "0"),
        # 500 bytes extend it by a second, up to the maximum.
        ("--header-timeout", "1", "--header-max-timeout", "2"),
    ],
)
def test_slow_head(serve: Serve, words: tuple[str, ...]) -> None:
    server = serve(*words)
    with Connection(server.port) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        assert b"408" in connection.read_to_end()[:20]


def drip(server: Express, body: bool, piece: bytes, seconds: float) -> int:
    """The status of a request whose head or body comes in pieces for so long."""
    with Connection(server.port) as connection:
        length = 1000 if body else 0
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
        connection.send(head.encode() + (b"\r\n" if body else b""))
        end = time.monotonic() + seconds
        sent = 0
        while time.monotonic() < end:
            try:
                connection.send(piece)
            except OSError:
                break
            sent += len(piece)
            time.sleep(0.25)
        with contextlib.suppress(OSError):
            connection.send(b"x" * (length - sent) if body else b"\r\n")
        return connection.read_response().status


@pytest.mark.parametrize("part", ["header", "body"])
def test_minimum_rate(serve: Serve, part: str) -> None:
    """Data at the rate extends the time that there is."""
    server = serve(*_rates(part, timeout=1, longest=20, rate=20))
    piece = b"x" * 25 if part == "body" else b"X-Header: 12345678901234\r\n"
    assert drip(server, part == "body", piece, 2.5) == 200


@pytest.mark.parametrize("part", ["header", "body"])
def test_too_slow(serve: Serve, part: str) -> None:
    server = serve(*_rates(part, timeout=1, longest=20, rate=2000))
    piece = b"x" if part == "body" else b"X: y\r\n"
    assert drip(server, part == "body", piece, 4) in (400, 408, 500)


@pytest.mark.parametrize("part", ["header", "body"])
def test_longest_time(serve: Serve, part: str) -> None:
    """Whatever the rate is."""
    server = serve(*_rates(part, timeout=1, longest=2, rate=1))
    piece = b"x" * 25 if part == "body" else b"X-Header: 12345678901234\r\n"
    assert drip(server, part == "body", piece, 5) in (400, 408, 500)


def _rates(part: str, timeout: int, longest: int, rate: int) -> list[str]:
    facts = {"timeout": timeout, "max-timeout": longest, "min-rate": rate}
    return [word for name, value in facts.items() for word in (f"--{part}-{name}", str(value))]


@pytest.mark.parametrize("seconds", ["0", "1"])
def test_keep_alive_timeout(serve: Serve, seconds: str) -> None:
    server = serve("--keep-alive-timeout", seconds)
    with Connection(server.port) as connection:
        response = connection.request("GET", "/")
        assert response.keeps_connection() == (seconds == "1")
        # What is idle is closed, and not only when httpd would do so by itself, after 5 seconds.
        began = time.monotonic()
        assert connection.is_closed_by_server()
        assert time.monotonic() - began < 4


def test_proxy_timeout(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        server = serve("--proxy-mount-point", "/up/", url, "--proxy-timeout", "1")
        began = time.monotonic()
        assert server.get("/up/x").status in (502, 504)
        assert time.monotonic() - began < 30
