"""Files and programs that options name, and what they do in a running server."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import process
from conftest import Start
from evaluating import evaluate
from express import Express, title
from mod_wsgi.express import installation
from waiting import poll


def test_pid_file(start: Start, environ_app: Path, site: Path) -> None:
    server = start(environ_app, "--pid-file", site / "number")
    assert int(
        poll(lambda: (site / "number").exists() and (site / "number").read_text(), "it")
    ) == (server.pid)
    assert not server.pid_file.exists()
    server.stop()
    assert not (site / "number").exists()


def test_socket_prefix(start: Start, environ_app: Path, site: Path) -> None:
    """Sockets are there, closed to others, and go with the server."""
    server = start(environ_app, "--socket-prefix", site)
    server.worker()
    sockets = poll(lambda: list(site.glob("wsgi*")), "sockets")
    assert all(path.is_socket() and path.stat().st_mode & 0o077 == 0 for path in sockets)
    assert not list(server.server_root.glob("wsgi*"))
    server.stop()
    assert not list(site.glob("wsgi*"))


def test_shell_executable(start: Start, environ_app: Path, site: Path) -> None:
    """It runs apachectl, here with a trace of that."""
    shell = site / "shell"
    shell.write_text(f'#!/bin/sh\necho "$@" >>{site}/trace\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    server = start(environ_app, "--shell-executable", shell)
    assert f"{server.server_root}/apachectl start -DFOREGROUND" in (site / "trace").read_text()
    # Other shells than bash cannot give httpd a name.
    assert title(server.pid).startswith(installation.find_httpd(None))


def test_httpd_executable(start: Start, environ_app: Path, site: Path) -> None:
    (site / "my-httpd").symlink_to(installation.find_httpd(None))
    server = start(environ_app, "--httpd-executable", site / "my-httpd")
    assert title(server.pid).startswith("my-httpd (mod_wsgi-express) ")


def test_modules_directory(start: Start, environ_app: Path, site: Path) -> None:
    """The processing model is chosen from what is there."""
    modules = site / "modules"
    shutil.copytree(installation.built_for().modules, modules, copy_function=link)
    (modules / "mod_mpm_event.so").unlink()
    server = start(environ_app, "--modules-directory", modules)
    assert server.environ()["process"]["MOD_WSGI_MODULES_DIRECTORY"] == str(modules)
    assert f"{modules}/mod_mpm_worker.so" in Path(f"/proc/{server.pid}/maps").read_text()


def link(source: str, target: str) -> None:
    Path(target).symlink_to(source)
    # A link is loaded from where it leads to, a copy is not.
    if Path(source).name.startswith("mod_mpm_"):
        Path(target).unlink()
        shutil.copy(source, target)


def test_rotatelogs_executable(start: Start, environ_app: Path, site: Path) -> None:
    program = site / "rotate"
    program.write_text(f'#!/bin/sh\necho "$@" >{site}/arguments\nexec cat >{site}/log\n')
    program.chmod(0o755)
    server = start(
        *(environ_app, "--rotate-logs", "--rotatelogs-executable", program, "--max-log-size", "3")
    )
    poll((site / "log").exists, "the log")
    poll(lambda: "resuming normal" in (site / "log").read_text(), "a line in it")
    wanted = f"{server.server_root}/error_log.%Y-%m-%d-%H_%M_%S 3M\n"
    assert (site / "arguments").read_text() == wanted


def test_include_files(start: Start, environ_app: Path, site: Path) -> None:
    """In their order, after everything else; also those that a pattern finds."""
    (site / "a.conf").write_text("SetEnv WHICH a\nSetEnv A yes\n")
    (site / "b.conf").write_text("SetEnv WHICH b\n")
    (site / "more-1.inc").write_text("SetEnv MORE yes\n")
    server = start(
        *(environ_app, "--setenv", "WHICH", "option", "--include-file", site / "a.conf"),
        *("--include-file", site / "b.conf", "--include-file", site / "more-*.inc"),
    )
    facts = server.environ()
    assert (facts["WHICH"], facts["A"], facts["MORE"]) == ("b", "yes", "yes")


def test_mime_types(start: Start, environ_app: Path, site: Path) -> None:
    (site / "types").write_text("text/x-of-test oftest\n")
    (site / "public").mkdir()
    (site / "public/file.oftest").write_text("content")
    words = ("--document-root", site / "public", "--mime-types", site / "types")
    server = start(environ_app, *words)
    assert server.get("/file.oftest").header("Content-Type") == "text/x-of-test"


def test_python_of_the_server(start: Start, environ_app: Path, site: Path) -> None:
    server = start(
        *(environ_app, "--python-warnings", "error::UserWarning", "--switch-interval", "0.025"),
        *("--python-eggs", site / "eggs", "--python-warnings", "ignore::ImportWarning"),
    )
    assert evaluate(server, "sys.warnoptions") == ["error::UserWarning", "ignore::ImportWarning"]
    assert evaluate(server, "round(sys.getswitchinterval(), 6)") == 0.025
    assert evaluate(server, "os.environ['PYTHON_EGG_CACHE']") == str(site / "eggs")


ENDING = """\
import atexit

def leave():
    open({path!r}, "w").close()

atexit.register(leave)

def application(environ, start_response):
    start_response("200 OK", [])
    return []
"""


def end_of_interpreter(server: Express, mark: Path) -> bool:
    """Whether the application's exit functions run."""
    assert server.get().status == 200
    worker = server.worker()
    server.stop()
    process.wait_gone([worker])
    return mark.exists()


def test_orphan_interpreter(start: Start, site: Path) -> None:
    site.chmod(0o777)
    script, mark = site / "app.wsgi", site / "left"
    script.write_text(ENDING.format(path=str(mark)))
    assert not end_of_interpreter(start(script, "--orphan-interpreter"), mark)
    assert end_of_interpreter(start(script), mark)


def test_verbose_debugging(start: Start, environ_app: Path) -> None:
    assert start(environ_app, "--verbose-debugging").environ()


# What a PHP of that age would be loaded as; there is none for current distributions.
PHP = """\
#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
static int answer(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "application/x-httpd-php")) {
        return DECLINED;
    }
    ap_rprintf(r, "php runs %s", r->filename);
    return OK;
}
static void hooks(apr_pool_t *p)
{
    ap_hook_handler(answer, NULL, NULL, APR_HOOK_MIDDLE);
}
module AP_MODULE_DECLARE_DATA php5_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, hooks, 0
};
"""


def test_php5(start: Start, environ_app: Path, site: Path) -> None:
    """Its module is loaded with prefork, and has the .php files of the document root."""
    modules, public = site / "modules", site / "public"
    shutil.copytree(installation.built_for().modules, modules, copy_function=link)
    (site / "libphp5.c").write_text(PHP)
    subprocess.run(["apxs", "-c", "libphp5.c"], cwd=site, check=True, capture_output=True)
    shutil.copy(site / ".libs/libphp5.so", modules)
    public.mkdir()
    (public / "page.php").write_text("<?php")
    words = ("--document-root", public, "--with-php5", "--modules-directory", modules)
    server = start(environ_app, *words)
    assert server.text("/page.php") == f"php runs {public}/page.php"
    assert server.environ("/other")
    assert "mod_mpm_prefork.so" in Path(f"/proc/{server.pid}/maps").read_text()
