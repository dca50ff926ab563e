"""What `manage.py runmodwsgi` hands over to the launcher."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import programs
import pytest

SETTINGS = """
    from pathlib import Path

    BASE_DIR = Path(__file__).parent.parent
    SECRET_KEY = "only for tests"
    INSTALLED_APPS = ["mod_wsgi.express"]
    WSGI_APPLICATION = "project.wsgi.application"
    STATIC_URL = "static/"
    STATIC_ROOT = BASE_DIR / "collected"
"""

# The launcher says what it is given, or refuses it.
MANAGE = """
    import dataclasses, json, os, sys

    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    from django.core.management import execute_from_command_line
    from mod_wsgi.express import cli
    from mod_wsgi.express.errors import ConfigurationError, StartError

    def start_server(options, arguments):
        if options.port == 1:
            raise ConfigurationError("not that port")
        if options.port == 2:
            raise StartError("port 2 is in use")
        print(json.dumps([dataclasses.asdict(options), list(arguments)]))
        return 7 if options.port == 3 else 0

    cli.start_server = start_server
    execute_from_command_line(sys.argv)
"""

Project = Callable[..., "ProjectDirectory"]


class ProjectDirectory:
    def __init__(self, directory: Path, settings: str) -> None:
        self.directory = directory
        (directory / "project").mkdir()
        programs.write(directory, "project/__init__.py", "")
        programs.write(directory, "project/settings.py", SETTINGS + settings)
        programs.write(directory, "manage.py", MANAGE)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.directory,
            env=programs.environment(),
            capture_output=True,
            text=True,
            timeout=programs.DEADLINE_S,
        )

    def launched(self, *arguments: str) -> dict[str, Any]:
        """The options of the launcher."""
        result = self.manage("runmodwsgi", *arguments)
        assert result.returncode == 0, result.stderr
        first, second = result.stdout.splitlines()
        assert first == "Successfully ran command."
        options, positional = json.loads(second)
        assert positional == []
        return options


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return lambda settings="": ProjectDirectory(tmp_path, settings)


def test_a_project(project: Project, tmp_path: Path) -> None:
    options = project().launched("--port", "8001", "--processes=2")
    assert options["application_type"] == "module"
    assert (options["entry_point"], options["callable_object"]) == ("project.wsgi", "application")
    assert (options["port"], options["processes"]) == (8001, 2)
    assert options["working_directory"] == str(tmp_path)
    assert options["url_alias"] == [["/static", f"{tmp_path}/collected"]]


def test_setup_only(project: Project) -> None:
    site = project()
    assert [site.launched(*given)["setup_only"] for given in ((), ("--setup-only",))] == [
        False,
        True,
    ]


def test_a_module_is_served_whatever_is_asked_for(project: Project) -> None:
    options = project().launched("--application-type", "script", "--entry-point", "x.wsgi")
    assert (options["application_type"], options["entry_point"]) == ("module", "project.wsgi")


def test_the_working_directory(project: Project) -> None:
    assert project().launched("--working-directory", "/srv")["working_directory"] == "/srv"


def test_the_working_directory_without_base_dir(project: Project, tmp_path: Path) -> None:
    settings = "    ROOT = BASE_DIR\n    del BASE_DIR\n"
    assert project(settings).launched()["working_directory"] == str(tmp_path)


def test_aliases_come_after_the_static_one(project: Project, tmp_path: Path) -> None:
    options = project().launched("--url-alias", "/static/a", "/a", "--url-alias", "/b", "/b")
    assert options["url_alias"] == [
        ["/static", f"{tmp_path}/collected"],
        ["/static/a", "/a"],
        ["/b", "/b"],
    ]


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ("STATIC_URL = '/'", "/"),
        ("STATIC_URL = '/deep/files/'", "/deep/files"),
        ("STATIC_URL = 'https://cdn.example.com/'", None),
        ("STATIC_URL = None", None),
        ("STATIC_ROOT = None", None),
        ("MIDDLEWARE = ['whitenoise.middleware.WhiteNoiseMiddleware']", None),
        ("MIDDLEWARE_CLASSES = ['whitenoise.middleware.WhiteNoiseMiddleware']", None),
        ("MIDDLEWARE = ['django.middleware.common.CommonMiddleware']", "/static"),
    ],
)
def test_static_files(project: Project, settings: str, url: str | None) -> None:
    options = project(f"    {settings}\n").launched()
    assert [alias for alias, _ in options["url_alias"]] == ([] if url is None else [url])


def test_numbers_are_numbers(project: Project) -> None:
    options = project().launched(
        "--slow-requests=2.5", "--switch-interval=0.01", "--telemetry-interval=2"
    )
    names = ("slow_requests", "switch_interval", "telemetry_interval")
    assert [options[name] for name in names] == [2.5, 0.01, 2.0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--initial-workers", "1.5"), "argument --initial-workers: 1.5 is out of range"),
        (("--port", "many"), "argument --port: invalid integer value: 'many'"),
        (("--port", "1"), "CommandError: not that port"),
        (("--port", "2"), "CommandError: port 2 is in use"),
    ],
)
def test_a_mistake(project: Project, arguments: tuple[str, ...], message: str) -> None:
    result = project().manage("runmodwsgi", *arguments)
    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_the_status_is_that_of_the_server(project: Project) -> None:
    assert project().manage("runmodwsgi", "--port", "3").returncode == 7


@pytest.mark.parametrize("value", ["None", "'application'"])
def test_a_project_without_a_wsgi_application(project: Project, value: str) -> None:
    result = project(f"    WSGI_APPLICATION = {value}\n").manage("runmodwsgi")
    assert "CommandError: WSGI_APPLICATION in the settings must be" in result.stderr


def test_help(project: Project) -> None:
    result = project().manage("runmodwsgi", "--help")
    assert result.returncode == 0, result.stderr
    assert "--setup-only" in result.stdout
    assert "--reload-on-changes" in result.stdout


def test_the_former_name(project: Project) -> None:
    former = project("    INSTALLED_APPS = ['mod_wsgi.server']\n")
    result = former.manage("runmodwsgi")
    assert "FutureWarning: mod_wsgi.server in INSTALLED_APPS is deprecated" in result.stderr
    assert json.loads(result.stdout.splitlines()[1])[0]["entry_point"] == "project.wsgi"


def test_the_present_name_does_not_warn(project: Project) -> None:
    assert project().manage("runmodwsgi").stderr == ""
