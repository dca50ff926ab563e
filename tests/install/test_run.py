"""`make run`: serves, says where, stops cleanly; and explains what it cannot do."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from installed import PYTHON, REPOSITORY, run, succeed

HELLO = "examples/apps/hello/hello.wsgi"
DEADLINE_S = 300.0
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+)"')


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


def processes_of(port: int) -> list[str]:
    """What still runs of the server on this port."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            title = (process / "cmdline").read_bytes().replace(b"\0", b" ")
            environ = (process / "environ").read_bytes().split(b"\0")
            if f":{port}".encode() in title or f"MOD_WSGI_HTTP_PORT={port}".encode() in environ:
                found.append(title.decode())
    return found


@contextmanager
def running(
    log: Path, *variables: str, terminal: int | None = None, **environ: str
) -> Iterator[subprocess.Popen[bytes]]:
    """`make run` in a process group of its own, as a shell starts it: what runs the tests may have
    had SIGINT ignored, as shells do for what they start in the background."""
    output = log.open("wb")
    command = ["make", "run", f"PYTHON={PYTHON}", *variables]
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=os.environ | environ,
        stdout=output if terminal is None else terminal,
        stderr=output if terminal is None else terminal,
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


def wait_for_the_end(process: subprocess.Popen[bytes], port: int) -> None:
    """`make` itself may be gone before what it ran."""
    process.wait(30)
    deadline = time.monotonic() + 30
    while is_open(port) or processes_of(port):
        assert time.monotonic() < deadline, processes_of(port)
        time.sleep(0.05)


def copy_output(terminal: int, log: Path) -> None:
    with log.open("ab", buffering=0) as output, suppress(OSError):
        while data := os.read(terminal, 4096):
            output.write(data.replace(b"\r\n", b"\n"))


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
        assert "Operating Mode     : daemon\n" in log.read_text()
        second = run(["scripts/run", "--port", str(free_port()), HELLO])
        assert second.returncode == 1
        assert f"error: this tree is served already, at {url}; end that one" in second.stdout
        # As ctrl-C does: everything in the foreground gets the signal.
        os.killpg(process.pid, number)
        wait_for_the_end(process, port)
        text = log.read_text()
        steps = [line for line in text.splitlines() if line.startswith("==> ")]
        assert steps[-6:-3] == [
            "==> building",
            "==> making the wheel",
            "==> installing it in build/run-venv",
        ]
        assert steps[-3:] == [
            "==> starting mod_wsgi-express",
            f"==> serving {HELLO} at {url} (ctrl-C stops)",
            "==> stopping",
        ]
        assert "Traceback" not in text


def test_ctrl_c_at_a_terminal(tmp_path: Path) -> None:
    """There mod_wsgi-express stays beside httpd, in another process group."""
    log, port = tmp_path / "log", free_port()
    url = f"http://127.0.0.1:{port}/"
    leader, terminal = pty.openpty()
    with running(log, f"APP={HELLO}", f"PORT={port}", terminal=terminal) as process:
        os.close(terminal)
        copy = threading.Thread(target=copy_output, args=(leader, log))
        copy.start()
        get(url, process, log)
        os.killpg(process.pid, signal.SIGINT)
        wait_for_the_end(process, port)
        # The last process that has the terminal open is gone.
        copy.join(30)
        assert not copy.is_alive()
        assert "==> stopping" in log.read_text()


def test_application_of_a_virtual_environment(tmp_path: Path) -> None:
    """It is served in its own, in which nothing is installed."""
    log, port = tmp_path / "log", free_port()
    # Where httpd's user may read.
    home = REPOSITORY / "build/run-test-venv"
    script = home / "app.wsgi"
    succeed([PYTHON, "-m", "venv", "--clear", "--without-pip", home])
    site = next(home.glob("lib/python*/site-packages"))
    (site / "only_there.py").write_text("NAME = b'found'\n")
    before = sorted(site.iterdir())
    script.write_text(
        "import sys, only_there\n"
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    return [only_there.NAME, b' in ', sys.prefix.encode()]\n"
    )
    with running(log, f"APP={script}", f"PORT={port}", VIRTUAL_ENV=str(home)) as process:
        assert get(f"http://127.0.0.1:{port}/", process, log) == f"found in {home}"
    assert [path for path in sorted(site.iterdir()) if path.name != "__pycache__"] == before


def test_guestbook(tmp_path: Path) -> None:
    log, port = tmp_path / "log", free_port()
    url = f"http://127.0.0.1:{port}/"
    with running(log, f"PORT={port}") as process:
        page = get(url, process, log)
        assert "<h1>" in page
        assert "==> creating its database\n" in log.read_text()
        entry = f"entry of {tmp_path}"
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        token = TOKEN.search(browser.open(url, timeout=20).read().decode())
        assert token
        form = {"csrfmiddlewaretoken": token[1], "name": "a test", "message": entry}
        answer = browser.open(url, urllib.parse.urlencode(form).encode(), timeout=20)
        assert entry in answer.read().decode()
        style = STYLE.search(page)
        assert style
        with urllib.request.urlopen(url + style[1].lstrip("/"), timeout=20) as response:
            # httpd's own answer, not one of the application.
            assert response.headers["Accept-Ranges"] == "bytes"
            assert response.headers.get_content_type() == "text/css"


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
