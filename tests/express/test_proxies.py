"""Servers behind this one: on sockets, with WebSockets, over HTTPS."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from client import Connection
from conftest import Start


class Behind:
    """A server that answers with the head of each request, or changes the protocol."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096) or b"\r\n\r\n"
        if b"Upgrade: websocket" in head:
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\n"
                b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
            )
            while data := connection.recv(4096):
                connection.sendall(data.upper())
            return
        answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(head)}\r\nConnection: close\r\n\r\n"
        connection.sendall(answer.encode() + head)

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def behind() -> Iterator[int]:
    """Its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = Behind(listener)
    yield port
    server.stop()


@pytest.fixture
def behind_socket(site: Path) -> Iterator[Path]:
    path = site / "behind.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    path.chmod(0o777)
    server = Behind(listener)
    yield path
    server.stop()


def test_socket(start: Start, environ_app: Path, behind_socket: Path) -> None:
    url = f"unix:{behind_socket}|http://behind.example/"
    server = start(environ_app, "--proxy-mount-point", "/up/", url)
    head = server.get("/up/page").body
    assert head.startswith(b"GET /page HTTP/1.1\r\n")
    assert b"\r\nX-Forwarded-Prefix: /up\r\n" in head


@pytest.mark.parametrize("option", ["--proxy-mount-point", "--proxy-virtual-host"])
def test_websocket(start: Start, environ_app: Path, behind: int, option: str) -> None:
    place = "/up/" if option == "--proxy-mount-point" else "up.example"
    server = start(environ_app, option, place, f"http://127.0.0.1:{behind}/")
    host = "site.example" if option == "--proxy-mount-point" else "up.example"
    with Connection(server.port) as connection:
        headers = {"Host": host, "Upgrade": "websocket", "Connection": "Upgrade"}
        connection.send_head("GET", "/up/chat", headers)
        assert connection.read_head().status == 101
        for text in (b"hello", b"again"):
            connection.send(text)
            assert connection.read_exactly(len(text)) == text.upper()


def test_https_in_front(start: Start, environ_app: Path, behind: int, site: Path) -> None:
    """What is behind learns of it, and of nothing that the client says."""
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    files = ["-keyout", site / "site.key", "-out", site / "site.crt"]
    subprocess.run([*make, *files], check=True, capture_output=True)
    (site / "site.key").chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = start(
        *(environ_app, "--https-port", str(port), "--ssl-certificate", site / "site"),
        *("--proxy-mount-point", "/up/", f"http://127.0.0.1:{behind}/"),
    )
    server.expected.append("AH01909|AH01906|AH02217")
    curl = ["curl", "-sk", "-H", "X-Forwarded-Scheme: gopher"]
    head = subprocess.check_output([*curl, f"https://127.0.0.1:{port}/up/x"])
    assert b"\r\nX-Forwarded-Scheme: https\r\n" in head
    assert f"\r\nX-Forwarded-Port: {port}\r\n".encode() in head
    plain = subprocess.check_output([*curl, f"http://127.0.0.1:{server.port}/up/x"])
    assert b"X-Forwarded-Scheme" not in plain
