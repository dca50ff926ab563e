"""Commands, usage errors, help."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest
from express import COMMAND
from mod_wsgi.express.options import OPTIONS


def run(*words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *words], capture_output=True, text=True, env=os.environ | environ, timeout=60
    )


def usage_error(*words: str) -> str:
    result = run(*words)
    assert result.returncode == 2
    assert result.stdout == ""
    usage, empty, message = result.stderr.rstrip("\n").rsplit("\n", 2)
    assert usage.startswith("Usage: mod_wsgi-express ")
    assert empty == ""
    assert message.startswith("mod_wsgi-express: error: ")
    return message.removeprefix("mod_wsgi-express: error: ")


@pytest.mark.parametrize("words", [(), ("--help",), ("--version",), ("shell",)])
def test_invalid_command(words: tuple[str, ...]) -> None:
    message = usage_error(*words)
    assert words[0] in message if words else "no command" in message
    assert "start-server" in message


@pytest.mark.parametrize("command", ["start-server", "setup-server"])
def test_help(command: str) -> None:
    result = run(command, "--help", COLUMNS="100")
    assert result.returncode == 0
    assert result.stderr == ""
    assert result.stdout.startswith(f"Usage: mod_wsgi-express {command} ")
    for option in OPTIONS:
        assert (f"{option.flag}" in re.findall(r"--[a-z0-9-]+", result.stdout)) != option.hidden


def test_help_is_the_same_but_for_usage() -> None:
    first, second = (run(f"{name}-server", "--help").stdout for name in ("start", "setup"))
    assert first.replace("start-server", "X", 1) == second.replace("setup-server", "X", 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("start-server", "--nonsense"), "no such option: --nonsense"),
        (("start-server", "--port", "80x"), "option --port: invalid integer value: '80x'"),
        (("start-server", "--port", "70000"), "70000 is out of range: expected 1 to 65535"),
        (("start-server", "--port", "9" * 30), "invalid integer value"),
        (("start-server", "--initial-workers", "1.5"), "expected 0 to 1"),
        (("start-server", "--initial-workers", "nan"), "invalid integer or number value"),
        (("start-server", "--switch-interval", "0"), "expected more than 0"),
        (("start-server", "--slow-requests", "-1"), "expected at least 0"),
        (("start-server", "--telemetry-interval", "0.4"), "expected at least 0.5"),
        (
            ("start-server", "--application-type", "objekt"),
            "expected one of script, module, object, paste, static",
        ),
        (("start-server", "--send-buffer-size", "7"), "expected 0 or at least 512"),
        (("start-server", "--auth-type", "Bearer"), "expected one of Basic, Digest"),
        (("start-server", "--port"), "--port option requires 1 argument"),
        (("start-server", "--setenv", "NAME"), "--setenv option requires 2 arguments"),
        (("start-server", "--server-m"), "ambiguous option: --server-m"),
        (("module-config", "extra"), "unexpected argument: extra"),
        (("module-location", "--port", "1"), "no such option: --port"),
        (("install-module", "extra"), "unexpected argument: extra"),
    ],
)
def test_usage_errors(words: tuple[str, ...], message: str) -> None:
    message = message.replace("integer or number", "number")
    assert message in usage_error(*words)


def test_module_location() -> None:
    result = run("module-location")
    assert result.returncode == 0
    path = Path(result.stdout.rstrip("\n"))
    assert path.is_file()
    version, suffix = map(sysconfig.get_config_var, ("py_version_nodot", "EXT_SUFFIX"))
    assert path.name == f"mod_wsgi-py{version}{suffix}"


def test_words_are_expanded(tmp_path: Path) -> None:
    root = tmp_path / "root"
    result = run(
        *("setup-server", "--server-root", "$WHERE/root", "--setenv", "A", "${UNSET_HERE}x"),
        *("--python-pa", "/srv/lib", "--port=8123"),
        WHERE=str(tmp_path),
    )
    assert result.returncode == 0, result.stderr
    configuration = (root / "httpd.conf").read_text()
    assert 'SetEnv "A" "${UNSET_HERE}x"' in configuration
    assert 'python-path="/srv/lib"' in configuration
    assert "Listen 8123" in configuration


def test_arguments_anywhere(tmp_path: Path) -> None:
    """Options may follow the application, and more arguments are ignored."""
    root = tmp_path / "root"
    result = run("setup-server", "app.wsgi", "--server-root", root, "more", "--port", "8123")
    assert result.returncode == 0, result.stderr
    assert f"{Path.cwd()}/app.wsgi" in (root / "handler.wsgi").read_text()
