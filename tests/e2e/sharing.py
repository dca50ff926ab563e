"""One running server for many tests: the bodies of fixtures, to be used with `yield from`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from server import Server, Watched


def serve(server: Server) -> Iterator[Server]:
    """Runs a server for the scope of the fixture; the log is checked once more at its end."""
    with ExitStack() as stack:
        stack.callback(server.remove)
        stack.callback(server.stop)
        server.start()
        yield server
        last = Watched(server)
        server.stop()
        last.finish()


def watch(server: Server) -> Iterator[Watched]:
    """The server during one test; one that died in an earlier test is started again."""
    if not server.is_alive():
        server.start()
    watched = Watched(server)
    yield watched
    assert server.is_alive(), f"the server died:\n{server.log.path.read_text()[-3000:]}"
    watched.finish()
