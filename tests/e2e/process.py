"""Facts about processes from /proc, and the promise that they are gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from waiting import poll


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def is_stopped(pid: int) -> bool:
    """Whether a signal has stopped every thread of the process."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    stats = [(thread / "stat").read_text() for thread in threads]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


def children(pid: int) -> list[int]:
    """The living children of a process."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and parent(int(entry.name)) == pid and is_running(int(entry.name)):
            found.append(int(entry.name))
    return sorted(found)


def descendants(pid: int) -> list[int]:
    """The living children of a process, theirs, and so on."""
    found = children(pid)
    return found + [grandchild for child in found for grandchild in descendants(child)]


def name(pid: int) -> str:
    """The short name of a process, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def parent(pid: int) -> int:
    """The parent of a process, or 0 when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def status(pid: int, field: str) -> int:
    """A number from /proc/PID/status, such as Threads or VmRSS (in KiB)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise KeyError(field)


def descriptors(pid: int) -> int:
    """How many descriptors a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def wait_gone(pids: list[int], seconds: float = 10.0) -> None:
    """Waits until none of the processes runs."""
    poll(lambda: not any(map(is_running, pids)), f"end of processes {pids}", seconds)


def open_connections(port: int) -> int:
    """How many TCP connections to a local port are not yet closed by the side that listens."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    local = [entry[3] for entry in fields if int(entry[1].rpartition(":")[2], 16) == port]
    return sum(state not in ("0A", "06") for state in local)


def free_port() -> int:
    """A TCP port of the loopback address that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
