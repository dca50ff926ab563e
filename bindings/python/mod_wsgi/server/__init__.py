"""Where the httpd module of this Python lies. The Django application is mod_wsgi.express."""

import warnings

warnings.warn(
    "mod_wsgi.server in INSTALLED_APPS is deprecated: put mod_wsgi.express in its place",
    FutureWarning,
    stacklevel=2,
)
