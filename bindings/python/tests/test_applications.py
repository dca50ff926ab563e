"""The applications that come with the package."""

from __future__ import annotations

import os
import sys

import pytest
from mod_wsgi.diagnostics import environ as diagnostics
from mod_wsgi.diagnostics import hello
from mod_wsgi.express import welcome
from serving import call, environ


def test_welcome() -> None:
    answer = call(welcome.application, environ("/any/where"))
    assert (answer.status, answer.header("Content-Type")) == (
        "200 OK",
        "text/html; charset=utf-8",
    )
    assert int(answer.header("Content-Length")) == len(answer.body)
    assert b"mod_wsgi-express start-server" in answer.body


def test_hello() -> None:
    answer = call(hello.application)
    assert (answer.status, answer.header("Content-Type"), answer.body) == (
        "200 OK",
        "text/plain",
        b"Hello World!",
    )


def test_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "caf\u00e9 \udce9")
    variables = environ(body=b"the body", REQUEST_METHOD="POST", QUERY_STRING="a=b")
    variables |= {
        "mod_wsgi.process_group": "group",
        "mod_wsgi.application_group": "",
        "mod_wsgi.version": (6, 1, 1),
        "apache.version": (2, 4, 62),
    }
    report, _, body = call(diagnostics.application, variables).body.rpartition(b"\n\n")
    assert body == b"the body"
    lines = report.decode().splitlines()
    for line in (
        f"PID: {os.getpid()}",
        f"Python prefix: {sys.prefix!r}",
        "Process group: 'group'",
        "Application group: ''",
        "mod_wsgi: (6, 1, 1)",
        "Apache: (2, 4, 62)",
        "QUERY_STRING: 'a=b'",
        "FROM_OUTSIDE: 'caf\u00e9 \\udce9'",
        "File system encoding: 'utf-8'",
    ):
        assert line in lines
