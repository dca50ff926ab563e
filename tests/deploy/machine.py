"""A booted Debian: this one's files, and systemd with services of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from namespaces import ENVIRONMENT, attempt, succeed
from nspawn import Nspawn
from server import REPOSITORY
from waiting import DeadlineError, poll


class Machine(Nspawn):
    """A booted system."""

    def __init__(self, changes: Path | None = None, *binds: str) -> None:
        """`binds` are directories to see there, as `--bind-ro` of systemd-nspawn has them."""
        super().__init__(Path("/"), changes)
        self.binds = [str(REPOSITORY), *binds]
        self.environment = dict(ENVIRONMENT)

    def arguments(self) -> Sequence[str]:
        # basic.target: what else is enabled on the tests' system is not to be started here.
        kernel = ("systemd.unit=basic.target", "systemd.show_status=0")
        binds = [f"--bind-ro={bind}" for bind in self.binds]
        return ["--hostname=machine", *binds, "--boot", *kernel]

    def is_up(self) -> bool:
        return self.attempt("systemctl is-active basic.target").stdout.strip() == "active"

    def command(self, script: str) -> list[str]:
        """The command that runs a shell's as root, in the top directory of the repository."""
        return [*self.enter(), "sh", "-euc", f"cd {REPOSITORY}\n{script}"]

    def attempt(self, script: str) -> subprocess.CompletedProcess[str]:
        """Runs commands of a shell."""
        return attempt(self.command(script), self.environment, 60)

    def run(self, script: str) -> str:
        """The same for commands that must succeed; returns what they print."""
        return succeed(self.command(script), self.environment, 60).stdout

    def wait_for_service(self, name: str, port: int) -> None:
        """Waits until a service accepts connections; tells its messages if it does not."""
        try:
            poll(lambda: self.accepts(port), f"{name} accepts connections on port {port}", 20.0)
        except DeadlineError as error:
            error.add_note(self.run(f"systemctl status --no-pager --full --lines=30 {name} || :"))
            raise

    def path(self, name: str) -> Path:
        """One of its files, as seen from here."""
        return Path(f"/proc/{self.init}/root") / name.lstrip("/")
