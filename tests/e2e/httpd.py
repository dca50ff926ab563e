"""A real httpd with a server root of its own."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import crashes
import process
import runtimes
from server import PREFIX, Server
from waiting import DeadlineError, poll

MODULES = [
    "authz_core",
    "authz_host",
    "authz_user",
    "authn_core",
    "authn_file",
    "auth_basic",
    "alias",
    "dir",
    "mime",
    "env",
    "setenvif",
    "headers",
    "rewrite",
    "filter",
    "deflate",
]

MPM = {
    "prefork": """
        StartServers {processes}
        ServerLimit {limit}
        MaxRequestWorkers {limit}
        MinSpareServers 1
        MaxSpareServers {limit}
        """,
    "worker": """
        StartServers {processes}
        ServerLimit {limit}
        ThreadLimit {threads}
        ThreadsPerChild {threads}
        MaxRequestWorkers {workers}
        MinSpareThreads 1
        MaxSpareThreads {workers}
        """,
}
MPM["event"] = MPM["worker"]

BASE = """
ServerRoot "@ROOT@"
DefaultRuntimeDir "@ROOT@"
PidFile "@ROOT@/httpd.pid"
CoreDumpDirectory "@ROOT@/cores"
ServerName localhost
Listen 127.0.0.1:@PORT@
LoadModule mpm_@MPM@_module @MODULES@/mod_mpm_@MPM@.so
@MPM_CONFIG@
@LOAD@
@USER@
TypesConfig /dev/null
DocumentRoot "@ROOT@/htdocs"
ErrorLog "@ROOT@/error.log"
LogLevel info
CustomLog "@ROOT@/access.log" "%m %U %>s %B %X %L"
Timeout 20
KeepAlive On
KeepAliveTimeout 5
MaxKeepAliveRequests 0
<Directory />
    Require all granted
</Directory>
LoadModule wsgi_module @WSGI@
@THREADING@
"""


@functools.cache
def apxs(name: str) -> str:
    """What httpd's own build says about itself."""
    command = [os.environ.get("APXS", "apxs"), "-q", name]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return result.stdout.strip()


def httpd_binary() -> str:
    return os.path.join(apxs("SBINDIR"), apxs("PROGNAME"))


def module_path() -> Path:
    return PREFIX / "lib" / "httpd" / "modules" / "mod_wsgi.so"


@dataclass(frozen=True)
class Mpm:
    """Which MPM, and how many children and threads."""

    name: str = "event"
    processes: int = 1
    threads: int = 8
    limit: int = 1

    def config(self) -> str:
        return MPM[self.name].format(
            processes=self.processes,
            threads=self.threads,
            limit=self.limit,
            workers=self.threads * self.limit,
        )


class Httpd(Server):
    """httpd in the foreground. `config` may use @ROOT@, @APPS@, @PORT@ and @PACKAGES@.

    `group` is the process group that serves the applications; empty in embedded mode.
    """

    host = "httpd"

    def __init__(
        self, config: str, mpm: Mpm | None = None, modules: str = "", group: str = ""
    ) -> None:
        super().__init__()
        self.group = group
        self.mpm = mpm or Mpm()
        self.modules = modules.split()
        (self.root / "htdocs").mkdir()
        (self.root / "cores").mkdir()
        (self.root / "cores").chmod(0o777)
        self.config = self.root / "httpd.conf"
        self.config.write_text(self.expand(BASE + config))

    def module(self) -> Path:
        return module_path()

    def expand(self, text: str) -> str:
        modules = apxs("LIBEXECDIR")
        names = [*MODULES, *self.modules]
        values = {
            "MPM_CONFIG": self.mpm.config(),
            "LOAD": "\n".join(f"LoadModule {n}_module {modules}/mod_{n}.so" for n in names),
            "USER": "User www-data\nGroup www-data" if os.geteuid() == 0 else "",
            # A build that can do without a GIL is tested without.
            "THREADING": "WSGIFreeThreading On" if runtimes.is_free_threaded() else "",
            "MPM": self.mpm.name,
            "MODULES": modules,
            "WSGI": str(self.module()),
            "ROOT": str(self.root),
            "APPS": str(self.apps),
            "PORT": str(self.port),
        }
        if "@PACKAGES@" in text:
            values["PACKAGES"] = str(runtimes.packages(self.root))
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        return text

    def command(self) -> list[str]:
        return [httpd_binary(), "-f", str(self.config), "-DFOREGROUND"]

    def start(self) -> None:
        super().start()
        self.log.wait_for("resuming normal operations")

    def stop(self) -> None:
        """Stops at once, but not in the moment in which a worker ends its connection."""
        try:
            poll(lambda: process.open_connections(self.port) == 0, "idle workers", 0.2)
        except DeadlineError:
            pass
        super().stop()

    def crash_report(self) -> str:
        trace = crashes.backtrace(httpd_binary(), self.root / "cores")
        return "" if crashes.is_of_httpd_alone(trace) else trace

    def check_config(self) -> subprocess.CompletedProcess[str]:
        """What `httpd -t` says."""
        command = [httpd_binary(), "-f", str(self.config), "-t"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def graceful(self) -> None:
        """Restarts gracefully and waits until the parent has read its configuration again."""
        since = self.log.size()
        os.kill(self.pid, signal.SIGUSR1)
        self.log.wait_for("resuming normal operations", since, seconds=20.0)

    def children(self) -> list[int]:
        return process.children(self.pid)

    def wait_children(self, count: int) -> list[int]:
        """The children, once there are at least `count`."""

        def enough() -> list[int]:
            found = self.children()
            return found if len(found) >= count else []

        return poll(enough, f"{count} children")
