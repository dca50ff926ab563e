"""Bodies of requests."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from cases.case import CHUNKED, FORM, Case, answer, chunked, run


def bodies() -> Iterator[Case]:
    def reading(expression: str) -> str:
        return f"data = repr({expression}).encode()\n" + answer(body="[data]")

    read = "environ['wsgi.input'].read()"
    both = f"({read}, environ.get('CONTENT_LENGTH'), environ.get('HTTP_TRANSFER_ENCODING'), environ.get('CONTENT_TYPE'))"
    text = b"one\ntwo\n\nfour"
    length = (("Content-Length", str(len(text))),)
    stream = "environ['wsgi.input']"
    for number, expression in enumerate(
        (
            read, f"{stream}.read(-1)", f"{stream}.read(0)", f"{stream}.read(5), {stream}.read(100), {stream}.read()",
            f"{stream}.readline(), {stream}.readline(2), {stream}.read()", f"{stream}.readlines()",
            f"{stream}.readlines(5), {stream}.read()", f"list({stream})", f"next(iter({stream})), {stream}.read(3)",
            f"{stream}.close(), {stream}.read()", f"{stream}.readline(-1)", f"{stream}.readline(0)",
            f"{stream}.readlines(0)", f"{stream}.read(None)", f"{stream}.readline(None)", f"{stream}.readlines(None)",
            f"type({stream}).__name__, type({stream}).__module__", f"sorted(n for n in dir({stream}) if n[0] != '_')",
            f"{stream}.read(True)", "'unread'", f"iter({stream}) is {stream}", f"{stream}.read(10**10)",
        )
    ):  # fmt: skip
        yield run(f"body-{number}", reading(expression), method="POST", headers=length, body=text)
    for number, call in enumerate(
        ("read('x')", "read(1.5)", "readline('x')", "readlines('x')", "read(1, 2)", "read(size=1)", "readline(1, 2)",
         "seek(0)", "fileno()")
    ):  # fmt: skip
        source = f"try:\n    {stream}.{call}\nexcept Exception as error:\n    kind = type(error).__name__\n"
        source += "else:\n    kind = 'none'\n" + answer(body="[kind.encode()]")
        yield run(f"body-error-{number} {call}", source, method="POST", headers=length, body=text)
    for place in ("/run", "/run/chunked", "/run/limited"):
        slug = place.replace("/", "-")[1:]
        yield run(
            f"{slug}-chunked",
            reading(both),
            place,
            method="POST",
            headers=CHUNKED,
            body=chunked(b"ab", b"c"),
        )
        yield run(
            f"{slug}-chunked-empty",
            reading(both),
            place,
            method="POST",
            headers=CHUNKED,
            body=chunked(),
        )
        yield run(f"{slug}-chunked-get", reading(both), place, headers=CHUNKED, body=chunked(b"ab"))
        yield run(
            f"{slug}-chunked-unread",
            answer(),
            place,
            method="POST",
            headers=CHUNKED,
            body=chunked(b"ab"),
        )
        both_headers = (*CHUNKED, ("Content-Length", "5"))
        yield run(
            f"{slug}-both",
            reading(both),
            place,
            method="POST",
            headers=both_headers,
            body=chunked(b"ab"),
        )
        yield run(f"{slug}-long", reading(both), place, method="POST", headers=length, body=text)
        twice = (("Transfer-Encoding", "gzip, chunked"),)
        yield run(
            f"{slug}-gzip", reading(both), place, method="POST", headers=twice, body=chunked(b"ab")
        )
        identity = (("Transfer-Encoding", "identity"),)
        yield run(f"{slug}-identity", reading(both), place, method="POST", headers=identity)
        upper = (("Transfer-Encoding", "CHUNKED"),)
        yield run(
            f"{slug}-chunked-upper",
            reading(both),
            place,
            method="POST",
            headers=upper,
            body=chunked(b"ab"),
        )
    yield run(
        "limited-chunked-long",
        reading(read),
        "/run/limited",
        method="POST",
        headers=CHUNKED,
        body=chunked(b"a" * 20),
    )
    for value in ("abc", "-1", "+5", "5x", "99999999999999999999", "", "5, 5", "05", "0x5"):
        yield run(
            f"length {value}",
            reading(both),
            method="POST",
            headers=(("Content-Length", value),),
            body=b"12345",
        )
    yield run(
        "length-repeated",
        reading(both),
        method="POST",
        headers=(("Content-Length", "5"),) * 2,
        body=b"12345",
    )
    for place, source in (("read", reading(both)), ("unread", answer())):
        expect = (*FORM, ("Expect", "100-continue"))
        yield run(f"expect-{place}", source, method="POST", headers=expect, body=b"12345")
    yield run(
        "expect-http-1.0",
        reading(both),
        method="POST",
        headers=(*FORM, ("Expect", "100-continue")),
        body=b"12345",
        version="HTTP/1.0",
    )
    yield run("post-without-length", reading(both), method="POST")
    yield run("get-with-body", reading(both), headers=FORM, body=b"12345")
    yield run("delete-with-body", reading(both), headers=FORM, body=b"12345", method="DELETE")
    yield run(
        "echo",
        f"start_response('200 OK', [])\nreturn {stream}",
        method="POST",
        headers=length,
        body=text,
    )
    yield run(
        "interleaved",
        f"start_response('200 OK', [])\nfor line in {stream}:\n    yield b'<' + line + b'>'",
        method="POST",
        headers=length,
        body=text,
    )
    data = gzip.compress(b"x" * 1000, mtime=0)
    deflated = (("Content-Encoding", "gzip"), ("Content-Length", str(len(data))))
    yield run(
        "inflated",
        reading(f"len({read}), environ.get('CONTENT_LENGTH')"),
        "/run/inflated",
        method="POST",
        headers=deflated,
        body=data,
    )
    large = b"x" * 100000
    yield run(
        "large",
        reading(f"len({read})"),
        method="POST",
        headers=(("Content-Length", "100000"),),
        body=large,
    )
    yield run(
        "large-unread", answer(), method="POST", headers=(("Content-Length", "100000"),), body=large
    )
