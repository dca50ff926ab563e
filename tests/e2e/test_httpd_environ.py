"""What httpd's own configuration does to the environ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import process
import sharing
from evaluating import environ, evaluate
from modes import MODES, in_mode
from server import Server, Watched
from waiting import poll

CONFIG = """
WSGIScriptAlias / @APPS@/evaluate.wsgi
ServerAdmin "admin@caf.test"
ServerSignature On
SetEnv FOO bar
SetEnv REQUEST_METHOD evil
SetEnv SCRIPT_NAME evil
SetEnv HTTP_X_REAL evil
SetEnv wsgi.version evil
SetEnv wsgi.url_scheme evil
SetEnv mod_wsgi.version evil
SetEnv mod_wsgi.process_group evil
SetEnv mod_wsgi.x-carrier evil
SetEnv PATH /evil
SetEnv EMPTY ""
SetEnvIf Request_URI ^/setenvif SEEN=yes
PassEnv PASSED_TO_HTTPD
RewriteEngine On
RewriteRule ^/rewritten - [E=REWRITTEN:yes]
RewriteRule ^/uri - [E=REWRITTEN:uri]
Alias /internal @ROOT@/htdocs
RewriteRule ^/moved/(.*)$ /arrived/$1 [PT]
<Location /https-on>
    SetEnv HTTPS on
</Location>
<Location /https-On>
    SetEnv HTTPS On
</Location>
<Location /https-1>
    SetEnv HTTPS 1
</Location>
<Location /https-off>
    SetEnv HTTPS off
</Location>
<Location /https-yes>
    SetEnv HTTPS yes
</Location>
<Location /pass>
    CGIPassAuth On
</Location>
<Location /pass-wsgi>
    WSGIPassAuthorization On
</Location>
<Location /uri-current>
    CGIVar REQUEST_URI current-uri
</Location>
<Location /private>
    AuthType Basic
    AuthName private
    AuthUserFile @ROOT@/passwords
    Require valid-user
</Location>
<Location /error>
    RewriteRule .* - [R=404]
</Location>
ErrorDocument 404 /not-found
RequestHeader set X-Added-By-Httpd yes
"""
PASSWORDS = "user:{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=\n"  # 123456
AUTHORIZATION = {"Authorization": "Basic dXNlcjoxMjM0NTY="}


@pytest.fixture(scope="module", params=MODES)
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PASSED_TO_HTTPD", "caf\xe9")
        patch.setenv("LD_LIBRARY_PATH", "/nonexistent")
        server = in_mode(request.param, CONFIG)
        (server.root / "passwords").write_text(PASSWORDS)
        yield from sharing.serve(server)


@pytest.fixture
def server(running: Server) -> Iterator[Watched]:
    yield from sharing.watch(running)


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        ("/", "FOO", "bar"),
        ("/", "EMPTY", ""),
        ("/setenvif", "SEEN", "yes"),
        ("/rewritten", "REWRITTEN", "yes"),
        ("/", "PASSED_TO_HTTPD", "caf\xc3\xa9"),
        ("/", "HTTP_X_ADDED_BY_HTTPD", "yes"),
        ("/", "REQUEST_METHOD", "GET"),
        ("/", "SCRIPT_NAME", ""),
        ("/", "wsgi.url_scheme", "http"),
        ("/", "mod_wsgi.x-carrier", None),
        ("/", "PATH", None),
        ("/", "LD_LIBRARY_PATH", None),
        ("/", "SERVER_SIGNATURE", None),
        ("/", "GATEWAY_INTERFACE", None),
        ("/x", "PATH_TRANSLATED", None),
        ("/", "SERVER_ADMIN", "admin@caf.test"),
        ("/", "SERVER_NAME", "localhost"),
        ("/", "CONTEXT_PREFIX", ""),
        ("/", "REMOTE_USER", None),
        ("/", "AUTH_TYPE", None),
    ],
)
def test_variables(server: Watched, path: str, key: str, expected: Any) -> None:
    assert environ(server, path, key) == expected


def test_typed_keys_cannot_be_overridden(server: Watched) -> None:
    assert environ(server, "/", "wsgi.version") == [1, 0]
    assert environ(server, "/", "mod_wsgi.process_group") == server.group
    assert environ(server, "/", "mod_wsgi.version") == [6, 1, 1]


def test_a_header_wins_over_a_variable_of_its_name(server: Watched) -> None:
    assert environ(server, "/", "HTTP_X_REAL", {"X-Real": "true"}) == "true"


def test_document_root_and_script_filename(server: Watched) -> None:
    assert environ(server, "/", "DOCUMENT_ROOT") == str(server.root / "htdocs")
    assert environ(server, "/", "CONTEXT_DOCUMENT_ROOT") == str(server.root / "htdocs")
    assert environ(server, "/", "SCRIPT_FILENAME") == str(server.apps / "evaluate.wsgi")


@pytest.mark.parametrize(
    ("name", "scheme"),
    [("on", "https"), ("On", "https"), ("1", "https"), ("off", "http"), ("yes", "http")],
)
def test_https_decides_the_scheme_and_is_consumed(server: Watched, name: str, scheme: str) -> None:
    assert environ(server, f"/https-{name}", "wsgi.url_scheme") == scheme
    assert environ(server, f"/https-{name}", "HTTPS") is None


def test_cgi_pass_auth_exposes_both_headers(server: Watched) -> None:
    headers = {"Authorization": "Bearer a", "Proxy-Authorization": "Bearer b"}
    keys = "[environ.get('HTTP_AUTHORIZATION'), environ.get('HTTP_PROXY_AUTHORIZATION')]"
    assert evaluate(server, "/pass", keys, headers) == ["Bearer a", "Bearer b"]
    assert evaluate(server, "/pass-wsgi", keys, headers) == ["Bearer a", None]
    assert evaluate(server, "/", keys, headers) == [None, None]


def test_an_authenticated_user(server: Watched) -> None:
    assert server.get("/private").status == 401
    assert environ(server, "/private", "REMOTE_USER", AUTHORIZATION) == "user"
    assert environ(server, "/private", "AUTH_TYPE", AUTHORIZATION) == "Basic"
    assert environ(server, "/private", "HTTP_AUTHORIZATION", AUTHORIZATION) is None


def test_request_uri_of_the_client_or_of_httpd(server: Watched) -> None:
    assert environ(server, "/moved/x", "REQUEST_URI").startswith("/moved/x?")
    assert environ(server, "/moved/x", "PATH_INFO") == "/arrived/x"
    assert environ(server, "/uri-current/a%20b", "REQUEST_URI") == "/uri-current/a b"


def test_versions_and_ids(server: Watched) -> None:
    version = environ(server, "/", "apache.version")
    assert version[:2] == [2, 4]
    assert evaluate(server, "/", "apache.version == environ['apache.version']") is True
    request_id = environ(server, "/logged", "mod_wsgi.request_id")
    assert request_id
    access_log = server.root / "access.log"
    poll(lambda: f" {request_id}\n" in access_log.read_text(), "the request id in the access log")


def test_server_pid_is_the_child(server: Watched) -> None:
    pid = int(environ(server, "/", "mod_wsgi.server_pid"))
    assert process.parent(pid) == server.server.pid
    assert (pid == evaluate(server, "/", "os.getpid()")) is not bool(server.group)


def test_a_host_name_is_html_escaped(server: Watched) -> None:
    """httpd itself refuses most such names; what gets through is harmless."""
    response = server.get("/?environ['SERVER_NAME']", {"Host": "a<b>.test"})
    assert response.status == 400 or "<b>" not in response.body.decode()


def test_a_long_url_and_many_headers(server: Watched) -> None:
    headers = {f"X-{number}": "v" * 50 for number in range(80)}
    expression = "len([key for key in environ if key[:7] == 'HTTP_X_' and key[7:].isdigit()])"
    assert evaluate(server, "/long-part" * 150, expression, headers) == 80
