"""What an application sees of its server: process, interpreter, both environs, request body.

It shows everything to everybody, so it is for trying things out.
"""

from __future__ import annotations

import locale
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

BLOCK_SIZE = 65536


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return answer(environ)


def answer(environ: Mapping[str, Any]) -> Iterator[bytes]:
    """The report, then the body of the request as it came."""
    yield "".join(line + "\n" for line in report(environ)).encode("utf-8", "backslashreplace")
    body = environ["wsgi.input"]
    while block := body.read(BLOCK_SIZE):
        yield block


def report(environ: Mapping[str, Any]) -> Iterator[str]:
    """The report, line by line."""
    yield from section("Process", process())
    yield from section("Versions", versions(environ))
    yield from section("Groups", groups(environ))
    yield from section("Locale", locales())
    yield from section("WSGI environ", environ)
    yield from section("os.environ", os.environ)
    yield "[sys.path]"
    yield from sys.path
    yield ""


def section(title: str, values: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{title}]"
    for name in sorted(values):
        yield f"{name}: {values[name]!r}"
    yield ""


def process() -> dict[str, Any]:
    return {
        "PID": os.getpid(),
        "UID": os.getuid(),
        "GID": os.getgid(),
        "CWD": os.getcwd(),
        "Thread": threading.current_thread().name,
    }


def versions(environ: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Python": sys.version,
        "Python prefix": sys.prefix,
        "Apache": environ.get("apache.version"),
        "mod_wsgi": environ.get("mod_wsgi.version"),
    }


def groups(environ: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Process group": environ.get("mod_wsgi.process_group"),
        "Application group": environ.get("mod_wsgi.application_group"),
        "Multithread": environ["wsgi.multithread"],
        "Multiprocess": environ["wsgi.multiprocess"],
    }


def locales() -> dict[str, Any]:
    return {
        "Locale": locale.setlocale(locale.LC_ALL),
        "Preferred encoding": locale.getpreferredencoding(False),
        "File system encoding": sys.getfilesystemencoding(),
        "Default encoding": sys.getdefaultencoding(),
    }
