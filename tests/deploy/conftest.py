"""Machines on which the commands of the pages have been run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import runtimes
from machine import Machine
from nspawn import unusable
from page import Page

WHEELS = Path(os.environ.get("WSGI_CORE_WHEELS", "build/wheels")).absolute()
"""Where pip finds wsgi-core, for each Python."""


def pytest_sessionstart(session: pytest.Session) -> None:
    if not session.config.option.collectonly and not any(WHEELS.glob("wsgi_core-*.whl")):
        pytest.exit(f"no wheels of wsgi-core in {WHEELS}; build them first", returncode=3)


@pytest.fixture(scope="session")
def sites() -> Iterator[Path]:
    """What a machine with the example sites differs in."""
    if reason := unusable():
        pytest.skip(reason)
    page = Page("README.md")
    changes = Path(tempfile.mkdtemp(prefix="wsgi-core-sites-"))
    changes.chmod(0o755)
    with make_machine() as machine:
        # Copies of Pythons still look for their library where root's own ones have it.
        libraries = "\n".join(f"{place}/lib" for place in other_homes().values())
        machine.path("/etc/ld.so.conf.d/pythons.conf").write_text(f"{libraries}\n")
        machine.run("ldconfig")
        page.run(machine, "The example sites")
        machine.save(changes)
    yield changes
    shutil.rmtree(changes)


def other_homes() -> dict[Path, str]:
    """Pythons besides the system's, and where a machine has them: units see nothing of /tmp."""
    homes = runtimes.homes().items()
    return {home: f"/opt/python{version}" for version, home in homes if home != Path("/usr")}


def make_machine(changes: Path | None = None) -> Machine:
    """With other Pythons than the system's, and the wheels that were just built."""
    binds = [f"{home}:{place}" for home, place in other_homes().items()]
    machine = Machine(changes, f"{WHEELS}:/srv/wheels", *binds)
    path = [machine.environment["PATH"], *(f"{place}/bin" for place in other_homes().values())]
    machine.environment["PATH"] = ":".join(path)
    return machine


@pytest.fixture(scope="module")
def machine(sites: Path) -> Iterator[Machine]:
    """A booted machine with the example sites, for the tests of one page."""
    with make_machine(sites) as machine:
        yield machine
