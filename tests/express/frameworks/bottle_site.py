"""Bottle, with its default application."""

import bottle

application = bottle.default_app()


@bottle.get("/hello/<name>", name="hello")
def hello(name: str) -> str:
    return f"Hello {name} at {application.get_url('hello', name=name)}"


@bottle.post("/echo")
def echo() -> str:
    return bottle.request.forms.text


@bottle.get("/broken")
def broken() -> str:
    raise ValueError("in a view")
