"""WSGIDispatchScript: process_group(environ), application_group(environ), callable_object(environ)."""

from __future__ import annotations

import json

import pytest

from conftest import StartHttpd, StartServer
from deciding import (
    UNUSABLE,
    Place,
    everywhere,
    expect_failure,
    group,
    options,
    put,
    second_host,
)
from evaluating import environ
from httpd import Httpd
from server import Server
from test_httpd_loading import write_script

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


def dispatched(place: Place, more: str = "", settings: dict[str, str] | None = None) -> Server:
    """A host that asks the script; `more` is for httpd, and `settings` for the other."""
    if place.host == "httpd":
        return Httpd(config(place.mode, more))
    script = {
        "dispatch-script": f"@ROOT@/decide.py {options(place.mode)}",
        "application-group": "configured",
    }
    return second_host(place.mode, script | (settings or {}), ["-g", "chosen"])


def returning(**values: str) -> str:
    return "\n".join(f"def {name}(environ):\n    return {value}" for name, value in values.items())


@everywhere
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["", "configured", "application"]),
        ({"process_group": "'chosen'"}, ["chosen", "configured", "application"]),
        ({"process_group": "b'chosen'"}, ["chosen", "configured", "application"]),
        ({"application_group": "'own'"}, ["", "own", "application"]),
        ({"application_group": "'%{GLOBAL}'"}, ["", "", "application"]),
        ({"application_group": "'%{SERVER}'"}, ["", "@SERVER@:@PORT@", "application"]),
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
    start: StartServer,
    monkeypatch: pytest.MonkeyPatch,
    place: Place,
    values: dict[str, str],
    expected: list[str],
) -> None:
    monkeypatch.setenv("NAMED", "by-variable")
    server = start(dispatched(place, "PassEnv NAMED"))
    put(server.root, returning(**values))
    headers = {"X-Group": "chosen"}
    found = [environ(server, "/", key, headers) for key in PLACES]
    name = "localhost" if place.host == "httpd" else "127.0.0.1"
    group = expected[1].replace("@SERVER@", name).replace("@PORT@", str(server.port))
    assert found == [expected[0], group, expected[2]]


@everywhere
def test_the_callable(start: StartServer, place: Place) -> None:
    server = start(dispatched(place))
    write_script(server.apps / "evaluate.wsgi", APPS, 1_700_000_000)
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


@everywhere
def test_what_it_sees(start: StartServer, place: Place) -> None:
    server = start(dispatched(place, "SetEnv NAMED x"))
    put(server.root, ENVIRON)
    server.log.expect("SEEN")
    server.get("/path//x?q", {"X-Name": "value"})
    [record] = server.log.wait_for("SEEN")
    seen = json.loads(record.text.partition("SEEN ")[2])
    assert seen["PATH_INFO"] == "/path/x"
    assert seen["SCRIPT_FILENAME"] == str(server.apps / "evaluate.wsgi")
    assert seen.get("NAMED") == ("x" if place.host == "httpd" else None)
    assert seen["HTTP_X_NAME"] == "value"
    assert seen["mod_wsgi.application_group"] == ""
    assert seen["mod_wsgi.process_group"] == ("deciders" if place.mode == "daemon" else "")
    assert "wsgi.errors" in seen["others"]
    assert "wsgi.input" not in seen["others"]


@everywhere
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
    start: StartServer, place: Place, name: str, body: str, expected: str
) -> None:
    server = start(dispatched(place))
    put(server.root, returning(**{name: body}))
    expect_failure(server, expected)
    assert server.get("/?1").status == 500


@everywhere
@pytest.mark.parametrize("failure", [name for name in UNUSABLE if name != "no function"])
def test_a_script_that_can_not_be_loaded_decides_nothing(
    start: StartServer, place: Place, failure: str
) -> None:
    source, expected = UNUSABLE[failure]
    server = start(dispatched(place))
    if source is not None:
        put(server.root, source)
    expect_failure(server, expected, 3)
    found = [environ(server, "/", key) for key in PLACES]
    assert found == ["", "configured", "application"]


@pytest.mark.parametrize("host", ["httpd", "microhttpd"])
def test_restrictions_count_after_it(start: StartServer, host: str) -> None:
    server = start(
        dispatched(
            Place(host, "embedded"),
            "WSGIRestrictProcess %{GLOBAL}",
            {"restrict-process": "%{GLOBAL}"},
        )
    )
    put(server.root, returning(process_group="'chosen' if environ['QUERY_STRING'] == '1' else ''"))
    server.log.expect(r"WC0062: .*process group chosen is not allowed here")
    assert server.get("/?1").status == 500
    assert server.get("/?2").status == 200


@pytest.mark.parametrize("host", ["httpd", "microhttpd"])
def test_an_unknown_group(start: StartServer, host: str) -> None:
    server = start(dispatched(Place(host, "embedded")))
    put(server.root, returning(process_group="'unknown'"))
    server.log.expect(r"WC0060: .*there is no process group 'unknown'")
    assert server.get("/?1").status == 500


@pytest.mark.parametrize("host", ["httpd", "microhttpd"])
def test_it_keeps_applications_out_of_the_processes_of_the_host(
    start: StartServer, host: str
) -> None:
    server = start(
        dispatched(Place(host, "embedded"), "WSGIRestrictEmbedded On", {"restrict-embedded": "On"})
    )
    put(server.root, returning(process_group="environ['QUERY_STRING'] == '1' and 'chosen' or None"))
    server.log.expect(r"WC0061: .*restrict-embedded is On")
    assert server.get("/?1").status == 200
    assert server.get("/?2").status == 500


@pytest.mark.parametrize("host", ["httpd", "microhttpd"])
def test_a_body_goes_to_the_application(start: StartServer, host: str) -> None:
    server = start(dispatched(Place(host, "daemon")))
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
