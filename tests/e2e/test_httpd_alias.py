"""WSGIScriptAlias and WSGIScriptAliasMatch: which URL runs which script, with which options."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import sharing
from evaluating import environ, evaluate
from modes import MODES, in_mode
from server import Server, Watched

CONFIG = """
Alias /static/files @ROOT@/htdocs
WSGIScriptAlias /static @APPS@/hello.wsgi
WSGIScriptAlias /app @APPS@/evaluate.wsgi
WSGIScriptAlias /sl//ash @APPS@/evaluate.wsgi
WSGIScriptAlias /apps/ @APPS@/
WSGIScriptAlias /first @APPS@/hello.wsgi
WSGIScriptAlias /first/inner @APPS@/evaluate.wsgi
WSGIScriptAlias /order/inner @APPS@/evaluate.wsgi
WSGIScriptAlias /order @APPS@/hello.wsgi
WSGIScriptAlias /other @APPS@/callables.wsgi callable-object=other
WSGIScriptAlias /quoted @APPS@/callables.wsgi callable-object="third"
WSGIScriptAlias /last @APPS@/callables.wsgi callable-object=other callable-object=third
WSGIScriptAlias /group @APPS@/evaluate.wsgi application-group=mine
WSGIScriptAlias /main @APPS@/evaluate.wsgi application-group=%{GLOBAL}
WSGIScriptAlias /auth @APPS@/evaluate.wsgi pass-authorization=On
WSGIScriptAlias /both @APPS@/evaluate.wsgi process-group=%{GLOBAL} application-group=%{GLOBAL}
WSGIScriptAlias /denied @APPS@/hello.wsgi
WSGIScriptAlias /forbidden @ROOT@/forbidden/hello.wsgi
WSGIScriptAlias /missing @APPS@/not_there.wsgi
WSGIScriptAlias /directory @APPS@
WSGIScriptAliasMatch ^/wiki/([a-z]+)\\.page @APPS@/$1.wsgi
WSGIScriptAliasMatch ^/ma(tc)h/ @APPS@/evaluate.wsgi/ application-group=$1
WSGIScriptAlias /vhost @APPS@/hello.wsgi
<Location /denied>
    Require all denied
</Location>
<Directory @ROOT@/forbidden>
    Require all denied
</Directory>
<Location /overridden>
    WSGIApplicationGroup location
    WSGICallableObject missing
</Location>
WSGIScriptAlias /overridden @APPS@/evaluate.wsgi application-group=alias \
    callable-object=application
<VirtualHost *:@PORT@>
    ServerName main.test
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName vhost.test
    WSGIScriptAlias /vhost @APPS@/callables.wsgi
</VirtualHost>
"""


@pytest.fixture(scope="module", params=MODES)
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = in_mode(request.param, CONFIG)
    (server.root / "htdocs" / "file.txt").write_text("static file")
    (server.root / "forbidden").mkdir()
    (server.root / "forbidden" / "hello.wsgi").write_text((server.apps / "hello.wsgi").read_text())
    yield from sharing.serve(server)


@pytest.fixture
def server(running: Server) -> Iterator[Watched]:
    yield from sharing.watch(running)


@pytest.mark.parametrize(
    ("path", "script_name", "path_info"),
    [
        ("/app", "/app", ""),
        ("/app/", "/app", "/"),
        ("/app/x/y", "/app", "/x/y"),
        ("/app//x", "/app", "/x"),
        ("//app/x", "/app", "/x"),
        ("/sl/ash/x", "/sl/ash", "/x"),
        ("/sl///ash", "/sl/ash", ""),
        ("/apps/evaluate.wsgi", "/apps/evaluate.wsgi", ""),
        ("/apps/evaluate.wsgi/x", "/apps/evaluate.wsgi", "/x"),
        ("/wiki/evaluate.page", "/wiki/evaluate.page", ""),
        ("/wiki/evaluate.page/x", "/wiki/evaluate.page", "/x"),
        ("/order/inner/x", "/order/inner", "/x"),
        ("/both/x", "/both", "/x"),
    ],
)
def test_script_name_and_path_info(
    server: Watched, path: str, script_name: str, path_info: str
) -> None:
    found = evaluate(server, path, "[environ['SCRIPT_NAME'], environ['PATH_INFO']]")
    assert found == [script_name, path_info]


@pytest.mark.parametrize("path", ["/application", "/APP", "/", "/ap", "/appx/y", "/wiki/Big.page"])
def test_other_paths_are_not_mapped(server: Watched, path: str) -> None:
    assert server.get(path).status == 404


def test_the_first_alias_that_matches_wins(server: Watched) -> None:
    assert server.get("/first/inner").body == b"Hello world\n"


def test_mod_alias_goes_first(server: Watched) -> None:
    assert server.get("/static/files/file.txt").body == b"static file"
    assert server.get("/static/x").body == b"Hello world\n"


@pytest.mark.parametrize(
    ("path", "body"), [("/other", b"other"), ("/quoted", b"third"), ("/last", b"third")]
)
def test_callable_object(server: Watched, path: str, body: bytes) -> None:
    assert server.get(path).body == body


def test_application_group(server: Watched) -> None:
    key = "mod_wsgi.application_group"
    assert environ(server, "/group", key) == "mine"
    assert environ(server, "/main", key) == ""
    assert environ(server, "/both", key) == ""


def test_the_target_of_a_match_is_substituted_and_the_rest_appended(server: Watched) -> None:
    found = evaluate(server, "/match/x/y", "[environ['PATH_INFO'], environ['SCRIPT_FILENAME']]")
    assert found == ["/x/y", str(server.apps / "evaluate.wsgi")]


def test_pass_authorization(server: Watched) -> None:
    headers = {"Authorization": "Bearer x"}
    assert environ(server, "/auth", "HTTP_AUTHORIZATION", headers) == "Bearer x"
    assert environ(server, "/app", "HTTP_AUTHORIZATION", headers) is None


def test_options_of_the_alias_override_every_context(server: Watched) -> None:
    assert environ(server, "/overridden", "mod_wsgi.application_group") == "alias"


def test_exec_cgi_is_not_needed(server: Watched) -> None:
    assert server.get("/first").body == b"Hello world\n"


def test_access_control_of_url_and_directory_applies(server: Watched) -> None:
    server.log.expect("AH01630: client denied", 2)
    assert server.get("/denied").status == 403
    assert server.get("/forbidden").status == 403


def test_a_missing_script_is_404(server: Watched) -> None:
    server.log.expect(r"not_there\.wsgi", None)
    assert server.get("/missing").status == 404


def test_a_missing_script_below_a_directory_target_is_404(server: Watched) -> None:
    server.log.expect(r"nowhere\.wsgi", None)
    assert server.get("/apps/nowhere.wsgi").status == 404


def test_a_directory_is_403(server: Watched) -> None:
    server.log.expect(r"apps", None)
    assert server.get("/apps/failing/").status == 403


def test_script_filename_and_request_handler(server: Watched) -> None:
    assert environ(server, "/app/x", "SCRIPT_FILENAME") == str(server.apps / "evaluate.wsgi")
    assert environ(server, "/app/x", "mod_wsgi.request_handler") == "wsgi-script"


def test_aliases_of_a_virtual_host_come_before_those_of_the_server(server: Watched) -> None:
    assert server.get("/vhost", {"Host": "vhost.test"}).body == b"application"
    assert server.get("/vhost", {"Host": "main.test"}).body == b"Hello world\n"
    assert server.get("/first", {"Host": "vhost.test"}).body == b"Hello world\n"
