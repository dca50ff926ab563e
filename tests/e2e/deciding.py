"""Scripts that decide about requests, in each host's own processes and in those of a group."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from microhttpd import Microhttpd
from modes import MODES
from server import Watched
from test_httpd_loading import write_script


@dataclass(frozen=True)
class Place:
    """Where a script is asked."""

    host: str
    mode: str

    def __str__(self) -> str:
        return f"{self.host}-{self.mode}"


PLACES = [Place(host, mode) for host in ("httpd", "microhttpd") for mode in MODES]
everywhere = pytest.mark.parametrize("place", PLACES, ids=str)

# What a script that must not let anyone in may do.
FAILURES = {
    "raises": ("raise ValueError('broken')", r"WC0057: .*ValueError exception raised processing"),
    "exits": ("raise SystemExit(0)", r"WC0057: .*SystemExit exception raised by WSGI script"),
    "is 1": ("return 1", r"WC0058: .*an object of type int"),
    "is a list": ("return [True]", r"WC0058: .*an object of type list"),
    "is empty": ("return ''", r"WC0058: .*an object of type str"),
    "is bytes": ("return b'x'", r"WC0058: .*an object of type bytes"),
}
UNUSABLE = {
    "not there": (None, r"WC0040: .*cannot read WSGI script"),
    "no function": ("x = 1\n", r"WC0043: .*has no callable"),
    "no Python": ("def (:\n", r"WC0040: .*SyntaxError exception raised processing"),
    "raises": ("raise KeyError('loading')\n", r"WC0042: .*KeyError exception raised processing"),
}
TRACEBACK = r"^(\w+Error|SystemExit)\b|^\s"


def options(mode: str, more: str = "") -> str:
    return f"process-group=deciders {more}" if mode == "daemon" else more


def group(mode: str) -> str:
    return "WSGIDaemonProcess deciders threads=3\n" if mode == "daemon" else ""


def second_host(
    mode: str, options: dict[str, str], arguments: Sequence[str] = (), mount: str = ""
) -> Microhttpd:
    """evaluate.wsgi in the second host's own processes, whoever decides about its requests."""
    groups = ["-g", "deciders:threads=3"] if mode == "daemon" else []
    settings = {"process-group": "%{GLOBAL}", **options}
    return Microhttpd("evaluate.wsgi", settings, mount, arguments=[*groups, *arguments])


def put(root: Path, source: str, number: int = 0) -> None:
    """Puts the script in place."""
    write_script(root / "decide.py", source, 1_700_000_000 + number)


def expect_failure(server: Watched, expected: str, count: int = 1, others: str = "") -> None:
    """What the log will tell of a script that fails: a record like this, with a traceback."""
    server.log.expect(expected, count)
    server.log.allow(f"{TRACEBACK}|{others}" if others else TRACEBACK)
    server.log.tracebacks = True


def function(signature: str, body: str) -> str:
    """A script with this one function."""
    return f"def {signature}:\n    {body}\n"


def basic(user: str, password: str) -> dict[str, str]:
    pair = f"{user}:{password}".encode("latin-1")
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}
