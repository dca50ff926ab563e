"""Header fields of responses, and what they have to do with those of requests."""

from __future__ import annotations

from collections.abc import Iterator

from cases.case import FORM, Case, answer, run


def response_headers() -> Iterator[Case]:
    for name, headers in {
        "none": "",
        "repeated": "('X-A', '1'), ('X-A', '2'), ('x-a', '3')",
        "repeated-others": "('Vary', 'a'), ('Vary', 'b'), ('Cache-Control', 'x'), ('Cache-Control', 'y'), ('Link', 'l'), ('Link', 'm')",
        "cookies": "('Set-Cookie', 'a=1'), ('X-A', '1'), ('set-cookie', 'b=2'), ('Set-Cookie', 'a=1')",
        "www": "('WWW-Authenticate', 'Basic'), ('WWW-Authenticate', 'Digest')",
        "empty": "('X-A', '')",
        "blank": "('X-A', '  a  b ')",
        "latin": "('X-A', 'gr\\xfcn')",
        "tab": "('X-A', 'a\\tb')",
        "type": "('Content-Type', 'text/plain')",
        "type-charset": "('Content-Type', 'text/plain; charset=utf-8')",
        "type-case": "('content-TYPE', 'Text/HTML; Charset=UTF-8')",
        "type-parameters": "('Content-Type', 'multipart/x; boundary=\"A B\"; q=1')",
        "type-empty": "('Content-Type', '')",
        "type-word": "('Content-Type', 'nonsense')",
        "type-repeated": "('Content-Type', 'text/plain'), ('Content-Type', 'text/html')",
        "location": "('Location', 'http://example.com/')",
        "date": "('Date', 'Mon, 01 Jan 2024 00:00:00 GMT')",
        "server": "('Server', 'mine')",
        "connection": "('Connection', 'close')",
        "keep-alive": "('Keep-Alive', 'timeout=1')",
        "status": "('Status', '404 Not Found')",
        "modified": "('Last-Modified', 'Mon, 01 Jan 2024 00:00:00 GMT')",
        "modified-lower": "('last-modified', 'Mon, 01 Jan 2024 00:00:00 GMT')",
        "modified-future": "('Last-Modified', 'Mon, 01 Jan 2090 00:00:00 GMT')",
        "modified-bad": "('Last-Modified', 'yesterday')",
        "modified-other": "('Last-Modified', 'Monday, 01-Jan-24 00:00:00 GMT')",
        "etag": "('ETag', '\"x\"')",
        "etag-weak": "('ETag', 'W/\"x\"')",
        "expires": "('Expires', 'Mon, 01 Jan 2024 00:00:00 GMT')",
        "encoding": "('Content-Encoding', 'gzip')",
        "language": "('Content-Language', 'de, en')",
        "transfer": "('Transfer-Encoding', 'chunked')",
        "range": "('Content-Range', 'bytes 0-3/10')",
        "accept-ranges": "('Accept-Ranges', 'bytes')",
        "length": "('Content-Length', '4')",
        "length-short": "('Content-Length', '2')",
        "length-long": "('Content-Length', '8')",
        "length-zero": "('Content-Length', '0')",
        "length-plus": "('Content-Length', '+4')",
        "length-zeros": "('Content-Length', '004')",
        "length-space": "('Content-Length', ' 4 ')",
        "length-bad": "('Content-Length', 'x')",
        "length-empty": "('Content-Length', '')",
        "length-negative": "('Content-Length', '-4')",
        "length-huge": "('Content-Length', '99999999999999999999')",
        "length-repeated": "('Content-Length', '4'), ('Content-Length', '4')",
        "length-differs": "('Content-Length', '3'), ('Content-Length', '4')",
        "trailer": "('Trailer', 'X-A')",
        "upgrade": "('Upgrade', 'x')",
        "underscore": "('X_A', '1')",
        "many": ", ".join(f"('X-{n}', '{n}')" for n in range(150)),
        "long": "('X-A', 'a' * 20000)",
        "script": "('Script', 'x'), ('X-Sendfile', '/etc/passwd')",
        "pragma": "('Pragma', 'no-cache'), ('Vary', '*'), ('Allow', 'GET'), ('Retry-After', '1')",
        "mime": "('MIME-Version', '1.0')",
    }.items():
        yield run(f"response {name}", answer(headers=headers))
        yield run(f"response {name} error", answer("404 Not Found", headers))
        yield run(f"response {name} empty", answer(headers=headers, body="[]"))
        yield run(f"response {name} 304", answer("304 Not Modified", headers))
        yield run(f"response {name} head", answer(headers=headers), method="HEAD")
        for status in ("200 OK", "302 Found", "404 Not Found"):
            yield run(f"tables {name} {status[:3]}", answer(status, headers), "/tables")
    for status in (
        "200 OK",
        "201 Created",
        "301 Moved",
        "302 Found",
        "303 See",
        "307 T",
        "404 Not Found",
        "500 X",
    ):
        for location in (
            "/env/local?q",
            "/absent",
            "http://e.example/a",
            "relative",
            "//host/a",
            "",
            "/env/a b",
            "/run",
        ):
            headers = f"('Location', {location!r}), ('Set-Cookie', 'a=b'), ('X-A', '1'), ('Content-Type', 'text/x')"
            yield run(f"location {status[:3]} {location}", answer(status, headers))
    yield run(
        "location-post",
        answer(headers="('Location', '/env/local')"),
        method="POST",
        headers=FORM,
        body=b"12345",
    )
    yield run("location-head", answer(headers="('Location', '/env/local')"), method="HEAD")
    yield run("location-empty", answer(headers="('Location', '/env/local')", body="[]"))
    for number, pair in enumerate(
        ("'x'", "('a',)", "('a', 'b', 'c')", "('a', 1)", "(1, 'a')", "('a', b'b')", "('a', None)", "('', 'a')",
         "('a b', 'c')", "('a', 'b\\r\\nc: d')", "('a', 'b\\n')", "('a', '\\u20ac')", "('\\u20ac', 'a')", "['a', 'b']",
         "('a:', 'b')", "('a', 'b\\0c')", "('a', '\\x01')", "('a\\n', 'b')", "('gr\\xfcn', 'b')", "None")
    ):  # fmt: skip
        source = f"try:\n    start_response('200 OK', [{pair}])\nexcept Exception as error:\n    kind = type(error).__name__\n"
        source += "else:\n    kind = 'none'\n" + answer(body="[kind.encode()]")
        yield run(f"bad-header-{number} {pair}", source)
        yield run(f"bad-header-{number} {pair} raised", answer(headers=pair))


def conditional() -> Iterator[Case]:
    ours = "('Last-Modified', 'Mon, 01 Jan 2024 00:00:00 GMT'), ('ETag', '\"x\"'), ('Content-Length', '10')"
    for name, fields in {
        "range": (("Range", "bytes=2-5"),),
        "range-end": (("Range", "bytes=-3"),),
        "range-multiple": (("Range", "bytes=0-1,4-5"),),
        "range-beyond": (("Range", "bytes=50-"),),
        "range-bad": (("Range", "lines=1-2"),),
        "if-range": (("Range", "bytes=2-5"), ("If-Range", '"x"')),
        "if-range-other": (("Range", "bytes=2-5"), ("If-Range", '"y"')),
        "none-match": (("If-None-Match", '"x"'),),
        "match": (("If-Match", '"y"'),),
        "modified": (("If-Modified-Since", "Tue, 02 Jan 2024 00:00:00 GMT"),),
        "unmodified": (("If-Unmodified-Since", "Sun, 01 Jan 2023 00:00:00 GMT"),),
    }.items():
        yield run(
            f"conditional-{name}", answer(headers=ours, body="[b'0123456789']"), headers=fields
        )
        yield run(
            f"conditional-{name}-file",
            answer(headers=ours, body="environ['wsgi.file_wrapper'](open(file, 'rb'))"),
            headers=fields,
        )
        yield run(f"conditional-{name}-bare", answer(body="[b'0123456789']"), headers=fields)
        yield run(
            f"conditional-{name}-bare-file",
            answer(body="environ['wsgi.file_wrapper'](open(file, 'rb'))"),
            headers=fields,
        )
        yield run(
            f"conditional-{name}-head",
            answer(headers=ours, body="[b'0123456789']"),
            headers=fields,
            method="HEAD",
        )
