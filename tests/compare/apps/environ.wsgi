"""Answers with the environ as JSON: for each key the type of its value and the value's repr."""

import json


def shown(value):
    kind = type(value).__name__
    return [kind, repr(value) if isinstance(value, (str, int, float, tuple, type(None))) else ""]


def application(environ, start_response):
    text = json.dumps({key: shown(value) for key, value in environ.items()})
    start_response("200 OK", [("Content-Type", "application/json")])
    return [text.encode()]


def other(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"other"]
