"""A Django project as `django-admin startproject` makes it, with what its users add to it."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
WHEELS = Path(os.environ.get("WSGI_CORE_WHEELS", HERE.parents[1] / "build/wheels")).absolute()

SETTINGS = """
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS.append("mod_wsgi.express")
STATIC_ROOT = BASE_DIR / "collected"
"""
URLS = """
from django.http import HttpResponse
from django.urls import reverse

def hello(request, name):
    import os
    return HttpResponse(f"Hello {name} at {reverse('hello', args=[name])} {os.getpid()}")

def broken(request):
    raise ValueError("in a view")

urlpatterns += [path("hello/<name>", hello, name="hello"), path("broken", broken)]
"""
USER = {
    "DJANGO_SUPERUSER_USERNAME": "admin",
    "DJANGO_SUPERUSER_PASSWORD": "only for tests",
    "DJANGO_SUPERUSER_EMAIL": "admin@example.com",
}


def python_with(requirements: Path | None) -> Path:
    """A Python with mod_wsgi and these packages, kept for the next run; by default this one."""
    if requirements is None:
        return Path(sys.executable)
    place = Path(sys.prefix).parent / f"{Path(sys.prefix).name}-{requirements.stem}"
    python = place / "bin/python"
    wanted = requirements.read_text()
    stamp = place / "made-from"
    install = [python, "-m", "pip", "install", "--quiet", "--root-user-action", "ignore"]
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(place, clear=True, symlinks=True, with_pip=True)
        subprocess.run([*install, "--requirement", requirements], check=True)
        stamp.write_text(wanted)
    newest = ["--no-index", "--find-links", WHEELS, "--force-reinstall", "--no-deps", "wsgi-core"]
    subprocess.run([*install, *newest], check=True)
    return python


class Project:
    def __init__(self, python: Path, directory: Path) -> None:
        self.python = python
        self.directory = directory
        self._run("-m", "django", "startproject", "site_of_test", ".")
        self._append("settings.py", SETTINGS)
        self._append("urls.py", URLS)
        self.manage("migrate", "--verbosity=0")
        self.manage("collectstatic", "--no-input", "--verbosity=0")
        self.manage("createsuperuser", "--no-input", **USER)
        # The server may be another account, which writes to the database.
        directory.chmod(0o777)
        (directory / "db.sqlite3").chmod(0o666)

    @property
    def command(self) -> list[str | Path]:
        return [self.python, self.directory / "manage.py", "runmodwsgi"]

    def manage(self, *words: str, **environ: str) -> str:
        return self._run("manage.py", *words, **environ)

    def write(self, name: str, text: str) -> None:
        (self.directory / "site_of_test" / name).write_text(text)

    def _append(self, name: str, text: str) -> None:
        path = self.directory / "site_of_test" / name
        path.write_text(path.read_text() + text)

    def _run(self, *words: str, **environ: str) -> str:
        return subprocess.run(
            [self.python, *words],
            cwd=self.directory,
            env=clean_environment() | environ,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
