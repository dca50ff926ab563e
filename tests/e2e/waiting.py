"""Waiting for things that happen in other processes: polling with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class DeadlineError(AssertionError):
    """What was waited for did not happen in time."""


def poll(check: Callable[[], T], what: str, seconds: float = 10.0) -> T:
    """Returns the first true result of `check`, which is called until the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > deadline:
            raise DeadlineError(f"not within {seconds} s: {what}")
        time.sleep(0.005)
