"""wsgi.errors, sys.stderr, sys.stdout and mod_wsgi.LogHandler.

Covers: any sequence of calls; attributes; partial lines; bytes through .buffer; use after the
request; threads of the application; levels of the logging handler; exceptions that are logged.
"""

import ast
import logging
import sys
import threading

from .input import outcome
from .recorder import json_response, query

KEPT = {}


def stream_of(environ):
    name = query(environ).get("stream", "errors")
    return {"errors": environ["wsgi.errors"], "stderr": sys.stderr, "stdout": sys.stdout}[name]


def apply(stream, call):
    name, *arguments = call
    if name == "write_times":
        return outcome(stream.write, [arguments[0] * arguments[1] + "\n"])
    if name == "buffer.write_array":
        return outcome(stream.buffer.write, [bytearray(arguments[0])])
    if name.startswith("buffer."):
        return outcome(getattr(stream.buffer, name[7:]), arguments)
    return outcome(getattr(stream, name), arguments)


def errors_calls(environ, start_response):
    """Makes the calls in the query on the stream it names."""
    calls = ast.literal_eval(query(environ)["calls"])
    return json_response(start_response, [apply(stream_of(environ), call) for call in calls])


def errors_attributes(environ, start_response):
    """What the stream says about itself, also after close()."""
    stream = stream_of(environ)
    stream.close()
    names = ["name", "encoding", "errors", "line_buffering", "write_through", "closed"]
    found = {name: getattr(stream, name) for name in names}
    calls = ["isatty", "readable", "seekable", "writable", "fileno"]
    return json_response(
        start_response, found | {n: outcome(getattr(stream, n), []) for n in calls}
    )


def errors_mixed(environ, start_response):
    """Fragments through three streams, of which one line is made."""
    environ["wsgi.errors"].write("one ")
    sys.stderr.write("two ")
    sys.stdout.write("three\n")
    return json_response(start_response, "written")


def errors_unfinished(environ, start_response):
    """A line without its newline: it is logged when the request ends."""
    environ["wsgi.errors"].write("unfinished line")
    return json_response(start_response, "written")


def errors_thread(environ, start_response):
    """Output of a thread that the application started belongs to no request."""
    thread = threading.Thread(target=lambda: print("from a thread", file=sys.stderr))
    thread.start()
    thread.join()
    return json_response(start_response, "written")


def errors_kept(environ, start_response):
    """Keeps the stream beyond the request."""
    KEPT["errors"] = environ["wsgi.errors"]
    return json_response(start_response, "kept")


def errors_after(environ, start_response):
    """Uses the stream of an earlier request."""
    stream = KEPT.pop("errors")
    calls = [["write", "late\n"], ["writelines", ["late\n"]]]
    return json_response(start_response, [apply(stream, call) for call in calls])


def log_handler(environ, start_response):
    """A record of each level and one of several lines through mod_wsgi.LogHandler."""
    import mod_wsgi

    logger = logging.Logger("application", logging.DEBUG)
    logger.addHandler(mod_wsgi.LogHandler())
    for level in (5, 10, 20, 30, 40, 50):
        logger.log(level, "handled at %d", level)
    logger.error("first of two\nsecond of two")
    return json_response(start_response, "logged")


APPS = {
    "errors_calls": errors_calls,
    "errors_attributes": errors_attributes,
    "errors_mixed": errors_mixed,
    "errors_unfinished": errors_unfinished,
    "errors_thread": errors_thread,
    "errors_kept": errors_kept,
    "errors_after": errors_after,
    "log_handler": log_handler,
}
