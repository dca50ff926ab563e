"""Evaluates the Python expression in the query string; what that raises leaves the application.

At /late the response has begun before.

Covers: timers and limits: requests that are interrupted, that keep the GIL, that use up the processor.
"""

import ctypes  # noqa: F401
import os  # noqa: F401
import time
from urllib.parse import unquote


def spin(seconds):
    """Takes time in Python code, in small steps."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.01)


def burn(seconds):
    """Uses up time of the processor."""
    deadline = time.process_time() + seconds
    while time.process_time() < deadline:
        pass


def keep_the_gil(seconds):
    """Waits in C, without letting other threads run Python code."""
    ctypes.PyDLL(None).sleep(seconds)


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/late":
        yield b"first"
    yield repr(eval(unquote(environ["QUERY_STRING"]))).encode()
