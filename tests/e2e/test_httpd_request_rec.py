"""WSGIPassApacheRequest: apache.request_rec, for extensions of Python that are made for httpd."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import StartHttpd
from deciding import MODES, basic, group, options, put
from modes import GROUP
from server import Watched

# An extension gets the pointer by the name NULL. The request line is the seventh member of a request_rec.
LOOK = """
import ctypes
pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
def look(capsule):
    if capsule is None:
        return None
    try:
        pointer = pointer_of(capsule, None)
    except ValueError as error:
        return "ValueError"
    line = ctypes.cast(pointer, ctypes.POINTER(ctypes.c_char_p))[6]
    return [type(capsule).__name__, line.decode()]
"""
APPLICATION = f"""
import json
{LOOK}
kept = []
def application(environ, start_response):
    found = [look(environ.get("apache.request_rec")), *map(look, kept)]
    kept[:] = [environ["apache.request_rec"]] if "apache.request_rec" in environ else []
    start_response("200 OK", [("Content-Type", "application/json")])
    def body():
        # The request goes on for as long as its body does.
        yield json.dumps([*found, *map(look, kept)]).encode()
    return body()
"""
DECIDE = f"""
import json
{LOOK}
def note(environ, name):
    found = look(environ.get("apache.request_rec"))
    environ["wsgi.errors"].write("SEEN " + json.dumps([name, found]) + "\\n")
def allow_access(environ, host):
    note(environ, "access")
    return True
def check_password(environ, user, password):
    note(environ, "password")
    return True
def process_group(environ):
    note(environ, "dispatch")
"""


def start(httpd: StartHttpd, config: str) -> Watched:
    server = httpd(config)
    (server.root / "app.wsgi").write_text(APPLICATION)
    put(server.root, DECIDE)
    return server


def seen(server: Watched, path: str) -> list[Any]:
    return list(server.get(path).json())


@pytest.mark.parametrize("application_group", ["%{GLOBAL}", "sub"])
def test_the_structure_of_the_request(httpd: StartHttpd, application_group: str) -> None:
    server = start(
        httpd,
        f"WSGIPassApacheRequest On\nWSGIApplicationGroup {application_group}\n"
        "WSGIScriptAlias / @ROOT@/app.wsgi\n",
    )
    found = ["PyCapsule", "GET /one?a=b HTTP/1.1"]
    assert seen(server, "/one?a=b") == [found, found]
    # Of the request before, nothing is left to look at.
    found = ["PyCapsule", "GET /two HTTP/1.1"]
    assert seen(server, "/two") == [found, "ValueError", found]


@pytest.mark.parametrize(
    "config",
    ["", "WSGIPassApacheRequest Off\n", f"{GROUP}WSGIPassApacheRequest On\n"],
    ids=["unset", "off", "daemon"],
)
def test_where_there_is_none(httpd: StartHttpd, config: str) -> None:
    server = start(httpd, f"{config}WSGIScriptAlias / @ROOT@/app.wsgi\n")
    assert seen(server, "/") == [None]


def test_by_section(httpd: StartHttpd) -> None:
    server = start(
        httpd,
        """
        WSGIPassApacheRequest On
        WSGIScriptAlias / @ROOT@/app.wsgi
        <Location /without>
            WSGIPassApacheRequest Off
        </Location>
        """,
    )
    assert seen(server, "/without") == [None]
    assert seen(server, "/with")[0] == ["PyCapsule", "GET /with HTTP/1.1"]


@pytest.mark.parametrize("mode", MODES)
def test_scripts_that_decide(httpd: StartHttpd, mode: str) -> None:
    script = f"@ROOT@/decide.py {options(mode)}"
    server = start(
        httpd,
        f"""
        {group(mode)}
        WSGIPassApacheRequest On
        <Location />
            WSGIAccessScript {script}
            WSGIAuthUserScript {script}
            WSGIDispatchScript {script}
            AuthType Basic
            AuthName realm
            AuthBasicProvider wsgi
            Require valid-user
        </Location>
        WSGIScriptAlias / @ROOT@/app.wsgi
        """,
    )
    server.log.expect("SEEN", 3)
    assert server.get("/asked", basic("jo", "x")).status == 200
    records = server.log.wait_for("SEEN", count=3)
    found = dict(json.loads(record.text.partition("SEEN ")[2]) for record in records)
    expected = ["PyCapsule", "GET /asked HTTP/1.1"] if mode == "embedded" else None
    assert found == {"access": expected, "password": expected, "dispatch": expected}
