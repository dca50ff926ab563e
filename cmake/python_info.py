"""Describe the Python that runs this file, for the build of its runtime.

Prints three lines: the version (`3.12`, or `3.13t` for a free-threaded build),
the directory that holds its libpython, and its executable. Where no runtime can
be built for it, says why on stderr and exits with 1.

Written for any Python, without annotations and f-strings, so that an old one
is refused with a reason and not with a syntax error.
"""

import os
import sys
import sysconfig

OLDEST = (3, 10)
NEWEST = (3, 15)  # The last one that pyo3-ffi has declarations for; see runtime/Cargo.toml.


class Unusable(Exception):
    """Why no runtime can be built for this Python."""


def version():
    if sys.implementation.name != "cpython":
        raise Unusable("is %s; only CPython can be embedded" % sys.implementation.name)
    free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED")
    return "%d.%d%s" % (sys.version_info[:2] + ("t" if free_threaded else "",))


def library_directory():
    """Where libpython really is.

    A tree that was copied or moved still reports the directory it was built for,
    so the one beside the interpreter comes first.
    """
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        raise Unusable(
            "has no shared libpython, so it cannot be embedded "
            "(build it with --enable-shared; pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared)"
        )
    wanted = [sysconfig.get_config_var(name) for name in ("LDLIBRARY", "INSTSONAME")]
    places = [os.path.join(sys.base_prefix, "lib"), sysconfig.get_config_var("LIBDIR")]
    for place in places:
        if all(os.path.exists(os.path.join(place, name)) for name in wanted):
            return place
    raise Unusable(
        "%s is in none of %s (Debian: apt-get install python3-dev)"
        % (" and ".join(wanted), ", ".join(places))
    )


def executable():
    """The interpreter itself, also when a virtual environment's was named."""
    return getattr(sys, "_base_executable", None) or sys.executable


def main():
    try:
        if not OLDEST <= sys.version_info[:2] <= NEWEST:
            raise Unusable(
                "is Python %d.%d; a runtime can be built for %d.%d to %d.%d"
                % (sys.version_info[:2] + OLDEST + NEWEST)
            )
        lines = [version(), library_directory(), executable()]
    except Unusable as reason:
        sys.stderr.write("%s\n" % reason)
        return 1
    sys.stdout.write("".join(line + "\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
