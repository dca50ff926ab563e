"""Calling a WSGI application as a server does."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator


@dataclass(frozen=True)
class Answer:
    status: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return dict(self.headers)[name]


def environ(path: str = "/", body: bytes = b"", **variables: Any) -> dict[str, Any]:
    result: dict[str, Any] = {"wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr}
    setup_testing_defaults(result)
    result |= {"PATH_INFO": path, "CONTENT_LENGTH": str(len(body)), "QUERY_STRING": ""}
    return result | variables


def call(
    application: Callable[..., Iterable[bytes]], variables: Mapping[str, Any] | None = None
) -> Answer:
    """The answer of an application to one request; it is checked to be valid WSGI."""
    heads: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        heads.append((status, headers))
        return written.append

    response = validator(application)(dict(variables or environ()), start_response)
    try:
        written.extend(response)
    finally:
        response.close()
    return Answer(*heads[-1], b"".join(written))
