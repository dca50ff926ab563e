"""What scripts may ask of mod_ssl: mod_ssl.is_https() and mod_ssl.var_lookup() of those that decide about
requests, and the same of start_response.__self__."""

from __future__ import annotations

import json
from typing import Any

import pytest

import process
import tls
from conftest import StartHttpd
from deciding import MODES, basic, group, options, put
from modes import GROUP
from server import Watched

# What each of the functions finds, by name of the function.
DECIDE = """
import json
def look(environ, name):
    lookup = environ["mod_ssl.var_lookup"]
    found = [environ["mod_ssl.is_https"](), lookup("SSL_SERVER_S_DN_CN"), lookup(b"SSL_PROTOCOL")]
    environ["wsgi.errors"].write("SEEN " + json.dumps([name, found]) + "\\n")
def allow_access(environ, host):
    look(environ, "access")
    return True
def check_password(environ, user, password):
    look(environ, "password")
    return True
def groups_for_user(environ, user):
    look(environ, "groups")
    return ["staff"]
"""
APPLICATION = """
import json
kept = []
def outcome(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return type(error).__name__
def application(environ, start_response):
    this = start_response.__self__
    found = {
        "is_https": this.ssl_is_https(),
        "name": this.ssl_var_lookup("SSL_SERVER_S_DN_CN"),
        "bytes": this.ssl_var_lookup(b"SSL_SERVER_S_DN_CN"),
        "protocol": this.ssl_var_lookup("SSL_PROTOCOL"),
        "unknown": this.ssl_var_lookup("SSL_NO_SUCH_VARIABLE"),
        "nul": outcome(this.ssl_var_lookup, "SSL_PROTOCOL\\0"),
        "number": outcome(this.ssl_var_lookup, 1),
        "wide": outcome(this.ssl_var_lookup, "\\u20ac"),
        "nothing": outcome(this.ssl_var_lookup),
        "later": [outcome(that.ssl_var_lookup, "SSL_PROTOCOL") for that in kept]
        + [outcome(that.ssl_is_https) for that in kept],
    }
    kept[:] = [this]
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(found).encode()]
"""
INSIDE = """
<Location />
    WSGIAccessScript @SCRIPT@
    WSGIAuthUserScript @SCRIPT@
    WSGIAuthGroupScript @SCRIPT@
    AuthType Basic
    AuthName realm
    AuthBasicProvider wsgi
    Require wsgi-group staff
</Location>
"""


def start(httpd: StartHttpd, config: str, inside: str = "") -> tuple[Watched, int]:
    port = process.free_port()
    server = httpd(config + tls.virtual_host(port, inside), None, tls.MODULES, tls.make_certificate)
    (server.root / "app.wsgi").write_text(APPLICATION)
    return server, port


@pytest.mark.parametrize("mode", MODES)
def test_scripts_that_decide(httpd: StartHttpd, mode: str) -> None:
    """In a process of a group all that is known is that there is TLS."""
    inside = INSIDE.replace("@SCRIPT@", f"@ROOT@/decide.py {options(mode)}")
    server, port = start(httpd, group(mode), inside)
    put(server.root, DECIDE)
    (server.root / "htdocs" / "page.html").write_text("page")
    server.log.expect("SEEN", 3)
    found = tls.get(server.root, port, "/page.html", basic("jo", "x"))
    assert found == (200, b"page")
    records = server.log.wait_for("SEEN", count=3)
    seen = dict(json.loads(record.text.partition("SEEN ")[2]) for record in records)
    assert set(seen) == {"access", "password", "groups"}
    for is_https, name, protocol in seen.values():
        assert is_https == 1 and is_https is not True
        if mode == "daemon":
            assert (name, protocol) == (None, None)
        else:
            assert name == "tls.test"
            assert protocol.startswith("TLSv1.")


def ask(server: Watched, port: int) -> dict[str, Any]:
    status, body = tls.get(server.root, port, "/")
    assert status == 200
    return dict(json.loads(body))


@pytest.mark.parametrize("mode", MODES)
def test_start_response(httpd: StartHttpd, mode: str) -> None:
    config = GROUP if mode == "daemon" else ""
    server, port = start(httpd, config + "WSGIScriptAlias / @ROOT@/app.wsgi\n")
    found = ask(server, port)
    assert found["is_https"] == 1
    if mode == "embedded":
        assert found["name"] == found["bytes"] == "tls.test"
        assert found["protocol"].startswith("TLSv1.")
    else:
        assert found["name"] is found["bytes"] is found["protocol"] is None
    # mod_ssl itself makes no difference between empty and unknown.
    assert found["unknown"] == ("" if mode == "embedded" else None)
    assert found["nul"] is None
    assert found["number"] == found["nothing"] == "TypeError"
    assert found["wide"] == "UnicodeEncodeError"
    assert found["later"] == []
    assert ask(server, port)["later"] == ["RuntimeError", "RuntimeError"]


def test_a_connection_without_tls(httpd: StartHttpd) -> None:
    server, _ = start(httpd, "WSGIScriptAlias / @ROOT@/app.wsgi\n")
    found = server.get("/").json()
    assert (found["is_https"], found["name"], found["protocol"]) == (0, "", "")


def test_an_httpd_without_mod_ssl(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @ROOT@/app.wsgi\n")
    (server.root / "app.wsgi").write_text(APPLICATION)
    found = server.get("/").json()
    assert (found["is_https"], found["name"], found["protocol"]) == (0, None, None)
