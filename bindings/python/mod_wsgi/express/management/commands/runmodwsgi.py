"""`manage.py runmodwsgi`: a Django project on mod_wsgi-express."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mod_wsgi.express import cli, options
from mod_wsgi.express.errors import ConfigurationError, Interrupted, StartError, told_in_one_line

WHITENOISE = "whitenoise."


class Command(BaseCommand):
    help = "Serves the project with httpd, as mod_wsgi-express start-server does."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        options.add_to_parser(parser)

    def handle(self, *args: Any, **given: Any) -> None:
        self.stdout.write("Successfully ran command.\n", ending="")
        self.stdout.flush()
        chosen = options.from_namespace(argparse.Namespace(**given))
        chosen.application_type = "module"
        chosen.entry_point, chosen.callable_object = wsgi_application()
        chosen.working_directory = chosen.working_directory or project_directory()
        chosen.url_alias = [*static_alias(), *chosen.url_alias]
        try:
            with told_in_one_line():
                status = cli.start_server(chosen, [])
        except (ConfigurationError, StartError) as error:
            raise CommandError(str(error)) from error
        except (KeyboardInterrupt, Interrupted):
            status = 1
        if status:
            sys.exit(status)


def wsgi_application() -> tuple[str, str]:
    """Module and callable of the project's WSGI application."""
    name = getattr(settings, "WSGI_APPLICATION", None)
    module, dot, callable_object = (name or "").rpartition(".")
    if not dot:
        raise CommandError("WSGI_APPLICATION in the settings must be like 'site.wsgi.application'")
    return module, callable_object


def project_directory() -> str:
    """BASE_DIR, or the directory that the package of the settings is in."""
    directory = getattr(settings, "BASE_DIR", None)
    if directory is not None:
        return os.fspath(directory)
    name = settings.SETTINGS_MODULE
    module = sys.modules[name.rpartition(".")[0] or name]
    path = os.path.dirname(os.path.abspath(module.__file__ or ""))
    return os.path.dirname(path) if hasattr(module, "__path__") else path


def static_alias() -> Iterable[tuple[str, str]]:
    """What httpd serves by itself, unless the project has arranged for that."""
    middleware = [
        *(getattr(settings, "MIDDLEWARE", None) or ()),
        *(getattr(settings, "MIDDLEWARE_CLASSES", None) or ()),
    ]
    if any(name.startswith(WHITENOISE) for name in middleware):
        return
    url, root = settings.STATIC_URL, settings.STATIC_ROOT
    if url and url.startswith("/") and root:
        yield url.rstrip("/") or "/", str(root)
