"""Processes without a GIL: what WSGIFreeThreading does depends on the build of Python."""

from __future__ import annotations

import pytest

from conftest import StartHttpd
from interpreters import MODES, in_each, section, sites
from runtimes import is_free_threaded
from waiting import poll

ENABLED = "getattr(sys, '_is_gil_enabled', lambda: True)()"


@pytest.mark.parametrize("mode", MODES)
def test_free_threading_on(httpd: StartHttpd, mode: str) -> None:
    """It is a matter of the process, and of a build that can do without a GIL."""
    config = sites(mode) + "WSGIFreeThreading On\n"
    config += section("WSGIFreeThreading Off", "application-group=a")
    server = httpd(config)
    server.log.expect(r"WC0039: .*'a' is ignored")
    if is_free_threaded():
        # While an extension module is imported, there is one.
        poll(lambda: in_each(server, ENABLED) == [False] * 3, "no GIL")
    else:
        server.log.expect(r"WC0039: .*can't do without a GIL")
        assert in_each(server, ENABLED) == [True] * 3


@pytest.mark.parametrize("mode", MODES)
def test_free_threading_off(httpd: StartHttpd, mode: str) -> None:
    """Off, which is the default, brings the GIL back; the section is more specific."""
    own = "app" if mode == "daemon" else "%{GLOBAL}"
    config = sites(mode) + "WSGIFreeThreading Off\n"
    server = httpd(config + section("WSGIFreeThreading Off", f"process-group={own}"))
    assert in_each(server, ENABLED) == [True] * 3


@pytest.mark.parametrize("mode", MODES)
def test_what_makes_no_sense_without_a_gil(httpd: StartHttpd, mode: str) -> None:
    if not is_free_threaded():
        pytest.skip("this build of Python has a GIL")
    config = sites(mode) + "WSGIPerInterpreterGIL On\n"
    server = httpd(config + section("WSGISwitchInterval 0.5", "application-group=%{GLOBAL}"))
    server.log.expect(r"WC0037: .* the process runs without a GIL", 2)
    server.log.expect(r"WC0038: .* main interpreter .* the process runs without a GIL")
    assert in_each(server, "round(sys.getswitchinterval(), 6)") == [0.005] * 3
