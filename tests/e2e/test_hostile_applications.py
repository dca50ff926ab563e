"""Applications that break every rule, in both modes.

Nothing that they do reaches a client as something else, what they do wrong is in the log, and the
next request is served.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

import sharing
from client import Response
from modes import MODES, in_mode
from server import Server, Watched


@pytest.fixture(scope="module", params=MODES)
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from sharing.serve(in_mode(request.param, "WSGIScriptAlias / @APPS@/gateway.wsgi\n"))


@pytest.fixture
def server(running: Server) -> Iterator[Watched]:
    yield from sharing.watch(running)


def request(server: Watched, app: str) -> Response:
    response = server.get("/hostile", app=app)
    assert response.header("X-Evil") is None
    assert b"X-Evil" not in response.body
    return response


@pytest.fixture(autouse=True)
def next_request(server: Watched) -> Iterator[None]:
    """Whatever happened, the next request is served, by the same process."""
    pid = server.get("/process").json()
    yield
    assert server.get("/process").json() == pid


class Refused(NamedTuple):
    app: str
    exception: str


REFUSED = [
    *(Refused(f"status: {what}", "ValueError") for what in ("CR LF", "LF", "CR", "NUL", "words")),
    *(Refused(f"status: {what}", "TypeError") for what in ("bytes", "a number")),
    *(Refused(f"name: {w}", "ValueError") for w in ("CR LF", "NUL", "space", "colon", "empty")),
    Refused("name: latin-1", "ValueError"),
    *(Refused(f"value: {w}", "ValueError") for w in ("CR LF", "folded", "LF", "NUL", "escape")),
    *(
        Refused(f"{what}: not latin-1", "UnicodeEncodeError")
        for what in ("status", "name", "value")
    ),
    Refused("status: lone surrogate", "UnicodeEncodeError"),
    Refused("value: bytes", "TypeError"),
    Refused("headers: no pairs", "TypeError"),
    Refused("length: nonsense", "ValueError"),
    Refused("length: negative", "ValueError"),
    Refused("length: two in one", "ValueError"),
    Refused("length: beyond every number", "ValueError"),
    Refused("100", "ValueError"),
    Refused("result: None", "TypeError"),
    Refused("result: a number", "TypeError"),
    Refused("result: bytes", "TypeError"),
    Refused("result: a string", "TypeError"),
    Refused("result: strings", "TypeError"),
    Refused("result: wrongly iterable", "TypeError"),
    Refused("result: bytearray", "TypeError"),
    Refused("iterator: fails at once", "ValueError"),
    Refused("never starts", "RuntimeError"),
    Refused("starts too late", "RuntimeError"),
    Refused("recurses", "RecursionError"),
    Refused("exits", "SystemExit"),
]


@pytest.mark.parametrize(("app", "exception"), REFUSED)
def test_what_is_answered_with_500(server: Watched, app: str, exception: str) -> None:
    server.log.expect_exception(exception)
    response = request(server, app)
    assert response.status == 500
    assert b"Internal Server Error" in response.body


class Aborted(NamedTuple):
    app: str
    exception: str
    body: bytes = b"body"


ABORTED = [
    Aborted("result: None within", "TypeError"),
    Aborted("result: None within an iterator", "TypeError"),
    Aborted("result: large and then wrong", "TypeError", b"x" * 300000),
    Aborted("iterator: fails later", "ValueError"),
    Aborted("iterator: SystemExit", "SystemExit"),
    Aborted("iterator: KeyboardInterrupt", "KeyboardInterrupt"),
    Aborted("iterator: StopIteration", "RuntimeError"),
    Aborted("starts while iterating", "RuntimeError"),
    Aborted("writes, then fails", "TypeError"),
]


@pytest.mark.parametrize(("app", "exception", "body"), ABORTED, ids=lambda value: str(value)[:40])
def test_what_breaks_off(server: Watched, app: str, exception: str, body: bytes) -> None:
    server.log.expect_exception(exception)
    if app == "iterator: StopIteration":
        server.log.allow("StopIteration")
    response = request(server, app)
    assert (response.status, response.complete) == (200, False)
    assert body.startswith(response.body)


def test_close_that_fails_is_only_logged(server: Watched) -> None:
    server.log.expect_exception("KeyError")
    response = request(server, "iterator: close() fails")
    assert (response.status, response.body, response.complete) == (200, b"body", True)


def test_close_that_fails_after_the_iterator(server: Watched) -> None:
    server.log.expect_exception("ValueError")
    server.log.expect_exception("KeyError")
    assert not request(server, "iterator: fails, and close() too").complete


@pytest.mark.parametrize(
    ("app", "status", "body", "header"),
    [
        ("name: underscore", 200, b"body", ("X_Y", "a")),
        ("value: latin-1", 200, b"body", ("X", "\xe9\x80\xff")),
        ("value: 1 MiB", 200, b"body", ("X", "v" * (1 << 20))),
        ("headers: a thousand", 200, b"body", ("X-999", "v")),
        ("headers: a thousand alike", 200, b"body", ("X", ", ".join(map(str, range(1000))))),
        ("headers: framing", 200, b"body", ("Transfer-Encoding", "chunked")),
        ("headers: framing and length", 200, b"body", ("Transfer-Encoding", None)),
        ("headers: another coding", 200, b"body", ("Transfer-Encoding", "chunked")),
        ("headers: changed later", 200, b"body", ("X-Evil", None)),
        ("length: contradictory", 200, b"body", ("Content-Length", "4")),
        ("204 with a body", 204, b"", ("Content-Length", None)),
        ("304 with a body and a length", 304, b"", ("Transfer-Encoding", None)),
        ("result: a hundred thousand empty blocks", 200, b"", ("X", None)),
        ("clears the environ", 200, b"body", ("X", None)),
        ("fills the environ", 200, b"body", ("X", None)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_served(
    server: Watched, app: str, status: int, body: bytes, header: tuple[str, str | None]
) -> None:
    with server.connect() as connection:
        for _ in range(2):
            connection.send_head("GET", f"/hostile?app={app.replace(' ', '+')}")
            response = connection.read_response()
            assert (response.status, response.body, response.complete) == (status, body, True)
            assert response.header(header[0]) == header[1]


def test_a_thousand_cookies_stay_apart(server: Watched) -> None:
    response = request(server, "headers: a thousand cookies")
    assert sorted(response.all("Set-Cookie")) == sorted(f"a={number}" for number in range(1000))


@pytest.mark.parametrize("app", ["status: long", "name: long"])
def test_an_oversized_line_is_sent_whole(server: Watched, app: str) -> None:
    response = request(server, app)
    assert response.body == b"body"
    names = [name for name, _ in response.headers]
    assert max(map(len, [response.reason, *names])) == 100000


def test_more_than_the_length(server: Watched) -> None:
    server.log.expect("^WC0053: ")
    assert request(server, "length: short").body == b"bo"


def test_less_than_the_length(server: Watched) -> None:
    server.log.expect("^WC0054: ")
    response = request(server, "length: long")
    assert (response.body, response.complete) == (b"body", False)
