"""Running the generated apachectl in the foreground."""

import os
import signal
import subprocess
import sys
from types import FrameType
from typing import NoReturn

from .derived import Mode, Site

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


def run(site: Site) -> int:
    """Serves until the server is stopped; the status to exit with.

    Where nobody sits at a terminal this process becomes httpd: what manages the server then deals
    with httpd itself. The debugger needs the terminal for itself, and so does gdb.
    """
    # Through the shell: /tmp may be mounted so that nothing there can be executed.
    command = [site.shell, str(site.server_root / "apachectl"), "start", "-DFOREGROUND"]
    if site.mode is Mode.DEBUG or not sys.stdout.isatty():
        _become(command)
    return _attend(command)


def _become(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os.execl(command[0], *command)


def _attend(command: list[str]) -> int:
    """Stays between the terminal and httpd.

    A terminal sends its signals to a whole process group: SIGWINCH whenever it is resized, which
    would stop httpd. So httpd gets a group of its own, and the signals that concern it are passed
    on.
    """
    child: subprocess.Popen[bytes] | None = None

    def forward(number: int, _: FrameType | None) -> None:
        if child is None:
            sys.exit(1)
        child.send_signal(number)

    for number in FORWARDED:
        signal.signal(number, forward)
    signal.signal(signal.SIGWINCH, lambda number, frame: None)
    sys.stdout.flush()
    # Python 3.10 has no process_group= yet.
    child = subprocess.Popen(command, preexec_fn=os.setpgrp)
    status = child.wait()
    return status if status >= 0 else 128 - status
