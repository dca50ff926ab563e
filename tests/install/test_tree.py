"""`make install` gives exactly these files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from installed import REPOSITORY, Tree, make_install, python_version, succeed

EXPECTED = {
    "include/wsgi_core.h",
    "lib/cmake/wsgi_core/wsgi_core-config-version.cmake",
    "lib/cmake/wsgi_core/wsgi_core-config.cmake",
    "lib/httpd/modules/mod_wsgi.so",
    "lib/libwsgi_core.a",
    "lib/libwsgi_core.so -> libwsgi_core.so.0.1",
    "lib/libwsgi_core.so.0.1 -> libwsgi_core.so.0.1.0",
    "lib/libwsgi_core.so.0.1.0",
    "lib/pkgconfig/wsgi_core.pc",
    "lib/wsgi-core/default",
    f"lib/wsgi-core/libwsgi_python-{python_version()}.so",
    "libexec/wsgi-core/wsgi-daemon",
    "share/man/man3/wsgi_core.3",
    "share/man/man8/mod_wsgi.8",
}


def test_files(tree: Tree) -> None:
    assert tree.files() == EXPECTED


def test_destdir(tmp_path: Path) -> None:
    make_install(DESTDIR=tmp_path / "root", PREFIX="/opt/wsgi-core")
    assert Tree(tmp_path / "root/opt/wsgi-core").files() == EXPECTED
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


def test_relative_prefix_and_spaces(tmp_path: Path) -> None:
    prefix = REPOSITORY / "build" / "a b"
    make_install(PREFIX="build/a b", DESTDIR=tmp_path)
    assert Tree(Path(f"{tmp_path}{prefix}")).files() == EXPECTED


def test_default_runtime(tree: Tree) -> None:
    assert (tree.lib / "wsgi-core/default").read_text() == f"{python_version()}\n"


def test_header_is_the_committed_one(tree: Tree) -> None:
    committed = (REPOSITORY / "include/wsgi_core.h").read_bytes()
    assert (tree.prefix / "include/wsgi_core.h").read_bytes() == committed


@pytest.mark.parametrize(
    "name", sorted(name for name in EXPECTED if name.endswith((".cmake", ".pc")))
)
def test_no_absolute_paths(tree: Tree, name: str) -> None:
    text = (tree.prefix / name).read_text()
    assert str(REPOSITORY) not in text
    assert str(tree.prefix.parent) not in text


def test_everything_can_be_read_by_others(tree: Tree) -> None:
    closed = [path for path in tree.prefix.rglob("*") if path.stat().st_mode & 0o4 == 0]
    assert closed == []


@pytest.mark.parametrize("page", ["man3/wsgi_core.3", "man8/mod_wsgi.8"])
def test_manual_page(tree: Tree, page: str) -> None:
    path = tree.prefix / "share/man" / page
    succeed(["mandoc", "-T", "lint", "-W", "warning,stop", path])
    overstruck = succeed(["mandoc", "-T", "ascii", path])
    assert "DESCRIPTION" in re.sub(".\b", "", overstruck)
