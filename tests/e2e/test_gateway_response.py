"""Status lines, headers, lengths, HEAD, and statuses without a body."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from client import Response
from recorder import events, new_token
from server import Watched

TEXT = ("Content-Type", "text/plain")


def respond(
    server: Watched,
    headers: list[tuple[str, str]] | None = None,
    method: str = "GET",
    version: str = "HTTP/1.1",
    **wanted: Any,
) -> Response:
    """A response with just these headers; `status`, `blocks`, `by` as the application takes them."""
    wanted["headers"] = repr([TEXT] if headers is None else headers)
    if "blocks" in wanted:
        wanted["blocks"] = repr(wanted["blocks"])
    return server.request(method, f"/respond?{urlencode(wanted)}", version=version)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        ("200 OK", 200, "OK"),
        ("200 Very well", 200, "Very well"),
        ("200", 200, "OK"),
        ("404 Not Here", 404, "Not Here"),
        ("418 I'm a teapot", 418, "I'm a teapot"),
        ("500 Mine", 500, "Mine"),
        ("201 Created", 201, "Created"),
        ("302 Found", 302, "Found"),
        ("299 Odd", 299, "Odd"),
        ("599 Odder", 599, "Odder"),
        ("200 Error", 200, "Error"),
    ],
)
def test_the_status_line_is_kept(server: Watched, status: str, code: int, reason: str) -> None:
    response = respond(server, status=status)
    assert response.status == code
    assert response.body == b"body"
    if server.host == "httpd":
        assert response.reason == reason


def test_an_error_status_of_the_application_passes_unchanged(server: Watched) -> None:
    response = respond(server, [TEXT, ("X-Mine", "yes")], status="404 Not Found", blocks=[b"mine"])
    assert (response.status, response.body) == (404, b"mine")
    assert response.header("X-Mine") == "yes"


def test_a_content_type_is_kept_and_none_is_invented(server: Watched) -> None:
    response = respond(server, [("Content-Type", "text/x-own; charset=latin-1")])
    assert response.header("Content-Type") == "text/x-own; charset=latin-1"
    assert respond(server, []).header("Content-Type") is None


def test_set_cookie_and_www_authenticate_stay_apart(server: Watched) -> None:
    headers = [
        ("Set-Cookie", "a=1"),
        ("WWW-Authenticate", "Basic realm=x"),
        ("set-cookie", "b=2; Expires=Wed, 01 Jan 2031 00:00:00 GMT"),
        ("WWW-Authenticate", "Negotiate"),
    ]
    response = respond(server, [TEXT, *headers], status="401 Unauthorized")
    assert response.status == 401
    assert response.all("Set-Cookie") == ["a=1", "b=2; Expires=Wed, 01 Jan 2031 00:00:00 GMT"]
    assert response.all("WWW-Authenticate") == ["Basic realm=x", "Negotiate"]


def test_other_repeated_headers_are_joined(server: Watched) -> None:
    headers = [("X-Many", "a"), ("Allow", "GET"), ("x-many", "b"), ("Allow", "HEAD")]
    response = respond(server, [TEXT, *headers])
    assert response.header("X-Many") == "a, b"
    assert response.header("Allow") == "GET, HEAD"


def test_of_single_valued_headers_the_last_wins(server: Watched) -> None:
    headers = [
        ("Content-Type", "text/a"),
        ("Location", "/a"),
        ("Content-Length", "9"),
        ("content-type", "text/b"),
        ("Location", "/b"),
        ("Content-Length", "4"),
    ]
    response = respond(server, headers, status="302 Found")
    assert response.header("Content-Type") == "text/b"
    assert response.header("Location") == "/b"
    assert response.header("Content-Length") == "4"
    assert response.body == b"body"


def test_a_status_header_is_an_ordinary_header(server: Watched) -> None:
    response = respond(server, [TEXT, ("Status", "404 Not Found")])
    assert response.status == 200
    assert response.header("Status") == "404 Not Found"


def test_values_are_sent_as_latin_1(server: Watched) -> None:
    assert respond(server, [TEXT, ("X-Raw", "\xe9\xff\ta")]).header("X-Raw") == "\xe9\xff\ta"


@pytest.mark.parametrize("status", ["100 Continue", "101 Switching", "199 Odd", "099 Odd", "000"])
def test_a_status_that_is_not_final_is_500(server: Watched, status: str) -> None:
    server.log.expect_exception("ValueError", "a response cannot end with a status below 200")
    assert respond(server, status=status).status == 500
    assert server.get("/list").body == b"one two"


@pytest.mark.parametrize("status", ["600 Odd", "999 Odder"])
def test_a_status_beyond_the_usual_ones(server: Watched, status: str) -> None:
    response = respond(server, status=status)
    assert (response.status, response.body) == (int(status[:3]), b"body")


def test_an_empty_header_value(server: Watched) -> None:
    assert respond(server, [TEXT, ("X-Empty", "")]).all("X-Empty") == [""]


def test_last_modified_and_etag_are_kept(server: Watched) -> None:
    date = "Sat, 01 Jan 2000 00:00:00 GMT"
    response = respond(server, [TEXT, ("Last-Modified", date), ("ETag", '"x"')])
    assert response.header("Last-Modified") == date
    assert response.header("ETag") == '"x"'


@pytest.mark.parametrize("field", ["If-Modified-Since", "If-None-Match"])
def test_conditional_requests_are_left_to_the_application(server: Watched, field: str) -> None:
    date = "Sat, 01 Jan 2000 00:00:00 GMT"
    headers = repr([TEXT, ("Last-Modified", date), ("ETag", '"x"')])
    value = date if field == "If-Modified-Since" else '"x"'
    target = f"/respond?{urlencode({'headers': headers})}"
    response = server.request("GET", target, {field: value})
    assert (response.status, response.body) == (200, b"body")


def test_a_thousand_headers(server: Watched) -> None:
    response = server.get("/many_headers")
    assert (response.status, response.body) == (200, b"body")
    numbers = [value for name, value in response.headers if name.lower().startswith("x-number-")]
    assert sorted(map(int, numbers)) == list(range(1000))


def test_a_header_value_of_a_mebibyte(server: Watched) -> None:
    """httpd sends it; a host with limits may refuse it, but never cuts it. Both keep serving."""
    with server.connect() as connection:
        connection.send_head("GET", "/long_header")
        if server.host == "httpd":
            assert len(connection.read_response().header("X-Long") or "") == 1 << 20
        else:
            head = connection.read_until(b"\r\n\r\n")
            assert head is None or head.startswith(b"HTTP/1.1 500 ") or len(head) > 1 << 20
    assert server.get("/list").body == b"one two"


@pytest.mark.parametrize("by", ["list", "generator", "write"])
def test_a_right_content_length(server: Watched, by: str) -> None:
    with server.connect() as connection:
        wanted = {"headers": repr([TEXT, ("Content-Length", "8")]), "blocks": "[b'full', b'body']"}
        for _ in range(2):
            target = f"/respond?{urlencode(wanted | {'by': by})}"
            response = connection.request("GET", target)
            assert response.header("Content-Length") == "8"
            assert response.header("Transfer-Encoding") is None
            assert response.body == b"fullbody"


@pytest.mark.parametrize("by", ["list", "generator", "write"])
def test_data_past_the_content_length_is_cut_and_logged(server: Watched, by: str) -> None:
    server.log.expect(r"WC0053: ")
    wanted = {"headers": repr([TEXT, ("Content-Length", "6")]), "blocks": "[b'full', b'body']"}
    with server.connect() as connection:
        target = f"/respond?{urlencode(wanted | {'by': by})}"
        response = connection.request("GET", target)
        assert response.body == b"fullbo"
        assert response.header("Content-Length") == "6"
        assert connection.request("GET", "/list").body == b"one two"


def test_iteration_past_the_content_length_still_closes(server: Watched) -> None:
    server.log.expect(r"WC0053: ")
    token = new_token()
    assert server.get("/counted", token=token).body == b"1234512345"
    assert events(server, token, "closed").count("closed") == 1


@pytest.mark.parametrize("by", ["list", "generator", "write"])
def test_data_short_of_the_content_length_closes(server: Watched, by: str) -> None:
    server.log.allow(r"WC0054: ")
    response = respond(server, [TEXT, ("Content-Length", "100")], by=by, blocks=[b"short"])
    assert not response.complete
    assert response.body in (b"short", b"")


@pytest.mark.parametrize("by", ["list", "generator"])
def test_no_data_at_all_though_a_length_was_declared(server: Watched, by: str) -> None:
    """httpd has sent nothing yet, so the client gets an error page; libmicrohttpd has sent the head."""
    server.log.expect(r"WC0054: ")
    response = respond(server, [TEXT, ("Content-Length", "100")], by=by, blocks=[])
    if server.host == "microhttpd":
        assert not response.complete
    else:
        assert response.status == 500


def test_a_content_length_of_zero(server: Watched) -> None:
    response = respond(server, [TEXT, ("Content-Length", "0")], blocks=[])
    assert response.header("Content-Length") == "0"
    assert response.complete


@pytest.mark.parametrize("by", ["list", "generator", "write"])
@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_status_without_a_body(server: Watched, status: str, by: str) -> None:
    server.log.allow(r"WC0053: ")
    wanted = {"headers": repr([("X-Mine", "yes")]), "status": status, "by": by}
    with server.connect() as connection:
        for _ in range(2):
            response = connection.request("GET", f"/respond?{urlencode(wanted)}")
            assert response.status == int(status[:3])
            assert response.header("X-Mine") == "yes"
        assert connection.request("GET", "/list").body == b"one two"


@pytest.mark.parametrize("by", ["list", "generator", "write"])
@pytest.mark.parametrize("length", [None, "4"])
def test_head_has_no_body(server: Watched, by: str, length: str | None) -> None:
    headers = [TEXT, *([("Content-Length", length)] if length else [])]
    wanted = {"headers": repr(headers), "by": by}
    with server.connect() as connection:
        response = connection.request("HEAD", f"/respond?{urlencode(wanted)}")
        assert response.status == 200
        assert response.header("Content-Length") == length
        if response.keeps_connection():
            assert connection.request("GET", "/list").body == b"one two"
        else:
            assert connection.is_closed_by_server()


def test_head_without_data_keeps_a_declared_length(server: Watched) -> None:
    """The usual answer to HEAD: headers as for GET, and no body at all."""
    with server.connect() as connection:
        wanted = {"headers": repr([TEXT, ("Content-Length", "1000")]), "blocks": "[]"}
        response = connection.request("HEAD", f"/respond?{urlencode(wanted)}")
        assert response.header("Content-Length") == "1000"
        assert connection.request("GET", "/list").body == b"one two"


def test_an_error_on_head_has_no_body(server: Watched) -> None:
    server.log.expect_exception("ValueError", "at once")
    with server.connect() as connection:
        assert connection.request("HEAD", "/raise_at_once").status == 500


def test_http_1_0_gets_no_chunks(server: Watched) -> None:
    response = respond(server, version="HTTP/1.0", by="generator", blocks=[b"a", b"b"])
    assert response.header("Transfer-Encoding") is None
    assert response.body == b"ab"


def test_a_one_item_list_leaves_in_one_piece(server: Watched) -> None:
    """Head and small body leave together: no second wake-up is needed.

    The system gives up holding back the beginning when the server does not run for a while.
    """
    if server.host == "microhttpd":
        pytest.skip("libmicrohttpd sends a head before it asks for the body")

    def first_piece() -> bytes:
        with server.connect() as connection:
            connection.send_head("GET", "/one_block")
            assert connection.fill()
            return bytes(connection.buffer)

    assert any(b"Hello world!" in first_piece() for _ in range(5))


def test_pipelined_requests_are_answered_in_order(server: Watched) -> None:
    with server.connect() as connection:
        connection.send_head("GET", "/list")
        connection.send_head("GET", "/one_block")
        assert connection.read_response().body == b"one two"
        assert connection.read_response().body == b"Hello world!"
