"""What httpd makes of a response: redirects inside the server, dates, types, error documents."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate, parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import pytest

import sharing
from client import Response
from modes import MODES, in_mode
from server import Server, Watched

CONFIG = """
Alias /pages @ROOT@/htdocs
WSGIScriptAlias /other @APPS@/method.wsgi
WSGIScriptAlias /by-app @APPS@/gateway.wsgi
WSGIScriptAlias /override @APPS@/gateway.wsgi
WSGIScriptAlias / @APPS@/gateway.wsgi
WSGIChunkedRequest On
ErrorDocument 404 "a page of httpd"
ErrorDocument 500 /pages/error.html
<Location /by-app>
    ErrorDocument 500 /environ
    ErrorDocument 404 /environ
</Location>
<Location /environ/qualified>
    QualifyRedirectURL On
</Location>
<Location /override>
    WSGIErrorOverride On
    ErrorDocument 404 /environ
    # A page for 500 would stand for every status that httpd does not know.
    ErrorDocument 500 default
</Location>
"""
TEXT = ("Content-Type", "text/plain")


@pytest.fixture(scope="module", params=MODES)
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = in_mode(request.param, CONFIG)
    (server.root / "htdocs" / "page.txt").write_text("a static page")
    (server.root / "htdocs" / "error.html").write_text("a static error page")
    yield from sharing.serve(server)


@pytest.fixture
def server(running: Server) -> Iterator[Watched]:
    yield from sharing.watch(running)


def target(headers: list[tuple[str, str]], path: str = "/respond", **wanted: Any) -> str:
    return f"{path}?{urlencode(wanted | {'headers': repr(headers)})}"


def respond(server: Watched, *headers: tuple[str, str], **wanted: Any) -> Response:
    return server.get(target([TEXT, *headers], **wanted))


@pytest.mark.parametrize("by", ["list", "generator", "write"])
def test_a_path_as_location_is_a_redirect_within_httpd(server: Watched, by: str) -> None:
    headers = [("Location", "/pages/page.txt"), ("Content-Length", "4"), ("Set-Cookie", "a=1")]
    response = respond(server, *headers, ("X-Gone", "yes"), by=by)
    assert (response.status, response.body) == (200, b"a static page")
    assert response.header("Location") is None
    assert response.header("X-Gone") is None
    assert response.header("Set-Cookie") == "a=1"


def test_the_other_path_may_be_an_application_and_has_a_query(server: Watched) -> None:
    found = dict(respond(server, ("Location", "/environ/x?a=b")).json())
    assert found["PATH_INFO"] == ["str", "/environ/x"]
    assert found["QUERY_STRING"] == ["str", "a=b"]
    assert found["REDIRECT_URL"] == ["str", "/respond"]


def test_where_a_redirect_comes_from_may_be_told_in_full(server: Watched) -> None:
    """QualifyRedirectURL: where the redirect leads to decides, and the whole URL has its query."""
    origin = target([TEXT, ("Location", "/environ/qualified?a=b")])
    found = dict(server.get(origin).json())
    assert found["REDIRECT_URL"] == ["str", f"http://localhost:{server.port}{origin}"]
    assert found["REDIRECT_QUERY_STRING"] == ["str", origin.partition("?")[2]]
    origin = target([TEXT, ("Location", "/environ/plain?a=b")])
    found = dict(server.get(origin).json())
    assert found["REDIRECT_URL"] == ["str", "/respond"]
    assert found["REDIRECT_QUERY_STRING"] == ["str", origin.partition("?")[2]]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_it_is_a_get_without_the_body(server: Watched, method: str, framing: str) -> None:
    location = target([TEXT, ("Location", "/other")])
    with server.connect() as connection:
        if framing == "length":
            response = connection.request(method, location, body=b"x" * 100000)
        else:
            connection.send_head(method, location, {"Transfer-Encoding": "chunked"})
            connection.send_chunk(b"GET / HTTP/1.1\r\n\r\n")
            connection.send_chunk(b"")
            response = connection.read_response()
        assert response.header("X-Method") == "GET"
        assert connection.request("GET", "/list").body == b"one two"


def test_a_missing_page_is_404(server: Watched) -> None:
    response = respond(server, ("Location", "/pages/none"))
    assert (response.status, response.body) == (404, b"a page of httpd")


def test_a_redirect_to_itself_ends(server: Watched) -> None:
    """httpd takes so many, and then answers 500."""
    server.log.expect(r"AH00124: Request exceeded the limit of \d+ internal redirects", None)
    itself = "/redirect_to_itself"
    assert server.get(itself).status == 500


@pytest.mark.parametrize(
    ("status", "location"),
    [
        ("302 Found", "/pages/page.txt"),
        ("201 Created", "/pages/page.txt"),
        ("404 Not Found", "/pages/page.txt"),
        ("200 OK", "http://other.test/page"),
        ("200 OK", "pages/page.txt"),
        ("200 OK", ""),
    ],
)
def test_other_locations_are_plain_headers(server: Watched, status: str, location: str) -> None:
    response = respond(server, ("Location", location), status=status)
    assert (response.status, response.body) == (int(status[:3]), b"body")
    assert response.all("Location") in ([location], [f"http://localhost:{server.port}{location}"])


def test_an_exception_after_a_location_is_500(server: Watched) -> None:
    server.log.expect_exception("TypeError")
    response = respond(server, ("Location", "/pages/page.txt"), blocks="[b'one', 2]")
    assert (response.status, response.body) == (500, b"a static error page")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("Sat, 01 Jan 2000 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"),
        ("Saturday, 01-Jan-00 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"),
        ("Sat Jan  1 00:00:00 2000", "Sat, 01 Jan 2000 00:00:00 GMT"),
        ("yesterday", None),
        ("", None),
    ],
)
def test_last_modified_is_a_date(server: Watched, sent: str, expected: str | None) -> None:
    response = respond(server, ("Last-Modified", sent))
    assert response.status == 200
    assert response.header("Last-Modified") == expected


def test_last_modified_is_not_in_the_future(server: Watched) -> None:
    response = respond(server, ("Last-Modified", "Fri, 01 Jan 2100 00:00:00 GMT"))
    found = parsedate_to_datetime(response.header("Last-Modified") or "")
    assert found <= parsedate_to_datetime(formatdate(usegmt=True))


def test_the_type_is_in_lower_case_and_its_parameters_are_kept(server: Watched) -> None:
    response = server.get(target([("Content-Type", "Text/HTML; Charset=UTF-8")]))
    assert response.header("Content-Type") == "text/html; Charset=UTF-8"


def test_an_error_document_may_be_a_file(server: Watched) -> None:
    server.log.expect_exception("ValueError")
    response = server.get("/raise_at_once")
    assert (response.status, response.body) == (500, b"a static error page")


def test_an_error_document_may_be_an_application(server: Watched) -> None:
    """It runs as a GET, knows what it stands for, and gives the status itself."""
    server.log.expect_exception("ValueError")
    found = dict(server.post("/by-app/raise_at_once", b"a body that nobody reads").json())
    assert found["REQUEST_METHOD"] == ["str", "GET"]
    assert found["REDIRECT_URL"] == ["str", "/by-app/raise_at_once"]
    assert found["REDIRECT_STATUS"] == ["str", "500"]


@pytest.mark.parametrize("by", ["list", "generator", "write"])
def test_error_override_with_an_application_as_document(server: Watched, by: str) -> None:
    location = target([TEXT], "/override/respond", status="404 Mine", by=by)
    found = dict(server.get(location).json())
    assert found["REDIRECT_URL"] == ["str", "/override/respond"]
    assert found["REDIRECT_STATUS"] == ["str", "404"]


@pytest.mark.parametrize("status", ["405 Mine", "418 I'm a teapot", "499 Odd", "599 Odder"])
def test_error_override_keeps_the_status(server: Watched, status: str) -> None:
    response = server.get(target([TEXT], "/override/respond", status=status))
    assert (f"{response.status} {response.reason}", response.body[:9]) == (status, b"<!DOCTYPE")


def test_error_override_keeps_what_asks_for_credentials(server: Watched) -> None:
    headers = [TEXT, ("WWW-Authenticate", "Basic realm=x"), ("X-Gone", "yes")]
    response = server.get(target(headers, "/override/respond", status="401 Mine"))
    assert response.status == 401
    assert response.header("WWW-Authenticate") == "Basic realm=x"
    assert response.header("X-Gone") is None
    assert b"body" != response.body


def test_an_error_of_the_application_is_its_own(server: Watched) -> None:
    response = server.get(target([TEXT], "/by-app/respond", status="404 Mine"))
    assert (response.status, response.reason, response.body) == (404, "Mine", b"body")
