"""A server that mod_wsgi-express runs, with a server root of its own."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from client import Connection, Headers, Response
from mod_wsgi.express import installation
from waiting import poll

COMMAND = Path(sys.prefix, "bin/mod_wsgi-express")
APPS = Path(__file__).parent / "apps"
SERVING_USER = "www-data"
START_S = 20.0
# The last three are what httpd's processing models say of small numbers and quick restarts.
NORMAL = re.compile(r":(notice|info|debug|trace\d)\] |AH00558: |AH00287: |AH00488: |AH00546: ")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def account() -> list[str]:
    """What root must name."""
    return ["--user", SERVING_USER, "--group", SERVING_USER] if os.getuid() == 0 else []


def public_directory() -> Path:
    """A new directory that the serving account can read, unlike pytest's."""
    directory = Path(tempfile.mkdtemp(prefix="express-"))
    directory.chmod(0o755)
    return directory


def supports(*directives: str) -> bool:
    """Whether the module has these directives, as it says itself."""
    names = re.compile(rb"\0(WSGI[A-Za-z]+)\0")
    text = installation.module_file().read_bytes()
    known = {name.decode() for name in names.findall(text.replace(b"\0", b"\0\0"))}
    return set(directives) <= known


class Express:
    """The words of a command line, and the server that it starts."""

    def __init__(self, *words: str | Path, user: Sequence[str] | None = None) -> None:
        self.directory = public_directory()
        self.root = self.directory / "root"
        self.port = free_port()
        self.words = [str(word) for word in words]
        self.user = account() if user is None else list(user)
        self.process: subprocess.Popen[bytes] | None = None
        self.allowed: list[str] = []
        self.environ: dict[str, str] = {}
        self.cwd: Path = self.directory

    def command(self, command: str = "start-server") -> list[str]:
        """The whole command line."""
        places = ["--server-root", str(self.root), "--port", str(self.port)]
        return [str(COMMAND), command, *self.words, *places, *self.user]

    @property
    def output(self) -> str:
        path = self.directory / "output"
        return path.read_text() if path.exists() else ""

    @property
    def log(self) -> str:
        path = self.root / "error_log"
        return path.read_text(errors="replace") if path.exists() else ""

    def launch(self) -> subprocess.Popen[bytes]:
        """Starts the command, with its output in a file, and does not wait for the server."""
        with (self.directory / "output").open("wb") as output:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.cwd,
                env=os.environ | self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.process

    def start(self) -> Express:
        """Starts the server, and waits until it answers."""
        process = self.launch()
        poll(lambda: self.answers() or process.poll() is not None, "the server answers", START_S)
        assert process.poll() is None, f"{self.output}\n{self.log}"
        return self

    def answers(self, port: int | None = None) -> bool:
        try:
            socket.create_connection(("127.0.0.1", port or self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def run(self, command: str = "start-server") -> subprocess.CompletedProcess[str]:
        """Runs a command that ends by itself."""
        return subprocess.run(
            self.command(command),
            cwd=self.cwd,
            env=os.environ | self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def request(
        self,
        target: str = "/",
        method: str = "GET",
        headers: Headers = (),
        body: bytes | None = None,
    ) -> Response:
        with Connection(self.port) as connection:
            return connection.request(method, target, headers, body)

    def get(self, target: str = "/", host: str | None = None, **headers: str) -> Response:
        """GET; names of headers with an underscore for the dash."""
        fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
        if host:
            fields.insert(0, ("Host", host))
        return self.request(target, headers=fields)

    def environ_of(self, target: str = "/", host: str | None = None, **headers: str) -> dict:
        """The environ that the application `environ.wsgi` reports."""
        response = self.get(target, host, **headers)
        assert response.status == 200, (response.status, response.body[:500], self.log)
        return response.json()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def pid_file(self) -> Path:
        return self.root / "httpd.pid"

    def processes(self) -> list[int]:
        """Every process of the server, httpd first."""
        found, parents = [], [self.pid]
        while parents:
            found += parents
            parents = [child for parent in parents for child in children(parent)]
        return found

    def workers(self) -> list[int]:
        """Processes that run the application in daemon mode."""
        return [pid for pid in self.processes() if title(pid).startswith("(wsgi:")]

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """The status of the command, which ends."""
        assert self.process is not None
        return self.process.wait(timeout=30)

    def stop(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            everything = self.processes()
            self.signal(signal.SIGTERM)
            self.wait()
            poll(lambda: not any(is_alive(pid) for pid in everything), "all processes end")
        self.process = None

    def surprises(self) -> list[str]:
        """Lines of the error log at warning or above that no test expects."""
        allowed = re.compile("|".join([NORMAL.pattern, *self.allowed]))
        return [line for line in self.log.splitlines() if not allowed.search(line)]

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            continue
    return found


def title(pid: int) -> str:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return line.replace(b"\0", b" ").decode(errors="replace").strip()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def user_of(pid: int) -> str:
    return pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name
