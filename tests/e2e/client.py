"""A raw HTTP client: it sends exactly the bytes given and reports exactly what came back."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

Headers = Mapping[str, str] | Sequence[tuple[str, str]]


def as_list(headers: Headers) -> list[tuple[str, str]]:
    """Header fields in order, given as a mapping or as pairs."""
    return list(headers.items()) if isinstance(headers, Mapping) else list(headers)


@dataclass
class Response:
    """One response. `complete` is false when it ended before its framing said so."""

    version: str
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    complete: bool = True
    chunks: list[bytes] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """The values of every header field of this name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """The value of the one header field of this name, or None."""
        values = self.all(name)
        assert len(values) < 2, f"{name} is repeated: {values}"
        return values[0] if values else None

    def keeps_connection(self) -> bool:
        """Whether another request may follow on the connection."""
        return self.version == "HTTP/1.1" and (self.header("Connection") or "") != "close"

    def json(self) -> Any:
        """The body as JSON."""
        assert self.status == 200, (self.status, self.body[:500])
        return json.loads(self.body)


class Connection:
    """One TCP connection to a server on the loopback address."""

    def __init__(self, port: int, timeout: float = 20.0, window: int = 0) -> None:
        """`window` bytes are taken from the server before they are asked for, if it is given."""
        self.socket = socket.socket()
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = port
        self.buffer = b""
        self.reset = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def local_port(self) -> int:
        return int(self.socket.getsockname()[1])

    def close(self) -> None:
        self.socket.close()

    def abort(self) -> None:
        """Closes with a reset, as a client that vanishes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def end_sending(self) -> None:
        """Half-closes: the server sees the end of what this client sends."""
        self.socket.shutdown(socket.SHUT_WR)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_head(
        self, method: str, target: str, headers: Headers = (), version: str = "HTTP/1.1"
    ) -> None:
        """Sends a request line, `Host` unless given, the headers and the empty line."""
        fields = as_list(headers)
        if "host" not in {name.lower() for name, _ in fields}:
            fields.insert(0, ("Host", f"localhost:{self.port}"))
        lines = [f"{method} {target} {version}", *(f"{n}: {v}" for n, v in fields)]
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    def send_chunk(self, data: bytes) -> None:
        """Sends one chunk of a chunked body; an empty one ends it."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def request(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        body: bytes | None = None,
        version: str = "HTTP/1.1",
    ) -> Response:
        """One whole exchange; a body gets its Content-Length."""
        fields = as_list(headers)
        if body is not None:
            fields.append(("Content-Length", str(len(body))))
        self.send_head(method, target, fields, version)
        if body:
            self.send(body)
        return self.read_response(method)

    def fill(self) -> bool:
        """Receives some more; false at the end of the stream."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            self.reset = True
            data = b""
        self.buffer += data
        return bool(data)

    def read_until(self, mark: bytes) -> bytes | None:
        """Everything up to and including `mark`; None when the stream ends before it."""
        while mark not in self.buffer:
            if not self.fill():
                return None
        end = self.buffer.index(mark) + len(mark)
        data, self.buffer = self.buffer[:end], self.buffer[end:]
        return data

    def read_exactly(self, count: int) -> bytes:
        """`count` bytes, or fewer when the stream ends before."""
        parts, missing = [], count
        while missing:
            if not self.buffer and not self.fill():
                break
            part, self.buffer = self.buffer[:missing], self.buffer[missing:]
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def read_to_end(self) -> bytes:
        """Everything until the server closes."""
        parts = [self.buffer]
        self.buffer = b""
        while self.fill():
            parts.append(self.buffer)
            self.buffer = b""
        return b"".join(parts)

    def read_interim(self) -> Response:
        """The next response head, whatever its status; the body is left."""
        head = self.read_until(b"\r\n\r\n")
        assert head is not None, f"no response head, only {self.buffer[:200]!r}"
        first, *lines = head.decode("latin-1")[:-4].split("\r\n")
        version, _, rest = first.partition(" ")
        code, _, reason = rest.partition(" ")
        fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
        return Response(version, int(code), reason, fields)  # type: ignore[arg-type]

    def read_head(self) -> Response:
        """The head of the final response; the body is left."""
        response = self.read_interim()
        while response.status == 100:
            response = self.read_interim()
        return response

    def read_chunk(self) -> bytes | None:
        """The next chunk: empty at the end of the body, None when the stream breaks off."""
        size = self.read_until(b"\r\n")
        if size is None:
            return None
        length = int(size.split(b";")[0], 16)
        if length == 0:
            return b"" if self.read_until(b"\r\n") == b"\r\n" else None
        data = self.read_exactly(length + 2)
        return data[:-2] if len(data) == length + 2 else None

    def read_response(self, method: str = "GET") -> Response:
        """The whole final response."""
        return self.read_body(self.read_head(), method)

    def read_body(self, response: Response, method: str = "GET") -> Response:
        """The response with the body that its head announces."""
        if method == "HEAD" or response.status in (204, 304):
            return response
        if response.header("Transfer-Encoding") == "chunked":
            return self.read_chunked(response)
        length = response.header("Content-Length")
        if length is None:
            response.body = self.read_to_end()
            response.complete = not self.reset
        else:
            response.body = self.read_exactly(int(length))
            response.complete = len(response.body) == int(length)
        return response

    def read_chunked(self, response: Response) -> Response:
        while chunk := self.read_chunk():
            response.chunks.append(chunk)
        response.complete = chunk is not None
        response.body = b"".join(response.chunks)
        return response

    def is_closed_by_server(self) -> bool:
        """Whether the server closes the connection now, with nothing more to read."""
        return not self.buffer and not self.fill()
