"""What is made from the table of options: the manual page, completion, the list of what works."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mod_wsgi.express import completion, manual
from mod_wsgi.express.options import OPTIONS

REPOSITORY = Path(__file__).resolve().parents[2]
VISIBLE = [option for option in OPTIONS if not option.hidden]


def test_manual_page_is_current() -> None:
    """Otherwise: python -m mod_wsgi.express.manual >docs/man/mod_wsgi-express.1"""
    assert (REPOSITORY / "docs/man/mod_wsgi-express.1").read_text() == manual.page()


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_manual_page_is_well_formed() -> None:
    page = REPOSITORY / "docs/man/mod_wsgi-express.1"
    lint = subprocess.run(["mandoc", "-T", "lint", page], capture_output=True, text=True)
    known = ("referenced manual not found", "bad NAME", "lowercase character in document title")
    lines = [line for line in lint.stdout.splitlines() if not any(word in line for word in known)]
    assert lines == []


def test_manual_page_is_installed() -> None:
    assert (Path(sys.prefix) / "share/man/man1/mod_wsgi-express.1").exists()


INSTALLED = {
    "bash": "bash-completion/completions/mod_wsgi-express",
    "zsh": "zsh/site-functions/_mod_wsgi-express",
    "fish": "fish/vendor_completions.d/mod_wsgi-express.fish",
}


@pytest.mark.parametrize("shell", INSTALLED)
def test_completion_is_installed(shell: str) -> None:
    installed = Path(sys.prefix) / "share" / INSTALLED[shell]
    assert installed.read_text() == completion.SHELLS[shell]()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_whole(shell: str) -> None:
    text = completion.SHELLS[shell]()
    for option in VISIBLE:
        name = option.flag.removeprefix("--")
        assert re.search(rf"(--|-l ){name}\b(?!-)", text), option.flag
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=text, text=True, check=True)


def complete(*words: str) -> list[str]:
    """What bash offers for the last of these words."""
    program = (
        f"{completion.bash()}\n"
        f"COMP_WORDS=(mod_wsgi-express {' '.join(repr(word) for word in words)})\n"
        f"COMP_CWORD={len(words)}\n"
        "_mod_wsgi_express\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    return subprocess.check_output(["bash", "-c", program], text=True).split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("",), ["start-server", "setup-server", "module-config", "install-module"]),
        (("mod",), ["module-config", "module-location"]),
        (("start-server", "--https"), ["--https-port", "--https-only"]),
        (("start-server", "--auth-type", ""), ["Basic", "Digest"]),
        (("setup-server", "--application-type", "s"), ["script", "static"]),
        (("start-server", "--document-root", "/usr/li"), ["/usr/lib"]),
        (("start-server", "--port", ""), []),
        (("start-server", "/etc/pass"), ["/etc/passwd"]),
        (("install-module", "--m"), ["--modules-directory"]),
        (("module-config", ""), []),
    ],
)
def test_bash(words: tuple[str, ...], offered: list[str]) -> None:
    found = complete(*words)
    assert set(offered) <= set(found)
    assert bool(found) == bool(offered)


def test_every_option_is_in_the_list_of_what_works() -> None:
    text = (REPOSITORY / "docs/compatibility.md").read_text()
    listed = set(re.findall(r"^\| `(--[a-z0-9-]+)`", text, re.M))
    assert listed == {flag for option in OPTIONS for flag in option.flags}
