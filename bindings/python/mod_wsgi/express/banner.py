"""What is printed before the server starts."""

import platform
import sys
from collections.abc import Iterator

from .derived import Mode, Site

Line = tuple[str, str]
LABEL_WIDTH = 18


def render(site: Site, setup: bool) -> str:
    """The lines; `setup` adds what is edited or run by hand."""
    lines = [*_places(site, setup), *_sizes(site), *_python()]
    return "".join(f"{label:<{LABEL_WIDTH}} : {value}\n" for label, value in lines)


def _places(site: Site, setup: bool) -> Iterator[Line]:
    options = site.options
    yield "Server URL", site.url
    if site.https_url:
        yield "Server URL (HTTPS)", site.https_url
    if options.server_status:
        yield "Server Status", site.status_url
    yield "Server Root", str(site.server_root)
    yield "Server Conf", str(site.server_root / "httpd.conf")
    yield "Error Log File", f"{site.error_log} ({options.log_level})"
    if options.access_log:
        yield "Access Log File", site.access_log
    if options.startup_log:
        yield "Startup Log File", site.startup_log
    if options.enable_coverage:
        yield "Coverage Output", f"{site.coverage_directory}/index.html"
    if options.enable_profiler:
        yield "Profiler Output", site.profiler_directory
    if options.enable_recorder:
        yield "Recorder Output", site.recorder_directory
    if setup or options.rewrite_rules:
        yield "Rewrite Rules", site.rewrite_rules
    if setup or options.envvars_script:
        yield "Environ Variables", site.envvars
    if setup:
        yield "Control Script", str(site.server_root / "apachectl")


def _sizes(site: Site) -> Iterator[Line]:
    options, sizes = site.options, site.capacity
    yield "Operating Mode", site.mode.value
    processes = "process" if sizes.processes == 1 else "processes"
    threads = "thread" if sizes.threads == 1 else "threads"
    product = f"{sizes.processes} {processes} * {sizes.threads} {threads}"
    yield "Request Capacity", f"{sizes.requests} ({product})"
    if site.mode is Mode.DAEMON:
        yield "Request Timeout", f"{options.request_timeout} (seconds)"
        if options.interrupt_timeout:
            yield "Interrupt Timeout", f"{options.interrupt_timeout} (seconds)"
        if options.startup_timeout:
            yield "Startup Timeout", f"{options.startup_timeout} (seconds)"
        yield "Queue Backlog", f"{options.daemon_backlog} (connections)"
        yield "Queue Timeout", f"{options.queue_timeout} (seconds)"
        threaded, prefork = sizes.threaded.max_clients, sizes.prefork.max_clients
        yield "Server Capacity", f"{threaded} (event/worker), {prefork} (prefork)"
    yield "Server Backlog", f"{options.server_backlog} (connections)"
    yield "Locale Setting", site.locale


def _python() -> Iterator[Line]:
    """Last, for mod_wsgi's own launcher has no such lines."""
    yield "Python Version", platform.python_version()
    yield "Python Home", sys.prefix
