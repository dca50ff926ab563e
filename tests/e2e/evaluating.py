"""Asking tests/apps/evaluate.wsgi for the value of an expression."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from client import Connection, Headers
from server import Watched


def evaluate(
    server: Watched | Connection, path: str, expression: str, headers: Headers = ()
) -> Any:
    """The value of a Python expression inside the application at `path`."""
    target = f"{path}?{quote(expression)}"
    if isinstance(server, Connection):
        return server.request("GET", target, headers).json()
    return server.get(target, headers).json()


def environ(server: Watched, path: str, key: str, headers: Headers = ()) -> Any:
    """One value of the environ, None when it is absent."""
    return evaluate(server, path, f"environ.get({key!r})", headers)
