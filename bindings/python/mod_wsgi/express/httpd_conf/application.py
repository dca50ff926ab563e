"""The document root, and the application behind it."""

from ..derived import GLOBAL, Site, absolute
from .syntax import Lines, block, directive, quote, when

HANDLER = "wsgi-handler"


def overrides(site: Site) -> str:
    return "AllowOverride " + " ".join(site.options.allow_override or ["None"])


def files(site: Site) -> Lines:
    """What httpd may read: the script that it runs, and the static files."""
    script = block("Files", quote("handler.wsgi"), "Require all granted")
    root = [
        "RewriteEngine On",
        "RewriteOptions InheritDownBefore",
        directive("Include", site.rewrite_rules),
        *when("MOD_WSGI_DIRECTORY_LISTING", "Options +Indexes"),
        *when("MOD_WSGI_WITH_CGI", "Options +ExecCGI", "AddHandler cgi-script .cgi"),
        *when(
            "MOD_WSGI_WITH_PHP5",
            "AddHandler application/x-httpd-php .php",
        ),
        overrides(site),
        "Require all granted",
    ]
    index = site.options.directory_index
    if index:
        root.insert(0, directive("DirectoryIndex", index))
    return [
        directive("DocumentRoot", site.document_root),
        'AccessFileName ".htaccess"',
        *block("Directory", quote(site.server_root), overrides(site), *script),
        *block("Directory", quote(site.document_root), *root),
    ]


def fallback(site: Site) -> Lines:
    """What is not a static file goes to the application."""
    directory = site.document_root.rstrip("/") + site.mount_point
    rules = [
        # A directory that goes to the application is not searched for an index.
        "DirectoryCheckHandler On",
        "RewriteEngine On",
        "RewriteCond %{REQUEST_FILENAME} !-f",
        *when("MOD_WSGI_DIRECTORY_INDEX", "RewriteCond %{REQUEST_FILENAME} !-d"),
        *when("MOD_WSGI_SERVER_STATUS", "RewriteCond %{REQUEST_URI} !/server-status"),
        f"RewriteRule .* - [H={HANDLER}]",
    ]
    return when("!MOD_WSGI_STATIC_ONLY", *block("Directory", quote(directory), *rules))


def access(site: Site) -> Lines:
    options = site.options
    lines: Lines = []
    if options.host_access_script:
        script = directive("WSGIAccessScript", absolute(options.host_access_script))
        lines += block("Location", "/", script)
    if options.auth_user_script:
        provider = f"Auth{options.auth_type}Provider wsgi"
        part = [
            f"AuthType {options.auth_type}",
            directive("AuthName", site.address),
            provider,
            directive("WSGIAuthUserScript", absolute(options.auth_user_script)),
        ]
        needed = ["Require valid-user"]
        if options.auth_group_script:
            part.append(directive("WSGIAuthGroupScript", absolute(options.auth_group_script)))
            needed.append(directive("Require", "wsgi-group", options.auth_group))
        lines += block("Location", "/", *part, "<RequireAll>", *_indent(needed), "</RequireAll>")
    return lines


def handler(site: Site) -> Lines:
    """The script that stands for the application, and its loading ahead of requests."""
    script = str(site.server_root / "handler.wsgi")
    daemon = _handler(site, script, site.process_group)
    here = _handler(site, script, GLOBAL)
    return when(
        "!MOD_WSGI_STATIC_ONLY",
        *when("EMBEDDED_MODE", *here),
        *when("!EMBEDDED_MODE", *when("ONE_PROCESS", *here), *when("!ONE_PROCESS", *daemon)),
    )


def _handler(site: Site, script: str, process_group: str) -> Lines:
    groups = (
        f"process-group={quote(process_group)} "
        f"application-group={quote(site.options.application_group)}"
    )
    return [
        f"{directive('WSGIHandlerScript', HANDLER, script)} {groups}",
        *when("MOD_WSGI_PRELOAD", f"{directive('WSGIImportScript', script)} {groups}"),
    ]


def _indent(lines: Lines) -> Lines:
    return ["    " + line for line in lines]
