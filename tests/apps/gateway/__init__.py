"""The applications of the gateway tests, by name."""

from . import (
    environ,
    errors,
    files,
    headers,
    hostile,
    input,
    iteration,
    recorder,
    start_response,
    streaming,
)

MODULES = [
    environ,
    errors,
    files,
    headers,
    hostile,
    input,
    iteration,
    recorder,
    start_response,
    streaming,
]
APPS = {name: app for module in MODULES for name, app in module.APPS.items()}
