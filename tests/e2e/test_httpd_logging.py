"""Where httpd writes what an application says: log files, levels, formats."""

from __future__ import annotations

import re
from pathlib import Path

from conftest import StartHttpd
from evaluating import evaluate
from server import Watched
from waiting import poll

VHOST = """
<VirtualHost *:@PORT@>
    ServerName vhost.test
    ErrorLog @ROOT@/vhost.log
    {directives}
    WSGIScriptAlias /gateway @APPS@/gateway.wsgi
    WSGIScriptAlias / @APPS@/evaluate.wsgi
</VirtualHost>
WSGIApplicationGroup %{{GLOBAL}}
"""


def vhost_log(server: Watched, pattern: str) -> str:
    """The first line of the virtual host's log that matches."""
    path = Path(server.root / "vhost.log")

    def lines() -> list[str]:
        return [match[0] for match in re.finditer(pattern, path.read_text(), re.MULTILINE)]

    return poll(lines, f"{pattern} in {path}", 5)[0]


def test_a_request_logs_to_its_virtual_host(httpd: StartHttpd) -> None:
    server = httpd(VHOST.format(directives=""))
    evaluate(server, "/", "print('to the virtual host', file=environ['wsgi.errors'])")
    line = vhost_log(server, r"^.*to the virtual host$")
    assert "[wsgi:error]" in line
    assert "[client 127.0.0.1:" in line
    assert re.search(r"\[script [^\]]*/evaluate\.wsgi\] to the virtual host$", line)


def test_a_traceback_logs_to_its_virtual_host(httpd: StartHttpd) -> None:
    server = httpd(VHOST.format(directives=""))
    assert server.get("/gateway/raise_at_once").status == 500
    vhost_log(server, r"^.*ValueError exception raised processing WSGI script.*$")
    vhost_log(server, r"^.*\] ValueError: at once$")
    assert len(re.findall("ValueError: at once", (server.root / "vhost.log").read_text())) == 1


def test_output_disappears_only_past_its_level(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/gateway.wsgi\nLogLevel wsgi:crit")
    server.log.expect(r"handled at 50$")
    assert server.get("/log_handler").status == 200
    server.log.wait_for(r"handled at 50$")
    assert server.log.find(r"handled at (40|30|20|10|5)$") == []


def test_debug_records_of_the_handler_appear_at_debug(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/gateway.wsgi\nLogLevel wsgi:debug")
    server.log.allow(r"handled at|of two")
    assert server.get("/log_handler").status == 200
    assert server.log.wait_for(r"handled at 10$")[0].level == "debug"
    assert server.log.wait_for(r"handled at 20$")[0].level == "info"


def test_the_level_of_a_directory_counts(httpd: StartHttpd) -> None:
    server = httpd("""
        WSGIScriptAlias / @APPS@/gateway.wsgi
        LogLevel wsgi:error
        <Location /log_handler/verbose>
            LogLevel wsgi:info
        </Location>
        """)
    server.log.allow(r"handled at|of two")
    assert server.get("/log_handler").status == 200
    server.log.wait_for(r"second of two$")
    assert server.log.find(r"handled at (20|30)$") == []
    assert server.get("/log_handler/verbose").status == 200
    assert server.log.wait_for(r"handled at 20$")[0].level == "info"


def test_the_request_id_is_httpds(httpd: StartHttpd) -> None:
    server = httpd(VHOST.format(directives='ErrorLogFormat "id=%L %M"'))
    expression = "[print('with id', file=sys.stderr), environ['mod_wsgi.request_id']][1]"
    request_id = evaluate(server, "/", expression)
    assert vhost_log(server, r"^id=.*with id$").startswith(f"id={request_id} ")


def test_records_of_the_handler_carry_file_and_line(httpd: StartHttpd) -> None:
    server = httpd(VHOST.format(directives='ErrorLogFormat "%F %M"'))
    assert server.get("/gateway/log_handler").status == 200
    line = vhost_log(server, r"^.*handled at 40$")
    assert re.match(r"\S*errors\.py\(\d+\) ", line), line
