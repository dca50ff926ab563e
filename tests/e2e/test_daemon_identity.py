"""Who the processes of a group are, and where: user, groups, umask, home, language."""

from __future__ import annotations

import grp
import os
import pwd

import pytest

from conftest import StartHttpd
from evaluating import evaluate
from groups import grouped, worker
from httpd import Httpd

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")

WWW = pwd.getpwnam("www-data")
OTHER = pwd.getpwnam("games")
MAIL = grp.getgrnam("mail").gr_gid
GAMES = grp.getgrnam("games").gr_gid
IDS = "[os.getresuid(), os.getresgid(), sorted(os.getgroups())]"


def test_default_is_httpds_user_and_group(httpd: StartHttpd) -> None:
    server = httpd(grouped())
    uids, gids, groups = evaluate(server, "/", IDS)
    assert uids == [WWW.pw_uid] * 3
    assert gids == [WWW.pw_gid] * 3
    assert WWW.pw_gid in groups and 0 not in groups


@pytest.mark.parametrize("user", [OTHER.pw_name, f"#{OTHER.pw_uid}"])
def test_user(httpd: StartHttpd, user: str) -> None:
    server = httpd(grouped(f"user={user}"))
    uids, gids, groups = evaluate(server, "/", IDS)
    assert uids == [OTHER.pw_uid] * 3
    assert gids == [WWW.pw_gid] * 3
    assert 0 not in groups


@pytest.mark.parametrize("group", ["mail", f"#{MAIL}"])
def test_group(httpd: StartHttpd, group: str) -> None:
    server = httpd(grouped(f"user=games group={group}"))
    uids, gids, groups = evaluate(server, "/", IDS)
    assert uids == [OTHER.pw_uid] * 3
    assert gids == [MAIL] * 3
    assert MAIL in groups


def test_supplementary_groups(httpd: StartHttpd) -> None:
    server = httpd(grouped(f"supplementary-groups=mail,#{GAMES}"))
    assert evaluate(server, "/", IDS)[2] == sorted([WWW.pw_gid, MAIL, GAMES])


def test_user_that_comes_later_in_the_configuration(httpd: StartHttpd) -> None:
    server = httpd(grouped() + "User games\nGroup mail\n")
    uids, gids, _ = evaluate(server, "/", IDS)
    assert (uids, gids) == ([OTHER.pw_uid] * 3, [MAIL] * 3)


@pytest.mark.parametrize("user", ["root", "#0"])
def test_root_is_refused(httpd: StartHttpd, user: str) -> None:
    result = Httpd(grouped(f"user={user}")).check_config()
    assert result.returncode != 0
    assert "WSGIDaemonProcess" in result.stderr and "root" in result.stderr


def test_worker_cannot_become_root_again(httpd: StartHttpd) -> None:
    server = httpd(grouped())
    assert evaluate(server, "/", "os.setuid(0)")["raised"] == "PermissionError"
    assert evaluate(server, "/", "open('/etc/shadow')")["raised"] == "PermissionError"


@pytest.mark.parametrize("mask", ["027", "0077", "2"])
def test_umask(httpd: StartHttpd, mask: str) -> None:
    server = httpd(grouped(f"umask={mask}"))
    assert evaluate(server, "/", "os.umask(0)") == int(mask, 8)


def test_home(httpd: StartHttpd) -> None:
    server = httpd(grouped("home=/usr/share"))
    assert evaluate(server, "/", "os.getcwd()") == "/usr/share"
    assert evaluate(server, "/", "sys.path[0]") == "/usr/share"


def test_home_of_another_user_is_the_default(httpd: StartHttpd) -> None:
    server = httpd(grouped("user=games"))
    home = pwd.getpwnam("games").pw_dir
    assert evaluate(server, "/", "os.getcwd()") == home
    assert home not in evaluate(server, "/", "sys.path")


def test_home_that_does_not_exist_is_a_warning(httpd: StartHttpd) -> None:
    server = httpd(grouped("user=nobody"))
    server.log.expect("WC0083: .*'app'.*home", None)
    assert evaluate(server, "/", "os.getcwd()") == "/"


def test_variables_name_the_user(httpd: StartHttpd) -> None:
    server = httpd(grouped("user=games"))
    assert evaluate(server, "/", "os.environ['HOME']") == pwd.getpwnam("games").pw_dir
    found = evaluate(server, "/", "[os.environ.get(n) for n in ('USER', 'LOGNAME', 'USERNAME')]")
    assert set(found) <= {None, "games"}


def test_lang(httpd: StartHttpd) -> None:
    server = httpd(grouped("lang=C.UTF-8"))
    assert evaluate(server, "/", "os.environ['LANG']") == "C.UTF-8"


def test_locale(httpd: StartHttpd) -> None:
    server = httpd(grouped("locale=C.UTF-8"))
    assert evaluate(server, "/", "os.environ['LC_ALL']") == "C.UTF-8"
    expression = "importlib.import_module('locale').setlocale(6)"
    assert "C.UTF-8" in evaluate(server, "/", expression)


def test_unknown_locale_is_a_warning(httpd: StartHttpd) -> None:
    server = httpd(grouped("locale=xx_XX"))
    server.log.expect(r"WC0083: .*'app'.*locale", None)
    assert worker(server) > 0


def test_chroot_needs_root_and_a_directory(httpd: StartHttpd) -> None:
    result = Httpd(grouped("chroot=relative")).check_config()
    assert result.returncode != 0 and "chroot" in result.stderr


def test_socket_is_no_door_for_other_users(httpd: StartHttpd) -> None:
    """A process of another group is refused by the worker, and the log says so."""
    server = httpd(
        "WSGIDaemonProcess other user=games\n"
        "WSGIScriptAlias /other @APPS@/evaluate.wsgi process-group=other\n"
        + grouped("user=backup")
    )
    assert worker(server) > 0
    names = "[line.split()[-1] for line in open('/proc/net/unix') if 'wsgi' in line]"
    found = [name for name in evaluate(server, "/", names) if f".{server.server.pid}." in name]
    assert found
    server.log.allow("WC0084: ")
    expression = (
        "(lambda s: [s.settimeout(3), s.connect(a.replace('@', chr(0), 1) if a[0] == '@' else a),"
        " s.recv(10)])(importlib.import_module('socket').socket(1))"
    )
    for name in set(found):
        answer = evaluate(server, "/other", f"[{expression} for a in [{name!r}]]")
        refused = isinstance(answer, dict) and answer["raised"] in (
            "PermissionError",
            "ConnectionResetError",
            "BrokenPipeError",
            "FileNotFoundError",
        )
        assert refused or answer[0][2] == "b''", (name, answer)
    assert worker(server) > 0
