"""What becomes of changes to the files of an application."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import NewServer
from express import Express
from waiting import poll

SITE = """\
import os
{imports}

def application(environ, start_response):
    {work}
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{{os.getpid()}} {text}".encode()]
"""


def site(text: str, imports: str = "", work: str = "pass") -> str:
    return SITE.format(text=text, imports=imports, work=work)


@pytest.mark.parametrize(
    "words", [["site_of_test.py"], ["--application-type", "module", "site_of_test"]]
)
def test_a_change_of_the_entry_point(server: Express, words: list[str]) -> None:
    """The very next request has it, from another process."""
    server.write("site_of_test.py", site("one"))
    server.start(*words)
    pids = {server.text().split()[0]}
    for text in ("two and", "three and more"):
        server.write("site_of_test.py", site(text))
        pid, _, rest = server.text().partition(" ")
        assert rest == text
        assert pid not in pids
        pids.add(pid)


def test_a_change_that_breaks_it(server: Express) -> None:
    server.write("site.wsgi", site("one"))
    server.start("site.wsgi")
    assert server.text().endswith(" one")
    server.write("site.wsgi", "1 / 0\n")
    assert [server.get().status for _ in range(2)] == [500, 500]
    assert server.log().count("ZeroDivisionError: division by zero") >= 2
    server.write("site.wsgi", site("mended"))
    assert server.text().endswith(" mended")


def test_disable_reloading(server: Express) -> None:
    server.write("site.wsgi", site("one"))
    server.start("site.wsgi", "--disable-reloading")
    before = server.text()
    server.write("site.wsgi", site("changed"))
    assert server.text() == before


def test_a_module_beside_it(server: Express) -> None:
    """It is not looked at without --reload-on-changes."""
    server.write("beside.py", "TEXT = 'one'\n")
    server.write("site.wsgi", site("{beside.TEXT}", imports="import beside"))
    server.start("site.wsgi")
    before = server.text()
    server.write("beside.py", "TEXT = 'changed'\n")
    assert server.text() == before
    assert "change monitor" not in server.log()


@pytest.mark.parametrize("processes", ["1", "2"])
def test_reload_on_changes(server: Express, processes: str) -> None:
    """A changed module replaces every process, and no request fails meanwhile."""
    path = server.write("beside.py", "TEXT = 'one'\n")
    server.write("site.wsgi", site("{beside.TEXT}", imports="import beside"))
    server.start("site.wsgi", "--reload-on-changes", "--processes", processes)
    assert server.text().endswith(" one")
    server.wait_for_log("Starting change monitor.", int(processes))
    # Two looks, so that it is known.
    server.write("tracked", "")
    old = server.text().split()[0]
    threading.Event().wait(2.1)
    path.write_text("TEXT = 'changed'\n")
    answers: list[str] = []

    def is_replaced() -> bool:
        answers.append(server.text())
        return server.log().count("Triggering process restart.") >= int(processes)

    poll(is_replaced, "the processes see the change", 30)
    poll(lambda: not server.text().startswith(f"{old} "), "another process answers", 30)
    poll(lambda: server.text().endswith(" changed"), "the change is there", 30)
    assert f"Change detected to '{path}'." in server.log()


def write(path: Path, text: str) -> None:
    path.write_text(text)


def replace(path: Path, text: str) -> None:
    """As editors do that write beside the file and rename, and keep the time."""
    new = path.with_name(f".{path.name}.swp")
    new.write_text(text)
    facts = path.stat()
    os.utime(new, ns=(facts.st_atime_ns, facts.st_mtime_ns - 10**9))
    new.replace(path)


def move_away(path: Path, text: str) -> None:
    """As editors do that keep the old one as a copy."""
    path.rename(f"{path}~")
    path.write_text(text)


@pytest.mark.parametrize("save", [write, replace, move_away])
def test_ways_to_save(server: Express, save: Callable[[Path, str], None]) -> None:
    """A module in a package, saved as editors do."""
    server.write("package/__init__.py", "")
    path = server.write("package/part.py", "TEXT = 'one'\n")
    server.write("site.wsgi", site("{package.part.TEXT}", "import package.part"))
    server.start("site.wsgi", "--reload-on-changes")
    for before, text in (("one", "two"), ("two", "three")):
        assert poll(server.text, "an answer").endswith(f" {before}")
        save(path, f"TEXT = '{text}'\n")
        poll(lambda text=text: server.get().body.endswith(f" {text}".encode()), "the change", 30)


@pytest.mark.parametrize("removed", ["package/part.py", "package/__init__.py", "package"])
def test_what_is_deleted(server: Express, removed: str) -> None:
    """A module that the application can do without, and a package that it cannot."""
    server.write("package/__init__.py", "TEXT = 'whole'\n")
    server.write("package/part.py", "")
    imports = "try:\n    import package.part\n    TEXT = package.TEXT\n"
    imports += "except (ImportError, AttributeError):\n    TEXT = 'without'\n"
    server.write("site.wsgi", site("{TEXT}", imports))
    server.start("site.wsgi", "--reload-on-changes")
    assert server.text().endswith(" whole")
    path = server.directory / removed
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    poll(lambda: server.get().body.endswith(b" without"), "the application without it", 30)
    # It is there again.
    server.write("package/__init__.py", "TEXT = 'mended'\n")
    server.write("package/part.py", "")
    server.write("site.wsgi", site("{TEXT}", imports) + "# touched\n")
    poll(lambda: server.get().body.endswith(b" mended"), "the application with it", 30)


def test_a_module_that_is_imported_later(server: Express) -> None:
    path = server.write("late.py", "TEXT = 'one'\n")
    server.write("site.wsgi", site("{late.TEXT}", work="import late"))
    server.start("site.wsgi", "--reload-on-changes")
    assert server.text().endswith(" one")
    threading.Event().wait(1.5)
    path.write_text("TEXT = 'two'\n")
    poll(lambda: server.get().body.endswith(b" two"), "the change", 30)


def test_a_request_in_flight_when_a_module_changes(server: Express) -> None:
    path = server.write("beside.py", "import time\n")
    server.write("site.wsgi", site("done", "import beside", "beside.time.sleep(3)"))
    server.start("site.wsgi", "--reload-on-changes")
    server.wait_for_log("Starting change monitor.")
    threading.Event().wait(2.1)
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(server.text()))
    thread.start()
    threading.Event().wait(0.2)
    path.write_text("import time  # changed\n")
    thread.join()
    assert answers[0].endswith(" done")
    server.wait_for_log("Triggering process restart.")


def test_reload_on_changes_after_a_failed_start(new_server: NewServer) -> None:
    """What made the application fail may be in another file."""
    server = new_server()
    path = server.write("beside.py", "TEXT = 'one'\n")
    server.write("site.wsgi", site("{beside.TEXT}", imports="import beside"))
    server.start("site.wsgi", "--reload-on-changes")
    threading.Event().wait(2.1)
    path.write_text("TEXT: int = 1 / 0\n")
    poll(lambda: server.get().status == 500, "the change is there", 30)
    path.write_text("TEXT = 'mended'\n")
    poll(lambda: server.get().body.endswith(b" mended"), "it is mended", 30)


def test_a_handler_script(server: Express) -> None:
    """That of --add-handler, for its own files."""
    handler = """
import os
def handle_request(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    names = ("SCRIPT_NAME", "PATH_INFO", "SCRIPT_FILENAME")
    return ["{} {} {} {}".format("%s", *map(environ.get, names)).encode()]
"""
    script = server.write("hello.py", handler % "one")
    file = server.write("public/page.hello", "")
    server.write("site.wsgi", site("application"))
    words = ["--document-root", "public", "--add-handler", ".hello", str(script)]
    server.start("site.wsgi", *words)
    assert server.text("/page.hello/rest") == f"one /page.hello /rest {file}"
    assert server.text("/other").endswith(" application")
    script.write_text(handler % "two")
    assert server.text("/page.hello") == f"two /page.hello  {file}"
