"""The monitor, with real files, in a process that it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import programs
import pytest
from mod_wsgi.express import reloader

# Prints a line when it looks at the files for the second time, so that it knows them all.
PROGRAM = """
    import os, sys, time
    sys.path.insert(0, os.getcwd())
    from mod_wsgi.express import reloader

    looks = 0
    def module_files(original=reloader.module_files):
        global looks
        looks += 1
        if looks == 2:
            print("watching", flush=True)
        return original()
    reloader.module_files = module_files

    import watched
    for path in sys.argv[1:]:
        reloader.track_changes(path)
    reloader.start_reloader(interval=0.1)
    reloader.start_reloader(interval=0.05)
    reloader.start_reloader(interval=600)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        sys.exit(3)
"""
Start = Callable[..., "Watching"]


class Watching:
    """A process that watches `watched.py` and more files."""

    def __init__(self, directory: Path, *tracked: str) -> None:
        self.process = subprocess.Popen(
            [*programs.command(PROGRAM), *tracked],
            cwd=directory,
            env=programs.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "watching\n"

    def lines(self) -> list[str]:
        """What it has logged when it ends of the change."""
        _, log = self.process.communicate(timeout=programs.DEADLINE_S)
        assert self.process.returncode == 3, log
        prefix = f"monitor (pid={self.process.pid}): "
        lines = log.splitlines()
        assert all(line.startswith(prefix) for line in lines), log
        return [line.removeprefix(prefix) for line in lines]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    processes = []
    (tmp_path / "watched.py").write_text("")

    def run(*tracked: str) -> Watching:
        watching = Watching(tmp_path, *tracked)
        processes.append(watching.process)
        return watching

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def log_of_a_change(path: Path | str) -> list[str]:
    return [
        "Starting change monitor.",
        f"Change detected to '{path}'.",
        "Triggering process restart.",
    ]


def test_a_module_that_changes(start: Start, tmp_path: Path) -> None:
    watching = start()
    os.utime(tmp_path / "watched.py", (1, 1))
    assert watching.lines() == log_of_a_change(tmp_path / "watched.py")


def test_a_module_that_goes(start: Start, tmp_path: Path) -> None:
    watching = start()
    (tmp_path / "watched.py").unlink()
    assert watching.lines()[-1] == "Triggering process restart."


def test_a_tracked_file(start: Start, tmp_path: Path) -> None:
    (tmp_path / "settings.ini").write_text("")
    watching = start("settings.ini")
    os.utime(tmp_path / "settings.ini", (1, 1))
    assert watching.lines() == log_of_a_change(tmp_path / "settings.ini")


def test_a_tracked_file_that_comes(start: Start, tmp_path: Path) -> None:
    watching = start("settings.ini")
    (tmp_path / "settings.ini").write_text("")
    assert watching.lines() == log_of_a_change(tmp_path / "settings.ini")


def test_the_end_of_the_process(tmp_path: Path) -> None:
    """The monitor does not hold it up."""
    begin = time.monotonic()
    log = programs.run(
        """
        import threading
        from mod_wsgi.express.reloader import start_reloader
        start_reloader(interval=600)
        assert "monitor" in [thread.name for thread in threading.enumerate()]
        """,
        tmp_path,
    ).stderr
    assert log.endswith("Starting change monitor.\n")
    assert time.monotonic() - begin < 300


def test_compiled_files_stand_for_their_source(monkeypatch: pytest.MonkeyPatch) -> None:
    class Module:
        def __init__(self, file: object) -> None:
            self.__file__ = file

    modules = {name: Module(name) for name in ("a.py", "b.pyc", "c.pyo", "d.pyd", "e.so", "f.ini")}
    monkeypatch.setattr(sys, "modules", {**modules, "none": Module(None), "odd": 1})
    assert list(reloader.module_files()) == ["a.py", "b.py", "c.py", "d.py", "e.so", "f.ini"]
