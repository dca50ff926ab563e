"""What is tried before httpd starts, so that a mistake is told here, and what to do about it."""

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import accounts, import_check, installation
from .accounts import Account
from .derived import Mode, Site, absolute
from .errors import StartError

IMPORT_TIMEOUT_S = 60
FIRST_OPEN_PORT = 1024
WITH_ENVVARS = 'if [ -f "$0" ]; then . "$0"; fi; exec "$@"'
"""The environment that apachectl makes, of which the application may need something."""


def before_generation(site: Site) -> None:
    """Raises StartError where the server root would be of no use."""
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
    account = accounts.serving(site)
    if account:
        _check_readable(site, account)
    _check_ports(site)
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


def _check_ports(site: Site) -> None:
    if os.environ.get("LISTEN_FDS"):
        # The service manager listens already, and hands the sockets to httpd.
        return
    options = site.options
    _check_port(site, options.port, "--port")
    if options.https_port is not None:
        _check_port(site, options.https_port, "--https-port")


def _check_port(site: Site, port: int, flag: str) -> None:
    try:
        _listen(site.options.host, port)
    except PermissionError:
        if port >= FIRST_OPEN_PORT or _has_capability(site.httpd):
            return
        raise StartError(
            f"port {port} is for root: ports below {FIRST_OPEN_PORT} need the capability "
            "CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), or to be "
            f"opened to all with sysctl net.ipv4.ip_unprivileged_port_start={port}; "
            f"else choose another port with {flag}"
        ) from None
    except socket.gaierror as error:
        raise StartError(f"--host {site.options.host}: {error.strerror}") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"port {port} is in use by another program; choose another one with {flag}"
            ) from None
        if error.errno == errno.EADDRNOTAVAIL:
            raise StartError(
                f"--host {site.options.host}: this machine does not have the address"
            ) from None
        raise StartError(f"port {port}: {error.strerror}") from None


def _listen(host: str | None, port: int) -> None:
    """Binds as httpd would, and lets go again."""
    if host is None and socket.has_dualstack_ipv6():
        with socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True):
            return
    address = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)[0]
    with socket.create_server(address[4][:2], family=address[0]):
        return


def _has_capability(program: str) -> bool:
    try:
        return bool(os.getxattr(os.path.realpath(program), "security.capability"))
    except (OSError, AttributeError):
        return False


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
    if answer.returncode == import_check.FAILED:
        text = answer.stderr.decode(errors="replace").strip()
        raise StartError(f"the application cannot be loaded\n{text}")
