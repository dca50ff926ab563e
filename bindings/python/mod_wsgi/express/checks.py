"""What is tried before httpd starts, so that a mistake is told here, and what to do about it."""

import glob
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import accounts, import_check, installation, ports
from .accounts import Account
from .derived import Mode, Site, absolute
from .errors import StartError

IMPORT_TIMEOUT_S = 60
SOCKET_PATH = 107
"""Bytes that the path of a socket may have on Linux."""
SOCKET_NAME = len(".4194304.0123456789abcdef.99.999.999999")
"""What follows the prefix in the longest name of a socket to count with."""
NOT_RUN = (126, 127)
"""What a shell's status is for a program that it cannot run."""
WITH_ENVVARS = 'if [ -f "$0" ]; then . "$0"; fi; exec "$@"'
"""The environment that apachectl makes, of which the application may need something."""


def before_generation(site: Site) -> None:
    """Raises StartError where the server root would be of no use."""
    try:
        os.getcwd()
    except OSError:
        raise StartError("the current directory is gone; change to one that exists") from None
    _check_program(site.shell, "--shell-executable")
    if not os.access(site.httpd, os.X_OK):
        raise installation.missing_httpd(site.httpd)
    if not os.path.isdir(site.modules_directory):
        raise StartError(
            f"{site.modules_directory}, the directory of httpd's modules, does not exist; "
            "name it with --modules-directory"
        )
    if not installation.module_file().exists():
        raise StartError(
            f"{installation.module_file()} does not exist: the package was installed for "
            "another Python; install it again with this one's pip"
        )


def before_start(site: Site) -> None:
    """Raises StartError where httpd, or the application, would fail."""
    for path, what in _needed_files(site):
        if not os.path.exists(path):
            raise StartError(f"{what}: {path} does not exist")
        if not os.access(path, os.R_OK):
            raise StartError(f"{what}: {path} cannot be read by you; open it, or name another one")
    for program, option in _needed_programs(site):
        _check_program(program, option)
    php = os.path.join(site.modules_directory, "libphp5.so")
    if site.options.with_php5 and not os.path.exists(php):
        raise StartError(
            f"--with-php5: {php} does not exist; a newer PHP is loaded by a file of "
            "--include-file, with --server-mpm prefork"
        )
    _check_writable(site)
    _check_sockets(site)
    account = accounts.serving(site)
    if account:
        _check_readable(site, account)
    ports.check(site)
    # As root httpd refuses to serve, which is told by apachectl.
    if account or os.getuid() != 0:
        _check_import(site, account)


def _needed_files(site: Site) -> Iterator[tuple[str, str]]:
    options = site.options
    if site.has_own_application and options.application_type in ("script", "paste"):
        yield site.entry_point, "the application"
    single = (
        "ssl_certificate_file",
        "ssl_certificate_key_file",
        "ssl_certificate_chain_file",
        "ssl_ca_certificate_file",
        "host_access_script",
        "auth_user_script",
        "auth_group_script",
        "rewrite_rules",
        "envvars_script",
        "mime_types",
        "working_directory",
    )
    for name in single:
        path = getattr(options, name)
        if path:
            yield absolute(path), "--" + name.replace("_", "-")
    for name, path in options.service_script:
        yield absolute(path), f"--service-script {name}"
    for extension, path in options.add_handler:
        yield absolute(path), f"--add-handler {extension}"
    for path in options.include_file:
        # httpd expands patterns itself.
        if not glob.has_magic(path):
            yield absolute(path), "--include-file"


def _needed_programs(site: Site) -> Iterator[tuple[str, str]]:
    if site.rotates_logs:
        yield site.rotatelogs, "--rotatelogs-executable"
    if site.options.enable_gdb:
        yield site.options.gdb_executable, "--gdb-executable"


def _check_program(name: str, option: str) -> None:
    if shutil.which(name) is None:
        raise StartError(f"{name} cannot be run; install it, or name another program with {option}")


def _check_writable(site: Site) -> None:
    """What httpd's first process writes to, as the account that starts it."""
    directories = {os.path.dirname(site.pid_file): "--pid-file"}
    if not site.logs_to_terminal:
        directories[site.log_directory] = "--log-directory"
    for directory, option in directories.items():
        if not os.path.isdir(directory):
            raise StartError(f"{option}: {directory} does not exist; make it first")
        if not os.access(directory, os.W_OK | os.X_OK):
            raise StartError(
                f"{option}: {directory} cannot be written to by you; open it, or choose another one"
            )
    if not site.logs_to_terminal and not site.rotates_logs:
        for log in (site.error_log, site.access_log):
            if os.path.exists(log) and not os.access(log, os.W_OK):
                raise StartError(
                    f"{log} cannot be written to by you; remove it, or choose another directory "
                    "with --log-directory"
                )


def _check_sockets(site: Site) -> None:
    prefix = site.socket_prefix
    if site.mode is not Mode.DAEMON and not site.services:
        return
    if not os.path.isdir(os.path.dirname(prefix)):
        raise StartError(f"--socket-prefix: {os.path.dirname(prefix)} does not exist")
    if len(os.fsencode(prefix)) + SOCKET_NAME > SOCKET_PATH:
        raise StartError(
            f"the paths of sockets in {os.path.dirname(prefix)} would be longer than the system "
            "allows; name a directory with a shorter path with --socket-prefix"
        )


def _check_readable(site: Site, account: Account) -> None:
    paths = {
        "the server root": str(site.server_root),
        "the document root": site.document_root,
        "the working directory": site.working_directory,
        "Python": sys.prefix,
        "Python's executable": sys.executable,
        "Python's library": sys.base_prefix,
        "the package mod_wsgi": str(installation.PACKAGE),
        **{what: path for path, what in _needed_files(site) if "--ssl" not in what},
    }
    for what, path in paths.items():
        closed = account.closed_part(path)
        if closed:
            raise StartError(
                f"{what}: {path} cannot be read by {account.name}, whom the server runs as, "
                f"because {closed} is closed to it; open it, or move what is in it"
            )


def _check_import(site: Site, account: Account | None) -> None:
    """Loads the application once, as its processes will."""
    options = site.options
    if not site.has_own_application or site.is_static or options.enable_debugger:
        return
    command = [
        *(site.shell, "-c", WITH_ENVVARS, site.envvars),
        sys.executable,
        str(Path(import_check.__file__)),
        options.application_type,
        site.entry_point,
        options.callable_object,
        *dict.fromkeys([site.working_directory, *site.python_path]),
    ]
    environ = os.environ | {"LANG": site.locale, "LC_ALL": site.locale}
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        # The server finds it by itself, also where it is not where this program looks for it.
        libraries = [os.path.join(sys.base_prefix, "lib"), environ.get("LD_LIBRARY_PATH")]
        environ["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, libraries))
    identity: dict[str, Any] = {}
    if account:
        environ["HOME"] = account.home
        identity = {"user": account.uid, "group": account.gid, "extra_groups": account.groups}
    limit = options.startup_timeout if site.mode is Mode.DAEMON else 0
    try:
        answer = subprocess.run(
            command,
            cwd=site.working_directory,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit or IMPORT_TIMEOUT_S,
            **identity,
        )
    except subprocess.TimeoutExpired:
        # Its own limits tell, if it is not only slow.
        return
    except OSError as error:
        raise StartError(
            f"{site.shell} cannot be run{_by(account)}: {error.strerror}; open it and "
            f"{site.working_directory}, or name another shell with --shell-executable"
        ) from None
    text = answer.stderr.decode(errors="replace").strip()
    if answer.returncode == import_check.FAILED:
        raise StartError(f"the application cannot be loaded\n{text}")
    if answer.returncode in NOT_RUN:
        raise StartError(
            f"{sys.executable} cannot be run{_by(account)}; open it, and what leads to it\n{text}"
        )
    if answer.returncode != 0:
        how = _status(answer.returncode)
        raise StartError(f"Python ends with {how} where the application is loaded\n{text}")


def _by(account: Account | None) -> str:
    return f" by {account.name}, whom the server runs as" if account else ""


def _status(number: int) -> str:
    return f"signal {-number}" if number < 0 else f"exit status {number}"
