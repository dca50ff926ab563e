"""Host names, virtual hosts, proxies behind and in front, access."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from conftest import Start
from express import Express


def test_any_name(start: Start, environ_app: Path) -> None:
    server = start(environ_app)
    assert server.environ(host="what.ever")["HTTP_HOST"] == "what.ever"


def test_server_name(start: Start, environ_app: Path) -> None:
    server = start(
        *(environ_app, "--server-name", "site.example"),
        *("--server-alias", "*.site.example", "--server-alias", "other.example"),
    )
    server.expected.append("AH01630")
    for host in ("site.example", "deep.site.example", "other.example"):
        assert server.environ(host=host)["SERVER_NAME"] == host
    process = server.environ(host="site.example")["process"]
    assert process["MOD_WSGI_SERVER_NAME"] == "site.example"
    assert process["MOD_WSGI_SERVER_ALIASES"] == "*.site.example other.example"
    for host in ("127.0.0.1", "localhost", "foreign.example"):
        assert server.get(host=host).status == 403


def test_allow_localhost(start: Start, environ_app: Path) -> None:
    server = start(environ_app, "--server-name", "site.example", "--allow-localhost")
    assert server.environ(host="localhost")
    assert server.environ(host="site.example")


def test_www(start: Start, environ_app: Path) -> None:
    server = start(environ_app, "--server-name", "www.site.example")
    response = server.get("/page?x=1", host="site.example")
    assert response.status == 301
    assert response.header("Location") == f"http://www.site.example:{server.port}/page?x=1"
    assert server.environ(host="www.site.example")


def test_host_is_an_address(start: Start, environ_app: Path) -> None:
    server = start(environ_app, "--host", "127.0.0.1")
    assert server.environ()["mod_wsgi.listener_host"] == "127.0.0.1"
    assert f"http://127.0.0.1:{server.port}/" in server.told()


def test_server_status(start: Start, environ_app: Path) -> None:
    server = start(environ_app, "--server-status")
    assert b"Apache Server Status" in server.get("/server-status").body
    assert f"Server Status      : http://localhost:{server.port}/server-status" in server.told()
    assert server.get("/x/server-status").status == 404
    assert server.environ("/status")


@pytest.fixture
def behind(start: Start, environ_app: Path) -> Express:
    """A server that another one passes requests on to."""
    return start(environ_app)


def test_proxy_mount_point(start: Start, environ_app: Path, behind: Express) -> None:
    url = f"http://127.0.0.1:{behind.port}"
    server = start(
        *(environ_app, "--proxy-mount-point", "/up", f"{url}/app"),
        *("--proxy-mount-point", "/up/deep/", f"{url}/deep/", "--proxy-timeout", "20"),
    )
    host = f"site.example:{server.port}"
    facts = server.environ("/up/x?y=1", {"X-Forwarded-Scheme": "https"}, host)
    assert facts["PATH_INFO"] == "/app/x"
    assert facts["QUERY_STRING"] == "y=1"
    assert facts["HTTP_X_FORWARDED_PREFIX"] == "/up"
    assert facts["HTTP_X_FORWARDED_PORT"] == str(server.port)
    assert facts["HTTP_X_FORWARDED_HOST"] == host
    assert facts["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
    assert "HTTP_X_FORWARDED_SCHEME" not in facts
    assert server.environ("/up/deep/x")["PATH_INFO"] == "/deep/x"
    assert server.environ("/up/deep/x")["HTTP_X_FORWARDED_PREFIX"] == "/up/deep"
    response = server.get("/up", host="site.example")
    assert (response.status, response.header("Location")) == (302, "http://site.example/up/")
    assert "HTTP_X_FORWARDED_PREFIX" not in server.environ("/upper")


def test_proxy_virtual_host(start: Start, environ_app: Path, behind: Express) -> None:
    server = start(
        environ_app, "--proxy-virtual-host", "up.example", f"http://127.0.0.1:{behind.port}"
    )
    host = f"up.example:{server.port}"
    facts = server.environ("/x", host=host)
    assert facts["PATH_INFO"] == "/x"
    assert facts["HTTP_X_FORWARDED_HOST"] == host
    assert facts["HTTP_X_FORWARDED_PORT"] == str(server.port)
    assert "HTTP_X_FORWARDED_PREFIX" not in facts
    assert "HTTP_X_FORWARDED_HOST" not in server.environ("/x", host="any.example")


def test_trusted_proxies(start: Start, environ_app: Path) -> None:
    forwarded = {
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "site.example",
        "X-Script-Name": "/mounted",
    }
    words = [word for name in forwarded for word in ("--trust-proxy-header", name)]
    server = start(environ_app, *words, "--trust-proxy", "127.0.0.0/8")
    facts = server.environ("/x", forwarded)
    assert facts["REMOTE_ADDR"] == "192.0.2.1"
    assert facts["wsgi.url_scheme"] == "https"
    assert facts["HTTP_HOST"] == "site.example"
    assert (facts["SCRIPT_NAME"], facts["PATH_INFO"]) == ("/mounted", "/x")
    server = start(environ_app, *words, "--trust-proxy", "192.0.2.0/24")
    assert server.environ("/x", forwarded)["REMOTE_ADDR"] == "127.0.0.1"


def test_host_access_script(start: Start, environ_app: Path, site: Path) -> None:
    script = site / "access.py"
    script.write_text(
        "def allow_access(environ, host):\n    return 'ok' in environ['QUERY_STRING']\n"
    )
    server = start(environ_app, "--host-access-script", script)
    server.expected += ["AH0", "WC0"]
    assert server.environ("/?ok")
    assert server.get("/").status == 403


AUTH = """\
import hashlib

def check_password(environ, user, password):
    return None if user not in ("ann", "bob") else password == "secret"

def get_realm_hash(environ, user, realm):
    if user == "ann":
        return hashlib.md5(f"{user}:{realm}:secret".encode()).hexdigest()

def groups_for_user(environ, user):
    return ["staff"] if user == "ann" else []
"""
ANN = {"Authorization": "Basic YW5uOnNlY3JldA=="}
BOB = {"Authorization": "Basic Ym9iOnNlY3JldA=="}
WRONG = {"Authorization": "Basic YW5uOndyb25n"}


@pytest.fixture
def auth(site: Path) -> Path:
    (site / "auth.py").write_text(AUTH)
    return site / "auth.py"


def test_auth_user_script(start: Start, environ_app: Path, auth: Path) -> None:
    server = start(environ_app, "--auth-user-script", auth)
    server.expected += ["AH0", "WC0"]
    response = server.get()
    assert response.status == 401
    realm = f"localhost:{server.port}"
    assert response.header("WWW-Authenticate") == f'Basic realm="{realm}"'
    assert server.get("/", WRONG).status == 401
    assert server.environ("/", ANN)["REMOTE_USER"] == "ann"


def test_auth_group_script(start: Start, environ_app: Path, auth: Path) -> None:
    server = start(
        *(environ_app, "--auth-user-script", auth, "--auth-group-script", auth),
        *("--auth-group", "staff"),
    )
    server.expected += ["AH0", "WC0"]
    assert server.environ("/", ANN)
    assert server.get("/", BOB).status in (401, 403)


def test_auth_digest(start: Start, environ_app: Path, auth: Path) -> None:
    server = start(environ_app, "--auth-user-script", auth, "--auth-type", "Digest")
    server.expected += ["AH0", "WC0"]
    url = f"http://localhost:{server.port}/"
    curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--digest", url]
    assert subprocess.check_output([*curl, "-u", "ann:secret"]) == b"200"
    assert subprocess.check_output([*curl, "-u", "ann:wrong"]) == b"401"


def test_status_stays_for_this_machine(start: Start, environ_app: Path, auth: Path) -> None:
    server = start(environ_app, "--auth-user-script", auth, "--server-status")
    server.expected += ["AH0", "WC0"]
    assert server.get("/server-status").status == 200
    assert server.get("/").status == 401
