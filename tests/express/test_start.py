"""What stops a server from starting is said before httpd is run, with what to do about it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from configuration import make_site
from conftest import Start
from express import ACCOUNT, Express
from mod_wsgi.express import import_check, installation, ports
from mod_wsgi.express.errors import StartError


def refusal(server: Express, **environ: str) -> str:
    result = server.run(**environ)
    assert result.returncode == 1, result.stdout + result.stderr
    assert not (server.server_root / "httpd.pid").exists()
    message = result.stderr.removeprefix("mod_wsgi-express: error: ")
    assert message != result.stderr
    return message


def test_missing_script(express: Start) -> None:
    server = express("missing.wsgi")
    assert refusal(server) == f"the application: {server.directory}/missing.wsgi does not exist\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_of_that_name\n", "ModuleNotFoundError: No module named 'nothing_of"),
        ("def application(:\n", "SyntaxError"),
        ("raise SystemExit('no thanks')\n", "SystemExit: no thanks"),
        ("other = 1\n", "'application' is not defined; name the callable with --callable-object"),
        ("application = 1\n", "'application' is not callable"),
    ],
)
def test_unusable_script(express: Start, site: Path, text: str, message: str) -> None:
    script = site / "app.wsgi"
    script.write_text(text)
    told = refusal(express(script))
    assert told.startswith("the application cannot be loaded\n")
    assert message in told
    assert str(script) in told
    assert "import_check.py" not in told


def test_unusable_module(express: Start, site: Path) -> None:
    told = refusal(express("--application-type", "module", "absent", "--working-directory", site))
    assert "No module named 'absent'" in told


def test_dependency_is_looked_for_in_its_place(express: Start, site: Path) -> None:
    """The check has the paths, the working directory and the modules that the server has."""
    (site / "lib").mkdir()
    (site / "lib/dependency.py").write_text("")
    (site / "app.wsgi").write_text(
        "import dependency, mod_wsgi, os\n"
        "from mod_wsgi import version\n"
        "import mod_wsgi.express.handler\n"
        f"assert os.getcwd() == {str(site)!r}\n"
        "mod_wsgi.process_group, mod_wsgi.RequestTimeout, mod_wsgi.FileWrapper\n"
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [b'here']\n"
    )
    words = ("--python-path", site / "lib", "--working-directory", site)
    server = express(site / "app.wsgi", *words)
    server.start()
    assert server.get().body == b"here"


@pytest.mark.parametrize(
    "use",
    [
        "mod_wsgi.subscribe_shutdown(print)",
        "mod_wsgi.subscribe_events(print)",
        "mod_wsgi.start_recording_metrics()",
        "mod_wsgi.event_callbacks.append(print)",
        "class Handler(mod_wsgi.LogHandler): pass",
        "import apache; apache.version",
    ],
)
def test_what_the_engine_brings_is_stood_in_for(site: Path, use: str) -> None:
    script = site / "app.wsgi"
    script.write_text(f"import mod_wsgi\n{use}\napplication = print\n")
    command = [sys.executable, import_check.__file__, "script", script, "application", site]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_port_in_use(express: Start, environ_app: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = express(environ_app)
        server.port = taken.getsockname()[1]
        assert f"port {server.port} is in use by another program" in refusal(server)


def test_foreign_address(express: Start, environ_app: Path) -> None:
    told = refusal(express(environ_app, "--host", "192.0.2.1"))
    assert "--host 192.0.2.1: this machine does not have the address" in told


def test_port_for_root(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(host: str | None, port: int) -> None:
        raise PermissionError

    monkeypatch.setattr(ports, "_listen", refuse)
    monkeypatch.setattr(ports, "_has_capability", lambda program: False)
    with pytest.raises(StartError) as caught:
        ports.check(make_site("--port", "80"))
    for words in ("port 80 is for root", "CAP_NET_BIND_SERVICE", "another port with --port"):
        assert words in str(caught.value)
    monkeypatch.setattr(ports, "_has_capability", lambda program: True)
    ports.check(make_site("--port", "80"))


def test_no_httpd(express: Start, environ_app: Path) -> None:
    told = refusal(express(environ_app, "--httpd-executable", "/nonexistent/httpd"))
    assert told.startswith("httpd was not found as /nonexistent/httpd; install it (")
    assert "--httpd-executable" in told


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ("ID=debian", "apt-get install apache2-bin"),
        ("ID=ubuntu\nID_LIKE=debian", "apt-get install apache2-bin"),
        ('ID="linuxmint"\nID_LIKE="ubuntu debian"', "apt-get install apache2-bin"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"', "dnf install httpd"),
        ("ID=alpine", "apk add apache2"),
        ("ID=somethingelse", "Apache httpd 2.4"),
    ],
)
def test_package_of_distribution(
    release: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda path: release)
    assert command in str(installation.missing_httpd("httpd"))


def test_httpd_variable(express: Start, environ_app: Path) -> None:
    assert "/nonexistent/other" in refusal(express(environ_app), HTTPD="/nonexistent/other")


def test_no_modules(express: Start, environ_app: Path) -> None:
    told = refusal(express(environ_app, "--modules-directory", "/nonexistent"))
    assert "/nonexistent, the directory of httpd's modules, does not exist" in told


@pytest.mark.parametrize(
    "option",
    [
        "--host-access-script",
        "--auth-user-script",
        "--rewrite-rules",
        "--envvars-script",
        "--working-directory",
    ],
)
def test_missing_file_of_option(express: Start, environ_app: Path, option: str) -> None:
    told = refusal(express(environ_app, option, "/nonexistent"))
    assert told == f"{option}: /nonexistent does not exist\n"


def test_missing_service(express: Start, environ_app: Path) -> None:
    told = refusal(express(environ_app, "--service-script", "jobs", "/nonexistent"))
    assert told == "--service-script jobs: /nonexistent does not exist\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root changes accounts")
def test_closed_path(express: Start, site: Path) -> None:
    closed = site / "closed"
    closed.mkdir(mode=0o700)
    (closed / "app.wsgi").write_text("application = print\n")
    told = refusal(express(closed / "app.wsgi"))
    assert f"cannot be read by www-data, whom the server runs as, because {closed} is" in told


@pytest.mark.skipif(os.getuid() != 0, reason="only root changes accounts")
@pytest.mark.parametrize("option", ["--user", "--group"])
def test_unknown_account(express: Start, environ_app: Path, option: str) -> None:
    server = express(environ_app, option, "nobody-of-that-name")
    index = ACCOUNT.index(option)
    server.account = [*ACCOUNT[:index], *ACCOUNT[index + 2 :]]
    assert "nobody-of-that-name" in refusal(server)


@pytest.mark.skipif(os.getuid() != 0, reason="root is refused")
def test_root(express: Start, environ_app: Path) -> None:
    """httpd does not serve as root: apachectl says what to do, httpd refuses."""
    server = express(environ_app)
    server.account = []
    result = server.run()
    assert result.returncode == 1
    assert "WARNING: the server was started by root" in result.stdout
    assert "--user" in result.stdout
    assert "--group" in result.stdout
