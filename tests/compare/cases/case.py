"""One request, and how the tables write it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import quote

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Case:
    """One request. A body is sent as it is, whatever the headers say of it."""

    name: str
    target: str
    headers: Headers = ()
    method: str = "GET"
    body: bytes = b""
    host: str = "localhost"
    version: str = "HTTP/1.1"

    def bytes(self, port: int) -> bytes:
        host = (
            ()
            if any(name.lower() == "host" for name, _ in self.headers)
            else (("Host", self.host),)
        )
        fields = (*host, ("X-Case", self.name), *self.headers)
        lines = [f"{self.method} {self.target} {self.version}", *(f"{n}: {v}" for n, v in fields)]
        return (
            "\r\n".join(lines).replace("@PORT@", str(port)).encode("latin-1")
            + b"\r\n\r\n"
            + self.body
        )


def run(name: str, source: str, path: str = "/run", **rest: object) -> Case:
    """The application is what the statements say; see apps/run.wsgi."""
    return Case(name, f"{path}?{quote(source, safe='')}", **rest)  # type: ignore[arg-type]


def answer(status: str = "200 OK", headers: str = "", body: str = "[b'body']") -> str:
    """Statements of an application that answers at once."""
    return f"start_response({status!r}, [{headers}])\nreturn {body}"


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def credentials(user: str, password: str) -> Headers:
    text = base64.b64encode(f"{user}:{password}".encode("latin-1")).decode()
    return (("Authorization", f"Basic {text}"),)


FORM = (("Content-Type", "text/plain"), ("Content-Length", "5"))
CHUNKED = (("Transfer-Encoding", "chunked"),)
GZIP = (("Accept-Encoding", "gzip"),)
