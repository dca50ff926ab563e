"""The application of a server that was started without one."""

from __future__ import annotations

from collections.abc import Iterable

from .steps import Environ, StartResponse

PAGE = b"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>mod_wsgi-express is running</title>
<style>
body { margin: 4rem auto; max-width: 40rem; padding: 0 1rem; font: 1.1rem/1.5 sans-serif }
body { background: #fff; color: #222 }
pre { padding: 1rem; overflow-x: auto; background: #8882 }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } }
</style>
</head>
<body>
<h1>It works</h1>
<p>This server was started without an application, so it shows this page. To serve your own, name
its script or its module:</p>
<pre>mod_wsgi-express start-server site.wsgi
mod_wsgi-express start-server --application-type module mysite</pre>
<p>The object that is called is <code>application</code>, or the one that
<code>--callable-object</code> names. <code>mod_wsgi-express start-server --help</code> shows all
options.</p>
</body>
</html>
"""


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer every URL with the same page."""
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(PAGE)))]
    start_response("200 OK", headers)
    return [PAGE]
