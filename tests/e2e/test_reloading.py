"""Scripts that change, or say that they have, in embedded and in daemon mode."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conftest import StartHttpd
from groups import wait_inside, writable
from httpd import Mpm
from server import Watched

MODES = ["embedded", "daemon"]

ANSWERING = """
import os
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"{answer} %d" % os.getpid()]
"""

HOOK = """
calls = []
def reload_required(path):
    calls.append(path)
    if os.path.exists(path + ".raise"):
        raise ValueError("in the hook")
    return os.path.exists(path + ".reload")
"""

FAILURES = {
    "def application(:\n": ("WC0040", "SyntaxError"),
    "answer = 2\nraise ValueError('half loaded')\n": ("WC0042", "ValueError"),
    "import sys\nsys.exit(1)\n": ("WC0041", "SystemExit"),
}

WAITING = """
import os, time
ANSWER = b"{answer}"
def application(environ, start_response):
    gate = environ["QUERY_STRING"]
    open(gate + ".started", "w").close()
    while not os.path.exists(gate):
        time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [ANSWER]
"""


def put(script: Path, text: str, mtime: int) -> None:
    """Replaces a script in one step, with a modification time of its own."""
    new = script.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o644)
    os.utime(new, (mtime, mtime))
    new.rename(script)


def serve(httpd: StartHttpd, mode: str, text: str, directives: str = "") -> tuple[Watched, Path]:
    """A server with this script at /."""
    config, group = "", "%{GLOBAL}"
    if mode == "daemon":
        config, group = "WSGIDaemonProcess app threads=4 shutdown-timeout=20\n", "app"
    config += f"WSGIProcessGroup {group}\nWSGIScriptAlias / @ROOT@/app.wsgi\n{directives}"
    server = httpd(config, Mpm("event", 1, 8, 1))
    script = server.root / "app.wsgi"
    put(script, text, 1_700_000_000)
    return server, script


def ask(server: Watched) -> tuple[str, int]:
    """The answer, and the process that gave it."""
    response = server.get("/")
    assert response.status == 200, response
    answer, pid = response.body.split()
    return answer.decode(), int(pid)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("step", [1, -1])
def test_a_changed_script(httpd: StartHttpd, mode: str, step: int) -> None:
    """It is loaded again in place, or in another process; older counts as changed, too."""
    server, script = serve(httpd, mode, ANSWERING.format(answer=1))
    first = ask(server)
    put(script, ANSWERING.format(answer=2), 1_700_000_000)
    assert ask(server) == first
    put(script, ANSWERING.format(answer=3), 1_700_000_000 + step)
    answer, pid = ask(server)
    assert answer == "3"
    assert (pid == first[1]) is (mode == "embedded")


@pytest.mark.parametrize("mode", MODES)
def test_reloading_off(httpd: StartHttpd, mode: str) -> None:
    text = ANSWERING.format(answer=1) + HOOK
    server, script = serve(httpd, mode, text, "WSGIScriptReloading Off\n")
    first = ask(server)
    put(script, ANSWERING.format(answer=2), 1_700_000_010)
    script.with_suffix(".wsgi.reload").touch()
    assert [ask(server) for _ in range(3)] == [first] * 3


@pytest.mark.parametrize("mode", MODES)
def test_the_hook_decides(httpd: StartHttpd, mode: str) -> None:
    """`reload_required` is called with the name of the file, and what it says is done."""
    text = ANSWERING.format(answer=1).replace('b"1 %d"', 'b"%d %d"').replace(
        "% os.getpid()", "% (len(calls), os.getpid())"
    )
    server, script = serve(httpd, mode, text + HOOK)
    first = ask(server)
    assert [ask(server) for _ in range(2)] == [("1", first[1]), ("2", first[1])]
    reload = script.with_suffix(".wsgi.reload")
    reload.touch()
    answer, pid = ask(server)
    # A new module, which was not asked itself.
    assert answer == "0"
    assert (pid == first[1]) is (mode == "embedded")
    reload.unlink()
    assert ask(server) == ("1", pid)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options", ["", " application-group=%{GLOBAL}"])
def test_a_hook_that_always_says_yes(httpd: StartHttpd, mode: str, options: str) -> None:
    """Each request gets a new module, also where processes load the script before any request."""
    group = "app" if mode == "daemon" else "%{GLOBAL}"
    config = "WSGIDaemonProcess app\n" if mode == "daemon" else ""
    config += f"WSGIScriptAlias / @APPS@/always_reloading.wsgi process-group={group}{options}\n"
    server = httpd(config, Mpm("event", 1, 8, 1))
    responses = [server.get("/") for _ in range(4)]
    assert [response.status for response in responses] == [200] * 4
    assert len({response.body for response in responses}) == 4


@pytest.mark.parametrize("mode", MODES)
def test_an_exception_in_the_hook_is_logged(httpd: StartHttpd, mode: str) -> None:
    server, script = serve(httpd, mode, ANSWERING.format(answer=1) + HOOK)
    first = ask(server)
    script.with_suffix(".wsgi.raise").touch()
    server.log.expect(r"WC0050: .*ValueError exception raised processing WSGI script")
    server.log.expect(r"^ValueError: in the hook$")
    server.log.tracebacks = True
    assert ask(server) == first
    server.log.wait_for(r"ValueError: in the hook")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("broken", FAILURES)
def test_a_script_that_fails_is_gone_until_it_changes(
    httpd: StartHttpd, mode: str, broken: str
) -> None:
    """The old module does not answer any more, a half-loaded one never does."""
    server, script = serve(httpd, mode, ANSWERING.format(answer=1))
    assert ask(server)[0] == "1"
    put(script, broken, 1_700_000_010)
    identifier, exception = FAILURES[broken]
    server.log.expect(rf"^{identifier}: .*{exception} exception raised", 2)
    server.log.expect(rf"^{exception}(:|$)", 2)
    server.log.tracebacks = True
    assert [server.get("/").status for _ in range(2)] == [500, 500]
    put(script, ANSWERING.format(answer=3), 1_700_000_020)
    assert ask(server)[0] == "3"


@pytest.mark.parametrize("mode", MODES)
def test_requests_in_flight_keep_the_old_module(httpd: StartHttpd, mode: str) -> None:
    server, script = serve(httpd, mode, WAITING.format(answer="old"))
    connection, gate = wait_inside(server)
    put(script, WAITING.format(answer="new"), 1_700_000_010)
    other = server.connect()
    other.send_head("GET", f"/?{writable(server)}/gate-1")
    if mode == "embedded":
        # Both modules serve at the same time; a process makes way for the next one first.
        second, gate_2 = wait_inside(server, 2)
        gate_2.touch()
        assert second.read_response().body == b"new"
    gate.touch()
    assert connection.read_response().body == b"old"
    (writable(server) / "gate-1").touch()
    assert other.read_response().body == b"new"
