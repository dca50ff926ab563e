"""Starts, ends and what is left of them: signals at any time, killed servers, second servers."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import process
import pytest
from conftest import NewServer, Start
from express import Express, environment, title
from test_signals import Terminal
from waiting import poll

SLOW = """\
import os, time
open({mark!r}, "a").close()
time.sleep({seconds})
def application(environ, start_response):
    start_response("200 OK", [])
    return []
"""


def strays(server: Express) -> list[int]:
    """Processes of the server, whoever their parent is now."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    mine = (str(server.directory), f":{server.port}:")
    return [pid for pid in numbers if any(part in title(pid) for part in mine)]


def tells_number(server: Express) -> bool:
    """httpd writes its pid file when it listens already."""
    path = server.pid_file
    return path.exists() and path.read_text() == f"{server.pid}\n"


def start_slowly(server: Express, site: Path, seconds: int = 60) -> Path:
    """Starts a server whose application takes long to load; the file that is then there."""
    site.chmod(0o777)
    mark = site / "loading"
    (site / "app.wsgi").write_text(SLOW.format(mark=str(mark), seconds=seconds))
    return mark


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_while_the_application_is_tried(
    express: Start, site: Path, number: signal.Signals
) -> None:
    """Ends all of it, with status 1 and no traceback."""
    server = express(site / "app.wsgi", "--startup-timeout", "0")
    mark = start_slowly(server, site)
    server.process = subprocess.Popen(
        [*server.command, *server.options()],
        cwd=server.directory,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    poll(mark.exists, "the application is tried", 20)
    everything = server.processes()
    assert len(everything) == 2
    server.signal(number)
    assert server.wait() == 1
    process.wait_gone(everything)
    assert server.process.stderr is not None
    assert server.process.stderr.read() == b""
    server.process.stderr.close()


@pytest.mark.parametrize("delay", [0.15, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6])
def test_ctrl_c_at_any_time(new_server: NewServer, environ_app: Path, delay: float) -> None:
    """Whatever was started by then is gone, and no pid file is left."""
    server = new_server()
    server.words = [environ_app]
    terminal = Terminal(server)
    try:
        threading.Event().wait(delay)
        terminal.type(b"\x03")
        terminal.process.wait(30)
        poll(lambda: not strays(server), "the end of all processes")
        assert b"Traceback" not in terminal.read()
        assert not server.pid_file.exists()
    finally:
        terminal.close()


def test_two_signals_to_end(start: Start, environ_app: Path) -> None:
    server = start(environ_app)
    server.wait_for_log("resuming normal operations")
    everything = server.processes()
    server.signal(signal.SIGTERM)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    process.wait_gone(everything)
    assert not server.pid_file.exists()


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
@pytest.mark.parametrize("mode", ["daemon", "embedded", "static"])
def test_killed(new_server: NewServer, environ_app: Path, mpm: str, mode: str) -> None:
    """None of its processes stays, and a next server is not held up by what does."""
    words = {
        "daemon": [environ_app, "--rotate-logs"],
        "embedded": [environ_app, "--embedded-mode"],
        "static": ["--application-type", "static"],
    }[mode]
    server = new_server()
    server.start(*words, "--server-mpm", mpm)
    if mode == "daemon":
        server.worker()
    everything = poll(lambda: len(server.processes()) > 1 and server.processes(), "children")
    poll(lambda: tells_number(server), "the pid file")
    server.signal(signal.SIGKILL)
    assert server.wait() == -signal.SIGKILL
    process.wait_gone(everything)
    server.start(*words, "--server-mpm", mpm)
    poll(lambda: tells_number(server), "its own number in the pid file")


@pytest.fixture
def terminal(express: Start, environ_app: Path) -> Iterator[Terminal]:
    terminal = Terminal(express(environ_app))
    poll(terminal.server.answers, "the server answers", 20)
    yield terminal
    terminal.server.stop()


def test_killed_at_a_terminal(terminal: Terminal) -> None:
    """httpd does not outlive the command that attends it."""
    everything = terminal.server.processes()
    terminal.process.kill()
    terminal.process.wait()
    process.wait_gone(everything, 20)
    assert not terminal.server.pid_file.exists()
    terminal.close()


def test_terminal_is_closed(terminal: Terminal) -> None:
    """That is no request to restart, as SIGHUP is otherwise."""
    everything = terminal.server.processes()
    terminal.close()
    process.wait_gone(everything, 20)
    assert "Attempting to restart" not in terminal.server.log()


def test_number_of_a_killed_server(express: Start, environ_app: Path) -> None:
    """Another process may have it by now, and is neither taken for the server nor stopped."""
    server = express(environ_app)
    with subprocess.Popen(["sleep", "600"]) as other:
        try:
            server.start()
            apachectl = server.server_root / "apachectl"
            server.stop()
            server.pid_file.write_text(f"{other.pid}\n")
            stopped = subprocess.run([apachectl, "stop"], capture_output=True, text=True)
            assert "not running" in stopped.stdout + stopped.stderr
            server.pid_file.write_text(f"{other.pid}\n")
            server.start()
            assert server.environ()
            poll(lambda: tells_number(server), "its own number in the pid file")
            assert other.poll() is None
        finally:
            other.kill()


def test_pid_file_with_something_else(express: Start, environ_app: Path) -> None:
    server = express(environ_app, "--setup-only")
    assert server.run().returncode == 0
    for text in ("", "nonsense\n", "999999999999999999999\n"):
        server.pid_file.write_text(text)
        server.words = [environ_app]
        server.start()
        assert server.environ()
        server.stop()


def test_second_server(start: Start, express: Start, environ_app: Path) -> None:
    """Its files are those of the first, also on another port."""
    first = start(environ_app)
    poll(lambda: tells_number(first), "the pid file")
    configuration = first.server_root / "httpd.conf"
    before = configuration.read_bytes()
    second = express(environ_app, "--setenv", "A", "B")
    second.server_root = first.server_root
    result = second.run()
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"mod_wsgi-express: error: a server runs from {first.server_root} already, as process "
        f"{first.pid}; stop it ({first.server_root}/apachectl stop), or choose another directory "
        "with --server-root\n"
    )
    assert configuration.read_bytes() == before
    # It may be set up anew, to be told so by a signal.
    second.words += ["--setup-only"]
    assert second.run().returncode == 0
    assert configuration.read_bytes() != before
