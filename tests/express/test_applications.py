"""Kinds of applications, how they are named, loaded and reloaded."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest
from conftest import Start
from express import title
from waiting import poll

HELLO = """\
def {name}(environ, start_response):
    body = {text!r}.encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""


def hello(path: Path, text: str, name: str = "application") -> Path:
    path.write_text(HELLO.format(name=name, text=text))
    return path


def test_script(start: Start, site: Path) -> None:
    assert start(hello(site / "app.wsgi", "script")).get("/any/path").body == b"script"


def test_relative_script(express: Start) -> None:
    server = express("app.wsgi")
    hello(server.directory / "app.wsgi", "relative")
    server.start()
    assert server.get().body == b"relative"


def test_entry_point_wins(start: Start, site: Path) -> None:
    one, two = hello(site / "one.wsgi", "one"), hello(site / "two.wsgi", "two")
    assert start(one, "--entry-point", two).get().body == b"two"


def test_callable_object(start: Start, site: Path) -> None:
    script = hello(site / "app.wsgi", "named", "other")
    assert start(script, "--callable-object", "other").get().body == b"named"


def test_module(start: Start, site: Path) -> None:
    (site / "package").mkdir()
    (site / "package/__init__.py").touch()
    hello(site / "package/web.py", "module", "app")
    server = start(
        *("package.web", "--application-type", "module", "--callable-object", "app"),
        *("--working-directory", site),
    )
    assert server.get().body == b"module"


@pytest.mark.parametrize("name", ["package.web:app", "package.web.app"])
def test_object(start: Start, site: Path, name: str) -> None:
    """One in a module, which is reloaded when that changes."""
    (site / "package").mkdir()
    (site / "package/__init__.py").touch()
    module = hello(site / "package/web.py", "object", "app")
    server = start(name, "--application-type", "object", "--working-directory", site)
    assert server.get().body == b"object"
    hello(module, "changed", "app")
    os.utime(module, (1, 1))
    assert server.get().body == b"changed"


def test_missing_object(express: Start, site: Path) -> None:
    hello(site / "web.py", "object", "app")
    words = ("--application-type", "object", "web:other", "--working-directory", site)
    result = express(*words).run()
    assert result.returncode == 1
    assert "web: 'other' is not defined" in result.stderr


def test_paste(start: Start, site: Path) -> None:
    pytest.importorskip("paste.deploy")
    factory = "\n\ndef make(configuration):\n    return application\n"
    web = hello(site / "web.py", "pasted")
    web.write_text(web.read_text() + factory)
    (site / "site.ini").write_text("[app:main]\nuse = call:web:make\n")
    server = start("--application-type", "paste", site / "site.ini", "--python-path", site)
    assert server.get().body == b"pasted"


def test_diagnostics(start: Start) -> None:
    server = start("--application-type", "module", "mod_wsgi.diagnostics.hello")
    assert server.get().body == b"Hello World!"


def test_diagnostics_of_the_environ(start: Start) -> None:
    server = start("--application-type", "module", "mod_wsgi.diagnostics.environ")
    text = server.request("POST", "/x", body=b"the body").body.decode()
    for part in ("PATH_INFO: '/x'", "MOD_WSGI_EXPRESS: 'true'", "mod_wsgi.version", "the body"):
        assert part in text


def test_welcome_page(start: Start) -> None:
    response = start().get("/")
    assert response.status == 200
    assert (response.header("Content-Type") or "").startswith("text/html")


def test_late_failure(express: Start, site: Path) -> None:
    """A script that fails only in the server: logged, and 500 until it is mended."""
    script = site / "app.wsgi"
    script.write_text(
        "import os\n"
        "if 'MOD_WSGI_EXPRESS' in os.environ: raise RuntimeError('late')\n"
        f"{HELLO.format(name='application', text='unused')}"
    )
    server = express(script)
    server.start()
    server.expected.append(".*")
    assert server.get().status == 500
    assert "RuntimeError: late" in server.log()
    hello(script, "mended")
    os.utime(script, (1, 1))
    assert poll(lambda: server.get().status == 200 and server.get().body, "mended") == b"mended"


def test_changed_script_is_reloaded(start: Start, site: Path) -> None:
    script = hello(site / "app.wsgi", "before")
    server = start(script)
    assert server.get().body == b"before"
    hello(script, "after")
    os.utime(script, (1, 1))
    assert server.get().body == b"after"


def test_changed_script_is_not_reloaded(start: Start, site: Path) -> None:
    script = hello(site / "app.wsgi", "before")
    server = start(script, "--disable-reloading")
    assert server.get().body == b"before"
    hello(script, "after")
    os.utime(script, (1, 1))
    assert server.get().body == b"before"


def test_reload_on_changes(start: Start, site: Path) -> None:
    """Of any module."""
    (site / "part.py").write_text("TEXT = b'before'\n")
    (site / "app.wsgi").write_text(
        textwrap.dedent("""\
        import part

        def application(environ, start_response):
            start_response("200 OK", [("Content-Length", str(len(part.TEXT)))])
            return [part.TEXT]
        """)
    )
    server = start(site / "app.wsgi", "--reload-on-changes", "--python-path", site)
    server.expected.append(r"monitor \(pid=|Watching|Change|Trigger|WC0")
    assert server.get().body == b"before"
    (site / "part.py").write_text("TEXT = b'after'\n")
    os.utime(site / "part.py", (1, 1))
    poll(lambda: server.get().body == b"after", "the new text", 20)


def test_embedded(start: Start, environ_app: Path) -> None:
    server = start(environ_app, "--embedded-mode")
    facts = server.environ()
    assert facts["mod_wsgi.process_group"] == ""
    assert not server.workers()


def test_debug_mode(start: Start, environ_app: Path, site: Path) -> None:
    """One process with one thread, and the terminal is the application's."""
    (site / "app.wsgi").write_text(
        "print('loaded', flush=True)\n" + HELLO.format(name="application", text="debugging")
    )
    server = start(site / "app.wsgi", "--debug-mode")
    assert server.get().body == b"debugging"
    assert "\nloaded\n" in server.told()
    assert server.processes() == [server.pid]


def test_coverage_and_profiler_and_recorder(express: Start, site: Path) -> None:
    pytest.importorskip("coverage")
    server = express(
        hello(site / "app.wsgi", "watched"),
        *("--enable-coverage", "--enable-profiler", "--enable-recorder"),
    )
    server.start()
    assert server.get().body == b"watched"
    server.stop()
    assert (server.server_root / "htmlcov/index.html").exists()
    assert list((server.server_root / "pstats").glob("*.pstats"))
    assert len(list((server.server_root / "archive").iterdir())) >= 4


def test_process_group_and_names(start: Start, environ_app: Path) -> None:
    server = start(
        *(environ_app, "--process-group", "site", "--process-name", "my server"),
        *("--application-group", "app", "--processes", "2", "--threads", "1"),
    )
    facts = server.environ()
    assert facts["mod_wsgi.process_group"] == "site"
    assert facts["mod_wsgi.application_group"] == "app"
    assert facts["wsgi.multiprocess"] is True
    assert facts["wsgi.multithread"] is False
    assert title(server.pid).startswith("my server -f ")
    assert {title(pid) for pid in server.workers()} == {"(wsgi:site)"}


def test_default_names(start: Start, environ_app: Path) -> None:
    server = start(environ_app)
    facts = server.environ()
    assert facts["wsgi.multiprocess"] is False
    assert facts["wsgi.multithread"] is True
    address = f"localhost:{server.port}"
    assert [title(pid) for pid in server.workers()] == [f"(wsgi:{address}:{os.getuid()})"]
    assert title(server.pid).startswith("apache2 (mod_wsgi-express) ")
