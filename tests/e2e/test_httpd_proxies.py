"""WSGITrustedProxyHeaders and WSGITrustedProxies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import sharing
from client import Headers
from conftest import StartServer
from evaluating import evaluate
from microhttpd import Microhttpd
from modes import MODES, in_mode
from server import Server, Watched

# mod_remoteip believes X-Peer, so that a test can come from any address.
CONFIG = """
RemoteIPHeader X-Peer
RemoteIPInternalProxy 127.0.0.1
WSGIScriptAlias /none @APPS@/evaluate.wsgi
WSGIScriptAlias / @APPS@/evaluate.wsgi
WSGITrustedProxyHeaders X-Forwarded-For
<Location /some>
    WSGITrustedProxies 10.0.0.0/8 "192.168.0.0/255.255.0.0"
    WSGITrustedProxies 2001:db8::/32 127.0.0.1
</Location>
<Location /some/other>
    WSGITrustedProxies 172.16.0.1
</Location>
<Location /all>
    WSGITrustedProxyHeaders x-forwarded-for X-REAL-IP X-Unknown
    WSGITrustedProxyHeaders X-Forwarded-Host X-Forwarded-Server X-Forwarded-Port
    WSGITrustedProxyHeaders X-Script-Name X-Forwarded-Proto X-HTTPS
</Location>
<Location /none>
    WSGITrustedProxyHeaders None
</Location>
<Location /all/https>
    SetEnv HTTPS on
</Location>
"""
FOR = "HTTP_X_FORWARDED_FOR"


@pytest.fixture(scope="module", params=MODES)
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from sharing.serve(in_mode(request.param, CONFIG, modules="remoteip"))


@pytest.fixture
def server(running: Server) -> Iterator[Watched]:
    yield from sharing.watch(running)


def look(server: Watched, path: str, keys: list[str], headers: Headers) -> list[Any]:
    return list(evaluate(server, path, f"list(map(environ.get, {keys!r}))", headers))


def chain(server: Watched, path: str, sent: str, peer: str = "10.0.0.9") -> list[Any]:
    headers = [("X-Peer", peer), ("X-Forwarded-For", sent)]
    return look(server, path, ["REMOTE_ADDR", FOR], headers)


CHAINS = [
    ("1.1.1.1, 2.2.2.2, 10.0.0.5", "2.2.2.2", "2.2.2.2, 10.0.0.5"),
    ("1.1.1.1, 2.2.2.2", "2.2.2.2", "2.2.2.2"),
    ("10.0.0.1, 10.0.0.2", "10.0.0.1", "10.0.0.1, 10.0.0.2"),
    (
        "9.9.9.9,2001:db9::1,192.168.1.1,2001:db8::1",
        "2001:db9::1",
        "2001:db9::1, 192.168.1.1, 2001:db8::1",
    ),
    ("9.9.9.9, nonsense, 10.0.0.1", "nonsense", "nonsense, 10.0.0.1"),
    ("9.9.9.9, 10.0.0.1:80", "10.0.0.1:80", "10.0.0.1:80"),
    (" , ,", "10.0.0.9", ", ,"),
]


@pytest.mark.parametrize(("sent", "address", "left"), CHAINS)
def test_a_chain_through_trusted_proxies(
    server: Watched, sent: str, address: str, left: str
) -> None:
    assert chain(server, "/some", sent) == [address, left]


@pytest.mark.parametrize("peer", ["11.0.0.1", "172.16.0.1", "2001:db9::1"])
def test_a_peer_that_is_not_trusted(server: Watched, peer: str) -> None:
    assert chain(server, "/some", "1.1.1.1, 10.0.0.1", peer) == [peer, None]


@pytest.mark.parametrize("peer", ["10.255.0.1", "192.168.3.4", "2001:db8::9"])
def test_a_peer_that_is_trusted(server: Watched, peer: str) -> None:
    assert chain(server, "/some", "1.1.1.1, 10.0.0.1", peer) == ["1.1.1.1", "1.1.1.1, 10.0.0.1"]


def test_without_trusted_proxies_every_peer_is_one(server: Watched) -> None:
    sent = "1.1.1.1, 10.0.0.1"
    assert chain(server, "/", sent, "8.8.8.8") == ["1.1.1.1", sent]


def test_an_inner_list_replaces_the_outer_one(server: Watched) -> None:
    assert chain(server, "/some/other", "1.1.1.1, 10.0.0.1") == ["10.0.0.9", None]
    expected = ["10.0.0.1", "10.0.0.1"]
    assert chain(server, "/some/other", "1.1.1.1, 10.0.0.1", "172.16.0.1") == expected


def test_repeated_headers_are_one_chain(server: Watched) -> None:
    sent = ["9.9.9.9", "1.1.1.1", "10.0.0.1"]
    headers = [("x-forwarded-FOR", value) for value in sent]
    found = look(server, "/some", ["REMOTE_ADDR", FOR], headers)
    assert found == ["1.1.1.1", "1.1.1.1, 10.0.0.1"]


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X-Forwarded_For", "X.Forwarded.For"])
def test_a_name_that_would_shadow_another_is_dropped(server: Watched, name: str) -> None:
    found = look(server, "/some", ["REMOTE_ADDR", FOR], [(name, "1.1.1.1")])
    assert found == ["127.0.0.1", None]
    assert look(server, "/none", [FOR], [(name, "1.1.1.1")]) == [None]


ALL = [
    ("X-Forwarded-For", "1.1.1.1"),
    ("X-Forwarded-Host", "outer.test:81"),
    ("X-Forwarded-Server", "proxy.test"),
    ("X-Forwarded-Port", "444"),
    ("X-Script-Name", "/outer"),
    ("X-Forwarded-Proto", "https"),
]
KEYS = [
    "REMOTE_ADDR",
    "HTTP_HOST",
    "SERVER_NAME",
    "SERVER_PORT",
    "SCRIPT_NAME",
    "mod_wsgi.mount_point",
    "wsgi.url_scheme",
]
UNCHANGED = ["REQUEST_SCHEME", "PATH_INFO", "mod_wsgi.script_name", "mod_wsgi.path_info", "HTTPS"]


def test_every_category(server: Watched) -> None:
    found = look(server, "/all/x", KEYS, ALL)
    outer = ["1.1.1.1", "outer.test:81", "proxy.test", "444", "/outer", "/outer", "https"]
    assert found == outer
    assert look(server, "/all/x", UNCHANGED, ALL) == ["http", "/all/x", "", "/all/x", None]


def test_nothing_is_touched_where_nothing_is_listed(server: Watched) -> None:
    host, port = "inner.test", str(server.port)
    inner = ["127.0.0.1", f"{host}:{port}", host, port, "/none", None, "http"]
    headers = [("Host", f"{host}:{port}"), *ALL]
    assert look(server, "/none", KEYS, headers) == inner
    keys = ["HTTP_" + name.upper().replace("-", "_") for name, _ in ALL]
    assert look(server, "/none", keys, headers) == [value for _, value in ALL]


def test_the_last_listed_header_wins_and_the_others_go(server: Watched) -> None:
    headers = [("X-Real-IP", "2.2.2.2"), ("X-Forwarded-For", "1.1.1.1"), ("X-Client-IP", "3.3.3.3")]
    keys = ["REMOTE_ADDR", FOR, "HTTP_X_REAL_IP", "HTTP_X_CLIENT_IP"]
    assert look(server, "/all", keys, headers) == ["2.2.2.2", None, "2.2.2.2", None]


@pytest.mark.parametrize(
    ("headers", "scheme"),
    [
        ([], "https"),
        ([("X-Forwarded-Proto", "HTTP")], "http"),
        ([("X-Forwarded-Proto", "gopher")], "https"),
        ([("X-HTTPS", "Off")], "http"),
        ([("X-HTTPS", "0"), ("X-Forwarded-Proto", "https")], "http"),
        ([("X-Forwarded-SSL", "Off")], "https"),
    ],
)
def test_the_scheme_of_the_connection(server: Watched, headers: Headers, scheme: str) -> None:
    assert look(server, "/all/https", ["wsgi.url_scheme"], headers) == [scheme]
    assert look(server, "/all/https", ["HTTP_X_FORWARDED_SSL"], headers) == [None]


# The second host has the same rules. Its peers are at 127.0.0.1.


def proxied(mode: str, proxies: str, headers: str) -> Microhttpd:
    options = {"trusted-proxies": proxies, "trusted-proxy-headers": headers}
    group = "app threads=8" if mode == "daemon" else ""
    return Microhttpd("evaluate.wsgi", options, group=group)


@pytest.fixture(scope="module", params=MODES)
def behind_proxies(request: pytest.FixtureRequest) -> Iterator[Server]:
    proxies = "10.0.0.0/8 192.168.0.0/255.255.0.0 2001:db8::/32 127.0.0.1"
    yield from sharing.serve(proxied(request.param, proxies, "X-Forwarded-For"))


@pytest.fixture
def second_host(behind_proxies: Server) -> Iterator[Watched]:
    yield from sharing.watch(behind_proxies)


@pytest.mark.parametrize(("sent", "address", "left"), CHAINS)
def test_a_chain_to_the_second_host(
    second_host: Watched, sent: str, address: str, left: str
) -> None:
    peer = address.replace("10.0.0.9", "127.0.0.1")
    assert chain(second_host, "/", sent) == [peer, left]


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X-Forwarded_For", "X.Forwarded.For"])
def test_the_second_host_drops_such_a_name_as_well(second_host: Watched, name: str) -> None:
    found = look(second_host, "/", ["REMOTE_ADDR", FOR], [(name, "1.1.1.1")])
    assert found == ["127.0.0.1", None]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trusted", [True, False])
def test_every_category_in_the_second_host(start: StartServer, mode: str, trusted: bool) -> None:
    names = " ".join(name for name, _ in ALL)
    server = start(proxied(mode, "127.0.0.1" if trusted else "127.0.0.2", names))
    found = look(server, "/x", KEYS, ALL)
    host, port = "127.0.0.1", str(server.port)
    inner = ["127.0.0.1", f"localhost:{port}", host, port, "", None, "http"]
    outer = ["1.1.1.1", "outer.test:81", "proxy.test", "444", "/outer", "/outer", "https"]
    assert found == (outer if trusted else inner)
