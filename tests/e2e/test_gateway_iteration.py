"""Iterating the result: every kind of body, every way it can fail, and close() exactly once."""

from __future__ import annotations

import pytest

from recorder import events, new_token
from server import Watched

WHOLE = [
    ("list", b"one two"),
    ("tuple", b"one two"),
    ("one_block", b"Hello world!"),
    ("generator", b"one two"),
    ("sequence", b"by index"),
    ("closing", b"one two"),
    ("late_generator", b"late"),
    ("after_empty_block", b"after empty"),
    ("empty_list", b""),
    ("empty_closing", b""),
    ("empty_blocks", b""),
    ("empty_between", b"one two"),
    ("many_blocks", b"".join(b"%06d\n" % number for number in range(10000))),
    ("large_block", b"x" * (8 << 20)),
]
CLOSED_ONCE = [
    "closing",
    "empty_closing",
    "empty_blocks",
    "empty_between",
]
FAILS_FIRST = [
    ("return_none", "TypeError"),
    ("return_number", "TypeError"),
    ("return_bytes", "TypeError"),
    ("return_text", "TypeError"),
    ("item_text", "TypeError"),
    ("item_none", "TypeError"),
    ("item_bytearray", "TypeError"),
    ("bad_iterator", "TypeError"),
    ("never_started", "RuntimeError"),
    ("never_started_empty", "RuntimeError"),
    ("raise_at_once", "ValueError"),
    ("raise_after_start", "ValueError"),
    ("raise_first", "ValueError"),
    ("raise_after_empty", "ValueError"),
    ("exit_at_once", "SystemExit"),
    ("exit_first", "SystemExit"),
]
FAILS_LATER = [
    ("item_text_later", "TypeError"),
    ("raise_later", "ValueError"),
    ("exit_later", "SystemExit"),
]
CLOSED_THOUGH_FAILING = {
    "item_text",
    "item_none",
    "item_bytearray",
    "bad_iterator",
    "never_started",
    "never_started_empty",
    "raise_first",
    "raise_after_empty",
    "exit_first",
}


@pytest.mark.parametrize(("app", "body"), WHOLE)
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_a_whole_body(server: Watched, app: str, body: bytes, version: str) -> None:
    response = server.request("GET", f"/{app}", version=version, token=new_token())
    assert response.status == 200
    assert response.body == body
    assert response.complete
    assert response.header("Content-Type") == "text/plain"


@pytest.mark.parametrize("app", ["one_block", "list", "generator", "closing"])
def test_no_content_length_is_invented(server: Watched, app: str) -> None:
    response = server.get(f"/{app}")
    assert response.header("Content-Length") is None
    assert response.header("Transfer-Encoding") == "chunked"
    response = server.request("GET", f"/{app}", version="HTTP/1.0")
    assert response.header("Content-Length") is None
    assert response.header("Transfer-Encoding") is None


@pytest.mark.parametrize("app", ["empty_list", "empty_closing", "empty_blocks"])
def test_an_empty_body_keeps_the_connection(server: Watched, app: str) -> None:
    with server.connect() as connection:
        for _ in range(3):
            response = connection.request("GET", f"/{app}")
            assert (response.status, response.body, response.complete) == (200, b"", True)


@pytest.mark.parametrize("app", ["closing", "one_block", "generator", "many_blocks"])
def test_the_connection_is_kept(server: Watched, app: str) -> None:
    with server.connect() as connection:
        for _ in range(3):
            response = connection.request("GET", f"/{app}")
            assert response.status == 200
            assert response.complete


@pytest.mark.parametrize("app", CLOSED_ONCE)
def test_close_is_called_exactly_once(server: Watched, app: str) -> None:
    token = new_token()
    assert server.get(f"/{app}", token=token).status == 200
    until = "end" if app == "closing" else "closed"
    assert events(server, token, until).count("closed") == 1


@pytest.mark.parametrize(("app", "exception"), FAILS_FIRST)
def test_a_failure_before_the_first_block_is_500(server: Watched, app: str, exception: str) -> None:
    server.log.expect_exception(exception)
    token = new_token()
    response = server.get(f"/{app}", token=token)
    assert response.status == 500
    assert response.complete
    assert response.header("X-Dropped") is None
    assert response.header("Content-Type") != "text/plain" or server.host != "httpd"
    if app in CLOSED_THOUGH_FAILING:
        assert events(server, token, "closed") == ["closed"]


@pytest.mark.parametrize(("app", "exception"), FAILS_LATER)
def test_a_failure_after_the_first_block_aborts(server: Watched, app: str, exception: str) -> None:
    server.log.expect_exception(exception)
    token = new_token()
    response = server.get(f"/{app}", token=token)
    assert response.status == 200
    assert response.body == b"data "
    assert not response.complete
    assert events(server, token, "closed") == ["closed"]


def test_a_wrong_item_in_a_list_never_looks_complete(server: Watched) -> None:
    """Blocks of a list may be gathered, so the answer is 500 or an aborted 200."""
    server.log.expect_exception("TypeError")
    response = server.get("/list_item_text_later")
    assert response.status == 500 or not response.complete


@pytest.mark.parametrize("app", ["raise_later", "exit_later"])
def test_an_aborted_response_of_http_1_0_is_reset_or_short(server: Watched, app: str) -> None:
    server.log.expect_exception("ValueError" if app == "raise_later" else "SystemExit")
    response = server.request("GET", f"/{app}", version="HTTP/1.0")
    assert response.body in (b"data ", b"")


@pytest.mark.parametrize("app", ["raise_at_once", "raise_first", "raise_later", "raise_in_close"])
def test_a_traceback_is_logged_once_and_complete(server: Watched, app: str) -> None:
    server.log.expect_exception("ValueError")
    server.get(f"/{app}")
    assert len(server.log.wait_for(r"^Traceback \(most recent call last\):$")) == 1
    frames = server.log.find(r'^  File "[^"]*gateway/(iteration|recorder)\.py", line \d+, in ')
    assert frames, server.log.records()
    assert {record.level for record in frames} == {"error"}


def test_the_header_of_a_traceback_names_script_and_interpreter(server: Watched) -> None:
    server.log.expect_exception("ValueError", "at once")
    server.get("/raise_at_once")
    [header] = server.log.wait_for("exception raised processing WSGI script")
    assert header.text.startswith("WC0050: [script ")
    assert "gateway.wsgi" in header.text.split("processing WSGI script")[1]
    assert "main interpreter" in header.text


def test_system_exit_is_said_to_be_ignored(server: Watched) -> None:
    server.log.expect_exception("SystemExit", "leaving")
    assert server.get("/exit_at_once").status == 500
    [header] = server.log.wait_for("SystemExit exception raised")
    assert header.text.startswith("WC0051: ")
    assert "ignored" in header.text
    assert server.get("/list").body == b"one two"


def test_an_exception_in_close_is_only_logged(server: Watched) -> None:
    server.log.expect_exception("ValueError", "in close")
    response = server.get("/raise_in_close", token=(token := new_token()))
    assert (response.status, response.body, response.complete) == (200, b"data", True)
    assert events(server, token, "closed") == ["closed"]


def test_exceptions_in_iteration_and_in_close_are_both_logged(server: Watched) -> None:
    server.log.expect(r"ValueError exception raised processing WSGI script", 2)
    server.log.expect(r"^ValueError: in iteration$")
    server.log.expect(r"^ValueError: in close$")
    server.log.tracebacks = True
    response = server.get("/raise_twice", token=(token := new_token()))
    assert not response.complete
    assert events(server, token, "closed") == ["closed"]


def test_a_failing_lookup_of_close_is_logged(server: Watched) -> None:
    server.log.expect(r"WC0052: ")
    server.log.expect(r"^ValueError: looking up close$")
    server.log.tracebacks = True
    response = server.get("/bad_close_lookup")
    assert (response.status, response.body, response.complete) == (200, b"data", True)


def test_an_error_page_is_the_hosts(server: Watched) -> None:
    server.log.expect_exception("ValueError")
    response = server.get("/raise_at_once")
    assert b"Traceback" not in response.body
    assert b"at once" not in response.body
    if server.host == "httpd":
        assert b"Internal Server Error" in response.body


def test_the_connection_survives_a_500(server: Watched) -> None:
    server.log.expect_exception("ValueError", "at once", 2)
    with server.connect() as connection:
        assert connection.request("GET", "/raise_at_once").status == 500
        second = server.get("/raise_at_once")
        assert second.status == 500
