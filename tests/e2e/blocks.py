"""Asking tests/apps/blocks.wsgi for a response of the test's choice."""

from __future__ import annotations

from urllib.parse import quote

from client import Response
from server import Watched


def target(expression: str) -> str:
    """The target of a request for these blocks."""
    return f"/?{quote(expression)}"


def blocks(server: Watched, expression: str) -> Response:
    """The response whose blocks the Python expression gives."""
    return server.get(target(expression))
