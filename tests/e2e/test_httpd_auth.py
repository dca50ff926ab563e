"""WSGIAuthUserScript for Basic and Digest, and WSGIAuthGroupScript."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from client import Response
from conftest import StartHttpd, StartServer
from deciding import (
    FAILURES,
    UNUSABLE,
    Place,
    basic,
    everywhere,
    expect_failure,
    function,
    group,
    options,
    put,
    second_host,
)
from evaluating import environ
from httpd import Httpd
from server import Server, Watched
from test_httpd_loading import write_script

PASSWORD = "check_password(environ, user, password)"
HASH = "get_realm_hash(environ, user, realm)"
GROUPS = "groups_for_user(environ, user)"
# Who has the right password; the others are unknown, but for one who is denied.
USERS = """
def check_password(environ, user, password):
    if user == "denied":
        return False
    if user == "renamed" and password == "secret":
        return "n\\u00e9w"
    if user in ("jo", "m\\u00e9"):
        return password == "s\\u00e9cret"
    return None
def groups_for_user(environ, user):
    return {"jo": ["staff", b"admin"], "m\\u00e9": ("guests",)}.get(user, [])
"""


def location(mode: str, inside: str, kind: str = "Basic", require: str = "valid-user") -> str:
    return f"""
        {group(mode)}
        <Location />
            AuthType {kind}
            AuthName realm
            Auth{kind}Provider wsgi
            {inside}
            Require {require}
        </Location>
        WSGIScriptAlias / @APPS@/evaluate.wsgi
        """


def users(mode: str, require: str = "valid-user", more: str = "") -> str:
    script = f"@ROOT@/decide.py {options(mode)}"
    lines = f"WSGIAuthUserScript {script}\n{more}"
    if "wsgi-group" in require:
        lines += f"\nWSGIAuthGroupScript {script}"
    return location(mode, lines, require=require)


def protected(place: Place, groups: str = "") -> Server:
    """A host that asks the script for users, and for their groups if some are required."""
    if place.host == "httpd":
        return Httpd(users(place.mode, f"wsgi-group {groups}" if groups else "valid-user"))
    script = f"@ROOT@/decide.py {options(place.mode)}"
    scripts, arguments = {"auth-user-script": script}, ["-b", "realm"]
    if groups:
        scripts["auth-group-script"] = script
        arguments += ["-r", groups]
    return second_host(place.mode, scripts, arguments)


def expect_of_httpd(server: Watched, pattern: str, count: int = 1) -> None:
    """What httpd itself logs of users."""
    if server.host == "httpd":
        server.log.expect(pattern, count)


@everywhere
def test_basic(start: StartServer, place: Place) -> None:
    server = start(protected(place))
    put(server.root, USERS)
    expect_of_httpd(server, r"AH01618: user (who|) ?not found")
    expect_of_httpd(server, r"AH01617: user \S+: authentication failure", 2)
    challenge = server.get("/?1")
    assert challenge.status == 401
    assert challenge.header("WWW-Authenticate") == 'Basic realm="realm"'
    assert environ(server, "/", "REMOTE_USER", basic("jo", "sécret")) == "jo"
    assert environ(server, "/", "AUTH_TYPE", basic("jo", "sécret")) == "Basic"
    assert environ(server, "/", "HTTP_AUTHORIZATION", basic("jo", "sécret")) is None
    assert environ(server, "/", "REMOTE_USER", basic("mé", "sécret")) == "mé"
    assert server.get("/?1", basic("jo", "wrong")).status == 401
    assert server.get("/?1", basic("denied", "sécret")).status == 401
    assert server.get("/?1", basic("who", "sécret")).status == 401


@everywhere
def test_a_script_may_rename_the_user(start: StartServer, place: Place) -> None:
    server = start(protected(place))
    put(server.root, USERS)
    name = environ(server, "/", "REMOTE_USER", basic("renamed", "secret"))
    assert name.encode("latin-1") == "néw".encode()


def test_an_unknown_user_is_left_to_the_next_provider(httpd: StartHttpd) -> None:
    server = httpd(users("embedded", more="AuthBasicProvider wsgi file\nAuthUserFile @ROOT@/users"))
    put(server.root, USERS)
    sha1 = base64.b64encode(hashlib.sha1(b"filed").digest()).decode()
    (server.root / "users").write_text(f"filed:{{SHA}}{sha1}\n")
    assert environ(server, "/", "REMOTE_USER", basic("filed", "filed")) == "filed"
    assert environ(server, "/", "REMOTE_USER", basic("jo", "sécret")) == "jo"


@everywhere
@pytest.mark.parametrize("failure", FAILURES)
def test_no_password_is_right_by_mistake(start: StartServer, place: Place, failure: str) -> None:
    body, expected = FAILURES[failure]
    server = start(protected(place))
    put(server.root, function(PASSWORD, body))
    expect_failure(server, expected)
    assert server.get("/?1", basic("jo", "x")).status == 500


@everywhere
@pytest.mark.parametrize("failure", UNUSABLE)
def test_a_script_that_can_not_be_used(start: StartServer, place: Place, failure: str) -> None:
    source, expected = UNUSABLE[failure]
    server = start(protected(place))
    if source is not None:
        put(server.root, source)
    expect_failure(server, expected)
    assert server.get("/?1", basic("jo", "x")).status == 500


@pytest.mark.parametrize("host", ["httpd", "microhttpd"])
@pytest.mark.parametrize("kind", ["Basic", "Digest"])
def test_a_provider_without_a_script(start: StartServer, host: str, kind: str) -> None:
    server = start(unanswered(host, kind))
    server.log.expect(r"WC0044: .*no script is configured")
    server.log.allow(r"AH0179\d: ")
    if kind == "Digest":
        assert ask_digest(server, "jo") == 500
    else:
        assert server.get("/?1", basic("jo", "x")).status == 500


def unanswered(host: str, kind: str) -> Server:
    """A host that wants to know users, of whom no script knows."""
    if host == "httpd":
        return Httpd(location("embedded", "", kind), modules="auth_digest")
    return second_host("embedded", {}, ["-d" if kind == "Digest" else "-b", "realm"])


def test_files_are_protected_as_well(httpd: StartHttpd) -> None:
    server = httpd(users("embedded").replace("WSGIScriptAlias", "# WSGIScriptAlias"))
    put(server.root, USERS)
    (server.root / "htdocs" / "page.html").write_text("page")
    assert server.get("/page.html").status == 401
    assert server.get("/page.html", basic("jo", "sécret")).body == b"page"


# Digest


def digest(response: Response, user: str, password: str, uri: str = "/?1") -> dict[str, str]:
    """The answer to a challenge."""
    challenge = dict(re.findall(r'(\w+)="?([^",]+)"?', response.header("WWW-Authenticate") or ""))

    def md5(text: str) -> str:
        return hashlib.md5(text.encode("latin-1")).hexdigest()

    secret = md5(f"{user}:{challenge['realm']}:{password}")
    nonce = challenge["nonce"]
    answer = md5(f"{secret}:{nonce}:00000001:c:auth:{md5(f'GET:{uri}')}")
    opaque = f', opaque="{challenge["opaque"]}"' if "opaque" in challenge else ""
    return {
        "Authorization": f'Digest username="{user}", realm="{challenge["realm"]}", '
        f'nonce="{nonce}", uri="{uri}", qop=auth, nc=00000001, cnonce="c", response="{answer}", '
        f"algorithm=MD5{opaque}"
    }


def digest_protected(place: Place) -> Server:
    script = f"@ROOT@/decide.py {options(place.mode)}"
    if place.host == "httpd":
        config = location(place.mode, f"WSGIAuthUserScript {script}", "Digest")
        return Httpd(config, modules="auth_digest")
    return second_host(place.mode, {"auth-user-script": script}, ["-d", "realm"])


HASHES = """
import hashlib
def get_realm_hash(environ, user, realm):
    if user == "unknown":
        return None
    value = hashlib.md5(f"{user}:{realm}:secret".encode()).hexdigest()
    return value.encode() if user == "bytes" else value
"""


def ask_digest(server: Watched, user: str, password: str = "secret") -> int:
    """On one connection, for a host may know a nonce there only."""
    with server.connect() as connection:
        challenge = connection.request("GET", "/?1")
        assert challenge.status == 401
        return connection.request("GET", "/?1", digest(challenge, user, password)).status


@everywhere
def test_digest(start: StartServer, place: Place) -> None:
    server = start(digest_protected(place))
    put(server.root, HASHES)
    expect_of_httpd(server, r"AH01794: user wrong: password mismatch|AH01792.*wrong")
    server.log.allow(r"AH0179\d: ")
    assert ask_digest(server, "jo") == 200
    assert ask_digest(server, "bytes") == 200
    assert ask_digest(server, "wrong", "other") == 401
    assert ask_digest(server, "unknown") == 401


@everywhere
def test_who_a_digest_is_of(start: StartServer, place: Place) -> None:
    server = start(digest_protected(place))
    put(server.root, HASHES.replace("secret", "").replace("{user}", "jo"))
    write_script(server.apps / "evaluate.wsgi", SHOW_USER, 1_700_000_000)
    with server.connect() as connection:
        challenge = connection.request("GET", "/?1")
        answer = connection.request("GET", "/?1", digest(challenge, "jo", ""))
    assert answer.body == b"Digest jo"


SHOW_USER = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['AUTH_TYPE']} {environ['REMOTE_USER']}".encode()]
"""


@everywhere
@pytest.mark.parametrize(
    "hash", ["'0'", "'0' * 31", "'0' * 33", "'0' * 32", "'x' * 32", "b' ' * 32"]
)
def test_a_hash_that_is_not_that_of_the_password(
    start: StartServer, place: Place, hash: str
) -> None:
    server = start(digest_protected(place))
    put(server.root, function(HASH, f"return {hash}"))
    expect_of_httpd(server, r"AH01794: user jo: password mismatch|AH01792.*jo")
    assert ask_digest(server, "jo") == 401


@everywhere
@pytest.mark.parametrize("failure", [name for name in FAILURES if name != "is bytes"])
def test_no_hash_is_right_by_mistake(start: StartServer, place: Place, failure: str) -> None:
    body, expected = FAILURES[failure]
    server = start(digest_protected(place))
    put(server.root, function(HASH, body))
    expect_failure(server, expected, others=r"AH0179\d: ")
    assert ask_digest(server, "jo") == 500


# Groups


@everywhere
@pytest.mark.parametrize(
    ("required", "user", "status"),
    [
        ("staff", "jo", 200),
        ("other 'admin'", "jo", 200),
        ("guests", "jo", 401),
        ("guests", "mé", 200),
        ("sta", "jo", 401),
        ('""', "jo", 401),
    ],
)
def test_groups(start: StartServer, place: Place, required: str, user: str, status: int) -> None:
    server = start(protected(place, required))
    put(server.root, USERS)
    server.log.allow(r"AH01631: user \S+: authorization failure")
    assert server.get("/?1").status == 401
    assert server.get("/?1", basic(user, "sécret")).status == status


def test_a_failed_authorization_may_be_forbidden(httpd: StartHttpd) -> None:
    server = httpd(users("embedded", "wsgi-group guests", "AuthzSendForbiddenOnFailure On"))
    put(server.root, USERS)
    server.log.expect(r"AH01631: user jo: authorization failure")
    assert server.get("/?1", basic("jo", "sécret")).status == 403


GROUP_FAILURES = {
    "raises": ("raise ValueError('broken')", r"WC0057: .*ValueError"),
    "raises later": ("yield 'other'; raise ValueError('broken')", r"WC0057: .*ValueError"),
    "is None": ("return None", r"WC0057: .*TypeError"),
    "is True": ("return True", r"WC0057: .*TypeError"),
    "is a name": ("return 'staff'", r"WC0058: .*an object of type str"),
    "is bytes": ("return b'staff'", r"WC0058: .*an object of type bytes"),
    "has a number": ("return [1, 'staff']", r"WC0058: .*an object of type int"),
    "has a bad one after it": ("return ['staff', None]", r"WC0058: .*an object of type NoneType"),
}


@everywhere
@pytest.mark.parametrize("failure", GROUP_FAILURES)
def test_nobody_is_in_a_group_by_mistake(start: StartServer, place: Place, failure: str) -> None:
    body, expected = GROUP_FAILURES[failure]
    server = start(protected(place, "staff"))
    put(server.root, function(PASSWORD, "return True") + function(GROUPS, body))
    expect_failure(server, expected)
    expect_of_httpd(server, r"AH01631: user jo: authorization failure")
    assert server.get("/?1", basic("jo", "x")).status == 401


@pytest.mark.parametrize("host", ["httpd", "microhttpd"])
def test_a_group_without_a_script(start: StartServer, host: str) -> None:
    config = users("embedded", "wsgi-group staff")
    options = {"auth-user-script": "@ROOT@/decide.py"}
    server = start(
        Httpd(config.replace("WSGIAuthGroupScript", "# WSGIAuthGroupScript"))
        if host == "httpd"
        else second_host("embedded", options, ["-b", "realm", "-r", "staff"])
    )
    put(server.root, USERS)
    server.log.expect(r"WC0044: .*no script is configured")
    expect_of_httpd(server, r"AH01631: user jo: authorization failure")
    assert server.get("/?1", basic("jo", "sécret")).status == 401
