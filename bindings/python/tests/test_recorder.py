"""The recorder's files."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from mod_wsgi.express.recorder import Recorder
from serving import call, environ

EXTENSIONS = [
    "iheaders", "icontent", "oheaders", "ocontent", "oaexcept", "orexcept", "ofexcept"
]  # fmt: skip


def recorded(directory: Path) -> list[dict[str, bytes]]:
    """The files of each request, by extension, in the order of the requests."""
    requests: dict[str, dict[str, bytes]] = {}
    for path in sorted(directory.iterdir()):
        name, _, extension = path.name.partition(".")
        assert re.fullmatch(rf"\d{{16,}}-{os.getpid()}-\d+", name)
        requests.setdefault(name, {})[extension] = path.read_bytes()
    return list(requests.values())


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("201 Created", [("Content-Type", "text/plain")])
    yield b"got "
    yield environ["wsgi.input"].read(100)


def test_the_files_of_a_request(tmp_path: Path) -> None:
    directory = tmp_path / "archive"
    recorder = Recorder(echo, str(directory))
    body = bytes(range(256))[:90]
    variables = environ("/caf\xe9", body, REQUEST_METHOD="POST")
    assert call(recorder, variables).body == b"got " + body
    (files,) = recorded(directory)
    assert sorted(files) == sorted(EXTENSIONS)
    assert files["icontent"] == body
    assert files["ocontent"] == b"got " + body
    assert b"'PATH_INFO': '/caf\xc3\xa9'" in files["iheaders"]
    assert ast.literal_eval(files["oheaders"].decode()) == (
        "201 Created",
        [("Content-Type", "text/plain")],
    )
    assert [files[name] for name in EXTENSIONS[4:]] == [b"", b"", b""]


def test_the_files_are_private(tmp_path: Path) -> None:
    call(Recorder(echo, str(tmp_path)))
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_every_request_has_its_own(tmp_path: Path) -> None:
    recorder = Recorder(echo, str(tmp_path))
    for body in (b"one", b"two", b"three"):
        call(recorder, environ(body=body))
    assert [files["icontent"] for files in recorded(tmp_path)] == [b"one", b"two", b"three"]


def test_what_is_written(tmp_path: Path) -> None:
    def writing(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"written, ")
        return [b"returned"]

    assert call(Recorder(writing, str(tmp_path))).body == b"written, returned"
    assert recorded(tmp_path)[0]["ocontent"] == b"written, returned"


class Failing:
    """A response that fails at one step."""

    def __init__(self, step: str) -> None:
        self.step = step

    def __call__(self, environ: Any, start_response: Callable[..., Any]) -> Failing:
        if self.step == "oaexcept":
            raise ValueError("oaexcept")
        start_response("200 OK", [("Content-Type", "text/plain")])
        self.blocks = iter([b"first"])
        return self

    def __iter__(self) -> Failing:
        return self

    def __next__(self) -> bytes:
        for block in self.blocks:
            return block
        if self.step == "orexcept":
            raise ValueError("orexcept")
        raise StopIteration

    def close(self) -> None:
        if self.step == "ofexcept":
            raise ValueError("ofexcept")


@pytest.mark.parametrize("step", ["oaexcept", "orexcept", "ofexcept"])
def test_an_exception(tmp_path: Path, step: str) -> None:
    with pytest.raises(ValueError, match=step):
        call(Recorder(Failing(step), str(tmp_path)))
    (files,) = recorded(tmp_path)
    assert files[step].startswith(b"Traceback (most recent call last):\n")
    assert files[step].endswith(f"ValueError: {step}\n".encode())
    assert [name for name in EXTENSIONS[4:] if files[name]] == [step]
    assert files["ocontent"] == (b"" if step == "oaexcept" else b"first")
