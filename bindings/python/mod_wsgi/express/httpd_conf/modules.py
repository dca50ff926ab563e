"""The modules of httpd that are loaded."""

from .. import installation
from ..derived import Site
from .syntax import Lines, block, load, load_line, when

ALWAYS = (
    "access_compat",
    "unixd",
    "authn_core",
    "authz_core",
    "authz_host",
    "mime",
    "rewrite",
    "alias",
    "dir",
    "env",
    "headers",
    "filter",
    "reqtimeout",
)


def mpm(site: Site) -> Lines:
    """The processing model, unless httpd was built with one."""
    if site.mpm is None:
        return []
    lines = [load_line(f"mpm_{site.mpm}", f"{site.modules_directory}/mod_mpm_{site.mpm}.so")]
    for name in ("event", "worker", "prefork"):
        lines = block("IfModule", f"!mpm_{name}_module", *lines)
    return lines


def always(site: Site) -> Lines:
    lines = load(site.modules_directory, *ALWAYS)
    wsgi = load_line("wsgi", installation.module_file())
    return [*lines, *block("IfModule", "!wsgi_module", wsgi)]


def wanted(site: Site) -> Lines:
    """Those that options ask for."""
    options = site.options
    by_flag = {
        "MOD_WSGI_HTTP2": ["http2"],
        "MOD_WSGI_DIRECTORY_LISTING": ["autoindex"],
        "MOD_WSGI_COMPRESS_RESPONSES": ["deflate"],
        "MOD_WSGI_SERVER_METRICS": ["status"],
        "MOD_WSGI_SERVER_STATUS": ["status"],
        "MOD_WSGI_WITH_CGI": ["cgid" if site.has_module("cgid") else "cgi"],
        "MOD_WSGI_ACCESS_LOG": ["log_config"],
    }
    lines: Lines = []
    for define, names in by_flag.items():
        lines += when(define, *load(site.modules_directory, *names))
    php = load_line("php5", f"{site.modules_directory}/libphp5.so")
    lines += when("MOD_WSGI_WITH_PHP5", *block("IfModule", "!mod_php5.c", php))
    if options.auth_user_script:
        lines += load(site.modules_directory, "auth_basic", "auth_digest", "authz_user")
    if options.proxy_mount_point or options.proxy_virtual_host:
        lines += load(site.modules_directory, "proxy", "proxy_http")
    if options.https_port:
        lines += load(site.modules_directory, "socache_shmcb", "ssl")
    return lines
