"""The smallest useful application: twelve bytes with their length."""


def application(environ, start_response):
    body = b"Hello world\n"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "12")])
    return [body]
