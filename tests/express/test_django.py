"""`manage.py runmodwsgi`, with real projects on the long-term releases of Django."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import django_project
import pytest
from client import Response
from django_project import Project
from express import Express
from waiting import poll

RELEASES = {"4.2": Path(__file__).with_name("requirements-django-4.2.txt"), "5.2": None}


@dataclass
class Site:
    project: Project
    server: Express


def make_site(release: str) -> Site:
    server = Express()
    try:
        project = Project(django_project.python_with(RELEASES[release]), server.directory)
    except BaseException:
        server.remove()
        raise
    server.command = project.command
    return Site(project, server)


@pytest.fixture(scope="module", params=RELEASES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    site = make_site(request.param)
    try:
        assert site.project.manage("version").startswith(request.param)
        site.server.start()
        yield site
    finally:
        site.server.remove()


@pytest.fixture
def own_site() -> Iterator[Site]:
    """One that the test starts, and may change."""
    site = make_site("5.2")
    yield site
    site.server.remove()


def test_what_it_prints(site: Site) -> None:
    lines = site.server.output.read_text().splitlines()
    assert lines[0] == "Successfully ran command."
    assert any(line.startswith("Server URL") for line in lines)


def test_a_page(site: Site) -> None:
    assert site.server.text("/hello/you").startswith("Hello you at /hello/you ")


def test_a_page_that_is_not_there(site: Site) -> None:
    assert site.server.get("/nowhere").status == 404


def test_a_view_that_raises(site: Site) -> None:
    assert site.server.get("/broken").status == 500
    site.server.wait_for_log("ValueError: in a view")


def test_static_files_are_httpds(site: Site) -> None:
    file = site.project.directory / "collected/admin/css/base.css"
    response = site.server.get("/static/admin/css/base.css")
    assert (response.status, response.body) == (200, file.read_bytes())
    assert response.header("Content-Type") == "text/css"
    # What httpd says of files, and Django of nothing.
    assert response.header("ETag") and response.header("Last-Modified")
    assert site.server.get("/static/admin/css/none.css").status == 404


def cookies(response: Response) -> dict[str, str]:
    pairs = [value.partition(";")[0].partition("=") for value in response.all("Set-Cookie")]
    return {name: value for name, _, value in pairs}


def test_logging_in_to_the_admin_site(site: Site) -> None:
    """A form with its token, the database, a session and a redirection."""
    page = site.server.get("/admin/login/?next=/admin/")
    assert page.status == 200
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.body.decode())
    assert found
    jar = cookies(page)
    form = {
        "username": "admin",
        "password": "only for tests",
        "csrfmiddlewaretoken": found[1],
        "next": "/admin/",
    }
    header = "; ".join(f"{name}={value}" for name, value in jar.items())
    answer = site.server.form(
        "/admin/login/?next=/admin/", urlencode(form).encode(), [("Cookie", header)]
    )
    assert (answer.status, answer.header("Location")) == (302, "/admin/")
    jar |= cookies(answer)
    header = "; ".join(f"{name}={value}" for name, value in jar.items())
    page = site.server.get("/admin/", {"Cookie": header})
    assert page.status == 200
    assert b"Site administration" in page.body


def test_below_a_mount_point(own_site: Site) -> None:
    server = own_site.server
    server.start("--mount-point", "/site", "--processes", "2")
    assert server.text("/site/hello/you").startswith("Hello you at /site/hello/you ")


def test_other_settings(own_site: Site) -> None:
    """Those named to manage.py are those of the server's processes."""
    own_site.project.write(
        "other.py", "from .settings import *\nROOT_URLCONF = 'site_of_test.other_urls'\n"
    )
    own_site.project.write(
        "other_urls.py",
        "from django.http import HttpResponse\nfrom django.urls import path\n"
        "urlpatterns = [path('', lambda request: HttpResponse('other'))]\n",
    )
    own_site.server.start("--settings", "site_of_test.other")
    assert own_site.server.text() == "other"


def test_whitenoise_serves_static_files_itself(own_site: Site) -> None:
    own_site.project.write(
        "with_whitenoise.py",
        "from .settings import *\nMIDDLEWARE += ['whitenoise.middleware.WhiteNoiseMiddleware']\n",
    )
    words = ["runmodwsgi", "--setup-only", "--server-root", str(own_site.server.server_root)]
    configuration = own_site.server.server_root / "httpd.conf"
    own_site.project.manage(*words)
    assert "/collected" in configuration.read_text()
    own_site.project.manage(*words, "--settings", "site_of_test.with_whitenoise")
    assert "/collected" not in configuration.read_text()


def test_whitenoise(own_site: Site) -> None:
    """It answers with what httpd would not: compressed files, and headers of its own."""
    project, server = own_site.project, own_site.server
    project.write(
        "with_whitenoise.py",
        "from .settings import *\n"
        "DEBUG = False\n"
        "MIDDLEWARE.insert(1, 'whitenoise.middleware.WhiteNoiseMiddleware')\n"
        "STORAGES = {\n"
        "    'default': {'BACKEND': 'django.core.files.storage.FileSystemStorage'},\n"
        "    'staticfiles': {\n"
        "        'BACKEND': 'whitenoise.storage.CompressedManifestStaticFilesStorage'\n"
        "    },\n"
        "}\n",
    )
    named = ["--settings", "site_of_test.with_whitenoise"]
    project.manage("collectstatic", "--no-input", "--verbosity=0", "--clear", *named)
    server.start(*named, "--processes", "2")
    (file,) = (project.directory / "collected/admin/css").glob("base.????????????.css")
    path = f"/static/admin/css/{file.name}"
    response = server.get(path)
    assert (response.status, response.body) == (200, file.read_bytes())
    # Of a file whose name has its digest, by WhiteNoise alone.
    assert "immutable" in (response.header("Cache-Control") or "")
    packed = server.get(path, {"Accept-Encoding": "gzip"})
    assert packed.header("Content-Encoding") == "gzip"
    assert gzip.decompress(packed.body) == response.body
    assert server.get(path, {"If-None-Match": response.header("ETag") or ""}).status == 304
    part = server.get(path, {"Range": "bytes=5-9"})
    assert (part.status, part.body) == (206, response.body[5:10])
    head = server.request("HEAD", path)
    assert head.header("Content-Length") == str(len(response.body))
    assert f"/static/admin/css/{file.name}" in server.text("/admin/login/")
    assert server.get("/static/admin/css/none.css").status == 404
    assert server.text("/hello/you").startswith("Hello you")


def test_reload_on_changes(own_site: Site) -> None:
    server = own_site.server
    server.start("--reload-on-changes")
    before = server.text("/hello/you")
    server.wait_for_log("Starting change monitor.")
    path = own_site.project.directory / "site_of_test/urls.py"
    changed = path.read_text().replace("Hello", "Good day")

    def is_changed() -> bool:
        # The monitor notes the time of a file when it first looks.
        if server.log().count("Change detected") == 0:
            path.write_text(changed)
        return server.text("/hello/you").startswith("Good day you")

    poll(is_changed, "the change is there", 30)
    assert server.text("/hello/you").split()[-1] != before.split()[-1]


def test_a_project_with_a_mistake(own_site: Site) -> None:
    """It is told before httpd starts."""
    own_site.project.write("wsgi.py", "import missing_module\n")
    with pytest.raises(AssertionError, match="the server ended"):
        own_site.server.start()
    told = own_site.server.told()
    assert "CommandError: the application cannot be loaded" in told
    assert "ModuleNotFoundError: No module named 'missing_module'" in told
