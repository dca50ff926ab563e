"""The debug mode `--enable-profiler`: where the time of the application goes, by cProfile."""

from __future__ import annotations

import atexit
import cProfile
import functools
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from .steps import Application, Environ, Response, StartResponse, Step, T


@functools.cache
def start(directory: str) -> Profiler:
    """One profile for the process, also when the application is loaded again."""
    return Profiler(directory)


class Profiler:
    """A profile of an application, written at the end of the process.

    It is on while the application runs and off between, since cProfile sees one thread (through
    Python 3.11) or mixes them up (later), and loading and serving are done by different ones.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._profile = cProfile.Profile()
        self._running = threading.Lock()
        atexit.register(self._write)

    def profile(self, function: Callable[..., T], /, *arguments: Any) -> T:
        """Call a function and count what it does."""
        with self._running:
            return self._profile.runcall(function, *arguments)

    def wrap(self, application: Application) -> Application:
        """Middleware that profiles an application."""

        def profiled(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            return Response(self._run, application, environ, start_response)

        return profiled

    def _run(self, step: Step, function: Callable[..., T], /, *arguments: Any) -> T:
        del step
        return self.profile(function, *arguments)

    def _write(self) -> None:
        os.makedirs(self._directory, exist_ok=True)
        name = f"{time.time_ns() // 1000}-{os.getpid()}.pstats"
        self._profile.dump_stats(os.path.join(self._directory, name))
