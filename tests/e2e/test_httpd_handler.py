"""AddHandler and SetHandler wsgi-script, with the checks that come before the application."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import sharing
from evaluating import environ, evaluate
from modes import MODES, in_mode
from server import Server, Watched

CONFIG = """
AddHandler wsgi-script .wsgi
Alias /on @APPS@
Alias /off @APPS@
Alias /set @APPS@
Alias /legacy @APPS@
Alias /override @ROOT@/override
Alias /path-info-off @APPS@
<Location /on>
    Options +ExecCGI
</Location>
<Location /off>
    Options -ExecCGI
</Location>
<Location /set>
    Options +ExecCGI
    SetHandler wsgi-script
</Location>
<Location /legacy>
    Options +ExecCGI
    RemoveHandler .wsgi
    AddType application/x-httpd-wsgi .wsgi
</Location>
<Location /path-info-off>
    Options +ExecCGI
    AcceptPathInfo Off
</Location>
<Directory @ROOT@/override>
    AllowOverride FileInfo
    Options +ExecCGI
</Directory>
"""
OVERRIDES = """
SetHandler wsgi-script
WSGICallableObject third
WSGIPassAuthorization On
WSGIScriptReloading Off
WSGIErrorOverride Off
WSGIChunkedRequest On
WSGIMapHEADToGET Off
WSGIEnableSendfile On
WSGIIgnoreActivity On
"""


@pytest.fixture(scope="module", params=MODES)
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = in_mode(request.param, CONFIG)
    override = server.root / "override"
    override.mkdir()
    (override / ".htaccess").write_text(OVERRIDES)
    (override / "callables.py").write_text((server.apps / "callables.wsgi").read_text())
    (server.apps / "plain.txt").write_text("no script")
    yield from sharing.serve(server)


@pytest.fixture
def server(running: Server) -> Iterator[Watched]:
    yield from sharing.watch(running)


@pytest.mark.parametrize("where", ["on", "set", "legacy"])
def test_a_file_is_run(server: Watched, where: str) -> None:
    assert server.get(f"/{where}/hello.wsgi").body == b"Hello world\n"


def test_path_info_follows_the_file(server: Watched) -> None:
    found = evaluate(
        server, "/on/evaluate.wsgi/x//y", "[environ['SCRIPT_NAME'], environ['PATH_INFO']]"
    )
    assert found == ["/on/evaluate.wsgi", "/x/y"]


@pytest.mark.parametrize(
    ("where", "handler"), [("on", "wsgi-script"), ("legacy", "application/x-httpd-wsgi")]
)
def test_request_handler_is_named(server: Watched, where: str, handler: str) -> None:
    assert environ(server, f"/{where}/evaluate.wsgi", "mod_wsgi.request_handler") == handler


def test_without_exec_cgi_is_403(server: Watched) -> None:
    server.log.expect(r"^WC\d{4}: .*hello\.wsgi")
    assert server.get("/off/hello.wsgi").status == 403


def test_a_missing_file_is_404(server: Watched) -> None:
    server.log.expect(r"^WC\d{4}: .*nowhere\.wsgi")
    assert server.get("/on/nowhere.wsgi").status == 404


def test_a_directory_is_403(server: Watched) -> None:
    server.log.expect(r"^WC\d{4}: .*failing")
    assert server.get("/set/failing/").status == 403


def test_refused_path_info_is_404(server: Watched) -> None:
    assert server.get("/path-info-off/hello.wsgi").status == 200
    server.log.expect(r"^(WC0070|AH00128): ")
    assert server.get("/path-info-off/hello.wsgi/x").status == 404


def test_a_script_that_is_not_readable_is_500_or_403(server: Watched) -> None:
    script = server.apps / "unreadable.wsgi"
    script.write_text("application = None")
    script.chmod(0)
    server.log.expect(r"unreadable\.wsgi|PermissionError", None)
    server.log.tracebacks = True
    assert server.get("/on/unreadable.wsgi").status in (403, 500)


def test_htaccess_may_configure_an_application(server: Watched) -> None:
    assert server.get("/override/callables.py").body == b"third"


def test_other_files_are_static(server: Watched) -> None:
    assert server.get("/on/plain.txt").body == b"no script"
