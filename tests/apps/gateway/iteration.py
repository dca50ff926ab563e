"""What an application may return, and how its iteration may end.

Covers: list, tuple, generator, iterator, object with __getitem__ only; empty bodies and blocks;
results and items of wrong type; exceptions before the headers, before and after the first block;
SystemExit; start_response never called or called late; close() in each case, and close() failing.
"""

import sys

from .recorder import Closing, record

TEXT = [("Content-Type", "text/plain")]


def started(name, result):
    """An application that starts a plain response and returns `result(environ)`."""

    def app(environ, start_response):
        start_response("200 OK", TEXT)
        return result(environ)

    app.__name__ = name
    return app


class Sequence:
    """Iterable by __getitem__ alone."""

    def __getitem__(self, index):
        return [b"by ", b"index"][index]


def generator(environ):
    yield b"one "
    yield b"two"


def late_generator(environ, start_response):
    """start_response is called when iteration begins."""
    start_response("200 OK", TEXT)
    yield b"late"


def after_empty_block(environ, start_response):
    """An empty block comes before start_response."""
    yield b""
    start_response("200 OK", TEXT)
    yield b"after empty"


def never_started(environ, start_response):
    """start_response is never called."""
    return Closing(environ, [b"data"])


def never_started_empty(environ, start_response):
    """Neither start_response nor data."""
    return Closing(environ, [])


def raise_at_once(environ, start_response):
    """The call raises."""
    raise ValueError("at once")


def raise_after_start(environ, start_response):
    """The call raises after start_response: its headers are dropped."""
    start_response("200 OK", [("X-Dropped", "yes")])
    raise ValueError("after start")


def exit_at_once(environ, start_response):
    """SystemExit does not end the process."""
    sys.exit("leaving")


class NoisyClose(Closing):
    """close() raises, after it was recorded."""

    def close(self):
        super().close()
        raise ValueError("in close")


class BadCloseLookup:
    """Looking up close raises something other than AttributeError."""

    def __iter__(self):
        return iter([b"data"])

    @property
    def close(self):
        raise ValueError("looking up close")


class CloseOnce(Closing):
    """A generator-like object whose close() would be noticed if called twice."""

    def close(self):
        super().close()
        record(self.environ, "end")


class BadIterator:
    """__iter__ returns something that is no iterator."""

    def __init__(self, environ):
        self.environ = environ

    def __iter__(self):
        return 5

    def close(self):
        record(self.environ, "closed")


def blocks(*items, of=Closing):
    return lambda environ: of(environ, items)


RESULTS = {
    "list": lambda environ: [b"one ", b"two"],
    "tuple": lambda environ: (b"one ", b"two"),
    "one_block": lambda environ: [b"Hello world!"],
    "generator": generator,
    "sequence": lambda environ: Sequence(),
    "closing": blocks(b"one ", b"two", of=CloseOnce),
    "many_blocks": lambda environ: (b"%06d\n" % number for number in range(10000)),
    "large_block": lambda environ: [b"x" * (8 << 20)],
    "empty_list": lambda environ: [],
    "empty_closing": blocks(),
    "empty_blocks": blocks(b"", b"", b""),
    "empty_between": blocks(b"", b"one ", b"", b"two", b""),
    "return_none": lambda environ: None,
    "return_number": lambda environ: 5,
    "return_bytes": lambda environ: b"bytes",
    "return_text": lambda environ: "text",
    "item_text": blocks("text"),
    "item_none": blocks(None),
    "item_bytearray": blocks(bytearray(b"data")),
    "item_text_later": blocks(b"data ", "text"),
    "list_item_text_later": lambda environ: [b"data ", "text"],
    "bad_iterator": BadIterator,
    "raise_first": blocks(ValueError("before the first block")),
    "raise_after_empty": blocks(b"", ValueError("after an empty block")),
    "raise_later": blocks(b"data ", ValueError("after the first block")),
    "exit_first": blocks(SystemExit("leaving")),
    "exit_later": blocks(b"data ", SystemExit("leaving")),
    "raise_in_close": blocks(b"data", of=NoisyClose),
    "raise_twice": blocks(b"data", ValueError("in iteration"), of=NoisyClose),
    "bad_close_lookup": lambda environ: BadCloseLookup(),
}
FUNCTIONS = [
    late_generator,
    after_empty_block,
    never_started,
    never_started_empty,
    raise_at_once,
    raise_after_start,
    exit_at_once,
]
APPS = {name: started(name, result) for name, result in RESULTS.items()}
APPS |= {function.__name__: function for function in FUNCTIONS}
