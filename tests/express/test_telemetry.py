"""Metrics and telemetry: what the server takes of the options, and the collector beside it."""

from __future__ import annotations

import shutil
import stat
import venv
from pathlib import Path

import pytest
from client import Connection
from conftest import NewServer, Start
from express import ACCOUNT, title
from mod_wsgi.express import installation
from process import free_port
from waiting import poll

TARGET = ("--telemetry-service", "unix:/nonexistent/telemetry.sock")


def test_metrics(start: Start, environ_app: Path) -> None:
    """The status page then has times and totals of requests."""
    server = start(environ_app, "--server-metrics", "--server-status")
    server.environ()
    assert b"Total accesses" in server.get("/server-status").body
    server.stop()
    configuration = (server.server_root / "httpd.conf").read_text()
    assert "server-metrics=On" in configuration.replace('"', "")


def test_telemetry(start: Start, environ_app: Path) -> None:
    """All of its options are taken, and a collector that is not there is nobody's loss."""
    server = start(
        *(environ_app, *TARGET, "--telemetry-interval", "0.5", "--slow-requests", "0.1"),
        *("--telemetry-options", "None", "--telemetry-options", "+CaptureUserAgent"),
        *("--processes", "2", "--server-metrics"),
    )
    for _ in range(5):
        assert server.get("/?evaluate=__import__('time').sleep(0.2)").status == 200


@pytest.mark.parametrize("flags", ["Nonsense", "+CaptureUserAgent None"])
def test_flags_that_there_are_not(new_server: NewServer, environ_app: Path, flags: str) -> None:
    """httpd refuses them."""
    result = new_server().run(environ_app, *TARGET, "--telemetry-options", flags)
    assert result.returncode == 1
    assert f"WSGITelemetryOptions: '{flags}' is not accepted" in result.stderr
    assert "CaptureUserAgent, None or All" in result.stderr


COLLECTOR = """\
import http.server, json, os, socket, sys

def main():
    facts = dict(zip(sys.argv[2::2], sys.argv[3::2]))
    target = facts["--listen"].removeprefix("unix:")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(target)

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(sys.argv).encode())

        address = facts["--http-host"], int(facts["--http-port"])
        http.server.HTTPServer(address, Page).serve_forever()
"""
STARTER = """\
from mod_wsgi.express.cli import main
main()
"""


@pytest.fixture
def python(site: Path) -> Path:
    """One with a collector as the package mod_wsgi-telemetry has it."""
    home = site / "venv"
    venv.create(home, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    shutil.copytree(installation.PACKAGE, packages / "mod_wsgi")
    (packages / "mod_wsgi/telemetry").mkdir()
    (packages / "mod_wsgi/telemetry/__init__.py").write_text(COLLECTOR)
    facts = packages / "mod_wsgi_telemetry-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: mod_wsgi-telemetry\nVersion: 1.0\n"
    )
    entry_point = "mod_wsgi-telemetry = mod_wsgi.telemetry:main"
    (facts / "entry_points.txt").write_text(f"[console_scripts]\n{entry_point}\n")
    return home / "bin/python"


def test_collector(new_server: NewServer, environ_app: Path, python: Path) -> None:
    """A service with its socket in the server root, and its page on this machine alone."""
    port = free_port()
    server = new_server((python, "-c", STARTER, "start-server"))
    server.start(environ_app, "--enable-telemetry", "--telemetry-ui-port", str(port))
    poll(lambda: server.answers(port), "the collector answers", 20)
    with Connection(port) as connection:
        words = connection.request("GET", "/").json()
    directory = server.server_root / ("telemetry" if ACCOUNT else "")
    socket = f"unix:{directory}/telemetry.sock"
    assert words == [
        *("mod_wsgi-telemetry", "serve", "--listen", socket),
        *("--http-host", "127.0.0.1", "--http-port", str(port), "--log-level", "INFO"),
    ]
    assert stat.S_ISSOCK((directory / "telemetry.sock").stat().st_mode)
    assert "(wsgi:service:telemetry)" in {title(pid) for pid in server.workers()}
    assert server.environ()
    assert f'WSGITelemetryService "{socket}"' in (server.server_root / "httpd.conf").read_text()
