"""wsgi.input in every way that an application may use it.

Covers: any sequence of calls with any arguments and what each returned or raised; reading to the
end in blocks; not reading, reading a part; line by line while answering; an aborting client; use
after the request has ended.
"""

import ast
import hashlib

from .recorder import json_response, query, record

KEPT = {}


def outcome(function, arguments, keywords=None):
    """What a call returns, or the exception's class name and text."""
    try:
        result = function(*arguments, **(keywords or {}))
    except Exception as error:
        return {"raised": type(error).__name__, "text": str(error)}
    if isinstance(result, bytes):
        return result.decode("latin-1")
    if isinstance(result, list):
        return [item.decode("latin-1") for item in result]
    return result


def apply(stream, call):
    name, *arguments = call
    if name == "iterate":
        return outcome(list, [stream])
    if name == "next":
        return outcome(next, [stream])
    if name == "read_keyword":
        return outcome(stream.read, [], {"size": arguments[0]})
    return outcome(getattr(stream, name), arguments)


def input_calls(environ, start_response):
    """Makes the calls in the query, in order."""
    calls = ast.literal_eval(query(environ)["calls"])
    return json_response(start_response, [apply(environ["wsgi.input"], call) for call in calls])


def input_digest(environ, start_response):
    """Reads everything in blocks of `block` bytes (0: with one call)."""
    block = int(query(environ).get("block", "65536"))
    digest, length = hashlib.sha256(), 0
    read = environ["wsgi.input"].read
    while data := (read(block) if block else read()):
        digest.update(data)
        length += len(data)
    return json_response(start_response, [length, digest.hexdigest()])


def input_ignored(environ, start_response):
    """Answers without a look at the body."""
    return json_response(start_response, "ignored")


def input_part(environ, start_response):
    """Reads ten bytes and leaves the rest."""
    return json_response(start_response, environ["wsgi.input"].read(10).decode("latin-1"))


def input_recorded(environ, start_response):
    """Reads twice and records what came of it: the client may be gone."""
    for _ in range(2):
        result = outcome(environ["wsgi.input"].read, [])
        record(environ, result["raised"] + ": " + result["text"] if "raised" in result else result)
    record(environ, "done")
    return json_response(start_response, "read")


def input_kept(environ, start_response):
    """Keeps the stream beyond the request."""
    KEPT["input"] = environ["wsgi.input"]
    return json_response(start_response, "kept")


def input_after(environ, start_response):
    """Uses the stream of an earlier request."""
    stream = KEPT.pop("input")
    calls = [["read"], ["read", 0], ["readline"], ["readlines"], ["next"]]
    return json_response(start_response, [apply(stream, call) for call in calls])


def echo_lines(environ, start_response):
    """Answers every line as soon as it has been read: both bodies stream at once."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    for line in environ["wsgi.input"]:
        yield b"got " + line


APPS = {
    "input_calls": input_calls,
    "input_digest": input_digest,
    "input_ignored": input_ignored,
    "input_part": input_part,
    "input_recorded": input_recorded,
    "input_kept": input_kept,
    "input_after": input_after,
    "echo_lines": echo_lines,
}
