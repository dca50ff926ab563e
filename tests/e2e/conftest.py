"""Fixtures: a running server per test or per session, whose error log must hold no surprise."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import microhttpd
import sharing
from httpd import Httpd, Mpm, module_path
from microhttpd import Microhttpd
from server import Server, Watched

GATEWAY_CONFIG = """
WSGIScriptAlias / @APPS@/gateway.wsgi
WSGIChunkedRequest On
"""
GATEWAY_GROUP = """
WSGIDaemonProcess gateway threads=8
WSGIProcessGroup gateway
"""
GATEWAY_OPTIONS = {"chunked-request": "On"}
HOSTS = ["httpd", "daemon", "microhttpd"]


def pytest_sessionstart(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    for path in (module_path(), microhttpd.binary()):
        if not path.exists():
            pytest.exit(f"{path} is not there; build and stage first", returncode=3)


def gateway(host: str, config: str = "", options: dict[str, str] | None = None) -> Server:
    """The gateway applications at / of a host; chunked requests are allowed."""
    if host == "httpd":
        return Httpd(GATEWAY_CONFIG + config)
    if host == "daemon":
        return Httpd(GATEWAY_CONFIG + GATEWAY_GROUP + config, group="gateway")
    return Microhttpd("gateway.wsgi", GATEWAY_OPTIONS | (options or {}))


@pytest.fixture(scope="session", params=HOSTS)
def shared(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One server per host for all gateway tests."""
    yield from sharing.serve(gateway(request.param))


@pytest.fixture
def server(shared: Server) -> Iterator[Watched]:
    """The shared server of the host, with the log of this test."""
    yield from sharing.watch(shared)


StartServer = Callable[[Server], Watched]
StartHttpd = Callable[..., Watched]


@pytest.fixture
def start() -> Iterator[StartServer]:
    """Starts a server of the test's own; its whole log is watched until it has ended."""
    started: list[Watched] = []

    def run(server: Server) -> Watched:
        watched = Watched(server, from_start=True)
        started.append(watched)
        server.start()
        return watched

    yield run
    end_all(started)


def end_all(started: list[Watched]) -> None:
    """Stops all, then checks all; one that fails does not keep the others from it."""
    with ExitStack() as stack:
        for watched in started:
            stack.callback(watched.server.remove)
            stack.callback(watched.finish)
            stack.callback(watched.server.stop)


@pytest.fixture
def httpd(start: StartServer) -> StartHttpd:
    """Starts an httpd with this configuration, once `prepare` has filled its directory."""

    def run(
        config: str,
        mpm: Mpm | None = None,
        modules: str = "",
        prepare: Callable[[Path], None] = lambda root: None,
    ) -> Watched:
        server = Httpd(config, mpm, modules)
        prepare(server.root)
        return start(server)

    return run


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest) -> str:
    """The name of each host in turn, for tests that start their own server."""
    return str(request.param)
