"""WSGIImportScript, and aliases whose scripts are loaded ahead: in which processes, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import StartHttpd
from evaluating import evaluate
from groups import wait_workers, writable
from httpd import Mpm
from server import Watched
from test_httpd_loading import write_script
from waiting import poll

# Notes in which process and interpreter it is loaded, and serves expressions.
NOTING = """
import json, os, sys
from urllib.parse import unquote
import mod_wsgi
LOADED = (os.getpid(), mod_wsgi.process_group, mod_wsgi.application_group)
with open({shared!r} + "/order", "a") as stream:
    print({name!r}, *LOADED, sep="|", file=stream)
def application(environ, start_response):
    value = eval(unquote(environ["QUERY_STRING"]))
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(value).encode()]
"""


def noting(server: Watched, *names: str) -> None:
    shared = str(writable(server))
    for name in names:
        write_script(
            server.root / f"{name}.wsgi", NOTING.format(shared=shared, name=name), 1_700_000_000
        )


def order(server: Watched, count: int) -> list[list[str]]:
    """What was loaded: name, process, process group and application group."""
    path = server.root / "shared" / "order"

    def enough() -> list[list[str]]:
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.split("|") for line in lines] if len(lines) >= count else []

    return poll(enough, f"{count} loaded scripts", 10.0)


class Prepared:
    """Makes a server whose scripts are in place before it starts."""

    def __init__(self, httpd: StartHttpd) -> None:
        self.httpd = httpd

    def __call__(self, config: str, *names: str, mpm: Mpm | None = None) -> Watched:
        def prepare(root: Path) -> None:
            shared = root / "shared"
            shared.mkdir()
            shared.chmod(0o777)
            for name in names:
                source = NOTING.format(shared=str(shared), name=name)
                write_script(root / f"{name}.wsgi", source, 1_700_000_000)

        return self.httpd(config, mpm, prepare=prepare)


@pytest.fixture
def prepared(httpd: StartHttpd) -> Prepared:
    return Prepared(httpd)


def test_every_child_loads_it(prepared: Prepared) -> None:
    server = prepared(
        "WSGIImportScript @ROOT@/a.wsgi process-group=%{GLOBAL} application-group=%{GLOBAL}",
        "a",
        mpm=Mpm("event", 2, 4, 2),
    )
    children = server.server.wait_children(2)
    found = order(server, 2)
    assert {int(pid) for _, pid, *_ in found} == set(children)
    assert {tuple(rest) for _, _, *rest in found} == {("", "")}


def test_every_process_of_a_group_loads_it_before_it_serves(prepared: Prepared) -> None:
    server = prepared(
        """
        WSGIDaemonProcess app processes=2
        WSGIImportScript @ROOT@/a.wsgi process-group=app application-group=sub
        WSGIScriptAlias / @ROOT@/b.wsgi process-group=app
        """,
        "a",
        "b",
    )
    workers = wait_workers(server, 2)
    found = [line for line in order(server, 2) if line[0] == "a"]
    assert {int(pid) for _, pid, *_ in found} == set(workers)
    assert {tuple(rest) for _, _, *rest in found} == {("app", "sub")}
    pid = evaluate(server, "/", "os.getpid()")
    names = [name for name, loader, *_ in order(server, 3) if int(loader) == pid]
    assert names == ["a", "b"]


@pytest.mark.parametrize("group", ["%{GLOBAL}", "app"])
def test_scripts_are_loaded_in_the_order_of_the_configuration(
    prepared: Prepared, group: str
) -> None:
    server = prepared(
        f"""
        WSGIDaemonProcess app
        WSGIDaemonProcess other
        WSGIImportScript @ROOT@/a.wsgi process-group={group} application-group=%{{GLOBAL}}
        WSGIScriptAlias /b @ROOT@/b.wsgi process-group={group} application-group=%{{GLOBAL}}
        WSGIImportScript @ROOT@/x.wsgi process-group=other application-group=%{{GLOBAL}}
        WSGIImportScript @ROOT@/c.wsgi process-group={group} application-group=sub
        WSGIScriptAlias /d @ROOT@/d.wsgi process-group={group} application-group=%{{GLOBAL}}
        WSGIScriptAlias /e @ROOT@/e.wsgi process-group={group}
        WSGIImportScript @ROOT@/f.wsgi process-group={group} application-group=%{{GLOBAL}}
        """,
        *"abcdefx",
    )
    found = [name for name, *_ in order(server, 6) if name != "x"]
    assert found == ["a", "b", "c", "d", "f"]


@pytest.mark.parametrize("group", ["%{GLOBAL}", "app"])
def test_requests_use_the_module_that_was_loaded(prepared: Prepared, group: str) -> None:
    server = prepared(
        f"""
        WSGIDaemonProcess app
        WSGIImportScript @ROOT@/a.wsgi process-group={group} application-group=sub
        WSGIScriptAlias / @ROOT@/a.wsgi
        WSGIProcessGroup {group}
        WSGIApplicationGroup sub
        """,
        "a",
    )
    pid, *_ = evaluate(server, "/", "LOADED")
    assert [loader for _, loader, *_ in order(server, 1)] == [str(pid)]
    assert len(server.log.find("Loading WSGI script")) == 1


def test_it_is_loaded_again_once_it_has_changed(prepared: Prepared) -> None:
    server = prepared(
        """
        WSGIImportScript @ROOT@/a.wsgi process-group=%{GLOBAL} application-group=%{GLOBAL}
        WSGIScriptAlias / @ROOT@/a.wsgi application-group=%{GLOBAL}
        """,
        "a",
    )
    order(server, 1)
    noting(server, "a")
    assert evaluate(server, "/", "1") == 1
    assert len(order(server, 1)) == 1
    source = NOTING.format(shared=str(server.root / "shared"), name="changed")
    write_script(server.root / "a.wsgi", source, 1_700_000_100)
    assert evaluate(server, "/", "1") == 1
    assert [name for name, *_ in order(server, 2)] == ["a", "changed"]


@pytest.mark.parametrize("group", ["%{GLOBAL}", "app"])
def test_a_failure_is_logged_and_the_process_goes_on(httpd: StartHttpd, group: str) -> None:
    server = httpd(
        f"""
        WSGIDaemonProcess app
        WSGIImportScript @ROOT@/missing.py process-group={group} application-group=%{{GLOBAL}}
        WSGIImportScript @APPS@/failing/raises.wsgi process-group={group} application-group=x
        WSGIScriptAlias / @APPS@/evaluate.wsgi process-group={group}
        """
    )
    server.log.expect(r"WC0040: cannot read WSGI script '.*/missing\.py'")
    server.log.expect(r"WC0042: .*raised processing WSGI script '.*/raises\.wsgi'")
    server.log.allow(r"^\w+(Error|Exception)\b")
    server.log.tracebacks = True
    assert evaluate(server, "/", "1 + 1") == 2


def test_imports_start_python_although_applications_are_kept_out(prepared: Prepared) -> None:
    server = prepared(
        """
        WSGIRestrictEmbedded On
        WSGIImportScript @ROOT@/a.wsgi process-group=%{GLOBAL} application-group=%{GLOBAL}
        WSGIScriptAlias /b @ROOT@/b.wsgi process-group=%{GLOBAL} application-group=%{GLOBAL}
        """,
        "a",
        "b",
    )
    assert [name for name, *_ in order(server, 1)] == ["a"]
    server.log.expect(r"WC0061: .*restrict-embedded is On")
    assert server.get("/b").status == 500


def test_tokens_stand_for_nothing_without_a_request(prepared: Prepared) -> None:
    server = prepared(
        "WSGIImportScript @ROOT@/a.wsgi process-group=%{GLOBAL} application-group=%{SERVER}",
        "a",
    )
    assert [group for *_, group in order(server, 1)] == ["%{SERVER}"]


def test_groups_of_a_virtual_host(prepared: Prepared) -> None:
    server = prepared(
        """
        <VirtualHost *>
            ServerName localhost
            WSGIDaemonProcess own
            WSGIImportScript @ROOT@/a.wsgi process-group=own application-group=%{GLOBAL}
            WSGIScriptAlias / @ROOT@/b.wsgi process-group=own application-group=%{GLOBAL}
        </VirtualHost>
        """,
        "a",
        "b",
    )
    assert [line[0] for line in order(server, 2)] == ["a", "b"]
    assert evaluate(server, "/", "LOADED[1]") == "own"
