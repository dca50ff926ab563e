"""The debug mode `--enable-debugger`: pdb where an exception leaves the application."""

from __future__ import annotations

import bdb
import os
import pdb
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from types import FrameType, TracebackType
from typing import Any

from .steps import Application, Environ, Response, StartResponse, Step, T


class Prompt(pdb.Pdb):
    """The one for all requests."""

    def __init__(self) -> None:
        # Without a signal handler: requests are not served by the thread that could install it.
        super().__init__(nosigint=True)

    def lookupmodule(self, filename: str) -> str | None:
        """From 3.13 on pdb takes the path of a script without `.py` at its end for a module."""
        if os.path.isabs(filename) and os.path.isfile(filename):
            return filename
        return super().lookupmodule(filename)


class Debugger:
    """Middleware with a pdb on the terminal of the server."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._pdb = Prompt()
        self._terminal = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return Response(self._run, self._application, environ, start_response)

    def break_at_startup(self, application: Application) -> None:
        """Give the prompt once, for a look at the application and for breakpoints in it.

        The breakpoints hold in all requests. Quitting is continuing without them.
        """
        with self._terminal:
            try:
                self._pdb.set_trace()
                print("Debugging", application)
            except bdb.BdbQuit:
                self._pdb.clear_all_breaks()
            finally:
                sys.settrace(None)

    def _run(self, step: Step, function: Callable[..., T], /, *arguments: Any) -> T:
        del step
        try:
            if self._pdb.get_all_breaks():
                return self._run_to_breakpoints(function, *arguments)
            return function(*arguments)
        except bdb.BdbQuit:
            raise
        except BaseException as error:
            self._post_mortem(error)
            raise

    def _run_to_breakpoints(self, function: Callable[..., T], *arguments: Any) -> T:
        """Tracing is a matter of each thread, and the prompt at startup was on another one."""
        before = sys.gettrace()
        with self._terminal:
            self._pdb.reset()
            self._pdb.botframe = sys._getframe()
            self._pdb.set_continue()
            sys.settrace(self._pdb.trace_dispatch)
            try:
                return function(*arguments)
            finally:
                sys.settrace(before)

    def _post_mortem(self, error: BaseException) -> None:
        trace = _of_application(error.__traceback__)
        text = "".join(traceback.format_exception(type(error), error, trace))
        with self._terminal:
            self._pdb.message(text.rstrip("\n"))
            self._pdb.reset()
            self._pdb.interaction(None, trace)


def _of_application(trace: TracebackType | None) -> TracebackType | None:
    """Without the frames of debug modes, which tell nothing about the application."""
    while trace is not None and trace.tb_next is not None and _is_ours(trace.tb_frame):
        trace = trace.tb_next
    return trace


def _is_ours(frame: FrameType) -> bool:
    module: str = frame.f_globals.get("__name__", "")
    return module == "cProfile" or module.rpartition(".")[0] == __package__
