"""Scripts: Python source files that are run as modules, whatever their names are."""

from __future__ import annotations

import os
import sys
from types import ModuleType


def load(path: str, name: str) -> ModuleType:
    """Run a file as a fresh module, which stays in `sys.modules` unless it fails."""
    with open(path, "rb") as file:
        # Bytes, so that the compiler honours the file's own declaration of its encoding.
        code = compile(file.read(), path, "exec", dont_inherit=True)
    module = ModuleType(name)
    module.__file__ = path
    before = sys.modules.get(name)
    # As for an import it is there while it runs: dataclasses and pickle look up their module.
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise
    return module


def modification_time(path: str) -> int | None:
    """When a file was modified, in nanoseconds; None when there is none."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


class Source:
    """A file that something was loaded from."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._modified = modification_time(path)

    def has_changed(self) -> bool:
        """Whether it was modified, removed or created since this object was made."""
        return modification_time(self.path) != self._modified
