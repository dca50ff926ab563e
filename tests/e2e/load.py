"""A light, bounded load: a few threads that ask again and again and remember what failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from client import Connection
from waiting import poll


class Load:
    """Asks from several threads until it is stopped or its time is over."""

    def __init__(self, ask: Callable[[], None], threads: int, seconds: float) -> None:
        self.ask = ask
        self.deadline = time.monotonic() + seconds
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.answered = 0
        self.failures: list[str] = []
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopping.set()
        self.wait()

    def wait(self) -> None:
        for thread in self.threads:
            thread.join()

    def wait_answers(self, count: int) -> None:
        """Waits until there are `count` more answers."""
        before = self.answered
        poll(lambda: self.answered >= before + count, f"{count} answers")

    def run(self) -> None:
        while not self.stopping.is_set() and time.monotonic() < self.deadline:
            try:
                self.ask()
            except Exception as error:
                self.note(f"{type(error).__name__}: {error}")
            else:
                self.note(None)

    def note(self, failure: str | None) -> None:
        with self.lock:
            if failure is None:
                self.answered += 1
            else:
                self.failures.append(failure)


def asking(port: int, path: str, body: bytes) -> Callable[[], None]:
    """One request on a new connection whose answer must be whole and right."""

    def ask() -> None:
        with Connection(port) as connection:
            response = connection.request("GET", path, {"Connection": "close"})
            assert response.status == 200, response.status
            assert response.complete and response.body == body, response.body[:100]

    return ask
