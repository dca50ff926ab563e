"""The generated files of a server root."""

import os
import shlex
from pathlib import Path
from typing import Any

from . import accounts, apachectl, httpd_conf
from .derived import Mode, Site, absolute
from .errors import StartError

HANDLER = """\
# Loads the application, which httpd asks for through this file.
from mod_wsgi.express.handler import Handler

handler = Handler(
{settings})
handle_request = handler.handle_request
"""

RESOURCE = """\
# Hands files of the document root to the scripts of --add-handler.
from mod_wsgi.express.resource import Resources

resources = Resources(
{scripts})
handle_request = resources.handle_request
"""

RELOADING = """\
reload_required = {name}.reload_required
"""

DEFAULT = """\
# What is served where no application was named.
from mod_wsgi.express.welcome import application
"""

TELEMETRY = """\
# Collects the telemetry of this server's processes.
import sys
from importlib.metadata import entry_points

sys.argv = {arguments!r}
(command,) = entry_points(group="console_scripts", name="mod_wsgi-telemetry")
command.load()()
"""


def generate(site: Site) -> None:
    """Writes everything that httpd needs to start."""
    root = site.server_root
    _make_directory(root, "--server-root")
    if not site.options.server_root:
        _check_owner(root)
    _make_directory(Path(site.document_root), "--document-root")
    _make_directory(Path(site.python_eggs), "--python-eggs")
    for directory, option in _debug_directories(site):
        _make_directory(Path(directory), option)
    if site.options.log_directory:
        _make_directory(Path(site.log_directory), "--log-directory")
    if site.options.enable_telemetry:
        _make_directory(site.telemetry_directory, "--server-root")
    if not site.is_static:
        # httpd answers /mounted with a redirection to /mounted/ only where there is a directory.
        place = Path(site.document_root)
        for name in site.mount_point.strip("/").split("/"):
            place = place / name
            _make_directory(place, "--document-root")
    _give_away(site)
    _write(root / "httpd.conf", httpd_conf.render(site))
    _write(root / "apachectl", apachectl.render(site), 0o755)
    _write(root / "handler.wsgi", _handler(site))
    _write(root / "resource.wsgi", _resource(site))
    _write(root / "default.wsgi", DEFAULT)
    _user_files(site)
    if site.options.enable_telemetry:
        _write(root / "telemetry-service.py", _telemetry(site))


def settings(site: Site) -> dict[str, Any]:
    """What the handler needs to know."""
    options = site.options
    return {
        "application_type": options.application_type,
        "entry_point": site.entry_point,
        "callable_object": site.callable_object,
        "mount_point": site.mount_point,
        "working_directory": site.working_directory,
        "server_name": site.server_name,
        "server_aliases": list(options.server_alias),
        "reloader_enabled": site.reloads_on_changes,
        "reload_interval": 1.0,
        "debug_mode": site.mode is Mode.DEBUG,
        "debugger_enabled": options.enable_debugger,
        "debugger_startup": options.debugger_startup,
        "coverage_enabled": options.enable_coverage,
        "coverage_directory": site.coverage_directory,
        "profiler_enabled": options.enable_profiler,
        "profiler_directory": site.profiler_directory,
        "recorder_enabled": options.enable_recorder,
        "recorder_directory": site.recorder_directory,
        "gdb_enabled": options.enable_gdb,
    }


def _handler(site: Site) -> str:
    return HANDLER.format(settings=_literal(settings(site))) + _reloading(site, "handler")


def _resource(site: Site) -> str:
    scripts = {extension: absolute(path) for extension, path in site.options.add_handler}
    return RESOURCE.format(scripts=_literal(scripts)) + _reloading(site, "resources")


def _reloading(site: Site, name: str) -> str:
    return RELOADING.format(name=name) if site.reloads_script else ""


def _telemetry(site: Site) -> str:
    arguments = ["mod_wsgi-telemetry", "serve", "--listen", str(site.telemetry_target)]
    arguments += ["--http-host", "127.0.0.1", "--http-port", str(site.options.telemetry_ui_port)]
    return TELEMETRY.format(arguments=[*arguments, "--log-level", "INFO"])


def _literal(facts: dict[str, Any]) -> str:
    lines = "".join(f"        {name!r}: {value!r},\n" for name, value in facts.items())
    return f"    {{\n{lines}    }}\n"


def _user_files(site: Site) -> None:
    """Those that users may edit: made once, then left alone."""
    rules = site.server_root / "rewrite.conf"
    if not site.options.rewrite_rules and not rules.exists():
        _write(rules, "")
    envvars = Path(site.envvars)
    if site.options.envvars_script:
        _write(envvars, f". {shlex.quote(absolute(site.options.envvars_script))}\n")
    elif not envvars.exists():
        _write(envvars, "")


def _debug_directories(site: Site) -> list[tuple[str, str]]:
    """Each with the option that names it."""
    options = site.options
    wanted = [
        (options.enable_coverage, site.coverage_directory, "--coverage-directory"),
        (options.enable_profiler, site.profiler_directory, "--profiler-directory"),
        (options.enable_recorder, site.recorder_directory, "--recorder-directory"),
    ]
    return [(directory, option) for given, directory, option in wanted if given]


def _give_away(site: Site) -> None:
    """What the serving account writes to, when that is not the one that starts the server."""
    account = accounts.serving(site)
    if account:
        written = [directory for directory, _ in _debug_directories(site)]
        if site.options.enable_telemetry:
            written.append(str(site.telemetry_directory))
        for directory in (site.python_eggs, *written):
            os.chown(directory, account.uid, account.gid)


def _check_owner(path: Path) -> None:
    """Anybody may make a directory in /tmp beforehand, and put an `envvars` into it."""
    if path.is_symlink() or path.stat().st_uid not in (0, os.getuid()):
        raise StartError(
            f"{path} belongs to somebody else; remove it, or choose another directory with "
            "--server-root"
        )


def _make_directory(path: Path, option: str) -> None:
    try:
        path.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise StartError(
            f"{path} cannot be made, because {path.parent} does not exist; make it first"
        ) from None
    except FileExistsError:
        raise StartError(
            f"{path} is not a directory; remove it, or choose another one with {option}"
        ) from None
    except OSError as error:
        raise StartError(
            f"{path} cannot be made: {error.strerror}; choose another directory with {option}"
        ) from None


def _write(path: Path, text: str, mode: int | None = None) -> None:
    """Puts a file in the place of the old one, which may be somebody else's; or leaves that."""
    new = path.with_name(f".{path.name}.new")
    try:
        new.unlink(missing_ok=True)
        try:
            with new.open("x", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
                if mode is not None:
                    os.fchmod(file.fileno(), mode)
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StartError(
            f"{path} cannot be written: {error.strerror}; make room or open the directory, or "
            "choose another one with --server-root"
        ) from None
