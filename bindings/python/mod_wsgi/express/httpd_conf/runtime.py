"""Python, and how requests reach the application."""

import sys

from ..derived import Mode, Site
from .syntax import Lines, directive, when


def python(site: Site) -> Lines:
    lines = [
        directive("WSGIPythonHome", sys.prefix),
        directive("WSGISocketPrefix", site.socket_prefix),
        "WSGISocketRotation Off",
        *when("ORPHAN_INTERPRETER", "WSGIDestroyInterpreter Off"),
        *when("MOD_WSGI_FREE_THREADING", "WSGIFreeThreading On"),
        *when("MOD_WSGI_VERBOSE_DEBUGGING", "WSGIVerboseDebugging On"),
    ]
    lines += [directive("WSGIPythonWarnings", spec) for spec in site.options.python_warnings]
    if site.options.switch_interval is not None:
        lines.append(f"WSGISwitchInterval {site.options.switch_interval:g}")
    if site.mode is not Mode.DAEMON:
        lines.append(directive("WSGIPythonEggs", site.python_eggs))
        lines.append(directive("WSGIPythonPath", ":".join(site.python_path)))
    return lines


def requests(site: Site) -> Lines:
    return [
        "WSGIPassAuthorization On",
        f"WSGIMapHEADToGET {site.options.map_head_to_get}",
        *when("ONE_PROCESS", "WSGIRestrictStdin Off"),
        *when("MOD_WSGI_DISABLE_RELOADING", "WSGIScriptReloading Off"),
        *when("MOD_WSGI_CHUNKED_REQUEST", "WSGIChunkedRequest On"),
        *when("MOD_WSGI_ERROR_OVERRIDE", "WSGIErrorOverride On"),
    ]


def telemetry(site: Site) -> Lines:
    options = site.options
    lines = when("MOD_WSGI_SERVER_METRICS", "WSGIServerMetrics On")
    if site.telemetry_target:
        service = directive("WSGITelemetryService", site.telemetry_target)
        lines.append(f"{service} interval={options.telemetry_interval:g}")
        if options.slow_requests is not None:
            lines.append(f"WSGISlowRequests {options.slow_requests:g}")
    # They are arguments and not one: `+CaptureUserAgent -Other`.
    lines += [f"WSGITelemetryOptions {flags}" for flags in options.telemetry_options]
    return lines
