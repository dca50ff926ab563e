"""The account that the server's processes run as, and what it may read."""

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .derived import Site
from .errors import StartError

LINKS = 40
"""As many as Linux follows."""


@dataclass(frozen=True)
class Account:
    name: str
    home: str
    uid: int
    gid: int
    groups: frozenset[int]

    def may(self, facts: os.stat_result, needed: int) -> bool:
        """Whether the bits of `needed`, of 4 for reading and 1 for entering, are granted."""
        if self.uid == 0:
            return True
        mode = stat.S_IMODE(facts.st_mode)
        if facts.st_uid == self.uid:
            granted = mode >> 6
        elif facts.st_gid == self.gid or facts.st_gid in self.groups:
            granted = mode >> 3
        else:
            granted = mode
        return granted & needed == needed

    def closed_part(self, path: str) -> Path | None:
        """The first part of a path that the account can't enter or read, if any."""
        *before, whole = _way_to(path)
        for part in [*before, whole]:
            try:
                facts = part.stat()
            except OSError:
                return None
            needed = 1 if part != whole else 5 if stat.S_ISDIR(facts.st_mode) else 4
            if not self.may(facts, needed):
                return part
        return None


def _way_to(path: str) -> Iterator[Path]:
    """All that is entered on the way to a file, where links lead too, and the file."""
    here, rest = Path("/"), list(Path(os.path.abspath(path)).parts[1:])
    links = 0
    yield here
    while rest:
        name = rest.pop(0)
        here = here.parent if name == ".." else here / name
        if links < LINKS and here.is_symlink():
            links += 1
            target = here.readlink()
            here = Path("/") if target.is_absolute() else here.parent
            rest = [*(part for part in target.parts if part != "/"), *rest]
        else:
            yield here


def serving(site: Site) -> Account | None:
    """Whom the server's processes change to, or None where they stay who starts it."""
    options = site.options
    if os.getuid() != 0 or not (options.user or options.group):
        return None
    entry = _user(site.user)
    gid = entry.pw_gid if not options.group else _group(options.group)
    try:
        groups = os.getgrouplist(entry.pw_name, gid)
    except OSError:
        groups = [gid]
    return Account(entry.pw_name, entry.pw_dir, entry.pw_uid, gid, frozenset(groups))


def _user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(int(name[1:])) if name.startswith("#") else pwd.getpwnam(name)
    except (KeyError, ValueError):
        raise StartError(f"--user: there is no account {name}") from None


def _group(name: str) -> int:
    try:
        return int(name[1:]) if name.startswith("#") else grp.getgrnam(name).gr_gid
    except (KeyError, ValueError):
        raise StartError(f"--group: there is no group {name}") from None
