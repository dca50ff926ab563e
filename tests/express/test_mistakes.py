"""Options that contradict each other, and options without an effect."""

from __future__ import annotations

import sysconfig

import pytest
from configuration import effective, make_site
from mod_wsgi.express import validation
from mod_wsgi.express.errors import ConfigurationError
from mod_wsgi.express.option import Option
from mod_wsgi.express.options import BY_NAME, OPTIONS

MISTAKES = {
    "--ssl-certificate /x": "--ssl-certificate needs --https-port",
    "--ssl-certificate-file /x": "--ssl-certificate-file needs --https-port",
    "--ssl-certificate-key-file /x": "--ssl-certificate-key-file needs --https-port",
    "--ssl-ca-certificate-file /x": "--ssl-ca-certificate-file needs --https-port",
    "--ssl-certificate-chain-file /x": "--ssl-certificate-chain-file needs --https-port",
    "--https-port 8443": "--https-port needs a certificate",
    "--https-port 8443 --ssl-certificate-file /x": "needs --ssl-certificate-key-file",
    "--https-port 8000 --ssl-certificate /x": "--port and --https-port are the same",
    "--auth-group-script /x": "--auth-group-script needs --auth-user-script",
    "--service-script a /x --service-script a /y": "two services named 'a'",
    "--service-script a /x --service-user b www-data": "no --service-script named 'b'",
    "--service-script a /x --service-group b www-data": "no --service-script named 'b'",
    "--service-script a /x --service-log-file b log": "no --service-script named 'b'",
    "--enable-telemetry --telemetry-service unix:/x": "exclude each other",
    "--enable-telemetry": "needs the package mod_wsgi-telemetry",
    "--telemetry-service tcp:localhost:80": "expected unix:/path",
    "--telemetry-service unix:relative": "expected unix:/path",
    "--slow-requests 1": "--slow-requests needs --telemetry-service",
    "--debugger-startup": "--debugger-startup needs --enable-debugger",
    "--error-document 200 /ok": "is not the status of an error",
    "--add-handler txt /x": "is not an extension",
    "--application-type object --entry-point web": "'web' names no object; expected MODULE:NA",
    "--application-type object --entry-point web:a.b": "'web:a.b' names no object",
    "--application-type object --entry-point /srv/web.py:app": "names no object",
    "--application-type object --entry-point web:app --callable-object app": "is for modules",
}


@pytest.mark.parametrize(("words", "message"), MISTAKES.items())
def test_mistakes(words: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_site("app.wsgi", *words.split())
    assert message in str(caught.value)


def test_free_threading(monkeypatch: pytest.MonkeyPatch) -> None:
    built = dict(sysconfig.get_config_vars())
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: facts.get(name, built.get(name)))
    facts = {"Py_GIL_DISABLED": 0}
    with pytest.raises(ConfigurationError, match="without the interpreter lock"):
        make_site("app.wsgi", "--free-threading")
    facts = {"Py_GIL_DISABLED": 1}
    assert "WSGIFreeThreading On" in effective(make_site("app.wsgi", "--free-threading"))


def test_telemetry_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "_is_importable", lambda name: name == "mod_wsgi.telemetry")
    site = make_site("app.wsgi", "--enable-telemetry", "--telemetry-ui-port", "9999")
    assert site.telemetry_target == "unix:/srv/conf/telemetry.sock"
    assert [service.name for service in site.services] == ["telemetry"]
    with pytest.raises(ConfigurationError, match="service named telemetry"):
        make_site("app.wsgi", "--enable-telemetry", "--service-script", "telemetry", "/x")


DEPENDENT = [option for option in OPTIONS if option.needs]


@pytest.mark.parametrize("option", DEPENDENT, ids=lambda option: option.name)
def test_needs(option: Option) -> None:
    """Said when it is missing, and not when it is there."""
    options = make_site("app.wsgi").options
    words = {option.name: given(option)}
    for name, value in words.items():
        setattr(options, name, value)
    (sentence,) = validation.without_effect(options)
    assert sentence.startswith(f"{option.flag} has no effect without ")
    needed = BY_NAME[option.needs[0]]
    setattr(options, needed.name, given(needed))
    assert option.flag not in " ".join(validation.without_effect(options))


def given(option: Option) -> object:
    if option.repeatable:
        pair = ("a", "b") if len(option.metavar) == 2 else "a"
        return [pair]
    return True if not option.takes_value else "something"


@pytest.mark.parametrize(
    "option", [each for each in OPTIONS if each.useless_with], ids=lambda option: option.name
)
def test_useless(option: Option) -> None:
    options = make_site("app.wsgi").options
    setattr(options, option.name, given(option))
    assert not list(validation.without_effect(options))
    for name in option.useless_with:
        setattr(options, name, given(BY_NAME[name]))
        (sentence,) = validation.without_effect(options)
        assert sentence == f"{option.flag} has no effect with {BY_NAME[name].flag}"
        setattr(options, name, BY_NAME[name].default)
