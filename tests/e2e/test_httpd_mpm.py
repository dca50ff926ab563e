"""prefork, worker and event all serve, alone and side by side."""

from __future__ import annotations

import functools
import threading

import pytest

from client import Connection
from conftest import StartHttpd
from evaluating import evaluate
from httpd import Mpm
from load import Load, asking

ALIAS = "WSGIScriptAlias / @APPS@/evaluate.wsgi\n"
MPMS = [
    (Mpm("prefork", 2, 1, 2), False, True),
    (Mpm("prefork", 1, 1, 1), False, False),
    (Mpm("worker", 2, 4, 2), True, True),
    (Mpm("worker", 1, 1, 1), False, False),
    (Mpm("event", 2, 4, 2), True, True),
    (Mpm("event", 1, 4, 1), True, False),
]


@pytest.mark.parametrize(
    ("mpm", "multithread", "multiprocess"), MPMS, ids=lambda value: str(value)[:40]
)
def test_concurrency_is_told(
    httpd: StartHttpd, mpm: Mpm, multithread: bool, multiprocess: bool
) -> None:
    server = httpd(ALIAS, mpm)
    assert evaluate(server, "/", "environ['wsgi.multithread']") is multithread
    assert evaluate(server, "/", "environ['wsgi.multiprocess']") is multiprocess
    assert evaluate(server, "/", "apache.mpm_name") == mpm.name


@pytest.mark.parametrize("name", ["prefork", "worker", "event"])
def test_a_thousand_requests(httpd: StartHttpd, name: str) -> None:
    mpm = Mpm(name, 2, 1 if name == "prefork" else 16, 4)
    server = httpd("WSGIScriptAlias / @APPS@/hello.wsgi", mpm)
    answers: list[bytes] = []

    def ask() -> None:
        with Connection(server.port) as connection:
            for _ in range(250):
                answers.append(connection.request("GET", "/").body)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"Hello world\n"] * 1000


@pytest.mark.parametrize("name", ["prefork", "worker", "event"])
def test_groups_side_by_side(httpd: StartHttpd, name: str) -> None:
    aliases = "".join(
        f"WSGIScriptAlias /{n} @APPS@/evaluate.wsgi application-group={n}\n" for n in "abc"
    )
    server = httpd(aliases, Mpm(name, 1, 1 if name == "prefork" else 8, 4))

    def ask(group: str) -> None:
        with Connection(server.port) as connection:
            for number in range(50):
                expression = f"[mod_wsgi.application_group, {number}]"
                assert evaluate(connection, f"/{group}", expression) == [group, number]

    loads = [Load(functools.partial(ask, group), 1, 3) for group in "abc"]
    for load in loads:
        load.__enter__()
    for load in loads:
        load.wait()
        assert load.failures == []


def test_stop_under_load(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/hello.wsgi", Mpm("event", 2, 4, 2))
    server.log.allow("WC0080: ")
    with Load(asking(server.port, "/", b"Hello world\n"), 8, 10) as load:
        load.wait_answers(500)
        assert load.failures == []
        server.server.stop()
