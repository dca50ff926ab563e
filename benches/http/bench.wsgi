"""The application of the HTTP benchmark; each path is one kind of work.

/        twelve bytes in a list of one item
/1m      one block of 1 MiB
/stream  a generator of 128 blocks of 8 KiB
/file    10 MiB through wsgi.file_wrapper
/upload  reads the request body and answers its length
"""

import os

SMALL = b"Hello World!"
BLOCK = b"b" * (1 << 20)
CHUNK = b"c" * 8192
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data.bin")


def small(environ, start_response):
    start_response(
        "200 OK",
        [("Content-Type", "text/plain"), ("Content-Length", "12")],
    )
    return [SMALL]


def block(environ, start_response):
    start_response(
        "200 OK",
        [
            ("Content-Type", "application/octet-stream"),
            ("Content-Length", str(len(BLOCK))),
        ],
    )
    return [BLOCK]


def stream(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    for _ in range(128):
        yield CHUNK


def file(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return environ["wsgi.file_wrapper"](open(DATA, "rb"), 65536)


def upload(environ, start_response):
    body = str(len(environ["wsgi.input"].read())).encode("ascii")
    start_response(
        "200 OK",
        [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))],
    )
    return [body]


PATHS = {
    "/": small,
    "/1m": block,
    "/stream": stream,
    "/file": file,
    "/upload": upload,
}


def application(environ, start_response):
    return PATHS[environ["PATH_INFO"]](environ, start_response)
