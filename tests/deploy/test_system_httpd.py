"""docs/deploy/system-httpd.md: two sites in Debian's own httpd."""

from __future__ import annotations

import pytest
from answer import Site
from machine import Machine
from page import Page
from waiting import poll


@pytest.fixture(scope="module")
def page(machine: Machine) -> Page:
    page = Page("system-httpd.md")
    page.run(machine, "Install the module")
    page.run(machine, "Add the sites")
    return page


@pytest.fixture
def blog(machine: Machine, page: Page) -> Site:
    return Site(machine, "blog.example.org")


@pytest.fixture
def shop(machine: Machine, page: Page) -> Site:
    return Site(machine, "shop.example.org")


def test_module_is_enabled_as_debian_does_it(machine: Machine, page: Page) -> None:
    assert "wsgi_module (shared)" in machine.run("apache2ctl -M")
    assert machine.run("readlink /etc/apache2/mods-enabled/wsgi.load") == (
        "../mods-available/wsgi.load\n"
    )


def test_module_works_without_the_place_it_came_from(machine: Machine, page: Page) -> None:
    loaded = machine.run("cat /etc/apache2/mods-available/wsgi.load")
    assert 'LoadModule wsgi_module "/usr/lib/apache2/modules/mod_wsgi-py' in loaded


def test_application_at_the_root(blog: Site) -> None:
    facts = blog.whoami("/a/b")
    assert facts["site"] == "blog"
    assert (facts["script_name"], facts["path"]) == ("", "/a/b")


def test_application_below_a_path(shop: Site) -> None:
    facts = shop.whoami("/api/items")
    assert facts["site"] == "shop"
    assert (facts["script_name"], facts["path"]) == ("/api", "/items")


def test_each_site_has_its_own_user(blog: Site, shop: Site) -> None:
    assert blog.whoami("/")["user"] == "blog"
    assert shop.whoami("/api")["user"] == "shop"


def test_static_files_are_not_the_application(blog: Site, shop: Site) -> None:
    style = blog.get("/static/site.css")
    assert (style.status, style.body) == (200, b"body { color: black }\n")
    assert style.header("Cache-Control") == "max-age=3600"
    assert blog.get("/robots.txt").body == b"User-agent: *\n"
    assert shop.get("/").body == b"<h1>The shop</h1>\n"


def test_static_file_that_is_missing(blog: Site) -> None:
    assert blog.get("/static/missing.css").status == 404


def test_source_of_the_application_is_not_served(shop: Site) -> None:
    assert shop.get("/app/whoami.py").status == 404


def test_process_titles(machine: Machine, blog: Site, shop: Site) -> None:
    pids = {shop.whoami("/api")["pid"], blog.whoami()["pid"]}
    titles = {machine.run(f"ps -o args= -p {pid}").split()[0] for pid in pids}
    assert titles == {"(wsgi:blog)", "(wsgi:shop)"}


def test_touching_a_script_replaces_its_group_alone(
    machine: Machine, page: Page, blog: Site, shop: Site
) -> None:
    before, other = pids(blog), pids(shop, "/api")
    page.run(machine, "Change an application")
    poll(lambda: not pids(blog) & before, "new processes of the blog")
    assert pids(shop, "/api") == other


def test_reload_replaces_all_groups(machine: Machine, page: Page, blog: Site, shop: Site) -> None:
    before = pids(blog) | pids(shop, "/api")
    page.run(machine, "Change the configuration, or a virtual environment")
    poll(lambda: not (pids(blog) | pids(shop, "/api")) & before, "new processes of both sites")


def pids(site: Site, path: str = "/") -> set[int]:
    return {site.whoami(path)["pid"] for _ in range(8)}


def test_site_and_module_are_removed(machine: Machine, page: Page, blog: Site) -> None:
    page.run(machine, "Remove it")
    assert "wsgi_module" not in machine.run("apache2ctl -M")
    assert blog.get("/a/b").status == 404
    assert page.untried() == []
