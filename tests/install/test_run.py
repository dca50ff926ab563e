"""`make run`: serves, says where, stops cleanly; and explains what it cannot do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from installed import PYTHON, REPOSITORY, run

HELLO = "examples/apps/hello/hello.wsgi"
DEADLINE_S = 300.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def running(log: Path, *variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """`make run` in a process group of its own, as a shell starts it: what runs the tests may have
    had SIGINT ignored, as shells do for what they start in the background."""
    output = log.open("wb")
    command = ["make", "run", f"PYTHON={PYTHON}", *variables]
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    output.close()
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def get(url: str, process: subprocess.Popen[bytes], log: Path) -> str:
    """The response, once the server is there."""
    deadline = time.monotonic() + DEADLINE_S
    while f"at {url} " not in log.read_text():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    with urllib.request.urlopen(url, timeout=20) as response:
        return str(response.read().decode())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_own_application(tmp_path: Path, number: signal.Signals) -> None:
    log, port = tmp_path / "log", free_port()
    with running(log, f"APP={HELLO}", f"PORT={port}") as process:
        url = f"http://127.0.0.1:{port}/"
        assert "Python group" in get(url, process, log)
        # As ctrl-C does: everything in the foreground gets the signal.
        os.killpg(process.pid, number)
        process.wait(30)
        # `make` itself may be gone before what it ran.
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if "==> stopping" in log.read_text() and not is_open(port):
                break
            time.sleep(0.05)
        text = log.read_text()
        steps = [line for line in text.splitlines() if line.startswith("==> ")]
        assert steps[-5] == "==> building"
        assert steps[-4].startswith("==> staging in ")
        assert steps[-3:] == [
            "==> starting httpd",
            f"==> serving {HELLO} at {url} (ctrl-C stops)",
            "==> stopping",
        ]
        assert "Traceback" not in text
        assert not is_open(port)


def test_guestbook(tmp_path: Path) -> None:
    log, port = tmp_path / "log", free_port()
    with running(log, f"PORT={port}") as process:
        assert "<h1>" in get(f"http://127.0.0.1:{port}/", process, log)
        assert "==> creating its database\n" in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "0"], "PORT is '0'; expected a number from 1 to 65535"),
        (["--port", "65536"], "PORT is '65536'; expected a number from 1 to 65535"),
        (["--port", "http"], "PORT is 'http'; expected a number from 1 to 65535"),
        (["no/such.wsgi"], "APP=no/such.wsgi: "),
        (["tests"], "tests is a directory; expected a file that defines `application`"),
    ],
)
def test_refused(arguments: list[str], message: str) -> None:
    if "--port" not in arguments:
        arguments = ["--port", str(free_port()), *arguments]
    result = run(["scripts/run", *arguments])
    assert result.returncode == 1
    assert result.stdout.startswith("error: ")
    assert message in result.stdout


def test_port_in_use() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = run(["scripts/run", "--port", str(port)])
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in result.stdout
    assert f"make run PORT={port + 1}" in result.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's httpd changes its user")
def test_application_that_httpd_may_not_read(tmp_path: Path) -> None:
    script = tmp_path / "closed" / "app.wsgi"
    script.parent.mkdir(mode=0o700)
    script.touch()
    result = run(["scripts/run", "--port", str(free_port()), script])
    assert result.returncode == 1
    assert "may not read" in result.stdout
