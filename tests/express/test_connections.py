"""Options for sockets and buffers, in a running server."""

from __future__ import annotations

import subprocess
from collections.abc import Container
from pathlib import Path

import process
import pytest
from client import Connection
from conftest import Start
from evaluating import evaluate
from express import Express, title
from mod_wsgi.express import installation
from waiting import poll

STREAM = """\
import time

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"one"
    time.sleep(0.3)
    yield b"two"
"""


@pytest.mark.parametrize("delay", ["5", "5000"])
def test_response_flush_delay(start: Start, site: Path, delay: str) -> None:
    """A block waits so long for the next one."""
    (site / "app.wsgi").write_text(STREAM)
    server = start(site / "app.wsgi", "--response-flush-delay", delay)
    assert server.get().chunks == ([b"one", b"two"] if delay == "5" else [b"onetwo"])


# httpd takes the response and holds it back, whether or not the client reads.
HOARD = """\
LoadModule buffer_module {modules}/mod_buffer.so
SendBufferSize 65536
<Location />
    SetOutputFilter BUFFER
    BufferSize 100000000
</Location>
"""
LARGE = """\
class Body(list):
    def close(self):
        open({path!r}, "w").close()

def application(environ, start_response):
    start_response("200 OK", [])
    return Body([b"x" * 7_000_000]) if environ["PATH_INFO"] == "/large" else []
"""


@pytest.mark.parametrize("size", ["0", "65536"])
def test_response_buffer_size(start: Start, site: Path, size: str) -> None:
    """After so many bytes the application waits for the client; by default there is more room."""
    site.chmod(0o777)
    (site / "hoard.conf").write_text(HOARD.format(modules=installation.built_for().modules))
    (site / "app.wsgi").write_text(LARGE.format(path=str(site / "closed")))
    server = start(
        *(site / "app.wsgi", "--threads", "1", "--queue-timeout", "1"),
        *("--response-buffer-size", size, "--include-file", site / "hoard.conf"),
    )
    server.expected.append("WC0066")
    with Connection(server.port, window=4096) as connection:
        connection.send_head("GET", "/large")
        # Turned away while the only thread has the first request.
        poll(lambda: server.get("/").status == 503, "the thread is taken")
        assert (site / "closed").exists() == (size == "0")
        assert len(connection.read_response().body) == 7_000_000


def test_header_buffer_size(start: Start, site: Path) -> None:
    """Also without --processes."""
    (site / "app.wsgi").write_text(
        "def application(environ, start_response):\n"
        "    value = 'v' * int(environ['QUERY_STRING'])\n"
        "    start_response('200 OK', [('X-Long', value)])\n"
        "    return []\n"
    )
    server = start(site / "app.wsgi", "--header-buffer-size", "8192")
    server.expected.append("WC0056")
    assert server.get("/?8000").status == 200
    assert server.get("/?8200").status == 500


SIZES = (
    "[__import__('socket').socket(fileno=os.dup(int(n))).getsockopt(1, {})"
    " for n in os.listdir('/proc/self/fd')"
    " if os.path.exists('/proc/self/fd/' + n)"
    " and os.stat('/proc/self/fd/' + n).st_mode >> 12 == 12]"
)


@pytest.mark.parametrize(
    ("option", "number"), [("--send-buffer-size", 7), ("--receive-buffer-size", 8)]
)
def test_buffers_of_the_sockets(start: Start, environ_app: Path, option: str, number: int) -> None:
    """Linux keeps twice of what it is asked for."""
    server = start(environ_app, option, "70000")
    assert 140000 in evaluate(server, SIZES.format(number))


def waiting_connections(port: int) -> int:
    """How many may wait to be accepted."""
    answer = subprocess.check_output(["ss", "-ltnH", f"sport = :{port}"], text=True)
    return int(answer.split()[2])


def test_server_backlog(start: Start, environ_app: Path) -> None:
    assert waiting_connections(start(environ_app, "--server-backlog", "37").port) == 37


def test_daemon_backlog(start: Start, environ_app: Path) -> None:
    server = start(environ_app, "--daemon-backlog", "23")
    server.worker()
    answer = subprocess.check_output(["ss", "-lxnH"], text=True)
    mine = [line.split() for line in answer.splitlines() if str(server.server_root) in line]
    assert mine and {line[3] for line in mine} == {"23"}


def test_port(start: Start, environ_app: Path) -> None:
    facts = start(environ_app, "--max-clients", "50").environ()
    assert facts["SERVER_PORT"] == facts["process"]["MOD_WSGI_HTTP_PORT"]


def test_max_clients_are_held(start: Start, environ_app: Path) -> None:
    """More idle connections than the application has threads."""
    server: Express = start(environ_app, "--max-clients", "60", "--server-mpm", "prefork")
    connections = [Connection(server.port) for _ in range(40)]
    try:
        for connection in connections:
            assert connection.request("GET", "/").status == 200
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.parametrize(
    ("words", "children"),
    [
        (("--initial-workers", "1", "--maximum-spare-workers", "1"), [12]),
        # From one they grow, and from all of them they shrink, to what is kept idle.
        (("--initial-workers", "0.1", "--minimum-spare-workers", "0.5"), range(6, 13)),
        (("--initial-workers", "1", "--maximum-spare-workers", "0.5"), range(1, 7)),
    ],
)
def test_children_of_httpd(
    start: Start, environ_app: Path, words: tuple[str, ...], children: Container[int]
) -> None:
    minimum = () if "--minimum-spare-workers" in words else ("--minimum-spare-workers", "0.1")
    maximum = () if "--maximum-spare-workers" in words else ("--maximum-spare-workers", "1")
    server = start(
        *(environ_app, "--server-mpm", "prefork", "--max-clients", "12"),
        *(*words, *minimum, *maximum),
    )

    def count() -> int:
        found = process.children(server.pid)
        return sum(title(pid).startswith("apache2 (mod_wsgi-express)") for pid in found)

    poll(lambda: count() in children, f"{children} children", 30)
