"""module-config and install-module: the packaged module in an httpd of one's own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from client import Connection
from express import ACCOUNT, APPS, COMMAND
from mod_wsgi.express import installation, module_commands
from process import descendants, free_port, wait_gone
from waiting import poll

LIBRARY = f'LoadFile "{installation.engine_library()}"\n'
HOME = f'WSGIPythonHome "{sys.prefix}"\n'
HTTPD = """\
ServerRoot "{root}"
DefaultRuntimeDir "{root}"
PidFile "{root}/httpd.pid"
ServerName localhost
Listen 127.0.0.1:{port}
ErrorLog "{root}/error_log"
LogLevel info
LoadModule mpm_event_module "{modules}/mod_mpm_event.so"
LoadModule authz_core_module "{modules}/mod_authz_core.so"
{user}
IncludeOptional "{root}/mods-enabled/*.load"
{load}
WSGIDaemonProcess group
WSGIScriptAlias / "{script}" process-group=group application-group=%{{GLOBAL}}
<Directory "{directory}">
    Require all granted
</Directory>
"""


def told(*words: str | Path) -> str:
    result = subprocess.run([COMMAND, *words], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def test_module_config() -> None:
    """The module finds the engine from where it is."""
    module = told("module-location").rstrip("\n")
    assert told("module-config") == f'LoadModule wsgi_module "{module}"\n{HOME}'


def test_install_module(site: Path) -> None:
    """A copy does not, so the engine is loaded before it."""
    copied = site / installation.module_file().name
    expected = f'{LIBRARY}LoadModule wsgi_module "{copied}"\n{HOME}'
    for _ in range(2):
        assert told("install-module", "--modules-directory", site) == expected
        assert copied.read_bytes() == installation.module_file().read_bytes()
        assert [path.name for path in site.iterdir()] == [copied.name]


def test_framework_python(monkeypatch: pytest.MonkeyPatch, site: Path) -> None:
    """On macOS libpython has to be loaded first."""
    (site / "libpython.dylib").touch()
    facts = {"WITH_DYLD": 1, "LIBDIR": str(site), "LDLIBRARY": "libpython.dylib"}
    monkeypatch.setattr(sysconfig, "get_config_var", facts.get)
    line = module_commands.config(Path("/x/mod_wsgi.so")).splitlines()[0]
    assert line == f'LoadFile "{site}/libpython.dylib"'


def serve(site: Path, load: str) -> bytes:
    """What the application answers in an httpd with these lines in its configuration."""
    port, root = free_port(), site
    user = f"User {ACCOUNT[1]}\nGroup {ACCOUNT[3]}" if ACCOUNT else ""
    config = site / "httpd.conf"
    config.write_text(
        HTTPD.format(
            root=root,
            port=port,
            modules=installation.built_for().modules,
            user=user,
            load=load,
            script=APPS / "environ.wsgi",
            directory=APPS,
        )
    )
    program = [installation.built_for().httpd, "-f", config, "-DFOREGROUND"]
    httpd = subprocess.Popen(program, stderr=subprocess.PIPE)
    try:
        poll(lambda: httpd.poll() is not None or answers(port), "httpd answers", 30)
        assert httpd.poll() is None, httpd.stderr and httpd.stderr.read()
        with Connection(port) as connection:
            response = connection.request("GET", "/?evaluate=sys.prefix")
        assert response.status == 200, (site / "error_log").read_text()
        # A second generation loads everything again.
        os.kill(httpd.pid, signal.SIGUSR1)
        poll(lambda: "Doing graceful" in (site / "error_log").read_text(), "a restart")
        with Connection(port) as connection:
            assert connection.request("GET", "/?evaluate=sys.prefix").status == 200
        return response.body
    finally:
        pids = [httpd.pid, *descendants(httpd.pid)]
        if httpd.poll() is None:
            httpd.terminate()
        httpd.wait(30)
        wait_gone(pids)


def answers(port: int) -> bool:
    try:
        Connection(port).close()
    except OSError:
        return False
    return True


@pytest.fixture
def modules(site: Path) -> Iterator[Path]:
    directory = site / "modules"
    directory.mkdir()
    yield directory


def test_httpd_with_packaged_module(site: Path) -> None:
    assert serve(site, told("module-config")).decode() == f'"{sys.prefix}"'


def test_httpd_with_installed_module(site: Path, modules: Path) -> None:
    load = told("install-module", "--modules-directory", modules)
    assert serve(site, load).decode() == f'"{sys.prefix}"'


def test_debian_layout(site: Path, modules: Path) -> None:
    """Into mods-available, switched on by a link as a2enmod makes it."""
    for name in ("mods-available", "mods-enabled"):
        (site / name).mkdir()
    available = site / "mods-available/wsgi_express.load"
    available.write_text(told("install-module", "--modules-directory", modules))
    if shutil.which("a2enmod"):
        environ = os.environ | {"APACHE_CONFDIR": str(site)}
        (site / "apache2.conf").touch()
        subprocess.run(["a2enmod", "wsgi_express"], env=environ, check=True)
    else:
        link = site / "mods-enabled/wsgi_express.load"
        link.symlink_to("../mods-available/wsgi_express.load")
    assert serve(site, "").decode() == f'"{sys.prefix}"'
