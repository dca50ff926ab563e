"""A server started with mod_wsgi-express, as its users start it."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import process
from client import Connection, Headers, Response
from waiting import poll

BIN = Path(sys.executable).parent
START_SERVER = (BIN / "mod_wsgi-express", "start-server")
DEADLINE_S = 60.0
ACCOUNT = ["--user", "www-data", "--group", "www-data"] if os.geteuid() == 0 else []


class Express:
    """A server with a directory of its own, in which the application is put before it starts.

    `command` is what takes the options of `start-server`.
    """

    def __init__(self, command: Sequence[str | Path] = START_SERVER) -> None:
        self.command = command
        self.directory = Path(tempfile.mkdtemp(prefix="wsgi-core-express-"))
        self.directory.chmod(0o755)
        self.server_root = self.directory / "server"
        self.output = self.directory / "output"
        self.port = process.free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.terminal: int | None = None

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def start(self, *words: str | Path, **environ: str) -> None:
        """Starts it with its output in a file, and waits until it answers."""
        with self.output.open("wb") as output:
            self._launch(words, environ, output.fileno())
        try:
            poll(self.accepts, "the server accepts connections", DEADLINE_S)
        except AssertionError:
            self.stop()
            raise

    def start_on_terminal(self, *words: str | Path) -> None:
        """Starts it on a terminal, which is then read and written."""
        self.terminal, other = pty.openpty()
        self._launch(words, {"TERM": "dumb"}, other)
        os.close(other)

    def _launch(self, words: Sequence[str | Path], environ: dict[str, str], terminal: int) -> None:
        options = ["--port", str(self.port), "--server-root", self.server_root]
        names = [name for name in os.environ if not name.startswith("PYTHON")]
        self.process = subprocess.Popen(
            [*self.command, *words, *options, "--log-level", "info", *ACCOUNT],
            cwd=self.directory,
            env={name: os.environ[name] for name in names} | environ,
            stdin=terminal if self.terminal else subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )

    def accepts(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the server ended:\n{self.told()}"
        try:
            Connection(self.port, 1.0).close()
        except OSError:
            return False
        return True

    def told(self) -> str:
        """What it has said to whoever started it, and its error log."""
        output = self.output.read_text() if self.output.exists() else ""
        return output + self.log()

    def log(self) -> str:
        path = self.server_root / "error_log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for_log(self, text: str, count: int = 1) -> None:
        poll(lambda: self.log().count(text) >= count, f"{text!r} in the log", DEADLINE_S)

    def request(
        self, method: str, target: str, headers: Headers = (), body: bytes | None = None
    ) -> Response:
        with Connection(self.port, DEADLINE_S) as connection:
            return connection.request(method, target, headers, body)

    def get(self, target: str = "/", headers: Headers = ()) -> Response:
        return self.request("GET", target, headers)

    def text(self, target: str = "/") -> str:
        """The text of a page that is there."""
        response = self.get(target)
        assert response.status == 200, (response.status, self.told())
        return response.body.decode()

    def form(self, target: str, data: bytes, headers: Headers = ()) -> Response:
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        return self.request("POST", target, [kind, *headers], data)

    def read_terminal(self, text: str) -> str:
        """What appears on the terminal, this text included."""
        assert self.terminal is not None
        deadline = time.monotonic() + DEADLINE_S
        seen = ""
        while text not in seen.replace("\r\n", "\n"):
            ready, _, _ = select.select([self.terminal], [], [], deadline - time.monotonic())
            assert ready, f"no {text!r} after {seen!r}"
            seen += os.read(self.terminal, 4096).decode()
        return seen.replace("\r\n", "\n")

    def write_terminal(self, text: str) -> None:
        assert self.terminal is not None
        os.write(self.terminal, text.encode())

    def stop(self) -> int:
        """Ends it, sees that no process is left, and gives its status."""
        assert self.process is not None
        pids = [self.process.pid, *process.descendants(self.process.pid)]
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            for pid in filter(process.is_running, pids):
                os.kill(pid, 9)
            raise
        self.process = None
        process.wait_gone(pids)
        return status

    def remove(self) -> None:
        try:
            if self.process is not None:
                self.stop()
        finally:
            if self.terminal is not None:
                os.close(self.terminal)
            if not os.environ.get("WSGI_CORE_TEST_KEEP"):
                shutil.rmtree(self.directory, ignore_errors=True)
