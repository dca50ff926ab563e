"""Programs on a terminal."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable


def read_until(fd: int, is_enough: Callable[[str], bool], what: str, seconds: float) -> str:
    """What appears on the terminal until there is enough of it, with plain newlines."""
    deadline = time.monotonic() + seconds
    seen = ""
    while not is_enough(seen):
        ready, _, _ = select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"no {what} after {seen!r}"
        # Half of a line end may be there: it is made plain with the rest of it.
        seen = (seen + os.read(fd, 4096).decode()).replace("\r\n", "\n")
    return seen
