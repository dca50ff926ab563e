"""Django and Flask, as their users run them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

import sharing
from httpd import Httpd
from server import Server, Watched

CONFIG = """
WSGIPythonPath @PACKAGES@
WSGIScriptAlias /{framework} @APPS@/{framework}_site.wsgi
"""
BOUNDARY = "frontier"


@pytest.fixture(scope="module", params=["django", "flask"])
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from sharing.serve(Httpd(CONFIG.format(framework=request.param)))


@pytest.fixture
def server(running: Server) -> Iterator[Watched]:
    yield from sharing.watch(running)


@pytest.fixture
def mount(running: Server) -> str:
    """The prefix of the site, which is also the name of its framework."""
    assert isinstance(running, Httpd)
    return "/django" if "/django_site" in running.config.read_text() else "/flask"


def form(data: bytes) -> bytes:
    """A multipart form with a text field and a file."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="text"\r\n\r\nsome text\r\n'
    file = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return (head + file).encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def test_a_page_below_its_mount(server: Watched, mount: str) -> None:
    response = server.get(f"{mount}/?name=there")
    assert (response.status, response.body) == (200, f"Hello there at {mount}/".encode())


@pytest.mark.parametrize("size", [0, 1000, 4_000_000])
def test_an_upload(server: Watched, mount: str, size: int) -> None:
    data = (b"%07d\n" * 1000) % tuple(range(1000)) * (size // 8000 + 1)
    data = data[:size]
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    found = server.post(f"{mount}/upload", form(data), headers).json()
    assert found == ["a.bin", size, hashlib.sha256(data).hexdigest(), "some text"]


def test_a_session(server: Watched, mount: str) -> None:
    cookie = ""
    for number in range(1, 4):
        response = server.get(f"{mount}/count", {"Cookie": cookie} if cookie else {})
        assert response.body == str(number).encode()
        cookie = (response.header("Set-Cookie") or "").partition(";")[0]


def test_a_streaming_response(server: Watched, mount: str) -> None:
    response = server.get(f"{mount}/stream")
    assert response.body == b"".join(b"%d\n" % number for number in range(1000))
    assert response.complete


def test_a_file_response(server: Watched, mount: str) -> None:
    response = server.get(f"{mount}/download")
    assert response.body == b"static content\n" * 1000
    assert response.header("Content-Length") == "15000"
    assert "static.txt" in (response.header("Content-Disposition") or "")


def test_a_redirect_stays_below_the_mount(server: Watched, mount: str) -> None:
    response = server.get(f"{mount}/moved")
    assert response.status == 302
    assert response.header("Location") == f"{mount}/"


def test_a_page_that_is_not_there(server: Watched, mount: str) -> None:
    server.log.allow("Not Found: ")
    assert server.get(f"{mount}/nowhere").status == 404


def test_a_view_that_raises(server: Watched, mount: str) -> None:
    """The framework answers 500 and logs through stderr or wsgi.errors."""
    server.log.allow(r"Internal Server Error: |ERROR in app|Exception on ")
    server.log.tracebacks = True
    server.log.expect(r"ValueError: in a view$")
    assert server.get(f"{mount}/broken").status == 500


def test_head(server: Watched, mount: str) -> None:
    response = server.request("HEAD", f"{mount}/")
    assert (response.status, response.body) == (200, b"")
