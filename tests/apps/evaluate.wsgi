"""Evaluates the Python expression in the query string and answers with its value as JSON.

Covers: whatever can be seen from inside a process, an interpreter or a request: flags, paths,
modules, signals, streams, environ. An exception is answered as {"raised": …, "text": …}.
"""

import atexit  # noqa: F401
import hashlib  # noqa: F401
import importlib  # noqa: F401
import json
import os  # noqa: F401
import signal  # noqa: F401
import sys  # noqa: F401
import threading  # noqa: F401
import time  # noqa: F401
from urllib.parse import unquote

import mod_wsgi  # noqa: F401

try:
    import apache  # noqa: F401
except ImportError:
    """Another host than httpd."""

STATE = {"loaded": time.time()}


def touch(path):
    with open(path, "a") as stream:
        stream.write("called\n")


def evaluate(environ):
    try:
        return eval(unquote(environ["QUERY_STRING"]), globals(), {"environ": environ})
    except BaseException as error:
        return {"raised": type(error).__name__, "text": str(error)}


def application(environ, start_response):
    body = json.dumps(evaluate(environ), default=repr).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]
