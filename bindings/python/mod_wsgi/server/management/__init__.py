"""Where `runmodwsgi` was before; projects may still have `mod_wsgi.server` in INSTALLED_APPS."""

import warnings

warnings.warn(
    "mod_wsgi.server in INSTALLED_APPS is deprecated: put mod_wsgi.express in its place",
    FutureWarning,
    stacklevel=2,
)
