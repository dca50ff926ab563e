"""The generated httpd.conf.

What an option switches on is there in every file, inside `<IfDefine>`, and apachectl passes the
definitions of the options that were given. So the files of two servers differ in little more than
names and numbers, and the same file can be tried with other definitions.
"""

from ..derived import Site
from . import additions, application, daemons, hosts, modules, runtime, server, sizes
from .syntax import paragraphs


def render(site: Site) -> str:
    """The text of httpd.conf."""
    return paragraphs(
        server.identity(site),
        modules.mpm(site),
        modules.always(site),
        modules.wanted(site),
        server.limits(site),
        server.closed_root(),
        runtime.python(site),
        daemons.application(site),
        runtime.requests(site),
        runtime.telemetry(site),
        server.connections(site),
        server.logs(site),
        server.proxies_in_front(site),
        sizes.mpm(site),
        hosts.virtual_hosts(site),
        application.files(site),
        application.fallback(site),
        application.access(site),
        application.handler(site),
        server.status(),
        additions.proxies(site),
        additions.aliases(site),
        additions.documentation(site),
        additions.paths(site),
        additions.environment(site),
        additions.handlers(site),
        daemons.services(site),
        additions.includes(site),
    )
