"""Serving the same configuration in httpd's children and in a process group."""

from __future__ import annotations

from httpd import Httpd, Mpm

MODES = ["embedded", "daemon"]

GROUP = """
WSGIDaemonProcess app threads=8
WSGIProcessGroup app
"""


def in_mode(mode: str, config: str, modules: str = "", mpm: Mpm | None = None) -> Httpd:
    """An httpd whose applications run as the mode says, unless the configuration says otherwise."""
    if mode == "daemon":
        return Httpd(GROUP + config, mpm, modules, group="app")
    return Httpd(config, mpm, modules)
