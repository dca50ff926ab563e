import os

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.core.management.utils import get_random_secret_key


class Command(BaseCommand):
    help = "Creates or updates all that the guestbook keeps; may be repeated."
    requires_system_checks = []

    def handle(self, *args, verbosity, **options):
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        self.create_secret_key(settings.SECRET_KEY_FILE)
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        if verbosity:
            self.stdout.write(f"The guestbook is ready in {settings.DATA_DIR}.")

    def create_secret_key(self, path):
        """Readable by its owner alone, and never replaced."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with open(descriptor, "w") as stream:
            stream.write(get_random_secret_key() + "\n")
