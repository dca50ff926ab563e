"""What options add: proxies, aliases, error pages, variables, handlers, files of the user's."""

import os
from collections.abc import Iterable

from .. import installation
from ..derived import GLOBAL, Mode, Site, absolute
from ..options import Pair
from .application import overrides
from .syntax import Lines, block, directive, quote, rooted

RESOURCE_HANDLER = "wsgi-resource"


def proxies(site: Site) -> Lines:
    options = site.options
    lines: Lines = []
    if options.proxy_timeout is not None:
        lines.append(f"ProxyTimeout {options.proxy_timeout}")
    mounted = longest_first(options.proxy_mount_point)
    for path, url in mounted:
        lines += _mounted_proxy(path, url)
    # Of sections it is the last one that counts.
    for path, _ in reversed(mounted):
        lines += block("Location", quote(with_slash(path)), *_forwarded(path.rstrip("/")))
    for host, url in options.proxy_virtual_host:
        name = directive("ServerName", host)
        inside = [name, *_pass("/", with_slash(url)), *_forwarded()]
        lines += block("VirtualHost", f"*:{options.port}", *inside)
    return lines


def _mounted_proxy(path: str, url: str) -> Lines:
    if path.endswith("/"):
        return _pass(path, url)
    # What is asked for without the slash is sent to where relative links work.
    target = quote("%{REQUEST_SCHEME}://%{HTTP_HOST}%{REQUEST_URI}/")
    moved = block("LocationMatch", quote(f"^{_literal(path)}$"), f"Redirect 302 {target}")
    return [*moved, *_pass(with_slash(path), with_slash(url))]


def _pass(path: str, url: str) -> Lines:
    return [
        f"{directive('ProxyPass', path, url)} upgrade=websocket",
        directive("ProxyPassReverse", path, url),
    ]


def _forwarded(prefix: str = "") -> Lines:
    """What the server behind is told, whatever the client says of it."""
    lines = [
        "RequestHeader set X-Forwarded-Port expr=%{SERVER_PORT}",
        "RequestHeader unset X-Forwarded-Scheme",
        "RequestHeader set X-Forwarded-Scheme https \"expr=%{HTTPS} == 'on'\"",
    ]
    if prefix:
        lines.append(directive("RequestHeader", "set", "X-Forwarded-Prefix", prefix))
    return lines


def aliases(site: Site) -> Lines:
    lines: Lines = []
    for path, target in longest_first(site.options.url_alias):
        file = absolute(target)
        if os.path.isfile(file):
            directory, name = os.path.split(file)
            granted = block("Files", quote(name), "Require all granted")
            lines += [directive("Alias", path, file)]
            lines += block("Directory", quote(directory), *granted)
        else:
            # Both or none have a slash at their end, or file names would run into it.
            file = with_slash(file) if path.endswith("/") else file
            lines += [directive("Alias", path, file)]
            lines += block("Directory", quote(file), overrides(site), "Require all granted")
    return lines


def documentation(site: Site) -> Lines:
    if not site.options.enable_docs:
        return []
    directory = installation.PACKAGE / "docs"
    options = [
        "DirectoryIndex express.md",
        'AddType "text/plain; charset=utf-8" .md',
        "Require all granted",
    ]
    return [
        directive("Alias", "/__wsgi__/docs", directory),
        *block("Directory", quote(directory), *options),
    ]


def paths(site: Site) -> Lines:
    """What holds for some paths or statuses."""
    options = site.options
    lines = [f"ErrorDocument {status} {quote(url)}" for status, url in options.error_document]
    for path in options.ignore_activity:
        lines += block("Location", quote(rooted(path)), "WSGIIgnoreActivity On")
    return lines


def environment(site: Site) -> Lines:
    options = site.options
    return [
        *(directive("SetEnv", name, value) for name, value in options.setenv),
        *(directive("PassEnv", name) for name in options.passenv),
    ]


def handlers(site: Site) -> Lines:
    """WSGI scripts for files with some extensions."""
    options = site.options
    if not options.add_handler:
        return []
    script = str(site.server_root / "resource.wsgi")
    group = site.process_group if site.mode is Mode.DAEMON else GLOBAL
    extensions = [f"AddHandler {RESOURCE_HANDLER} {ext}" for ext, _ in options.add_handler]
    return [
        f"{directive('WSGIHandlerScript', RESOURCE_HANDLER, script)} "
        f"process-group={quote(group)} application-group={GLOBAL}",
        *block("Directory", quote(site.document_root), *extensions),
    ]


def includes(site: Site) -> Lines:
    return [directive("Include", absolute(path)) for path in site.options.include_file]


def longest_first(pairs: Iterable[Pair]) -> list[Pair]:
    """By URL path, so that one stands before those it is below: the first that matches is taken."""
    return sorted(((rooted(path), target) for path, target in pairs), reverse=True)


def with_slash(text: str) -> str:
    return text if text.endswith("/") else text + "/"


def _literal(text: str) -> str:
    """A regular expression that matches a text."""
    return "".join("\\" + each if each in r"\.^$*+?()[]{}|" else each for each in text)
