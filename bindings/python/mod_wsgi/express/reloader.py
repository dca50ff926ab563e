"""Ending the process when a source file of the application changes.

With `--reload-on-changes` a thread looks at the files of all imported modules, and at those named
by `track_changes()`. After a change the process sends itself SIGINT, and is replaced.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator

from .scripts import modification_time

COMPILED = (".pyc", ".pyo", ".pyd")


def start_reloader(interval: float = 1.0) -> None:
    """Watch from now on, looking every `interval` seconds.

    Called again it can only shorten the interval. On Windows, where no process is replaced, it does
    nothing.
    """
    if os.name != "nt":
        _monitor.start(interval)


def track_changes(path: str | os.PathLike[str]) -> None:
    """Watch a file that is not a module, such as one with settings."""
    _monitor.track(os.path.abspath(path))


class Monitor:
    """The thread that watches, and what it knows."""

    def __init__(self) -> None:
        self._interval = 0.0
        self._known: dict[str, int | None] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def track(self, path: str) -> None:
        self._known.setdefault(path, modification_time(path))

    def start(self, interval: float) -> None:
        with self._lock:
            if self._thread is not None:
                self._interval = min(self._interval, interval)
                return
            self._interval = interval
            # What changes from now on counts, and not only from when the thread first looks.
            self._changed_file()
            self._thread = threading.Thread(target=self._watch, name="monitor", daemon=True)
            self._thread.start()
            atexit.register(self._stop, self._thread)

    def _stop(self, thread: threading.Thread) -> None:
        self._stopping.set()
        thread.join()

    def _watch(self) -> None:
        _log("Starting change monitor.")
        while not self._stopping.wait(self._interval):
            changed = self._changed_file()
            if changed is not None:
                _log(f"Change detected to '{changed}'.")
                _log("Triggering process restart.")
                os.kill(os.getpid(), signal.SIGINT)
                return

    def _changed_file(self) -> str | None:
        for path in module_files():
            if path not in self._known:
                modified = modification_time(path)
                # What never was a file, such as a member of an archive, does not vanish.
                if modified is not None:
                    self._known[path] = modified
        for path, modified in list(self._known.items()):
            if modification_time(path) != modified:
                return path
        return None


def module_files() -> Iterator[str]:
    """The source files of all modules that are imported."""
    for module in list(sys.modules.values()):
        try:
            # Around the module's own ways of looking up an attribute, which may import things.
            path = object.__getattribute__(module, "__dict__").get("__file__")
        except AttributeError:
            continue
        if isinstance(path, str):
            yield path[:-1] if path.endswith(COMPILED) else path


def _log(message: str) -> None:
    print(f"monitor (pid={os.getpid()}): {message}", file=sys.stderr, flush=True)


_monitor = Monitor()
