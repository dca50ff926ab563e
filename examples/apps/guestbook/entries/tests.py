import os
import stat
import tempfile
from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.test import (
    Client,
    RequestFactory,
    SimpleTestCase,
    TestCase,
    override_settings,
)
from django.urls import set_script_prefix

from .models import Entry

ENTRY = {"name": "Ada", "message": "Lovely place."}


class GuestbookTests(TestCase):
    def test_an_empty_guestbook_invites(self):
        response = self.client.get("/")
        self.assertContains(response, "Be the first!")
        self.assertContains(response, "0 entries")

    def test_an_entry_is_saved_and_shown(self):
        response = self.client.post("/", ENTRY, follow=True)
        self.assertEqual(response.redirect_chain, [("/", 302)])
        self.assertContains(response, "Thank you for your entry!")
        self.assertContains(response, "1 entry")
        self.assertContains(response, "Lovely place.")
        self.assertNotContains(self.client.get("/"), "Thank you")

    def test_missing_fields_are_named_and_input_is_kept(self):
        response = self.client.post("/", {"name": "", "message": "Kept."})
        self.assertContains(response, "Please tell us your name.")
        self.assertContains(response, "Kept.")
        self.assertContains(response, 'aria-invalid="true"')
        self.assertEqual(Entry.objects.count(), 0)

    def test_what_is_too_long_is_refused(self):
        response = self.client.post("/", ENTRY | {"message": "x" * 1001})
        self.assertContains(response, "at most 1000 characters")

    def test_markup_is_shown_and_not_interpreted(self):
        self.client.post("/", {"name": "<b>Eve</b>", "message": "<script>alert(1)"})
        response = self.client.get("/")
        self.assertContains(response, "&lt;b&gt;Eve&lt;/b&gt;")
        self.assertNotContains(response, "<script")

    def test_names_of_all_scripts(self):
        self.client.post("/", ENTRY | {"name": "Żółć 山田 🙂"})
        self.assertContains(self.client.get("/"), "Żółć 山田 🙂")

    def test_newest_entries_come_first_on_pages(self):
        for number in range(25):
            Entry.objects.create(name=f"Guest {number}", message="Hello")
        first = self.client.get("/")
        self.assertContains(first, "Guest 24")
        self.assertNotContains(first, "Guest 14")
        self.assertContains(first, "Page 1 of 3")
        last = self.client.get("/?page=3")
        self.assertContains(last, "Guest 0<")
        self.assertNotContains(last, ">Older<")

    def test_pages_that_do_not_exist_fall_back(self):
        self.assertEqual(self.client.get("/?page=x").status_code, 200)
        self.assertEqual(self.client.get("/?page=99").status_code, 200)

    def test_a_post_without_its_token_is_refused(self):
        client = Client(enforce_csrf_checks=True)
        with self.assertLogs("django.security.csrf", "WARNING"):
            self.assertEqual(client.post("/", ENTRY).status_code, 403)
        self.assertEqual(Entry.objects.count(), 0)

    def test_a_post_with_its_token_is_accepted(self):
        client = Client(enforce_csrf_checks=True)
        page = client.get("/")
        token = {"csrfmiddlewaretoken": page.context["csrf_token"]}
        self.assertEqual(client.post("/", ENTRY | token).status_code, 302)

    def test_other_methods_are_refused(self):
        with self.assertLogs("django.request", "WARNING"):
            self.assertEqual(self.client.delete("/").status_code, 405)

    def test_foreign_hosts_are_refused(self):
        with self.assertLogs("django.security.DisallowedHost", "ERROR"):
            response = self.client.get("/", headers={"host": "evil.example"})
        self.assertEqual(response.status_code, 400)

    def test_links_stay_below_the_mount_point(self):
        environ = RequestFactory().get("/", SCRIPT_NAME="/book").environ
        self.addCleanup(set_script_prefix, "/")
        page = b"".join(get_wsgi_application()(environ, lambda *head: None))
        self.assertIn(b'action="/book/"', page)


class StaticTests(SimpleTestCase):
    def test_the_style_sheet_is_served_without_an_alias(self):
        response = self.client.get("/static/entries/style.css")
        self.assertEqual(response.headers["Content-Type"], "text/css")
        self.assertIn(b"color-scheme", b"".join(response.streaming_content))


class SetupTests(TestCase):
    def test_setup_makes_a_private_key_once_and_collects_static_files(self):
        with tempfile.TemporaryDirectory() as directory:
            data = Path(directory) / "new"
            key = data / "secret_key"
            with override_settings(
                DATA_DIR=data, SECRET_KEY_FILE=key, STATIC_ROOT=data / "static"
            ):
                call_command("setup", stdout=StringIO())
                first = key.read_text()
                call_command("setup", stdout=StringIO())
            self.assertEqual(key.read_text(), first)
            self.assertGreaterEqual(len(first.strip()), 50)
            self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
            self.assertTrue((data / "static/entries/style.css").exists())
