"""The profile that is left at the end of a process."""

from __future__ import annotations

import os
import pstats
import re
from pathlib import Path

from programs import run

PROGRAM = """
    import threading
    from mod_wsgi.express.profiler import start

    def imported():
        pass

    def load():
        imported()

    def block():
        return b"x"

    def application(environ, start_response):
        return (block() for number in range(3))

    start("profiles").profile(load)
    application = start("profiles").wrap(application)

    def serve():
        response = application({}, None)
        assert b"".join(response) == b"xxx"
        response.close()

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()
"""


def test_a_profile(tmp_path: Path) -> None:
    """Of the loading and of requests, which are served on another thread."""
    run(PROGRAM, tmp_path)
    (file,) = (tmp_path / "profiles").iterdir()
    assert re.fullmatch(r"\d{16,}-\d+\.pstats", file.name)
    assert not re.match(rf".*-{os.getpid()}\.", file.name)
    calls = {name: facts[1] for (_, _, name), facts in pstats.Stats(str(file)).stats.items()}
    assert (calls["imported"], calls["block"], calls["application"]) == (1, 3, 1)
