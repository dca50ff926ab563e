"""A system of a test's own, in namespaces: this one's files, its own processes, users and network.

What is written there is gone with it, so that files and commands can be used as an administrator
uses them, at their real places and on their real ports.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from namespaces import ENVIRONMENT, Namespaces, missing
from waiting import poll

HIERARCHIES = [
    Path("/sys/fs/cgroup/systemd"),
    Path("/sys/fs/cgroup/unified"),
    Path("/sys/fs/cgroup"),
]
# SIGTERM makes systemd-nspawn shut the system down: nothing outlives the tests, whatever ends them.
PREFIX = ["setpriv", "--pdeathsig=TERM", "unshare", "--mount", "--propagation=private"]
LEADER = re.compile(rb"^X_NSPAWN_LEADER_PID=(\d+)$", re.M)

# The tree of changes is copied, not laid below as another layer: the kernel refuses a layer that
# lies within another one.
START = """
for group in $CGROUPS; do echo $$ >"$group/cgroup.procs"; done
mount -t tmpfs -o mode=755 tmpfs "$SPACE"
mkdir "$SPACE/written" "$SPACE/work" "$SPACE/root"
[ -z "$CHANGES" ] || cp -a "$CHANGES/." "$SPACE/written"
layers="lowerdir=$LOWER,upperdir=$SPACE/written,workdir=$SPACE/work"
mount -t overlay -o "$layers" overlay "$SPACE/root"
exec systemd-nspawn --quiet --register=no --keep-unit --private-network --link-journal=no \\
    --machine="$MACHINE" --console=pipe --directory="$SPACE/root" "$@"
"""


class Nspawn(Namespaces):
    """What systemd-nspawn starts on `root`, of which nothing is changed.

    `changes` is a tree of what is different from `root` at the beginning, as another has saved it.
    """

    def __init__(self, root: Path, changes: Path | None = None) -> None:
        super().__init__()
        self.space = self.directory / "space"
        self.root = root
        self.changes = changes
        self.nspawn: subprocess.Popen[bytes] | None = None
        self.cgroups: list[Path] = []

    def arguments(self) -> Sequence[str]:
        """Options for systemd-nspawn, and the command that is to be process 1."""
        raise NotImplementedError

    def is_up(self) -> bool:
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
            poll(self.is_up, "the system is up", 30.0)
        except BaseException as error:
            error.add_note(self.output())
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.halt()
        for group in self.cgroups:
            for path, _, _ in os.walk(group, topdown=False):
                poll(lambda path=path: is_removed(path), f"{path} is removed")
        self.close()

    def start(self) -> None:
        environment = dict(ENVIRONMENT)
        self.space.mkdir()
        environment["MACHINE"] = f"wsgi-core-{uuid.uuid4().hex}"
        environment["SPACE"] = str(self.space)
        environment["LOWER"] = str(self.root)
        environment["CHANGES"] = str(self.changes or "")
        self.make_cgroups()
        environment["CGROUPS"] = " ".join(map(str, self.cgroups))
        notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notifications.bind(str(self.directory / "notify"))
        notifications.settimeout(20.0)
        environment["NOTIFY_SOCKET"] = str(self.directory / "notify")
        with (self.directory / "output").open("wb") as output:
            self.nspawn = subprocess.Popen(
                [*PREFIX, "sh", "-euc", START, "sh", *self.arguments()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        with notifications:
            while not (leader := LEADER.search(notifications.recv(4096))):
                pass
        self.init = int(leader[1])

    def make_cgroups(self) -> None:
        """A control group of its own, in each hierarchy that systemd uses."""
        for hierarchy in HIERARCHIES:
            if (hierarchy / "cgroup.procs").exists():
                group = hierarchy / self.directory.name
                group.mkdir()
                self.cgroups.append(group)

    def output(self) -> str:
        """What process 1, and whoever has its standard streams, printed."""
        return (self.directory / "output").read_text(errors="replace")

    def save(self, target: Path) -> None:
        """Copies what was changed."""
        assert self.nspawn is not None
        outside = ["nsenter", f"--target={self.nspawn.pid}", "--mount"]
        subprocess.run([*outside, "cp", "-a", f"{self.space}/written/.", target], check=True)

    def wait(self, seconds: float = 20.0) -> int:
        """Waits until process 1 has ended; its status."""
        assert self.nspawn is not None
        status = self.nspawn.wait(seconds)
        self.nspawn = None
        return status

    def halt(self) -> None:
        """Ends every process."""
        if self.nspawn is None:
            return
        if self.nspawn.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.init or self.nspawn.pid, signal.SIGKILL)
        self.wait()


def is_removed(path: str) -> bool:
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def unusable() -> str:
    """Why nothing of this works here; empty when it does."""
    return missing(["systemd-nspawn", "nsenter"])
