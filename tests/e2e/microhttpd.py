"""The second host: examples/c/wsgi_httpd on libmicrohttpd."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from server import REPOSITORY, Server

DEFAULT = REPOSITORY / "build" / "examples" / "wsgi_httpd"


def binary() -> Path:
    return Path(os.environ.get("WSGI_CORE_MICROHTTPD", DEFAULT))


class Microhttpd(Server):
    """One application, served with a few threads."""

    host = "microhttpd"

    def __init__(
        self,
        script: str,
        options: dict[str, str],
        mount: str = "",
        group: str = "",
        arguments: Sequence[str] = (),
    ) -> None:
        """`group` is a process group with its options, as in "app processes=2 threads=3".

        Values of options may use @ROOT@ and @APPS@. They count after the groups in `arguments`.
        """
        super().__init__()
        self.script = self.apps / script
        self.options = options
        self.mount = mount
        self.group, _, group_options = group.partition(" ")
        self.arguments = list(arguments)
        if self.group:
            self.arguments += ["-g", f"{self.group}:{','.join(group_options.split())}"]

    def command(self) -> list[str]:
        command = [str(binary()), "-p", str(self.port), "-t", "8", *self.arguments]
        for name, value in self.options.items():
            value = value.replace("@ROOT@", str(self.root)).replace("@APPS@", str(self.apps))
            command += ["-o", f"{name}={value}"]
        if "-g" in self.arguments and os.geteuid() == 0:
            command += ["-o", "host-user=www-data", "-o", "host-group=www-data"]
        if self.mount:
            command += ["-m", self.mount]
        return [*command, str(self.script)]
