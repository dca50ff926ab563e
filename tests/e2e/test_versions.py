"""Every installed runtime: several interpreters, eight threads, thousands of requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from client import Connection
from conftest import StartHttpd, StartServer
from evaluating import evaluate
from httpd import Httpd, Mpm
from load import Load
from runtimes import homes, installed, make_environment
from server import Watched

VERSIONS = [version for version in installed() if version in homes()]
GROUPS = ["%{GLOBAL}", "one", "two", "three"]
SECONDS = 4
ALIASES = "".join(
    f"WSGIScriptAlias /{number} @APPS@/evaluate.wsgi application-group={group}\n"
    f"WSGIScriptAlias /app{number} @APPS@/gateway.wsgi application-group={group}\n"
    for number, group in enumerate(GROUPS)
)


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], Path]:
    """Makes a virtual environment of a version below a directory."""

    def make(version: str, root: Path) -> Path:
        return make_environment(homes()[version], version, root / f"venv-{version}")

    return make


def start_version(
    start: StartServer, environments: Callable[[str, Path], Path], version: str, mpm: Mpm
) -> Watched:
    httpd = Httpd(ALIASES, mpm)
    home = environments(version, httpd.root)
    httpd.config.write_text(httpd.config.read_text() + f"WSGIPythonHome {home}\n")
    return start(httpd)


def test_a_runtime_is_installed() -> None:
    assert installed()
    missing = [version for version in homes() if version not in installed()]
    assert not missing, f"no runtime for {missing}"


def check_group(connection: Connection, number: int) -> None:
    group = "" if number == 0 else GROUPS[number]
    expression = "[mod_wsgi.application_group, len(json.dumps(sorted(environ), default=repr)) > 0]"
    assert evaluate(connection, f"/{number}", expression) == [group, True]
    response = connection.request("POST", f"/app{number}/input_digest", {}, b"x" * 3000)
    assert response.json()[0] == 3000
    assert connection.request("GET", f"/app{number}/generator").body == b"one two"


def asking_all(port: int) -> Callable[[], None]:
    def ask() -> None:
        with Connection(port) as connection:
            for number in range(len(GROUPS)):
                check_group(connection, number)

    return ask


@pytest.mark.parametrize("version", VERSIONS)
def test_the_environment_chooses_the_version(
    start: StartServer, environments: Callable[[str, Path], Path], version: str
) -> None:
    server = start_version(start, environments, version, Mpm())
    for number in range(len(GROUPS)):
        found = evaluate(server, f"/{number}", "[*sys.version_info[:2], sys.prefix]")
        assert ".".join(map(str, found[:2])) == version
        assert found[2] == str(server.root / f"venv-{version}")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_request_is_answered_and_the_end_is_clean(
    start: StartServer, environments: Callable[[str, Path], Path], version: str
) -> None:
    server = start_version(start, environments, version, Mpm("event", 1, 16, 1))
    with Load(asking_all(server.port), 8, SECONDS) as load:
        load.wait()
    assert load.failures == []
    assert load.answered * len(GROUPS) * 3 > 1000


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
@pytest.mark.parametrize("version", VERSIONS)
def test_ending_under_load(
    start: StartServer, environments: Callable[[str, Path], Path], version: str, mpm: str
) -> None:
    """Requests are dropped, as httpd does; nothing crashes and nothing survives."""
    threads = 1 if mpm == "prefork" else 16
    server = start_version(start, environments, version, Mpm(mpm, 2, threads, 2))
    # A thread of the worker MPM may linger for two seconds for a client that has not closed yet, and
    # httpd warns about children that take three. One of the event MPM may want to wait for another
    # request when what it would wait with is gone (AH03093).
    server.log.allow(
        r"AH00045: |AH03093: |WC0035: |WC0080: "
        r"|WC0050: .* OSError |^OSError: mod_wsgi request data read"
    )
    server.log.tracebacks = True
    with Load(asking_all(server.port), 8, 10) as load:
        load.wait_answers(20)
        assert load.failures == []
        server.server.stop()


@pytest.mark.parametrize("version", VERSIONS)
def test_tracebacks_are_whole(httpd: StartHttpd, start: StartServer, version: str) -> None:
    server = Httpd("WSGIScriptAlias / @APPS@/gateway.wsgi\n", Mpm())
    home = make_environment(homes()[version], version, server.root / "venv")
    server.config.write_text(server.config.read_text() + f"WSGIPythonHome {home}\n")
    watched = start(server)
    watched.log.expect_exception("ValueError", "at once")
    assert watched.get("/raise_at_once").status == 500
    watched.log.wait_for(r"^ValueError: at once")
    files = watched.log.find(r'^  File ".*", line \d+, in (application|raise_at_once)$')
    assert len(files) == 2
