"""The server that runs from a server root already."""

from __future__ import annotations

import os
from pathlib import Path

from .derived import Site
from .errors import StartError


def refuse_second(site: Site) -> None:
    """Raises StartError where another start would change the files of a server that runs."""
    number = process(site)
    if number is not None:
        apachectl = site.server_root / "apachectl"
        raise StartError(
            f"a server runs from {site.server_root} already, as process {number}; stop it "
            f"({apachectl} stop), or choose another directory with --server-root"
        )


def process(site: Site) -> int | None:
    """The httpd that runs with the configuration of this server root, if one does.

    The pid file of a server that was killed stays, and its number may be another process's by now.
    """
    try:
        number = int(Path(site.pid_file).read_text())
        words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        # Also where there is no /proc; httpd looks as well.
        return None
    return number if os.fsencode(site.server_root / "httpd.conf") in words else None
