"""What follows from the options: addresses, paths, names and sizes."""

import enum
import functools
import grp
import locale
import mimetypes
import os
import pwd
import shutil
import site as python_site
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import capacity, installation
from .capacity import Capacity
from .options import Options

GLOBAL = "%{GLOBAL}"
MPMS = ("event", "worker", "prefork")


class Mode(enum.Enum):
    """Where the application runs."""

    DAEMON = "daemon"
    EMBEDDED = "embedded"
    DEBUG = "debug"


@dataclass(frozen=True)
class Service:
    """A script in a daemon process of its own."""

    name: str
    script: str
    user: str | None
    group: str | None
    log_file: str | None

    @property
    def process_group(self) -> str:
        return f"service:{self.name}"


class Site:
    """One server, as its options describe it. Paths are absolute."""

    def __init__(self, options: Options, command_line: Sequence[str] = ()):
        self.options = options
        self.command_line = tuple(command_line)

    # Addresses and names

    @property
    def host(self) -> str:
        """For names and URLs."""
        return self.options.host or "localhost"

    @property
    def address(self) -> str:
        """HOST:PORT, which also names the server among those of one machine."""
        return f"{bracketed(self.host)}:{self.options.port}"

    def listen(self, port: int) -> str:
        host = self.options.host
        return f"{bracketed(host)}:{port}" if host else str(port)

    @property
    def server_name(self) -> str:
        return self.options.server_name or self.host

    @property
    def url(self) -> str:
        return f"http://{bracketed(self.server_name)}{_port(self.options.port, 80)}/"

    @property
    def https_url(self) -> str | None:
        port = self.options.https_port
        if port is None:
            return None
        return f"https://{bracketed(self.server_name)}{_port(port, 443)}/"

    @property
    def status_url(self) -> str:
        return f"{self.url}server-status"

    @property
    def process_group(self) -> str:
        return self.options.process_group or self.address

    @property
    def process_title(self) -> str:
        group = self.options.process_group
        return f"(wsgi:{group})" if group else f"(wsgi:{self.address}:{os.getuid()})"

    @property
    def httpd_title(self) -> str:
        name = self.options.process_name
        return name or f"{os.path.basename(self.httpd)} (mod_wsgi-express)"

    # The application

    @property
    def mode(self) -> Mode:
        if self.options.debug_mode:
            return Mode.DEBUG
        return Mode.EMBEDDED if self.options.embedded_mode else Mode.DAEMON

    @property
    def is_static(self) -> bool:
        return self.options.application_type == "static"

    @property
    def has_own_application(self) -> bool:
        """False for the welcome page and for static files."""
        return self.options.entry_point is not None

    @property
    def entry_point(self) -> str:
        """Path or name of the module of the application, or of the welcome page."""
        named = self.options.entry_point
        if named is None:
            return str(self.server_root / "default.wsgi")
        return named if self.options.application_type == "module" else absolute(named)

    @property
    def callable_object(self) -> str:
        return self.options.callable_object if self.has_own_application else "application"

    @property
    def mount_point(self) -> str:
        return "/" + self.options.mount_point.strip("/")

    @property
    def preloads(self) -> bool:
        """Whether the application is loaded before the first request."""
        group = self.options.application_group
        return not self.is_static and (group == GLOBAL or "%{" not in group)

    @property
    def reloads_script(self) -> bool:
        return not self.options.disable_reloading and self.mode is Mode.DAEMON

    @property
    def reloads_on_changes(self) -> bool:
        return self.options.reload_on_changes and self.reloads_script

    @functools.cached_property
    def working_directory(self) -> str:
        return absolute(self.options.working_directory or ".")

    @functools.cached_property
    def python_path(self) -> list[str]:
        directories = [absolute(each) for each in self.options.python_path]
        if self.mode is not Mode.DAEMON:
            directories.insert(0, self.working_directory)
        package_site = str(installation.PACKAGE.parent)
        if package_site not in _site_directories():
            directories.append(package_site)
        return directories

    @functools.cached_property
    def locale(self) -> str:
        return self.options.locale or _default_locale()

    @functools.cached_property
    def services(self) -> list[Service]:
        options = self.options
        users, groups = dict(options.service_user), dict(options.service_group)
        logs = dict(options.service_log_file)
        scripts = [(name, absolute(script)) for name, script in options.service_script]
        if options.enable_telemetry:
            scripts.append(("telemetry", str(self.server_root / "telemetry-service.py")))
        return [
            Service(name, script, users.get(name), groups.get(name), logs.get(name))
            for name, script in scripts
        ]

    @property
    def telemetry_target(self) -> str | None:
        if self.options.enable_telemetry:
            return f"unix:{self.telemetry_directory}/telemetry.sock"
        return self.options.telemetry_service

    @property
    def telemetry_directory(self) -> Path:
        """Where the collector, which is of the serving account, makes its socket."""
        changes_account = os.getuid() == 0 and (self.options.user or self.options.group)
        return self.server_root / "telemetry" if changes_account else self.server_root

    # Accounts

    @functools.cached_property
    def user(self) -> str:
        if self.options.user:
            return self.options.user
        uid = os.getuid()
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return f"#{uid}"

    @functools.cached_property
    def group(self) -> str:
        if self.options.group:
            return self.options.group
        try:
            gid = pwd.getpwuid(os.getuid()).pw_gid
        except KeyError:
            gid = os.getgid()
        try:
            return grp.getgrgid(gid).gr_name
        except KeyError:
            return f"#{gid}"

    # Files

    @functools.cached_property
    def server_root(self) -> Path:
        if self.options.server_root:
            return Path(absolute(self.options.server_root))
        default = "/var/tmp" if sys.platform == "darwin" else "/tmp"
        directory = os.environ.get("TMPDIR") or default
        return Path(directory, f"mod_wsgi-{self.address}:{os.getuid()}")

    def in_root(self, option: str | None, name: str) -> str:
        return absolute(option) if option else str(self.server_root / name)

    @property
    def document_root(self) -> str:
        return self.in_root(self.options.document_root, "htdocs")

    @property
    def python_eggs(self) -> str:
        return self.in_root(self.options.python_eggs, "python-eggs")

    @property
    def pid_file(self) -> str:
        return self.in_root(self.options.pid_file, "httpd.pid")

    @property
    def rewrite_rules(self) -> str:
        return self.in_root(self.options.rewrite_rules, "rewrite.conf")

    @property
    def envvars(self) -> str:
        return str(self.server_root / "envvars")

    @property
    def socket_prefix(self) -> str:
        return self.in_root(self.options.socket_prefix, "").rstrip("/") + "/wsgi"

    @property
    def coverage_directory(self) -> str:
        return self.in_root(self.options.coverage_directory, "htmlcov")

    @property
    def profiler_directory(self) -> str:
        return self.in_root(self.options.profiler_directory, "pstats")

    @property
    def recorder_directory(self) -> str:
        return self.in_root(self.options.recorder_directory, "archive")

    @functools.cached_property
    def mime_types(self) -> str:
        if self.options.mime_types:
            return absolute(self.options.mime_types)
        known = (str(path) for path in mimetypes.knownfiles if os.path.exists(path))
        return next(known, "/dev/null")

    # Logs

    @property
    def log_directory(self) -> str:
        return self.in_root(self.options.log_directory, "").rstrip("/")

    @property
    def logs_to_terminal(self) -> bool:
        return self.options.log_to_terminal and not self.options.log_directory

    def log_file(self, name: str) -> str:
        return os.path.join(self.log_directory, name)

    @property
    def error_log(self) -> str:
        return (
            "/dev/stderr" if self.logs_to_terminal else self.log_file(self.options.error_log_name)
        )

    @property
    def access_log(self) -> str:
        if self.logs_to_terminal:
            return "/dev/stdout"
        return self.log_file(self.options.access_log_name)

    @property
    def startup_log(self) -> str:
        if not self.logs_to_terminal:
            return self.log_file(self.options.startup_log_name)
        return "/dev/stderr" if can_open("/dev/stderr") else "/dev/tty"

    @property
    def rotates_logs(self) -> bool:
        return self.options.rotate_logs and not self.logs_to_terminal

    # Programs

    @functools.cached_property
    def httpd(self) -> str:
        return installation.find_httpd(self.options.httpd_executable)

    @functools.cached_property
    def modules_directory(self) -> str:
        named = self.options.modules_directory
        return absolute(named) if named else installation.built_for().modules

    @functools.cached_property
    def rotatelogs(self) -> str:
        named = self.options.rotatelogs_executable
        return absolute(named) if named else installation.built_for().rotatelogs

    @functools.cached_property
    def shell(self) -> str:
        named = self.options.shell_executable
        if named:
            return shutil.which(named) or absolute(named)
        return shutil.which("bash") or shutil.which("sh") or "/bin/sh"

    # Sizes

    @functools.cached_property
    def capacity(self) -> Capacity:
        if self.mode is Mode.DEBUG:
            return capacity.debugging()
        if self.mode is Mode.EMBEDDED:
            return capacity.embedded(self.options)
        return capacity.in_daemon(self.options)

    @property
    def allowed_mpms(self) -> list[str]:
        """In the order in which they are tried."""
        allowed: Sequence[str] = self.options.server_mpm or MPMS
        if self.options.with_php5:
            allowed = ["prefork"]
        elif self.mode is Mode.DEBUG:
            both = [name for name in allowed if name != "event"]
            allowed = both or MPMS[1:]
        elif self.mode is Mode.EMBEDDED and not self.options.server_mpm:
            allowed = MPMS[1:]
        # A worker takes SIGINT by sigwait(), which keeps it from gdb: Control-C would end httpd.
        order = reversed(MPMS) if self.options.enable_gdb else MPMS
        return [name for name in order if name in allowed]

    @functools.cached_property
    def mpm(self) -> str | None:
        """The first that is installed, or None if httpd must have one built in."""
        installed = (name for name in self.allowed_mpms if self.has_module(f"mpm_{name}"))
        return next(installed, None)

    def has_module(self, name: str) -> bool:
        return os.path.exists(os.path.join(self.modules_directory, f"mod_{name}.so"))


def absolute(path: str) -> str:
    """Like abspath, but a slash at the end stays: httpd tells directories by it."""
    result = os.path.abspath(path)
    return result + "/" if path.endswith("/") and result != "/" else result


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def can_open(device: str) -> bool:
    try:
        os.close(os.open(device, os.O_WRONLY | os.O_APPEND))
    except OSError:
        return False
    return True


def _port(port: int, default: int) -> str:
    return "" if port == default else f":{port}"


def _site_directories() -> list[str]:
    directories = [os.path.realpath(each) for each in python_site.getsitepackages()]
    return [*python_site.getsitepackages(), *directories]


def _default_locale() -> str:
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    named = next((name for name in names if name), "C")
    if named not in ("C", "POSIX"):
        return named if named.startswith("C.") else locale.normalize(named)
    return next(filter(_is_locale, ("en_US.UTF-8", "C.UTF-8")), named)


def _is_locale(name: str) -> bool:
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, name)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_ALL, before)
    return True
