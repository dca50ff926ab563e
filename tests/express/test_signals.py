"""Stopping and restarting, with and without a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
from pathlib import Path

import pytest
from client import Connection
from conftest import Start
from express import Express, environment, title
from process import children, wait_gone
from waiting import poll


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop(start: Start, environ_app: Path, number: int) -> None:
    """The command has become httpd, whose processes end with it."""
    server = start(environ_app)
    assert "(mod_wsgi-express)" in title(server.pid)
    server.worker()
    everything = server.processes()
    server.signal(number)
    assert server.wait() == 0
    wait_gone(everything)
    assert not server.pid_file.exists()
    assert not list(server.server_root.glob("wsgi*.sock"))


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (signal.SIGHUP, "AH00494: SIGHUP received.  Attempting to restart"),
        (signal.SIGUSR1, "AH00493: SIGUSR1 received.  Doing graceful restart"),
    ],
)
def test_restart(start: Start, environ_app: Path, number: int, message: str) -> None:
    """The same httpd has new worker processes; the configuration is that of the start."""
    server = start(environ_app)
    server.environ()
    before = server.workers()
    server.signal(number)
    poll(lambda: message in server.log(), message)
    poll(lambda: set(server.workers()) - set(before), "a new worker", 20)
    assert server.environ()["mod_wsgi.process_group"] == f"localhost:{server.port}"


def test_graceful_stop(start: Start, site: Path) -> None:
    """A request in flight is answered before the server ends."""
    (site / "app.wsgi").write_text(
        "import time, os\n"
        "def application(environ, start_response):\n"
        f"    open({str(site / 'started')!r}, 'w').close()\n"
        f"    while not os.path.exists({str(site / 'go')!r}): time.sleep(0.01)\n"
        "    start_response('200 OK', [('Content-Length', '4')])\n"
        "    return [b'done']\n"
    )
    site.chmod(0o777)
    server = start(site / "app.wsgi")
    with Connection(server.port) as connection:
        connection.send_head("GET", "/")
        poll((site / "started").exists, "the request is being served")
        server.signal(signal.SIGWINCH)
        poll(lambda: not server.answers(), "nobody listens any more")
        (site / "go").touch()
        assert connection.read_response().body == b"done"
    assert server.wait() == 0


def test_killed_worker_is_replaced(start: Start, environ_app: Path) -> None:
    server = start(environ_app, "--processes", "2")
    server.expected.append("WC0")
    first, second = poll(lambda: len(server.workers()) == 2 and server.workers(), "two workers")
    os.kill(first, signal.SIGTERM)
    poll(lambda: len(set(server.workers()) - {first}) == 2, "a replacement")
    assert second in server.workers()
    assert server.environ()


class Terminal:
    """A server that is started at a terminal."""

    def __init__(self, server: Express) -> None:
        self.server = server
        self.master, slave = pty.openpty()
        self.text = b""
        self.process = subprocess.Popen(
            [*server.command, *server.options()],
            cwd=server.directory,
            env=environment(),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=become_foreground,
        )
        os.close(slave)
        server.process = self.process

    def read(self) -> bytes:
        while select.select([self.master], [], [], 0)[0]:
            try:
                self.text += os.read(self.master, 65536)
            except OSError:
                break
        return self.text

    def expect(self, words: bytes) -> None:
        poll(lambda: words in self.read(), f"{words!r} on the terminal", 20)

    def type(self, text: bytes) -> None:
        os.write(self.master, text)

    def close(self) -> None:
        os.close(self.master)


def become_foreground() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal(express: Start, environ_app: Path):
    server = express(environ_app)
    terminal = Terminal(server)
    poll(lambda: server.answers() and server.pid_file.exists(), "the server answers", 20)
    yield terminal
    server.stop()
    terminal.close()


def test_attended(terminal: Terminal) -> None:
    """The command stays, and httpd has a process group of its own."""
    (httpd,) = children(terminal.process.pid)
    assert os.getpgid(httpd) == httpd
    assert int(terminal.server.pid_file.read_text()) == httpd
    terminal.expect(b"Server URL         : http://localhost:")


def test_ctrl_c(terminal: Terminal) -> None:
    everything = terminal.server.processes()
    assert len(everything) >= 4
    terminal.type(b"\x03")
    assert terminal.process.wait(timeout=20) == 0
    wait_gone(everything)
    assert b"Traceback" not in terminal.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_is_forwarded(terminal: Terminal, number: int) -> None:
    everything = terminal.server.processes()
    terminal.process.send_signal(number)
    assert terminal.process.wait(timeout=20) == 0
    wait_gone(everything)


def test_resizing_does_not_stop(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGWINCH)
    terminal.process.send_signal(signal.SIGUSR1)
    # httpd gets the second after what it would have got of the first.
    poll(lambda: "Doing graceful restart" in terminal.server.log(), "a graceful restart")
    assert terminal.process.poll() is None
    assert "SIGWINCH" not in terminal.server.log()
    assert terminal.server.environ()


def test_hangup_restarts(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGHUP)
    poll(lambda: "Attempting to restart" in terminal.server.log(), "a restart")
    assert terminal.server.environ()


def test_failure_is_not_hidden(express: Start, environ_app: Path, site: Path) -> None:
    """The status is httpd's, also at a terminal."""
    (site / "broken.conf").write_text("NoSuchDirective\n")
    server = express(environ_app, "--include-file", site / "broken.conf")
    terminal = Terminal(server)
    try:
        assert terminal.process.wait(timeout=20) == 1
        assert b"NoSuchDirective" in terminal.read()
    finally:
        terminal.close()
