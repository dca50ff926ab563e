"""Pyramid, started through its Paste Deploy configuration."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.router import Router


def hello(request: Request) -> Response:
    return Response(f"{request.registry.settings['greeting']} {request.matchdict['name']} "
                    f"at {request.route_path('hello', **request.matchdict)}")  # fmt: skip


def echo(request: Request) -> Response:
    return Response(request.POST["text"])


def broken(request: Request) -> Response:
    raise ValueError("in a view")


def main(global_config: dict[str, str], **settings: Any) -> Router:
    with Configurator(settings=settings) as config:
        config.add_route("hello", "/hello/{name}")
        config.add_view(hello, route_name="hello")
        config.add_route("echo", "/echo")
        config.add_view(echo, route_name="echo", request_method="POST")
        config.add_route("broken", "/broken")
        config.add_view(broken, route_name="broken")
        return config.make_wsgi_app()
