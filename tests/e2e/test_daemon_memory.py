"""Long blocks of responses, which reach httpd through memory that it shares with the process."""

from __future__ import annotations

import gzip
import hashlib
import os

import pytest

import process
from blocks import blocks, target
from client import Connection
from conftest import StartHttpd
from groups import grouped, writable
from server import Watched

# Lengths on both sides of everything that is decided by length, and more than fits at once.
LENGTHS = [1, 0, 4095, 4096, 1, 8192, 65535, 3, 65536, 65537, 1 << 20, 2, (1 << 20) + 1, 4097, 100]


def numbered(lengths: list[int]) -> bytes:
    """Blocks of these lengths, each filled with its number."""
    return b"".join(bytes([number]) * length for number, length in enumerate(lengths))


def generated(lengths: list[int]) -> str:
    """The same, as an expression for the application."""
    return f"(bytes([number]) * length for number, length in enumerate({lengths}))"


def pid_of(server: Watched) -> int:
    return int(blocks(server, "[str(os.getpid()).encode()]").body)


@pytest.mark.parametrize("options", ["", "response-flush-delay=0", "threads=1"])
@pytest.mark.parametrize("lengths", [LENGTHS, LENGTHS[::-1], [8192] * 200, [10] * 50 + [5000, 10]])
def test_blocks_of_any_length_arrive_in_order(
    httpd: StartHttpd, options: str, lengths: list[int]
) -> None:
    server = httpd(grouped(options, "blocks.wsgi"))
    with server.connect() as connection:
        for expression in (generated(lengths), f"list({generated(lengths)})"):
            for _ in range(3):
                response = connection.request("GET", target(expression))
                assert response.complete
                assert response.body == numbered(lengths)
                assert connection.request("GET", target("[b'small']")).body == b"small"


def test_filters_see_the_same_bytes(httpd: StartHttpd) -> None:
    server = httpd(grouped("", "blocks.wsgi") + "SetOutputFilter DEFLATE\n")
    response = server.get(target(generated(LENGTHS)), {"Accept-Encoding": "gzip"})
    assert response.header("Content-Encoding") == "gzip"
    assert gzip.decompress(response.body) == numbered(LENGTHS)


def test_slow_client_gets_all_of_it(httpd: StartHttpd) -> None:
    """The process waits for room again and again, and sends each byte once."""
    server = httpd(grouped("threads=1", "blocks.wsgi"))
    lengths = [300_000] * 40
    with Connection(server.port, window=4096) as connection:
        connection.send_head("GET", target(generated(lengths)))
        response = connection.read_response()
    assert response.complete
    assert hashlib.sha256(response.body).digest() == hashlib.sha256(numbered(lengths)).digest()


def test_client_that_leaves_costs_nothing_but_its_request(httpd: StartHttpd) -> None:
    server = httpd(grouped("threads=1", "blocks.wsgi"))
    pid = pid_of(server)
    for _ in range(5):
        with Connection(server.port, window=4096) as connection:
            connection.send_head("GET", target(generated([1 << 20] * 50)))
            connection.socket.recv(1000)
        assert blocks(server, "[b'next']").body == b"next"
    assert pid_of(server) == pid


def test_process_that_dies_takes_nothing_of_what_it_had_sent(httpd: StartHttpd) -> None:
    server = httpd(grouped("", "blocks.wsgi"))
    server.log.allow(r"WC00\d\d: ")
    response = blocks(server, "(b'x' * 500_000 if n < 2 else die('SIGKILL') for n in range(3))")
    assert response.status == 200 and not response.complete
    assert response.body == b"x" * 1_000_000
    assert blocks(server, "[b'next']").body == b"next"


@pytest.mark.parametrize("filters", ["", "SetOutputFilter DEFLATE\n", "EnableSendfile Off\n"])
def test_file_that_gets_shorter_costs_one_response(httpd: StartHttpd, filters: str) -> None:
    """A process can't have httpd's own process killed by cutting off a file that it maps."""
    server = httpd(grouped("", "blocks.wsgi") + filters)
    server.log.allow(r"AH10298: failed reading")
    path = writable(server) / "file"
    path.write_bytes(os.urandom(1 << 20) * 30)
    children = process.children(server.server.pid)
    expression = f"environ['wsgi.file_wrapper'](open({str(path)!r}, 'rb'))"
    with Connection(server.port, window=4096) as connection:
        connection.send_head("GET", target(expression), {"Accept-Encoding": "gzip"})
        connection.socket.recv(1000)
        os.truncate(path, 1 << 20)
        assert len(connection.read_to_end()) < 30 << 20
    assert blocks(server, "[b'next']").body == b"next"
    assert process.children(server.server.pid) == children
