"""Which requests may reach which process group, and what the others are answered."""

from __future__ import annotations

import os

import pytest

from conftest import StartHttpd
from evaluating import environ, evaluate
from groups import grouped
from httpd import Httpd

GROUP = "mod_wsgi.process_group"


def test_the_directive_and_its_merging(httpd: StartHttpd) -> None:
    server = httpd("""
        WSGIDaemonProcess one
        WSGIDaemonProcess two
        WSGIProcessGroup one
        WSGIScriptAlias / @APPS@/evaluate.wsgi
        <Location /two>
            WSGIProcessGroup two
        </Location>
        <Location /none>
            WSGIProcessGroup %{GLOBAL}
        </Location>
        <Location /env>
            SetEnv GROUP two
            WSGIProcessGroup %{ENV:GROUP}
        </Location>
        """)
    found = [environ(server, path, GROUP) for path in ("/", "/two", "/none", "/env")]
    assert found == ["one", "two", "", "two"]


def test_group_of_the_name_of_the_server(httpd: StartHttpd) -> None:
    server = httpd("""
        WSGIDaemonProcess localhost:@PORT@
        WSGIDaemonProcess localhost
        WSGIProcessGroup %{SERVER}
        WSGIScriptAlias / @APPS@/evaluate.wsgi
        """)
    assert environ(server, "/", GROUP) == f"localhost:{server.port}"


def test_unknown_group_is_500(httpd: StartHttpd) -> None:
    server = httpd("WSGIProcessGroup other\nWSGIScriptAlias / @APPS@/evaluate.wsgi\n")
    server.log.expect(r"WC0060: .*'other'")
    assert server.get("/").status == 500


def test_unknown_group_of_an_alias_is_500(httpd: StartHttpd) -> None:
    server = httpd("WSGIScriptAlias / @APPS@/evaluate.wsgi process-group=missing\n")
    server.log.expect(r"WC0060: .*'missing'")
    assert server.get("/").status == 500


@pytest.mark.parametrize(
    ("allowed", "group", "status"),
    [
        ("one", "one", 200),
        ("one two", "two", 200),
        ("one", "two", 500),
        ("one", "%{GLOBAL}", 500),
        ("one %{GLOBAL}", "%{GLOBAL}", 200),
        ("", "one", 500),
        ("", "%{GLOBAL}", 500),
    ],
)
def test_restrict_process(httpd: StartHttpd, allowed: str, group: str, status: int) -> None:
    server = httpd(f"""
        WSGIDaemonProcess one
        WSGIDaemonProcess two
        WSGIRestrictProcess {allowed}
        WSGIProcessGroup {group}
        WSGIScriptAlias / @APPS@/evaluate.wsgi
        """)
    if status == 500:
        server.log.expect("WC0062: ")
    assert server.get("/?1").status == status


def test_a_list_of_nothing_takes_the_place_of_the_one_outside(httpd: StartHttpd) -> None:
    server = httpd("""
        WSGIRestrictProcess %{GLOBAL}
        WSGIScriptAlias / @APPS@/evaluate.wsgi
        <Location /closed>
            WSGIRestrictProcess
        </Location>
        """)
    server.log.expect("WC0062: ")
    assert server.get("/open?1").status == 200
    assert server.get("/closed?1").status == 500


def test_restrict_embedded_leaves_groups_alone(httpd: StartHttpd) -> None:
    server = httpd(grouped() + "WSGIRestrictEmbedded On\n")
    assert environ(server, "/", GROUP) == "app"


VIRTUAL = """
WSGIDaemonProcess common
<VirtualHost *:@PORT@>
    ServerName one.test
    WSGIDaemonProcess mine
    WSGIScriptAlias /mine @APPS@/evaluate.wsgi process-group=mine
    WSGIScriptAlias /common @APPS@/evaluate.wsgi process-group=common
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName two.test
    WSGIScriptAlias /mine @APPS@/evaluate.wsgi process-group=mine
    WSGIScriptAlias /common @APPS@/evaluate.wsgi process-group=common
</VirtualHost>
"""


def test_group_of_another_virtual_host_is_500(httpd: StartHttpd) -> None:
    server = httpd(VIRTUAL)
    server.log.expect("WC0063: .*'mine'")
    for host in ("one.test", "two.test"):
        assert environ(server, "/common", GROUP, {"Host": host}) == "common"
    assert environ(server, "/mine", GROUP, {"Host": "one.test"}) == "mine"
    assert server.get("/mine", {"Host": "two.test"}).status == 500


@pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")
@pytest.mark.parametrize(
    ("option", "mode", "status"),
    [
        ("script-user=games", 0o644, 200),
        ("script-user=games", 0o664, 403),
        ("script-user=games", 0o646, 403),
        ("script-user=root", 0o644, 403),
        ("script-group=games", 0o664, 200),
        ("script-group=games", 0o646, 403),
        ("script-group=mail", 0o644, 403),
    ],
)
def test_owner_of_scripts(httpd: StartHttpd, option: str, mode: int, status: int) -> None:
    server = httpd(
        f"WSGIDaemonProcess app {option}\n"
        "WSGIScriptAlias / @ROOT@/owned/evaluate.wsgi process-group=app\n"
    )
    directory = server.root / "owned"
    directory.mkdir()
    script = directory / "evaluate.wsgi"
    script.write_bytes((server.apps / "evaluate.wsgi").read_bytes())
    for path, bits in ((directory, 0o755), (script, mode)):
        os.chown(path, 5, 60)
        path.chmod(bits)
    if status == 403:
        server.log.expect("WC0064: ")
    assert server.get("/?1").status == status


def test_handler_requests_go_to_the_group(httpd: StartHttpd) -> None:
    server = httpd("""
        WSGIDaemonProcess app
        WSGIProcessGroup app
        DocumentRoot @APPS@
        <Directory @APPS@>
            AddHandler wsgi-script .wsgi
            Options +ExecCGI
        </Directory>
        """)
    assert environ(server, "/evaluate.wsgi", GROUP) == "app"
    assert evaluate(server, "/evaluate.wsgi", "mod_wsgi.process_group") == "app"


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ("WSGIDaemonProcess", "WSGIDaemonProcess"),
        ("WSGIDaemonProcess app\nWSGIDaemonProcess app", "app"),
        ("WSGIDaemonProcess app nonsense=1", "nonsense"),
        ("WSGIDaemonProcess app threads", "threads"),
        ("WSGIDaemonProcess app threads=", "threads"),
        ("WSGIDaemonProcess app processes=0", "processes"),
        ("WSGIDaemonProcess app processes=x", "processes"),
        ("WSGIDaemonProcess app threads=65534", "threads"),
        ("WSGIDaemonProcess app user=no-such-user", "user"),
        ("WSGIDaemonProcess app user=#4711", "user"),
        ("WSGIDaemonProcess app group=no-such-group", "group"),
        ("WSGIDaemonProcess app umask=9", "umask"),
        ("WSGIDaemonProcess app home=relative", "home"),
        ("WSGIDaemonProcess app send-buffer-size=511", "send-buffer-size"),
        ("WSGIDaemonProcess app header-buffer-size=8191", "header-buffer-size"),
        ("WSGIDaemonProcess app response-buffer-size=65535", "response-buffer-size"),
        ("WSGIDaemonProcess app server-metrics=maybe", "server-metrics"),
        ("WSGIDaemonProcess app switch-interval=0", "switch-interval"),
        ("WSGIDaemonProcess app script-user=root script-group=root", "script-user"),
        ("<Location />\nWSGIDaemonProcess app\n</Location>", "WSGIDaemonProcess"),
    ],
)
def test_mistakes_are_found_by_the_check(config: str, word: str) -> None:
    server = Httpd(config + "\n")
    result = server.check_config()
    server.remove()
    assert result.returncode != 0, result.stderr
    assert word in result.stderr and "WSGIDaemonProcess" in result.stderr


EVERY_OPTION = (
    "processes=2 threads=3 umask=022 home=/ lang=C.UTF-8 locale=C.UTF-8 display-name=x"
    " server-metrics=On python-path=/tmp python-eggs=/tmp switch-interval=0.01"
    " stack-size=1048576 maximum-requests=1000 startup-timeout=10 deadlock-timeout=60"
    " inactivity-timeout=60 request-timeout=60 interrupt-timeout=5 graceful-timeout=5"
    " eviction-timeout=5 restart-interval=600 shutdown-timeout=5 listen-backlog=10"
    " connect-timeout=10 socket-timeout=10 queue-timeout=10 send-buffer-size=65536"
    " receive-buffer-size=65536 header-buffer-size=16384 response-buffer-size=131072"
    " response-socket-timeout=10 response-flush-delay=10 cpu-time-limit=60 cpu-priority=1"
    " memory-limit=2000000000 virtual-memory-limit=8000000000"
)


def test_every_option_together(httpd: StartHttpd) -> None:
    server = httpd(grouped(EVERY_OPTION))
    assert environ(server, "/", GROUP) == "app"
    assert evaluate(server, "/", "os.getpriority(os.PRIO_PROCESS, 0)") == 1
    limits = "[importlib.import_module('resource').getrlimit(n)[0] for n in (0, 2, 9)]"
    assert evaluate(server, "/", limits) == [60, 2000000000, 8000000000]


def test_socket_prefix(httpd: StartHttpd) -> None:
    """Sockets are files of httpd's user, that nobody else may use, and are gone afterwards."""
    server = httpd(grouped() + "WSGISocketPrefix tmp/wsgi\n")
    assert environ(server, "/", GROUP) == "app"
    sockets = [path for path in (server.root / "tmp").iterdir() if path.is_socket()]
    assert sockets
    for path in sockets:
        assert path.name.startswith("wsgi")
        assert path.stat().st_mode & 0o077 == 0
    server.server.stop()
    assert not [path for path in (server.root / "tmp").iterdir() if path.is_socket()]
