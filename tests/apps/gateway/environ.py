"""The environ as the application sees it.

Covers: every key with its type and value; changes of the environ do not reach later requests.
"""

from .recorder import json_response


def describe(value):
    if isinstance(value, (str, int, float, bool, tuple, type(None))):
        return value
    return repr(value)


def environ(environ, start_response):
    """Every key with the name of its value's type and the value."""
    found = {key: [type(value).__name__, describe(value)] for key, value in environ.items()}
    found["(environ)"] = [type(environ).__name__, ""]
    return json_response(start_response, found)


def environ_changed(environ, start_response):
    """Changes and empties the environ before it answers."""
    environ["leaked"] = "yes"
    environ["wsgi.version"] = "broken"
    del environ["REQUEST_METHOD"]
    return json_response(start_response, "changed")


def environ_identity(environ, start_response):
    """Whether file_wrapper and version are those of the modules."""
    import mod_wsgi

    found = {
        "file_wrapper": environ["wsgi.file_wrapper"] is mod_wsgi.FileWrapper,
        "version": environ["mod_wsgi.version"] == mod_wsgi.version,
        "input": f"{type(environ['wsgi.input']).__module__}.{type(environ['wsgi.input']).__name__}",
    }
    return json_response(start_response, found)


APPS = {
    "environ": environ,
    "environ_changed": environ_changed,
    "environ_identity": environ_identity,
}
