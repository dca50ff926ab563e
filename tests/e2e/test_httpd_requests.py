"""Checks before the application, HEAD, error documents, ranges and filters of httpd."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import sharing
from client import Connection
from modes import MODES, in_mode
from server import Server, Watched

CONFIG = """
WSGIScriptAlias / @APPS@/gateway.wsgi
ErrorDocument 404 "a page of httpd"
ErrorDocument 500 "an error page of httpd"
<LocationMatch ^/(input|respond|echo)>
    LimitRequestBody 1000
</LocationMatch>
<Location /echo_lines>
    WSGIChunkedRequest On
</Location>
<Location /input_recorded>
    WSGIChunkedRequest On
</Location>
"""
OVERRIDE = """
WSGIScriptAlias / @APPS@/gateway.wsgi
WSGIErrorOverride On
ErrorDocument 404 "a page of httpd"
<Location /respond/off>
    WSGIErrorOverride Off
</Location>
"""


@pytest.fixture(scope="module", params=MODES)
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from sharing.serve(in_mode(request.param, CONFIG))


@pytest.fixture
def server(running: Server) -> Iterator[Watched]:
    yield from sharing.watch(running)


def chunked(connection: Connection, path: str, body: bytes) -> int:
    connection.send_head("POST", path, {"Transfer-Encoding": "chunked"})
    connection.send_chunk(body)
    connection.send_chunk(b"")
    return connection.read_response().status


def test_a_chunked_request_is_411(server: Watched) -> None:
    server.log.expect("WC0072: ")
    with server.connect() as connection:
        assert chunked(connection, "/input_digest", b"body") == 411


def test_a_chunked_request_where_it_is_allowed(server: Watched) -> None:
    with server.connect() as connection:
        assert chunked(connection, "/echo_lines", b"body") == 200


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "identity", "chunked, chunked"])
def test_another_transfer_coding_is_400_or_501(server: Watched, coding: str) -> None:
    server.log.allow(r"WC0071: |AH\d+: ")
    with server.connect() as connection:
        connection.send_head("POST", "/echo_lines", {"Transfer-Encoding": coding})
        connection.send(b"0\r\n\r\n")
        assert connection.read_response().status in (400, 501)


def test_length_and_chunked_together_are_chunked_or_refused(server: Watched) -> None:
    server.log.allow(r"AH\d+: ")
    with server.connect() as connection:
        headers = {"Transfer-Encoding": "chunked", "Content-Length": "3"}
        connection.send_head("POST", "/echo_lines", headers)
        connection.send_chunk(b"body")
        connection.send_chunk(b"")
        response = connection.read_response()
        assert response.status == 400 or response.body == b"got body"


@pytest.mark.parametrize("length", ["x", "-1", "1x", "1 2", "99999999999999999999999"])
def test_a_malformed_content_length_is_400(server: Watched, length: str) -> None:
    server.log.allow(r"WC0073: |AH\d+: |413")
    with server.connect() as connection:
        connection.send_head("POST", "/input_digest", {"Content-Length": length})
        assert connection.read_response().status in ((400,) if length != "9" * 23 else (400, 413))


def test_a_body_over_the_limit_is_413_and_not_run(server: Watched) -> None:
    server.log.expect(r"WC0074: |AH\d+: .*LimitRequestBody|larger than", None)
    assert server.post("/respond", b"x" * 1001).status == 413


def test_a_body_at_the_limit_passes(server: Watched) -> None:
    assert server.post("/input_digest", b"x" * 1000).json()[0] == 1000


def test_a_chunked_body_over_the_limit_fails_while_it_is_read(server: Watched) -> None:
    server.log.allow(r"AH\d+: .*|exception raised|mod_wsgi request data read error|WC0050")
    server.log.tracebacks = True
    with server.connect() as connection:
        connection.send_head("POST", "/echo_lines", {"Transfer-Encoding": "chunked"})
        connection.send_chunk(b"x" * 5000)
        connection.send_chunk(b"")
        response = connection.read_response()
        assert response.status in (413, 500) or not response.complete


def test_nothing_asks_for_a_body_that_is_not_read(server: Watched) -> None:
    with server.connect() as connection:
        headers = {"Expect": "100-continue", "Content-Length": "5"}
        connection.send_head("POST", "/input_ignored", headers)
        assert connection.read_interim().status == 200


def test_a_500_of_the_engine_uses_the_error_document(server: Watched) -> None:
    server.log.expect_exception("ValueError")
    response = server.get("/raise_at_once")
    assert (response.status, response.body) == (500, b"an error page of httpd")


def test_a_404_of_the_application_is_its_own(server: Watched) -> None:
    response = server.get("/respond", status="404 Not Found")
    assert (response.status, response.body) == (404, b"body")


@pytest.fixture(scope="module", params=MODES)
def overriding(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from sharing.serve(in_mode(request.param, OVERRIDE))


@pytest.fixture
def override(overriding: Server) -> Iterator[Watched]:
    yield from sharing.watch(overriding)


@pytest.mark.parametrize("by", ["list", "generator", "write"])
def test_error_override_leaves_errors_to_httpd(override: Watched, by: str) -> None:
    response = override.get("/respond", status="404 Not Found", by=by)
    assert (response.status, response.body) == (404, b"a page of httpd")


def test_error_override_leaves_other_statuses_alone(override: Watched) -> None:
    response = override.get("/respond", status="399 Odd")
    assert (response.status, response.body) == (399, b"body")


def test_error_override_can_be_switched_off_inside(override: Watched) -> None:
    response = override.get("/respond/off", status="404 Not Found")
    assert (response.status, response.body) == (404, b"body")


HEAD = """
WSGIScriptAlias / @APPS@/method.wsgi
<Location /off>
    WSGIMapHEADToGET Off
</Location>
<Location /on>
    WSGIMapHEADToGET On
</Location>
<Location /auto>
    WSGIMapHEADToGET Auto
</Location>
<LocationMatch /deflate$>
    SetOutputFilter DEFLATE
</LocationMatch>
"""


@pytest.fixture(scope="module", params=MODES)
def head_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from sharing.serve(in_mode(request.param, HEAD))


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/default", "HEAD"),
        ("/default/deflate", "GET"),
        ("/auto", "HEAD"),
        ("/auto/deflate", "GET"),
        ("/off", "HEAD"),
        ("/off/deflate", "HEAD"),
        ("/on", "GET"),
        ("/on/deflate", "GET"),
    ],
)
def test_head_is_mapped_to_get(head_server: Server, path: str, method: str) -> None:
    for watched in sharing.watch(head_server):
        response = watched.request("HEAD", path)
        assert response.header("X-Method") == method
        assert watched.get(path).header("X-Method") == "GET"


SENDFILE = """
WSGIScriptAlias / @APPS@/gateway.wsgi
EnableSendfile On
<Location /file>
    WSGIEnableSendfile On
</Location>
"""


@pytest.mark.parametrize("offset", [0, 12345])
@pytest.mark.parametrize("length", [None, 50000])
def test_sendfile_sends_the_same(sendfile_server: Server, offset: int, length: int | None) -> None:
    for watched in sharing.watch(sendfile_server):
        query = f"&length={length}" if length else ""
        response = watched.get(f"/file?size={1 << 20}&offset={offset}{query}")
        whole = b"".join(b"%07d\n" % number for number in range((1 << 20) // 8))
        end = offset + length if length else len(whole)
        assert response.body == whole[offset:end]
        assert response.complete


@pytest.fixture(scope="module", params=MODES)
def sendfile_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from sharing.serve(in_mode(request.param, SENDFILE))


def test_deflate_compresses_an_application(head_server: Server) -> None:
    for watched in sharing.watch(head_server):
        response = watched.get("/default/deflate", {"Accept-Encoding": "gzip"})
        assert response.header("Content-Encoding") == "gzip"


def test_the_response_of_an_application_is_counted(server: Watched) -> None:
    """%B and %X of the access log tell bytes and aborted connections."""
    server.log.expect_exception("ValueError")
    server.get("/list?count")
    server.get("/raise_later")
    lines = [line.split() for line in (server.root / "access.log").read_text().splitlines()]
    assert ["GET", "/list", "200", "7"] in [line[:4] for line in lines]
