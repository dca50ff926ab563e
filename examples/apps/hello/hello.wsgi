"""A plain WSGI application: no framework, one file."""

import html
from urllib.parse import parse_qs

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hello</title>
<h1>Hello, {name}!</h1>
<form>
<label for="name">Your name</label>
<input id="name" name="name" value="{name}" autocomplete="name">
<button>Greet me</button>
</form>
<p>{server}, Python group “{group}”</p>
</html>
"""


def application(environ, start_response):
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        start_response("405 Method Not Allowed", [("Allow", "GET, HEAD")])
        return []
    if environ["PATH_INFO"] not in ("", "/"):
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"There is nothing here.\n"]
    query = parse_qs(environ["QUERY_STRING"])
    page = PAGE.format(
        name=html.escape(query.get("name", ["world"])[0][:80]),
        server=html.escape(environ.get("SERVER_SOFTWARE", "An unknown server")),
        group=html.escape(environ.get("mod_wsgi.application_group", "") or "main"),
    )
    body = page.encode("utf-8")
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ]
    start_response("200 OK", headers)
    return [body]
