"""Blocks leave when they are made, and a response ends when its client does."""

from __future__ import annotations

import threading

import pytest

from recorder import events, new_token, open_gate
from server import Watched


def test_a_block_is_received_before_the_next_is_made(server: Watched) -> None:
    token = new_token()
    with server.connect() as connection:
        connection.send_head("GET", f"/handshake?token={token}")
        assert connection.read_head().status == 200
        assert connection.read_chunk() == b"first"
        open_gate(server, token)
        assert connection.read_chunk() == b"second"
        open_gate(server, token)
        assert connection.read_chunk() == b"third"
        assert connection.read_chunk() == b""


def test_written_data_is_received_before_write_is_called_again(server: Watched) -> None:
    token = new_token()
    with server.connect() as connection:
        connection.send_head("GET", f"/handshake_write?token={token}")
        assert connection.read_head().status == 200
        assert connection.read_chunk() == b"first"
        open_gate(server, token)
        assert connection.read_chunk() == b"second"


def test_blocks_under_a_content_length_are_not_held_back(server: Watched) -> None:
    token = new_token()
    with server.connect() as connection:
        connection.send_head("GET", f"/handshake_length?token={token}")
        assert connection.read_head().header("Content-Length") == "11"
        assert connection.read_exactly(5) == b"first"
        open_gate(server, token)
        assert connection.read_exactly(6) == b"second"


def test_blocks_of_http_1_0_are_not_held_back(server: Watched) -> None:
    token = new_token()
    with server.connect() as connection:
        connection.send_head("GET", f"/handshake?token={token}", version="HTTP/1.0")
        assert connection.read_head().status == 200
        assert connection.read_exactly(5) == b"first"
        open_gate(server, token)
        assert connection.read_exactly(6) == b"second"
        open_gate(server, token)
        assert connection.read_to_end() == b"third"


def test_nothing_leaves_before_the_first_data(server: Watched) -> None:
    """Until then the application may still replace status and headers."""
    token = new_token()
    with server.connect() as connection:
        connection.send_head("GET", f"/handshake_headers?token={token}")
        open_gate(server, token)
        response = connection.read_response()
    assert (response.status, response.body) == (201, b"body")


def test_iteration_stops_and_closes_when_the_client_is_gone(server: Watched) -> None:
    token = new_token()
    connection = server.connect()
    connection.send_head("GET", f"/endless?token={token}")
    assert connection.read_head().status == 200
    connection.abort()
    assert events(server, token, "closed", 15) == ["closed"]


@pytest.mark.parametrize("app", ["endless", "endless_list", "large_block"])
def test_a_vanished_client_leaves_no_error_behind(server: Watched, app: str) -> None:
    connection = server.connect()
    connection.send_head("GET", f"/{app}")
    assert connection.read_head().status == 200
    connection.abort()
    assert server.get("/list").body == b"one two"


def test_a_slow_client_gets_everything(server: Watched) -> None:
    with server.connect() as connection:
        connection.send_head("GET", "/large_block")
        response = connection.read_head()
        assert response.status == 200
        total = 0
        while chunk := connection.read_chunk():
            total += len(chunk)
    assert chunk == b""
    assert total == 8 << 20


def test_requests_run_side_by_side(server: Watched) -> None:
    answers: list[bytes] = []

    def ask() -> None:
        answers.append(server.get("/meeting").body)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"met"] * 4
