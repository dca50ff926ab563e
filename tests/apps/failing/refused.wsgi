"""Covers: extension modules that refuse an interpreter with a GIL of its own.

Which modules of the standard library do differs between versions of Python.
"""

import importlib

for name in ("faulthandler", "_decimal", "_ctypes", "readline"):
    importlib.import_module(name)


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"all loaded"]
