"""Extension modules written in C."""

from __future__ import annotations

import threading

from client import Connection
from conftest import StartServer
from httpd import Httpd, Mpm


def test_numpy_in_the_main_interpreter_from_eight_clients(start: StartServer) -> None:
    config = "WSGIScriptAlias / @APPS@/numbers.wsgi\nWSGIPythonPath @PACKAGES@\n"
    server = start(Httpd(config, Mpm("event", 1, 16, 1)))
    expected = str(sum(range(200 * 200))).encode()
    answers: list[bytes] = []

    def ask() -> None:
        with Connection(server.port, 60) as connection:
            for _ in range(25):
                answers.append(connection.request("GET", "/?200").body)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 200


def test_standard_extensions_in_several_interpreters(start: StartServer) -> None:
    """Modules of the standard library that are written in C, in three interpreters at once."""
    aliases = "".join(
        f"WSGIScriptAlias /{n} @APPS@/extensions.wsgi application-group={n}\n" for n in "abc"
    )
    server = start(Httpd(aliases, Mpm("event", 1, 16, 1)))
    for _ in range(3):
        for name in "abc":
            response = server.get(f"/{name}")
            assert (response.status, response.body) == (200, b"3.50 ok 2 1")
