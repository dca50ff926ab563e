"""Uses numpy, an extension that needs the PyGILState functions, from every request thread.

Covers: extension modules in the main interpreter and concurrent requests.
"""

import numpy


def application(environ, start_response):
    size = int(environ["QUERY_STRING"] or "100")
    matrix = numpy.arange(size * size, dtype=float).reshape(size, size)
    product = (matrix @ numpy.eye(size)).sum()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(int(product)).encode()]
