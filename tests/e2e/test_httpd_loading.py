"""Loading a script, loading it again when it changed, and failing to."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from conftest import StartHttpd
from evaluating import evaluate
from server import Watched

COUNTING = """
import mod_wsgi
LOADED = {loaded!r}
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(LOADED).encode()]
"""


def write_script(path: Path, text: str, mtime: int) -> None:
    """Puts a script in place, with a modification time that no other version had."""
    path.write_text(text)
    path.chmod(0o644)
    os.utime(path, (mtime, mtime))


def expect_load_failure(server: Watched, identifier: str, exception: str, count: int = 1) -> None:
    verb = "by" if exception == "SystemExit" else "processing"
    server.log.expect(rf"^{identifier}: .*{exception} exception raised {verb} WSGI script", count)
    server.log.expect(rf"^{exception}(:|$)", count)
    server.log.tracebacks = True


def test_names_of_a_script(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/evaluate.wsgi")
    path = server.apps / "evaluate.wsgi"
    name = "_mod_wsgi_" + hashlib.md5(str(path).encode()).hexdigest()
    assert evaluate(server, "/", "__name__") == name
    assert evaluate(server, "/", "__file__") == str(path)
    assert evaluate(server, "/", "__mtime__") == path.stat().st_mtime_ns // 1000
    assert evaluate(server, "/", "type(__mtime__).__name__") == "int"
    assert evaluate(server, "/", "sys.modules[__name__].STATE is STATE") is True
    assert evaluate(server, "/", "sys.argv") == ["mod_wsgi"]
    assert evaluate(server, "/", "os.path.dirname(__file__) in sys.path") is False
    assert list(server.apps.glob("**/evaluate*.pyc")) == []


def test_case_insensitive_module_name(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @ROOT@/MiXed.wsgi\nWSGICaseSensitivity Off")
    path = server.root / "MiXed.wsgi"
    write_script(path, (server.apps / "evaluate.wsgi").read_text(), 1_700_000_000)
    name = "_mod_wsgi_" + hashlib.md5(str(path).lower().encode()).hexdigest()
    assert evaluate(server, "/", "__name__") == name
    assert evaluate(server, "/", "__file__") == str(path)


def test_loading_is_announced(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/hello.wsgi")
    server.get("/")
    [record] = server.log.wait_for(rf"Loading WSGI script '{server.apps}/hello\.wsgi'")
    assert record.level == "info"


@pytest.mark.parametrize("step", [10, -10])
def test_a_changed_script_is_loaded_again(httpd: StartHttpd, step: int) -> None:
    server = httpd("WSGIScriptAlias / @ROOT@/app.wsgi")
    script = server.root / "app.wsgi"
    write_script(script, COUNTING.format(loaded=1), 1_700_000_000)
    assert server.get("/").body == b"1"
    write_script(script, COUNTING.format(loaded=2), 1_700_000_000)
    assert server.get("/").body == b"1"
    write_script(script, COUNTING.format(loaded=2), 1_700_000_000 + step)
    assert server.get("/").body == b"2"


def test_script_reloading_off(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @ROOT@/app.wsgi\nWSGIScriptReloading Off")
    script = server.root / "app.wsgi"
    write_script(script, COUNTING.format(loaded=1), 1_700_000_000)
    assert server.get("/").body == b"1"
    write_script(script, COUNTING.format(loaded=2), 1_700_000_010)
    assert server.get("/").body == b"1"


HOOK = """
import os
CALLS = []
def reload_required(path):
    CALLS.append(path)
    if os.path.exists(path + ".raise"):
        raise ValueError("in the hook")
    return os.path.exists(path + ".reload")
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(CALLS).encode()]
"""


def test_reload_required_decides(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @ROOT@/app.wsgi")
    script = server.root / "app.wsgi"
    write_script(script, HOOK, 1_700_000_000)
    assert server.get("/").body == b"[]"
    assert server.get("/x").body == repr([str(script)]).encode()
    (server.root / "app.wsgi.reload").touch()
    assert server.get("/").body == b"[]"


def test_an_exception_in_reload_required_is_logged(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @ROOT@/app.wsgi")
    script = server.root / "app.wsgi"
    write_script(script, HOOK, 1_700_000_000)
    assert server.get("/").body == b"[]"
    (server.root / "app.wsgi.raise").touch()
    server.log.expect_exception("ValueError", "in the hook")
    assert server.get("/").status == 200


@pytest.mark.parametrize(
    ("script", "identifier", "exception"),
    [
        ("syntax_error", "WC0040", "SyntaxError"),
        ("raises", "WC0042", "ValueError"),
        ("exits", "WC0041", "SystemExit"),
    ],
)
def test_a_failing_script_is_500_and_tried_again(
    httpd: StartHttpd, script: str, identifier: str, exception: str
) -> None:
    server = httpd(f"WSGIScriptAlias / @APPS@/failing/{script}.wsgi")
    expect_load_failure(server, identifier, exception)
    response = server.get("/")
    assert response.status == 500
    assert b"Internal Server Error" in response.body
    server.log.wait_for(rf"^{exception}")
    write_script(server.apps / f"failing/{script}.wsgi", COUNTING.format(loaded=7), 1_700_000_000)
    assert server.get("/").body == b"7"


def test_every_request_tries_a_failing_script_again(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/failing/raises.wsgi")
    expect_load_failure(server, "WC0042", "ValueError", 3)
    server.log.expect(r"^ValueError: while loading$", 3)
    assert [server.get("/").status for _ in range(3)] == [500, 500, 500]


def test_the_traceback_of_a_failing_script_is_whole(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/failing/raises.wsgi")
    expect_load_failure(server, "WC0042", "ValueError")
    server.get("/")
    server.log.wait_for(r"^ValueError: while loading$")
    frames = server.log.find(r'^  File ".*/failing/raises\.wsgi", line \d+, in ')
    assert [record.text.rpartition(" in ")[2] for record in frames] == ["<module>", "deeper"]


def test_a_reload_that_fails_leaves_nothing_half_loaded(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @ROOT@/app.wsgi")
    script = server.root / "app.wsgi"
    write_script(script, COUNTING.format(loaded=1), 1_700_000_000)
    assert server.get("/").body == b"1"
    write_script(script, "LOADED = 2\nraise ValueError('reload')\n", 1_700_000_010)
    expect_load_failure(server, "WC0042", "ValueError")
    assert server.get("/").status == 500
    server.log.wait_for("^ValueError: reload")
    write_script(script, COUNTING.format(loaded=3), 1_700_000_020)
    assert server.get("/").body == b"3"


def test_a_missing_callable_is_500(httpd: StartHttpd) -> None:
    server = httpd("""
        WSGIScriptAlias /a @APPS@/callables.wsgi callable-object=nowhere
        WSGIScriptAlias /b @APPS@/callables.wsgi
        """)
    server.log.expect(r"WC0043: .*nowhere")
    assert server.get("/a").status == 500
    assert server.get("/b").body == b"application"


def test_a_callable_that_is_none_is_500(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/callables.wsgi callable-object=not_callable")
    server.log.expect_exception("TypeError")
    assert server.get("/").status == 500


def test_output_while_loading(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/failing/prints.wsgi")
    server.log.expect(r"printed while loading$")
    server.log.expect(r"to stderr while loading$")
    assert server.get("/").body == b"loaded"


def test_a_coding_cookie_is_honoured(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @ROOT@/app.wsgi")
    text = "# coding: latin-1\nLOADED = len('\xe9')\n" + COUNTING.partition("\n")[2].replace(
        "LOADED = {loaded!r}\n", ""
    )
    (server.root / "app.wsgi").write_bytes(text.encode("latin-1"))
    assert server.get("/").body == b"1"


def test_any_file_name_is_a_script(httpd: StartHttpd) -> None:
    server = httpd('WSGIScriptAlias / "@ROOT@/some file.caf\xe9"')
    write_script(server.root / "some file.caf\xe9", COUNTING.format(loaded=4), 1_700_000_000)
    assert server.get("/").body == b"4"


def test_a_script_with_both_groups_is_loaded_before_any_request(httpd: StartHttpd) -> None:
    server = httpd(
        "WSGIScriptAlias / @APPS@/hello.wsgi process-group=%{GLOBAL} application-group=%{GLOBAL}"
    )
    server.log.wait_for(r"Loading WSGI script '.*hello\.wsgi'")
    assert server.get("/").body == b"Hello world\n"
    assert len(server.log.find(r"Loading WSGI script")) == 1
