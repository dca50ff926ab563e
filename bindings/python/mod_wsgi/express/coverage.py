"""The debug mode `--enable-coverage`: an HTML report on what requests have executed."""

from __future__ import annotations

import atexit
import functools
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

import coverage

from .steps import Application, Environ, Response, StartResponse, Step, T


@functools.cache
def start(directory: str) -> Coverage:
    """Measure from now on; once per process, also when the application is loaded again."""
    return Coverage(directory)


class Coverage:
    """A measurement of this process, reported at its end."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._coverage = coverage.Coverage(data_file=None)
        self._coverage.start()
        # coverage.py relies on threading.settrace(), which threads of the server know nothing of.
        self._trace = threading.gettrace()
        atexit.register(self._report)

    def wrap(self, application: Application) -> Application:
        """Middleware that measures an application on the threads of the server."""

        def measured(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            return Response(self._run, application, environ, start_response)

        return measured

    def _run(self, step: Step, function: Callable[..., T], /, *arguments: Any) -> T:
        del step
        if self._trace is not None and sys.gettrace() is None:
            sys.settrace(self._trace)
        return function(*arguments)

    def _report(self) -> None:
        self._coverage.stop()
        try:
            self._coverage.html_report(directory=self._directory)
        except coverage.CoverageException as error:
            print(f"No coverage report: {error}", file=sys.stderr)
