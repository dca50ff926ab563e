"""Several callables and things that are none.

Covers: WSGICallableObject and callable-object; a name that is missing or not callable.
"""

not_callable = 5


def answering(name):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [name.encode()]

    return app


application = answering("application")
other = answering("other")
third = answering("third")
