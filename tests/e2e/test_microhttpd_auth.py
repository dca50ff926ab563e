"""What only the second host does with users: its command line, its connections and its nonces."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

import microhttpd
import sharing
from client import Connection, Response
from deciding import basic, function, put, second_host
from microhttpd import Microhttpd
from modes import MODES
from server import Server, Watched
from test_httpd_auth import HASHES, PASSWORD, digest

SCRIPT = {"auth-user-script": "@ROOT@/decide.py"}
LET_IN = function(PASSWORD, "return user == 'jo'")


@pytest.fixture(scope="module", params=MODES)
def with_passwords(request: pytest.FixtureRequest) -> Iterator[Server]:
    """In both modes the host itself asks; the mode is that of the application."""
    group = "app threads=8" if request.param == "daemon" else ""
    server = Microhttpd("evaluate.wsgi", SCRIPT, "/app", group, ["-b", "a place"])
    yield from sharing.serve(server)


@pytest.fixture(scope="module")
def with_digests() -> Iterator[Server]:
    yield from sharing.serve(second_host("embedded", SCRIPT, ["-d", "a place"]))


@pytest.fixture
def server(with_passwords: Server) -> Iterator[Watched]:
    put(with_passwords.root, LET_IN)
    yield from sharing.watch(with_passwords)


@pytest.fixture
def digests(with_digests: Server) -> Iterator[Watched]:
    put(with_digests.root, HASHES)
    yield from sharing.watch(with_digests)


@pytest.mark.parametrize(
    "value", ["Basic", "Basic ", "Basic !", "Basic am8=", "Bearer am86eA==", "Digest", "jo:x", ""]
)
def test_what_is_no_user_with_a_password(server: Watched, value: str) -> None:
    put(server.root, function(PASSWORD, "return True"), 1)
    assert server.get("/app?1", {"Authorization": value}).status == 401


def test_a_connection_outlives_a_refusal(server: Watched) -> None:
    body = b"x" * 200_000
    target = "/app?len(environ['wsgi.input'].read())"
    with server.connect() as connection:
        for _ in range(2):
            assert connection.request("POST", target, (), body).status == 401
            answer = connection.request("POST", target, basic("jo", ""), body)
            assert answer.json() == len(body)
        assert connection.request("HEAD", "/app?1").status == 401
        assert connection.request("GET", "/app?1", basic("jo", "x")).status == 200


def test_each_request_has_users_of_its_own(server: Watched) -> None:
    target = "/app?environ.get('REMOTE_USER')"
    with server.connect() as connection:
        assert connection.request("GET", target, basic("jo", "x")).json() == "jo"
        assert connection.request("GET", target).status == 401


def test_an_application_may_answer_401_itself(server: Watched) -> None:
    (server.apps / "evaluate.wsgi").rename(server.apps / "moved.wsgi")
    try:
        (server.apps / "evaluate.wsgi").write_text(UNAUTHORIZED)
        answer = server.get("/app?1", basic("jo", "x"))
    finally:
        (server.apps / "moved.wsgi").rename(server.apps / "evaluate.wsgi")
    assert (answer.status, answer.body) == (401, b"own")
    assert answer.all("WWW-Authenticate") == ["Own"]


UNAUTHORIZED = """
def application(environ, start_response):
    start_response("401 Unauthorized", [("WWW-Authenticate", "Own")])
    return [b"own"]
"""


def test_nobody_is_asked_about_what_is_not_there(server: Watched) -> None:
    assert server.get("/other").status == 404
    assert server.get("/application").status == 404
    assert server.get("/app/?1").status == 401


def answer(connection: Connection, challenge: Response, password: str = "secret") -> Response:
    return connection.request("GET", "/?1", digest(challenge, "jo", password))


def is_stale(response: Response) -> bool:
    assert response.status == 401
    # The first standard wants the quotes, the second does not; so do versions of libmicrohttpd.
    return bool(re.search(r'\bstale=("true"|true)', response.header("WWW-Authenticate") or ""))


def test_a_nonce_of_another_connection_is_stale(digests: Watched) -> None:
    with digests.connect() as first, digests.connect() as second:
        challenge = first.request("GET", "/?1")
        second.request("GET", "/?1")
        refused = answer(second, challenge)
        assert is_stale(refused)
        assert answer(second, refused).status == 200
        assert answer(first, challenge).status == 200


def test_an_answer_counts_once(digests: Watched) -> None:
    with digests.connect() as connection:
        challenge = connection.request("GET", "/?1")
        refused = answer(connection, challenge, "wrong")
        assert not is_stale(refused)
        assert answer(connection, refused).status == 200
        assert answer(connection, refused).status == 401


def test_an_answer_is_for_one_request(digests: Watched) -> None:
    with digests.connect() as connection:
        challenge = connection.request("GET", "/?1")
        fields = digest(challenge, "jo", "secret")
        assert connection.request("GET", "/?2", fields).status == 401
        assert connection.request("POST", "/?1", fields, b"x").status == 401


def test_another_address_needs_no_new_password(digests: Watched) -> None:
    with digests.connect() as connection:
        challenge = connection.request("GET", "/?1")
        fields = digest(challenge, "jo", "secret", "/x?1")
        answer = connection.request("GET", "/x?1", fields)
        if answer.status == 401:
            # libmicrohttpd before 1.0 makes each nonce for one address.
            assert is_stale(answer)
            fields = digest(answer, "jo", "secret", "/x?1")
            answer = connection.request("GET", "/x?1", fields)
        assert answer.status == 200


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-r", "staff"], "usage"),
        (["-o", "auth-user-script=users.py"], "auth-user-script"),
        (["-o", "access-script="], "access-script"),
        (["-o", "trusted-proxies=nonsense"], "trusted-proxies"),
    ],
)
def test_what_can_not_be_meant_does_not_start(arguments: list[str], expected: str) -> None:
    command = [microhttpd.binary(), *arguments, "-p", "0", os.devnull]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert result.returncode == 1
    assert result.stderr.startswith(f"wsgi_httpd: {expected}: ")
