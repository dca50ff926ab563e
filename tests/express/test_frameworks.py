"""Applications of the usual frameworks, each started with the line that docs/frameworks.md has."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from express import Express

SITES = Path(__file__).with_name("frameworks")
LINES = {
    "flask": ["--application-type", "module", "--callable-object", "app", "flask_site"],
    "pyramid": ["--application-type", "paste", "pyramid_site.ini"],
    "bottle": ["bottle_site.py"],
    "falcon": ["--callable-object", "app", "falcon_site.py"],
}
MOUNTED = ["--mount-point", "/site"]


@pytest.fixture(scope="module", params=[(name, at) for name in LINES for at in ("", "/site")])
def running(request: pytest.FixtureRequest) -> Iterator[tuple[Express, str]]:
    framework, mount_point = request.param
    server = Express()
    try:
        for file in SITES.glob(f"{framework}_site.*"):
            shutil.copy(file, server.directory)
        server.start(*LINES[framework], *(MOUNTED if mount_point else []))
        yield server, mount_point
    finally:
        server.remove()


def test_a_page(running: tuple[Express, str]) -> None:
    server, mount_point = running
    page = f"{mount_point}/hello/you"
    assert server.text(page) == f"Hello you at {page}"


def test_a_form(running: tuple[Express, str]) -> None:
    server, mount_point = running
    response = server.form(f"{mount_point}/echo", b"text=a+b%26")
    assert (response.status, response.body) == (200, b"a b&")


def test_a_page_that_is_not_there(running: tuple[Express, str]) -> None:
    server, mount_point = running
    assert server.get(f"{mount_point}/nowhere").status == 404


def test_a_view_that_raises(running: tuple[Express, str]) -> None:
    server, mount_point = running
    assert server.get(f"{mount_point}/broken").status == 500
    server.wait_for_log("ValueError: in a ")
    assert server.text(f"{mount_point}/hello/again").startswith("Hello again")
