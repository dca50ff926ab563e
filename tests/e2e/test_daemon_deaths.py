"""Processes that die, each way at each moment: the client's answer, the log, what comes next."""

from __future__ import annotations

import pytest

from blocks import blocks, target
from conftest import StartGroup
from groups import wait_workers
from server import Watched

WAYS = {
    "SIGKILL": "was ended by SIGKILL",
    "SIGSEGV": "was ended by SIGSEGV",
    "SIGABRT": "was ended by SIGABRT",
    "code 7": "exited with code 7",
}
# Each way with httpd; what the host does about it is the same for all.
ways = pytest.mark.parametrize(
    ("serve", "way"),
    [*(("httpd", way) for way in WAYS), ("microhttpd", "SIGKILL")],
    indirect=["serve"],
)


def started(serve: StartGroup) -> tuple[Watched, int]:
    """A server whose only process is about to die."""
    server = serve("", "blocks.wsgi")
    server.log.allow_crashes()
    [pid] = wait_workers(server)
    return server, pid


def check(server: Watched, pid: int, way: str, request: str = "") -> None:
    """One line tells cause, signal, request and duration; and the next request is fine."""
    line = f"WC0081: Process {pid} of group 'app' {WAYS[way]} after "
    server.log.expect(line)
    [record] = server.log.wait_for(line)
    if request:
        assert f"while it served '{request} /?" in record.text and "' for 0." in record.text
    else:
        assert "while" not in record.text
    assert blocks(server, "[b'next']").body == b"next"
    assert wait_workers(server) != [pid]


@ways
def test_before_the_head(serve: StartGroup, way: str) -> None:
    server, pid = started(serve)
    server.log.expect("WC0068: .*'app'.*ended before it answered")
    assert blocks(server, f"die({way!r})").status == 502
    check(server, pid, way, "GET")


@ways
def test_in_the_body(serve: StartGroup, way: str) -> None:
    """What was not complete does not look so."""
    server, pid = started(serve)
    server.log.expect("WC0068: .*'app'.*ended before the response was complete")
    response = blocks(server, f"die_after({way!r}, b'first')")
    assert (response.status, response.body, response.complete) == (200, b"first", False)
    check(server, pid, way, "GET")


def test_in_a_body_with_a_length(serve: StartGroup) -> None:
    server, pid = started(serve)
    way = "SIGKILL"
    server.log.expect("WC0068: .*'app'")
    expression = f"[start(('Content-Length', '9')), die_after({way!r}, b'first')][1]"
    response = blocks(server, expression)
    assert (response.status, response.body, response.complete) == (200, b"first", False)
    check(server, pid, way, "GET")


@ways
def test_while_it_reads_an_upload(serve: StartGroup, way: str) -> None:
    server, pid = started(serve)
    server.log.expect("WC0068: .*'app'.*ended before it answered, while it read the request body")
    expression = f"[environ['wsgi.input'].read(200000), die({way!r})]"
    with server.connect() as connection:
        connection.send_head("POST", target(expression), {"Content-Length": "1000000"})
        connection.send(b"x" * 300000)
        server.log.wait_for("WC0081")
        try:
            connection.send(b"x" * 700000)
        except OSError:
            pass
        assert connection.read_head().status == 502
    check(server, pid, way, "POST")


@ways
def test_while_idle(serve: StartGroup, way: str) -> None:
    """Nobody notices but the log."""
    server, pid = started(serve)
    assert blocks(server, f"die_later({way!r})").body == b"alive"
    check(server, pid, way)
