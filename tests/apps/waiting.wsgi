"""Answers when a file exists whose path is the query string; PATH.started tells it is waiting.

Covers: requests in flight while the server is restarted, stopped or killed.
"""

import os
import time


def application(environ, start_response):
    path = environ["QUERY_STRING"]
    with open(path + ".started", "w"):
        pass
    deadline = time.monotonic() + 20
    while not os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
