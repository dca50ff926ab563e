"""Expressions that apps/environ.wsgi evaluates in the server."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from client import Connection, Response
from express import DEADLINE_S, Express

SLEEP = "__import__('time').sleep({})"
SPIN = "[__import__('time').sleep(0.01) for _ in range({} * 100)]"
"""Sleeps so many seconds in Python code, which can be interrupted."""
KEEP_THE_GIL = "__import__('ctypes').PyDLL(None).sleep({})"


def target(expression: str, path: str = "/") -> str:
    return f"{path}?evaluate={quote(expression)}"


def ask(server: Express, expression: str, path: str = "/") -> Response:
    return server.get(target(expression, path))


def evaluate(server: Express, expression: str, path: str = "/") -> Any:
    """The value of an expression."""
    return ask(server, expression, path).json()


def own_pid(server: Express, path: str = "/") -> int:
    """The process that answers."""
    return int(evaluate(server, "os.getpid()", path))


def begin(server: Express, expression: str) -> Connection:
    """Sends a request, whose response the caller reads."""
    connection = Connection(server.port, DEADLINE_S)
    connection.send_head("GET", target(expression))
    return connection
