"""What the C tests ask for, chosen by PATH_INFO.

Covers: a list and a generator as the body, the request body read whole and by lines,
file_wrapper, raising before and after the first block, SystemExit, wsgi.errors, the
number of calls of close(), what there is of TLS, and the host's own structure during and
after its request.
"""

import os
import threading

NATIVE = "wsgi_core.request_rec"

closed = 0
closing = threading.Lock()


class Blocks:
    """An iterable that counts calls of its close()."""

    def __init__(self, blocks):
        self.blocks = iter(blocks)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.blocks)

    def close(self):
        global closed
        with closing:
            closed += 1


def hello(environ):
    return [b"Hello World!"]


def echo(environ):
    return [environ["wsgi.input"].read()]


def lines(environ):
    return Blocks(environ["wsgi.input"])


def stream(environ):
    return Blocks([b"one,", b"two,", b"three"])


def empty(environ):
    return Blocks([])


def large(environ):
    return [b"x" * 65536, b"y" * 65536]


def file(environ):
    return environ["wsgi.file_wrapper"](open(__file__, "rb"))


def late(environ):
    yield b"too "
    raise ValueError("late")


def raising(environ):
    raise ValueError("early")


def leaving(environ):
    raise SystemExit(7)


def errors(environ):
    environ["wsgi.errors"].write("a line for the log\n")
    return [b""]


def group(environ):
    return [environ["mod_wsgi.application_group"].encode()]


def variable(environ):
    return [ascii(environ.get("probe.value", "unset")).encode()]


def tls(environ):
    response = environ["probe.response"]
    looked_up = [response.ssl_var_lookup(name) for name in ("SSL_PROTOCOL", "SSL_NONE")]
    return [repr([response.ssl_is_https(), *looked_up]).encode()]


kept = None


def native(environ):
    global kept
    found = [repr(capsule).partition(" at ")[0] for capsule in (kept, environ.get(NATIVE))]
    kept = environ.get(NATIVE)
    return [", ".join(found).encode()]


def closes(environ):
    return [str(closed).encode()]


def process(environ):
    return [str(os.getpid()).encode()]


def everything(environ):
    """A body that takes every kind of callback there is."""
    data = environ["wsgi.input"].read()
    return Blocks([data, b",", b"end"])


CASES = {
    f"/{case.__name__}": case
    for case in (
        *(hello, echo, lines, stream, empty, large, file, late, raising, leaving, errors),
        *(group, variable, tls, native, closes, process, everything),
    )
}


def application(environ, start_response):
    case = CASES.get(environ["PATH_INFO"])
    if case is None:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return []
    environ["probe.response"] = start_response.__self__
    body = case(environ)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return body
