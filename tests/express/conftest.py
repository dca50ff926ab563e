from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from express import Express

NewServer = Callable[..., Express]


@pytest.fixture
def new_server() -> Iterator[NewServer]:
    """Makes servers that are gone after the test. They are to be started by the test."""
    servers: list[Express] = []

    def make(command: Sequence[str | Path] | None = None) -> Express:
        servers.append(Express(command) if command else Express())
        return servers[-1]

    yield make
    for server in servers:
        server.remove()


@pytest.fixture
def server(new_server: NewServer) -> Express:
    return new_server()
