"""The wheel of each Python, in a virtual environment of it, and the source distribution."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import NewServer
from express import APPS, public_directory

REPOSITORY = Path(__file__).resolve().parents[2]
GUIDE = REPOSITORY / "docs/express.md"
WHEELS = Path(os.environ.get("WSGI_CORE_WHEELS", REPOSITORY / "build/wheels"))
VENVS = os.environ.get("WSGI_CORE_EXPRESS_VENVS", sys.prefix).split(":")


def output(*command: str | Path, **environ: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.check_output(command, text=True, env=kept | environ)


def package_of(home: str) -> Path:
    code = "import mod_wsgi, os; print(os.path.dirname(mod_wsgi.__file__))"
    return Path(output(f"{home}/bin/python", "-c", code).strip())


@pytest.fixture(params=VENVS, ids=lambda home: Path(home).name)
def home(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_serves(home: str, new_server: NewServer) -> None:
    """Each Python runs its own applications, with nothing of a compiler on the way."""
    server = new_server((f"{home}/bin/mod_wsgi-express", "start-server"))
    server.start(APPS / "environ.wsgi", PATH="/usr/sbin:/usr/bin:/bin" if os.getuid() else "/bin")
    facts = server.get("/?evaluate=[sys.prefix,sys.version]").json()
    version = output(f"{home}/bin/python", "-c", "import sys; print(sys.version)")
    assert facts == [home, version.rstrip("\n")]
    assert server.stop() == 0


def test_libraries_are_found(home: str) -> None:
    """Also a libpython that lies where the loader does not look."""
    package = package_of(home)
    binaries = [path for path in (package / "server").rglob("*") if is_elf(path)]
    assert len(binaries) == 4
    for path in binaries:
        needed = output("ldd", path, LD_LIBRARY_PATH="")
        assert "not found" not in needed, (path, needed)
    (module,) = (path for path in binaries if path.parent.name == "server")
    assert str(package / "server/lib/libwsgi_core.so") in output("ldd", module)


def is_elf(path: Path) -> bool:
    return path.is_file() and path.read_bytes()[:4] == b"\x7fELF"


def test_submodules_are_importable_in_the_server(home: str, new_server: NewServer) -> None:
    """The module of the engine stands in the package's place, and has its path."""
    server = new_server((f"{home}/bin/mod_wsgi-express", "start-server"))
    server.write(
        "site.wsgi",
        "import mod_wsgi\n"
        "from mod_wsgi import version\n"
        "import mod_wsgi.express.options\n"
        "import mod_wsgi.diagnostics.hello\n"
        "application = mod_wsgi.diagnostics.hello.application\n",
    )
    server.start("site.wsgi")
    assert server.text() == "Hello World!"


KINDS = re.findall(r"^\| .* \| `(start-server.*)`", GUIDE.read_text(), re.M)
APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"of the guide"]

app = application

def make(configuration):
    return application
"""


@pytest.fixture(scope="module")
def fresh() -> Iterator[Path]:
    """A virtual environment as the guide has it made, with nothing but the wheel."""
    directory = public_directory()
    venv.create(directory / "venv", symlinks=True, with_pip=True)
    pip = [directory / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-index"]
    subprocess.run([*pip, "--find-links", WHEELS, "wsgi-core"], check=True)
    yield directory / "venv/bin"
    shutil.rmtree(directory)


@pytest.mark.skipif(not WHEELS.is_dir(), reason="no wheels were built")
@pytest.mark.parametrize("line", KINDS)
def test_commands_of_the_guide(fresh: Path, new_server: NewServer, line: str) -> None:
    """As whoever it is: root, with --user, and others."""
    command, *words = line.split()
    server = new_server((fresh / "mod_wsgi-express", command))
    for name in ("app.wsgi", "app.py", "mysite/wsgi.py"):
        server.write(name, APPLICATION)
    server.write("www/index.html", "of the guide")
    server.write("site.ini", "[app:main]\nuse = call:mysite.wsgi:make\n")
    if "paste" in words:
        result = server.run(*words)
        assert "No module named 'paste'" in result.stderr
        return
    server.start(*words)
    assert ("of the guide" in server.text()) == bool(words)
    assert server.stop() == 0


@pytest.mark.skipif(not WHEELS.is_dir(), reason="no wheels were built")
def test_contents() -> None:
    for wheel in WHEELS.glob("wsgi_core-*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
        files = [name for name in names if name.startswith("mod_wsgi/server/")]
        assert "mod_wsgi/server/libexec/wsgi-core/wsgi-daemon" in files
        assert modes["mod_wsgi/server/libexec/wsgi-core/wsgi-daemon"] == 0o755
        assert sum("libwsgi_python-" in name for name in files) == 1
        assert sum("libwsgi_core.so" in name for name in files) == 1
        assert sum(Path(name).name.startswith("mod_wsgi-py") for name in files) == 1
        foreign = [name for name in names if not name.startswith(("mod_wsgi/", "wsgi_core-"))]
        assert foreign == []
        assert not [name for name in names if name.endswith((".h", ".a", ".pc", ".cmake"))]


def test_source_distribution(tmp_path: Path) -> None:
    """It has what a build needs, and nothing that was built."""
    code = f"from scikit_build_core.build import build_sdist; print(build_sdist({str(tmp_path)!r}))"
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    (archive,) = tmp_path.glob("wsgi_core-*.tar.gz")
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    tracked = output("git", "-C", REPOSITORY, "ls-files").splitlines()
    sources = (".rs", ".c", ".h", ".py", ".toml", ".cmake", ".lock", ".in", ".txt", ".md")
    wanted = {name for name in tracked if name.endswith(sources) and not name.startswith("fuzz/")}
    present = {name for name in wanted if (REPOSITORY / name).exists()}
    assert present - names == set()
    assert not [name for name in names if name.startswith(("build/", "target/", ".git/"))]
