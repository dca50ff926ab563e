"""Which directives the module has, as httpd tells that loads it."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from mod_wsgi.express import installation

PROVIDER = """
LoadModule authn_core_module "{modules}/mod_authn_core.so"
LoadModule authz_core_module "{modules}/mod_authz_core.so"
LoadModule auth_basic_module "{modules}/mod_auth_basic.so"
<Location />
    AuthBasicProvider wsgi
</Location>
"""


def needs(*names: str) -> pytest.MarkDecorator:
    """Skips a test as long as the module does not have all of these directives."""
    missing = [name for name in names if not is_known(name)]
    return pytest.mark.skipif(bool(missing), reason=f"the module has no {', '.join(missing)}")


def needs_authentication() -> pytest.MarkDecorator:
    """Skips a test as long as scripts do not decide about requests."""
    assert reads(""), "httpd does not load the module"
    provided = reads(PROVIDER.format(modules=installation.built_for().modules))
    return pytest.mark.skipif(not provided, reason="the module has no provider wsgi")


@functools.cache
def is_known(directive: str) -> bool:
    return not reads(f"<IfDirective {directive}>\nNoSuchDirective\n</IfDirective>\n")


@functools.cache
def reads(lines: str) -> bool:
    """Whether httpd with the module accepts these lines."""
    facts = installation.built_for()
    base = [
        "ServerName localhost",
        f"ErrorLog {os.devnull}",
        f'LoadModule mpm_event_module "{facts.modules}/mod_mpm_event.so"',
        f'LoadModule wsgi_module "{installation.module_file()}"',
    ]
    with TemporaryDirectory() as directory:
        config = Path(directory, "httpd.conf")
        config.write_text("\n".join([*base, lines]))
        command = [facts.httpd, "-d", directory, "-f", config, "-t"]
        return subprocess.run(command, capture_output=True).returncode == 0
