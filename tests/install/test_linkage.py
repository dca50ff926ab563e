"""What the installed libraries export, and what they need."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from installed import REPOSITORY, Tree, check_httpd, python_version, succeed


def dynamic(path: Path, tag: str) -> list[str]:
    """Values of a tag of the dynamic section, such as SONAME."""
    return re.findall(rf"\({tag}\).*\[(.*)\]", succeed(["readelf", "-dW", path]))


def symbols(path: Path, *options: str) -> set[str]:
    lines = succeed(["nm", "-D", *options, path]).splitlines()
    return {line.split()[-1].split("@")[0] for line in lines}


def needed_recursively(path: Path) -> str:
    return succeed(["ldd", path])


@pytest.fixture(params=["engine", "module"])
def without_python(request: pytest.FixtureRequest, tree: Tree) -> Path:
    """What httpd's parent process loads."""
    path: Path = getattr(tree, request.param)
    return path


def test_soname(tree: Tree) -> None:
    assert dynamic(tree.engine, "SONAME") == ["libwsgi_core.so.0.1"]


def test_exported_symbols(tree: Tree) -> None:
    allowed = (REPOSITORY / "include/wsgi_core.symbols").read_text().split()
    assert symbols(tree.engine, "--defined-only") == set(allowed)


def test_every_function_is_called_by_a_c_test(tree: Tree) -> None:
    sources = (REPOSITORY / "tests/capi").glob("*.c")
    text = "".join(source.read_text() for source in sources)
    called = set(re.findall(r"\b(wsgi_core_\w+)\(", text))
    assert symbols(tree.engine, "--defined-only") - called == set()


def test_module_exports_its_record_only(tree: Tree) -> None:
    assert symbols(tree.module, "--defined-only") == {"wsgi_module"}


def test_runtime_exports_the_seam_only(tree: Tree) -> None:
    runtime = tree.lib / f"wsgi-core/libwsgi_python-{python_version()}.so"
    assert symbols(runtime, "--defined-only") == {"wsgi_core_runtime"}


def test_no_python_symbols(without_python: Path) -> None:
    undefined = symbols(without_python, "--undefined-only")
    assert {name for name in undefined if name.startswith(("Py", "_Py"))} == set()


def test_no_libpython(without_python: Path) -> None:
    assert "libpython" not in needed_recursively(without_python)


def test_module_finds_the_engine(tree: Tree) -> None:
    assert dynamic(tree.module, "RUNPATH") == ["$ORIGIN/../.."]
    assert "libwsgi_core.so.0.1" in dynamic(tree.module, "NEEDED")
    found = re.search(r"libwsgi_core\.so\.0\.1 => (.*) \(0x", needed_recursively(tree.module))
    assert found is not None
    assert Path(found[1]).resolve() == tree.engine.resolve()


@pytest.mark.parametrize(
    "name", ["libwsgi_core.so", f"wsgi-core/libwsgi_python-{python_version()}.so"]
)
def test_rust_libraries_are_never_unloaded(tree: Tree, name: str) -> None:
    flags = succeed(["readelf", "-dW", tree.lib / name])
    assert re.search(r"FLAGS_1.*NODELETE", flags)


def test_runtime_finds_its_python(tree: Tree) -> None:
    runtime = tree.lib / f"wsgi-core/libwsgi_python-{python_version()}.so"
    assert "not found" not in needed_recursively(runtime)
    assert f"libpython{python_version()}.so" in needed_recursively(runtime)


def test_httpd_loads_the_module(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "app.wsgi").touch()
    result = check_httpd(tree.module, tmp_path)
    assert result.returncode == 0, result.stdout
    assert "Syntax OK" in result.stdout
