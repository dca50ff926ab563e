"""WSGIDispatchScript: process_group(environ), application_group(environ), callable_object(environ)."""

from __future__ import annotations

import json

import pytest

from conftest import StartHttpd
from deciding import MODES, UNUSABLE, expect_failure, group, options, put
from evaluating import environ

PLACES = ["mod_wsgi.process_group", "mod_wsgi.application_group", "mod_wsgi.callable_object"]
APPS = """
def make(name):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [name.encode()]
    return application
application = make("application")
other = make("other")
"""


def config(mode: str, more: str = "") -> str:
    return f"""
        {group(mode)}
        WSGIDaemonProcess chosen
        WSGIDispatchScript @ROOT@/decide.py {options(mode)}
        WSGIScriptAlias / @APPS@/evaluate.wsgi application-group=configured
        {more}
        """


def returning(**values: str) -> str:
    return "\n".join(f"def {name}(environ):\n    return {value}" for name, value in values.items())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["", "configured", "application"]),
        ({"process_group": "'chosen'"}, ["chosen", "configured", "application"]),
        ({"process_group": "b'chosen'"}, ["chosen", "configured", "application"]),
        ({"application_group": "'own'"}, ["", "own", "application"]),
        ({"application_group": "'%{GLOBAL}'"}, ["", "", "application"]),
        ({"application_group": "'%{SERVER}'"}, ["", "localhost:@PORT@", "application"]),
        ({"callable_object": "'application'"}, ["", "configured", "application"]),
        (
            {"process_group": "None", "application_group": "None", "callable_object": "None"},
            ["", "configured", "application"],
        ),
        (
            {"process_group": "environ['HTTP_X_GROUP']", "application_group": "'%{ENV:NAMED}'"},
            ["chosen", "by-variable", "application"],
        ),
    ],
)
def test_what_it_returns(
    httpd: StartHttpd, mode: str, values: dict[str, str], expected: list[str]
) -> None:
    server = httpd(config(mode, "SetEnv NAMED by-variable"))
    put(server.root, returning(**values))
    headers = {"X-Group": "chosen"}
    found = [environ(server, "/", key, headers) for key in PLACES]
    assert found == [name.replace("@PORT@", str(server.port)) for name in expected]


@pytest.mark.parametrize("mode", MODES)
def test_the_callable(httpd: StartHttpd, mode: str) -> None:
    server = httpd(
        f"{group(mode)}WSGIDispatchScript @ROOT@/decide.py {options(mode)}\n"
        "WSGIScriptAlias / @ROOT@/app.wsgi\n"
    )
    (server.root / "app.wsgi").write_text(APPS)
    put(server.root, returning(callable_object="environ['QUERY_STRING'] or None"))
    assert server.get("/").body == b"application"
    assert server.get("/?other").body == b"other"
    server.log.expect(r"WC0043: .*has no callable 'missing'")
    assert server.get("/?missing").status == 500


ENVIRON = """
import json
def process_group(environ):
    shown = {key: value for key, value in environ.items() if isinstance(value, str)}
    shown["others"] = [key for key in environ if key.startswith("wsgi.")]
    environ["wsgi.errors"].write("SEEN " + json.dumps(shown) + "\\n")
"""


@pytest.mark.parametrize("mode", MODES)
def test_what_it_sees(httpd: StartHttpd, mode: str) -> None:
    server = httpd(config(mode, "SetEnv NAMED x"))
    put(server.root, ENVIRON)
    server.log.expect("SEEN")
    server.get("/path//x?q", {"X-Name": "value"})
    [record] = server.log.wait_for("SEEN")
    seen = json.loads(record.text.partition("SEEN ")[2])
    assert seen["PATH_INFO"] == "/path/x"
    assert seen["SCRIPT_FILENAME"] == str(server.apps / "evaluate.wsgi")
    assert seen["NAMED"] == "x"
    assert seen["HTTP_X_NAME"] == "value"
    assert seen["mod_wsgi.application_group"] == ""
    assert seen["mod_wsgi.process_group"] == ("deciders" if mode == "daemon" else "")
    assert "wsgi.errors" in seen["others"]
    assert "wsgi.input" not in seen["others"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["process_group", "application_group", "callable_object"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("1", r"WC0058: .*\(\) what is no answer: an object of type int"),
        ("'a\\0b'", r"WC0058: .*an object of type str"),
        ("1 / 0", r"WC0057: .*ZeroDivisionError exception raised processing"),
    ],
)
def test_a_failure_refuses_the_request(
    httpd: StartHttpd, mode: str, name: str, body: str, expected: str
) -> None:
    server = httpd(config(mode))
    put(server.root, returning(**{name: body}))
    expect_failure(server, expected)
    assert server.get("/?1").status == 500


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failure", [name for name in UNUSABLE if name != "no function"])
def test_a_script_that_can_not_be_loaded_decides_nothing(
    httpd: StartHttpd, mode: str, failure: str
) -> None:
    source, expected = UNUSABLE[failure]
    server = httpd(config(mode))
    if source is not None:
        put(server.root, source)
    expect_failure(server, expected, 3)
    found = [environ(server, "/", key) for key in PLACES]
    assert found == ["", "configured", "application"]


def test_restrictions_count_after_it(httpd: StartHttpd) -> None:
    server = httpd(config("embedded", "WSGIRestrictProcess %{GLOBAL}"))
    put(server.root, returning(process_group="'chosen' if environ['QUERY_STRING'] == '1' else ''"))
    server.log.expect(r"WC0062: .*process group chosen is not allowed here")
    assert server.get("/?1").status == 500
    assert server.get("/?2").status == 200


def test_an_unknown_group(httpd: StartHttpd) -> None:
    server = httpd(config("embedded"))
    put(server.root, returning(process_group="'unknown'"))
    server.log.expect(r"WC0060: .*there is no process group 'unknown'")
    assert server.get("/?1").status == 500


def test_it_keeps_applications_out_of_the_processes_of_httpd(httpd: StartHttpd) -> None:
    server = httpd(config("embedded", "WSGIRestrictEmbedded On"))
    put(server.root, returning(process_group="environ['QUERY_STRING'] == '1' and 'chosen' or None"))
    server.log.expect(r"WC0061: .*restrict-embedded is On")
    assert server.get("/?1").status == 200
    assert server.get("/?2").status == 500


def test_a_body_goes_to_the_application(httpd: StartHttpd) -> None:
    server = httpd(config("daemon"))
    put(server.root, returning(process_group="'chosen'"))
    response = server.post("/?environ['wsgi.input'].read().decode()", b"x" * 100_000)
    assert response.json() == "x" * 100_000


def test_a_handler_has_one_function(httpd: StartHttpd) -> None:
    server = httpd(
        "WSGIDispatchScript @ROOT@/decide.py\nWSGIHandlerScript one @ROOT@/app.wsgi\n"
        "AddHandler one .one"
    )
    (server.root / "app.wsgi").write_text(APPS + "handle_request = make('handler')\n")
    put(server.root, returning(callable_object="'other'"))
    assert server.get("/x.one").body == b"handler"
