"""Applications that break every rule.

Covers: line breaks, NULs and what latin-1 can't hold in status, names and values; wrong types and
shapes; lengths that are wrong or contradict each other; fields that are the server's; oversized
heads and bodies; results that are none; failing iterators, failing close(); calls of
start_response at the wrong time.
"""

import os

from .recorder import json_response, query

TEXT = ("Content-Type", "text/plain")
GOOD = b"body"
EVIL = "X-Evil: yes"


def head(status="200 OK", *headers):
    """An application with just this head."""

    def application(environ, start_response):
        start_response(status, [TEXT, *headers])
        return [GOOD]

    return application


def body(make, *headers):
    """An application with a good head, whose result is what `make` returns."""

    def application(environ, start_response):
        start_response("200 OK", [TEXT, *headers])
        return make()

    return application


class Iterable:
    """Iterates over blocks, raises, and raises in close() again."""

    def __init__(self, *blocks, fails=None, close_fails=None):
        self.blocks, self.fails, self.close_fails = blocks, fails, close_fails

    def __iter__(self):
        yield from self.blocks
        if self.fails:
            raise self.fails

    def close(self):
        if self.close_fails:
            raise self.close_fails


class Endless:
    """Says that it is iterable, and is not."""

    def __iter__(self):
        return 42


def never_starts(environ, start_response):
    return [GOOD]


def starts_too_late(environ, start_response):
    yield GOOD
    start_response("200 OK", [TEXT])


def starts_while_iterating(environ, start_response):
    start_response("200 OK", [TEXT])
    yield GOOD
    start_response("200 OK", [("X-Evil", "yes")])


def recurses(environ, start_response):
    return recurses(environ, start_response)


def writes_then_fails(environ, start_response):
    start_response("200 OK", [TEXT])(GOOD)
    return None


def exits(environ, start_response):
    raise SystemExit(3)


def changes_its_headers(environ, start_response):
    """The list is the application's again once start_response has returned."""
    headers = [TEXT]
    start_response("200 OK", headers)
    headers.append(("X-Evil\r\nX-Evil", "yes\r\n"))
    return [GOOD]


def clears_the_environ(environ, start_response):
    environ.clear()
    start_response("200 OK", [TEXT])
    return [GOOD]


def fills_the_environ(environ, start_response):
    for key in ("wsgi.input", "wsgi.errors", "REQUEST_METHOD", "mod_wsgi.request_id"):
        environ[key] = object()
    start_response("200 OK", [TEXT])
    return [GOOD]


def bad_list(environ, start_response):
    """A list that grows while it is sent."""
    start_response("200 OK", [TEXT])
    blocks = [b"x" * 100000] * 3
    blocks.append(None)
    return blocks


APPLICATIONS = {
    "status: CR LF": head(f"200 OK\r\n{EVIL}"),
    "status: LF": head(f"200 OK\n{EVIL}"),
    "status: CR": head(f"200 OK\r{EVIL}"),
    "status: NUL": head("200 OK\0"),
    "status: not latin-1": head("200 \u20ac"),
    "status: bytes": head(b"200 OK"),
    "status: a number": head(200),
    "status: words": head("OK"),
    "status: lone surrogate": head("200 \udcff"),
    "status: long": head("200 " + "x" * 100000),
    "name: CR LF": head("200 OK", (f"X\r\n{EVIL}", "a")),
    "name: NUL": head("200 OK", ("X\0", "a")),
    "name: space": head("200 OK", ("X Y", "a")),
    "name: colon": head("200 OK", ("X:", "a")),
    "name: empty": head("200 OK", ("", "a")),
    "name: latin-1": head("200 OK", ("X\xe9", "a")),
    "name: not latin-1": head("200 OK", ("X\u20ac", "a")),
    "name: underscore": head("200 OK", ("X_Y", "a")),
    "name: long": head("200 OK", ("X" * 100000, "a")),
    "value: CR LF": head("200 OK", ("X", f"a\r\n{EVIL}")),
    "value: folded": head("200 OK", ("X", "a\r\n b")),
    "value: LF": head("200 OK", ("X", f"a\n{EVIL}")),
    "value: NUL": head("200 OK", ("X", "a\0b")),
    "value: escape": head("200 OK", ("X", "a\x1bb")),
    "value: not latin-1": head("200 OK", ("X", "\u20ac")),
    "value: latin-1": head("200 OK", ("X", "\xe9\x80\xff")),
    "value: bytes": head("200 OK", ("X", b"a")),
    "value: 1 MiB": head("200 OK", ("X", "v" * (1 << 20))),
    "headers: a thousand": head("200 OK", *((f"X-{number}", "v") for number in range(1000))),
    "headers: a thousand alike": head("200 OK", *(("X", str(number)) for number in range(1000))),
    "headers: a thousand cookies": head("200 OK", *(("Set-Cookie", f"a={n}") for n in range(1000))),
    "headers: no pairs": head("200 OK", "X: y"),
    "headers: framing": head("200 OK", ("Transfer-Encoding", "chunked")),
    "headers: framing and length": head(
        "200 OK", ("transfer-encoding", "chunked"), ("Content-Length", "4")
    ),
    "headers: another coding": head("200 OK", ("Transfer-Encoding", "gzip")),
    "headers: changed later": changes_its_headers,
    "length: nonsense": head("200 OK", ("Content-Length", "x")),
    "length: negative": head("200 OK", ("Content-Length", "-1")),
    "length: two in one": head("200 OK", ("Content-Length", "4, 4")),
    "length: beyond every number": head("200 OK", ("Content-Length", "9" * 30)),
    "length: contradictory": head("200 OK", ("Content-Length", "2"), ("Content-Length", "4")),
    "length: short": head("200 OK", ("Content-Length", "2")),
    "length: long": head("200 OK", ("Content-Length", "8")),
    "204 with a body": head("204 No Content"),
    "304 with a body and a length": head("304 Not Modified", ("Content-Length", "4")),
    "100": head("100 Continue"),
    "result: None": body(lambda: None),
    "result: a number": body(lambda: 42),
    "result: bytes": body(lambda: GOOD),
    "result: a string": body(lambda: "body"),
    "result: strings": body(lambda: ["body"]),
    "result: None within": body(lambda: [GOOD, None]),
    "result: None within an iterator": body(lambda: iter([GOOD, None])),
    "result: wrongly iterable": body(Endless),
    "result: bytearray": body(lambda: [bytearray(GOOD)]),
    "result: large and then wrong": bad_list,
    "result: a hundred thousand empty blocks": body(lambda: iter([b""] * 100000)),
    "iterator: fails at once": body(lambda: Iterable(fails=ValueError("at once"))),
    "iterator: fails later": body(lambda: Iterable(GOOD, fails=ValueError("later"))),
    "iterator: fails, and close() too": body(
        lambda: Iterable(GOOD, fails=ValueError("later"), close_fails=KeyError("closing"))
    ),
    "iterator: close() fails": body(lambda: Iterable(GOOD, close_fails=KeyError("closing"))),
    "iterator: SystemExit": body(lambda: Iterable(GOOD, fails=SystemExit(3))),
    "iterator: KeyboardInterrupt": body(lambda: Iterable(GOOD, fails=KeyboardInterrupt())),
    "iterator: StopIteration": body(lambda: Iterable(GOOD, fails=StopIteration())),
    "never starts": never_starts,
    "starts too late": starts_too_late,
    "starts while iterating": starts_while_iterating,
    "recurses": recurses,
    "writes, then fails": writes_then_fails,
    "exits": exits,
    "clears the environ": clears_the_environ,
    "fills the environ": fills_the_environ,
}


def hostile(environ, start_response):
    """The application that the query names."""
    return APPLICATIONS[query(environ)["app"]](environ, start_response)


def process(environ, start_response):
    """Which process serves."""
    return json_response(start_response, os.getpid())


APPS = {"hostile": hostile, "process": process}
