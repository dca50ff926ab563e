"""Application groups: the default, the expansions, and one interpreter for each."""

from __future__ import annotations

import pytest

from conftest import StartHttpd
from evaluating import environ, evaluate
from httpd import Mpm

GROUP = "mod_wsgi.application_group"
DEFAULT_LINE = r"(?i)application group"


def test_a_single_application_runs_in_the_main_interpreter(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/evaluate.wsgi")
    assert environ(server, "/x", GROUP) == ""
    assert evaluate(server, "/", "mod_wsgi.application_group") == ""
    [record] = server.log.wait_for(DEFAULT_LINE)
    assert record.level == "info"
    assert "main interpreter" in record.text


def test_two_applications_get_an_interpreter_each(httpd: StartHttpd) -> None:
    server = httpd("""
        WSGIScriptAlias /a @APPS@/evaluate.wsgi
        WSGIScriptAlias /b @APPS@/evaluate.wsgi
        """)
    first = evaluate(server, "/a/x", "[environ['mod_wsgi.application_group'], id(sys.modules)]")
    second = evaluate(server, "/b", "[environ['mod_wsgi.application_group'], id(sys.modules)]")
    assert first[0] == f"localhost:{server.port}|/a"
    assert second[0] == f"localhost:{server.port}|/b"
    assert first[1] != second[1]
    [record] = server.log.wait_for(DEFAULT_LINE)
    assert record.level == "info"
    assert "%{RESOURCE}" in record.text


def test_the_choice_is_logged_once_per_process(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/evaluate.wsgi", Mpm("prefork", 2, 1, 2))
    pids: set[int] = set()
    while len(pids) < 2:
        with server.connect() as one, server.connect() as two:
            for connection in (one, two):
                connection.send_head("GET", "/?os.getpid()")
            pids |= {one.read_response().json(), two.read_response().json()}
    records = server.log.wait_for(DEFAULT_LINE, 2)
    assert sorted(record.pid for record in records) == sorted(pids)


HANDLER = """
DocumentRoot @APPS@
AddHandler wsgi-script .wsgi
<Location />
    Options +ExecCGI
</Location>
"""


@pytest.mark.parametrize(
    "config",
    [
        "WSGIScriptAlias / @APPS@/",
        "WSGIScriptAliasMatch ^/([a-z]+)\\.wsgi @APPS@/$1.wsgi",
        HANDLER,
    ],
    ids=["directory", "pattern", "handler"],
)
def test_what_may_be_several_applications_is_not_single(httpd: StartHttpd, config: str) -> None:
    server = httpd(config)
    expected = f"localhost:{server.port}|/evaluate.wsgi"
    assert environ(server, "/evaluate.wsgi", GROUP) == expected


def test_applications_of_virtual_hosts_count_together(httpd: StartHttpd) -> None:
    server = httpd("""
        <VirtualHost *:@PORT@>
            ServerName one.test
            WSGIScriptAlias / @APPS@/evaluate.wsgi
        </VirtualHost>
        <VirtualHost *:@PORT@>
            ServerName two.test
            WSGIScriptAlias / @APPS@/evaluate.wsgi
        </VirtualHost>
        """)
    for name in ("one.test", "two.test"):
        host = {"Host": f"{name}:{server.port}"}
        found = environ(server, "/x", GROUP, host)
        assert found.startswith(f"{name}:{server.port}|")


EXPANSIONS = """
WSGIScriptAlias /main @APPS@/evaluate.wsgi
WSGIScriptAlias /named @APPS@/evaluate.wsgi
WSGIScriptAlias /resource @APPS@/evaluate.wsgi
WSGIScriptAlias /server @APPS@/evaluate.wsgi
WSGIScriptAlias /host @APPS@/evaluate.wsgi
WSGIScriptAlias /env @APPS@/evaluate.wsgi
WSGIScriptAlias /twice @APPS@/evaluate.wsgi
WSGIScriptAlias /unset @APPS@/evaluate.wsgi
WSGIScriptAlias /process @APPS@/evaluate.wsgi
WSGIScriptAlias /odd @APPS@/evaluate.wsgi
WSGIScriptAlias /option @APPS@/evaluate.wsgi application-group=%{ENV:chosen}
WSGIApplicationGroup outer
SetEnv chosen by-environment
SetEnv again %{GLOBAL}
SetEnvIf Request_URI . later=by-setenvif
<Location /main>
    WSGIApplicationGroup %{GLOBAL}
</Location>
<Location /resource>
    WSGIApplicationGroup %{RESOURCE}
</Location>
<Location /server>
    WSGIApplicationGroup %{SERVER}
</Location>
<Location /host>
    WSGIApplicationGroup %{HOST}
</Location>
<Location /env>
    WSGIApplicationGroup %{ENV:later}
</Location>
<Location /twice>
    WSGIApplicationGroup %{ENV:again}
</Location>
<Location /unset>
    WSGIApplicationGroup %{ENV:not_set}
</Location>
<Location /process>
    WSGIApplicationGroup %{ENV:LANG_OF_TEST}
</Location>
<Location /odd>
    WSGIApplicationGroup %{ODD}
</Location>
"""


def test_expansions(httpd: StartHttpd) -> None:
    server = httpd(EXPANSIONS)
    port = server.port
    expected = {
        "/named": "outer",
        "/main": "",
        "/resource": f"localhost:{port}|/resource",
        "/server": f"localhost:{port}",
        "/host": f"some.test:{port}",
        "/env": "by-setenvif",
        "/twice": "",
        "/unset": "%{ENV:not_set}",
        "/odd": "%{ODD}",
        "/option": "by-environment",
    }
    host = {"Host": f"some.test:{port}"}
    found = {path: environ(server, f"{path}/x", GROUP, host) for path in expected}
    assert found == expected


def test_the_module_and_the_environ_agree(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/evaluate.wsgi\nWSGIApplicationGroup some-name")
    both = "[mod_wsgi.application_group, environ['mod_wsgi.application_group']]"
    assert evaluate(server, "/", both) == ["some-name", "some-name"]
    assert evaluate(server, "/", "mod_wsgi.process_group") == ""


def test_standard_ports_are_left_out(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/evaluate.wsgi\nWSGIApplicationGroup %{HOST}")
    for port, group in (("80", "h.test"), ("443", "h.test"), ("8080", "h.test:8080")):
        assert environ(server, "/", GROUP, {"Host": f"h.test:{port}"}) == group


def test_case_sensitivity(httpd: StartHttpd) -> None:
    config = """
        WSGIScriptAlias /MiXed @APPS@/evaluate.wsgi
        WSGIApplicationGroup %{RESOURCE}
        """
    server = httpd(config)
    assert environ(server, "/MiXed", GROUP) == f"localhost:{server.port}|/MiXed"
    server = httpd(config + "WSGICaseSensitivity Off")
    assert environ(server, "/MiXed", GROUP) == f"localhost:{server.port}|/mixed"


def test_an_extension_that_refuses_is_explained_in_one_line(httpd: StartHttpd) -> None:
    server = httpd("""
        WSGIScriptAlias / @APPS@/failing/refuses.wsgi
        WSGIApplicationGroup some-group
        """)
    server.log.expect(r"WC0034: .*obstinate\._extension.*WSGIApplicationGroup %\{GLOBAL\}", 1)
    server.log.expect(r"WC0042: ")
    server.log.expect(r"ImportError exception raised processing WSGI script")
    server.log.expect(r"^ImportError: module obstinate")
    server.log.tracebacks = True
    assert server.get("/").status == 500
