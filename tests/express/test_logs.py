"""Where the server writes its logs, and in what form."""

from __future__ import annotations

import os
import pwd
import re
import socket
import subprocess
from pathlib import Path

import pytest
from conftest import Start
from express import Express, title
from waiting import poll


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def access_line(server: Express, name: str = "access_log") -> str:
    """The line of one request."""
    server.get("/x?y=1", {"Referer": "http://from/", "User-Agent": "tests"})
    return poll(lambda: lines(server.server_root / name), "a line in the access log")[-1]


COMMON = r'127\.0\.0\.1 - - \[[^]]+\] "GET /x\?y=1 HTTP/1\.1" 200 \d+'


def test_no_access_log(start: Start, environ_app: Path) -> None:
    server = start(environ_app)
    server.get()
    server.stop()
    assert not (server.server_root / "access_log").exists()


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("common", COMMON),
        ("combined", COMMON + r' "http://from/" "tests"'),
        ('%m "%U" %>s', r'GET "/x" 200'),
    ],
)
def test_access_log(start: Start, environ_app: Path, form: str, pattern: str) -> None:
    words = ("--access-log", "--access-log-format", form, "--access-log-name", "requests")
    assert re.fullmatch(pattern, access_line(start(environ_app, *words), "requests"))


def test_error_log(start: Start, site: Path) -> None:
    (site / "app.wsgi").write_text(
        "def application(environ, start_response):\n"
        "    environ['wsgi.errors'].write('said by the application\\n')\n"
        "    start_response('200 OK', [])\n"
        "    return []\n"
    )
    directory = site / "log"
    server = start(
        *(site / "app.wsgi", "--log-directory", directory, "--error-log-name", "errors"),
        *("--error-log-format", "<%l> %M", "--log-level", "info wsgi:debug"),
    )
    server.get()
    said = poll(
        lambda: [line for line in lines(directory / "errors") if "said by" in line], "the line"
    )
    assert re.fullmatch(r"<error> .*said by the application", said[0])
    assert not (server.server_root / "error_log").exists()


def test_startup_log(express: Start, environ_app: Path, site: Path) -> None:
    (site / "broken.conf").write_text("NoSuchDirective\n")
    server = express(environ_app, "--startup-log", "--include-file", site / "broken.conf")
    result = server.run()
    assert result.returncode == 1
    assert "Startup Log File" in result.stdout
    assert "NoSuchDirective" in (server.server_root / "startup_log").read_text()
    assert "NoSuchDirective" not in result.stderr


def test_terminal(start: Start, environ_app: Path) -> None:
    """Errors go to stderr and requests to stdout, here the same file."""
    server = start(environ_app, "--log-to-terminal", "--access-log")
    server.get("/x?y=1")
    poll(lambda: re.search(COMMON, server.told()), "a line of the access log")
    assert "AH00489" in server.told()
    assert not (server.server_root / "error_log").exists()


def test_rotation(start: Start, environ_app: Path) -> None:
    server = start(environ_app, "--rotate-logs", "--max-log-size", "1", "--access-log")
    server.get()
    root = server.server_root
    name = re.compile(r"access_log\.\d{4}-\d\d-\d\d-\d\d_\d\d_\d\d")
    (log,) = poll(lambda: list(root.glob("access_log*")), "the access log")
    assert name.fullmatch(log.name)
    (log,) = poll(lambda: list(root.glob("error_log*")), "the error log")
    assert name.fullmatch(log.name.replace("error", "access"))


def test_rotation_and_the_terminal(express: Start, environ_app: Path) -> None:
    server = express(environ_app, "--rotate-logs", "--log-to-terminal")
    server.start()
    assert not list(server.server_root.glob("error_log*"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root writes to what is closed to others")
def test_socket_as_stdout(start: Start, environ_app: Path, express: Start) -> None:
    """As under a service manager: it can be inherited, but not opened."""
    ours, theirs = socket.socketpair()
    server = express(environ_app, "--log-to-terminal", "--access-log")
    server.process = subprocess.Popen(
        [*server.command, *server.options()],
        cwd=server.directory,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    theirs.close()
    poll(server.accepts, "the server accepts connections", 30)
    server.get("/x?y=1")
    ours.settimeout(20)
    text = b""
    while not (re.search(COMMON.encode(), text) and b"AH00489" in text):
        text += ours.recv(65536)
    server.stop()
    ours.close()


SERVICE = """\
import os, pwd, sys, time
print("service runs in", os.getcwd(), "as", pwd.getpwuid(os.getuid()).pw_name, file=sys.stderr)
sys.stderr.flush()
while True:
    time.sleep(0.2)
"""


@pytest.fixture
def service(site: Path) -> Path:
    (site / "jobs.py").write_text(SERVICE)
    return site / "jobs.py"


def test_service_script(start: Start, environ_app: Path, service: Path) -> None:
    server = start(environ_app, "--service-script", "jobs", service)
    server.expected.append("service runs in")
    user = pwd.getpwuid(os.getuid()).pw_name if os.getuid() else "www-data"
    told = f"service runs in {server.directory} as {user}"
    poll(lambda: told in server.log(), told, 20)
    titles = sorted(title(pid) for pid in server.workers())
    assert "(wsgi:service:jobs)" in titles
    assert server.environ()


@pytest.mark.skipif(os.getuid() != 0, reason="only root changes accounts")
def test_service_of_another_user(start: Start, environ_app: Path, service: Path) -> None:
    server = start(
        *(environ_app, "--service-script", "jobs", service),
        *("--service-user", "jobs", "daemon", "--service-group", "jobs", "daemon"),
    )
    server.expected.append("service runs in")
    told = f"service runs in {server.directory} as daemon"
    poll(lambda: told in server.log(), told, 20)


def test_service_log_file(start: Start, environ_app: Path, service: Path) -> None:
    server = start(
        *(environ_app, "--service-script", "jobs", service),
        *("--service-log-file", "jobs", "jobs_log"),
    )
    log = server.server_root / "jobs_log"
    poll(lambda: "service runs" in log.read_text(), "the service runs", 20)
    assert "service runs" not in server.log()


def test_service_is_started_again(start: Start, environ_app: Path, site: Path) -> None:
    (site / "once.py").write_text("import sys\nprint('once more', file=sys.stderr, flush=True)\n")
    server = start(environ_app, "--service-script", "once", site / "once.py")
    server.expected += ["once more", "WC0"]
    poll(lambda: server.log().count("once more") >= 2, "two runs", 30)
