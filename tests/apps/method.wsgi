"""Answers with the request method in a header and a body worth compressing.

Covers: WSGIMapHEADToGET with and without output filters.
"""


def application(environ, start_response):
    headers = [("Content-Type", "text/plain"), ("X-Method", environ["REQUEST_METHOD"])]
    start_response("200 OK", headers)
    return [b"compressible " * 1000]
