"""Where each directive may stand, and which place wins.

A directive is a row of DIRECTIVES; what its value does to a request, if it merges, one of EFFECTS.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import sharing
from client import Headers, Response
from httpd import Httpd, httpd_binary
from server import Server, Watched

# The contexts of the reference: server only; virtual hosts too; sections too; .htaccess by class.
GLOBAL = {"server"}
SERVER = {"server", "VirtualHost"}
SECTIONS = SERVER | {"Directory", "Location", "Files", "If"}
FILE_INFO = SECTIONS | {"FileInfo"}
AUTH_CONFIG = {"Directory", "Location", "Files", "If", "AuthConfig"}

PLACES = {
    "server": "{line}",
    "VirtualHost": "<VirtualHost *>\nServerName other.test\n{line}\n</VirtualHost>",
    "Directory": "<Directory />\n{line}\n</Directory>",
    "Location": "<Location />\n{line}\n</Location>",
    "Files": '<Files "*">\n{line}\n</Files>',
    "If": '<If "true">\n{line}\n</If>',
}
OVERRIDES = ["FileInfo", "AuthConfig", "Limit", "Options", "Indexes"]

DIRECTIVES: dict[str, tuple[set[str], str]] = {
    "<WSGIInterpreterOptions": (GLOBAL, "application-group=x"),
    "WSGIAcceptMutex": (GLOBAL, "default"),
    "WSGIAccessScript": (AUTH_CONFIG, "@ROOT@/allow.py"),
    "WSGIApplicationGroup": (SECTIONS, "group"),
    "WSGIAuthGroupScript": (AUTH_CONFIG, "/x.wsgi"),
    "WSGIAuthUserScript": (AUTH_CONFIG, "/x.wsgi"),
    "WSGICallableObject": (FILE_INFO, "application"),
    "WSGICaseSensitivity": (GLOBAL, "On"),
    "WSGIChunkedRequest": (FILE_INFO, "On"),
    "WSGIDaemonProcess": (SERVER, "group"),
    "WSGIDestroyInterpreter": (GLOBAL, "On"),
    "WSGIDispatchScript": (SECTIONS, "/x.wsgi"),
    "WSGIDontWriteBytecode": (GLOBAL, "On"),
    "WSGIEnableSendfile": (FILE_INFO, "On"),
    "WSGIErrorOverride": (FILE_INFO, "On"),
    "WSGIFreeThreading": (GLOBAL, "Off"),
    "WSGIGroupAuthoritative": (AUTH_CONFIG, "On"),
    "WSGIHandlerScript": (SECTIONS, "x /x.wsgi"),
    "WSGIIgnoreActivity": (FILE_INFO, "On"),
    "WSGIImportScript": (SERVER, "/x.wsgi process-group=%{GLOBAL} application-group=x"),
    "WSGIMapHEADToGET": (FILE_INFO, "Auto"),
    "WSGIPassApacheRequest": (SECTIONS, "Off"),
    "WSGIPassAuthorization": (FILE_INFO, "On"),
    "WSGIPerInterpreterGIL": (GLOBAL, "Off"),
    "WSGIProcessGroup": (SECTIONS, "%{GLOBAL}"),
    "WSGIPythonEggs": (GLOBAL, "/tmp"),
    "WSGIPythonHashSeed": (GLOBAL, "1"),
    "WSGIPythonHome": (GLOBAL, "/usr"),
    "WSGIPythonOptimize": (GLOBAL, "1"),
    "WSGIPythonPath": (GLOBAL, "/tmp"),
    "WSGIPythonWarnings": (GLOBAL, "ignore"),
    "WSGIRestrictEmbedded": (GLOBAL, "On"),
    "WSGIRestrictProcess": (SECTIONS, "%{GLOBAL}"),
    "WSGIRestrictSignal": (GLOBAL, "On"),
    "WSGIRestrictStdin": (GLOBAL, "On"),
    "WSGIRestrictStdout": (GLOBAL, "On"),
    "WSGIScriptAlias": (SERVER, "/x /y.wsgi"),
    "WSGIScriptAliasMatch": (SERVER, "^/x /y.wsgi"),
    "WSGIScriptReloading": (FILE_INFO, "On"),
    "WSGIServerMetrics": (GLOBAL, "Off"),
    "WSGISlowRequests": (GLOBAL, "1"),
    "WSGISocketPrefix": (GLOBAL, "run/wsgi"),
    "WSGISocketRotation": (GLOBAL, "On"),
    "WSGISwitchInterval": (GLOBAL, "0.01"),
    "WSGITelemetryOptions": (GLOBAL, "All"),
    "WSGITelemetryService": (GLOBAL, "unix:/tmp/telemetry"),
    "WSGITrustedProxies": (FILE_INFO, "10.0.0.0/8"),
    "WSGITrustedProxyHeaders": (FILE_INFO, "X-Forwarded-For"),
    "WSGIVerboseDebugging": (GLOBAL, "Off"),
}


def line(name: str) -> str:
    """The directive with its value; a section (`<WSGI…`) with its end."""
    value = DIRECTIVES[name][1]
    return f"{name} {value}>\n</{name[1:]}>" if name.startswith("<") else f"{name} {value}"


def check(config: str) -> tuple[bool, str]:
    server = Httpd(config)
    result = server.check_config()
    server.remove()
    return result.returncode == 0, result.stderr


def test_every_directive_has_a_row() -> None:
    server = Httpd("")
    command = [httpd_binary(), "-f", str(server.config), "-L"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    server.remove()
    assert sorted(DIRECTIVES) == sorted(re.findall(r"^(<?WSGI\w+) \(mod_wsgi\.c\)", listing, re.M))


@pytest.mark.parametrize("place", PLACES)
def test_where_directives_may_stand(place: str) -> None:
    lines = [line(name) for name, (where, _) in DIRECTIVES.items() if place in where]
    accepted, message = check(PLACES[place].format(line="\n".join(lines)))
    assert accepted, message


@pytest.mark.parametrize(
    ("place", "name"),
    [(place, name) for place in PLACES for name, row in DIRECTIVES.items() if place not in row[0]],
)
def test_where_a_directive_may_not_stand(place: str, name: str) -> None:
    accepted, message = check(PLACES[place].format(line=line(name)))
    assert not accepted
    assert name in message
    assert re.search(r"not allowed|cannot occur", message), message


@pytest.fixture(scope="module")
def overriding() -> Iterator[Server]:
    """A directory for each class of overrides, with one for each directive in it."""
    classes = [
        f"<Directory @ROOT@/htdocs/{name}>\nAllowOverride {name}\n</Directory>"
        for name in OVERRIDES
    ]
    server = Httpd("\n".join(classes))
    allow = server.root / "allow.py"
    allow.write_text("def allow_access(environ, host):\n    return True\n")
    for override in OVERRIDES:
        for name in DIRECTIVES:
            directory = server.root / "htdocs" / override / name.strip("<")
            directory.mkdir(parents=True)
            content = line(name).replace("@ROOT@", str(server.root))
            (directory / ".htaccess").write_text(content + "\n")
            (directory / "page.txt").write_text("a page")
    yield from sharing.serve(server)


@pytest.mark.parametrize("override", OVERRIDES)
@pytest.mark.parametrize("name", DIRECTIVES)
def test_override_classes(overriding: Server, override: str, name: str) -> None:
    for watched in sharing.watch(overriding):
        is_allowed = override in DIRECTIVES[name][0]
        if not is_allowed:
            watched.log.expect(rf"{re.escape(name)} not allowed here")
        response = watched.get(f"/{override}/{name.strip('<')}/page.txt")
        assert response.status == (200 if is_allowed else 500)


# Merging

Ask = Callable[[Watched, str, list[tuple[str, str]]], Any]


def ask(server: Watched, path: str, headers: Headers, method: str = "GET") -> Response:
    return server.request(method, path, headers)


def value(key: str, *sent: tuple[str, str]) -> Ask:
    """What the environ has at a key."""
    return lambda server, path, headers: ask(server, path, [*headers, *sent]).json().get(key)


def chunked(server: Watched, path: str, headers: list[tuple[str, str]]) -> int:
    with server.connect() as connection:
        fields = [*headers, ("Transfer-Encoding", "chunked"), ("Connection", "close")]
        connection.send_head("POST", path, fields)
        connection.send_chunk(b"")
        return connection.read_response().status


def method_of_head(server: Watched, path: str, headers: list[tuple[str, str]]) -> str | None:
    return ask(server, path, headers, "HEAD").header("X-Method")


def error(server: Watched, path: str, headers: list[tuple[str, str]]) -> bytes:
    response = ask(server, f"{path}?409", headers)
    assert response.status == 409
    return response.body[:1]


def reloaded(server: Watched, path: str, headers: list[tuple[str, str]]) -> str:
    """Whether a script is loaded again after it was touched."""
    script = ask(server, path, headers).json()["SCRIPT_FILENAME"]
    status = os.stat(script)
    os.utime(script, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    return str(ask(server, path, headers).json()["(globals)"])


# Two values of each directive, how to see which is in force, and what is seen then. At every
# place all of them stand with their first values, or all with their second ones.
EFFECTS: dict[str, tuple[tuple[str, str], Ask, tuple[Any, Any]]] = {
    "WSGIApplicationGroup": (("a", "b"), value("mod_wsgi.application_group"), ("a", "b")),
    "WSGICallableObject": (
        ("first", "second"),
        value("mod_wsgi.callable_object"),
        ("first", "second"),
    ),
    "WSGIChunkedRequest": (("Off", "On"), chunked, (411, 200)),
    "WSGIDispatchScript": (
        ("@ROOT@/first.py", "@ROOT@/second.py"),
        value("mod_wsgi.callable_object", ("X-Dispatch", "yes")),
        ("by_first", "by_second"),
    ),
    "WSGIErrorOverride": (("Off", "On"), error, (b"{", b"<")),
    "WSGIMapHEADToGET": (("Off", "On"), method_of_head, ("HEAD", "GET")),
    "WSGIPassAuthorization": (
        ("Off", "On"),
        value("HTTP_AUTHORIZATION", ("Authorization", "Bearer x")),
        (None, "Bearer x"),
    ),
    "WSGIProcessGroup": (("one", "two"), value("mod_wsgi.process_group"), ("one", "two")),
    "WSGIRestrictProcess": (("one", "two"), value("mod_wsgi.process_group"), ("one", "two")),
    "WSGIScriptReloading": (("Off", "On"), reloaded, ("kept", "new")),
    "WSGITrustedProxies": (
        ("10.0.0.1", "127.0.0.1"),
        value("REMOTE_ADDR", ("X-Forwarded-For", "1.1.1.1, 127.0.0.1")),
        ("127.0.0.1", "1.1.1.1"),
    ),
    "WSGITrustedProxyHeaders": (
        ("X-Forwarded-Host", "X-Forwarded-For"),
        value("HTTP_X_FORWARDED_HOST", ("X-Forwarded-Host", "kept")),
        (None, "kept"),
    ),
}
DISPATCH = """
def callable_object(environ):
    return "by_{name}" if "HTTP_X_DISPATCH" in environ else None
"""
# Those whose effect none of these requests sees, and those that decide about requests.
UNSEEN = {
    "WSGIEnableSendfile",
    "WSGIGroupAuthoritative",
    "WSGIHandlerScript",
    "WSGIIgnoreActivity",
    "WSGIPassApacheRequest",
}
DECIDING = {"WSGIAccessScript", "WSGIAuthGroupScript", "WSGIAuthUserScript"}


def values(number: int, place: str = "server") -> str:
    """All directives that may stand at a place, with their first or their second values."""
    lines = [
        f"{name} {row[0][number]}" for name, row in EFFECTS.items() if place in DIRECTIVES[name][0]
    ]
    return "\n".join(lines)


PLACE = "@ROOT@/places"
MERGED = f"""
WSGIDaemonProcess one threads=2
WSGIDaemonProcess two threads=2
Alias /places {PLACE}
{values(0)}
<Directory {PLACE}>
    Options +ExecCGI
    AllowOverride FileInfo
    AddHandler wsgi-script .wsgi
</Directory>
<Directory {PLACE}/Directory>
    {values(1)}
</Directory>
<Directory {PLACE}/Files>
    <Files script.wsgi>
        {values(1)}
    </Files>
</Directory>
<Location /places/Location>
    {values(1)}
</Location>
<Directory {PLACE}/If>
    <If "true">
        {values(1)}
    </If>
</Directory>
<Directory {PLACE}/inner>
    {values(1)}
</Directory>
<Location /places/inner>
    {values(0)}
</Location>
<Directory {PLACE}/first>
    {values(0)}
</Directory>
<VirtualHost *:@PORT@>
    ServerName main.test
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName other.test
    {values(1)}
</VirtualHost>
"""
# Which values are in force: host, directory, and whether the first or the second ones.
WINNERS = [
    ("main.test", "server", 0),
    ("main.test", "Directory", 1),
    ("main.test", "Files", 1),
    ("main.test", "Location", 1),
    ("main.test", "If", 1),
    ("main.test", "inner", 0),
    ("other.test", "server", 1),
    ("other.test", "first", 0),
]


def test_every_directive_that_merges_has_an_effect() -> None:
    merging = {name for name, (where, _) in DIRECTIVES.items() if "Directory" in where}
    assert merging == set(EFFECTS) | UNSEEN | DECIDING


@pytest.fixture(scope="module")
def merged() -> Iterator[Server]:
    server = Httpd(MERGED)
    for name in ("first", "second"):
        (server.root / f"{name}.py").write_text(DISPATCH.format(name=name))
    for place in ["FileInfo", "below", *(place for _, place, _ in WINNERS)]:
        directory = server.root / "places" / place
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "script.wsgi").write_text((server.apps / "contexts.wsgi").read_text())
    (server.root / "places/FileInfo/.htaccess").write_text(values(1, "FileInfo"))
    yield from sharing.serve(server)


@pytest.mark.parametrize(("host", "place", "number"), WINNERS)
@pytest.mark.parametrize("name", EFFECTS)
def test_inner_places_win(merged: Server, name: str, host: str, place: str, number: int) -> None:
    for watched in sharing.watch(merged):
        watched.log.allow("^WC0072: ")
        _, see, seen = EFFECTS[name]
        assert see(watched, f"/places/{place}/script.wsgi", [("Host", host)]) == seen[number]


@pytest.mark.parametrize("name", EFFECTS)
def test_htaccess_wins(merged: Server, name: str) -> None:
    """With what it may hold; the rest is inherited."""
    for watched in sharing.watch(merged):
        _, see, seen = EFFECTS[name]
        number = int("FileInfo" in DIRECTIVES[name][0])
        found = see(watched, "/places/FileInfo/script.wsgi", [("Host", "main.test")])
        assert found == seen[number]


def test_htaccess_is_read_anew(merged: Server) -> None:
    htaccess = merged.root / "places/below/.htaccess"
    for watched in sharing.watch(merged):
        for name in ("first", "second"):
            htaccess.write_text(f"WSGICallableObject {name}\n")
            found = ask(watched, "/places/below/script.wsgi", []).json()
            assert found["mod_wsgi.callable_object"] == name
        watched.log.expect(r"WSGITrustedProxies: 'nonsense' is not accepted")
        htaccess.write_text("WSGITrustedProxies nonsense\n")
        assert ask(watched, "/places/below/script.wsgi", []).status == 500
