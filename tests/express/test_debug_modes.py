"""The debug modes, in a server on a terminal."""

from __future__ import annotations

import os
import pstats
import re
import shutil
import signal
from pathlib import Path

import process
import pytest
from client import Connection
from express import DEADLINE_S, Express
from test_signals import Terminal
from waiting import poll

SITE = """\
import os

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/raise":
        raise ValueError("in the application")
    if path == "/print":
        print("to the terminal", flush=True)
    start_response("200 OK", [("Content-Type", "text/plain")])
    names = [name for name, value in os.environ.items() if value == "true" and "MOD_WSGI" in name]
    return [" ".join([str(os.getpid()), *sorted(names)]).encode()]

def unreached():
    return 1
"""
PROMPT = "(Pdb) "


@pytest.fixture
def site(server: Express) -> Express:
    server.write("site.wsgi", SITE)
    return server


def serve(site: Express, *words: str) -> None:
    site.start("site.wsgi", *words)


def ask(site: Express, target: str) -> Connection:
    """Sends a request, which the prompt holds up."""
    connection = Connection(site.port, DEADLINE_S)
    connection.send_head("GET", target, {"Connection": "close"})
    return connection


def finish(site: Express) -> None:
    """Ends it as Control-C does."""
    assert site.process is not None
    os.killpg(site.process.pid, signal.SIGINT)
    assert site.process.wait(DEADLINE_S) == 0
    assert "Traceback" not in site.log()


def test_debug_mode(site: Express) -> None:
    """One process, the one that was started, with its terminal."""
    site.start_on_terminal("site.wsgi", "--debug-mode")
    site.read_terminal("Locale Setting")
    poll(site.accepts, "the server accepts connections", DEADLINE_S)
    assert site.process is not None
    pid, *modes = site.text().split()
    assert (int(pid), modes) == (site.process.pid, ["MOD_WSGI_DEBUG_MODE", "MOD_WSGI_EXPRESS"])
    assert process.children(int(pid)) == []
    site.text("/print")
    site.read_terminal("to the terminal\n")
    assert "to the terminal" not in site.log()


def test_nothing_is_reloaded_in_debug_mode(site: Express) -> None:
    serve(site, "--debug-mode")
    before = site.text()
    site.write("site.wsgi", "1 / 0")
    assert site.text() == before


def test_the_debugger(site: Express) -> None:
    site.start_on_terminal("site.wsgi", "--enable-debugger")
    site.read_terminal("Locale Setting")
    poll(site.accepts, "the server accepts connections", DEADLINE_S)
    assert "MOD_WSGI_DEBUGGER_ENABLED" in site.text()
    connection = ask(site, "/raise")
    shown = site.read_terminal(PROMPT)
    assert "ValueError: in the application" in shown
    assert '-> raise ValueError("in the application")' in shown
    site.write_terminal("p path\n")
    assert "'/raise'" in site.read_terminal(PROMPT)
    site.write_terminal("c\n")
    assert connection.read_response("GET").status == 500
    assert "MOD_WSGI_DEBUGGER_ENABLED" in site.text()


def test_the_debugger_at_startup(site: Express) -> None:
    site.start_on_terminal("site.wsgi", "--enable-debugger", "--debugger-startup")
    site.read_terminal(PROMPT)
    site.write_terminal("p application\n")
    assert "<function application at" in site.read_terminal(PROMPT)
    line = SITE.splitlines().index('    path = environ["PATH_INFO"]') + 1
    site.write_terminal(f"b {site.directory}/site.wsgi:{line}\n")
    assert "Breakpoint 1 at" in site.read_terminal(PROMPT)
    site.write_terminal("c\n")
    poll(site.accepts, "the server accepts connections", DEADLINE_S)
    connection = ask(site, "/stop-here")
    assert '-> path = environ["PATH_INFO"]' in site.read_terminal(PROMPT)
    site.write_terminal("c\n")
    assert connection.read_response("GET").status == 200


@pytest.mark.skipif(not shutil.which("gdb"), reason="gdb is not installed")
def test_gdb(site: Express) -> None:
    """httpd runs under it at once, can be stopped, looked at and continued, and ends with it."""
    site.words += ["site.wsgi", "--enable-gdb"]
    terminal = Terminal(site)
    try:
        poll(site.accepts, "the server accepts connections", DEADLINE_S)
        assert "MOD_WSGI_GDB_ENABLED" in site.text()
        (httpd,) = process.children(site.pid)
        terminal.type(b"\x03")
        terminal.expect(b"received signal SIGINT")
        terminal.expect(b"(gdb) ")
        terminal.type(b"bt -1\n")
        # gdb colours what it shows.
        main = rb" in (\x1b\[[\d;]*m)?main(\x1b\[m)? \("
        poll(lambda: re.search(main, terminal.read()), "main", 20)
        terminal.type(b"continue\n")
        terminal.expect(b"Continuing.")
        assert str(httpd) in site.text()
        terminal.type(b"\x03")
        poll(lambda: terminal.read().count(b"received signal SIGINT") == 2, "a second stop", 20)
        terminal.type(b"kill\ny\nquit\n")
        assert site.wait() == 0
        process.wait_gone([httpd])
    finally:
        terminal.close()


def test_coverage(site: Express) -> None:
    directory = site.directory / "report"
    serve(site, "--enable-coverage", "--coverage-directory", str(directory))
    assert "MOD_WSGI_COVERAGE_ENABLED" in site.text()
    finish(site)
    assert (directory / "index.html").exists()
    (page,) = directory.glob("*site_wsgi.html")
    lines = [line for line in page.read_text().splitlines() if line.startswith("    <p class=")]
    source = SITE.splitlines()
    for text, executed in (("    start_response", True), ("    return 1", False)):
        number = next(index for index, line in enumerate(source) if line.startswith(text))
        assert ("run" in lines[number].partition('">')[0]) == executed, text


def test_the_profiler(site: Express) -> None:
    directory = site.directory / "profiles"
    serve(site, "--enable-profiler", "--profiler-directory", str(directory))
    for _ in range(3):
        assert "MOD_WSGI_PROFILER_ENABLED" in site.text()
    finish(site)
    (file,) = directory.iterdir()
    stats = pstats.Stats(str(file)).stats
    calls = {(Path(name).name, function): facts[1] for (name, _, function), facts in stats.items()}
    assert calls["site.wsgi", "application"] == 3


def test_the_recorder(site: Express) -> None:
    directory = site.directory / "recordings"
    serve(site, "--enable-recorder", "--recorder-directory", str(directory))
    assert b"MOD_WSGI_RECORDER_ENABLED" in site.form("/page", b"a=b").body
    assert site.get("/raise").status == 500
    files = sorted(directory.iterdir())
    assert len(files) == 14
    content = {path.name.split("-", 2)[2]: path.read_text() for path in files}
    assert content["1.icontent"] == "a=b"
    assert "'PATH_INFO': '/page'" in content["1.iheaders"]
    assert "MOD_WSGI_RECORDER_ENABLED" in content["1.ocontent"]
    assert "ValueError: in the application" in content["2.oaexcept"]


def test_all_at_once(site: Express) -> None:
    serve(site, "--enable-coverage", "--enable-profiler", "--enable-recorder")
    assert site.text().split()[1:] == [
        "MOD_WSGI_COVERAGE_ENABLED",
        "MOD_WSGI_DEBUG_MODE",
        "MOD_WSGI_EXPRESS",
        "MOD_WSGI_PROFILER_ENABLED",
        "MOD_WSGI_RECORDER_ENABLED",
    ]
    finish(site)
    assert (site.server_root / "htmlcov/index.html").exists()
    assert len(list((site.server_root / "pstats").iterdir())) == 1
    assert len(list((site.server_root / "archive").iterdir())) == 7
