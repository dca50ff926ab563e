"""Applications beside other modules of httpd, in both modes: mod_ssl, mod_http2, mod_proxy,
mod_deflate, mod_rewrite, mod_headers, mod_status and mod_info."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

import process
import sharing
import tls
from evaluating import evaluate
from modes import MODES, in_mode
from server import Server, Watched

MODULES = f"{tls.MODULES} http2 proxy proxy_http status info"
CONFIG = """
Protocols h2c http/1.1
# Each is its own application, so that none is in the main interpreter by chance.
WSGIScriptAlias /gateway @APPS@/gateway.wsgi
WSGIScriptAlias /behind/gateway @APPS@/gateway.wsgi
WSGIScriptAlias /method @APPS@/method.wsgi
WSGIScriptAlias / @APPS@/evaluate.wsgi
WSGIChunkedRequest On
<LocationMatch /deflate>
    SetOutputFilter DEFLATE
</LocationMatch>
<LocationMatch /inflate>
    SetInputFilter DEFLATE
</LocationMatch>
RewriteEngine On
RewriteRule ^/old/(.*)$ /new/$1 [PT,E=REWRITTEN:$1]
RewriteRule ^/gone - [G]
RewriteRule ^/away http://other.test/ [R=302,L]
RewriteRule ^/proxied/(.*)$ http://127.0.0.1:@PORT@/behind/$1 [P]
Alias /scripts @ROOT@/scripts
<Directory @ROOT@/scripts>
    Options +ExecCGI +FollowSymLinks
    AllowOverride FileInfo
    AddHandler wsgi-script .wsgi
</Directory>
<Location /status>
    SetHandler server-status
</Location>
<Location /info>
    SetHandler server-info
</Location>
<LocationMatch /headers>
    RequestHeader set X-From-Httpd yes
    RequestHeader unset X-Secret
    RequestHeader edit X-Edited ^a b
    Header set X-Set by-httpd
    Header always append X-Appended more
    Header unset X-Unset
    Header edit Content-Type json$ x-edited
    Header always edit Set-Cookie ^(.*)$ "$1; Secure"
</LocationMatch>
ProxyPass /front http://127.0.0.1:@PORT@/behind
ProxyPassReverse /front http://127.0.0.1:@PORT@/behind
<Location /front>
    ProxyAddHeaders On
    RequestHeader set X-Forwarded-Proto https
</Location>
<Location /behind>
    WSGITrustedProxyHeaders X-Forwarded-For X-Forwarded-Host X-Forwarded-Server X-Forwarded-Proto
    WSGITrustedProxies 127.0.0.0/8
</Location>
"""
SECURE = """
Protocols h2 http/1.1
<Location /std>
    SSLOptions +StdEnvVars
</Location>
<Location /overridden>
    WSGITrustedProxyHeaders X-Forwarded-Proto
</Location>
"""
HTACCESS = """
RewriteEngine On
RewriteCond %{REQUEST_FILENAME} !-f
RewriteRule ^(.*)$ evaluate.wsgi/$1 [QSA,E=PER_DIRECTORY:yes]
"""


@pytest.fixture(scope="module", params=MODES)
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    tls_port = process.free_port()
    config = CONFIG + tls.virtual_host(tls_port, SECURE)
    server = in_mode(request.param, config, MODULES)
    tls.make_certificate(server.root)
    scripts = server.root / "scripts"
    scripts.mkdir()
    (scripts / "evaluate.wsgi").write_text((server.apps / "evaluate.wsgi").read_text())
    (scripts / "plain.txt").write_text("a file")
    (scripts / ".htaccess").write_text(HTACCESS)
    server.tls_port = tls_port  # type: ignore[attr-defined]
    yield from sharing.serve(server)


@pytest.fixture
def server(running: Server) -> Iterator[Watched]:
    yield from sharing.watch(running)


def look(server: Watched, path: str, *keys: str, **headers: str) -> list[Any]:
    """Values of the environ."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return list(evaluate(server, path, f"list(map(environ.get, {list(keys)!r}))", fields))


# mod_ssl


def secure(
    server: Watched, path: str, *keys: str, headers: dict[str, str] | None = None
) -> list[Any]:
    port = server.server.tls_port  # type: ignore[attr-defined]
    target = f"{path}?{quote(f'list(map(environ.get, {list(keys)!r}))')}"
    _, body = tls.get(server.root, port, target, headers)
    return list(json.loads(body))


def test_https_is_the_scheme(server: Watched) -> None:
    keys = ["wsgi.url_scheme", "REQUEST_SCHEME", "SERVER_PORT", "HTTPS", "SSL_PROTOCOL"]
    assert secure(server, "/", *keys) == ["https", "https", "443", None, None]
    assert look(server, "/", "wsgi.url_scheme", "REQUEST_SCHEME") == ["http", "http"]


def test_ssl_variables_with_std_env_vars(server: Watched) -> None:
    names = ["SSL_SERVER_S_DN_CN", "SSL_TLS_SNI", "SSL_CLIENT_VERIFY", "wsgi.url_scheme", "HTTPS"]
    assert secure(server, "/std", *names) == ["tls.test", None, "NONE", "https", None]
    [protocol, cipher] = secure(server, "/std", "SSL_PROTOCOL", "SSL_CIPHER")
    assert protocol.startswith("TLSv1.") and cipher


def test_a_trusted_proxy_overrides_mod_ssl(server: Watched) -> None:
    for value, scheme in (("http", "http"), ("https", "https"), ("nonsense", "https")):
        headers = {"X-Forwarded-Proto": value}
        assert secure(server, "/overridden", "wsgi.url_scheme", headers=headers) == [scheme]
        assert secure(server, "/", "wsgi.url_scheme", headers=headers) == ["https"]


# mod_http2


def curl(server: Watched, *options: str, path: str = "/", upload: bytes | None = None) -> bytes:
    command = ["curl", "--silent", "--show-error", "--max-time", "20", "--http2-prior-knowledge"]
    url = f"http://127.0.0.1:{server.port}{path}"
    body = ["--data-binary", "@-"] if upload is not None else []
    result = subprocess.run(
        [*command, *body, *options, url], input=upload, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_http_2(server: Watched) -> None:
    keys = ["SERVER_PROTOCOL", "wsgi.url_scheme", "REQUEST_METHOD"]
    path = f"/?{quote(f'list(map(environ.get, {keys!r}))')}"
    head, _, body = curl(server, "--include", path=path).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/2 200")
    assert json.loads(body) == ["HTTP/2.0", "http", "GET"]


def test_http_2_bodies(server: Watched) -> None:
    """One with a length, and one whose end only the protocol knows."""
    upload = bytes(range(256)) * 1000
    for length in ([], ["--header", "Content-Length:"]):
        found = json.loads(curl(server, *length, path="/gateway/input_digest", upload=upload))
        assert found[0] == len(upload)


def test_http_2_responses(server: Watched) -> None:
    wanted = {"headers": repr([("Content-Type", "x/y"), ("X-A", "b")]), "by": "generator"}
    target = f"/gateway/respond?{urlencode(wanted)}"
    head, _, body = curl(server, "--include", path=target).partition(b"\r\n\r\n")
    assert b"x-a: b" in head and b"transfer-encoding" not in head
    assert body == b"body"
    assert len(curl(server, path="/gateway/file?size=300000")) == 300000


def test_http_2_aborts_what_breaks_off(server: Watched) -> None:
    server.log.expect_exception("ValueError")
    command = ["curl", "--silent", "--max-time", "20", "--http2-prior-knowledge"]
    url = f"http://127.0.0.1:{server.port}/gateway/raise_later"
    assert subprocess.run([*command, url], capture_output=True, check=False).returncode != 0


# mod_proxy


@pytest.mark.parametrize("path", ["/front/x", "/proxied/x"])
def test_behind_a_proxy(server: Watched, path: str) -> None:
    keys = ["PATH_INFO", "REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_HOST", "SERVER_NAME"]
    headers = {"X-Forwarded-For": "6.6.6.6", "Host": "outer.test"}
    found = evaluate(server, path, f"list(map(environ.get, {keys!r}))", headers)
    # The proxy appended the address it was asked from, which is one of the proxies, too.
    assert found == ["/behind/x", "6.6.6.6", "6.6.6.6, 127.0.0.1", "outer.test", "localhost"]


def test_what_the_proxy_says_of_the_scheme(server: Watched) -> None:
    assert look(server, "/front/x", "wsgi.url_scheme") == ["https"]
    assert look(server, "/proxied/x", "wsgi.url_scheme") == ["http"]


def test_bodies_and_redirects_pass_a_proxy(server: Watched) -> None:
    location = f"http://127.0.0.1:{server.port}/behind/next"
    expression = "environ['wsgi.input'].read().decode()"
    assert server.post(f"/front/x?{quote(expression)}", b"a body").json() == "a body"
    wanted = {"headers": repr([("Location", location)]), "status": "302 Found"}
    response = server.get(f"/front/gateway/respond?{urlencode(wanted)}")
    assert response.status == 302
    assert response.header("Location") == f"http://localhost:{server.port}/front/next"


# mod_deflate


def test_deflate_compresses_and_keeps_streaming(server: Watched) -> None:
    response = server.get("/gateway/respond/deflate", {"Accept-Encoding": "gzip"}, by="generator")
    assert response.header("Content-Encoding") == "gzip"
    assert response.header("Vary") == "Accept-Encoding"
    assert gzip.decompress(response.body) == b"body"
    plain = server.get("/gateway/respond/deflate")
    assert (plain.header("Content-Encoding"), plain.body) == (None, b"body")


def test_deflate_and_a_length_of_the_application(server: Watched) -> None:
    headers = repr([("Content-Type", "text/plain"), ("Content-Length", "400"), ("ETag", '"x"')])
    wanted = {"headers": headers, "blocks": repr([b"b" * 400])}
    target = f"/gateway/respond/deflate?{urlencode(wanted)}"
    response = server.get(target, {"Accept-Encoding": "gzip"})
    assert gzip.decompress(response.body) == b"b" * 400
    assert response.header("Content-Length") in (None, str(len(response.body)))
    assert response.header("ETag") == '"x-gzip"'


def test_deflate_makes_head_a_get(server: Watched) -> None:
    assert server.request("HEAD", "/method/deflate").header("X-Method") == "GET"
    assert server.request("HEAD", "/method").header("X-Method") == "HEAD"


def test_request_bodies_are_inflated(server: Watched) -> None:
    """The length is that of what was sent; the input has no regard for it."""
    body = os.urandom(20000).hex().encode()
    sent, headers = gzip.compress(body), {"Content-Encoding": "gzip"}
    found = server.post("/gateway/input_digest/inflate", sent, headers).json()
    assert found[0] == len(body)
    expression = quote("[environ['CONTENT_LENGTH'], len(environ['wsgi.input'].read())]")
    assert server.post(f"/inflate?{expression}", sent, headers).json() == [
        str(len(sent)),
        len(body),
    ]


# mod_rewrite


def test_rewritten_paths_and_variables(server: Watched) -> None:
    keys = ["PATH_INFO", "SCRIPT_NAME", "REWRITTEN", "REQUEST_URI"]
    path_info, script_name, rewritten, uri = look(server, "/old/x/y", *keys)
    assert [path_info, script_name, rewritten] == ["/new/x/y", "", "x/y"]
    assert uri.startswith("/old/x/y?")


def test_rules_that_answer_themselves(server: Watched) -> None:
    assert server.get("/gone").status == 410
    response = server.get("/away")
    assert (response.status, response.header("Location")) == (302, "http://other.test/")


def test_rules_per_directory(server: Watched) -> None:
    keys = ["SCRIPT_NAME", "PATH_INFO", "PER_DIRECTORY", "REDIRECT_PER_DIRECTORY", "REDIRECT_URL"]
    found = look(server, "/scripts/any/thing", *keys)
    assert found[:2] == ["/scripts/evaluate.wsgi", "/any/thing"]
    assert "yes" in found[2:4]
    assert found[4] == "/scripts/any/thing"
    assert server.get("/scripts/plain.txt").body == b"a file"


# mod_headers


def test_headers_of_requests(server: Watched) -> None:
    headers = {"X-Secret": "s", "X-Edited": "abc", "X-From-Httpd": "client"}
    keys = ["HTTP_X_SECRET", "HTTP_X_EDITED", "HTTP_X_FROM_HTTPD"]
    found = evaluate(server, "/headers", f"list(map(environ.get, {keys!r}))", headers)
    assert found == [None, "bbc", "yes"]


def test_headers_of_responses(server: Watched) -> None:
    response = server.get("/headers?1")
    assert response.header("X-Set") == "by-httpd"
    assert response.header("X-Appended") == "more"
    assert response.header("Content-Type") == "application/x-edited"


def test_cookies_are_among_the_headers_that_are_always_sent(server: Watched) -> None:
    """As those of CGI programs: `Header always` is what changes them."""
    headers = [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    response = server.get(f"/gateway/respond/headers?{urlencode({'headers': repr(headers)})}")
    assert response.all("Set-Cookie") == ["a=1; Secure", "b=2; Secure"]


# mod_status and mod_info


def test_the_status_page(server: Watched) -> None:
    status = server.get("/status?auto").body
    assert b"Scoreboard:" in status


def test_info_shows_directives_and_hooks(server: Watched) -> None:
    config = server.get("/info?config").body.decode()
    assert "WSGIScriptAlias" in config and "WSGITrustedProxies" in config
    module = server.get("/info?mod_wsgi.c").body.decode()
    assert "WSGIScriptAlias" in module and "WSGITrustedProxyHeaders" in module
    assert "Content Handlers" in module
