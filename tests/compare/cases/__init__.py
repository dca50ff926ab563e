"""The requests that both modules are asked to answer alike."""

from __future__ import annotations

from cases.bodies import bodies
from cases.case import Case
from cases.deciding import deciding
from cases.mapping import files, groups, paths
from cases.modules import modules
from cases.output import logs, output
from cases.requests import headers, methods, proxies
from cases.response_headers import conditional, response_headers
from cases.statuses import statuses

__all__ = ["Case", "all_cases"]

TABLES = (
    methods,
    paths,
    files,
    headers,
    groups,
    proxies,
    deciding,
    bodies,
    statuses,
    response_headers,
    conditional,
    output,
    logs,
    modules,
)


def all_cases() -> list[Case]:
    found = [case for table in TABLES for case in table()]
    names = [case.name for case in found]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"names that are used twice: {sorted(twice)}"
    return found
