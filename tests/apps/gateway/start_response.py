"""start_response and the write callable, with good and bad arguments.

Covers: any arguments and what they raise; a second call before and after the headers were sent,
with and without exc_info; write() before, beside and after the iterable; use after the request.
"""

import ast
import sys

from .input import outcome
from .recorder import Closing, json_response, query, record

KEPT = {}
TEXT = [("Content-Type", "text/plain")]


def raised(function, *arguments):
    """The outcome of a call whose result does not matter."""
    found = outcome(function, arguments)
    return found if isinstance(found, dict) else "accepted"


def start_response_calls(environ, start_response):
    """Makes the calls in the query; the answer replaces whatever they set."""
    calls = ast.literal_eval(query(environ)["calls"])
    return json_response(start_response, [raised(start_response, *call) for call in calls])


def start_response_once(environ, start_response):
    """Makes one call that the server has to live with, and answers with a small body."""
    start_response(*ast.literal_eval(query(environ)["call"]))
    return [b"body"]


def start_response_unencodable(environ, start_response):
    """Strings outside latin-1, and subclasses of str and list."""

    class Text(str):
        pass

    class Items(list):
        pass

    found = [
        raised(start_response, "200 \u20ac", []),
        raised(start_response, "200 OK", [("X-Euro", "\u20ac")]),
        raised(start_response, "200 OK", [("X-\u20ac", "1")]),
        raised(start_response, Text("200 OK"), []),
        raised(start_response, "200 OK", Items()),
    ]
    return json_response(start_response, found)


def start_response_keywords(environ, start_response):
    """exc_info is given by keyword."""
    start_response(status="200 OK", headers=TEXT, exc_info=None)
    return [b"body"]


def error_of(text):
    try:
        raise ValueError(text)
    except ValueError:
        return sys.exc_info()


def replaced_with_exc_info(environ, start_response):
    """An error response replaces the one that was begun."""
    start_response("200 OK", [*TEXT, ("X-First", "yes")])
    start_response("503 Replaced", TEXT, error_of("first"))
    return [b"replaced"]


def exc_info_after_headers(environ, start_response):
    """exc_info after the first block: the exception comes back out of start_response."""
    start_response("200 OK", TEXT)
    yield b"first block"
    try:
        start_response("500 Late", TEXT, error_of("original"))
    except ValueError as error:
        yield f" raised {error}".encode()


def exc_info_propagates(environ, start_response):
    """As exc_info_after_headers, but the application lets it through."""
    start_response("200 OK", TEXT)
    yield b"first block"
    start_response("500 Late", TEXT, error_of("original"))


def second_call_after_headers(environ, start_response):
    """A second call without exc_info after the first block."""
    start_response("200 OK", TEXT)
    yield b"first"
    yield (" " + raised(start_response, "404 Not Found", TEXT)["raised"]).encode()


def write_only(environ, start_response):
    """Everything through write()."""
    write = start_response("200 OK", TEXT)
    write(b"one ")
    write(b"two")
    return []


def write_and_return(environ, start_response):
    """write() first, the iterable after it."""
    write = start_response("200 OK", TEXT)
    write(b"written ")
    return Closing(environ, [b"returned"])


def write_wrong(environ, start_response):
    """What write() does not take."""
    write = start_response("200 OK", TEXT)
    found = [raised(write, value) for value in ("text", None, 1, [b"x"])]
    found.append(raised(write))
    return json_response(start_response, found)


def write_empty(environ, start_response):
    """The first call of write() sends the headers, even without data."""
    write = start_response("200 OK", TEXT)
    write(b"")
    return [raised(start_response, "404 Not Found", TEXT)["raised"].encode()]


def write_then_raise(environ, start_response):
    """The application fails after write()."""
    start_response("200 OK", TEXT)(b"written")
    raise ValueError("after write")


def write_until_gone(environ, start_response):
    """write() to a client that goes away."""
    write = start_response("200 OK", TEXT)
    try:
        for _ in range(100000):
            write(b"x" * 10000)
    except OSError as error:
        record(environ, f"OSError: {error}")
    record(environ, "done")
    return []


def kept(environ, start_response):
    """Keeps start_response and write beyond the request."""
    KEPT["start_response"], KEPT["write"] = start_response, start_response("200 OK", TEXT)
    return [b"kept"]


def after(environ, start_response):
    """Uses what `kept` kept."""
    found = [raised(KEPT["start_response"], "200 OK", []), raised(KEPT["write"], b"late")]
    KEPT.clear()
    return json_response(start_response, found)


FUNCTIONS = [
    start_response_calls,
    start_response_once,
    start_response_unencodable,
    start_response_keywords,
    replaced_with_exc_info,
    exc_info_after_headers,
    exc_info_propagates,
    second_call_after_headers,
    write_only,
    write_and_return,
    write_wrong,
    write_empty,
    write_then_raise,
    write_until_gone,
]
APPS = {function.__name__: function for function in FUNCTIONS}
APPS |= {"start_response_kept": kept, "start_response_after": after}
