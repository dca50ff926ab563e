"""Namespaces of a test's own, which live as long as one process."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CLONE_NEWNET = 0x40000000
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}


class CommandError(AssertionError):
    """A command failed; the message holds what it printed."""


def succeed(
    command: Sequence[str | Path], environment: dict[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Runs a command that must succeed."""
    answer = attempt(command, environment, seconds)
    if answer.returncode != 0:
        raise CommandError(
            f"status {answer.returncode} of {command}\n{answer.stdout}\n{answer.stderr}"
        )
    return answer


def attempt(
    command: Sequence[str | Path], environment: dict[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )


class Namespaces:
    """The namespaces of the process `init`, and a directory beside them."""

    client = "127.0.0.9"
    """The address that clients have, which is not that of any proxy."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="wsgi-core-machine-"))
        self.directory.chmod(0o755)
        self.init = 0
        self.sockets = ThreadPoolExecutor(4, initializer=self.enter_network)

    def close(self) -> None:
        self.sockets.shutdown()
        shutil.rmtree(self.directory)

    def enter(self) -> list[str]:
        """The command that makes another one run there, as root."""
        return ["nsenter", f"--target={self.init}", "--all"]

    def enter_network(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/proc/{self.init}/ns/net") as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def socket(self, port: int) -> socket.socket:
        """A connection to one of its ports."""

        def connect() -> socket.socket:
            return socket.create_connection(("127.0.0.1", port), 10.0, (self.client, 0))

        return self.sockets.submit(connect).result()

    def accepts(self, port: int) -> bool:
        try:
            self.socket(port).close()
        except OSError:
            return False
        return True


def missing(commands: Sequence[str]) -> str:
    """Why namespaces cannot be used here with these commands; empty when they can."""
    if os.geteuid() != 0:
        return "namespaces with several users need root"
    absent = [name for name in commands if shutil.which(name) is None]
    return f"{' and '.join(absent)} not found" if absent else ""
