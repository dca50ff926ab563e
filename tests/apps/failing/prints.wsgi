"""A script that writes while it is loaded: that belongs to no request."""

import sys

print("printed while loading")
print("to stderr while loading", file=sys.stderr)


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"loaded"]
