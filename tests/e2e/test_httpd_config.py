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
}
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


@pytest.mark.parametrize("name", ["WSGIScriptAlias", "WSGIScriptAliasMatch"])
def test_aliases_belong_to_servers(name: str) -> None:
    code, stderr, _ = check(f"<Directory />\n{name} /x /y.wsgi\n</Directory>\n")
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


@pytest.mark.parametrize("line", ["WSGIApplicationGroup x", "WSGIScriptAlias /x /y.wsgi"])
def test_what_htaccess_may_not_hold(httpd: StartHttpd, line: str) -> None:
    server = httpd("<Directory @ROOT@/htdocs>\nAllowOverride All\n</Directory>")
    (server.root / "htdocs" / ".htaccess").write_text(line + "\n")
    server.log.expect(rf"{line.split()[0]} not allowed here")
    assert server.get("/").status == 500


def test_override_classes_of_htaccess(httpd: StartHttpd) -> None:
    server = httpd("<Directory @ROOT@/htdocs>\nAllowOverride AuthConfig\n</Directory>")
    (server.root / "htdocs" / ".htaccess").write_text("WSGIPassAuthorization On\n")
    server.log.expect(r"WSGIPassAuthorization not allowed here")
    assert server.get("/").status == 500


def test_the_configuration_is_checked_without_python(httpd: StartHttpd) -> None:
    """A configuration check creates nothing and starts nothing."""
    server = Httpd("WSGIScriptAlias / @APPS@/failing/raises.wsgi\n")
    before = set(server.root.iterdir())
    result = server.check_config()
    assert "Syntax OK" in result.stderr
    assert set(server.root.iterdir()) <= before | {server.root / "error.log"}
    server.remove()
