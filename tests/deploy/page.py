"""The pages of docs/deploy, whose commands the tests run."""

from __future__ import annotations

import re

from machine import Machine
from server import REPOSITORY

HEADING = re.compile(r"^#+ (.*)$")
FENCE = re.compile(r"^```(\w*)$")


class Page:
    """One page. Its commands are the blocks marked `sh`."""

    def __init__(self, name: str) -> None:
        self.path = REPOSITORY / "docs/deploy" / name
        self.blocks: dict[str, list[str]] = {}
        self.tried: set[str] = set()
        self.read()

    def read(self) -> None:
        heading, language, lines = "", None, []
        for line in self.path.read_text().splitlines():
            fence = FENCE.match(line)
            if language is None and (match := HEADING.match(line)):
                heading = match[1]
                self.blocks[heading] = []
            elif language is None and fence:
                language, lines = fence[1], []
            elif language is not None and fence:
                if language == "sh":
                    self.blocks[heading].append("\n".join(lines))
                language = None
            else:
                lines.append(line)

    def run(self, machine: Machine, heading: str) -> str:
        """Runs the commands below a heading; returns what they print."""
        blocks = self.blocks[heading]
        assert blocks, f"no commands under {heading!r}"
        self.tried.add(heading)
        return "".join(machine.run(block) for block in blocks)

    def untried(self) -> list[str]:
        """Headings with commands that were not run."""
        return [each for each, blocks in self.blocks.items() if blocks and each not in self.tried]
