"""A container without a container engine: what a Dockerfile starts, on a root that holds little."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import process
from namespaces import attempt
from nspawn import Nspawn

PASSWD = "root:x:0:0:root:/root:/bin/sh\nblog:x:10001:10001::/srv/blog:/usr/sbin/nologin\n"
GROUP = "root:x:0:\nblog:x:10001:\n"
DIRECTORIES = ["usr", "etc", "tmp", "proc", "sys", "dev", "run", "srv/blog/venv", "srv/blog/app"]
HEALTHCHECK = re.compile(r"HEALTHCHECK .*?CMD (\[.*)")


class Dockerfile:
    """The instructions of a Dockerfile's last stage."""

    def __init__(self, path: Path) -> None:
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        text = "\n".join(lines).replace("\\\n", " ")
        self.stages = re.split(r"^FROM ", text, flags=re.M)[1:]

    def value(self, instruction: str) -> str:
        match = re.search(rf"^{instruction} (.*)$", self.stages[-1], re.M)
        assert match, instruction
        return match[1]

    def command(self, instruction: str) -> list[str]:
        words: list[str] = json.loads(self.value(instruction))
        return words

    def healthcheck(self) -> list[str]:
        match = HEALTHCHECK.search(self.stages[-1])
        assert match
        words: list[str] = json.loads(match[1])
        return words

    def environment(self) -> dict[str, str]:
        return dict(word.split("=", 1) for word in self.value("ENV").split())

    def packages(self, stage: int) -> set[str]:
        match = re.search(r"--no-install-recommends(.*?)&&", self.stages[stage])
        assert match
        return set(match[1].split())


class Container(Nspawn):
    """The last stage's command as process 1, with the restrictions of compose.yaml."""

    def __init__(self, image: Dockerfile, service: dict[str, Any], sites: Path) -> None:
        super().__init__(Path())
        self.root = self.directory / "image"
        self.image = image
        self.service = service
        self.sites = sites

    def start(self) -> None:
        """Makes the root: what a slim image has, which is /usr, and a user."""
        for name in DIRECTORIES:
            (self.root / name).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            (self.root / name).symlink_to(f"usr/{name}")
        (self.root / "etc/passwd").write_text(PASSWD)
        (self.root / "etc/group").write_text(GROUP)
        (self.root / "etc/ld.so.cache").touch()
        super().start()

    def arguments(self) -> Sequence[str]:
        image, service = self.image, self.service
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        path = image.environment()["PATH"].replace("$PATH", "/usr/local/bin:/usr/bin:/bin")
        environment = image.environment() | {"PATH": path}
        return [
            "--resolv-conf=off",
            "--timezone=off",
            "--read-only",
            "--no-new-privileges=yes",
            "--drop-capability=all",
            # As container engines mount it.
            *(f"--tmpfs={place}:mode=1777,noexec,nosuid,nodev" for place in service["tmpfs"]),
            "--bind-ro=/usr",
            "--bind-ro=/etc/ld.so.cache",
            f"--bind-ro={self.sites}/srv/blog/venv:/srv/blog/venv",
            f"--bind-ro={self.sites}/srv/blog/app:/srv/blog/app",
            f"--user={image.value('USER')}",
            f"--chdir={image.value('WORKDIR')}",
            *(f"--setenv={name}={value}" for name, value in environment.items()),
            *image.command("ENTRYPOINT"),
            *image.command("CMD"),
        ]

    def is_up(self) -> bool:
        assert self.nspawn is not None and self.nspawn.poll() is None, "the container has ended"
        return self.accepts(8000)

    def processes(self) -> list[int]:
        """Its processes, as numbered outside; the first is its process 1."""
        return [self.init, *process.descendants(self.init)]

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Runs a command in it, as its user."""
        user = self.image.value("USER")
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        environment = self.image.environment() | {"PATH": "/srv/blog/venv/bin:/usr/bin:/bin"}
        return attempt([*self.enter(), *become, *command], environment, 20)

    def stop(self) -> None:
        """Begins to stop it."""
        os.kill(self.init, signal.SIGTERM)
