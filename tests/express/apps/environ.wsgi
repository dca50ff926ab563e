"""Answers with its environ and facts of its process as JSON, and with the status it is asked for.

QUERY_STRING names an expression to evaluate instead of the environ, or `status=` a status.
"""

import json
import os
import sys
from urllib.parse import parse_qs


def application(environ, start_response):
    query = parse_qs(environ["QUERY_STRING"])
    status = query.get("status", ["200 OK"])[0]
    if "evaluate" in query:
        facts = eval(query["evaluate"][0], {"environ": environ, "os": os, "sys": sys})
    else:
        facts = {name: value for name, value in environ.items() if isinstance(value, (str, bool))}
        facts["body"] = environ["wsgi.input"].read().decode("latin-1")
        facts["process"] = dict(os.environ)
    body = json.dumps(facts, default=str).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]
