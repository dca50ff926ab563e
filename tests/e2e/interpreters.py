"""Three applications in interpreters of their own, and settings for some of those."""

from __future__ import annotations

from evaluating import evaluate
from server import Watched

MODES = ["embedded", "daemon"]


def sites(mode: str, daemon_options: str = "") -> str:
    """/main and /a and /b, in the main interpreter and two others of embedded mode or of one group."""
    group = "%{GLOBAL}"
    config = ""
    if mode == "daemon":
        config = f"WSGIDaemonProcess app threads=4 {daemon_options}\n"
        group = "app"
    for path, name in (("main", "%{GLOBAL}"), ("a", "a"), ("b", "b")):
        config += (
            f"WSGIScriptAlias /{path} @APPS@/evaluate.wsgi "
            f"process-group={group} application-group={name}\n"
        )
    return config


def section(inside: str, selectors: str = "") -> str:
    space = " " if selectors else ""
    return f"<WSGIInterpreterOptions{space}{selectors}>\n{inside}\n</WSGIInterpreterOptions>\n"


def in_each(server: Watched, expression: str) -> list[object]:
    return [evaluate(server, path, expression) for path in ("/main", "/a", "/b")]
