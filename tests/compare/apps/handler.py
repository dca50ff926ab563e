"""A handler script."""

import json


def handle_request(environ, start_response):
    keys = ("SCRIPT_NAME", "PATH_INFO", "SCRIPT_FILENAME", "PATH_TRANSLATED")
    found = {key: repr(environ.get(key)) for key in keys}
    found |= {key: repr(value) for key, value in environ.items() if key.startswith("mod_wsgi.h")}
    found["group"] = repr(environ["mod_wsgi.application_group"])
    found["callable"] = repr(environ["mod_wsgi.callable_object"])
    found["authorization"] = repr(environ.get("HTTP_AUTHORIZATION"))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [json.dumps(found).encode()]
