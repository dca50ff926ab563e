"""Any response: status, headers and body come from the query.

Covers: repeated headers; Set-Cookie; 204 and 304; HEAD; Content-Length right, too short, too long
and malformed; status lines; very many and very long headers; a body as list or generator.
"""

import ast

from .recorder import Closing, query, record


def respond(environ, start_response):
    """`status`, `headers` and `blocks` as Python literals; `by` list, generator or write."""
    wanted = query(environ)
    headers = ast.literal_eval(wanted.get("headers", "[('Content-Type', 'text/plain')]"))
    blocks = ast.literal_eval(wanted.get("blocks", "[b'body']"))
    write = start_response(wanted.get("status", "200 OK"), headers)
    if wanted.get("by") == "write":
        for block in blocks:
            write(block)
        return Closing(environ, [])
    if wanted.get("by") == "generator":
        return Closing(environ, blocks)
    return blocks


def redirect_to_itself(environ, start_response):
    """A redirect within the server that never arrives."""
    start_response("200 OK", [("Location", environ["SCRIPT_NAME"] + "/redirect_to_itself")])
    return []


def counted(environ, start_response):
    """Declares ten bytes and yields blocks of five until it is stopped, recording each."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "10")])

    def blocks():
        for number in range(4):
            record(environ, f"block {number}")
            yield b"12345"

    return Closing(environ, blocks())


def many_headers(environ, start_response):
    """A thousand headers."""
    headers = [(f"X-Number-{number}", str(number)) for number in range(1000)]
    start_response("200 OK", [("Content-Type", "text/plain"), *headers])
    return [b"body"]


def long_header(environ, start_response):
    """A header value of a mebibyte."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Long", "v" * (1 << 20))])
    return [b"body"]


APPS = {
    "respond": respond,
    "redirect_to_itself": redirect_to_itself,
    "counted": counted,
    "many_headers": many_headers,
    "long_header": long_header,
}
