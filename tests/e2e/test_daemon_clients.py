"""Clients and applications that do not do their part: they vanish, are slow, do not read."""

from __future__ import annotations

import threading
import time

import pytest

import process
from blocks import blocks, target
from conftest import StartGroup, StartHttpd
from groups import grouped, wait_workers, writable
from server import Watched
from waiting import poll

GIB = 1 << 30
one_thread = "threads=1 queue-timeout=10"


def is_free(server: Watched, pid: int) -> bool:
    """The only thread of the process serves the next request."""
    return blocks(server, "[str(os.getpid()).encode()]").body == str(pid).encode()


def test_client_vanishes_in_mid_upload(serve: StartGroup) -> None:
    """The application sees an error and not a short body."""
    server = serve(one_thread, "blocks.wsgi")
    server.log.allow("WC00(50|55): |^Traceback|^ |OSError|^$")
    server.log.tracebacks = True
    [pid] = wait_workers(server)
    result = writable(server) / "result"
    with server.connect() as connection:
        expression = f"[note('{result}', read_all, environ)]"
        connection.send_head("POST", target(expression), {"Content-Length": "1000000"})
        connection.send(b"x" * 1000)
    poll(result.exists, "the application has noticed")
    assert "OSError" in result.read_text()
    assert is_free(server, pid)


def test_client_vanishes_in_mid_download(serve: StartGroup) -> None:
    """The application stops, and its close() is called."""
    server = serve(one_thread, "blocks.wsgi")
    server.log.allow("WC0055: ")
    [pid] = wait_workers(server)
    directory = writable(server)
    with server.connect() as connection:
        connection.send_head("GET", target(f"marked('{directory}', *[b'x' * 100000] * 1000)"))
        assert connection.read_head().status == 200
    poll((directory / "closed").exists, "close()")
    assert is_free(server, pid)


def test_client_that_reads_slowly_gets_everything(serve: StartGroup) -> None:
    server = serve("", "blocks.wsgi")
    with server.connect() as connection:
        connection.send_head("GET", target("(b'%07d' % n * 1000 for n in range(300))"))
        head = connection.read_head()
        body = b""
        while chunk := connection.read_chunk():
            body += chunk
            if len(body) < 300000:
                time.sleep(0.02)
    assert head.status == 200 and chunk == b""
    assert body == b"".join(b"%07d" % n * 1000 for n in range(300))


@pytest.mark.parametrize("expression", ["[b'early']", "[environ['wsgi.input'].read(10)]"])
def test_upload_of_a_gibibyte_that_nobody_reads(httpd: StartHttpd, expression: str) -> None:
    """The answer comes at once; the process takes none of the rest, and serves others meanwhile."""
    server = httpd(grouped(one_thread, "blocks.wsgi"))
    [pid] = wait_workers(server)
    before = process.status(pid, "VmHWM")
    with server.connect() as connection:
        connection.send_head("POST", target(expression), {"Content-Length": str(GIB)})
        connection.send(b"0123456789" * 1000)
        response = connection.read_response()
        assert response.status == 200
        assert response.body in (b"early", b"0123456789")
        # Its only thread is free although the upload goes on.
        connection.socket.settimeout(0.2)
        sent = 0
        try:
            while sent < 64 << 20:
                sent += connection.socket.send(b"x" * 1000000)
        except OSError:
            pass
        assert is_free(server, pid)
    assert process.status(pid, "VmHWM") - before < 20000


def test_application_that_reads_late(serve: StartGroup) -> None:
    """What it has not asked for waits in the client."""
    server = serve("", "blocks.wsgi")
    [pid] = wait_workers(server)
    body = b"0123456789" * 200000
    expression = "[time.sleep(0.5), str(len(environ['wsgi.input'].read())).encode()][1:]"
    assert server.post(target(expression), body).body == b"2000000"
    assert is_free(server, pid)


def test_both_sides_stream_at_once(httpd: StartHttpd) -> None:
    """More than any buffer holds, both ways, and neither waits for the other's end."""
    server = httpd(grouped("threads=2", "blocks.wsgi"))
    size = 30_000_000
    with server.connect() as connection:
        connection.send_head("POST", target("echo(environ)"), {"Content-Length": str(size)})

        def send() -> None:
            for _ in range(size // 100000):
                connection.send(b"y" * 100000)

        thread = threading.Thread(target=send)
        thread.start()
        response = connection.read_response("POST")
        thread.join()
    assert response.complete and response.body == b"y" * size


def test_answer_of_many_megabytes_to_an_upload_that_is_not_read(httpd: StartHttpd) -> None:
    """A client that does not send what it announced gets the whole response."""
    server = httpd(grouped("", "blocks.wsgi"))
    size = 3_000_000
    with server.connect() as connection:
        connection.send_head("POST", target("[b'x' * 3000000]"), {"Content-Length": str(size)})
        response = connection.read_response("POST")
        assert response.complete and len(response.body) == size


def test_a_thousand_headers(serve: StartGroup) -> None:
    server = serve("", "gateway.wsgi")
    response = server.get("/many_headers")
    assert response.status == 200
    assert [response.header(f"X-Number-{n}") for n in (0, 999)] == ["0", "999"]
