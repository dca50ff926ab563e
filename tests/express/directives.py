"""Which directives the module has, as httpd tells that loads it."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from mod_wsgi.express import installation


def needs(*names: str) -> pytest.MarkDecorator:
    """Skips a test as long as the module does not have all of these directives."""
    missing = [name for name in names if not is_known(name)]
    return pytest.mark.skipif(bool(missing), reason=f"the module has no {', '.join(missing)}")


@functools.cache
def is_known(directive: str) -> bool:
    """By the definitions that httpd shows after it has read a configuration."""
    facts = installation.built_for()
    lines = [
        "ServerName localhost",
        f'LoadModule mpm_event_module "{facts.modules}/mod_mpm_event.so"',
        f'LoadModule wsgi_module "{installation.module_file()}"',
        f"<IfDirective {directive}>",
        "Define DIRECTIVE_IS_KNOWN",
        "</IfDirective>",
    ]
    with TemporaryDirectory() as directory:
        config = Path(directory, "httpd.conf")
        config.write_text("\n".join(lines) + "\n")
        command = [facts.httpd, "-d", directory, "-f", config, "-t", "-DDUMP_RUN_CFG"]
        answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return "DIRECTIVE_IS_KNOWN" in answer.stdout
