"""A server started with mod_wsgi-express, as its users start it."""

from __future__ import annotations

import os
import pty
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import process
from client import Connection, Headers, Response, as_list
from terminal import read_until
from waiting import poll

COMMAND = Path(sys.executable).with_name("mod_wsgi-express")
START_SERVER = (COMMAND, "start-server")
APPS = Path(__file__).with_name("apps")
DEADLINE_S = 60.0
ACCOUNT = ["--user", "www-data", "--group", "www-data"] if os.geteuid() == 0 else []
# What httpd says of small numbers and of quick restarts, and mod_ssl of an OpenSSL that
# is newer than the one it was built with.
CHATTER = ("AH00558", "AH00287", "AH00488", "AH00546", "AH01882")
NORMAL = re.compile("|".join([r":(notice|info|debug|trace\d)\] ", *CHATTER]))


def public_directory() -> Path:
    """A new directory that the serving account can read, unlike pytest's."""
    directory = Path(tempfile.mkdtemp(prefix="wsgi-core-express-"))
    directory.chmod(0o755)
    return directory


class Express:
    """A server with a directory of its own, in which the application is put before it starts.

    `command` is what takes the options of `start-server`, and `words` are some of these.
    """

    def __init__(
        self, command: Sequence[str | Path] = START_SERVER, words: Sequence[str | Path] = ()
    ) -> None:
        self.command = command
        self.words = [*words, "--log-level", "info"]
        self.account = ACCOUNT
        self.directory = public_directory()
        self.server_root = self.directory / "server"
        self.output = self.directory / "output"
        self.port = process.free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.terminal: int | None = None
        self.expected: list[str] = []

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

    def options(self, *words: str | Path) -> list[str | Path]:
        """All that follows the command."""
        places = ["--port", str(self.port), "--server-root", self.server_root]
        return [*self.words, *words, *places, *self.account]

    def run(self, *words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        """Runs the command where it ends by itself."""
        return subprocess.run(
            [*self.command, *self.options(*words)],
            cwd=self.directory,
            env=environment() | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )

    def _launch(self, words: Sequence[str | Path], environ: dict[str, str], terminal: int) -> None:
        self.process = subprocess.Popen(
            [*self.command, *self.options(*words)],
            cwd=self.directory,
            env=environment() | environ,
            stdin=terminal if self.terminal else subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )

    def accepts(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the server ended:\n{self.told()}"
        return self.answers()

    def answers(self, port: int | None = None) -> bool:
        """Whether anybody listens."""
        try:
            Connection(port or self.port, 1.0).close()
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

    def surprises(self) -> list[str]:
        """Lines of the error log, at warning or above, that are not expected."""
        known = re.compile("|".join([NORMAL.pattern, *self.expected]))
        return [line for line in self.log().splitlines() if not known.search(line)]

    @property
    def pid_file(self) -> Path:
        return self.server_root / "httpd.pid"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def processes(self) -> list[int]:
        """Every process of the server, the command first."""
        return [self.pid, *process.descendants(self.pid)]

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """The status of the command, which ends."""
        assert self.process is not None
        return self.process.wait(DEADLINE_S)

    def worker(self) -> int:
        """The one that there is; a server may answer before it is there."""
        return poll(lambda: len(self.workers()) == 1 and self.workers()[0], "one worker")

    def workers(self) -> list[int]:
        """Processes that run the application in daemon mode."""
        return [pid for pid in process.descendants(self.pid) if title(pid).startswith("(wsgi:")]

    def wait_for_log(self, text: str, count: int = 1) -> None:
        poll(lambda: self.log().count(text) >= count, f"{text!r} in the log", DEADLINE_S)

    def request(
        self, method: str, target: str, headers: Headers = (), body: bytes | None = None
    ) -> Response:
        with Connection(self.port, DEADLINE_S) as connection:
            return connection.request(method, target, headers, body)

    def get(self, target: str = "/", headers: Headers = (), host: str = "") -> Response:
        fields = as_list(headers)
        return self.request("GET", target, [("Host", host), *fields] if host else fields)

    def environ(self, target: str = "/", headers: Headers = (), host: str = "") -> dict[str, Any]:
        """What the application of apps/environ.wsgi tells."""
        response = self.get(target, headers, host)
        assert response.status == 200, (response.status, response.body[:500], self.told())
        return response.json()

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
        return read_until(self.terminal, lambda seen: text in seen, repr(text), DEADLINE_S)

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


def environment() -> dict[str, str]:
    """Ours, without what would change the Python of the command."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def title(pid: int) -> str:
    """What lists of processes show."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return line.replace(b"\0", b" ").decode(errors="replace").strip()


def user_of(pid: int) -> str:
    return pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name
