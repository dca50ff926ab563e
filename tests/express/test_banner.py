"""What is printed when a server is set up or started."""

from __future__ import annotations

import os
import platform
import sys

import pytest
from configuration import make_site
from mod_wsgi.express import banner, derived, options, parsing, validation
from mod_wsgi.express.derived import Site
from mod_wsgi.express.options import Options

URL = "http://localhost:8000/"


def lines(*words: str, setup: bool = False) -> list[str]:
    return banner.render(make_site("app.wsgi", *words), setup).splitlines()


def test_whole() -> None:
    assert lines() == [
        "Server URL         : http://localhost:8000/",
        "Server Root        : /srv/conf",
        "Server Conf        : /srv/conf/httpd.conf",
        "Error Log File     : /srv/conf/error_log (warn)",
        "Operating Mode     : daemon",
        "Request Capacity   : 5 (1 process * 5 threads)",
        "Request Timeout    : 60 (seconds)",
        "Startup Timeout    : 15 (seconds)",
        "Queue Backlog      : 100 (connections)",
        "Queue Timeout      : 45 (seconds)",
        "Server Capacity    : 20 (event/worker), 20 (prefork)",
        "Server Backlog     : 500 (connections)",
        "Locale Setting     : C.UTF-8",
        f"Python Version     : {platform.python_version()}",
        f"Python Home        : {sys.prefix}",
    ]


def test_order_of_all() -> None:
    words = (
        "--https-port 8443 --ssl-certificate x --server-status --access-log --startup-log "
        "--rewrite-rules /r --envvars-script /e --interrupt-timeout 3"
    )
    labels = [line.partition(" : ")[0].rstrip() for line in lines(*words.split(), setup=True)]
    assert labels == [
        "Server URL",
        "Server URL (HTTPS)",
        "Server Status",
        "Server Root",
        "Server Conf",
        "Error Log File",
        "Access Log File",
        "Startup Log File",
        "Rewrite Rules",
        "Environ Variables",
        "Control Script",
        "Operating Mode",
        "Request Capacity",
        "Request Timeout",
        "Interrupt Timeout",
        "Startup Timeout",
        "Queue Backlog",
        "Queue Timeout",
        "Server Capacity",
        "Server Backlog",
        "Locale Setting",
        "Python Version",
        "Python Home",
    ]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--port 80", "Server URL         : http://localhost/"),
        ("--host 192.0.2.1", "Server URL         : http://192.0.2.1:8000/"),
        ("--host 2001:db8::1", "Server URL         : http://[2001:db8::1]:8000/"),
        ("--server-name a.example", "Server URL         : http://a.example:8000/"),
        (
            "--server-name a.example --https-port 443 --ssl-certificate x",
            "Server URL (HTTPS) : https://a.example/",
        ),
        ("--server-status", "Server Status      : http://localhost:8000/server-status"),
        ("--log-level debug", "Error Log File     : /srv/conf/error_log (debug)"),
        ("--log-to-terminal", "Error Log File     : /dev/stderr (warn)"),
        ("--log-to-terminal --access-log", "Access Log File    : /dev/stdout"),
        ("--startup-log --log-directory /x", "Startup Log File   : /x/startup_log"),
        ("--enable-coverage", "Coverage Output    : /srv/conf/htmlcov/index.html"),
        (
            "--enable-coverage --coverage-directory /x",
            "Coverage Output    : /x/index.html",
        ),
        ("--enable-profiler", "Profiler Output    : /srv/conf/pstats"),
        ("--enable-recorder", "Recorder Output    : /srv/conf/archive"),
        ("--embedded-mode --processes 2", "Request Capacity   : 10 (2 processes * 5 threads)"),
        ("--embedded-mode", "Operating Mode     : embedded"),
        ("--debug-mode", "Operating Mode     : debug"),
        ("--debug-mode", "Request Capacity   : 1 (1 process * 1 thread)"),
        ("--daemon-backlog 7", "Queue Backlog      : 7 (connections)"),
        ("--server-backlog 7", "Server Backlog     : 7 (connections)"),
        ("--queue-timeout 7", "Queue Timeout      : 7 (seconds)"),
        ("--processes 2", "Server Capacity    : 36 (event/worker), 25 (prefork)"),
    ],
)
def test_line(words: str, line: str) -> None:
    assert line in lines(*words.split())


def test_only_in_daemon_mode() -> None:
    labels = [line.partition(" : ")[0].rstrip() for line in lines("--embedded-mode")]
    assert "Request Timeout" not in labels
    assert "Server Capacity" not in labels
    assert "Server Backlog" in labels


def test_no_startup_timeout() -> None:
    assert not [line for line in lines("--startup-timeout", "0") if line.startswith("Startup")]


@pytest.mark.parametrize(
    ("environ", "words", "name"),
    [
        ({"LANG": "de_DE.utf8"}, "", "de_DE.UTF-8"),
        ({"LANG": "de_DE.utf8", "LC_ALL": "fr_FR.UTF-8"}, "", "fr_FR.UTF-8"),
        ({"LANG": "C"}, "", "C.UTF-8"),
        ({}, "", "C.UTF-8"),
        ({"LANG": "C.UTF-8"}, "", "C.UTF-8"),
        ({}, "--lang sv_SE.UTF-8", "sv_SE.UTF-8"),
        ({}, "--lang sv_SE.UTF-8 --locale nb_NO.UTF-8", "nb_NO.UTF-8"),
        ({}, "--locale nb_NO.UTF-8 --lang sv_SE.UTF-8", "nb_NO.UTF-8"),
    ],
)
def test_locale(
    environ: dict[str, str], words: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LANG", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(derived, "_is_locale", lambda name: name == "C.UTF-8")
    values, _ = parsing.make_parser("start-server").parse_args(words.split())
    complete = validation.complete(options.from_namespace(values), [])
    assert derived.Site(complete).locale == name


def test_default_server_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    name = f"mod_wsgi-localhost:8000:{os.getuid()}"
    assert str(Site(Options()).server_root) == f"/tmp/{name}"
    monkeypatch.setenv("TMPDIR", "/somewhere")
    assert str(Site(Options()).server_root) == f"/somewhere/{name}"
    assert Site(Options()).process_title == f"(wsgi:localhost:8000:{os.getuid()})"
