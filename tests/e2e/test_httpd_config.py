"""`httpd -t`: every mistake is reported with file, line, directive and accepted values."""

from __future__ import annotations

import pytest

from conftest import StartHttpd
from httpd import Httpd

ON_OFF = [
    "WSGIPassAuthorization",
    "WSGIScriptReloading",
    "WSGIErrorOverride",
    "WSGIChunkedRequest",
    "WSGIEnableSendfile",
    "WSGICaseSensitivity",
    "WSGIDontWriteBytecode",
    "WSGIIgnoreActivity",
    "WSGIRestrictEmbedded",
    "WSGIRestrictStdin",
    "WSGIRestrictStdout",
    "WSGIRestrictSignal",
    "WSGISocketRotation",
    "WSGIServerMetrics",
    "WSGIPassApacheRequest",
    "WSGIPerInterpreterGIL",
    "WSGIFreeThreading",
    "WSGIDestroyInterpreter",
]
GLOBAL_ONLY = {
    "WSGIPythonHome": "/usr",
    "WSGIPythonPath": "/tmp",
    "WSGIPythonEggs": "/tmp",
    "WSGIPythonWarnings": "ignore",
    "WSGIPythonOptimize": "1",
    "WSGIPythonHashSeed": "1",
    "WSGIDontWriteBytecode": "On",
    "WSGISwitchInterval": "0.1",
    "WSGICaseSensitivity": "On",
    "WSGIRestrictEmbedded": "On",
    "WSGIRestrictStdin": "On",
    "WSGIRestrictStdout": "On",
    "WSGIRestrictSignal": "On",
    "WSGISocketPrefix": "run/wsgi",
    "WSGISocketRotation": "Off",
    "WSGIAcceptMutex": "default",
    "WSGIServerMetrics": "On",
    "WSGISlowRequests": "5",
    "WSGITelemetryService": "unix:/run/telemetry",
    "WSGITelemetryOptions": "All",
    "WSGIPerInterpreterGIL": "On",
    "WSGIFreeThreading": "On",
    "WSGIDestroyInterpreter": "On",
}
# Directives of a section that say who may do what: in no server, but in .htaccess files.
AUTH = {
    "WSGIAccessScript": "/access.py",
    "WSGIAuthUserScript": "/auth.py",
    "WSGIAuthGroupScript": "/auth.py",
    "WSGIGroupAuthoritative": "Off",
}
SCRIPTS = [*list(AUTH)[:3], "WSGIDispatchScript"]
ALIAS_OPTIONS = ["process-group", "application-group", "callable-object", "pass-authorization"]

BAD: list[tuple[str, list[str]]] = [
    *((f"{name} maybe", ["On", "Off"]) for name in ON_OFF),
    *((f"{name} 1", ["On", "Off"]) for name in ON_OFF[:2]),
    *((f"{name}", []) for name in ON_OFF),
    *((f"{name} On Off", []) for name in ON_OFF[:3]),
    ("WSGIMapHEADToGET maybe", ["On", "Off", "Auto"]),
    ("WSGIMapHEADToGET", []),
    ("WSGITrustedProxies", []),
    ("WSGITrustedProxies 10.0.0.300", ["'10.0.0.300'"]),
    ("WSGITrustedProxies 10.0.0.1 localhost ::1", ["'localhost'"]),
    ("WSGITrustedProxies 10.0.0.0/33", ["'10.0.0.0/33'"]),
    ("WSGITrustedProxies 10.0.0.0/8 10.0.0.0/255.0.0", ["'10.0.0.0/255.0.0'"]),
    ("WSGITrustedProxies ::/129", ["'::/129'"]),
    ("WSGITrustedProxies ''", ["''"]),
    ("WSGITrustedProxyHeaders", []),
    ("WSGIScriptAlias", []),
    ("WSGIScriptAlias /x", []),
    ("WSGIScriptAlias /x /y.wsgi bogus=1", ["bogus", *ALIAS_OPTIONS]),
    ("WSGIScriptAlias /x /y.wsgi word", ["word"]),
    ("WSGIScriptAlias /x /y.wsgi =value", []),
    ("WSGIScriptAlias /x /y.wsgi application-group=", ["application-group"]),
    ("WSGIScriptAlias /x /y.wsgi callable-object=", ["callable-object"]),
    ("WSGIScriptAlias /x /y.wsgi pass-authorization=", ["pass-authorization", "On", "Off"]),
    ("WSGIScriptAlias /x /y.wsgi pass-authorization=maybe", ["maybe", "On", "Off"]),
    ("WSGIScriptAlias /x /y.wsgi pass-authorization = On", []),
    ("WSGIScriptAlias /x /y.wsgi Application-Group=x", ["Application-Group"]),
    ("WSGIScriptAliasMatch", []),
    ("WSGIScriptAliasMatch ^/x", []),
    ("WSGIScriptAliasMatch ^/x( /y.wsgi", ["^/x("]),
    ("WSGIScriptAliasMatch ^/x /y.wsgi bogus=1", ["bogus"]),
    ("WSGIPythonHashSeed x", ["random", "4294967295"]),
    ("WSGIPythonHashSeed -1", ["random", "4294967295"]),
    ("WSGIPythonHashSeed 4294967296", ["random", "4294967295"]),
    ("WSGIPythonHashSeed 1x", ["random", "4294967295"]),
    ("WSGIPythonOptimize x", []),
    ("WSGIPythonOptimize 1x", []),
    ("WSGIPythonOptimize 99999999999999999999", []),
    ("WSGISwitchInterval x", []),
    ("WSGISwitchInterval 0", []),
    ("WSGISwitchInterval -0.5", []),
    ("WSGISwitchInterval 0.1x", []),
    ("WSGISwitchInterval nan", []),
    ("WSGISwitchInterval inf", []),
    ("WSGIApplicationGroup", []),
    ("WSGIApplicationGroup a b", []),
    ("WSGICallableObject", []),
    ("WSGIPythonHome", []),
    ("WSGIPythonPath", []),
    ("WSGIPythonWarnings", []),
    ("WSGIAcceptMutex", []),
    ("WSGIAcceptMutex none", ["default", "flock", "fcntl", "sysvsem", "posixsem", "pthread"]),
    ("WSGISlowRequests -1", []),
    ("WSGISlowRequests x", []),
    ("WSGISlowRequests", []),
    ("WSGITelemetryService", ["unix:"]),
    ("WSGITelemetryService udp:localhost", ["unix:"]),
    ("WSGITelemetryService unix:relative", ["unix:"]),
    ("WSGITelemetryService unix:/t interval=0.4", ["0.5"]),
    ("WSGITelemetryService unix:/t interval=x", ["0.5"]),
    ("WSGITelemetryService unix:/t interval = 1", []),
    ("WSGITelemetryService unix:/t bogus=1", []),
    ("WSGITelemetryOptions", []),
    ("WSGITelemetryOptions Bogus", ["CaptureUserAgent"]),
    ("WSGITelemetryOptions +", []),
    ("WSGITelemetryOptions +All", []),
    ("WSGITelemetryOptions -None", []),
    ("WSGITelemetryOptions +CaptureUserAgent CaptureUserAgent", []),
    ("WSGIHandlerScript", []),
    ("WSGIHandlerScript name", []),
    ("WSGIHandlerScript name relative.py", ["relative.py"]),
    ("WSGIHandlerScript name /x.py bogus=1", ["bogus", "process-group", "pass-authorization"]),
    ("WSGIHandlerScript name /x.py callable-object=x", ["callable-object"]),
    ("WSGIHandlerScript name /x.py pass-authorization=x", ["On", "Off"]),
    ("WSGIHandlerScript name /x.py word", ["word"]),
    ("WSGIDispatchScript", []),
    ("WSGIDispatchScript relative.py", ["relative.py"]),
    ("WSGIDispatchScript /x.py bogus=1", ["bogus", "process-group", "application-group"]),
    ("WSGIDispatchScript /x.py application-group=", ["application-group"]),
    ("WSGIDispatchScript /x.py word", ["word"]),
    ("WSGIImportScript", []),
    ("WSGIImportScript /x.py bogus=1", ["bogus"]),
    ("WSGIImportScript /x.py word", ["word"]),
    ("WSGIImportScript /x.py process-group=", ["process-group"]),
]
# What is found out when everything was read.
LATE: list[tuple[str, str]] = [
    ("WSGIImportScript /x.py", "process-group is missing"),
    ("WSGIImportScript relative.py", "'relative.py' is not an absolute path"),
    ("WSGIScriptAlias / relative.wsgi", "'relative.wsgi' is not an absolute path"),
    ("WSGIScriptAlias relative /x.wsgi", "'relative' is not a URL path"),
    ("WSGIScriptAliasMatch relative relative.wsgi", "'relative.wsgi' is not an absolute path"),
    ("WSGIImportScript /x.py application-group=x", "process-group is missing"),
    ("WSGIImportScript /x.py process-group=%{GLOBAL}", "application-group is missing"),
    ("WSGIImportScript /x.py process-group=x application-group=x", "'x' is not defined"),
    ("WSGIImportScript /x.py process-group=%{SERVER} application-group=x", "is not defined"),
    (
        "WSGIImportScript /x.py process-group=%{GLOBAL} application-group=x callable-object=x",
        "process-group and application-group",
    ),
    (
        "WSGIImportScript /x.py process-group=x application-group=x\nWSGIDaemonProcess x",
        "'x' is not defined, or only after this",
    ),
    ("WSGIScriptAlias / /x.wsgi process-group=x application-group=x", "'x' is not defined"),
    (
        "WSGIScriptAliasMatch ^/x$ /x.wsgi process-group=x application-group=%{GLOBAL}",
        "'x' is not defined",
    ),
    ("WSGIDaemonProcess x\nWSGIDaemonProcess x", "'x' already"),
    (
        "<VirtualHost *>\nServerName other\nWSGIDaemonProcess x\n</VirtualHost>\n"
        "WSGIImportScript /x.py process-group=x application-group=x",
        "belongs to another virtual host",
    ),
    (
        "<VirtualHost *>\nServerName other\nWSGIDaemonProcess x\n</VirtualHost>\n"
        "<VirtualHost *>\nServerName one\n"
        "WSGIScriptAlias / /x.wsgi process-group=x application-group=x\n</VirtualHost>",
        "belongs to another virtual host",
    ),
]

GOOD = [
    *(f"{name} {value}" for name in ON_OFF for value in ("On", "off", "ON")),
    "WSGIMapHEADToGET auto",
    "WSGITrustedProxies 10.0.0.1 10.0.0.0/8 '10.0.0.0/255.0.0.0' ::1 2001:db8::/32 0.0.0.0/0",
    'WSGITrustedProxyHeaders X-Forwarded-For X-Unknown "x-https"',
    "WSGIScriptAlias /x /y.wsgi",
    "WSGIScriptAlias /x '/y z.wsgi' application-group='a b' callable-object=\"c\"",
    "WSGIScriptAlias /x /y.wsgi application-group=a application-group=b",
    "WSGIScriptAliasMatch ^/x(.*)$ /y$1.wsgi pass-authorization=off",
    "WSGIPythonHashSeed 0",
    "WSGIPythonHashSeed 4294967295",
    "WSGIPythonHashSeed random",
    "WSGIPythonOptimize 2",
    "WSGISwitchInterval 0.001",
    "WSGIPythonWarnings ignore\nWSGIPythonWarnings error::UserWarning",
    "WSGIVerboseDebugging Off",
    *(f"WSGIAcceptMutex {name}" for name in ("Default", "FLOCK", "pthread")),
    "WSGISlowRequests 0",
    "WSGISlowRequests 2.5",
    "WSGITelemetryService unix:/run/t",
    "WSGITelemetryService 'unix:/run/t' interval=\"0.5\"",
    "WSGITelemetryOptions +CaptureUserAgent\nWSGITelemetryOptions -captureuseragent",
    "WSGITelemetryOptions None\nWSGITelemetryOptions All",
    "WSGIHandlerScript name '/x y.py' process-group=x application-group=%{GLOBAL}",
    "WSGIDispatchScript /x.py application-group=%{SERVER} process-group=x",
    "WSGIRestrictProcess a 'b c' %{GLOBAL}",
    "WSGIRestrictProcess",
    "WSGIImportScript /x.py process-group=%{GLOBAL} application-group=%{GLOBAL}",
    "WSGIDaemonProcess x\nWSGIImportScript '/x.py' application-group='a b' process-group=x",
    "WSGIDaemonProcess x\n<VirtualHost *>\nServerName one\n"
    "WSGIImportScript /x.py process-group=x application-group=x\n</VirtualHost>",
    "<VirtualHost *>\nServerName one\nWSGIDaemonProcess x\n"
    "WSGIScriptAlias / /x.wsgi process-group=x application-group=x\n</VirtualHost>\n"
    "<VirtualHost *:81>\nServerName one\n"
    "WSGIImportScript /x.py process-group=x application-group=x\n</VirtualHost>",
    "WSGIScriptAlias / /x.wsgi process-group=undefined",
    "WSGIScriptAliasMatch ^/(.*) /$1.wsgi process-group=undefined application-group=x",
    *(f"<Location />\n{name} {value}\n</Location>" for name, value in AUTH.items()),
    "<Location />\nWSGIHandlerScript a /a.py\nWSGIDispatchScript /d.py\n</Location>",
    "<Location />\nWSGIApplicationGroup %{GLOBAL}\nWSGICallableObject app\n</Location>",
    "<VirtualHost *>\nServerName x\nWSGIScriptAlias / /y.wsgi\n</VirtualHost>",
    "<VirtualHost *>\nServerName x\nWSGIApplicationGroup x\n</VirtualHost>",
    "<IfModule mod_wsgi.c>\nWSGIPythonOptimize 1\n</IfModule>",
    "<IfModule wsgi_module>\nWSGIPythonOptimize 1\n</IfModule>",
]


def check(config: str) -> tuple[int, str, Httpd]:
    server = Httpd(config)
    result = server.check_config()
    server.remove()
    return result.returncode, result.stderr, server


@pytest.mark.parametrize(("line", "accepted"), BAD, ids=lambda value: str(value)[:60])
def test_a_mistake_is_reported(line: str, accepted: list[str]) -> None:
    server = Httpd(f"{line}\n# the end\n")
    number = server.config.read_text().splitlines().index(line) + 1
    result = server.check_config()
    server.remove()
    assert result.returncode != 0
    assert f"Syntax error on line {number} of {server.config}" in result.stderr
    message = result.stderr.partition(f"{server.config}:")[2]
    assert line.split()[0] in message
    missing = [word for word in accepted if word not in message]
    assert not missing, message


@pytest.mark.parametrize("config", GOOD)
def test_a_right_configuration_is_accepted(config: str) -> None:
    code, stderr, _ = check(config)
    assert code == 0, stderr


@pytest.mark.parametrize("name", GLOBAL_ONLY)
@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ("VirtualHost *", "cannot occur within <VirtualHost>"),
        ("Directory /", "not allowed in <Directory"),
    ],
)
def test_server_level_directives(name: str, section: str, complaint: str) -> None:
    inside = f"{name} {GLOBAL_ONLY[name]}"
    code, stderr, _ = check(f"<{section}>\n{inside}\n</{section.split()[0]}>\n")
    assert code != 0
    assert name in stderr
    assert complaint in stderr or "not allowed" in stderr or "cannot occur" in stderr


@pytest.mark.parametrize(("config", "complaint"), LATE)
def test_a_mistake_that_concerns_several_lines(config: str, complaint: str) -> None:
    """The line that is wrong is named, in the log as httpd has no better place then."""
    server = Httpd(f"{config}\n")
    lines = server.config.read_text().splitlines()
    wrong = [
        number
        for number, line in enumerate(lines, 1)
        if line.startswith(("WSGIImportScript", "WSGIScriptAlias", "WSGIDaemonProcess"))
    ]
    result = server.check_config()
    log = server.log.path.read_text() if server.log.path.exists() else ""
    server.remove()
    assert result.returncode != 0
    [message] = [line for line in (result.stderr + log).splitlines() if complaint in line]
    assert any(f"on line {number} of {server.config}: " in message for number in wrong), message


@pytest.mark.parametrize("name", AUTH)
def test_who_may_do_what_is_said_in_sections(name: str) -> None:
    code, stderr, _ = check(f"{name} {AUTH[name]}\n")
    assert code != 0
    assert f"{name} not allowed here" in stderr
    code, stderr, _ = check(f"<VirtualHost *>\n{name} {AUTH[name]}\n</VirtualHost>\n")
    assert code != 0
    assert f"{name} not allowed in <VirtualHost> context" in stderr


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("rest", ["", "relative.py", "/x.py bogus=1", "/x.py word"])
def test_scripts_that_decide_need_a_path(name: str, rest: str) -> None:
    code, stderr, _ = check(f"<Location />\n{name} {rest}\n</Location>\n")
    assert code != 0
    assert name in stderr


@pytest.mark.parametrize(
    "line",
    [
        "WSGIScriptAlias /x /y.wsgi",
        "WSGIScriptAliasMatch /x /y.wsgi",
        "WSGIDaemonProcess x",
        "WSGIImportScript /x.py process-group=%{GLOBAL} application-group=x",
    ],
)
def test_what_belongs_to_servers(line: str) -> None:
    name = line.split()[0]
    code, stderr, _ = check(f"<Directory />\n{line}\n</Directory>\n")
    assert code != 0
    assert f"{name} not allowed" in stderr


@pytest.mark.parametrize(
    "name",
    ["WSGILazyInitialization", "WSGINewRelicEnvironment", "WSGINewRelicConfigFile"],
)
def test_removed_directives_are_unknown(name: str) -> None:
    code, stderr, _ = check(f"{name} On\n")
    assert code != 0
    assert "Invalid command" in stderr


@pytest.mark.parametrize(
    "line",
    [
        "WSGIApplicationGroup x",
        "WSGIProcessGroup x",
        "WSGIScriptAlias /x /y.wsgi",
        "WSGIHandlerScript name /y.py",
        "WSGIDispatchScript /y.py",
        "WSGIPassApacheRequest On",
        "WSGIServerMetrics On",
    ],
)
def test_what_htaccess_may_not_hold(httpd: StartHttpd, line: str) -> None:
    server = httpd("<Directory @ROOT@/htdocs>\nAllowOverride All\n</Directory>")
    (server.root / "htdocs" / ".htaccess").write_text(line + "\n")
    server.log.expect(rf"{line.split()[0]} not allowed here")
    assert server.get("/").status == 500


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("AuthConfig", "WSGIPassAuthorization On"),
        *(("FileInfo", f"{name} {value}") for name, value in AUTH.items()),
    ],
)
def test_override_classes_of_htaccess(httpd: StartHttpd, override: str, line: str) -> None:
    server = httpd(f"<Directory @ROOT@/htdocs>\nAllowOverride {override}\n</Directory>")
    (server.root / "htdocs" / ".htaccess").write_text(f"{line}\n")
    server.log.expect(rf"{line.split()[0]} not allowed here")
    assert server.get("/").status == 500


def test_the_configuration_is_checked_without_python(httpd: StartHttpd) -> None:
    """A configuration check creates nothing and starts nothing."""
    server = Httpd("WSGIScriptAlias / @APPS@/failing/raises.wsgi\n")
    before = set(server.root.iterdir())
    result = server.check_config()
    assert "Syntax OK" in result.stderr
    assert set(server.root.iterdir()) <= before | {server.root / "error.log"}
    server.remove()
