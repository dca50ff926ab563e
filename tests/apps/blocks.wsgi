"""Answers with the blocks that the Python expression in the query string gives.

Covers: responses as streams whose blocks, pauses and headers the test chooses; the end of the process
in the middle of anything. The expression has `environ`, `start` (start_response with headers as
arguments) and the functions below.
"""

import ctypes
import os
import signal
import threading
import time
from urllib.parse import unquote


def apart(seconds, *blocks):
    """A stream of these blocks with a pause before each but the first."""
    for number, block in enumerate(blocks):
        if number:
            time.sleep(seconds)
        yield block


def read_all(environ):
    return environ["wsgi.input"].read()


def note(path, function, environ):
    """Calls the function, and writes what became of it to a file."""
    try:
        found = repr(function(environ))
    except BaseException as error:
        found = repr(error)
    with open(path + ".new", "w") as stream:
        stream.write(found)
    os.rename(path + ".new", path)
    return found.encode()


def echo(environ):
    """What arrives goes back at once."""
    while block := environ["wsgi.input"].read(100000):
        yield block


def gated(path, block):
    """A block at once, and another when the file is there."""
    yield b"now"
    deadline = time.monotonic() + 20
    while not os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(0.01)
    yield block


class marked:
    """A stream; files in the directory tell when it is made and when it has ended."""

    def __init__(self, directory, *blocks):
        self.directory = directory
        self.blocks = iter(blocks)
        open(f"{directory}/made", "w").close()

    def __iter__(self):
        return self.blocks

    def close(self):
        open(f"{self.directory}/closed", "w").close()


DEATHS = {
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGSEGV": lambda: ctypes.string_at(0),
    "SIGABRT": os.abort,
    "code 7": lambda: os._exit(7),
}


def die(how):
    DEATHS[how]()
    time.sleep(10)


def die_later(how):
    """When the response has left."""
    threading.Timer(0.3, die, [how]).start()
    return [b"alive"]


def die_after(how, *blocks):
    yield from blocks
    time.sleep(0.1)
    die(how)


def application(environ, start_response):
    started = []

    def start(*headers, status="200 OK"):
        started.append(start_response(status, list(headers)))

    names = {"environ": environ, "start": start}
    blocks = eval(unquote(environ["QUERY_STRING"]), globals(), names)
    if not started:
        start(("Content-Type", "text/plain"))
    return blocks
