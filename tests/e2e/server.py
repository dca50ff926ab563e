"""What the tests know of a server, whichever host it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import process
from client import Connection, Headers, Response, as_list
from logs import ErrorLog, LogWatch
from waiting import poll

REPOSITORY = Path(__file__).resolve().parents[2]
APPS = REPOSITORY / "tests" / "apps"
PREFIX = Path(os.environ.get("WSGI_CORE_PREFIX", REPOSITORY / "build" / "stage")).absolute()


class Server:
    """A server process with a directory of its own, an error log and a port."""

    host = ""
    group = ""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="wsgi-core-e2e-"))
        self.root.chmod(0o755)
        (self.root / "tmp").mkdir()
        (self.root / "tmp").chmod(0o1777)
        self.apps = self.root / "apps"
        shutil.copytree(APPS, self.apps, ignore=shutil.ignore_patterns("__pycache__"))
        self.log = ErrorLog(self.root / "error.log")
        self.port = process.free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """The environment of these tests, less what would configure Python."""
        names = [name for name in os.environ if not name.startswith("PYTHON")]
        return {name: os.environ[name] for name in names} | {"TMPDIR": str(self.root / "tmp")}

    def start(self) -> None:
        """Starts the server and waits until it accepts connections."""
        output = (self.root / "error.log").open("ab")
        self.process = subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=self.environment(),
            start_new_session=True,
        )
        output.close()
        try:
            poll(self.accepts, "the server accepts connections", 20.0)
        except AssertionError:
            self.stop()
            raise

    def accepts(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the server ended:\n{self.log.path.read_text()}"
        try:
            Connection(self.port, 1.0).close()
        except OSError:
            return False
        return True

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Ends the server and checks that none of its processes is left."""
        if self.process is None:
            return
        pids = [self.process.pid, *process.descendants(self.process.pid)]
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill(pids)
            raise
        self.process = None
        process.wait_gone(pids)

    def kill(self, pids: list[int]) -> None:
        assert self.process is not None
        for pid in pids:
            if process.is_running(pid):
                os.kill(pid, 9)
        self.process.wait()
        self.process = None

    def crash_report(self) -> str:
        """What is known of a crash that the log tells of; empty when it is none of ours."""
        return "see the log"

    def remove(self) -> None:
        if not os.environ.get("WSGI_CORE_TEST_KEEP"):
            shutil.rmtree(self.root, ignore_errors=True)


class Watched:
    """A running server during one test: requests to it, and its log."""

    def __init__(self, server: Server, from_start: bool = False) -> None:
        self.server = server
        self.host = server.host
        self.group = server.group
        self.port = server.port
        self.root = server.root
        self.apps = server.apps
        self.log = LogWatch(server.log, 0 if from_start else server.log.size())

    def connect(self, timeout: float = 20.0) -> Connection:
        return Connection(self.port, timeout)

    def request(
        self,
        method: str,
        path: str,
        headers: Headers = (),
        body: bytes | None = None,
        version: str = "HTTP/1.1",
        **query: Any,
    ) -> Response:
        """One exchange on a connection of its own, which the server is asked to close."""
        fields = as_list(headers)
        target = f"{path}?{urlencode(query)}" if query else path
        with self.connect() as connection:
            fields.append(("Connection", "close"))
            return connection.request(method, target, fields, body, version)

    def get(self, path: str, headers: Headers = (), **query: Any) -> Response:
        return self.request("GET", path, headers, **query)

    def post(self, path: str, body: bytes, headers: Headers = (), **query: Any) -> Response:
        return self.request("POST", path, headers, body, **query)

    def finish(self) -> None:
        if self.log.crashed() and (trace := self.server.crash_report()):
            raise AssertionError(f"a process crashed:\n{trace}")
        self.log.finish()
