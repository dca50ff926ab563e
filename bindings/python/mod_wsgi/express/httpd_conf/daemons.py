"""The daemon processes: of the application, and of service scripts."""

from ..derived import GLOBAL, Mode, Service, Site
from .server import log_target
from .syntax import Lines, block, directive, quote, when

TIMES_AND_SIZES = (
    "maximum-requests",
    "startup-timeout",
    "shutdown-timeout",
    "restart-interval",
    "cpu-time-limit",
    "graceful-timeout",
    "eviction-timeout",
    "deadlock-timeout",
    "inactivity-timeout",
    "request-timeout",
    "interrupt-timeout",
    "connect-timeout",
    "socket-timeout",
    "queue-timeout",
    "response-socket-timeout",
    "send-buffer-size",
    "receive-buffer-size",
    "header-buffer-size",
    "response-buffer-size",
    "response-flush-delay",
)
"""Options of a process group that are options of the launcher, with the same name and meaning."""


def application(site: Site) -> Lines:
    """The process group of the application; nothing runs in httpd's own processes."""
    options = site.options
    facts: dict[str, object] = {"display-name": site.process_title, "home": site.working_directory}
    if options.processes is not None:
        facts["processes"] = options.processes
    facts |= {"threads": options.threads, **_python(site)}
    facts |= {name: getattr(options, name.replace("-", "_")) for name in TIMES_AND_SIZES}
    facts["listen-backlog"] = options.daemon_backlog
    if options.switch_interval is not None:
        facts["switch-interval"] = f"{options.switch_interval:g}"
    lines = ["WSGIRestrictEmbedded On", *_group(site, site.process_group, facts)]
    # Both of them run the application in httpd's own processes.
    return when("!ONE_PROCESS", *when("!EMBEDDED_MODE", *lines))


def services(site: Site) -> Lines:
    lines: Lines = []
    if site.mode is Mode.DEBUG:
        return lines
    for service in site.services:
        part = [
            *_group(site, service.process_group, _service_facts(site, service)),
            directive("WSGIImportScript", service.script)
            + f" process-group={quote(service.process_group)} application-group={GLOBAL}",
        ]
        if service.log_file:
            log = f"ErrorLog {log_target(site, site.log_file(service.log_file))}"
            # A host of its own for the sake of its log. Nothing listens there.
            name = directive("ServerName", f"service-{service.name}.invalid")
            part = block("VirtualHost", "127.0.0.1:1", name, log, *part)
        lines += part
    return lines


def _service_facts(site: Site, service: Service) -> dict[str, object]:
    facts: dict[str, object] = {
        "display-name": f"(wsgi:{service.process_group})",
        "user": service.user or "${MOD_WSGI_USER}",
        "group": service.group or "${MOD_WSGI_GROUP}",
        "home": site.working_directory,
        "threads": 0,
        **_python(site),
    }
    if site.options.switch_interval is not None:
        facts["switch-interval"] = f"{site.options.switch_interval:g}"
    return facts


def _python(site: Site) -> dict[str, object]:
    facts: dict[str, object] = {}
    if site.python_path:
        facts["python-path"] = ":".join(site.python_path)
    facts["python-eggs"] = site.python_eggs
    facts |= {"lang": site.locale, "locale": site.locale}
    return facts


def _group(site: Site, name: str, facts: dict[str, object]) -> Lines:
    """One directive, with each option on a line of its own."""
    facts = facts | {"server-metrics": "On" if site.options.server_metrics else "Off"}
    words = [f"    {option}={_value(value)}" for option, value in facts.items()]
    *lines, last = [directive("WSGIDaemonProcess", name), *words]
    return [*(line + " \\" for line in lines), last]


def _value(value: object) -> str:
    return str(value) if isinstance(value, (int, float)) else quote(value)
