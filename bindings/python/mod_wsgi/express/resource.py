"""Scripts that handle files by their extension (`--add-handler`).

The generated `resource.wsgi` has the table written into it:

    from mod_wsgi.express.resource import Resources

    resources = Resources({".hello": "/srv/hello.py"})
    handle_request = resources.handle_request
    reload_required = resources.reload_required
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType

from . import scripts
from .steps import Application, Environ, StartResponse


class Resources:
    """Serves each file with the script for its extension."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._scripts = {
            extension.lower(): ResourceScript(extension, path) for extension, path in table.items()
        }

    def handle_request(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI application."""
        script = self._find(environ["SCRIPT_FILENAME"])
        if script is None:
            raise LookupError(f"no handler for {environ['SCRIPT_FILENAME']}")
        return script.application()(environ, start_response)

    def reload_required(self, resource: str) -> bool:
        """Whether the script for a file is to be loaded again before it serves a request."""
        script = self._find(resource)
        return script is not None and script.reload_required(resource)

    def _find(self, filename: str) -> ResourceScript | None:
        """As httpd does it, a file may have several extensions in any order and case."""
        for extension in reversed(os.path.basename(filename).lower().split(".")[1:]):
            if f".{extension}" in self._scripts:
                return self._scripts[f".{extension}"]
        return None


class ResourceScript:
    """A script, loaded when the first file asks for it."""

    def __init__(self, extension: str, path: str) -> None:
        self._path = path
        self._name = f"__wsgi_resource{re.sub(r'[^0-9A-Za-z_]', '_', extension)}__"
        self._loading = threading.Lock()
        self._module: ModuleType | None = None
        self._source: scripts.Source | None = None

    def application(self) -> Application:
        with self._loading:
            if self._module is None:
                self._source = scripts.Source(self._path)
                self._module = scripts.load(self._path, self._name)
        for name in ("handle_request", "application"):
            application: Application | None = getattr(self._module, name, None)
            if application is not None:
                return application
        raise AttributeError(f"{self._path} has neither 'handle_request' nor 'application'")

    def reload_required(self, resource: str) -> bool:
        module, source = self._module, self._source
        if module is None or source is None:
            return False
        if source.has_changed():
            return True
        wanted: Callable[[str], bool] | None = getattr(module, "reload_required", None)
        return wanted is not None and wanted(resource)
