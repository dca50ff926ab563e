"""WSGIAccessScript: allow_access(environ, host)."""

from __future__ import annotations

import json

import pytest

from conftest import StartHttpd, StartServer
from deciding import (
    FAILURES,
    MODES,
    UNUSABLE,
    Place,
    everywhere,
    expect_failure,
    function,
    group,
    options,
    put,
    second_host,
)
from httpd import Httpd
from server import Server

SIGNATURE = "allow_access(environ, host)"
DENIED = r"WC0059: .*access is denied to this client"


def config(mode: str, more: str = "", inside: str = "") -> str:
    return f"""
        {group(mode)}
        <Location />
            WSGIAccessScript @ROOT@/decide.py {options(mode, more)}
            {inside}
        </Location>
        WSGIScriptAlias /app @APPS@/evaluate.wsgi
        """


def controlled(place: Place, more: str = "", inside: str = "") -> Server:
    """evaluate.wsgi at /app of a host that asks the script."""
    if place.host == "httpd":
        return Httpd(config(place.mode, more, inside))
    script = {"access-script": f"@ROOT@/decide.py {options(place.mode, more)}"}
    return second_host(place.mode, script, mount="/app")


@everywhere
@pytest.mark.parametrize(("value", "status"), [("True", 200), ("None", 200), ("False", 403)])
def test_what_it_returns(start: StartServer, place: Place, value: str, status: int) -> None:
    server = start(controlled(place))
    put(server.root, function(SIGNATURE, f"return {value}"))
    if status == 403:
        server.log.expect(DENIED)
    assert server.get("/app?1").status == status


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("value", "status"), [("None", 200), ("False", 403)])
def test_files_are_controlled_as_well(
    httpd: StartHttpd, mode: str, value: str, status: int
) -> None:
    server = httpd(config(mode))
    put(server.root, function(SIGNATURE, f"return {value}"))
    (server.root / "htdocs" / "page.html").touch()
    if status == 403:
        server.log.expect(DENIED)
    assert server.get("/page.html").status == status


@everywhere
@pytest.mark.parametrize("failure", FAILURES)
def test_nobody_is_let_in_by_mistake(start: StartServer, place: Place, failure: str) -> None:
    body, expected = FAILURES[failure]
    server = start(controlled(place))
    put(server.root, function(SIGNATURE, body))
    expect_failure(server, expected)
    assert server.get("/app?1").status == 403


@everywhere
@pytest.mark.parametrize("failure", UNUSABLE)
def test_a_script_that_can_not_be_used(start: StartServer, place: Place, failure: str) -> None:
    source, expected = UNUSABLE[failure]
    server = start(controlled(place))
    if source is not None:
        put(server.root, source)
    expect_failure(server, expected)
    assert server.get("/app?1").status == 403


ENVIRON = """
import json
def allow_access(environ, host):
    shown = {key: value for key, value in environ.items() if isinstance(value, (str, tuple))}
    shown["is_https"] = environ["mod_ssl.is_https"]()
    environ["wsgi.errors"].write("SEEN " + json.dumps([host, shown]) + "\\n")
    print("printed")
    return True
"""


@everywhere
def test_what_it_sees(start: StartServer, place: Place) -> None:
    server = start(controlled(place, "application-group=sub", "SetEnv SECRET x"))
    put(server.root, ENVIRON)
    server.log.expect("SEEN")
    server.log.expect("printed")
    headers = {"X-Name": "value", "Authorization": "Basic eDp5", "Proxy": "x"}
    server.get("/app//x?q=1", headers)
    [record] = server.log.wait_for("SEEN")
    host, environ = json.loads(record.text.partition("SEEN ")[2])
    assert host == "127.0.0.1"
    assert environ["REQUEST_METHOD"] == "GET"
    assert environ["REQUEST_URI"] == "/app//x?q=1"
    assert environ["QUERY_STRING"] == "q=1"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["SERVER_PORT"] == str(server.port)
    assert environ["SERVER_NAME"] == "127.0.0.1" or environ["SERVER_NAME"] == "localhost"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["HTTP_X_NAME"] == "value"
    assert environ["mod_wsgi.application_group"] == "sub"
    assert environ["mod_wsgi.process_group"] == ("deciders" if place.mode == "daemon" else "")
    assert environ["mod_wsgi.version"] == [6, 1, 1]
    assert environ["is_https"] == 0
    if place.host == "httpd":
        assert environ["DOCUMENT_ROOT"] == str(server.root / "htdocs")
        assert environ["apache.version"][:2] == [2, 4]
    else:
        assert environ["SERVER_SOFTWARE"] == "libmicrohttpd"
    for absent in (
        "HTTP_AUTHORIZATION",
        "HTTP_PROXY",
        "SECRET",
        "SCRIPT_FILENAME",
        "REMOTE_USER",
        "AUTH_TYPE",
        "HTTPS",
        "wsgi.input",
        "wsgi.url_scheme",
        "PATH",
    ):
        assert absent not in environ


@everywhere
def test_it_is_loaded_again_once_it_has_changed(start: StartServer, place: Place) -> None:
    server = start(controlled(place))
    put(server.root, function(SIGNATURE, "return True"), 1)
    assert server.get("/app?1").status == 200
    put(server.root, function(SIGNATURE, "return False"), 2)
    server.log.expect(DENIED)
    assert server.get("/app?1").status == 403


def test_satisfy_any_leaves_it_to_others(httpd: StartHttpd) -> None:
    server = httpd(
        config(
            "embedded",
            "",
            "Satisfy Any\nAuthType Basic\nAuthName x\nAuthUserFile @ROOT@/users\nRequire valid-user",
        ),
        modules="access_compat",
    )
    (server.root / "users").touch()
    put(server.root, function(SIGNATURE, "return False"))
    assert server.get("/app?1").status == 401
    assert not server.log.find("WC0059")


def test_only_where_it_is_configured(httpd: StartHttpd) -> None:
    server = httpd(
        """
        <Location /closed>
            WSGIAccessScript @ROOT@/decide.py
        </Location>
        WSGIScriptAlias / @APPS@/evaluate.wsgi
        """
    )
    put(server.root, function(SIGNATURE, "return False"))
    server.log.expect(DENIED)
    assert server.get("/open?1").status == 200
    assert server.get("/closed?1").status == 403


@pytest.mark.parametrize("host", ["httpd", "microhttpd"])
def test_a_hidden_or_unknown_group_lets_nobody_in(start: StartServer, host: str) -> None:
    server = start(controlled(Place(host, "embedded"), "process-group=unknown"))
    put(server.root, function(SIGNATURE, "return True"))
    server.log.expect(r"WC0060: .*there is no process group 'unknown'")
    assert server.get("/app?1").status == 403


def test_applications_may_be_kept_out_of_the_processes_that_decide(httpd: StartHttpd) -> None:
    server = httpd(
        config("embedded")
        + "WSGIRestrictEmbedded On\nWSGIDaemonProcess app\nWSGIProcessGroup app\n"
    )
    put(server.root, function(SIGNATURE, "return True"))
    assert server.get("/app?1").status == 200


def test_in_htaccess(httpd: StartHttpd) -> None:
    server = httpd("<Directory @ROOT@/htdocs>\nAllowOverride AuthConfig\n</Directory>")
    put(server.root, function(SIGNATURE, "return False"))
    (server.root / "htdocs" / ".htaccess").write_text(f"WSGIAccessScript {server.root}/decide.py\n")
    (server.root / "htdocs" / "page.html").touch()
    server.log.expect(DENIED)
    assert server.get("/page.html").status == 403
