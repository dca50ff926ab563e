"""Requests to a machine's sites, as the world sends them."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any, Protocol

from client import Connection, Headers, Response, as_list


class Host(Protocol):
    """Something with ports."""

    def socket(self, port: int) -> socket.socket: ...


class MachineConnection(Connection):
    """A connection to a port of a machine, with TLS where a certificate to trust is given."""

    def __init__(self, machine: Host, port: int, host: str, certificate: Path | None) -> None:
        self.socket = machine.socket(port)
        self.socket.settimeout(20.0)
        if certificate is not None:
            context = ssl.create_default_context(cafile=certificate)
            self.socket = context.wrap_socket(self.socket, server_hostname=host)
        self.port = port
        self.buffer = b""
        self.reset = False


class Site:
    """One site of a machine: where it is, and which name it has."""

    def __init__(
        self, machine: Host, host: str, port: int = 80, certificate: Path | None = None
    ) -> None:
        self.machine = machine
        self.host = host
        self.port = port
        self.certificate = certificate

    def connect(self) -> MachineConnection:
        return MachineConnection(self.machine, self.port, self.host, self.certificate)

    def request(
        self, method: str, path: str, headers: Headers = (), body: bytes | None = None
    ) -> Response:
        fields = {"Host": self.host, "Connection": "close"} | dict(as_list(headers))
        with self.connect() as connection:
            return connection.request(method, path, fields, body)

    def get(self, path: str, headers: Headers = ()) -> Response:
        return self.request("GET", path, headers)

    def whoami(self, path: str = "/", headers: Headers = ()) -> dict[str, Any]:
        """What the application tells of a request."""
        facts: dict[str, Any] = self.get(path, headers).json()
        return facts


def begin_upload(site: Site) -> MachineConnection:
    """A request in flight: the application reads, and waits for two bytes."""
    connection = site.connect()
    fields = {"Host": site.host, "Content-Length": "2", "Expect": "100-continue"}
    connection.send_head("POST", "/", fields)
    head = connection.read_until(b"\r\n\r\n")
    assert head is not None and head.startswith(b"HTTP/1.1 100 "), head
    return connection
