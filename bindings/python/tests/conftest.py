from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mod_wsgi.express.handler import Handler, Settings

SETTINGS: Settings = {
    "application_type": "script",
    "entry_point": "",
    "callable_object": "application",
    "mount_point": "/",
    "working_directory": "/",
    "server_name": "localhost",
    "server_aliases": [],
    "reloader_enabled": False,
    "reload_interval": 1.0,
    "debug_mode": False,
    "debugger_enabled": False,
    "debugger_startup": False,
    "coverage_enabled": False,
    "coverage_directory": "",
    "profiler_enabled": False,
    "profiler_directory": "",
    "recorder_enabled": False,
    "recorder_directory": "",
    "gdb_enabled": False,
}

MakeHandler = Callable[..., Handler]


@pytest.fixture
def make_handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeHandler]:
    """Handlers with the given settings. What they do to the process is undone."""
    modules, path, variables = dict(sys.modules), sys.path[:], dict(os.environ)

    def make(entry_point: Path | str = "", **settings: Any) -> Handler:
        return Handler({**SETTINGS, "entry_point": str(entry_point), **settings})

    yield make
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]
    sys.path[:] = path
    os.environ.clear()
    os.environ.update(variables)
