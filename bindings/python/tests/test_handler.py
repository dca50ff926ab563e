"""The handler: paths, ways of loading, environment, reloading."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from conftest import MakeHandler
from mod_wsgi.express.handler import set_path
from programs import write
from serving import call, environ

HELLO = """
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]
"""


# Paths


@pytest.mark.parametrize(
    ("mount_point", "script_name", "path_info", "expected"),
    [
        ("", "/page", "", ("", "/page")),
        ("", "", "/page", ("", "/page")),
        ("", "/dir", "/rest", ("", "/dir/rest")),
        ("", "/", "", ("", "/")),
        ("", "", "//a", ("", "//a")),
        ("/api", "/api", "/x", ("/api", "/x")),
        ("/api", "/api/x", "", ("/api", "/x")),
        ("/api", "/api/", "", ("/api", "/")),
        ("/api", "/api", "", ("/api", "")),
        ("/api", "/apix", "/y", ("", "/apix/y")),
        ("/api", "/other", "", ("", "/other")),
        ("/a/b", "/a/b/c", "/d", ("/a/b", "/c/d")),
    ],
)
def test_the_path_of_a_request(
    mount_point: str, script_name: str, path_info: str, expected: tuple[str, str]
) -> None:
    variables = {"SCRIPT_NAME": script_name, "PATH_INFO": path_info}
    set_path(variables, mount_point)
    assert (variables["SCRIPT_NAME"], variables["PATH_INFO"]) == expected


@pytest.mark.parametrize(
    ("mount_point", "local", "path_info", "expected"),
    [
        ("", "/page", "", "/page"),
        ("", "/dir", "/rest", "/dir/rest"),
        ("/api", "/api", "/x", "/x"),
        ("/api", "/api/x", "", "/x"),
        ("/api", "/other", "/x", "/other/x"),
    ],
)
def test_the_path_below_a_trusted_proxy(
    mount_point: str, local: str, path_info: str, expected: str
) -> None:
    variables = {
        "SCRIPT_NAME": "/outside",
        "PATH_INFO": path_info,
        "mod_wsgi.mount_point": "/outside",
        "mod_wsgi.script_name": local,
    }
    set_path(variables, mount_point)
    assert (variables["SCRIPT_NAME"], variables["PATH_INFO"]) == ("/outside", expected)


def test_a_mount_point_may_end_in_a_slash(make_handler: MakeHandler, tmp_path: Path) -> None:
    script = write(
        tmp_path,
        "site.wsgi",
        """
        def application(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()]
        """,
    )
    handler = make_handler(script, mount_point="/api/")
    assert call(handler.handle_request, environ("/api/x")).body == b"/api /x"


# Loading


def test_a_script(make_handler: MakeHandler, tmp_path: Path) -> None:
    script = write(
        tmp_path,
        "my site.wsgi",
        """
        from __future__ import annotations
        import sys
        from dataclasses import dataclass

        @dataclass
        class Greeting:
            text: str

        def site(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [f"{Greeting(__name__).text} {__file__}".encode()]

        FOUND = sys.modules["__wsgi__"].__dict__ is globals()
        """,
    )
    handler = make_handler(script, callable_object="site")
    assert call(handler.handle_request).body == f"__wsgi__ {script}".encode()
    assert sys.modules["__wsgi__"].FOUND


def test_a_script_in_an_encoding_of_its_own(make_handler: MakeHandler, tmp_path: Path) -> None:
    script = tmp_path / "site.wsgi"
    text = "# -*- coding: latin-1 -*-\ntext = 'caf\xe9'\ndef application(e, s): pass\n"
    script.write_bytes(text.encode("latin-1"))
    make_handler(script)
    assert sys.modules["__wsgi__"].text == "caf\xe9"


def test_a_module(
    make_handler: MakeHandler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    write(tmp_path, "project/wsgi.py", HELLO)
    monkeypatch.syspath_prepend(str(tmp_path))
    handler = make_handler("project.wsgi", application_type="module")
    assert call(handler.handle_request).body == b"hello"


def test_a_paste_configuration(
    make_handler: MakeHandler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        tmp_path,
        "pasted.py",
        """
        def factory(global_config, greeting):
            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [greeting.encode()]
            return application
        """,
    )
    ini = write(
        tmp_path, "site.ini", "[app:main]\npaste.app_factory = pasted:factory\ngreeting = hi\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    handler = make_handler(ini, application_type="paste")
    assert call(handler.handle_request).body == b"hi"
    assert not handler.reload_required(str(ini))
    os.utime(ini, (1, 1))
    assert handler.reload_required(str(ini))


def test_static_files_alone(make_handler: MakeHandler) -> None:
    handler = make_handler(application_type="static")
    assert call(handler.handle_request).status == "404 Not Found"
    assert not handler.reload_required("/anything")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("raise ValueError('in the script')", ValueError, "in the script"),
        ("import sys; sys.exit('enough')", SystemExit, "enough"),
        ("def application(:", SyntaxError, "invalid syntax"),
        ("app = None", AttributeError, "has no 'application'; --callable-object"),
        ("application = 'text'", TypeError, "'application' in .* is not callable"),
    ],
)
def test_a_script_that_cannot_be_loaded(
    make_handler: MakeHandler,
    tmp_path: Path,
    text: str,
    error: type[BaseException],
    message: str,
) -> None:
    script = write(tmp_path, "site.wsgi", text)
    with pytest.raises(error, match=message):
        make_handler(script)


def test_a_script_that_fails_leaves_no_module(make_handler: MakeHandler, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        make_handler(write(tmp_path, "site.wsgi", "1 / 0"))
    assert "__wsgi__" not in sys.modules


def test_a_script_that_is_not_there(make_handler: MakeHandler, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.wsgi"):
        make_handler(tmp_path / "missing.wsgi")


def test_a_traceback_names_the_script(make_handler: MakeHandler, tmp_path: Path) -> None:
    script = write(tmp_path, "site.wsgi", "\n\n1 / 0\n")
    with pytest.raises(ZeroDivisionError) as raised:
        make_handler(script)
    last = raised.traceback[-1]
    assert (str(last.path), last.lineno) == (str(script), 2)


# What the application is told


def test_the_environment(
    make_handler: MakeHandler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith("MOD_WSGI_"):
            monkeypatch.delenv(name)
    script = write(
        tmp_path,
        "site.wsgi",
        "import os; SEEN = dict(os.environ)\ndef application(environ, start_response): pass\n",
    )
    make_handler(script, server_name="example.com", server_aliases=["a.com", "*.b.com"])
    seen = sys.modules["__wsgi__"].SEEN
    assert {name: value for name, value in seen.items() if name.startswith("MOD_WSGI_")} == {
        "MOD_WSGI_EXPRESS": "true",
        "MOD_WSGI_SERVER_NAME": "example.com",
        "MOD_WSGI_SERVER_ALIASES": "a.com *.b.com",
    }


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("debug_mode", "MOD_WSGI_DEBUG_MODE"),
        ("debugger_enabled", "MOD_WSGI_DEBUGGER_ENABLED"),
        ("recorder_enabled", "MOD_WSGI_RECORDER_ENABLED"),
        ("gdb_enabled", "MOD_WSGI_GDB_ENABLED"),
    ],
)
def test_a_mode_in_the_environment(
    make_handler: MakeHandler, tmp_path: Path, setting: str, name: str
) -> None:
    settings = {setting: True, "recorder_directory": str(tmp_path / "archive")}
    assert name not in os.environ
    make_handler(write(tmp_path, "site.wsgi", HELLO), **settings)
    assert os.environ[name] == "true"


def test_the_working_directory_in_debug_mode(make_handler: MakeHandler, tmp_path: Path) -> None:
    script = write(tmp_path, "site.wsgi", HELLO)
    make_handler(script, working_directory="/somewhere")
    assert "/somewhere" not in sys.path
    make_handler(script, working_directory="/somewhere", debug_mode=True)
    assert sys.path[0] == "/somewhere"


# Reloading


def test_a_script_is_loaded_again_when_it_changes(
    make_handler: MakeHandler, tmp_path: Path
) -> None:
    script = write(tmp_path, "site.wsgi", HELLO)
    handler = make_handler(script)
    assert not handler.reload_required("/any/page")
    facts = script.stat()
    os.utime(script, ns=(facts.st_atime_ns, facts.st_mtime_ns - 1))
    assert handler.reload_required("/any/page")
    os.utime(script, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert not handler.reload_required("/any/page")
    script.unlink()
    assert handler.reload_required("/any/page")


def test_a_module_is_loaded_again_when_it_changes(
    make_handler: MakeHandler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = write(tmp_path, "reloaded_site.py", HELLO)
    monkeypatch.syspath_prepend(str(tmp_path))
    handler = make_handler("reloaded_site", application_type="module")
    assert not handler.reload_required("/any/page")
    os.utime(module, (1, 1))
    assert handler.reload_required("/any/page")


def test_the_handler_after_a_change(
    make_handler: MakeHandler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process that is not replaced, the module of the application is imported anew."""
    write(tmp_path, "beside.py", "")
    module = write(tmp_path, "changing_site.py", "import beside\n" + dedent(HELLO))
    monkeypatch.syspath_prepend(str(tmp_path))
    make_handler("changing_site", application_type="module")
    loaded = dict(sys.modules)
    make_handler("changing_site", application_type="module")
    assert sys.modules["changing_site"] is loaded["changing_site"]

    module.write_text("1 / 0")
    with pytest.raises(ZeroDivisionError):
        make_handler("changing_site", application_type="module")
    module.write_text("import beside\n" + dedent(HELLO).replace("hello", "hello again"))
    handler = make_handler("changing_site", application_type="module")
    assert call(handler.handle_request).body == b"hello again"
    assert sys.modules["beside"] is loaded["beside"]
    assert not handler.reload_required("/any/page")


def test_nothing_is_loaded_again_in_debug_mode(make_handler: MakeHandler, tmp_path: Path) -> None:
    script = write(tmp_path, "site.wsgi", HELLO)
    handler = make_handler(script, debug_mode=True)
    os.utime(script, (1, 1))
    assert not handler.reload_required("/any/page")
