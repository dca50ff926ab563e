"""Small Python programs that run in a process of their own, with the package at hand."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

PACKAGES = Path(__file__).resolve().parents[1]
DEADLINE_S = 30


def write(directory: Path, name: str, text: str) -> Path:
    path = directory / name
    path.write_text(textwrap.dedent(text))
    return path


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PACKAGES), "PYTHONUNBUFFERED": "1"}


def command(program: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(program)]


def run(program: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """What the program printed; that it fails is a failure of the test."""
    result = subprocess.run(
        command(program),
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert result.returncode == 0, result.stderr
    return result
