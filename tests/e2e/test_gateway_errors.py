"""wsgi.errors, sys.stderr and sys.stdout: which lines reach the log, and how they look."""

from __future__ import annotations

from typing import Any

import pytest

from logs import Record
from server import Watched

SCRIPT = r"^\[script [^\]]*/gateway\.wsgi\] "


def calls(server: Watched, *made: list[Any], stream: str = "errors") -> list[Any]:
    """Makes calls on a stream of the application."""
    return list(server.get("/errors_calls", calls=repr(list(made)), stream=stream).json())


def expect_line(server: Watched, text: str, count: int = 1) -> list[Record]:
    pattern = rf"{SCRIPT}{text}$"
    server.log.expect(pattern, count)
    return server.log.wait_for(pattern, count)


@pytest.mark.parametrize("stream", ["errors", "stderr", "stdout"])
def test_a_line_is_one_record_of_the_request(server: Watched, stream: str) -> None:
    assert calls(server, ["write", f"to {stream}\n"], stream=stream) == [len(f"to {stream}\n")]
    [record] = expect_line(server, f"to {stream}")
    assert record.level == "error"
    if server.host == "httpd":
        assert record.client is not None and record.client.startswith("127.0.0.1:")
        assert record.module == "wsgi"


def test_every_line_is_a_record(server: Watched) -> None:
    calls(server, ["write", "line 1\nline 2\n"], ["writelines", ["line 3\n", "li", "ne 4\n"]])
    for number in range(1, 5):
        expect_line(server, f"line {number}")


def test_parts_of_a_line_are_joined(server: Watched) -> None:
    calls(server, ["write", "be"], ["write", "gin"], ["write", "ning end\nrest\n"])
    expect_line(server, "beginning end")
    expect_line(server, "rest")


def test_flush_ends_a_partial_line(server: Watched) -> None:
    calls(server, ["write", "before flush"], ["flush"], ["write", "after flush\n"])
    expect_line(server, "before flush")
    expect_line(server, "after flush")


def test_flush_of_nothing_writes_nothing(server: Watched) -> None:
    calls(server, ["flush"], ["write", ""], ["flush"])


def test_the_end_of_the_request_ends_a_partial_line(server: Watched) -> None:
    server.get("/errors_unfinished")
    expect_line(server, "unfinished line")


def test_an_empty_line_is_an_empty_record(server: Watched) -> None:
    calls(server, ["write", "above\n\nbelow\n"])
    expect_line(server, "above")
    server.log.expect(r"^\[script [^\]]*/gateway\.wsgi\] ?$")
    expect_line(server, "below")


def test_streams_of_a_request_share_a_line(server: Watched) -> None:
    server.get("/errors_mixed")
    expect_line(server, "one two three")


def test_text_is_utf_8(server: Watched) -> None:
    calls(server, ["write", "caf\xe9 \u20ac\n"])
    escaped = r"(caf\xe9 \u20ac|caf\\xc3\\xa9 \\xe2\\x82\\xac)"
    expect_line(server, escaped)


def test_what_utf_8_cannot_hold_is_replaced(server: Watched) -> None:
    calls(server, ["write", "lone \udc80 surrogate\n"])
    expect_line(server, r"lone \? surrogate")


def test_bytes_through_the_buffer(server: Watched) -> None:
    made = [["buffer.write", b"as bytes\n"], ["buffer.write_array", b"as bytearray\n"]]
    assert calls(server, *made) == [9, 13]
    expect_line(server, "as bytes")
    expect_line(server, "as bytearray")


def test_a_record_is_limited_to_8_kib(server: Watched) -> None:
    calls(server, ["write_times", "L", 10000], ["write", "next\n"])
    expect_line(server, "next")
    [record] = expect_line(server, "L+")
    assert 8000 <= len(record.text) <= 8192


@pytest.mark.parametrize("argument", [b"bytes\n", 5, None])
def test_write_takes_text_only(server: Watched, argument: object) -> None:
    [found] = calls(server, ["write", argument])
    assert found["raised"] == "TypeError"


@pytest.mark.parametrize(
    ("stream", "name"),
    [("errors", "<wsgi.errors>"), ("stderr", "<stderr>"), ("stdout", "<stdout>")],
)
def test_attributes(server: Watched, stream: str, name: str) -> None:
    found = server.get("/errors_attributes", stream=stream).json()
    assert found.pop("fileno")["raised"] in ("OSError", "UnsupportedOperation")
    assert found == {
        "name": name,
        "encoding": "utf-8",
        "errors": "replace",
        "line_buffering": True,
        "write_through": True,
        "closed": False,
        "isatty": False,
        "readable": False,
        "seekable": False,
        "writable": True,
    }


def test_streams_work_after_close(server: Watched) -> None:
    server.get("/errors_attributes", stream="stderr")
    calls(server, ["write", "still open\n"], stream="stderr")
    expect_line(server, "still open")


def test_use_after_the_request_is_a_runtime_error(server: Watched) -> None:
    assert server.get("/errors_kept").json() == "kept"
    found = server.get("/errors_after").json()
    assert [call["raised"] for call in found] == ["RuntimeError"] * 2


def test_output_of_a_thread_belongs_to_the_server(server: Watched) -> None:
    server.get("/errors_thread")
    server.log.expect(r"^from a thread$")
    [record] = server.log.wait_for(r"from a thread")
    assert record.client is None


def test_log_handler_maps_levels(server: Watched) -> None:
    assert server.get("/log_handler").json() == "logged"
    levels = {50: "crit", 40: "error", 30: "warn", 20: "info"}
    for number, level in levels.items():
        pattern = rf"{SCRIPT}handled at {number}$"
        server.log.expect(pattern)
        assert server.log.wait_for(pattern)[0].level == level
    server.log.allow("of two$")
    assert server.log.find(r"handled at (5|10)$") == []


def test_log_handler_writes_a_record_per_line(server: Watched) -> None:
    server.get("/log_handler")
    server.log.allow("handled at")
    expect_line(server, "first of two")
    expect_line(server, "second of two")


def test_concurrent_requests_do_not_mix(server: Watched) -> None:
    """Two requests on two connections, each with a partial line when the other writes."""
    with server.connect() as one, server.connect() as two:
        target = "/errors_calls?calls="
        for connection, name in ((one, "one"), (two, "two")):
            made = f"[['write','{name}-'],['write','{name}-'],['write','{name}%5Cn']]"
            connection.send_head("GET", target + made)
        assert one.read_response().status == two.read_response().status == 200
    expect_line(server, "one-one-one")
    expect_line(server, "two-two-two")
