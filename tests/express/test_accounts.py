"""Which accounts the processes of a server have, and servers of ordinary users."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Start
from express import COMMAND, user_of

AS_USER = ["setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "--"]

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root changes accounts")


def test_root_keeps_only_the_parent(start: Start, environ_app: Path) -> None:
    server = start(environ_app)
    assert user_of(server.pid) == "root"
    assert user_of(server.worker()) == "www-data"
    assert server.environ()["process"]["MOD_WSGI_USER"] == "www-data"
    assert server.environ()["process"]["HOME"] == os.path.expanduser("~www-data")


def test_ordinary_user(express: Start, environ_app: Path, site: Path) -> None:
    """With a server root in a directory that is the user's alone."""
    private = site / "private"
    private.mkdir(mode=0o700)
    shutil.copy(environ_app, private / "app.wsgi")
    for path in (private, private / "app.wsgi"):
        shutil.chown(path, "www-data", "www-data")
    server = express("app.wsgi")
    server.account = []
    server.command = [*AS_USER, *server.command]
    server.server_root = private / "root"
    server.directory.chmod(0o755)
    server.words = [private / "app.wsgi", "--working-directory", private]
    server.start()
    facts = server.environ()
    assert facts["process"]["MOD_WSGI_USER"] == "www-data"
    assert {user_of(pid) for pid in server.processes()} == {"www-data"}
    assert (server.server_root / "httpd.conf").stat().st_uid != 0


def test_account_is_ignored_without_root(express: Start, environ_app: Path, site: Path) -> None:
    site.chmod(0o777)
    server = express(environ_app, "--setup-only")
    server.command = [*AS_USER, *server.command]
    server.server_root = site / "root"
    result = server.run()
    assert result.returncode == 0, result.stderr
    assert "--user has no effect unless root starts the server" in result.stderr


def test_environment_names_the_account(express: Start, environ_app: Path) -> None:
    server = express(environ_app)
    server.start(WSGI_RUN_USER="daemon", WSGI_RUN_GROUP="daemon")
    assert user_of(server.worker()) == "daemon"


def test_directories_are_the_servers(express: Start, environ_app: Path) -> None:
    server = express(environ_app, "--setup-only", "--enable-recorder")
    assert server.run().returncode == 0
    for name in ("python-eggs", "archive"):
        assert (server.server_root / name).owner() == "www-data"
    assert (server.server_root / "htdocs").owner() == "root"


def test_private_port_without_root(express: Start, environ_app: Path, site: Path) -> None:
    """Where the system asks for a capability, that is what the message is about."""
    limit = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if limit == 0:
        pytest.skip("every port is open to all here")
    site.chmod(0o777)
    server = express(environ_app)
    server.command = [*AS_USER, *server.command]
    server.server_root, server.port, server.account = site / "root", 81, []
    result = server.run()
    assert result.returncode == 1
    assert "port 81 is for root" in result.stderr


def test_install_module_as_ordinary_user(site: Path) -> None:
    command = [*AS_USER, COMMAND, "install-module", "--modules-directory", site]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert f"cannot be copied to {site}: Permission denied; become root, or" in result.stderr


def test_foreign_server_root(express: Start, environ_app: Path, site: Path) -> None:
    """The default one has a name that others can guess."""
    server = express(environ_app, "--setup-only")
    command = [*server.command, *server.words, "--port", str(server.port)]

    def set_up() -> subprocess.CompletedProcess[str]:
        environ = os.environ | {"TMPDIR": str(site)}
        return subprocess.run(command, env=environ, capture_output=True, text=True)

    assert set_up().returncode == 0
    (root,) = site.iterdir()
    assert root.name == f"mod_wsgi-localhost:{server.port}:0"
    assert set_up().returncode == 0
    shutil.chown(root, "www-data")
    result = set_up()
    assert result.returncode == 1
    assert f"{root} belongs to somebody else" in result.stderr
