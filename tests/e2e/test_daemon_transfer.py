"""Options for what goes between httpd, its clients and the processes: buffers, pauses, timeouts."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import process
from blocks import blocks, target
from client import Connection
from conftest import StartHttpd
from evaluating import evaluate
from groups import grouped, worker, writable
from server import Watched
from waiting import poll

PIECES = "apart(0.3, b'one', b'two', b'three')"


@pytest.mark.parametrize("size", [100, 65536, 1_000_000])
def test_body_that_a_filter_makes_longer(httpd: StartHttpd, size: int) -> None:
    """All of it arrives, however much that is compared with what was announced."""
    server = httpd(grouped(app="gateway.wsgi") + "SetInputFilter DEFLATE\n")
    body = os.urandom(size // 2).hex().encode()
    found = server.post("/input_digest", gzip.compress(body), {"Content-Encoding": "gzip"}).json()
    assert found == [len(body), hashlib.sha256(body).hexdigest()]


@pytest.mark.parametrize("size", [1, 8000, 65535, 65536, 65537, 200000])
def test_body_arrives_whole(httpd: StartHttpd, size: int) -> None:
    """Whether it travels with the request or after it."""
    server = httpd(grouped(app="gateway.wsgi"))
    body = os.urandom(size)
    for _ in range(3):
        assert server.post("/input_digest", body).json() == [size, hashlib.sha256(body).hexdigest()]


@contextmanager
def stalled(server: Watched, expression: str) -> Iterator[Connection]:
    """A client that asks for a response and reads nothing of it but the head."""
    with Connection(server.port, window=4096) as connection:
        connection.send_head("GET", target(expression))
        assert connection.read_head().status == 200
        yield connection


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("", [b"one", b"two", b"three"]),
        ("response-flush-delay=0", [b"one", b"two", b"three"]),
        ("response-flush-delay=5000", [b"onetwothree"]),
    ],
)
def test_response_flush_delay(httpd: StartHttpd, option: str, expected: list[bytes]) -> None:
    """A block waits so long for the next one, and no longer."""
    server = httpd(grouped(option, "blocks.wsgi"))
    response = blocks(server, PIECES)
    assert response.chunks == expected
    assert response.complete


def test_blocks_that_do_not_wait_leave_one_by_one(httpd: StartHttpd) -> None:
    server = httpd(grouped("response-flush-delay=0", "blocks.wsgi"))
    assert len(blocks(server, "(b'x' for _ in range(50))").chunks) == 50


HOARDING = """
SendBufferSize 65536
<Location />
    SetOutputFilter BUFFER
    BufferSize 100000000
</Location>
"""


@pytest.mark.parametrize(
    ("option", "is_hoarded"), [("", True), ("response-buffer-size=65536", False)]
)
def test_response_buffer_size(httpd: StartHttpd, option: str, is_hoarded: bool) -> None:
    """A client that does not read holds the process up, whatever a filter would keep."""
    config = grouped(f"{option} threads=1 queue-timeout=1", "blocks.wsgi") + HOARDING
    server = httpd(config, modules="buffer")
    server.log.expect("WC0066: ")
    directory = writable(server)
    with Connection(server.port, window=4096) as connection:
        body = f"marked('{directory}', b'x' * 7_000_000)"
        connection.send_head("GET", target(body))
        # The filter may hold the head back as well.
        poll((directory / "made").exists, "the request is in the process")
        assert blocks(server, "[b'ok']").status == 503
        assert (directory / "closed").exists() == is_hoarded
        assert len(connection.read_response().body) == 7_000_000


def test_response_socket_timeout(httpd: StartHttpd) -> None:
    """A client that takes nothing for so long loses its response (httpd: after 20 seconds)."""
    server = httpd(grouped("response-socket-timeout=1 threads=1", "blocks.wsgi"))
    began = time.monotonic()
    with stalled(server, "[b'x' * 50_000_000]") as connection:
        assert blocks(server, "[b'next']").body == b"next"
        assert 0.8 < time.monotonic() - began < 15
        assert len(connection.read_to_end()) < 50_000_000


def test_header_buffer_size(httpd: StartHttpd) -> None:
    server = httpd(grouped("header-buffer-size=8192", "blocks.wsgi"))
    server.log.expect("WC0056: .*'X-Long'")
    start = "[b'body', start(('X-Long', 'v' * {}))][:1]"
    assert blocks(server, start.format(8192 - len("X-Long: "))).status == 200
    response = blocks(server, start.format(8193 - len("X-Long: ")))
    assert response.status == 500
    assert b"v" * 100 not in response.body
    assert blocks(server, "[b'next']").body == b"next"


def test_header_of_a_mebibyte_without_a_limit(httpd: StartHttpd) -> None:
    server = httpd(grouped("", "gateway.wsgi"))
    assert len(server.get("/long_header").header("X-Long") or "") == 1 << 20
    assert len(server.get("/many_headers").headers) >= 1000


def test_socket_timeout(httpd: StartHttpd) -> None:
    """504 when the process says nothing for so long; the next request is fine."""
    server = httpd(grouped("socket-timeout=1 threads=2", "blocks.wsgi"))
    server.log.expect("WC0069: .*'app'")
    began = time.monotonic()
    assert blocks(server, "apart(0, b'late' if time.sleep(2) else b'late')").status == 504
    assert 0.8 < time.monotonic() - began < 4
    assert blocks(server, "[b'next']").body == b"next"


def test_socket_timeout_in_the_middle_of_a_response(httpd: StartHttpd) -> None:
    """What was not complete does not look so."""
    server = httpd(grouped("socket-timeout=1", "blocks.wsgi"))
    server.log.expect("WC0069: .*'app'")
    response = blocks(server, "apart(2, b'first', b'late')")
    assert response.status == 200
    assert response.body == b"first" and not response.complete


def test_connect_timeout(httpd: StartHttpd) -> None:
    """503 when there is no process for so long; the default is 15 seconds."""
    server = httpd(grouped("connect-timeout=1 python-home=/nonexistent"))
    server.log.allow("WC00(23|3.|65|81|82): |Python|home|encodings|Fatal|^ |^$")
    server.log.expect("WC0067: .*'app'")
    server.log.allow_crashes()
    began = time.monotonic()
    response = server.get("/?1")
    assert response.status == 503
    assert response.header("Retry-After") == "1"
    assert 0.8 < time.monotonic() - began < 10


def test_buffers_of_the_sockets(httpd: StartHttpd) -> None:
    server = httpd(grouped("send-buffer-size=70000 receive-buffer-size=60000"))
    descriptors = (
        "[int(n) for n in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + n)"
        " and os.stat('/proc/self/fd/' + n).st_mode >> 12 == 12]"
    )
    sizes = (
        f"[KEPT.extend(importlib.import_module('socket').socket(fileno=n) for n in {descriptors}),"
        " [[s.getsockopt(1, 7), s.getsockopt(1, 8)] for s in KEPT]][1]"
    )
    # Linux keeps twice of what it is asked for. Python must not close what is not its own.
    evaluate(server, "/", "globals().update(KEPT=[])")
    assert [140000, 120000] in evaluate(server, "/", sizes)


def listener(server: Watched) -> bytes:
    """The name of the socket of the only process."""
    name = f"@wsgi-core.{server.server.pid}."
    lines = Path("/proc/net/unix").read_text().splitlines()
    [found] = {line.split()[-1] for line in lines if name in line and line.split()[5] == "01"}
    return b"\0" + found[1:].encode()


def test_listen_backlog(httpd: StartHttpd) -> None:
    """So many connections may wait to be taken."""
    server = httpd(grouped("listen-backlog=3"))
    pid, address = worker(server), listener(server)
    os.kill(pid, signal.SIGSTOP)
    # Threads stop one by one; one that goes on might take a connection.
    poll(lambda: process.is_stopped(pid), "all threads are stopped")
    waiting: list[socket.socket] = []
    try:
        with pytest.raises(BlockingIOError):
            while len(waiting) < 100:
                waiting.append(socket.socket(socket.AF_UNIX))
                waiting[-1].setblocking(False)
                waiting[-1].connect(address)
    finally:
        os.kill(pid, signal.SIGCONT)
        for each in waiting:
            each.close()
    # The system lets one more in, and the last one was refused.
    assert len(waiting) == 3 + 1 + 1
    assert worker(server) == pid
