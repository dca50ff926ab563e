"""Tells a client what the application sees of its request, and which process answers.

A stand-in for your own application: with it one can see whether a deployment passes on what it
should. /health is for whoever watches, and everything else answers with JSON.
"""

import json
import os
import platform
import pwd


def application(environ, start_response):
    if environ["PATH_INFO"] == "/health":
        return respond(start_response, "text/plain", b"ok\n")
    size = sum(len(block) for block in blocks(environ["wsgi.input"]))
    answer = {
        "site": environ.get("whoami.site", ""),
        "scheme": environ["wsgi.url_scheme"],
        "host": environ.get("HTTP_HOST", ""),
        "port": environ["SERVER_PORT"],
        "client": environ["REMOTE_ADDR"],
        "script_name": environ["SCRIPT_NAME"],
        "path": environ["PATH_INFO"],
        "body": size,
        "user": pwd.getpwuid(os.geteuid()).pw_name,
        "python": platform.python_version(),
        "pid": os.getpid(),
    }
    return respond(start_response, "application/json", json.dumps(answer).encode() + b"\n")


def blocks(stream):
    while block := stream.read(65536):
        yield block


def respond(start_response, content_type, body):
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]
