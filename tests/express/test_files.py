"""The server root, as setup-server makes it, and apachectl by hand."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path

import pytest
from conftest import Start
from express import COMMAND, Express
from waiting import poll


def set_up_server(server: Express) -> subprocess.CompletedProcess[str]:
    server.command = (COMMAND, "setup-server")
    return server.run()


def set_up(server: Express) -> str:
    result = set_up_server(server)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def test_setup_server(express: Start) -> None:
    server = express("missing.wsgi")
    assert "Control Script" in set_up(server)
    names = {path.name for path in server.server_root.iterdir()}
    assert names == {
        "apachectl",
        "default.wsgi",
        "envvars",
        "handler.wsgi",
        "htdocs",
        "httpd.conf",
        "python-eggs",
        "resource.wsgi",
        "rewrite.conf",
    }
    assert (server.server_root / "apachectl").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("word", ["--setup-only"])
def test_setup_only(express: Start, word: str, environ_app: Path) -> None:
    server = express(environ_app, word)
    result = server.run()
    assert result.returncode == 0
    assert "Control Script" in result.stdout
    assert (server.server_root / "httpd.conf").exists()


def test_users_files_are_kept(express: Start) -> None:
    server = express("app.wsgi")
    set_up(server)
    rules, envvars = server.server_root / "rewrite.conf", server.server_root / "envvars"
    rules.write_text("# mine\n")
    envvars.write_text("# mine too\n")
    (server.server_root / "httpd.conf").write_text("# not mine\n")
    set_up(server)
    assert rules.read_text() == "# mine\n"
    assert envvars.read_text() == "# mine too\n"
    assert "ServerRoot" in (server.server_root / "httpd.conf").read_text()


def test_directories_of_options(express: Start, site: Path) -> None:
    set_up(
        express(
            *("app.wsgi", "--document-root", site / "static", "--log-directory", site / "log"),
            *("--python-eggs", site / "eggs", "--mount-point", "/deep/api"),
            *("--enable-coverage", "--coverage-directory", site / "cov"),
            *("--enable-profiler", "--profiler-directory", site / "prof"),
            *("--enable-recorder", "--recorder-directory", site / "rec"),
        )
    )
    made = {str(path.relative_to(site)) for path in site.rglob("*")}
    assert made == {
        *("static", "static/deep", "static/deep/api", "log"),
        *("eggs", "cov", "prof", "rec"),
    }


def test_missing_parent(express: Start) -> None:
    server = express("app.wsgi", "--document-root", "/nonexistent/static")
    result = set_up_server(server)
    assert result.returncode == 1
    message = "/nonexistent/static cannot be made, because /nonexistent does not exist"
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_envvars_script(express: Start, site: Path) -> None:
    (site / "vars").write_text("export ANSWER=42\n")
    server = express("app.wsgi", "--envvars-script", site / "vars")
    set_up(server)
    assert (server.server_root / "envvars").read_text() == f". {site}/vars\n"


def test_handler_settings(express: Start, site: Path) -> None:
    """What is written into handler.wsgi is a Python literal of the settings."""
    server = express(
        *("--application-type", "module", "my.site", "--callable-object", "app"),
        *("--server-name", "a.example", "--server-alias", "b.example", "--mount-point", "api/"),
        *("--working-directory", site, "--reload-on-changes"),
    )
    set_up(server)
    settings = handler_settings(server)
    assert settings["application_type"] == "module"
    assert settings["entry_point"] == "my.site"
    assert settings["callable_object"] == "app"
    assert settings["server_name"] == "a.example"
    assert settings["server_aliases"] == ["b.example"]
    assert settings["mount_point"] == "/api"
    assert settings["working_directory"] == str(site)
    assert settings["reloader_enabled"] is True
    assert "reload_required = " in (server.server_root / "handler.wsgi").read_text()


@pytest.mark.parametrize("word", ["--disable-reloading", "--embedded-mode", "--debug-mode"])
def test_reloading_is_off(express: Start, word: str) -> None:
    server = express("app.wsgi", "--reload-on-changes", word)
    result = set_up_server(server)
    assert f"--reload-on-changes has no effect with {word}" in result.stderr
    assert handler_settings(server)["reloader_enabled"] is False
    assert "reload_required" not in (server.server_root / "handler.wsgi").read_text()


def handler_settings(server: Express) -> dict[str, object]:
    tree = ast.parse((server.server_root / "handler.wsgi").read_text())
    (call,) = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return ast.literal_eval(call.args[0])


def test_apachectl(express: Start, environ_app: Path) -> None:
    """Without FOREGROUND the server goes into the background; its verbs do what httpd's do."""
    server = express(environ_app)
    set_up(server)
    ctl = server.server_root / "apachectl"

    def control(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([ctl, *words], capture_output=True, text=True, timeout=30)

    assert control("configtest").returncode == 0, server.log()
    assert "Usage:" in control().stdout + control().stderr
    assert "Server version" in control("-v").stdout
    stopped = control("stop")
    assert stopped.returncode == 0
    assert "not running" in stopped.stdout + stopped.stderr
    assert control("start").returncode == 0
    try:
        poll(lambda: server.answers() and server.pid_file.exists(), "the server answers")
        pid = server.pid_file.read_text()
        facts = server.environ()
        assert facts["process"]["MOD_WSGI_SERVER_ROOT"] == str(server.server_root)
        assert control("graceful").returncode == 0
        poll(lambda: "Doing graceful restart" in server.log(), "a graceful restart")
        assert server.environ()
        assert server.pid_file.read_text() == pid
    finally:
        assert control("stop").returncode == 0
    poll(lambda: not server.pid_file.exists(), "the server ends")
    poll(lambda: not server.answers(), "nobody listens")


def control(server: Express, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    ctl = server.server_root / "apachectl"
    return subprocess.run(
        [ctl, *words], capture_output=True, text=True, timeout=30, env=os.environ | environ
    )


def test_apachectl_restarts_and_ends(express: Start, environ_app: Path) -> None:
    server = express(environ_app)
    set_up(server)
    assert control(server, "start").returncode == 0
    try:
        poll(lambda: server.answers() and server.pid_file.exists(), "the server answers")
        pid = server.pid_file.read_text()
        # Not before httpd is ready for signals.
        server.wait_for_log("resuming normal operations")
        assert control(server, "restart").returncode == 0
        server.wait_for_log("resuming normal operations", 2)
        assert server.environ()
        assert server.pid_file.read_text() == pid
    finally:
        assert control(server, "graceful-stop").returncode == 0
    poll(lambda: not server.pid_file.exists() and not server.answers(), "the server ends", 20)


def test_apachectl_shows_the_status(express: Start, environ_app: Path, site: Path) -> None:
    """In the browser that there is."""
    browser = site / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" >{site}/shown\n')
    browser.chmod(0o755)
    server = express(environ_app, "--server-status", "--server-name", "site.example")
    set_up(server)
    assert control(server, "status", BROWSER=str(browser)).returncode == 0
    url = f"http://site.example:{server.port}/server-status"
    assert (
        poll(lambda: (site / "shown").exists() and (site / "shown").read_text(), "it") == f"{url}\n"
    )


def test_apachectl_configtest(express: Start, environ_app: Path, site: Path) -> None:
    """Its verdict is in the startup log where there is one."""
    (site / "more.conf").write_text("")
    server = express(environ_app, "--startup-log", "--include-file", site / "more.conf")
    set_up(server)
    log = server.server_root / "startup_log"
    assert control(server, "configtest").returncode == 0
    assert "Syntax OK" in log.read_text()
    (site / "more.conf").write_text("NoSuchDirective\n")
    assert control(server, "configtest").returncode != 0
    assert "NoSuchDirective" in log.read_text()


def test_process_environment(start: Start, environ_app: Path, site: Path) -> None:
    """envvars is read after apachectl's own variables, and wins over them."""
    (site / "vars").write_text("export ANSWER=42 MOD_WSGI_LISTENER_HOST=changed\n")
    script = site / "app.wsgi"
    script.write_text("import os\nos.environ['ANSWER']\n" + environ_app.read_text())
    server = start(
        *(script, "--envvars-script", site / "vars", "--working-directory", site),
        *("--passenv", "ANSWER", "--setenv", "GREETING", 'say "hi"', "--python-path", site),
    )
    facts = server.environ()
    process = facts["process"]
    assert facts["ANSWER"] == "42"
    assert facts["GREETING"] == 'say "hi"'
    assert process["ANSWER"] == "42"
    assert process["MOD_WSGI_EXPRESS"] == "true"
    assert process["MOD_WSGI_SERVER_NAME"] == "localhost"
    assert process["MOD_WSGI_SERVER_ALIASES"] == ""
    assert process["MOD_WSGI_LISTENER_HOST"] == "changed"
    assert process["MOD_WSGI_HTTP_PORT"] == str(server.port)
    assert process["MOD_WSGI_HTTPS_PORT"] == "None"
    assert process["MOD_WSGI_WORKING_DIRECTORY"] == str(site)
    assert process["LANG"] == process["LC_ALL"]
    assert "MOD_WSGI_DEBUG_MODE" not in process
    assert server.get("/?evaluate=os.getcwd()").json() == str(site)
    assert server.get(f"/?evaluate=sys.path[:2].count('{site}')").json() >= 1
