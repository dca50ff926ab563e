"""Sizes of httpd's processing models; the numbers are those of mod_wsgi's launcher."""

from __future__ import annotations

import pytest
from configuration import effective, make_site
from mod_wsgi.express import validation
from mod_wsgi.express.errors import ConfigurationError

# By processes and threads: capacity, threads per child, servers, clients, start/min/max; prefork's.
SIZES = {
    (1, 5): (20, 10, 2, 20, (1, 10, 10), (1, 1, 2)),
    (2, 5): (25, 12, 3, 36, (1, 12, 12), (1, 1, 2)),
    (1, 20): (40, 13, 4, 52, (1, 13, 26), (2, 2, 4)),
    (5, 20): (160, 17, 10, 170, (2, 34, 102), (8, 8, 16)),
}


def sizes(*words: str) -> tuple[int, int, int, int, tuple[int, ...], tuple[int, ...]]:
    lines = effective(make_site("app.wsgi", *words))
    found = dict(line.removeprefix("IfModule ").rsplit(" ", 1) for line in lines)

    def number(mpm: str, name: str) -> int:
        return int(found[f"mpm_{mpm}_module: {name}"])

    event = {name: number("event", name) for name in ("ServerLimit", "MaxClients")}
    spare = ("StartServers", "MinSpareThreads", "MaxSpareThreads")
    servers = ("StartServers", "MinSpareServers", "MaxSpareServers")
    assert number("worker", "MaxClients") == event["MaxClients"]
    assert number("prefork", "ServerLimit") == number("prefork", "MaxClients")
    return (
        number("prefork", "MaxClients"),
        number("event", "ThreadsPerChild"),
        event["ServerLimit"],
        event["MaxClients"],
        tuple(number("event", name) for name in spare),
        tuple(number("prefork", name) for name in servers),
    )


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_derived(size: tuple[int, int]) -> None:
    processes, threads = size
    assert sizes("--processes", str(processes), "--threads", str(threads)) == SIZES[size]


def test_max_clients() -> None:
    assert sizes("--max-clients", "100")[:4] == (100, 16, 7, 112)


def test_max_clients_is_a_floor() -> None:
    assert sizes("--max-clients", "1", "--threads", "30")[0] == 30


def test_fractions() -> None:
    found = sizes(
        *("--max-clients", "200", "--initial-workers", "0.5"),
        *("--minimum-spare-workers", "0.25", "--maximum-spare-workers", "1"),
    )
    assert found == (200, 18, 12, 216, (6, 54, 216), (100, 50, 200))


def test_minimum_spare_follows_initial() -> None:
    assert sizes("--max-clients", "200", "--initial-workers", "0.5")[4] == (6, 108, 126)


def test_embedded() -> None:
    found = sizes("--embedded-mode", "--processes", "3", "--threads", "4")
    assert found == (12, 4, 3, 12, (3, 12, 12), (12, 12, 12))


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_mpm_is_chosen(mpm: str) -> None:
    assert make_site("app.wsgi", "--server-mpm", mpm).mpm == mpm


@pytest.mark.parametrize(
    ("words", "mpm"),
    [
        ("", "event"),
        ("--server-mpm prefork --server-mpm worker", "worker"),
        ("--embedded-mode", "worker"),
        ("--embedded-mode --server-mpm event", "event"),
        ("--debug-mode", "worker"),
        ("--debug-mode --server-mpm event", "worker"),
        ("--debug-mode --server-mpm prefork", "prefork"),
        ("--enable-gdb", "prefork"),
        ("--enable-gdb --server-mpm worker", "worker"),
    ],
)
def test_mpm_order(words: str, mpm: str) -> None:
    assert make_site("app.wsgi", *words.split()).mpm == mpm


def test_mpm_that_is_not_installed() -> None:
    """None is loaded: httpd may have it built in, or says that it has none."""
    assert make_site("app.wsgi", "--modules-directory", "/nonexistent").mpm is None


@pytest.mark.parametrize("option", ["--processes", "--threads"])
def test_zero(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        make_site("app.wsgi", option, "0")
    assert f"option {option}: 0 is out of range" in capsys.readouterr().err


def test_zero_from_elsewhere() -> None:
    site = make_site("app.wsgi")
    site.options.threads = 0
    with pytest.raises(ConfigurationError, match="--threads"):
        validation.validate(site.options)
