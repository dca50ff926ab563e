"""Building against the installed tree, in every way that is documented."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from installed import REPOSITORY, Tree, check_httpd, python_version, run, succeed

CONSUMER = REPOSITORY / "tests/install/consumer"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
EXPECTED = f"0.1.0 0.1.0 1 {python_version()}\n"


def runtimes(tree: Tree) -> str:
    return str(tree.lib / "wsgi-core")


@pytest.fixture(scope="session")
def project(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The consumer, built with find_package."""
    build = tmp_path_factory.mktemp("project")
    succeed(["cmake", "-S", CONSUMER, "-B", build, f"-DCMAKE_PREFIX_PATH={tree.prefix}"])
    succeed(["cmake", "--build", build])
    return build


def test_find_package_shared(project: Path) -> None:
    assert succeed([project / "shared"]) == EXPECTED


def test_find_package_static(project: Path, tree: Tree) -> None:
    assert "libwsgi_core.so" not in succeed(["ldd", project / "static"])
    assert succeed([project / "static", runtimes(tree)]) == EXPECTED


def test_find_package_refuses_another_version(tree: Tree, tmp_path: Path) -> None:
    shutil.copytree(CONSUMER, tmp_path / "source")
    listfile = tmp_path / "source/CMakeLists.txt"
    listfile.write_text(listfile.read_text().replace("wsgi_core 0.1", "wsgi_core 0.2"))
    prefix = f"-DCMAKE_PREFIX_PATH={tree.prefix}"
    result = run(["cmake", "-S", tmp_path / "source", "-B", tmp_path / "build", prefix])
    assert result.returncode != 0
    assert 'compatible with requested version "0.2"' in " ".join(result.stdout.split())


def test_pkg_config_shared(tree_without_space: Tree, tmp_path: Path) -> None:
    flags = tree_without_space.pkg_config("--cflags", "--libs")
    succeed(["cc", *STRICT, CONSUMER / "main.c", *flags, "-o", tmp_path / "main"])
    lib = str(tree_without_space.lib)
    assert succeed([tmp_path / "main"], LD_LIBRARY_PATH=lib) == EXPECTED


def test_pkg_config_static(tree_without_space: Tree, tmp_path: Path) -> None:
    flags = tree_without_space.pkg_config("--cflags", "--libs", "--static")
    flags = ["-l:libwsgi_core.a" if flag == "-lwsgi_core" else flag for flag in flags]
    succeed(["cc", *STRICT, CONSUMER / "main.c", *flags, "-o", tmp_path / "main"])
    assert succeed([tmp_path / "main", runtimes(tree_without_space)]) == EXPECTED


def test_pkg_config_version(tree_without_space: Tree) -> None:
    assert tree_without_space.pkg_config("--modversion") == ["0.1.0"]


def apxs_build(tree: Tree, directory: Path, *flags: str, **environ: str) -> Path:
    """Compile and install the module in a directory of its own with apxs."""
    modules = directory / "modules"
    modules.mkdir()
    shutil.copy(REPOSITORY / "c/mod_wsgi.c", directory)
    command = [
        "apxs",
        "-S",
        f"LIBEXECDIR={modules}",
        "-i",
        "-c",
        *flags,
        "mod_wsgi.c",
        "-lwsgi_core",
    ]
    succeed(command, directory, **environ)
    result = check_httpd(modules / "mod_wsgi.so", directory, LD_LIBRARY_PATH=str(tree.lib))
    assert result.returncode == 0, result.stdout
    return modules / "mod_wsgi.so"


def test_apxs_as_written(tree_without_space: Tree, tmp_path: Path) -> None:
    """With header and library where the compiler looks for them anyway."""
    tree = tree_without_space
    places = {"CPATH": str(tree.prefix / "include"), "LIBRARY_PATH": str(tree.lib)}
    apxs_build(tree, tmp_path, **places)


def test_apxs_with_flags(tree_without_space: Tree, tmp_path: Path) -> None:
    tree = tree_without_space
    flags = [f"-I{tree.prefix}/include", f"-L{tree.lib}", f"-Wl,-Wl,-rpath,{tree.lib}"]
    module = apxs_build(tree, tmp_path, *flags)
    assert str(tree.lib) in succeed(["readelf", "-d", module])


def test_shortest_host(tree_without_space: Tree, tmp_path: Path) -> None:
    """examples/c/one_request.c, built as its comment says."""
    examples = REPOSITORY / "examples/c"
    flags = tree_without_space.pkg_config("--cflags", "--libs")
    program = tmp_path / "one_request"
    succeed(["cc", "-Wall", "-Werror", examples / "one_request.c", *flags, "-o", program])
    lib = str(tree_without_space.lib)
    output = succeed([program, examples / "hello.wsgi"], LD_LIBRARY_PATH=lib)
    assert output.startswith("200 OK\n") or "\n200 OK\n" in output
