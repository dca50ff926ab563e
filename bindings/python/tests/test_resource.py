"""Scripts for files by extension."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mod_wsgi.express.resource import Resources
from programs import write
from serving import call, environ

ANSWER = """
    def {name}(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{{__name__}} {{environ['SCRIPT_FILENAME']}}".encode()]
"""


@pytest.fixture(autouse=True)
def modules() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.startswith("__wsgi_resource")]:
        del sys.modules[name]


def ask(resources: Resources, filename: str) -> bytes:
    return call(resources.handle_request, environ(SCRIPT_FILENAME=filename)).body


@pytest.mark.parametrize("name", ["handle_request", "application"])
def test_the_callable(tmp_path: Path, name: str) -> None:
    script = write(tmp_path, "hello.py", ANSWER.format(name=name))
    resources = Resources({".hello": str(script)})
    assert ask(resources, "/htdocs/a.hello") == b"__wsgi_resource_hello__ /htdocs/a.hello"


@pytest.mark.parametrize(
    "filename", ["/d/a.x-y", "/d/a.X-Y", "/d/a.x-y.en", "/d/a.en.x-y", "/d.txt/a.x-y"]
)
def test_extensions_are_those_of_httpd(tmp_path: Path, filename: str) -> None:
    script = write(tmp_path, "hello.py", ANSWER.format(name="application"))
    resources = Resources({".x-y": str(script)})
    assert ask(resources, filename) == f"__wsgi_resource_x_y__ {filename}".encode()


def test_a_file_of_another_extension(tmp_path: Path) -> None:
    resources = Resources({".hello": str(tmp_path / "hello.py")})
    assert not resources.reload_required("/htdocs/a.txt")
    with pytest.raises(LookupError, match=r"no handler for /htdocs\.hello/a\.txt"):
        ask(resources, "/htdocs.hello/a.txt")


def test_a_script_without_a_callable(tmp_path: Path) -> None:
    script = write(tmp_path, "hello.py", "")
    with pytest.raises(AttributeError, match="neither 'handle_request' nor 'application'"):
        ask(Resources({".hello": str(script)}), "/a.hello")


def test_scripts_do_not_depend_on_each_other(tmp_path: Path) -> None:
    good = write(tmp_path, "good.py", ANSWER.format(name="application"))
    bad = write(tmp_path, "bad.py", "1 / 0")
    resources = Resources({".good": str(good), ".bad": str(bad)})
    with pytest.raises(ZeroDivisionError):
        ask(resources, "/a.bad")
    assert ask(resources, "/a.good") == b"__wsgi_resource_good__ /a.good"


def test_a_script_that_changes(tmp_path: Path) -> None:
    script = write(tmp_path, "hello.py", ANSWER.format(name="application"))
    resources = Resources({".hello": str(script)})
    assert not resources.reload_required("/a.hello")
    ask(resources, "/a.hello")
    assert not resources.reload_required("/a.hello")
    os.utime(script, (1, 1))
    assert resources.reload_required("/a.hello")


def test_a_script_may_say_when_to_load_it_again(tmp_path: Path) -> None:
    text = ANSWER.format(name="application") + (
        "\n    def reload_required(resource):\n        return resource == '/changed.hello'\n"
    )
    resources = Resources({".hello": str(write(tmp_path, "hello.py", text))})
    ask(resources, "/a.hello")
    assert not resources.reload_required("/a.hello")
    assert resources.reload_required("/changed.hello")
