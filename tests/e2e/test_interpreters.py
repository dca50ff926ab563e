"""Interpreters configured one by one: <WSGIInterpreterOptions>, GILs of their own, the end."""

from __future__ import annotations

import pytest

import process
from conftest import StartHttpd
from evaluating import evaluate
from groups import PID, writable
from httpd import Httpd, Mpm
from interpreters import MODES, in_each, section, sites
from runtimes import homes, installed, is_readable_by_all

ONE = Mpm("event", 1, 8, 1)
INTERVAL = "round(sys.getswitchinterval(), 6)"

STDIN = "type(sys.stdin).__name__ == 'RestrictedStream'"
STDOUT = "type(sys.stdout).__name__ == 'RestrictedStream'"
SIGNAL = "signal.signal.__module__ == 'mod_wsgi'"


@pytest.mark.parametrize("mode", MODES)
def test_the_most_specific_section_counts(httpd: StartHttpd, mode: str) -> None:
    own = "app" if mode == "daemon" else "%{GLOBAL}"
    other = "%{GLOBAL}" if mode == "daemon" else "app"
    config = (
        sites(mode)
        # Both selectors, however early it stands.
        + section("WSGIRestrictStdin Off", f"process-group={own} application-group=a")
        + section("WSGIRestrictStdin On", "application-group=a")
        + section("WSGIRestrictStdin On", f"Process-Group='{own}'")
        + section("WSGIRestrictStdin Off")
        # Of equals the last one.
        + section("WSGIRestrictStdout On", "APPLICATION-GROUP=b")
        + section("WSGIRestrictStdout Off", f'process-group="{own}"')
        + section("WSGIRestrictStdout On", 'application-group=""')
        # Other processes, and names that are no names of interpreters.
        + section("WSGIRestrictSignal Off", f"process-group={other}")
        + section("WSGIRestrictSignal Off", "application-group=%{RESOURCE}")
        + "WSGIRestrictStdout On\n"
    )
    server = httpd(config, ONE)
    assert in_each(server, STDIN) == [True, False, True]
    assert in_each(server, STDOUT) == [True, False, False]
    assert in_each(server, SIGNAL) == [True, True, True]


@pytest.mark.parametrize("mode", MODES)
def test_paths_add_up(httpd: StartHttpd, mode: str) -> None:
    base = "python-path=/base" if mode == "daemon" else ""
    config = (
        sites(mode, base)
        + ("WSGIPythonPath /base\n" if mode == "embedded" else "WSGIPythonPath /not-here\n")
        + section("WSGIPythonPath /named-1:/named-2", "application-group=a")
        + section("WSGIPythonPath /all")
    )
    server = httpd(config, ONE)
    found = in_each(server, "[entry for entry in sys.path if entry[:4] in ('/bas', '/nam', '/all', '/not')]")
    assert found == [
        ["/all", "/base"],
        ["/named-1", "/named-2", "/all", "/base"],
        ["/all", "/base"],
    ]


@pytest.mark.parametrize("mode", MODES)
def test_the_switch_interval_belongs_to_the_process(httpd: StartHttpd, mode: str) -> None:
    config = (
        sites(mode)
        + "WSGISwitchInterval 0.5\n"
        + section("WSGISwitchInterval 0.125", "application-group=%{GLOBAL}")
        + section("WSGISwitchInterval 0.25", "application-group=a")
    )
    server = httpd(config, ONE)
    server.log.expect(r"WC0038: .*'a' .* has no GIL of its own")
    assert in_each(server, INTERVAL) == [0.125] * 3
    # An interpreter that comes later does not undo what an application chose.
    evaluate(server, "/main", "sys.setswitchinterval(0.75)")
    assert in_each(server, INTERVAL) == [0.75] * 3


def test_the_directive_is_for_embedded_mode_and_the_option_for_the_group(httpd: StartHttpd) -> None:
    server = httpd(sites("daemon") + "WSGISwitchInterval 0.5\n")
    assert in_each(server, INTERVAL) == [0.005] * 3
    config = sites("daemon", "switch-interval=0.25") + section("WSGISwitchInterval 0.125")
    assert in_each(httpd(config), INTERVAL) == [0.25] * 3


BAD = [
    (section("WSGIRestrictStdin On", "application-group"), "application-group"),
    (section("WSGIRestrictStdin On", "word=x"), "process-group"),
    (section("WSGIRestrictStdin On", "switch-interval=1"), "process-group"),
    (section("WSGIRestrictStdin On", "application-group=a application-group=b"), "once"),
    (section("WSGIRestrictStdin On", "Process-Group=a process-group=a"), "once"),
    (section("WSGIRestrictStdin maybe"), "On or Off"),
    (section("WSGISwitchInterval 0"), "greater than 0"),
    (section("WSGIPythonHome /usr"), "python-home"),
    (section("WSGIDestroyInterpreter Off"), "destroy-interpreter"),
    (section("WSGIApplicationGroup a"), "WSGIApplicationGroup can't be set for interpreters"),
    (section("ServerName x"), "ServerName can't be set for interpreters"),
    (section(section("WSGIRestrictStdin On")), "can't be set for interpreters"),
    ("<WSGIInterpreterOptions process-group=a\n</WSGIInterpreterOptions>\n", ">"),
    (f"<VirtualHost *>\n{section('WSGIRestrictStdin On')}</VirtualHost>", "VirtualHost"),
    (f"<Location />\n{section('WSGIRestrictStdin On')}</Location>", "not allowed"),
]


@pytest.mark.parametrize(("config", "complaint"), BAD, ids=range(len(BAD)))
def test_a_mistake_is_reported(config: str, complaint: str) -> None:
    server = Httpd(config)
    result = server.check_config()
    server.remove()
    assert result.returncode != 0
    assert complaint in result.stderr
    assert "Syntax error on line" in result.stderr


def test_conditions_inside_and_around_a_section() -> None:
    server = Httpd(
        "<IfModule wsgi_module>\n"
        + section("<IfModule wsgi_module>\nWSGIRestrictStdin On\n</IfModule>", "application-group=a ")
        + "</IfModule>\n"
        + section("")
    )
    result = server.check_config()
    server.remove()
    assert result.returncode == 0, result.stderr


def with_python(version: str, mode: str) -> str:
    """A configuration that runs the applications of `sites` on another Python."""
    home = homes().get(version)
    if version not in installed() or home is None or not is_readable_by_all(home):
        pytest.skip(f"no runtime and home for Python {version}")
    return sites(mode) + f"WSGIPythonHome {home}\n"


OWN_GIL = "WSGIPerInterpreterGIL On\n"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_interpreters_with_a_gil_of_their_own(httpd: StartHttpd, version: str, mode: str) -> None:
    config = with_python(version, mode) + OWN_GIL
    config += section("WSGIPerInterpreterGIL Off", "application-group=b")
    config += section("WSGISwitchInterval 0.25", "application-group=a")
    server = httpd(config, ONE)
    assert in_each(server, INTERVAL) == [0.005, 0.25, 0.005]
    evaluate(server, "/b", "sys.setswitchinterval(0.125)")
    assert in_each(server, INTERVAL) == [0.125, 0.25, 0.125]
    echo = "importlib.import_module('subprocess').check_output(['echo', 'x']).decode()"
    assert in_each(server, echo) == ["x\n"] * 3
    daemon_thread = "threading.Thread(target=len, args=('',), daemon=True).start()"
    found = in_each(server, daemon_thread)
    assert found[0] is None
    assert found[2] is None
    assert isinstance(found[1], dict)
    assert found[1]["raised"] == "RuntimeError"


@pytest.mark.parametrize("version", ["3.10", "3.11"])
def test_a_gil_of_its_own_needs_python_3_12(httpd: StartHttpd, version: str) -> None:
    server = httpd(with_python(version, "embedded") + OWN_GIL, ONE)
    server.log.expect(r"WC0037: .*3\.12 or later", 2)
    assert in_each(server, "mod_wsgi.application_group") == ["", "a", "b"]


@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_an_extension_that_refuses_is_named(httpd: StartHttpd, version: str) -> None:
    config = with_python(version, "embedded") + OWN_GIL
    config += "WSGIScriptAlias /refused @APPS@/failing/refused.wsgi application-group="
    server = httpd(config + "a\n", ONE)
    server.log.expect(r"WC0042: .*ImportError")
    server.log.expect(r"^ImportError: ", 1)
    server.log.expect(r"WC0034: .*extension module '\w+' .*WSGIPerInterpreterGIL Off")
    server.log.tracebacks = True
    assert server.get("/refused").status == 500


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("value", ["On", "Off"])
def test_destroy_interpreter(httpd: StartHttpd, mode: str, value: str) -> None:
    """On: exit functions run at the end of a process. Off: they do not, and the end comes all the same."""
    server = httpd(sites(mode) + f"WSGIDestroyInterpreter {value}\n", ONE)
    notes = [writable(server) / f"note-{number}" for number in range(3)]
    for path, note in zip(("/main", "/a", "/b"), notes, strict=True):
        evaluate(server, path, f"atexit.register(touch, {str(note)!r}) and None")
    pid = evaluate(server, "/main", PID)
    assert isinstance(server.server, Httpd)
    server.server.graceful()
    process.wait_gone([pid])
    assert [note.exists() for note in notes] == [value == "On"] * 3
