"""start_response and write(): what they accept, and which exception says that they do not."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from recorder import events, new_token
from server import Watched

ACCEPTED: list[tuple[Any, ...]] = [
    ("200", []),
    ("200 ", []),
    ("200 OK", []),
    ("200 O K  ", []),
    ("999 Whatever", []),
    ("600 Odd", []),
    ("200 caf\xe9", []),
    ("200 OK", [("X-Empty", "")]),
    ("200 OK", [("X-Latin", "\xe9\xff")]),
    ("200 OK", [("X-Tab", "a\tb")]),
    ("200 OK", [("X-!#$%&'*+.^_`|~0", "token characters")]),
    ("200 OK", [("Connection", "close"), ("Transfer-Encoding", "x"), ("Upgrade", "x")]),
    ("200 OK", [("Status", "404 Not Found")]),
    ("200 OK", [("Content-Length", "nonsense")]),
    ("200 OK", [], None),
]

REFUSED: list[tuple[str, tuple[Any, ...]]] = [
    ("TypeError", ()),
    ("TypeError", ("200 OK",)),
    ("TypeError", ("200 OK", [], None, None)),
    ("TypeError", (b"200 OK", [])),
    ("TypeError", (200, [])),
    ("TypeError", (None, [])),
    ("TypeError", ("200 OK", None)),
    ("TypeError", ("200 OK", ())),
    ("TypeError", ("200 OK", {})),
    ("TypeError", ("200 OK", "X: y")),
    ("TypeError", ("200 OK", [None])),
    ("TypeError", ("200 OK", ["ab"])),
    ("TypeError", ("200 OK", [["X", "y"]])),
    ("ValueError", ("200 OK", [()])),
    ("ValueError", ("200 OK", [("X",)])),
    ("ValueError", ("200 OK", [("X", "y", "z")])),
    ("TypeError", ("200 OK", [(b"X", "y")])),
    ("TypeError", ("200 OK", [("X", b"y")])),
    ("TypeError", ("200 OK", [("X", 1)])),
    ("TypeError", ("200 OK", [("X", None)])),
    ("TypeError", ("200 OK", [(None, "y")])),
    ("ValueError", ("", [])),
    ("ValueError", ("20 OK", [])),
    ("ValueError", ("2000 OK", [])),
    ("ValueError", ("200OK", [])),
    ("ValueError", ("OK", [])),
    ("ValueError", (" 200 OK", [])),
    ("ValueError", ("2x0 OK", [])),
    ("ValueError", ("-20 OK", [])),
    ("ValueError", ("200 O\nK", [])),
    ("ValueError", ("200 O\rK", [])),
    ("ValueError", ("200 O\x00K", [])),
    ("ValueError", ("200 O\x7fK", [])),
    ("ValueError", ("200\tOK", [])),
    ("ValueError", ("200 OK", [("", "y")])),
    ("ValueError", ("200 OK", [("X Y", "z")])),
    ("ValueError", ("200 OK", [("X:", "y")])),
    ("ValueError", ("200 OK", [("X\n", "y")])),
    ("ValueError", ("200 OK", [("X\r\nY", "z")])),
    ("ValueError", ("200 OK", [("X\x00", "y")])),
    ("ValueError", ("200 OK", [("X\x7f", "y")])),
    ("ValueError", ("200 OK", [("X(", "y")])),
    ("ValueError", ("200 OK", [("X\xe9", "y")])),
    ("ValueError", ("200 OK", [("X", "a\nb")])),
    ("ValueError", ("200 OK", [("X", "a\rb")])),
    ("ValueError", ("200 OK", [("X", "a\r\n b")])),
    ("ValueError", ("200 OK", [("X", "a\x00b")])),
    ("ValueError", ("200 OK", [("X", "a\x01b")])),
    ("ValueError", ("200 OK", [("X", "a\x7fb")])),
    ("ValueError", ("200 OK", [("Good", "1"), ("X", "a\nb")])),
    ("RuntimeError", ("200 OK", [], "exc_info")),
    ("RuntimeError", ("200 OK", [], [])),
    ("RuntimeError", ("200 OK", [], 0)),
]


def outcomes(server: Watched, *calls: tuple[Any, ...]) -> list[Any]:
    """What each call of start_response raised, or "accepted"."""
    response = server.get("/start_response_calls", calls=repr(list(calls)))
    assert response.header("Content-Type") == "application/json"
    return list(response.json())


@pytest.mark.parametrize("call", ACCEPTED, ids=repr)
def test_accepted(server: Watched, call: tuple[Any, ...]) -> None:
    assert outcomes(server, call) == ["accepted"]


@pytest.mark.parametrize(("exception", "call"), REFUSED, ids=repr)
def test_refused(server: Watched, exception: str, call: tuple[Any, ...]) -> None:
    [found] = outcomes(server, call)
    assert found != "accepted"
    assert found["raised"] == exception
    assert found["text"]


def test_what_latin_1_cannot_hold_is_a_unicode_error(server: Watched) -> None:
    found = server.get("/start_response_unencodable").json()
    assert [call["raised"] for call in found[:3]] == ["UnicodeEncodeError"] * 3
    assert found[3:] == ["accepted", "accepted"]


def test_a_second_call_before_the_headers_replaces(server: Watched) -> None:
    first = ("404 Not Found", [("X-First", "yes"), ("Set-Cookie", "a=b")])
    response = server.get("/start_response_calls", calls=repr([first, first]))
    assert response.json() == ["accepted", "accepted"]
    assert response.header("X-First") is None
    assert response.header("Set-Cookie") is None


def test_a_refused_call_leaves_what_was_set(server: Watched) -> None:
    calls = [("200 OK", [("X", "a\nb")]), ("200 OK", [("X", "good")])]
    assert [c if c == "accepted" else c["raised"] for c in outcomes(server, *calls)] == [
        "ValueError",
        "accepted",
    ]


def test_keyword_arguments(server: Watched) -> None:
    """PEP 3333 makes them positional; the reference does not decide. Either is an answer."""
    response = server.get("/start_response_keywords")
    assert response.status in (200, 500)
    if response.status == 500:
        server.log.expect_exception("TypeError")


def test_exc_info_before_the_headers_replaces(server: Watched) -> None:
    response = server.get("/replaced_with_exc_info")
    assert response.status == 503
    assert response.body == b"replaced"
    assert response.header("X-First") is None


def test_exc_info_after_the_headers_is_raised(server: Watched) -> None:
    response = server.get("/exc_info_after_headers")
    assert response.status == 200
    assert response.body == b"first block raised original"


def test_exc_info_that_propagates_aborts(server: Watched) -> None:
    server.log.expect_exception("ValueError", "original")
    response = server.get("/exc_info_propagates")
    assert response.status == 200
    assert response.body == b"first block"
    assert not response.complete


def test_a_second_call_after_the_headers_is_a_runtime_error(server: Watched) -> None:
    response = server.get("/second_call_after_headers")
    assert (response.status, response.body) == (200, b"first RuntimeError")


def test_use_after_the_request_is_a_runtime_error(server: Watched) -> None:
    assert server.get("/start_response_kept").body == b"kept"
    found = server.get("/start_response_after").json()
    assert [call["raised"] for call in found] == ["RuntimeError", "RuntimeError"]


@pytest.mark.parametrize("length", ["nonsense", "-1", "1.5", "", "+1", "1 1", "0x10", "9" * 40])
@pytest.mark.parametrize("app", ["start_response_once", "respond"])
def test_a_malformed_content_length_is_500(server: Watched, app: str, length: str) -> None:
    server.log.expect_exception("ValueError")
    headers = [("Content-Type", "text/plain"), ("Content-Length", length)]
    if app == "respond":
        response = server.get(f"/respond?{urlencode({'by': 'write', 'headers': repr(headers)})}")
    else:
        response = server.get("/start_response_once", call=repr(("200 OK", headers)))
    assert response.status == 500
    assert b"body" not in response.body or b"<" in response.body


def test_write_sends_in_order(server: Watched) -> None:
    assert server.get("/write_only").body == b"one two"


def test_write_comes_before_the_iterable(server: Watched) -> None:
    token = new_token()
    assert server.get("/write_and_return", token=token).body == b"written returned"
    assert events(server, token, "closed") == ["closed"]


def test_write_takes_bytes_only(server: Watched) -> None:
    found = server.get("/write_wrong").json()
    assert [call["raised"] for call in found] == ["TypeError"] * 5


def test_the_first_write_sends_the_headers(server: Watched) -> None:
    """PEP 3333: upon the first invocation of write(), whatever its argument."""
    response = server.get("/write_empty")
    assert (response.status, response.body) == (200, b"RuntimeError")


def test_an_exception_after_write_aborts(server: Watched) -> None:
    server.log.expect_exception("ValueError", "after write")
    response = server.get("/write_then_raise")
    assert response.status == 200
    assert response.body == b"written"
    assert not response.complete


def test_write_to_a_vanished_client_is_an_os_error(server: Watched) -> None:
    token = new_token()
    connection = server.connect()
    connection.send_head("GET", f"/write_until_gone?token={token}")
    assert connection.read_head().status == 200
    connection.abort()
    found = events(server, token, "done", 15)
    assert found[0].startswith("OSError: ")
    assert any(word in found[0].lower() for word in ("client", "connection", "pipe"))
