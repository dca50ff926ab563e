"""Responses that the test follows block by block.

Covers: a block reaches the client before the next one is made; clients that vanish while the
response is made; several requests in one process at the same time.
"""

import threading

from .recorder import Closing, record, wait_gate

TEXT = [("Content-Type", "text/plain")]


def handshake(environ, start_response):
    """Three blocks; the second and third wait until the test has the one before."""
    start_response("200 OK", TEXT)
    yield b"first"
    yield b"second" if wait_gate(environ) else b"the first block was held back"
    yield b"third" if wait_gate(environ) else b"the second block was held back"


def handshake_write(environ, start_response):
    """The same with write()."""
    write = start_response("200 OK", TEXT)
    write(b"first")
    write(b"second" if wait_gate(environ) else b"the first block was held back")
    return []


def handshake_length(environ, start_response):
    """The same with a Content-Length."""
    start_response("200 OK", [*TEXT, ("Content-Length", "11")])
    yield b"first"
    yield b"second" if wait_gate(environ) else b"held  "


def handshake_headers(environ, start_response):
    """Nothing leaves before the first block that is not empty."""
    start_response("200 OK", TEXT)
    yield b""
    opened = wait_gate(environ)
    start_response("201 Created" if opened else "500 Late", TEXT)
    yield b"body"


def endless(environ, start_response):
    """Blocks until the client is gone."""
    start_response("200 OK", TEXT)

    def blocks():
        for _ in range(100000):
            yield b"x" * 10000
        record(environ, "never stopped")

    return Closing(environ, blocks())


def endless_list(environ, start_response):
    """A list of blocks too large for any buffer."""
    start_response("200 OK", TEXT)
    return [b"x" * 100000] * 1000


def meeting(environ, start_response):
    """Answers when four requests are here at once."""
    start_response("200 OK", TEXT)
    try:
        MEETING.wait(10)
    except threading.BrokenBarrierError:
        return [b"alone"]
    return [b"met"]


MEETING = threading.Barrier(4)
FUNCTIONS = [
    handshake,
    handshake_write,
    handshake_length,
    handshake_headers,
    endless,
    endless_list,
    meeting,
]
APPS = {function.__name__: function for function in FUNCTIONS}
