"""Status lines, and WSGIErrorOverride."""

from __future__ import annotations

from collections.abc import Iterator

from cases.case import FORM, Case, answer, run

STATUSES = (
    "200 OK", "200", "200 ", "200 Fine", "200 Error", "201 Created", "202 Accepted", "203 X", "204 No Content", "204",
    "205 Reset Content", "206 Partial Content", "207 Multi-Status", "226 IM Used", "299 Odd", "299", "300 Multiple",
    "301 Moved Permanently", "302 Found", "303 See Other", "304 Not Modified", "304", "305 Use Proxy",
    "307 Temporary Redirect", "308 Permanent Redirect", "400 Bad Request", "400 Strange", "401 Unauthorized",
    "403 Forbidden", "404 Not Found", "404", "404 not found", "405 Method Not Allowed", "408 Request Timeout",
    "410 Gone", "411 Length Required", "412 Precondition Failed", "413 Too Large", "416 Range Not Satisfiable",
    "418 I'm a teapot", "421 Misdirected", "422 Unprocessable", "426 Upgrade", "429 Too Many Requests", "451 Law",
    "499 Odd", "500 Internal Server Error", "500 Mine", "501 Not Implemented", "502 Bad Gateway",
    "503 Service Unavailable", "504 Gateway Timeout", "599 Odd", "600 Beyond", "999 Far", "099 Low", "000 None",
    "200  Two spaces", "200 gr\xfcn", "200 OK ", "200 \t", "200 a\tb", "404 200",
)  # fmt: skip


BAD_STATUSES = (
    "", "OK", "20 OK", "2000 OK", "200OK", " 200 OK", "-20 OK", "200\tOK", "200 OK\r\nX: y", "200 a\x00b", "200 \x7f",
    "200 \u20ac", "abc OK", "\uff12\uff10\uff10 OK",
)  # fmt: skip


def statuses() -> Iterator[Case]:
    for status in STATUSES:
        yield run(f"status {status!r}", answer(status))
        yield run(f"status {status!r} empty", answer(status, body="[]"))
        yield run(f"status {status!r} length", answer(status, "('Content-Length', '4')"))
        yield run(f"status {status!r} 1.0", answer(status), version="HTTP/1.0")
    for number, status in enumerate(BAD_STATUSES):
        source = f"try:\n    start_response({status!r}, [])\nexcept Exception as error:\n    kind = type(error).__name__\n"
        source += "else:\n    kind = 'none'\n" + answer(body="[kind.encode()]")
        yield run(f"bad-status-{number}", source)
    for code in (100, 101, 102, 199):
        yield run(f"status-informational-{code}", answer(f"{code} Informational"))
    for status in (
        "400 Bad Request",
        "401 Unauthorized",
        "404 Not Found",
        "404 Mine",
        "500 X",
        "503 Y",
        "200 OK",
        "399 Z",
        "418 T",
    ):
        yield run(
            f"override {status}",
            answer(
                status,
                "('X-A', 'kept'), ('WWW-Authenticate', 'Basic'), ('Set-Cookie', 'a=b'), ('Content-Type', 'text/x')",
            ),
            "/override",
        )
        yield run(f"override-empty {status}", answer(status, body="[]"), "/override")
        yield run(f"override-head {status}", answer(status), "/override", method="HEAD")
    yield run("override-raises", "raise ValueError(mark)", "/override")
    yield run(
        "override-post",
        answer("404 Not Found"),
        "/override",
        method="POST",
        headers=FORM,
        body=b"12345",
    )
