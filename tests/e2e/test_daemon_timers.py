"""What replaces a process or turns a request away after some time."""

from __future__ import annotations

import process
from conftest import StartHttpd
from groups import grouped, wait_inside, wait_replaced, worker


def test_maximum_requests(httpd: StartHttpd) -> None:
    server = httpd(grouped("maximum-requests=3"))
    found = [worker(server) for _ in range(9)]
    assert [found.count(pid) for pid in dict.fromkeys(found)] == [3, 3, 3]


def test_inactivity_timeout(httpd: StartHttpd) -> None:
    server = httpd(grouped("inactivity-timeout=1"))
    wait_replaced(server, worker(server))


def test_restart_interval(httpd: StartHttpd) -> None:
    server = httpd(grouped("restart-interval=1"))
    wait_replaced(server, worker(server))


def test_queue_timeout(httpd: StartHttpd) -> None:
    """503 with Retry-After while the only thread is busy; then all is well."""
    server = httpd(grouped("threads=1 queue-timeout=1", "waiting.wsgi"))
    connection, gate = wait_inside(server)
    server.log.expect("WC0066: .*'app'")
    response = server.get("/?x")
    assert response.status == 503
    assert response.header("Retry-After") == "1"
    gate.touch()
    assert connection.read_response().status == 200


def test_request_timeout(httpd: StartHttpd) -> None:
    server = httpd(grouped("threads=1 request-timeout=1 shutdown-timeout=1", "waiting.wsgi"))
    server.log.allow_crashes()
    server.log.allow("WC0068|WC0081|WC0035")
    connection, _ = wait_inside(server)
    assert connection.read_response().status in (502, 504)
    connection, gate = wait_inside(server, 1)
    gate.touch()
    pid = int(connection.read_response().body)
    assert process.is_running(pid)
