"""A WSGI response taken in steps, for the debug modes that watch each of them."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class End:
    """What the end of an iteration is told by."""


END = End()


class Step(enum.Enum):
    """What an application is doing."""

    CALL = "call"
    ITERATION = "iteration"
    CLOSE = "close"


class Run(Protocol):
    """Makes one step: calls the function with the arguments and gives what it returns."""

    def __call__(self, step: Step, function: Callable[..., T], /, *arguments: Any) -> T: ...


class Response(Iterator[bytes]):
    """The response of an application, every step of which is made by `run`."""

    def __init__(
        self, run: Run, application: Application, environ: Environ, start_response: StartResponse
    ) -> None:
        self._run = run
        self._iterable = run(Step.CALL, application, environ, start_response)
        self._iterator: Iterator[bytes] | None = None

    def __next__(self) -> bytes:
        if self._iterator is None:
            self._iterator = self._run(Step.ITERATION, iter, self._iterable)
        # With a default, for the end of an iteration is no exception that leaves the application.
        block: bytes | End = self._run(Step.ITERATION, next, self._iterator, END)
        if isinstance(block, End):
            raise StopIteration
        return block

    def close(self) -> None:
        close = getattr(self._iterable, "close", None)
        if close is not None:
            self._run(Step.CLOSE, close)
