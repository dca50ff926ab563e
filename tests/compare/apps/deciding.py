"""Authentication, access and dispatch functions that return what the request asks for.

The user's name, or for access and dispatch the query string, is looked up in ANSWERS; `seen`
reports in the log what the function got.
"""

ANSWERS = {
    "true": True,
    "false": False,
    "none": None,
    "one": 1,
    "zero": 0,
    "name": "somebody",
    "empty": "",
    "umlaut": "m\xfcller",
    "bytes": b"bytes",
    "list": ["one"],
}
VOLATILE = ("REMOTE_PORT", "mod_wsgi.request_id", "mod_wsgi.server_pid")
GROUPS = {
    "groups": ["staff", "admins"],
    "bytes": [b"staff"],
    "tuple": ("staff",),
    "none": None,
    "number": 3,
    "bad": [3],
    "empty": [],
}


def look(environ, word, *rest):
    case = environ.get("HTTP_X_CASE")
    if word == "raise":
        raise ValueError(f"compare:{case}:raised")
    if word == "seen":
        for key in sorted(environ):
            value = environ[key]
            shown = repr(value) if isinstance(value, (str, tuple)) and key not in VOLATILE else ""
            print(
                f"compare:{case}:{key} {type(value).__name__} {shown}", file=environ["wsgi.errors"]
            )
        print(f"compare:{case}:arguments {(word, *rest)!r}", file=environ["wsgi.errors"])
        return True
    return ANSWERS[word]


def check_password(environ, user, password):
    return True if user in GROUPS else look(environ, user, password)


def groups_for_user(environ, user):
    return GROUPS[user]


def allow_access(environ, host):
    return look(environ, environ["QUERY_STRING"] or "true", host)


def group(environ, function):
    name, _, value = environ["QUERY_STRING"].partition("=")
    if name != function:
        return None
    return ANSWERS[value] if value in ANSWERS and value != "name" else value


def process_group(environ):
    if environ["QUERY_STRING"] in ("seen", "raise"):
        look(environ, environ["QUERY_STRING"])
    return group(environ, "process")


def application_group(environ):
    return group(environ, "application")


def callable_object(environ):
    return group(environ, "callable")
