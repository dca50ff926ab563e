"""Answers with the environ's strings as JSON, and with the status that the query says.

Covers: what a configuration makes of a request: groups, callable, method, what is passed.
"""

import json


def application(environ, start_response):
    found = {key: value for key, value in environ.items() if isinstance(value, str)}
    found["(globals)"] = "kept" if "seen" in globals() else "new"
    globals()["seen"] = True
    body = json.dumps(found).encode()
    headers = [("Content-Type", "application/json"), ("X-Method", environ["REQUEST_METHOD"])]
    start_response(environ["QUERY_STRING"] or "200 OK", headers)
    return [body]


first = second = by_first = by_second = application
