"""Every gateway application behind one script.

* `/NAME/…` calls the application NAME of the package `gateway` with the environ untouched;
* `/validate/NAME/…` does the same with wsgiref.validate between server and application.
"""

import os
import sys
from wsgiref.validate import validator

sys.path.insert(0, os.path.dirname(__file__))

from gateway import APPS  # noqa: E402


def application(environ, start_response):
    names = environ["PATH_INFO"].split("/")
    if names[1] == "validate":
        return validator(APPS[names[2]])(environ, start_response)
    return APPS[names[1]](environ, start_response)
