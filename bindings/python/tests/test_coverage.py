"""The report on what was executed."""

from __future__ import annotations

from pathlib import Path

from programs import run, write

SITE = """\
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"reached"]


def unreached():
    return b"never"
"""

# Not a thread of threading's, which is what the threads of a server are like.
PROGRAM = """
    import _thread
    import sys
    sys.path.insert(0, ".")
    from mod_wsgi.express.coverage import start

    measurement = start("report")
    import site_of_test
    application = measurement.wrap(site_of_test.application)
    done = _thread.allocate_lock()

    def serve():
        list(application({}, lambda status, headers: None))
        done.release()

    done.acquire()
    _thread.start_new_thread(serve, ())
    done.acquire()
"""


def test_a_report(tmp_path: Path) -> None:
    write(tmp_path, "site_of_test.py", SITE)
    run(PROGRAM, tmp_path)
    (page,) = (tmp_path / "report").glob("*site_of_test_py.html")
    assert (tmp_path / "report/index.html").exists()
    # Lines of a report have the class `run` or `mis` before their source.
    lines = [line for line in page.read_text().splitlines() if line.startswith("    <p class=")]
    executed = ["run" in line.partition('">')[0] for line in lines]
    assert [executed[number - 1] for number in (1, 2, 3, 6, 7)] == [True, True, True, True, False]


def test_nothing_to_report(tmp_path: Path) -> None:
    """The project's own configuration of coverage.py holds."""
    write(tmp_path, ".coveragerc", "[run]\nsource = nowhere\n")
    program = "from mod_wsgi.express.coverage import start\nstart('report')\n"
    assert "No coverage report: No data to report." in run(program, tmp_path).stderr
