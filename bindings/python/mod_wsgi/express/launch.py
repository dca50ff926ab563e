"""Running the generated apachectl in the foreground."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

from .derived import Mode, Site
from .errors import Interrupted

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FORWARDED = (*ENDING, signal.SIGUSR1)
PR_SET_PDEATHSIG = 1


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """A signal ends what is done here, and the processes that it waits for, by Interrupted."""

    def interrupt(number: int, _: FrameType | None) -> NoReturn:
        raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in ENDING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
        # httpd would restart, and go on where nobody sees or stops it.
        is_gone = number == signal.SIGHUP and not sys.stdout.isatty()
        child.send_signal(signal.SIGTERM if is_gone else number)

    for number in FORWARDED:
        signal.signal(number, forward)
    signal.signal(signal.SIGWINCH, lambda number, frame: None)
    sys.stdout.flush()
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        # Python 3.10 has no process_group= yet.
        os.setpgrp()
        if hasattr(libc, "prctl"):
            # What is killed cannot pass on that it is.
            libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGTERM))

    child = subprocess.Popen(command, preexec_fn=prepare)
    status = child.wait()
    return status if status >= 0 else 128 - status
