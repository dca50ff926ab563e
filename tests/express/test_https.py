"""HTTPS, certificates of clients, HTTP/2."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Start
from express import Express, public_directory
from process import free_port

SITE = "site.example"


@dataclass(frozen=True)
class Tls:
    directory: Path

    def file(self, name: str) -> str:
        return str(self.directory / name)


@pytest.fixture(scope="module")
def tls() -> Iterator[Tls]:
    """An authority, a server's certificate that it has signed, and a client's."""
    directory = public_directory()

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(
        *("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.crt"),
        *("-subj", "/CN=authority", "-days", "2"),
    )
    names = f"subjectAltName=DNS:{SITE},DNS:www.{SITE},DNS:localhost\n"
    (directory / "names").write_text(names)
    for name in ("site", "client"):
        openssl(
            *("req", *new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        )
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-out", f"{name}.crt", "-days", "2", "-extfile", "names"),
        )
    yield Tls(directory)
    shutil.rmtree(directory)


@dataclass(frozen=True)
class Answer:
    status: int
    version: str
    location: str
    headers: dict[str, list[str]]
    body: bytes

    def environ(self) -> dict:
        assert self.status == 200, self
        return json.loads(self.body)


class Site:
    """A server with HTTPS, asked with curl."""

    def __init__(self, start: Start, tls: Tls, *words: str | Path) -> None:
        self.tls = tls
        self.https_port = free_port()
        self.server: Express = start(
            *("--https-port", str(self.https_port), "--ssl-certificate", tls.file("site")), *words
        )

    def get(
        self, path: str = "/", *options: str, host: str = SITE, scheme: str = "https"
    ) -> Answer:
        port = self.https_port if scheme == "https" else self.server.port
        place = f"{host}:{port}"
        form = "%{http_code}\n%{http_version}\n%{redirect_url}\n%{header_json}"
        command = ["curl", "-sS", "--cacert", self.tls.file("ca.crt"), "-w", "%{stderr}" + form]
        command += ["--resolve", f"{place}:127.0.0.1", *options, f"{scheme}://{place}{path}"]
        answer = subprocess.run(command, capture_output=True, timeout=30)
        assert answer.returncode == 0, answer.stderr
        status, version, location, headers = answer.stderr.decode().split("\n", 3)
        return Answer(int(status), version, location, json.loads(headers), answer.stdout)


def test_without_a_name(start: Start, environ_app: Path, tls: Tls) -> None:
    site = Site(start, tls, environ_app)
    facts = site.get().environ()
    assert facts["wsgi.url_scheme"] == "https"
    assert facts["process"]["MOD_WSGI_HTTPS_PORT"] == str(site.https_port)
    assert "SSL_PROTOCOL" not in facts
    assert site.get(scheme="http").environ()["wsgi.url_scheme"] == "http"
    assert f"Server URL (HTTPS) : https://localhost:{site.https_port}/" in site.server.told()


def test_with_a_name(start: Start, environ_app: Path, tls: Tls) -> None:
    site = Site(start, tls, environ_app, "--server-name", SITE, "--ssl-environment")
    site.server.expected.append("AH01630")
    facts = site.get().environ()
    assert facts["wsgi.url_scheme"] == "https"
    assert facts["SSL_PROTOCOL"].startswith("TLS")
    assert site.get(host="localhost").status == 403


def test_https_only(start: Start, environ_app: Path, tls: Tls) -> None:
    policy = "max-age=31536000; includeSubDomains"
    words = ("--https-only", "--hsts-policy", policy)
    for more in ((), ("--server-name", SITE)):
        site = Site(start, tls, environ_app, *words, *more)
        answer = site.get("/a%20b/c?d=1&e=%20", scheme="http")
        assert answer.status == 302
        assert answer.location == f"https://{SITE}:{site.https_port}/a%20b/c?d=1&e=%20"
        assert "strict-transport-security" not in answer.headers
        assert site.get().headers["strict-transport-security"] == [policy]


def test_www(start: Start, environ_app: Path, tls: Tls) -> None:
    site = Site(start, tls, environ_app, "--server-name", f"www.{SITE}")
    answer = site.get("/x?y")
    assert answer.status == 301
    assert answer.location == f"https://www.{SITE}:{site.https_port}/x?y"


def client_options(tls: Tls) -> list[str]:
    return ["--cert", tls.file("client.crt"), "--key", tls.file("client.key")]


@pytest.mark.parametrize("version", [[], ["--tls-max", "1.2"], ["--http2"]])
def test_client_certificate(start: Start, environ_app: Path, tls: Tls, version: list[str]) -> None:
    words = ["--http2"] if "--http2" in version else []
    site = Site(
        *(start, tls, environ_app, "--ssl-ca-certificate-file", tls.file("ca.crt")),
        *("--ssl-environment", *words),
    )
    site.server.expected.append("AH0")
    assert site.get("/", *version).status == 403
    facts = site.get("/", *version, *client_options(tls)).environ()
    assert facts["SSL_CLIENT_S_DN_CN"] == "client"
    assert site.get(scheme="http").status == 200


def test_client_certificate_for_a_path(start: Start, environ_app: Path, tls: Tls) -> None:
    site = Site(
        *(start, tls, environ_app, "--ssl-ca-certificate-file", tls.file("ca.crt")),
        *("--ssl-verify-client", "/admin", "--ssl-verify-client", "/secret"),
    )
    site.server.expected.append("AH0")
    assert site.get("/").status == 200
    for path in ("/admin", "/admin/x", "/secret"):
        assert site.get(path).status == 403
        assert site.get(path, *client_options(tls)).status == 200


def test_separate_files(start: Start, environ_app: Path, tls: Tls) -> None:
    port = free_port()
    server = start(
        *(environ_app, "--ssl-port", str(port)),
        *("--ssl-certificate-file", tls.file("site.crt")),
        *("--ssl-certificate-key-file", tls.file("site.key")),
        *("--ssl-certificate-chain-file", tls.file("ca.crt")),
    )
    server.expected.append("AH0")
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-showcerts"]
    shown = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert shown.stdout.count("BEGIN CERTIFICATE") >= 2


def test_http2(start: Start, environ_app: Path, tls: Tls) -> None:
    site = Site(start, tls, environ_app, "--http2")
    answer = site.get("/", "--http2")
    assert answer.version == "2"
    assert answer.environ()["wsgi.url_scheme"] == "https"
    assert site.get("/", "--http2-prior-knowledge", scheme="http").version == "2"
    assert site.get("/", "--http1.1").version == "1.1"
