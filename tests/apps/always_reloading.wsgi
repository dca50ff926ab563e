"""Covers: a script that always wants to be loaded again. Answers with the time at which it was loaded."""

import time

LOADED = time.time_ns()


def reload_required(path):
    return True


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % LOADED]
