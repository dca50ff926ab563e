"""WSGIAuthUserScript for Basic and Digest, and WSGIAuthGroupScript."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from client import Response
from conftest import StartHttpd
from deciding import (
    FAILURES,
    MODES,
    UNUSABLE,
    basic,
    expect_failure,
    function,
    group,
    options,
    put,
)
from evaluating import environ
from server import Watched

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


@pytest.mark.parametrize("mode", MODES)
def test_basic(httpd: StartHttpd, mode: str) -> None:
    server = httpd(users(mode))
    put(server.root, USERS)
    server.log.expect(r"AH01618: user (who|) ?not found", 1)
    server.log.expect(r"AH01617: user \S+: authentication failure", 2)
    assert server.get("/?1").status == 401
    assert environ(server, "/", "REMOTE_USER", basic("jo", "sécret")) == "jo"
    assert environ(server, "/", "AUTH_TYPE", basic("jo", "sécret")) == "Basic"
    assert environ(server, "/", "REMOTE_USER", basic("mé", "sécret")) == "mé"
    assert server.get("/?1", basic("jo", "wrong")).status == 401
    assert server.get("/?1", basic("denied", "sécret")).status == 401
    assert server.get("/?1", basic("who", "sécret")).status == 401


@pytest.mark.parametrize("mode", MODES)
def test_a_script_may_rename_the_user(httpd: StartHttpd, mode: str) -> None:
    server = httpd(users(mode))
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


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failure", FAILURES)
def test_no_password_is_right_by_mistake(httpd: StartHttpd, mode: str, failure: str) -> None:
    body, expected = FAILURES[failure]
    server = httpd(users(mode))
    put(server.root, function(PASSWORD, body))
    expect_failure(server, expected)
    assert server.get("/?1", basic("jo", "x")).status == 500


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failure", UNUSABLE)
def test_a_script_that_can_not_be_used(httpd: StartHttpd, mode: str, failure: str) -> None:
    source, expected = UNUSABLE[failure]
    server = httpd(users(mode))
    if source is not None:
        put(server.root, source)
    expect_failure(server, expected)
    assert server.get("/?1", basic("jo", "x")).status == 500


def test_a_provider_without_a_script(httpd: StartHttpd) -> None:
    server = httpd(location("embedded", ""))
    server.log.expect(r"WC0044: .*no script is configured")
    assert server.get("/?1", basic("jo", "x")).status == 500


def test_files_are_protected_as_well(httpd: StartHttpd) -> None:
    server = httpd(users("embedded").replace("WSGIScriptAlias", "# WSGIScriptAlias"))
    put(server.root, USERS)
    (server.root / "htdocs" / "page.html").write_text("page")
    assert server.get("/page.html").status == 401
    assert server.get("/page.html", basic("jo", "sécret")).body == b"page"


# Digest


def digest(response: Response, user: str, password: str) -> dict[str, str]:
    challenge = dict(re.findall(r'(\w+)="?([^",]+)"?', response.header("WWW-Authenticate") or ""))

    def md5(text: str) -> str:
        return hashlib.md5(text.encode("latin-1")).hexdigest()

    secret = md5(f"{user}:{challenge['realm']}:{password}")
    nonce = challenge["nonce"]
    answer = md5(f"{secret}:{nonce}:00000001:c:auth:{md5('GET:/?1')}")
    return {
        "Authorization": f'Digest username="{user}", realm="{challenge["realm"]}", '
        f'nonce="{nonce}", uri="/?1", qop=auth, nc=00000001, cnonce="c", response="{answer}", '
        f"algorithm=MD5"
    }


def digest_config(mode: str) -> str:
    return location(mode, f"WSGIAuthUserScript @ROOT@/decide.py {options(mode)}", "Digest")


HASHES = """
import hashlib
def get_realm_hash(environ, user, realm):
    if user == "unknown":
        return None
    value = hashlib.md5(f"{user}:{realm}:secret".encode()).hexdigest()
    return value.encode() if user == "bytes" else value
"""


def ask_digest(server: Watched, user: str, password: str = "secret") -> int:
    challenge = server.get("/?1")
    assert challenge.status == 401
    return server.get("/?1", digest(challenge, user, password)).status


@pytest.mark.parametrize("mode", MODES)
def test_digest(httpd: StartHttpd, mode: str) -> None:
    server = httpd(digest_config(mode), modules="auth_digest")
    put(server.root, HASHES)
    server.log.expect(r"AH01794: user wrong: password mismatch|AH01792.*wrong", None)
    server.log.allow(r"AH0179\d: ")
    assert ask_digest(server, "jo") == 200
    assert ask_digest(server, "bytes") == 200
    assert ask_digest(server, "wrong", "other") == 401
    assert ask_digest(server, "unknown") == 401


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failure", [name for name in FAILURES if name != "is bytes"])
def test_no_hash_is_right_by_mistake(httpd: StartHttpd, mode: str, failure: str) -> None:
    body, expected = FAILURES[failure]
    server = httpd(digest_config(mode), modules="auth_digest")
    put(server.root, function(HASH, body))
    expect_failure(server, expected, others=r"AH0179\d: ")
    assert ask_digest(server, "jo") == 500


# Groups


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("require", "user", "status"),
    [
        ("wsgi-group staff", "jo", 200),
        ("wsgi-group other 'admin'", "jo", 200),
        ("wsgi-group guests", "jo", 401),
        ("wsgi-group guests", "mé", 200),
        ("wsgi-group sta", "jo", 401),
        ('wsgi-group ""', "jo", 401),
    ],
)
def test_groups(httpd: StartHttpd, mode: str, require: str, user: str, status: int) -> None:
    server = httpd(users(mode, require))
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


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failure", GROUP_FAILURES)
def test_nobody_is_in_a_group_by_mistake(httpd: StartHttpd, mode: str, failure: str) -> None:
    body, expected = GROUP_FAILURES[failure]
    server = httpd(users(mode, "wsgi-group staff"))
    put(server.root, function(PASSWORD, "return True") + function(GROUPS, body))
    expect_failure(server, expected)
    server.log.expect(r"AH01631: user jo: authorization failure")
    assert server.get("/?1", basic("jo", "x")).status == 401


def test_a_group_without_a_script(httpd: StartHttpd) -> None:
    config = users("embedded", "wsgi-group staff")
    server = httpd(config.replace("WSGIAuthGroupScript", "# WSGIAuthGroupScript"))
    put(server.root, USERS)
    server.log.expect(r"WC0044: .*no script is configured")
    server.log.expect(r"AH01631: user jo: authorization failure")
    assert server.get("/?1", basic("jo", "sécret")).status == 401
