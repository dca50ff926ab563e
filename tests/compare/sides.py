"""The servers that are compared: the same configuration, with one module or the other."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cases import Case
from httpd import Httpd
from logs import Record
from observe import Observed, comparable, observe
from waiting import DeadlineError, poll

HERE = Path(__file__).resolve().parent
MODULES = "remoteip"
GROUPS = """
WSGISocketPrefix @ROOT@/wsgi
WSGIDaemonProcess first threads=4
WSGIDaemonProcess second threads=4
"""
EDITED = [
    "X-A",
    "Set-Cookie",
    "WWW-Authenticate",
    "Content-Type",
    "Location",
    "Last-Modified",
    "ETag",
    "Vary",
    "Cache-Control",
    "Link",
    "Content-Range",
    "Allow",
    "Retry-After",
    "Pragma",
    "Expires",
    "Accept-Ranges",
    "Date",
    "Server",
    "Status",
    "Content-Language",
]
MARK = "compare:"
FILE_TIME = 1_700_000_000


@dataclass(frozen=True)
class Kind:
    """How a server is configured, whichever module it loads."""

    mode: str
    settings: str = ""
    cases: str = ""


class Side(Httpd):
    """httpd with one of the modules."""

    def __init__(self, module: Path, kind: Kind) -> None:
        self.loaded = module
        self.kind = kind
        super().__init__((HERE / "httpd.conf").read_text(), modules=MODULES, group="first")

    def module(self) -> Path:
        return self.loaded

    def expand(self, text: str) -> str:
        site = self.root / "site"
        self.place(site)
        edits = (f'Header edit {n} ^ "ok:"\nHeader always edit {n} ^ "err:"' for n in EDITED)
        values = {
            "EDITS": "\n".join(edits),
            "GROUP": GROUPS + self.kind.settings + self.process_group(),
            "SITE": str(site),
        }
        for key, value in values.items():
            text = text.replace(f"@{key}@", value)
        return super().expand(text)

    def process_group(self) -> str:
        return "\nWSGIProcessGroup first\n" if self.kind.mode == "daemon" else ""

    def place(self, site: Path) -> None:
        """The files that the configuration names."""
        shutil.copytree(HERE / "apps", site, ignore=shutil.ignore_patterns("__pycache__"))
        environ = site / "environ.wsgi"
        copies = """
            dir/one.wsgi dir/sub/two.wsgi denied/environ.wsgi unreadable.wsgi files/index.wsgi files/app.wsgi
            files/app.txt files/plain/app.wsgi files/sub/app.wsgi files/set/app.any files/old/app.any
            files/front/index.wsgi files/handled/a.cmp files/handled/a.grp files/handled/a.gone files/handled/sub/x
            """
        for name in copies.split():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(environ, site / name)
            os.utime(site / name, (FILE_TIME, FILE_TIME))
        (site / "unreadable.wsgi").chmod(0)
        (site / "users").write_text("me:true\n")

    def run(self, cases: Iterable[Case]) -> dict[str, Observed]:
        """What is seen of each case, in an httpd of its own."""
        plain = [(str(self.root), "@ROOT@"), (str(self.port), "@PORT@")]
        try:
            self.start()
            found = {case.name: observe(case, self.port, plain) for case in cases}
            self.settle()
        finally:
            self.stop()
        for case, lines in self.lines(plain).items():
            if case in found:
                found[case] |= {f"log {line}": f"{lines.count(line)} times" for line in lines}
        return found

    def settle(self) -> None:
        """The last lines of a process group may come after the response."""
        size = -1

        def quiet() -> bool:
            nonlocal size
            before, size = size, self.log.size()
            return before == size

        with contextlib.suppress(DeadlineError):
            poll(quiet, "quiet log", 2.0)

    def lines(self, plain: list[tuple[str, str]]) -> dict[str, list[str]]:
        """The lines of the log that applications wrote, by the case that is named in them."""
        found: dict[str, list[str]] = {}
        for line in (self.root / "error.log").read_text(errors="replace").splitlines():
            record = Record.parse(line)
            before, mark, after = record.text.partition(MARK)
            case, colon, rest = after.partition(":")
            if mark and colon:
                text = f"{record.level} {before}{mark}{rest}"
                found.setdefault(case, []).append(comparable(text, plain))
        return found
