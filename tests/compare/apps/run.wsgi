"""Runs the statements in the query string as the body of an application.

They may use `environ`, `start_response`, `mark`, which begins every line of the log that is
compared, `file`, the name of a file of ten bytes, and whatever is imported here.
"""

import io  # noqa: F401
import os
import sys  # noqa: F401
import textwrap
from urllib.parse import unquote

import apache  # noqa: F401
import mod_wsgi  # noqa: F401

file = os.path.join(os.path.dirname(__file__), "ten.txt")
HEAD = "def called(environ, start_response, mark):\n"


def application(environ, start_response):
    names = dict(globals())
    exec(HEAD + textwrap.indent(unquote(environ["QUERY_STRING"]), "    "), names)
    return names["called"](environ, start_response, f"compare:{environ['HTTP_X_CASE']}:")
