"""Callables of several kinds, and names that are none."""


def answer(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"answer"]


class Answer:
    def __init__(self, environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])

    def __iter__(self):
        yield b"class"


number = 7
nothing = None
