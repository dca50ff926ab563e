"""Static files, aliases, handlers and error pages beside the application."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from client import Connection
from conftest import Start
from express import Express

HANDLER = """\
import json

def handle_request(environ, start_response):
    names = ("SCRIPT_NAME", "PATH_INFO", "SCRIPT_FILENAME", "mod_wsgi.application_group")
    body = json.dumps({name: environ[name] for name in names}).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]
"""


@pytest.fixture
def static(site: Path) -> Path:
    """A document root with a file, and with directories with and without an index."""
    root = site / "static"
    for name in ("with-index", "without"):
        (root / name).mkdir(parents=True)
    (root / "file.txt").write_text("a file")
    (root / "with-index/index.html").write_text("an index")
    (root / "without/other.txt").write_text("other")
    return root


def is_application(server: Express, target: str) -> bool:
    response = server.get(target)
    return response.status == 200 and b'"process"' in response.body


def test_files_come_first(start: Start, environ_app: Path, static: Path) -> None:
    server = start(environ_app, "--document-root", static)
    assert server.text("/file.txt") == "a file"
    for target in ("/", "/missing", "/with-index/", "/without/"):
        assert is_application(server, target), target
    assert server.environ("/deep/path")["PATH_INFO"] == "/deep/path"
    assert server.environ("/deep/path")["SCRIPT_NAME"] == ""


def test_directory_index(start: Start, environ_app: Path, static: Path) -> None:
    server = start(
        *(environ_app, "--document-root", static, "--directory-index", "index.html"),
        "--directory-listing",
    )
    assert server.text("/with-index/") == "an index"
    assert b"other.txt" in server.get("/without/").body
    assert server.get("/without").status == 301
    assert is_application(server, "/missing")


def test_static_type(start: Start, static: Path) -> None:
    server = start(static, "--application-type", "static")
    server.expected.append("AH01276")
    assert server.text("/file.txt") == "a file"
    assert server.text("/with-index/") == "an index"
    assert server.get("/with-index").header("Location") == (
        f"http://localhost:{server.port}/with-index/"
    )
    assert server.get("/without/").status in (403, 404)
    assert server.get("/missing").status == 404


def test_static_type_lists(start: Start, static: Path) -> None:
    server = start("--application-type", "static", "--document-root", static, "--directory-listing")
    assert b"other.txt" in server.get("/without/").body


def test_mount_point(start: Start, environ_app: Path, static: Path) -> None:
    server = start(environ_app, "--document-root", static, "--mount-point", "/api")
    assert server.get("/api").status == 301
    assert server.get("/api").header("Location") == f"http://localhost:{server.port}/api/"
    facts = server.environ("/api/x/y?z")
    assert (facts["SCRIPT_NAME"], facts["PATH_INFO"]) == ("/api", "/x/y")
    assert server.text("/file.txt") == "a file"
    assert server.get("/missing").status == 404


def test_url_alias(start: Start, environ_app: Path, static: Path) -> None:
    server = start(
        *(environ_app, "--url-alias", "/al", static, "--url-alias", "/al/deep/", static),
        *("--url-alias", "/one.txt", static / "file.txt"),
    )
    assert server.text("/al/file.txt") == "a file"
    assert server.text("/al/deep/file.txt") == "a file"
    assert server.text("/one.txt") == "a file"
    assert server.get("/al/without").status == 301
    assert server.get("/al").status == 301
    assert is_application(server, "/other")


def test_rewrite_rules(start: Start, environ_app: Path, static: Path, site: Path) -> None:
    """They come before the application."""
    (site / "rules").write_text("RewriteRule ^old$ /file.txt [R=302,L]\n")
    server = start(environ_app, "--document-root", static, "--rewrite-rules", site / "rules")
    assert server.get("/old").status == 302
    assert is_application(server, "/older")


def test_allow_override(start: Start, environ_app: Path, static: Path) -> None:
    (static / ".htaccess").write_text("SetEnv FROM_HTACCESS yes\n")
    assert "FROM_HTACCESS" not in start(environ_app, "--document-root", static).environ()
    server = start(environ_app, "--document-root", static, "--allow-override", "FileInfo")
    assert server.environ()["FROM_HTACCESS"] == "yes"


def test_add_handler(start: Start, environ_app: Path, static: Path, site: Path) -> None:
    (site / "handler.wsgi").write_text(HANDLER)
    server = start(
        *(environ_app, "--document-root", static, "--application-group", "app"),
        *("--add-handler", ".txt", site / "handler.wsgi"),
    )
    assert server.get("/file.txt/more").json() == {
        "SCRIPT_NAME": "/file.txt",
        "PATH_INFO": "/more",
        "SCRIPT_FILENAME": f"{static}/file.txt",
        "mod_wsgi.application_group": "",
    }
    assert is_application(server, "/missing.txt")


def test_cgi(start: Start, environ_app: Path, static: Path) -> None:
    script = static / "hello.cgi"
    script.write_text("#!/bin/sh\necho Content-Type: text/plain\necho\necho from cgi\n")
    script.chmod(0o755)
    server = start(environ_app, "--document-root", static, "--with-cgi")
    assert server.text("/hello.cgi") == "from cgi\n"


def test_error_pages(start: Start, environ_app: Path, static: Path) -> None:
    (static / "404.html").write_text("not here")
    words = ("--document-root", static, "--error-document", "404", "/404.html")
    server = start(environ_app, *words, "--error-override")
    response = server.get("/x?status=404+Gone")
    assert (response.status, response.body) == (404, b"not here")
    server = start(environ_app, *words)
    assert b'"process"' in server.get("/x?status=404+Gone").body


def test_compression(start: Start, environ_app: Path) -> None:
    server = start(environ_app, "--compress-responses")
    response = server.get("/", {"Accept-Encoding": "gzip"})
    assert response.header("Content-Encoding") == "gzip"
    assert b'"process"' in gzip.decompress(response.body)


def test_request_bodies(start: Start, environ_app: Path) -> None:
    server = start(environ_app, "--limit-request-body", "10")
    server.expected.append("WC00")
    assert server.request("POST", "/", body=b"0123456789").json()["body"] == "0123456789"
    assert server.request("POST", "/", body=b"01234567890").status == 413
    chunked = {"Transfer-Encoding": "chunked"}
    assert server.request("POST", "/", chunked).status == 411


def test_chunked_request(start: Start, environ_app: Path) -> None:
    server = start(environ_app, "--chunked-request")
    with Connection(server.port) as connection:
        connection.send_head("POST", "/", {"Transfer-Encoding": "chunked"})
        connection.send_chunk(b"in chunks")
        connection.send_chunk(b"")
        assert connection.read_response().json()["body"] == "in chunks"


@pytest.mark.parametrize(("value", "method"), [("Off", "HEAD"), ("On", "GET"), ("Auto", "HEAD")])
def test_map_head_to_get(start: Start, site: Path, value: str, method: str) -> None:
    (site / "app.wsgi").write_text(
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [('X-Method', environ['REQUEST_METHOD'])])\n"
        "    return []\n"
    )
    server = start(site / "app.wsgi", "--map-head-to-get", value)
    assert server.request("HEAD", "/").header("X-Method") == method


def test_sendfile(start: Start, site: Path) -> None:
    (site / "file").write_bytes(bytes(range(256)) * 4096)
    (site / "app.wsgi").write_text(
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        f"    return environ['wsgi.file_wrapper'](open({str(site / 'file')!r}, 'rb'))\n"
    )
    server = start(site / "app.wsgi", "--enable-sendfile")
    assert server.get().body == (site / "file").read_bytes()


def test_documentation(start: Start) -> None:
    """With the welcome page, unless it was asked for with an application."""
    server = start()
    assert server.get("/__wsgi__/docs/").status == 200
    assert is_documentation(server.text("/__wsgi__/docs/express.md"))


def test_documentation_beside_an_application(start: Start, environ_app: Path) -> None:
    assert is_documentation(start(environ_app, "--enable-docs").text("/__wsgi__/docs/express.md"))
    assert is_application(start(environ_app), "/__wsgi__/docs/express.md")


def is_documentation(text: str) -> bool:
    return text.startswith("# mod_wsgi-express")
