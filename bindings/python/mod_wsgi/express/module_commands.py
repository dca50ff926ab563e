"""module-config, module-location and install-module: the module for an httpd of one's own."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from . import installation
from .errors import StartError
from .httpd_conf.syntax import directive, load_line


def config(module: Path) -> str:
    """What loads the module into an httpd, with the Python that this package is installed for."""
    lines = [directive("LoadFile", each) for each in _libraries(module)]
    lines.append(load_line("wsgi", module))
    lines.append(directive("WSGIPythonHome", sys.prefix))
    return "\n".join(lines) + "\n"


def install(directory: str | None) -> Path:
    """Copies the module to httpd's others; where it is then."""
    source = installation.module_file()
    target = Path(os.path.abspath(directory or installation.built_for().modules), source.name)
    # Beside it first: a server that runs keeps the file it has, and none sees half of one.
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(source, temporary)
        temporary.chmod(0o644)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StartError(
            f"the module cannot be copied to {target.parent}: {error.strerror}; become root, or "
            "choose a directory with --modules-directory"
        ) from None
    return target


def _libraries(module: Path) -> list[Path]:
    """What must be loaded first, because the loader would not find it."""
    libraries = []
    framework = _framework_python()
    if framework:
        libraries.append(framework)
    # The module finds the engine from its own place, so not where it was copied to. The loader
    # takes one of the same name that is loaded already.
    if module.parent.resolve() != installation.SERVER:
        libraries.append(installation.engine_library())
    return libraries


def _framework_python() -> Path | None:
    """libpython, for a Python that is built for the dynamic linker of macOS."""
    values = map(sysconfig.get_config_var, ("WITH_DYLD", "LIBDIR", "LDLIBRARY"))
    dyld, directory, name = values
    if not (dyld and directory and name):
        return None
    library = Path(directory, name)
    return library if library.exists() else None
