"""What the build says about Pythons it cannot use."""

from __future__ import annotations

from pathlib import Path

import pytest

from installed import PYTHON, REPOSITORY, run


def configure(build: Path, *pythons: str | Path) -> str:
    """The message of a configuration that has to fail, as one line."""
    names = ";".join(str(python) for python in pythons)
    result = run(["cmake", "-S", REPOSITORY, "-B", build, f"-DPYTHON={names}"])
    assert result.returncode != 0, result.stdout
    return " ".join(result.stdout.split())


def pretender(directory: Path, statement: str) -> Path:
    """A Python that runs a statement before anything else."""
    path = directory / "python"
    path.write_text(
        f"#!{PYTHON}\n"
        "import runpy, sys, sysconfig\n"
        f"{statement}\n"
        "runpy.run_path(sys.argv[-1], run_name='__main__')\n"
    )
    path.chmod(0o755)
    return path


VERSIONS = "a runtime can be built for 3.10 to 3.15"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("sys.version_info = (3, 9, 18)", f"is Python 3.9; {VERSIONS}"),
        ("sys.version_info = (3, 16, 0)", f"is Python 3.16; {VERSIONS}"),
        (
            "sysconfig.get_config_vars()['Py_ENABLE_SHARED'] = 0",
            "has no shared libpython, so it cannot be embedded",
        ),
        (
            "sysconfig.get_config_vars()['LDLIBRARY'] = 'libnone.so'",
            "libnone.so and libpython",
        ),
        ("sys.implementation.name = 'pypy'", "is pypy; only CPython can be embedded"),
    ],
)
def test_unusable(tmp_path: Path, statement: str, message: str) -> None:
    python = pretender(tmp_path, statement)
    assert f"PYTHON: {python}: {message}" in configure(tmp_path / "build", python)


def test_missing(tmp_path: Path) -> None:
    answer = configure(tmp_path / "build", "/nonexistent/python")
    assert "PYTHON: /nonexistent/python: cannot be run" in answer


def test_programs_of_another_user(tmp_path: Path) -> None:
    """Those that are remembered, and that this user may not run or has no Rust for."""
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18)\n"
        "project(test NONE)\n"
        f"include({REPOSITORY}/cmake/cargo.cmake)\n"
        'message(STATUS "found ${CARGO} and ${RUSTC}")\n'
    )
    broken = tmp_path / "rustc"
    broken.write_text("#!/bin/sh\necho 'error: no default toolchain' >&2\nexit 1\n")
    broken.chmod(0o755)
    remembered = [f"-DRUSTC:FILEPATH={broken}", "-DCARGO:FILEPATH=/nonexistent/bin/cargo"]
    answer = run(["cmake", "-S", tmp_path, "-B", tmp_path / "build", *remembered])
    assert answer.returncode == 0, answer.stdout
    (line,) = (line for line in answer.stdout.splitlines() if "found " in line)
    _, cargo, _, rustc = line.removeprefix("-- ").split()
    assert cargo != "/nonexistent/bin/cargo" and Path(cargo).exists()
    assert rustc != str(broken) and Path(rustc).exists()


def test_same_version_twice(tmp_path: Path) -> None:
    assert "was named before" in configure(tmp_path / "build", PYTHON, PYTHON)


def test_none(tmp_path: Path) -> None:
    assert "PYTHON is empty" in configure(tmp_path / "build")
