"""What concerns httpd itself: its identity, limits, connections, logs."""

from ..derived import Site, can_open
from .syntax import Lines, block, directive, quote, when

COMPRESSED = (
    "text/plain",
    "text/html",
    "text/xml",
    "text/css",
    "text/javascript",
    "application/xhtml+xml",
    "application/javascript",
    "application/json",
)
LOG_FORMATS = {
    "common": r'"%h %l %u %t \"%r\" %>s %b"',
    "combined": r'"%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-agent}i\""',
}


def identity(site: Site) -> Lines:
    options = site.options
    ports = [options.port] if options.https_port is None else [options.port, options.https_port]
    return [
        directive("ServerName", site.host),
        directive("ServerRoot", site.server_root),
        directive("PidFile", site.pid_file),
        directive("DefaultRuntimeDir", site.server_root),
        "ServerTokens ProductOnly",
        "ServerSignature Off",
        "",
        "User ${MOD_WSGI_USER}",
        "Group ${MOD_WSGI_GROUP}",
        "",
        *(f"Listen {site.listen(port)}" for port in ports),
    ]


def limits(site: Site) -> Lines:
    options = site.options
    header = _rate(
        "header", options.header_timeout, options.header_max_timeout, options.header_min_rate
    )
    body = _rate("body", options.body_timeout, options.body_max_timeout, options.body_min_rate)
    return [
        "HostnameLookups Off",
        "MaxMemFree 64",
        f"Timeout {options.socket_timeout}",
        f"ListenBacklog {options.server_backlog}",
        f"RequestReadTimeout {header} {body}",
        f"LimitRequestBody {options.limit_request_body}",
    ]


def _rate(stage: str, first: int, extended: int, rate: int) -> str:
    """One part of RequestReadTimeout; a part left out would mean httpd's own limit."""
    if not first:
        return f"{stage}=0"
    seconds = f"{first}-{extended}" if extended else str(first)
    return f"{stage}={seconds},MinRate={rate}" if rate else f"{stage}={seconds}"


def closed_root() -> Lines:
    return block("Directory", "/", "AllowOverride None", "Require all denied")


def connections(site: Site) -> Lines:
    timeout = site.options.keep_alive_timeout
    types = " ".join(COMPRESSED)
    return [
        *when("MOD_WSGI_KEEP_ALIVE", "KeepAlive On", f"KeepAliveTimeout {timeout}"),
        *when("!MOD_WSGI_KEEP_ALIVE", "KeepAlive Off"),
        *when("MOD_WSGI_HTTP2", "Protocols h2 h2c http/1.1"),
        *when("MOD_WSGI_ENABLE_SENDFILE", "EnableSendfile On", "WSGIEnableSendfile On"),
        *when("MOD_WSGI_COMPRESS_RESPONSES", f"AddOutputFilterByType DEFLATE {types}"),
        directive("TypesConfig", site.mime_types),
    ]


def logs(site: Site) -> Lines:
    options = site.options
    lines = [
        f"ErrorLog {log_target(site, site.error_log)}",
        f"LogLevel {options.log_level}",
    ]
    if options.error_log_format:
        lines.append(directive("ErrorLogFormat", options.error_log_format))
    target = log_target(site, site.access_log)
    written = LOG_FORMATS.get(options.access_log_format) or quote(options.access_log_format)
    return lines + when(
        "MOD_WSGI_ACCESS_LOG",
        f"LogFormat {LOG_FORMATS['common']} common",
        f"LogFormat {LOG_FORMATS['combined']} combined",
        f"CustomLog {target} {written}",
    )


def log_target(site: Site, path: str) -> str:
    """A log's file, or the program that writes it."""
    if site.logs_to_terminal and not can_open(path):
        # A socket, or somebody else's terminal: it can be inherited, but not opened.
        to = " >&2" if path == "/dev/stderr" else ""
        return quote(f"|$exec tee{to}")
    if site.rotates_logs:
        name = f"{path}.%Y-%m-%d-%H_%M_%S"
        program = quote(site.rotatelogs) if " " in site.rotatelogs else site.rotatelogs
        file = quote(name) if " " in name else name
        return quote(f"|{program} {file} {site.options.max_log_size}M")
    return quote(path)


def proxies_in_front(site: Site) -> Lines:
    options = site.options
    lines = []
    if options.trust_proxy_header:
        lines.append(directive("WSGITrustedProxyHeaders", *options.trust_proxy_header))
    if options.trust_proxy:
        lines.append(directive("WSGITrustedProxies", *options.trust_proxy))
    return lines


def status() -> Lines:
    """After what restricts access to everything, which it overrides."""
    location = block("Location", "/server-status", "SetHandler server-status", "Require local")
    return [
        *when("MOD_WSGI_SERVER_METRICS", "ExtendedStatus On"),
        *when("MOD_WSGI_SERVER_STATUS", *location),
    ]
