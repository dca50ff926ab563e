"""The ports that the server is to listen on: whether it can."""

import errno
import os
import socket

from .derived import Site
from .errors import StartError

FIRST_OPEN_PORT = 1024


def check(site: Site) -> None:
    """Raises StartError for a port that httpd would not get."""
    if os.environ.get("LISTEN_FDS"):
        # The service manager listens already, and hands the sockets to httpd.
        return
    options = site.options
    _check(site, options.port, "--port")
    if options.https_port is not None:
        _check(site, options.https_port, "--https-port")


def _check(site: Site, port: int, flag: str) -> None:
    host = site.options.host
    try:
        _listen(host, port)
    except PermissionError:
        if port >= FIRST_OPEN_PORT or _has_capability(site.httpd):
            return
        raise StartError(
            f"port {port} is for root: ports below {FIRST_OPEN_PORT} need the capability "
            "CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), or to be "
            f"opened to all with sysctl net.ipv4.ip_unprivileged_port_start={port}; "
            f"else choose another port with {flag}"
        ) from None
    except (socket.gaierror, UnicodeError):
        raise StartError(
            f"--host {host}: there is no such host; name an IP address of this machine, or leave "
            "--host out to listen on all of them"
        ) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"port {port} is in use by another program; choose another one with {flag}"
            ) from None
        if error.errno == errno.EADDRNOTAVAIL:
            raise StartError(
                f"--host {host}: this machine does not have the address; name one that it has, or "
                "leave --host out to listen on all of them"
            ) from None
        raise StartError(f"port {port}: {error.strerror}; choose another one with {flag}") from None


def _listen(host: str | None, port: int) -> None:
    """Binds as httpd would, and lets go again."""
    if host is None and _has_ipv6():
        with socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True):
            return
    address = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)[0]
    with socket.create_server(address[4][:2], family=address[0]):
        return


def _has_ipv6() -> bool:
    """Whether there are addresses to listen on: the system may know IPv6 and have it disabled."""
    if not socket.has_dualstack_ipv6():
        return False
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True


def _has_capability(program: str) -> bool:
    try:
        return bool(os.getxattr(os.path.realpath(program), "security.capability"))
    except (OSError, AttributeError):
        return False
