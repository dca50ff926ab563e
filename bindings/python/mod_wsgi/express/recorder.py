"""The debug mode `--enable-recorder`: each request and its response in files.

The seven files of a request share a name, time, process and number, and end in:

    .iheaders   the environ, printed
    .icontent   the body of the request
    .oheaders   status and headers of the response
    .ocontent   the body of the response
    .oaexcept   the traceback of an exception from the application's call,
    .orexcept   from the iteration of the response,
    .ofexcept   from its close()
"""

from __future__ import annotations

import itertools
import os
import pprint
import shutil
import time
import traceback
from collections.abc import Callable, Iterable
from typing import IO, Any

from .steps import Application, Environ, Response, StartResponse, Step, T

CONTENTS = ("iheaders", "icontent", "oheaders", "ocontent")
EXCEPTIONS = {Step.CALL: "oaexcept", Step.ITERATION: "orexcept", Step.CLOSE: "ofexcept"}


class Recorder:
    """Middleware that records what goes in and out of an application."""

    def __init__(self, application: Application, directory: str) -> None:
        self._application = application
        self._directory = directory
        self._numbers = itertools.count(1)
        os.makedirs(directory, exist_ok=True)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        name = f"{time.time_ns() // 1000}-{os.getpid()}-{next(self._numbers)}"
        recording = Recording(os.path.join(self._directory, name))
        return recording.response(self._application, environ, start_response)


class Recording:
    """The files of one request."""

    def __init__(self, path: str) -> None:
        self._path = path
        for extension in (*CONTENTS, *EXCEPTIONS.values()):
            self._open(extension, "wb").close()

    def response(
        self, application: Application, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        with self._open("iheaders", "w") as file:
            pprint.pprint(environ, stream=file)
        body = environ["wsgi.input"]
        with self._open("icontent", "wb") as file:
            shutil.copyfileobj(body, file)
        content = self._open("icontent", "rb")
        environ["wsgi.input"] = content
        try:
            return RecordedResponse(self, content, application, environ, start_response)
        except BaseException:
            content.close()
            raise

    def run(self, step: Step, function: Callable[..., T], /, *arguments: Any) -> T:
        try:
            return function(*arguments)
        except BaseException as error:
            with self._open(EXCEPTIONS[step], "w") as file:
                traceback.print_exception(error, file=file)
            raise

    def head(self, status: str, headers: list[tuple[str, str]]) -> None:
        # A second one, with exc_info, replaces the first.
        with self._open("oheaders", "w") as file:
            pprint.pprint((status, headers), stream=file)

    def block(self, data: bytes) -> None:
        with self._open("ocontent", "ab") as file:
            file.write(data)

    def _open(self, extension: str, mode: str) -> IO[Any]:
        def opener(path: str, flags: int) -> int:
            # Requests carry passwords and cookies.
            return os.open(path, flags, 0o600)

        encoding = None if "b" in mode else "utf-8"
        errors = None if "b" in mode else "backslashreplace"
        return open(
            f"{self._path}.{extension}", mode, encoding=encoding, errors=errors, opener=opener
        )


class RecordedResponse(Response):
    """The response of an application that is recorded as it passes."""

    def __init__(
        self,
        recording: Recording,
        content: IO[bytes],
        application: Application,
        environ: Environ,
        start_response: StartResponse,
    ) -> None:
        self._recording = recording
        self._content = content

        def start(
            status: str, headers: list[tuple[str, str]], *exc_info: Any
        ) -> Callable[[bytes], object]:
            recording.head(status, headers)
            send = start_response(status, headers, *exc_info)

            def write(data: bytes) -> object:
                recording.block(data)
                return send(data)

            return write

        super().__init__(recording.run, application, environ, start)

    def __next__(self) -> bytes:
        block = super().__next__()
        self._recording.block(block)
        return block

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._content.close()
