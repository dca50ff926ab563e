"""WSGIHandlerScript: a script that serves every file of a handler."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import StartHttpd
from server import Watched
from test_httpd_loading import COUNTING, write_script

HANDLER = """
import json, os
NAME = {name!r}
def handle_request(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    shown = {{key: value for key, value in environ.items() if isinstance(value, str)}}
    return [json.dumps([NAME, shown, os.getpid()]).encode()]
def application(environ, start_response):
    raise AssertionError("the callable of a handler is handle_request")
"""
MODES = ["embedded", "daemon"]


def handler(server: Watched, name: str = "one") -> None:
    write_script(server.root / f"{name}.py", HANDLER.format(name=name), 1_700_000_000)


def ask(server: Watched, path: str, **headers: str) -> tuple[str, dict[str, str], int]:
    found: list[Any] = server.get(path, headers).json()
    return found[0], found[1], found[2]


def options(mode: str) -> str:
    return "" if mode == "embedded" else "process-group=handlers application-group=%{GLOBAL}"


def config(mode: str, more: str = "") -> str:
    group = "" if mode == "embedded" else "WSGIDaemonProcess handlers threads=2\n"
    return group + f"WSGIHandlerScript one @ROOT@/one.py {options(mode)}\n" + more


@pytest.mark.parametrize("mode", MODES)
def test_a_handler_by_extension(httpd: StartHttpd, mode: str) -> None:
    server = httpd(config(mode, "AddHandler one .bobo\nWSGICallableObject other\n"))
    handler(server)
    target = server.root / "htdocs" / "page.bobo"
    target.touch()
    name, environ, pid = ask(server, "/page.bobo/info?q=1")
    assert name == "one"
    assert environ["mod_wsgi.handler_script"] == str(server.root / "one.py")
    assert environ["mod_wsgi.request_handler"] == "one"
    assert environ["mod_wsgi.callable_object"] == "handle_request"
    assert environ["mod_wsgi.process_group"] == ("" if mode == "embedded" else "handlers")
    assert environ["SCRIPT_FILENAME"] == str(target)
    assert environ["SCRIPT_NAME"] == "/page.bobo"
    assert environ["PATH_INFO"] == "/info"
    assert environ["QUERY_STRING"] == "q=1"
    assert (pid in server.server.children()) is (mode == "embedded")


@pytest.mark.parametrize("mode", MODES)
def test_the_target_need_not_exist(httpd: StartHttpd, mode: str) -> None:
    server = httpd(config(mode, "<Location /all>\nSetHandler one\n</Location>"))
    handler(server)
    name, environ, _ = ask(server, "/all/of/it")
    assert name == "one"
    assert environ["SCRIPT_FILENAME"] == str(server.root / "htdocs" / "all")
    assert environ["SCRIPT_NAME"] + environ["PATH_INFO"] == "/all/of/it"


def test_a_directory_may_be_the_target(httpd: StartHttpd) -> None:
    server = httpd(config("embedded", "<Location />\nSetHandler one\n</Location>"))
    handler(server)
    (server.root / "htdocs" / "directory").mkdir()
    assert ask(server, "/directory/")[0] == "one"


def test_inner_definitions_override_those_of_the_same_name(httpd: StartHttpd) -> None:
    server = httpd(
        """
        WSGIHandlerScript one @ROOT@/one.py
        WSGIHandlerScript two @ROOT@/two.py
        AddHandler one .one
        AddHandler two .two
        <Location /inner>
            WSGIHandlerScript one @ROOT@/three.py pass-authorization=On
        </Location>
        """
    )
    for name in ("one", "two", "three"):
        handler(server, name)
    (server.root / "htdocs" / "inner").mkdir()
    assert ask(server, "/x.one")[0] == "one"
    assert ask(server, "/x.two")[0] == "two"
    assert ask(server, "/inner/x.two")[0] == "two"
    name, environ, _ = ask(server, "/inner/x.one", Authorization="Basic eDp5")
    assert (name, environ["HTTP_AUTHORIZATION"]) == ("three", "Basic eDp5")
    assert "HTTP_AUTHORIZATION" not in ask(server, "/x.one", Authorization="Basic eDp5")[1]


def test_options_win_over_directives(httpd: StartHttpd) -> None:
    server = httpd(
        """
        WSGIHandlerScript one @ROOT@/one.py application-group=own
        WSGIApplicationGroup %{SERVER}
        AddHandler one .one
        """
    )
    handler(server)
    assert ask(server, "/x.one")[1]["mod_wsgi.application_group"] == "own"


def test_the_default_application_group_is_of_the_resource(httpd: StartHttpd) -> None:
    server = httpd(config("embedded", "AddHandler one .one"))
    handler(server)
    (server.root / "htdocs" / "x.one").touch()
    group = ask(server, "/x.one")[1]["mod_wsgi.application_group"]
    assert group == f"localhost:{server.port}|/x.one"


def test_handlers_in_htaccess(httpd: StartHttpd) -> None:
    """The handler is defined outside, and may be used there."""
    server = httpd(
        config("embedded", "<Directory @ROOT@/htdocs>\nAllowOverride FileInfo\n</Directory>")
    )
    handler(server)
    (server.root / "htdocs" / ".htaccess").write_text("SetHandler one\n")
    assert ask(server, "/anything")[0] == "one"


@pytest.mark.parametrize("mode", MODES)
def test_the_script_is_loaded_again_when_it_changes(httpd: StartHttpd, mode: str) -> None:
    server = httpd(config(mode, "AddHandler one .one"))
    script = server.root / "one.py"
    for version in (1, 2):
        source = COUNTING.format(loaded=version).replace("def application", "def handle_request")
        write_script(script, source, 1_700_000_000 + version)
        assert server.get("/x.one").body == str(version).encode()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (None, r"WC0040: .*cannot read WSGI script"),
        ("def application(e, s): pass", r"WC0043: .*has no callable 'handle_request'"),
    ],
)
def test_a_script_that_can_not_serve(
    httpd: StartHttpd, mode: str, source: str | None, expected: str
) -> None:
    server = httpd(config(mode, "AddHandler one .one"))
    if source is not None:
        write_script(server.root / "one.py", source, 1_700_000_000)
    server.log.expect(expected)
    assert server.get("/x.one").status == 500


def test_access_to_the_target_is_controlled(httpd: StartHttpd) -> None:
    server = httpd(
        config("embedded", "AddHandler one .one\n<Location /no>\nRequire all denied\n</Location>")
    )
    handler(server)
    server.log.expect("AH01630: client denied by server configuration")
    assert server.get("/no/x.one").status == 403
    assert json.loads(server.get("/x.one").body)[0] == "one"


def test_restricted_process_groups(httpd: StartHttpd) -> None:
    server = httpd(config("daemon", "AddHandler one .one\nWSGIRestrictProcess other"))
    handler(server)
    server.log.expect(r"WC0062: .*process group handlers is not allowed here")
    assert server.get("/x.one").status == 500
