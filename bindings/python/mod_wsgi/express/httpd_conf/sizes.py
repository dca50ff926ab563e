"""Numbers of httpd's processes and threads."""

from ..derived import Mode, Site
from .syntax import Lines, block

THREAD_STACK = 262144


def mpm(site: Site) -> Lines:
    prefork = site.capacity.prefork
    return [
        *block("IfModule", "mpm_event_module", "MaxKeepAliveRequests 0", *_threaded(site)),
        *block("IfModule", "mpm_worker_module", _keep_alive(site), *_threaded(site)),
        *block(
            "IfModule",
            "mpm_prefork_module",
            _keep_alive(site),
            f"MaxClients {prefork.max_clients}",
            _retirement(site),
            f"ServerLimit {prefork.max_clients}",
            f"StartServers {prefork.start_servers}",
            f"MinSpareServers {prefork.min_spare_servers}",
            f"MaxSpareServers {prefork.max_spare_servers}",
        ),
    ]


def _threaded(site: Site) -> Lines:
    sizes = site.capacity.threaded
    return [
        f"ServerLimit {sizes.server_limit}",
        f"ThreadLimit {sizes.threads_per_child}",
        f"ThreadsPerChild {sizes.threads_per_child}",
        f"MaxClients {sizes.max_clients}",
        _retirement(site),
        f"StartServers {sizes.start_servers}",
        f"MinSpareThreads {sizes.min_spare_threads}",
        f"MaxSpareThreads {sizes.max_spare_threads}",
        f"ThreadStackSize {THREAD_STACK}",
    ]


def _keep_alive(site: Site) -> str:
    """A connection holds a thread of these, so it does not stay for ever."""
    return f"MaxKeepAliveRequests {500 if site.mode is Mode.DAEMON else 100}"


def _retirement(site: Site) -> str:
    """Requests after which a process of httpd ends: those that the application runs in."""
    count = site.options.maximum_requests if site.mode is Mode.EMBEDDED else 0
    return f"MaxRequestsPerChild {count}"
