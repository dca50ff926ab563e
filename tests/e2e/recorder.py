"""The test's side of tests/apps/gateway/recorder.py: events and gates by token."""

from __future__ import annotations

import itertools
import os

from server import Watched

NUMBERS = itertools.count()


def new_token() -> str:
    """A token that no other test of this run uses."""
    return f"{os.getpid()}-{next(NUMBERS)}"


def events(server: Watched, token: str, until: str, seconds: float = 5.0) -> list[str]:
    """What the application recorded, once `until` is among it."""
    found = server.get("/events", token=token, until=until, seconds=seconds).json()
    assert until in found, f"{until!r} was not recorded: {found}"
    return list(found)


def open_gate(server: Watched, token: str) -> None:
    server.get("/open_gate", token=token)
