"""wsgi.file_wrapper: files that the host sends itself, and everything that only looks like one."""

from __future__ import annotations

from itertools import product

import pytest

from recorder import events, new_token
from server import Watched

SIZE = 100_000
BLOCKS = [1, 1000, 8192, 1 << 20]
# A block size of 0 is for the fast path alone: read(0) would be the end of any file.
WAYS = [("direct", 0), ("subclass", 0), *product(["direct", "subclass", "middleware"], BLOCKS)]


def content(size: int) -> bytes:
    """What tests/apps/gateway/files.py puts into a file of this size."""
    return b"".join(b"%07d\n" % number for number in range(size // 8 + 1))[:size]


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 8193, SIZE, 10 << 20])
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_a_file_is_sent_with_its_length(server: Watched, size: int, version: str) -> None:
    token = new_token()
    response = server.request("GET", "/file", version=version, size=size, token=token)
    assert response.status == 200
    assert response.header("Content-Length") == str(size)
    assert response.body == content(size)
    assert events(server, token, "closed") == ["closed"]


@pytest.mark.parametrize("offset", [0, 1, 8192, SIZE - 1, SIZE])
def test_a_file_is_sent_from_where_it_stands(server: Watched, offset: int) -> None:
    response = server.get("/file", size=SIZE, offset=offset)
    assert response.header("Content-Length") == str(SIZE - offset)
    assert response.body == content(SIZE)[offset:]


@pytest.mark.parametrize(("offset", "length"), [(0, 10), (0, 8192), (500, 1000), (0, SIZE)])
def test_a_content_length_bounds_what_is_sent(server: Watched, offset: int, length: int) -> None:
    server.log.allow("WC0053: ")
    response = server.get("/file", size=SIZE, offset=offset, length=length)
    assert response.header("Content-Length") == str(length)
    assert response.body == content(SIZE)[offset : offset + length]
    assert response.complete


@pytest.mark.parametrize("size", [0, 1000])
def test_a_content_length_past_the_end_never_looks_complete(server: Watched, size: int) -> None:
    server.log.allow("WC005[045]: |^ValueError: Content-Length is ")
    server.log.tracebacks = True
    response = server.get("/file", size=size, length=size + 500)
    assert response.status == 500 or not response.complete
    assert server.get("/list").body == b"one two"


@pytest.mark.parametrize(("by", "block"), WAYS)
def test_every_way_to_return_a_wrapper(server: Watched, by: str, block: int) -> None:
    token = new_token()
    size = 5000
    response = server.get("/file", size=size, by=by, block=block, token=token)
    assert response.body == content(size)
    assert events(server, token, "closed") == ["closed"]
    if by == "middleware":
        assert response.header("Content-Length") is None


@pytest.mark.parametrize("kind", ["bytes", "pipe"])
def test_what_is_no_regular_file_is_iterated(server: Watched, kind: str) -> None:
    token = new_token()
    response = server.get("/file", kind=kind, token=token)
    assert response.body == content(20000)
    assert response.header("Content-Length") is None
    assert events(server, token, "closed") == ["closed"]


def test_a_declared_length_of_an_iterated_object(server: Watched) -> None:
    response = server.get("/file", kind="bytes", length=20000)
    assert response.header("Content-Length") == "20000"
    assert response.body == content(20000)


@pytest.mark.parametrize(
    ("kind", "exception"), [("closed", "ValueError"), ("closed_descriptor", "OSError")]
)
def test_a_closed_file_is_500(server: Watched, kind: str, exception: str) -> None:
    server.log.expect_exception(exception)
    token = new_token()
    assert server.get("/file", kind=kind, token=token).status == 500
    assert events(server, token, "closed") == ["closed"]


def test_a_negative_block_size_is_refused(server: Watched) -> None:
    server.log.expect_exception("ValueError")
    assert server.get("/file", block=-1).status == 500


def test_a_read_that_returns_text_is_refused(server: Watched) -> None:
    server.log.expect_exception("TypeError")
    assert server.get("/file_text").status == 500


def test_a_file_after_write(server: Watched) -> None:
    response = server.get("/file_after_write", size=1000)
    assert response.body == b"written " + content(1000)


def test_head_of_a_file_has_its_length_and_no_body(server: Watched) -> None:
    with server.connect() as connection:
        response = connection.request("HEAD", f"/file?size={SIZE}")
        assert response.header("Content-Length") == str(SIZE)
        assert connection.request("GET", "/list").body == b"one two"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_file_with_a_status_without_body(server: Watched, status: str) -> None:
    server.log.allow("WC0053: ")
    with server.connect() as connection:
        target = f"/file?size=1000&status={status.replace(' ', '%20')}"
        assert connection.request("GET", target).status == int(status[:3])
        assert connection.request("GET", "/list").body == b"one two"


def test_files_keep_the_connection(server: Watched) -> None:
    with server.connect() as connection:
        for size in (10, 100_000, 3):
            assert connection.request("GET", f"/file?size={size}").body == content(size)


def test_a_client_that_vanishes_gets_the_file_closed(server: Watched) -> None:
    token = new_token()
    connection = server.connect()
    connection.send_head("GET", f"/file?size={16 << 20}&token={token}")
    assert connection.read_head().status == 200
    connection.abort()
    assert events(server, token, "closed", 15) == ["closed"]


def test_a_range_of_a_file_is_answered_by_httpd(server: Watched) -> None:
    """The fast path alone honours Range, and only httpd has the filter for it."""
    response = server.get("/file", {"Range": "bytes=100-299"}, size=SIZE)
    if server.host == "httpd":
        assert response.status == 206
        assert response.header("Content-Range") == f"bytes 100-299/{SIZE}"
        assert response.body == content(SIZE)[100:300]
    else:
        assert response.body == content(SIZE)


@pytest.mark.parametrize("query", ["kind=bytes", "by=middleware"])
def test_a_range_of_iterated_data_is_ignored(server: Watched, query: str) -> None:
    response = server.get(f"/file?{query}&size=20000", {"Range": "bytes=100-299"})
    assert (response.status, response.body) == (200, content(20000))


def test_the_class(server: Watched) -> None:
    found = server.get("/file_class").json()
    raised = {k: found.pop(k)["raised"] for k in ("negative", "none", "text", "set")}
    assert raised == {
        "negative": "ValueError",
        "none": "TypeError",
        "text": "TypeError",
        "set": "AttributeError",
    }
    assert found.pop("after")["raised"] == "ValueError"
    assert found.pop("iterate_after")["raised"] == "ValueError"
    assert found == {
        "filelike": True,
        "blksize": 2,
        "default": 8192,
        "blocks": ["ab", "c"],
        "close": None,
        "closed": True,
    }
