"""Fixtures: servers that mod_wsgi-express starts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from express import APPS, Express, public_directory

NewServer = Callable[..., Express]
Start = Callable[..., Express]


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


@pytest.fixture
def express() -> Iterator[Start]:
    """Makes servers with words of a command line; their logs must hold no surprise."""
    servers: list[Express] = []

    def make(*words: str | Path) -> Express:
        server = Express()
        server.words = list(words)
        servers.append(server)
        return server

    yield make
    told = []
    for server in servers:
        try:
            if server.process is not None:
                server.stop()
            told += server.surprises()
        finally:
            server.remove()
    assert not told


@pytest.fixture
def start(express: Start) -> Start:
    """Makes such servers and starts them."""

    def make(*words: str | Path, **environ: str) -> Express:
        server = express(*words)
        server.start(**environ)
        return server

    return make


@pytest.fixture
def site() -> Iterator[Path]:
    """A directory for files that the serving account reads."""
    directory = public_directory()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def environ_app() -> Path:
    return APPS / "environ.wsgi"
