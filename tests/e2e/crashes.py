"""What a child of httpd died of, from its core dump.

httpd's threaded MPMs have a race of their own: told to stop at once, the main thread touches the
socket of a worker that is just done with it. Such a crash says nothing about what is tested here.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def backtrace(binary: str, directory: Path) -> str:
    """The stack of the thread that crashed, or why there is none."""
    cores = sorted(directory.glob("core*"), key=lambda path: path.stat().st_mtime)
    if not cores:
        return "no core dump"
    if not shutil.which("gdb"):
        return f"no gdb to read {cores[-1]}"
    command = ["gdb", "-batch", "-nx", "-ex", "bt", "-ex", "thread apply all bt"]
    output = subprocess.run(
        [*command, binary, str(cores[-1])], capture_output=True, text=True, check=False
    ).stdout
    # httpd catches the signal and sends it to its process again, so that any thread may be the one
    # that dumps the core; the one that crashed is inside that handler.
    dumping, *threads = output.split("\nThread ")
    caught = [thread for thread in threads if "<signal handler called>" in thread]
    stack = caught[0] if caught else dumping
    return "\n".join(line for line in stack.splitlines() if line.startswith("#"))


def is_of_httpd_alone(trace: str) -> bool:
    """Whether the crash is in an MPM, with neither Python nor this project on the stack."""
    return "mod_mpm_" in trace and "python" not in trace and "wsgi" not in trace
