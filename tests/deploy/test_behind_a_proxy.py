"""docs/deploy/behind-a-proxy.md: instances of two sites, behind each of three proxies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import runtimes
from answer import Site
from load import Load
from machine import Machine
from page import Page
from waiting import poll

PROXIES = {"nginx": "nginx", "HAProxy": "haproxy", "httpd": "apache2"}
"""Headings of the page, and the services they are about."""

INSTANCES = [("blog", 8101), ("blog", 8102), ("shop", 8201), ("shop", 8202)]

SPOOFED = {
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Host": "spoofed.example.org",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Proto": "http",
}


@pytest.fixture(scope="module")
def page(machine: Machine) -> Page:
    if "3.13" not in runtimes.homes():
        pytest.skip("the page's second Python, 3.13, is not there")
    page = Page("behind-a-proxy.md")
    for heading in ("Another Python for the shop", "The instances", "Certificate"):
        page.run(machine, heading)
    for site, port in INSTANCES:
        machine.wait_for_service(f"{site}@{port}", port)
    return page


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest, machine: Machine, page: Page) -> Iterator[str]:
    page.run(machine, request.param)
    service = PROXIES[request.param]
    machine.wait_for_service(service, 443)
    yield request.param
    machine.run(f"systemctl stop {service}")


@pytest.fixture
def certificate(machine: Machine, page: Page) -> Path:
    return machine.path("/etc/ssl/certs/sites.pem")


@pytest.fixture
def blog(machine: Machine, proxy: str, certificate: Path) -> Site:
    return Site(machine, "blog.example.org", 443, certificate)


@pytest.fixture
def shop(machine: Machine, proxy: str, certificate: Path) -> Site:
    return Site(machine, "shop.example.org", 443, certificate)


def test_sites_have_different_users_and_pythons(machine: Machine, blog: Site, shop: Site) -> None:
    ours, theirs = blog.whoami(), shop.whoami()
    assert (ours["site"], ours["user"]) == ("blog", "blog")
    assert (theirs["site"], theirs["user"]) == ("shop", "shop")
    assert ours["python"] == version(machine, "python3")
    assert theirs["python"] == version(machine, "python3.13")


def version(machine: Machine, python: str) -> str:
    return machine.run(f"{python} -V").split()[1]


def test_both_instances_are_used(blog: Site) -> None:
    assert len(pids(blog)) == 2


@pytest.mark.parametrize("headers", [{}, SPOOFED], ids=["plain", "spoofed"])
def test_application_sees_what_the_proxy_saw(
    machine: Machine, blog: Site, headers: dict[str, str]
) -> None:
    facts = blog.whoami("/path", headers)
    assert facts["client"] == machine.client
    assert facts["scheme"] == "https"
    assert facts["host"] == "blog.example.org"
    assert facts["port"] == "443"
    assert facts["path"] == "/path"


def test_other_addresses_are_not_believed(machine: Machine, page: Page) -> None:
    facts = Site(machine, "blog.example.org", 8101).whoami("/", SPOOFED)
    assert facts["client"] == machine.client
    assert facts["scheme"] == "http"
    assert facts["host"] == "blog.example.org"
    assert facts["port"] == "80"


def test_plain_http_is_redirected(machine: Machine, proxy: str) -> None:
    response = Site(machine, "shop.example.org").get("/path?query")
    assert response.status == 301
    assert response.header("Location") == "https://shop.example.org/path?query"


def test_upload(blog: Site) -> None:
    assert blog.request("POST", "/", body=b"x" * 300_000).json()["body"] == 300_000


@pytest.mark.parametrize("heading", ["Deploy a new version", "Restart an instance"])
def test_nobody_notices(machine: Machine, page: Page, blog: Site, proxy: str, heading: str) -> None:
    if (proxy, heading) == ("httpd", "Restart an instance"):
        heading = "Restart an instance behind httpd"
    before = pids(blog)
    with Load(lambda: expect_ok(blog), threads=3, seconds=20.0) as load:
        load.wait_answers(50)
        page.run(machine, heading)
        machine.wait_for_service("blog@8102", 8102)
        poll(lambda: pids(blog, 2).isdisjoint(before), "only new processes")
        load.wait_answers(50)
    assert not load.failures
    poll(lambda: len(pids(blog)) == 2, "both instances answer")


def expect_ok(site: Site) -> None:
    response = site.get("/")
    assert (response.status, response.complete) == (200, True), response


def pids(site: Site, requests: int = 8) -> set[int]:
    return {site.whoami()["pid"] for _ in range(requests)}


def test_every_command_was_run(page: Page) -> None:
    assert page.untried() == []
