"""docs/deploy/systemd.md: express on ports 80 and 443, without root."""

from __future__ import annotations

import re

import pytest
from answer import Site, begin_upload
from machine import Machine
from page import Page
from waiting import poll

EXPOSED = 2.0
"""What `systemd-analyze security` calls OK ends at 4.9, and a plain service has 9.2."""


@pytest.fixture(scope="module")
def page(machine: Machine) -> Page:
    page = Page("systemd.md")
    page.run(machine, "Certificate")
    page.run(machine, "Start")
    wait_for_blog(machine)
    return page


@pytest.fixture
def blog(machine: Machine, page: Page) -> Site:
    certificate = machine.path("/etc/ssl/certs/blog.pem")
    return Site(machine, "blog.example.org", 443, certificate)


def wait_for_blog(machine: Machine) -> None:
    machine.wait_for_service("blog", 443)
    # Connections are accepted a moment before httpd knows its signals.
    assert Site(machine, "blog.example.org").get("/").status == 302


def property_of(machine: Machine, name: str) -> str:
    return machine.run(f"systemctl show --property={name} --value blog").strip()


def test_unit_is_hardened(machine: Machine, page: Page) -> None:
    report = machine.run("systemd-analyze security --offline=true --no-pager blog.service")
    match = re.search(r"exposure level for blog.service: ([0-9.]+)", report)
    assert match and float(match[1]) <= EXPOSED, report


def test_answers_with_tls_as_the_sites_user(blog: Site) -> None:
    facts = blog.whoami("/path")
    assert facts["scheme"] == "https"
    assert (facts["site"], facts["user"], facts["path"]) == ("blog", "blog", "/path")


def test_plain_http_is_redirected(machine: Machine, blog: Site) -> None:
    plain = Site(machine, "blog.example.org", 80).get("/path?query")
    assert plain.status == 302
    assert plain.header("Location") == "https://blog.example.org/path?query"
    assert blog.get("/").header("Strict-Transport-Security") == "max-age=31536000"


def test_other_host_names_are_refused(machine: Machine, blog: Site) -> None:
    assert blog.get("/", {"Host": "other.example.org"}).status == 403
    assert Site(machine, "other.example.org").get("/").status == 403


def test_no_process_has_another_user_or_capability(machine: Machine, blog: Site) -> None:
    pids = machine.run("pgrep -u blog").split()
    assert property_of(machine, "MainPID") in pids
    user = machine.run("id -u blog").strip()
    assert len(pids) >= 4
    for pid in pids:
        status = machine.run(f"cat /proc/{pid}/status")
        assert re.search(rf"^Uid:\t{user}\t{user}\t{user}\t{user}$", status, re.M), status
        assert re.search(r"^CapPrm:\t0000000000000400$", status, re.M), status
        assert re.search(r"^NoNewPrivs:\t1$", status, re.M), status


def test_messages_are_in_the_journal(machine: Machine, blog: Site) -> None:
    poll(
        lambda: "resuming normal operations" in machine.run("journalctl --no-pager -u blog"),
        "httpd's messages in the journal",
    )


def test_reload_keeps_the_server_and_replaces_the_application(
    machine: Machine, page: Page, blog: Site
) -> None:
    main, before = property_of(machine, "MainPID"), pids(blog)
    page.run(machine, "Deploy a new version")
    assert property_of(machine, "MainPID") == main
    wait_for_blog(machine)
    assert not pids(blog) & before


def pids(site: Site) -> set[int]:
    return {site.whoami()["pid"] for _ in range(8)}


@pytest.mark.parametrize(
    ("capabilities", "message"),
    [
        ("-all", "port 80 is for root"),
        ("-all,+net_bind_service", "port 80 is in use by another program"),
    ],
)
def test_message_of_the_page(machine: Machine, page: Page, capabilities: str, message: str) -> None:
    sets = " ".join(f"--{kind}-caps={capabilities}" for kind in ("inh", "ambient"))
    answer = machine.attempt(
        f"exec setpriv --reuid=blog --regid=blog --clear-groups {sets}"
        " /srv/blog/venv/bin/mod_wsgi-express start-server --application-type module whoami"
        " --working-directory /srv/blog/app --server-root /tmp/second --port 80"
    )
    assert answer.returncode != 0
    assert message in answer.stderr
    assert message in page.path.read_text()


def test_stop_lets_a_request_finish(machine: Machine, blog: Site) -> None:
    with begin_upload(blog) as connection:
        machine.run("systemctl stop --no-block blog")
        poll(lambda: not machine.accepts(443), "the port is closed")
        connection.send(b"ab")
        response = connection.read_response("POST")
    assert response.complete and response.json()["body"] == 2
    poll(lambda: property_of(machine, "ActiveState") == "inactive", "the service has stopped")
    assert property_of(machine, "Result") == "success"
    assert "SIGKILL" not in machine.run("journalctl --no-pager -u blog")
    machine.run("systemctl start blog")
    wait_for_blog(machine)


def test_restart(machine: Machine, page: Page, blog: Site) -> None:
    main = property_of(machine, "MainPID")
    page.run(machine, "Restart")
    assert property_of(machine, "MainPID") != main
    wait_for_blog(machine)
    assert blog.whoami()["user"] == "blog"
    assert page.untried() == []


def test_it_is_started_again_after_a_crash(machine: Machine, blog: Site) -> None:
    main = property_of(machine, "MainPID")
    machine.run(f"kill -KILL {main}")
    poll(lambda: property_of(machine, "MainPID") not in (main, "0"), "another main process")
    wait_for_blog(machine)
    assert blog.whoami()["user"] == "blog"
