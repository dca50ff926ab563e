"""wsgi.input: sizes, ends, chunked bodies, aborts, and a clean connection afterwards."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from client import Connection
from recorder import events, new_token
from server import Watched

LINES = b"one\ntwo\n\nthree"
ABORTED = "OSError: mod_wsgi request data read error"

RESULTS: list[tuple[list[Any], list[Any]]] = [
    ([["read"]], ["one\ntwo\n\nthree"]),
    ([["read", -1]], ["one\ntwo\n\nthree"]),
    ([["read", -7]], ["one\ntwo\n\nthree"]),
    ([["read", 0], ["read", 4]], ["", "one\n"]),
    ([["read", 5], ["read", 5], ["read", 5]], ["one\nt", "wo\n\nt", "hree"]),
    ([["read", 14], ["read", 1]], ["one\ntwo\n\nthree", ""]),
    ([["read", 1000], ["read", 1000]], ["one\ntwo\n\nthree", ""]),
    ([["read"], ["read"], ["read", 5]], ["one\ntwo\n\nthree", "", ""]),
    ([["read"], ["readline"], ["readlines"]], ["one\ntwo\n\nthree", "", []]),
    ([["readline"]] * 5, ["one\n", "two\n", "\n", "three", ""]),
    ([["readline", 2], ["readline", 2], ["readline", 2]], ["on", "e\n", "tw"]),
    ([["readline", 4], ["readline", 100]], ["one\n", "two\n"]),
    ([["readline", 0], ["readline", -1]], ["", "one\n"]),
    ([["readlines"]], [["one\n", "two\n", "\n", "three"]]),
    ([["readlines", 0]], [["one\n", "two\n", "\n", "three"]]),
    ([["readlines", -1]], [["one\n", "two\n", "\n", "three"]]),
    ([["readlines", 4], ["read"]], [["one\n"], "two\n\nthree"]),
    ([["readlines", 5], ["read"]], [["one\n", "two\n"], "\nthree"]),
    ([["readlines", 1000]], [["one\n", "two\n", "\n", "three"]]),
    ([["iterate"], ["read"]], [["one\n", "two\n", "\n", "three"], ""]),
    ([["next"], ["read", 2], ["readline"]], ["one\n", "tw", "o\n"]),
    ([["close"], ["read"]], [None, "one\ntwo\n\nthree"]),
]

TYPE_ERRORS: list[list[Any]] = [
    ["read", "1"],
    ["read", 1.5],
    ["read", b"1"],
    ["read", 1, 2],
    ["read_keyword", 1],
    ["readline", "1"],
    ["readline", 1.5],
    ["readline", []],
    ["readline", 1, 2],
    ["readlines", "1"],
    ["readlines", 1.5],
    ["readlines", 1, 2],
    ["close", 1],
]


def send_chunked(connection: Connection, path: str, pieces: list[bytes]) -> None:
    connection.send_head("POST", path, {"Transfer-Encoding": "chunked"})
    for piece in pieces:
        connection.send_chunk(piece)
    connection.send_chunk(b"")


@pytest.mark.parametrize(("calls", "results"), RESULTS)
def test_calls(server: Watched, calls: list[Any], results: list[Any]) -> None:
    assert server.post("/input_calls", LINES, calls=repr(calls)).json() == results


@pytest.mark.parametrize("call", TYPE_ERRORS)
def test_wrong_arguments_are_type_errors(server: Watched, call: list[Any]) -> None:
    found = server.post("/input_calls", LINES, calls=repr([call, ["read"]])).json()
    assert found[0]["raised"] == "TypeError"
    assert found[1] == LINES.decode()


def test_a_huge_size_reads_to_the_end(server: Watched) -> None:
    calls = [["read", 2**62], ["read", 2**62]]
    assert server.post("/input_calls", LINES, calls=repr(calls)).json() == [LINES.decode(), ""]


def test_a_size_beyond_any_integer_is_refused(server: Watched) -> None:
    found = server.post("/input_calls", LINES, calls=repr([["read", 2**80]])).json()
    assert found[0]["raised"] in ("OverflowError", "TypeError")


def test_no_body(server: Watched) -> None:
    calls = [["read"], ["read", 5], ["readline"], ["readlines"], ["iterate"]]
    assert server.get("/input_calls", calls=repr(calls)).json() == ["", "", "", [], []]


@pytest.mark.parametrize("block", [0, 1000, 65536, 1 << 20])
def test_a_large_body_arrives_whole(server: Watched, block: int) -> None:
    body = bytes(range(256)) * 12000
    found = server.post("/input_digest", body, block=block).json()
    assert found == [len(body), hashlib.sha256(body).hexdigest()]


@pytest.mark.parametrize("block", [0, 7, 65536])
def test_a_chunked_body_is_read_to_its_end(server: Watched, block: int) -> None:
    pieces = [b"x", b"y" * 5000, b"z\n" * 40000]
    with server.connect() as connection:
        send_chunked(connection, f"/input_digest?block={block}", pieces)
        found = connection.read_response().json()
        assert connection.request("GET", "/input_ignored").json() == "ignored"
    assert found == [85001, hashlib.sha256(b"".join(pieces)).hexdigest()]


def test_a_chunked_body_has_no_content_length(server: Watched) -> None:
    with server.connect() as connection:
        send_chunked(connection, "/environ", [b"body"])
        found = connection.read_response().json()
    assert "CONTENT_LENGTH" not in found
    assert found["HTTP_TRANSFER_ENCODING"] == ["str", "chunked"]


def test_chunk_extensions_and_trailers_are_no_data(server: Watched) -> None:
    with server.connect() as connection:
        connection.send_head(
            "POST", "/input_calls?calls=[['read']]", {"Transfer-Encoding": "chunked"}
        )
        connection.send(b"5;name=value\r\nHello\r\n0\r\nX-Trailer: value\r\n\r\n")
        assert connection.read_response().json() == ["Hello"]
        assert connection.request("GET", "/input_ignored").json() == "ignored"


def test_a_long_line_is_one_line(server: Watched) -> None:
    body = b"x" * 500000 + b"\n" + b"y" * 10
    found = server.post("/input_calls", body, calls="[['readline'], ['readline']]").json()
    assert [len(line) for line in found] == [500001, 10]


def test_a_body_that_arrives_in_drops(server: Watched) -> None:
    with server.connect() as connection:
        headers = {"Content-Length": str(len(LINES))}
        connection.send_head("POST", "/input_calls?calls=[['read',9],['read']]", headers)
        for number in LINES:
            connection.send(bytes([number]))
        assert connection.read_response().json() == ["one\ntwo\n\n", "three"]


@pytest.mark.parametrize("path", ["/input_ignored", "/input_part"])
@pytest.mark.parametrize("size", [20, 100_000, 2_000_000])
def test_an_unread_body_leaves_the_connection_clean(server: Watched, path: str, size: int) -> None:
    with server.connect() as connection:
        assert connection.request("POST", path, body=b"x" * size).status == 200
        assert connection.request("GET", "/input_ignored").json() == "ignored"


def test_an_unread_chunked_body_leaves_the_connection_clean(server: Watched) -> None:
    with server.connect() as connection:
        send_chunked(connection, "/input_ignored", [b"x" * 30000] * 5)
        assert connection.read_response().json() == "ignored"
        assert connection.request("GET", "/input_ignored").json() == "ignored"


def test_reading_makes_the_server_ask_for_the_body(server: Watched) -> None:
    with server.connect() as connection:
        headers = {"Expect": "100-continue", "Content-Length": "5"}
        connection.send_head("POST", "/input_calls?calls=[['read']]", headers)
        assert connection.read_interim().status == 100
        connection.send(b"Hello")
        assert connection.read_response().json() == ["Hello"]


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_client_that_vanishes_is_an_os_error(server: Watched, framing: str) -> None:
    token = new_token()
    with server.connect() as connection:
        if framing == "length":
            headers = {"Content-Length": "1000"}
            connection.send_head("POST", f"/input_recorded?token={token}", headers)
            connection.send(b"partial")
        else:
            headers = {"Transfer-Encoding": "chunked"}
            connection.send_head("POST", f"/input_recorded?token={token}", headers)
            connection.send_chunk(b"partial")
        connection.end_sending()
        found = events(server, token, "done")
    assert [event.startswith(ABORTED) for event in found] == [True, True, False]


def test_a_malformed_chunk_is_an_os_error(server: Watched) -> None:
    token = new_token()
    with server.connect() as connection:
        headers = {"Transfer-Encoding": "chunked"}
        connection.send_head("POST", f"/input_recorded?token={token}", headers)
        connection.send(b"5\r\nHello\r\nxyz\r\n")
        found = events(server, token, "done")
    assert [event.startswith(ABORTED) for event in found] == [True, True, False]


def test_use_after_the_request_is_a_runtime_error(server: Watched) -> None:
    assert server.post("/input_kept", b"body").json() == "kept"
    found = server.get("/input_after").json()
    assert [call["raised"] for call in found] == ["RuntimeError"] * 5


def test_both_bodies_stream_at_once(server: Watched) -> None:
    """Each line is answered before the next one is sent."""
    if server.host == "microhttpd":
        pytest.skip("libmicrohttpd answers when it has the whole request body")
    with server.connect() as connection:
        connection.send_head("POST", "/echo_lines", {"Transfer-Encoding": "chunked"})
        connection.send_chunk(b"line 0\n")
        assert connection.read_head().status == 200
        for number in range(5):
            assert connection.read_chunk() == b"got line %d\n" % number
            connection.send_chunk(b"line %d\n" % (number + 1) if number < 4 else b"")
        assert connection.read_chunk() == b""


def test_large_bodies_both_ways(server: Watched) -> None:
    """More than fits into socket buffers, sent whole before the client reads."""
    lines = b"x" * 99 + b"\n"
    response = server.post("/echo_lines", lines * 1000)
    assert response.complete
    assert response.body == (b"got " + lines) * 1000
