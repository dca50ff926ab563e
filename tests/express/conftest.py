"""Fixtures: servers that mod_wsgi-express starts, whose error log must hold no surprise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from express import APPS, Express, public_directory

Start = Callable[..., Express]


@pytest.fixture
def express() -> Iterator[Start]:
    """Makes servers, which are stopped, looked over and removed after the test."""
    with ExitStack() as stack:

        def make(*words: str | Path, user: list[str] | None = None) -> Express:
            server = Express(*words, user=user)
            stack.callback(server.remove)
            stack.callback(finish, server)
            return server

        yield make


@pytest.fixture
def start(express: Start) -> Start:
    """Starts servers."""
    return lambda *words, **facts: express(*words, **facts).start()


def finish(server: Express) -> None:
    server.stop()
    assert not server.surprises(), server.log


@pytest.fixture
def site() -> Iterator[Path]:
    """A directory for files that the serving account reads."""
    directory = public_directory()
    yield directory
    import shutil

    shutil.rmtree(directory)


@pytest.fixture
def environ_app() -> Path:
    return APPS / "environ.wsgi"
