"""HTTPS: a certificate of tls.test, and requests to a virtual host that has it."""

from __future__ import annotations

import http.client
import ssl
import subprocess
from pathlib import Path

MODULES = "ssl socache_shmcb"
NAME = "tls.test"
# Within it is what the virtual host has of its own; the certificate is that of `make_certificate`.
VIRTUAL_HOST = """
SSLSessionCache shmcb:@ROOT@/sessions(65536)
Mutex file:@ROOT@ default
Listen 127.0.0.1:@TLS@
<VirtualHost 127.0.0.1:@TLS@>
    ServerName tls.test
    SSLEngine On
    SSLCertificateFile @ROOT@/certificate.pem
    @INSIDE@
</VirtualHost>
"""


def virtual_host(port: int, inside: str = "") -> str:
    return VIRTUAL_HOST.replace("@TLS@", str(port)).replace("@INSIDE@", inside)


def make_certificate(root: Path) -> None:
    """The certificate and its key, in one file."""
    path = root / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    names = ["-subj", f"/CN={NAME}", "-addext", "basicConstraints=critical,CA:FALSE"]
    output = ["-nodes", "-days", "2", "-keyout", str(path), "-out", "-"]
    result = subprocess.run([*command, *names, *output], capture_output=True, check=True)
    with path.open("ab") as stream:
        stream.write(result.stdout)


def get(
    root: Path, port: int, target: str, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body."""
    context = ssl.create_default_context(cafile=str(root / "certificate.pem"))
    context.check_hostname = False
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
    connection.request("GET", target, headers={"Host": NAME} | (headers or {}))
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body
