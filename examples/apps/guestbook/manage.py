#!/usr/bin/env python3
"""Django's command line for the guestbook; `manage.py setup` prepares it."""

import os
import secrets
import sys


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "guestbook.settings")
    if sys.argv[1:2] == ["test"]:
        os.environ.setdefault("GUESTBOOK_SECRET_KEY", secrets.token_urlsafe())
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here: pip install -r requirements.txt")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
