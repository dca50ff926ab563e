"""Methods, versions and header fields."""

from __future__ import annotations

from collections.abc import Iterator

from cases.case import FORM, GZIP, Case, answer, credentials, run


def methods() -> Iterator[Case]:
    names = "GET HEAD POST PUT DELETE PATCH OPTIONS PROPFIND MKCOL LOCK REPORT TRACE CONNECT M-SEARCH BREW get"
    for name in names.split():
        yield Case(f"method-{name}", "/env", method=name)
    yield Case("method-options-asterisk", "*", method="OPTIONS")
    for version in ("HTTP/1.0", "HTTP/1.1"):
        yield Case(f"version-{version[5:]}", "/env", version=version)
        keep = (("Connection", "keep-alive"),)
        yield Case(f"version-keep-{version[5:]}", "/env", keep, version=version)
        yield run(f"run-{version[5:]}", answer(), version=version)
        yield run(
            f"run-length-{version[5:]}", answer(headers="('Content-Length', '4')"), version=version
        )
        yield run(
            f"run-length-keep-{version[5:]}",
            answer(headers="('Content-Length', '4')"),
            version=version,
            headers=keep,
        )
    for value in ("on", "off", "filtered", "off-filtered"):
        for compressed in ((), GZIP):
            suffix = "-gzip" if compressed else ""
            target = f"/env/head-{value}"
            yield Case(f"head-{value}{suffix}", target, compressed, method="HEAD")
            yield Case(f"head-{value}{suffix}-get", target, compressed)
    log = "print(mark, environ['REQUEST_METHOD'], file=environ['wsgi.errors'])\n"
    for name, headers in {
        "none": "",
        "length": "('Content-Length', '4')",
        "other-length": "('Content-Length', '400')",
        "zero": "('Content-Length', '0')",
        "type": "('Content-Type', 'text/x')",
    }.items():
        yield run(f"head-run-{name}", log + answer(headers=headers), method="HEAD")
        yield run(f"head-run-{name}-empty", log + answer(headers=headers, body="[]"), method="HEAD")
    yield run("head-error", log + answer("404 Not Found"), method="HEAD")
    yield run("head-raises", "raise ValueError(mark)", method="HEAD")
    yield run("head-redirect", answer("302 Found", "('Location', '/x')"), method="HEAD")


def headers() -> Iterator[Case]:
    for name, fields in {
        "repeated": (("X-A", "1"), ("X-A", "2"), ("x-a", "3")),
        "underscore": (("X_A", "1"), ("X-A", "2")),
        "dot": (("X.A", "1"), ("X!A", "2"), ("X'A", "3")),
        "digits": (("X-1", "1"), ("1", "2")),
        "empty": (("X-A", ""),),
        "spaces": (("X-A", "  a  b  "),),
        "latin": (("X-A", "gr\xfcn"),),
        "proxy": (("Proxy", "evil"),),
        "cookie": (("Cookie", "a=1"), ("Cookie", "b=2")),
        "authorization": credentials("me", "secret"),
        "proxy-authorization": (("Proxy-Authorization", "Basic x"),),
        "type": (("Content-Type", "text/plain; charset=utf-8"),),
        "type-repeated": (("Content-Type", "text/plain"), ("Content-Type", "text/html")),
        "length-zero": (("Content-Length", "0"),),
        "accept": (("Accept", "a/b"), ("Accept", "c/d;q=0.5")),
        "agent": (("User-Agent", "agent/1.0 (x; y)"),),
        "agent-empty": (("User-Agent", ""),),
        "te": (("TE", "trailers"), ("Connection", "TE")),
        "upgrade": (("Upgrade", "websocket"), ("Connection", "Upgrade")),
        "connection": (("Connection", "X-A"), ("X-A", "1")),
        "keep-alive": (("Keep-Alive", "300"),),
        "mod-wsgi": (("mod_wsgi.process_group", "x"), ("Mod-Wsgi-X", "1"), ("wsgi.input", "x")),
        "https": (("HTTPS", "on"), ("X-Forwarded-Proto", "https"), ("Host", "localhost:443")),
        "long": (("X-A", "a" * 7000),),
        "range": (("Range", "bytes=0-3"),),
        "if": (
            ("If-Modified-Since", "Mon, 01 Jan 2024 00:00:00 GMT"),
            ("If-None-Match", '"x"'),
            ("If-Match", "*"),
        ),
        "host-port": (("Host", "localhost:1234"),),
        "host-case": (("Host", "LOCALHOST"),),
        "host-ip": (("Host", "127.0.0.1:@PORT@"),),
        "host-empty": (("Host", ""),),
        "host-bad": (("Host", "a<b"),),
        "host-dot": (("Host", "localhost."),),
        "host-unknown": (("Host", "unknown.example"),),
        "expect-other": (("Expect", "something"),),
    }.items():
        yield Case(f"header-{name}", "/env/a", fields)
    for place in ("authorization", "cgi-authorization"):
        both = (*credentials("me", "secret"), ("Proxy-Authorization", "Basic x"))
        yield Case(f"header-{place}-passed", f"/env/{place}", both)
    yield Case("alias-authorization-passed", "/passing", credentials("me", "secret"))
    for place in ("variables", "computed", "wsgi", "own"):
        yield Case(
            f"variables-{place}",
            f"/env/{place}/a?q",
            (("User-Agent", "x"), *FORM),
            "POST",
            b"12345",
        )
        yield Case(f"variables-{place}-bare", f"/env/{place}", credentials("me", "secret"))
    for place in ("on", "lower", "one", "true", "off"):
        yield Case(f"https-{place}", f"/env/https-{place}")
    for host in (
        "canonical.example",
        "canonical.example:9999",
        "OTHER.example:80",
        "x.wild.example",
    ):
        for path in ("/a", "/server/a", "/host/a"):
            yield Case(f"canonical {host}{path}", path, host=host)
    for path in ("/app/a", "/app/server"):
        yield Case(f"secure {path}", path, host="secure.example")


def proxies() -> Iterator[Case]:
    every = (
        ("X-Forwarded-For", "1.1.1.1, 2.2.2.2, 10.0.0.5"), ("X-Forwarded-Host", "front.example:8443"),
        ("X-Forwarded-Server", "server.example"), ("X-Forwarded-Port", "8443"), ("X-Script-Name", "/mounted//x"),
        ("X-Forwarded-Proto", "https"), ("X-Real-IP", "3.3.3.3"), ("X-HTTPS", "on"), ("X-Host", "host.example"),
        ("X-Client-IP", "4.4.4.4"), ("X-Forwarded-Scheme", "https"), ("X-Forwarded-SSL", "on"),
        ("X-Scheme", "https"), ("X-Forwarded-Script-Name", "/fwd"), ("X-Forwarded-HTTPS", "on"),
    )  # fmt: skip
    for place in ("", "/one", "/listed", "/untrusted"):
        yield Case(f"proxy-every{place}", f"/env/proxy{place}", every)
        yield Case(f"proxy-none{place}", f"/env/proxy{place}/a")
        for number, value in enumerate(
            ("1.1.1.1", " 1.1.1.1 , 2.2.2.2", "10.0.0.1, 10.0.0.2", "1.1.1.1, 10.0.0.2,", ",,", "", "name, 10.0.0.1",
             "::1", "unknown", "10.0.0.1, name", "1.1.1.1:80, 10.0.0.1")
        ):  # fmt: skip
            yield Case(
                f"proxy-for-{number}{place}", f"/env/proxy{place}", (("X-Forwarded-For", value),)
            )
        yield Case(
            f"proxy-for-repeated{place}",
            f"/env/proxy{place}",
            (("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "2.2.2.2")),
        )
    for value in ("https", "HTTPS", "http", "on", "wss", ""):
        yield Case(f"proxy-proto-{value}", "/env/proxy", (("X-Forwarded-Proto", value),))
        yield Case(f"proxy-https-{value}", "/env/proxy/one", (("X-HTTPS", value),))
    for value in ("On", "true", "1", "Off", "false", "0", "2"):
        yield Case(f"proxy-https-{value}", "/env/proxy/one", (("X-HTTPS", value),))
