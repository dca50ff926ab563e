"""wsgi.file_wrapper around files and other objects.

Covers: regular files from any offset, with and without Content-Length, also a wrong one; BytesIO
and pipes; a subclass; middleware around the wrapper; a wrapper after write(); closed files and
closed descriptors; reads that return no bytes; the attributes and arguments of the class.
"""

import io
import os
import tempfile

from .input import outcome
from .recorder import json_response, query, record

DIRECTORY = tempfile.mkdtemp(prefix="wsgi-core-files-")


def content(size):
    """`size` bytes whose every place can be told."""
    return b"".join(b"%07d\n" % number for number in range(size // 8 + 1))[:size]


class Recorded:
    """A file whose close() is recorded; everything else is the file's."""

    def __init__(self, environ, file):
        self.environ = environ
        self.file = file

    def __getattr__(self, name):
        return getattr(self.file, name)

    def close(self):
        record(self.environ, "closed")
        self.file.close()


def open_file(environ):
    size = int(query(environ).get("size", "100000"))
    path = os.path.join(DIRECTORY, str(size))
    if not os.path.exists(path):
        with open(f"{path}.{os.getpid()}", "wb") as stream:
            stream.write(content(size))
        os.rename(f"{path}.{os.getpid()}", path)
    return open(path, "rb")


def pipe(data):
    """A readable file object that has a descriptor but is no regular file."""
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    return os.fdopen(reader, "rb")


def source(environ):
    kind = query(environ).get("kind", "file")
    if kind == "bytes":
        return io.BytesIO(content(20000))
    if kind == "pipe":
        return pipe(content(20000))
    file = open_file(environ)
    file.seek(int(query(environ).get("offset", "0")))
    if kind == "closed":
        file.close()
    return ClosedDescriptor(file) if kind == "closed_descriptor" else file


class ClosedDescriptor:
    """A file object whose descriptor is closed; its number is one that nobody else gets."""

    def __init__(self, file):
        self.number = 900
        os.dup2(file.fileno(), self.number)
        os.close(self.number)
        file.close()

    def fileno(self):
        return self.number

    def tell(self):
        return 0

    def read(self, size=-1):
        return os.read(self.number, size)


def file(environ, start_response):
    """A wrapped file: `kind`, `size`, `offset`, `length`, `block`, `by` from the query."""
    wanted = query(environ)
    headers = [("Content-Type", "application/octet-stream")]
    if "length" in wanted:
        headers.append(("Content-Length", wanted["length"]))
    start_response(wanted.get("status", "200 OK"), headers)
    wrapper = environ["wsgi.file_wrapper"]
    if wanted.get("by") == "subclass":
        wrapper = type("Subclass", (wrapper,), {})
    wrapped = wrapper(Recorded(environ, source(environ)), int(wanted.get("block", "8192")))
    return Middleware(wrapped) if wanted.get("by") == "middleware" else wrapped


class Middleware:
    """Wraps a wrapper, so that it is ordinary iteration."""

    def __init__(self, wrapped):
        self.wrapped = wrapped

    def __iter__(self):
        return iter(self.wrapped)

    def close(self):
        self.wrapped.close()


def file_after_write(environ, start_response):
    """A wrapper when something was written before."""
    start_response("200 OK", [("Content-Type", "text/plain")])(b"written ")
    return environ["wsgi.file_wrapper"](open_file(environ))


def file_text(environ, start_response):
    """read() returns str."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return environ["wsgi.file_wrapper"](io.StringIO("text"))


def file_class(environ, start_response):
    """What the class takes and tells."""
    wrapper = environ["wsgi.file_wrapper"]
    stream = io.BytesIO(b"abc")
    made = wrapper(filelike=stream, blksize=2)
    found = {
        "filelike": made.filelike is stream,
        "blksize": made.blksize,
        "default": wrapper(stream).blksize,
        "blocks": [block.decode() for block in made],
        "negative": outcome(wrapper, [stream, -1]),
        "none": outcome(wrapper, []),
        "text": outcome(wrapper, [stream, "x"]),
        "set": outcome(setattr, [made, "blksize", 3]),
        "close": outcome(made.close, []),
        "after": outcome(lambda: made.filelike, []),
        "iterate_after": outcome(lambda: list(made), []),
        "closed": stream.closed,
    }
    return json_response(start_response, found)


APPS = {
    "file": file,
    "file_after_write": file_after_write,
    "file_text": file_text,
    "file_class": file_class,
}
