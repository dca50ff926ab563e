"""Loads an application in a process of its own, to see whether it can be.

    python import_check.py TYPE ENTRY-POINT CALLABLE DIRECTORY...

Run as a file and not as a module, so that nothing of this package is imported by it. What the
engine brings into its interpreters is stood in for by modules that do nothing.
"""

import logging
import os
import site
import sys
import traceback
import types
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

FAILED = 3
"""Exit status when the application cannot be loaded; what is wrong is on stderr."""


def stand_in(name: str, **attributes: Any) -> types.ModuleType:
    """A module that has any attribute, as a function that returns its first argument."""
    module = types.ModuleType(name)
    vars(module).update(attributes)

    def attribute(missing: str) -> Callable[..., Any]:
        if missing.startswith("__"):
            raise AttributeError(missing)
        return lambda *arguments: arguments[0] if arguments else None

    vars(module)["__getattr__"] = attribute
    return module


def install_stand_ins() -> None:
    """Like the engine: an installed package `mod_wsgi` lends its submodules."""
    try:
        import mod_wsgi

        path = list(mod_wsgi.__path__)
    except ImportError:
        path = []
    facts: dict[str, Any] = {"process_group": "", "application_group": "", "maximum_processes": 1}
    lists: dict[str, list[Any]] = {
        "event_callbacks": [],
        "shutdown_callbacks": [],
        "signal_callbacks": [],
    }
    classes = {
        "RequestTimeout": type("RequestTimeout", (BaseException,), {}),
        "FileWrapper": type("FileWrapper", (), {}),
        "LogHandler": logging.Handler,
    }
    sys.modules["mod_wsgi"] = stand_in(
        "mod_wsgi",
        version=(6, 1, 1),
        threads_per_process=1,
        active_requests={},
        __path__=path,
        **facts,
        **lists,
        **classes,
    )
    sys.modules.setdefault("apache", stand_in("apache", version=(2, 4, 0), description=""))


def load(kind: str, entry_point: str) -> Any:
    if kind == "module":
        __import__(entry_point)
        return sys.modules[entry_point]
    if kind == "paste":
        from paste.deploy import loadapp

        return types.SimpleNamespace(application=loadapp(f"config:{entry_point}"))
    module = types.ModuleType("__wsgi__")
    module.__file__ = entry_point
    with open(entry_point, "rb") as file:
        code = compile(file.read(), entry_point, "exec", dont_inherit=True)
    sys.modules["__wsgi__"] = module
    exec(code, vars(module))
    return module


def without_our_frames(error: BaseException) -> TracebackType | None:
    """The traceback from where the application's own code begins."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def add_directories(directories: Iterable[str]) -> None:
    before = sys.path[:]
    for directory in directories:
        site.addsitedir(directory)
    added = [entry for entry in sys.path if entry not in before]
    sys.path[:] = [*added, *before]


def main(kind: str, entry_point: str, name: str, *directories: str) -> int:
    # The directory of this file is no place for the application to import from.
    del sys.path[0]
    add_directories(directories)
    install_stand_ins()
    sys.argv = ["mod_wsgi"]
    try:
        module = load(kind, entry_point)
    except BaseException as error:
        traceback.print_exception(type(error), error, without_our_frames(error))
        return FAILED
    if kind != "paste" and not callable(getattr(module, name, None)):
        what = "is not callable" if hasattr(module, name) else "is not defined"
        sys.stderr.write(
            f"{entry_point}: {name!r} {what}; name the callable with --callable-object\n"
        )
        return FAILED
    return 0


if __name__ == "__main__":
    # Threads and atexit functions of the application are no business of this check.
    status = main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
