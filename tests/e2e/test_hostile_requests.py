"""Malformed and hostile requests through raw sockets, in both modes.

Each has one outcome, and the next request is served.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

import sharing
from client import Connection
from modes import MODES, in_mode
from server import Server, Watched

CONFIG = """
WSGIScriptAlias / @APPS@/gateway.wsgi
WSGIChunkedRequest On
LimitRequestBody 100000
<VirtualHost *:@PORT@>
    ServerName localhost
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName decoded.test
    AllowEncodedSlashes On
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName kept.test
    AllowEncodedSlashes NoDecode
</VirtualHost>
"""


HTTPD = r"^AH\d+: "
TOO_LONG = "^WC0074: "
CODING = "^WC0071: "
UNREADABLE = "OSError"


class Case(NamedTuple):
    """What is sent, after which nothing more comes, and the status of the answer."""

    name: str
    sent: bytes
    status: int
    log: str = HTTPD


def get(target: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([b"GET " + target + b" HTTP/1.1", b"Host: localhost", *headers, b"", b""])


def post(*headers: bytes, body: bytes = b"") -> bytes:
    lines = [b"POST /input_digest HTTP/1.1", b"Host: localhost", *headers, b"", body]
    return b"\r\n".join(lines)


def chunked(body: bytes, *headers: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", *headers, body=body)


LINES = [
    Case("NUL in the path", get(b"/environ/\0"), 400),
    Case("encoded NUL in the path", get(b"/environ/%00"), 404),
    Case("encoded slash", get(b"/environ/a%2fb"), 404),
    Case("encoded slash in upper case", get(b"/environ/a%2Fb"), 404),
    Case("dots above the root", get(b"/../../etc/passwd"), 400),
    Case("encoded dots above the root", get(b"/%2e%2e/%2E%2e/etc/passwd"), 400),
    Case("half an escape", get(b"/environ/%"), 400),
    Case("no escape", get(b"/environ/%zz"), 400),
    Case("control character in the path", get(b"/environ/\x01"), 400),
    Case("carriage return in the path", get(b"/environ/\r"), 400),
    Case("space in the path", get(b"/environ/a b"), 400),
    Case("no path", b"GET HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    Case("a path without a slash", get(b"environ"), 400),
    Case("a long line", get(b"/environ/" + b"x" * 9000), 414),
    Case("a long query", get(b"/environ?" + b"x" * 9000), 414),
    Case("a method with a delimiter", b"G@T / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    Case("a version to come", b"GET /list HTTP/9.9\r\nHost: localhost\r\n\r\n", 200),
    Case("no version at all", b"GET /list HTTP/x\r\nHost: localhost\r\n\r\n", 400),
    Case("no request", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
]
HEADERS = [
    Case("no Host", b"GET /list HTTP/1.1\r\n\r\n", 400),
    Case("two Hosts", get(b"/list", b"Host: other"), 400),
    Case("Host with a path", b"GET /list HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    Case("space in a name", get(b"/list", b"X Y: z"), 400),
    Case("space before the colon", get(b"/list", b"X : z"), 400),
    Case("delimiter in a name", get(b"/list", b"X@Y: z"), 400),
    Case("NUL in a name", get(b"/list", b"X\0Y: z"), 400),
    Case("byte beyond ASCII in a name", get(b"/list", b"X\xe9: z"), 400),
    Case("no name", get(b"/list", b": z"), 400),
    Case("no colon", get(b"/list", b"nonsense"), 400),
    Case("NUL in a value", get(b"/list", b"X: a\0b"), 400),
    Case("carriage return in a value", get(b"/list", b"X: a\rb"), 400),
    Case("control character in a value", get(b"/list", b"X: a\x01b"), 400),
    Case("a long value", get(b"/list", b"X: " + b"x" * 9000), 400),
    Case("a long name", get(b"/list", b"x" * 9000 + b": y"), 400),
    Case("many headers", get(b"/list", *(b"X-%d: y" % n for n in range(200))), 400),
    Case("a continuation of nothing", get(b"/list").replace(b"Host", b" Host"), 400),
]
BODIES = [
    Case("a negative length", post(b"Content-Length: -1"), 400),
    Case("a length with a sign", post(b"Content-Length: +5", body=b"12345"), 400),
    Case("a hexadecimal length", post(b"Content-Length: 0x5", body=b"12345"), 400),
    Case("a length with a fraction", post(b"Content-Length: 5.0", body=b"12345"), 400),
    Case("an empty length", post(b"Content-Length:", body=b"12345"), 400),
    Case("a length beyond every number", post(b"Content-Length: " + b"9" * 40), 400),
    Case("two lengths in one", post(b"Content-Length: 5, 5", body=b"12345"), 400),
    Case("two lengths", post(b"Content-Length: 5", b"Content-Length: 6", body=b"123456"), 400),
    Case(
        "the same length twice",
        post(b"Content-Length: 5", b"content-length: 5", body=b"12345"),
        400,
    ),
    Case("a length over the limit", post(b"Content-Length: 100001"), 413, TOO_LONG),
    Case("another transfer coding", post(b"Transfer-Encoding: gzip", body=b"x"), 400),
    Case(
        "a coding before chunked",
        post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
        501,
        CODING,
    ),
    Case(
        "chunked before a coding", post(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"), 400
    ),
    Case("chunked twice", chunked(b"0\r\n\r\n", b"Transfer-Encoding: chunked"), 501, CODING),
    Case("chunked in quotes", post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"), 400),
    Case("almost chunked", post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 400),
    Case("no coding", post(b"Transfer-Encoding:", body=b"0\r\n\r\n"), 400),
    Case("a coding in HTTP/1.0", chunked(b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"), 200),
    Case("a size that is none", chunked(b"x\r\n"), 400, UNREADABLE),
    Case("a negative size", chunked(b"-1\r\n\r\n"), 400, UNREADABLE),
    Case("a size beyond every number", chunked(b"f" * 40 + b"\r\n"), 413, UNREADABLE),
    Case("no end of a chunk", chunked(b"3\r\nabcdef\r\n0\r\n\r\n"), 400, UNREADABLE),
    Case(
        "more than the limit",
        chunked(b"30000\r\n" + b"x" * 0x30000 + b"\r\n0\r\n\r\n"),
        413,
        UNREADABLE,
    ),
]


@pytest.fixture(scope="module", params=MODES)
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from sharing.serve(in_mode(request.param, CONFIG))


@pytest.fixture
def server(running: Server) -> Iterator[Watched]:
    yield from sharing.watch(running)


def answers(server: Watched, sent: bytes) -> list[int]:
    """The statuses of all answers to what is sent, until the server closes."""
    with server.connect() as connection:
        connection.send(sent)
        connection.end_sending()
        return statuses(connection)


def statuses(connection: Connection) -> list[int]:
    found = []
    while connection.buffer or connection.fill():
        found.append(connection.read_response().status)
    return found


@pytest.mark.parametrize("case", [*LINES, *HEADERS, *BODIES], ids=lambda case: case.name)
def test_a_hostile_request(server: Watched, case: Case) -> None:
    if case.log == UNREADABLE:
        server.log.expect_exception("OSError", "mod_wsgi request data read error: ")
    elif case.log == HTTPD:
        server.log.allow(HTTPD)
    else:
        server.log.expect(case.log)
    assert answers(server, case.sent) == [case.status]
    assert server.get("/list").body == b"one two"


def environ(server: Watched, sent: bytes) -> dict[str, str]:
    """The environ of a request that is served."""
    with server.connect() as connection:
        connection.send(sent)
        found = connection.read_response().json()
    return {key: value for key, (_, value) in found.items()}


ODD: list[tuple[str, bytes, dict[str, str | None]]] = [
    ("dots within the path", get(b"/environ/./a/../b/%2e/c"), {"PATH_INFO": "/environ/b/c"}),
    ("dots that reach the root", get(b"/x/../environ"), {"PATH_INFO": "/environ"}),
    ("three dots", get(b"/environ/..."), {"PATH_INFO": "/environ/..."}),
    ("backslashes", get(b"/environ/..\\..\\x"), {"PATH_INFO": "/environ/..\\..\\x"}),
    ("slashes", get(b"//environ///a//"), {"PATH_INFO": "/environ/a/"}),
    ("encoded twice", get(b"/environ/%252e%252e%252f"), {"PATH_INFO": "/environ/%2e%2e%2f"}),
    ("encoded line break", get(b"/environ/%0d%0aX:y"), {"PATH_INFO": "/environ/\r\nX:y"}),
    ("no UTF-8", get(b"/environ/%ff%c0%af"), {"PATH_INFO": "/environ/\xff\xc0\xaf"}),
    ("NUL in the query", get(b"/environ?%00"), {"QUERY_STRING": "%00"}),
    (
        "another host in the target",
        get(b"http://other.test/environ/x"),
        {"PATH_INFO": "/environ/x", "SERVER_NAME": "other.test"},
    ),
    ("an empty line first", b"\r\n" + get(b"/environ"), {"REQUEST_METHOD": "GET"}),
    ("a method in lower case", get(b"/environ").replace(b"GET", b"get"), {"REQUEST_METHOD": "get"}),
    ("any method", get(b"/environ").replace(b"GET", b"X-~!"), {"REQUEST_METHOD": "X-~!"}),
    ("underscores in a name", get(b"/environ", b"X_Y: z", b"Remote_Addr: z"), {"HTTP_X_Y": None}),
    (
        "an underscore beside the real name",
        get(b"/environ", b"X-Y: a", b"X_Y: z"),
        {"HTTP_X_Y": "a"},
    ),
    ("other tokens in a name", get(b"/environ", b"X.Y: z", b"X'Y: z"), {"HTTP_X.Y": None}),
    ("names of other variables", get(b"/environ", b"Path-Info: /x"), {"PATH_INFO": "/environ"}),
    ("the name of a proxy", get(b"/environ", b"PrOxY: z"), {"HTTP_PROXY": None}),
    ("bytes beyond ASCII in a value", get(b"/environ", b"X: \xff\xe9"), {"HTTP_X": "\xff\xe9"}),
    ("tabs in a value", get(b"/environ", b"X: \ta\tb\t"), {"HTTP_X": "a\tb"}),
    ("a folded value", get(b"/environ", b"X: a", b"  b"), {"HTTP_X": "a b"}),
    (
        "many of one header",
        get(b"/environ", *(b"X: %d" % n for n in range(50))),
        {"HTTP_X": ", ".join(map(str, range(50)))},
    ),
    (
        "a length and a coding",
        chunked(b"2\r\nab\r\n0\r\n\r\n", b"Content-Length: 1").replace(b"input_digest", b"environ"),
        {"CONTENT_LENGTH": None, "HTTP_TRANSFER_ENCODING": "chunked"},
    ),
    (
        "a trailer",
        chunked(b"0\r\nX: z\r\nContent-Type: z\r\n\r\n").replace(b"input_digest", b"environ"),
        {"HTTP_X": None, "CONTENT_TYPE": None},
    ),
]


@pytest.mark.parametrize(
    ("sent", "expected"), [row[1:] for row in ODD], ids=[row[0] for row in ODD]
)
def test_an_odd_request(server: Watched, sent: bytes, expected: dict[str, str | None]) -> None:
    found = environ(server, sent)
    assert {key: found.get(key) for key in expected} == expected
    assert server.get("/list").body == b"one two"


@pytest.mark.parametrize(
    ("host", "path", "path_info"),
    [
        (b"decoded.test", b"/environ/a%2Fb", "/environ/a/b"),
        (b"decoded.test", b"/environ/a%2f%2fb", "/environ/a/b"),
        (b"decoded.test", b"/environ/a%2f..%2fb", "/environ/b"),
        (b"kept.test", b"/environ/a%2Fb", "/environ/a%2Fb"),
        (b"kept.test", b"/environ/a%2f%20", "/environ/a%2f "),
    ],
)
def test_encoded_slashes(server: Watched, host: bytes, path: bytes, path_info: str) -> None:
    found = environ(server, get(path).replace(b"localhost", host))
    assert found["PATH_INFO"] == path_info
    assert found["REQUEST_URI"] == path.decode()


@pytest.mark.parametrize("path", ["/input_digest", "/input_ignored", "/input_part"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_is_no_request(server: Watched, path: str, framing: str) -> None:
    """Whether the application reads it or not."""
    body = get(b"/raise_at_once") * 100
    with server.connect() as connection:
        headers = {
            "length": {"Content-Length": str(len(body))},
            "chunked": {"Transfer-Encoding": "chunked"},
        }
        connection.send_head("POST", path, headers[framing])
        connection.send(body) if framing == "length" else connection.send_chunk(body)
        if framing == "chunked":
            connection.send_chunk(b"")
        connection.send_head("GET", "/list", {"Connection": "close"})
        assert statuses(connection) == [200, 200]


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_that_breaks_off(server: Watched, framing: str) -> None:
    server.log.expect_exception("OSError", "mod_wsgi request data read error: ")
    part = {
        "length": post(b"Content-Length: 10", body=b"12345"),
        "chunked": chunked(b"a\r\n12345"),
    }
    assert answers(server, part[framing]) == [500]
    assert server.get("/list").body == b"one two"


def test_many_connections_that_say_nothing_or_vanish(server: Watched) -> None:
    connections = [server.connect() for _ in range(20)]
    for number, connection in enumerate(connections):
        connection.send(post(b"Content-Length: 10")[: number * 3])
        connection.abort()
    assert server.get("/list").body == b"one two"
