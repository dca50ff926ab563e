"""The smallest application: it greets whoever asks."""


def application(environ, start_response):
    body = f"Hello from {environ['REQUEST_METHOD']} {environ['PATH_INFO']}\n"
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [body.encode("utf-8")]
