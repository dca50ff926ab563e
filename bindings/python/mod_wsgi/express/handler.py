"""The application of a server: what the generated `handler.wsgi` is made of.

The script has the settings of the server written into it:

    from mod_wsgi.express.handler import Handler

    handler = Handler({"application_type": "script", "entry_point": "/srv/site.wsgi", ...})
    handle_request = handler.handle_request
    reload_required = handler.reload_required

Whatever goes wrong while the application is loaded leaves the constructor as it is, so that the
server logs it, answers 500, and tries again with the next request.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TypedDict

from . import scripts
from .steps import Application, Environ, StartResponse

SCRIPT_MODULE = "__wsgi__"


class Settings(TypedDict):
    """What the launcher tells the handler."""

    application_type: str
    entry_point: str
    callable_object: str
    mount_point: str
    working_directory: str
    server_name: str
    server_aliases: list[str]
    reloader_enabled: bool
    reload_interval: float
    debug_mode: bool
    debugger_enabled: bool
    debugger_startup: bool
    coverage_enabled: bool
    coverage_directory: str
    profiler_enabled: bool
    profiler_directory: str
    recorder_enabled: bool
    recorder_directory: str
    gdb_enabled: bool


ANNOUNCED = {
    "reloader_enabled": "MOD_WSGI_RELOADER_ENABLED",
    "debug_mode": "MOD_WSGI_DEBUG_MODE",
    "debugger_enabled": "MOD_WSGI_DEBUGGER_ENABLED",
    "coverage_enabled": "MOD_WSGI_COVERAGE_ENABLED",
    "profiler_enabled": "MOD_WSGI_PROFILER_ENABLED",
    "recorder_enabled": "MOD_WSGI_RECORDER_ENABLED",
    "gdb_enabled": "MOD_WSGI_GDB_ENABLED",
}


class Handler:
    """Loads an application and serves it below its mount point."""

    def __init__(self, settings: Settings) -> None:
        self._mount_point = settings["mount_point"].rstrip("/")
        self._debug_mode = settings["debug_mode"]
        self._source: scripts.Source | None = None
        announce(settings)
        if self._debug_mode:
            sys.path.insert(0, settings["working_directory"])
        try:
            self._application = self._instrumented(settings)
        finally:
            # Also after a failure, of which the reason may be in any file.
            if settings["reloader_enabled"] and not self._debug_mode:
                self._start_reloader(settings)

    def handle_request(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI application."""
        set_path(environ, self._mount_point)
        return self._application(environ, start_response)

    def reload_required(self, resource: str) -> bool:
        """Whether the application is to be loaded again before it serves a request."""
        del resource
        if self._debug_mode or self._source is None:
            return False
        return self._source.has_changed()

    def _instrumented(self, settings: Settings) -> Application:
        """Load the application, with debug modes around it, whose modules cost time to import."""
        coverage = profiler = None
        if settings["coverage_enabled"]:
            from .coverage import start as start_coverage

            coverage = start_coverage(settings["coverage_directory"])
        if settings["profiler_enabled"]:
            from .profiler import start as start_profiler

            profiler = start_profiler(settings["profiler_directory"])
        loaded = profiler.profile(self._load, settings) if profiler else self._load(settings)
        application = loaded
        if profiler is not None:
            application = profiler.wrap(application)
        if coverage is not None:
            application = coverage.wrap(application)
        if settings["debugger_enabled"]:
            from .debugger import Debugger

            application = debugger = Debugger(application)
            if settings["debugger_startup"]:
                debugger.break_at_startup(loaded)
        if settings["recorder_enabled"]:
            from .recorder import Recorder

            application = Recorder(application, settings["recorder_directory"])
        return application

    def _load(self, settings: Settings) -> Application:
        kind, entry_point = settings["application_type"], settings["entry_point"]
        if kind == "static":
            return not_found
        if kind == "module":
            module, self._source = import_module(entry_point)
            return find_callable(module, entry_point, settings["callable_object"])
        self._source = scripts.Source(entry_point)
        if kind == "paste":
            from paste.deploy import loadapp

            application: Application = loadapp(f"config:{entry_point}")
            return application
        module = scripts.load(entry_point, SCRIPT_MODULE)
        return find_callable(module, entry_point, settings["callable_object"])

    def _start_reloader(self, settings: Settings) -> None:
        from .reloader import start_reloader, track_changes

        if self._source is not None:
            track_changes(self._source.path)
        start_reloader(settings["reload_interval"])


_served: dict[str, scripts.Source] = {}
"""Modules that applications have been found in."""


def import_module(name: str) -> tuple[ModuleType, scripts.Source | None]:
    """Import a module; anew, where a handler before this one has and the file has changed since."""
    if name in _served and _served[name].has_changed():
        sys.modules.pop(name, None)
        del _served[name]
    module = importlib.import_module(name)
    if name not in _served and module.__file__ is not None:
        _served[name] = scripts.Source(module.__file__)
    return module, _served.get(name)


def announce(settings: Settings) -> None:
    """Tell the application through `os.environ` what serves it."""
    os.environ["MOD_WSGI_EXPRESS"] = "true"
    os.environ["MOD_WSGI_SERVER_NAME"] = settings["server_name"]
    os.environ["MOD_WSGI_SERVER_ALIASES"] = " ".join(settings["server_aliases"])
    values: Mapping[str, object] = settings
    for setting, name in ANNOUNCED.items():
        if values[setting]:
            os.environ[name] = "true"


def find_callable(module: ModuleType, entry_point: str, name: str) -> Application:
    """The application in a module."""
    try:
        application: Application = getattr(module, name)
    except AttributeError:
        raise AttributeError(
            f"{entry_point} has no '{name}'; --callable-object names what it calls its application"
        ) from None
    if not callable(application):
        raise TypeError(f"'{name}' in {entry_point} is not callable")
    return application


def not_found(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Where there are static files alone, nobody but httpd has anything to answer."""
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"Not Found\n"]


def set_path(environ: Environ, mount_point: str) -> None:
    """Make SCRIPT_NAME and PATH_INFO those of an application at the mount point.

    The handler answers for URLs that no file is found for, and httpd may take any part of such a
    URL for the name of the script.
    """
    script_name = environ.get("SCRIPT_NAME", "")
    path_info = environ.get("PATH_INFO", "")
    if "mod_wsgi.mount_point" in environ:
        # A trusted proxy has said where the application is; SCRIPT_NAME is its word.
        path_info = environ.get("mod_wsgi.script_name", "") + path_info
        below = path_below(path_info, mount_point)
        environ["PATH_INFO"] = path_info if below is None else below
        return
    path = script_name + path_info
    below = path_below(path, mount_point)
    environ["SCRIPT_NAME"] = "" if below is None else mount_point
    environ["PATH_INFO"] = path if below is None else below


def path_below(path: str, mount_point: str) -> str | None:
    """What follows the mount point in a path, or None where the path leads elsewhere."""
    if path == mount_point or path.startswith(mount_point + "/"):
        return path[len(mount_point) :]
    return None
