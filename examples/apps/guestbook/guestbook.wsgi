"""The guestbook as a WSGI application."""

import os
import sys

# The directory of a script is not on sys.path by itself.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "guestbook.settings")

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()
