"""Which script a URL leads to, and where it runs."""

from __future__ import annotations

from collections.abc import Iterator

from cases.case import FORM, Case, credentials


def paths() -> Iterator[Case]:
    for number, path in enumerate(
        (
            "", "/", "/a", "/a/b/", "//a", "/a//b", "///", "/%41", "/%2541", "/a%20b", "/a+b", "/%C3%BC",
            "/%FF", "/\xfc", "/a%2Fb", "/a%5Cb", "/./a", "/../env/a", "/a/../b", "/%2e%2e/env/a", "/a;b=c", "/a:b",
            "/a?", "/a?q", "/a?q=1&q=2", "/a?%C3%BC", "/a?a+b%20c", "/a??", "/a?/b//c", "/a?\xfc", "/a%00b", "/%zz",
            "/a#fragment", "/*", "/a%0Ab", "/a%3Fb", "?q", "/a%25", "/~a", "/a'b\"c", "/a|b",
        )
    ):  # fmt: skip
        yield Case(
            f"path-{number} {path.encode('ascii', 'backslashreplace').decode()}", f"/env{path}"
        )
    for number, target in enumerate(("//env", "//env//a", "/ENV", "/env2", "/%65nv/a", "/./env", "http://localhost/env/a",
                                     "http://other.example/env/a", "env", "//localhost/env")):  # fmt: skip
        yield Case(f"target-{number} {target}", target)
    for host in ("root.example", "dir.example"):
        for number, path in enumerate(
            ("/", "//", "/a", "/a//b", "/one.wsgi", "/one.wsgi/a", "/one.wsgi//a", "/sub/two.wsgi/a", "//one.wsgi",
             "/sub", "/sub/", "/nothing.wsgi", "/one.wsgix", "/%6fne.wsgi/a%2Fb", "/a/%2e/b")
        ):  # fmt: skip
            yield Case(f"{host[:-8]}-{number} {path}", path, host=host)
    for number, target in enumerate(
        (
            "/dir", "/dir/", "/dir/one.wsgi", "/dir/one.wsgi/a/b", "/dir/sub/two.wsgi/a", "/dir/sub", "/dir/none.wsgi",
            "/dir//one.wsgi//a", "/slash/one.wsgi/a", "/slash", "/slash/", "/slash//one.wsgi", "/slash/sub/two.wsgi",
            "/odd/", "/odd/a", "/odd", "/odder", "/odder/a", "/oddest/", "/oddest/a", "/oddest", "/oddest//a",
            "/match/one", "/match/one/a", "/match/none", "/match/", "/match/one//a/b", "/x/anywhere", "/x/anywhere/a",
            "/x/anywherea", "/missing", "/missing/a", "/missing/document", "/broken", "/raising", "/exiting", "/empty",
            "/denied", "/other", "/answer", "/class", "/number", "/nothing", "/dotted", "/literal", "/named",
            "/named/unset", "/named/other", "/unreadable", "/env/no-path-info", "/env/no-path-info/a",
            "/env/current-uri/a%20b?q", "/alone/a",
        )
    ):  # fmt: skip
        yield Case(f"alias-{number} {target}", target)
    yield Case("missing-head", "/missing", method="HEAD")
    yield Case("missing-post", "/missing", FORM, "POST", b"12345")
    yield Case("broken-post", "/broken", FORM, "POST", b"12345")


def files() -> Iterator[Case]:
    for number, path in enumerate(
        (
            "/", "", "/index.wsgi", "/index.wsgi/a", "/app.wsgi/a//b?q", "/app.txt", "/none.wsgi", "/none.wsgi/a",
            "/plain/app.wsgi", "/plain/", "/set/app.any/a", "/set/none", "/set/", "/set", "/old/app.any", "/front/",
            "/front/a/b?q", "/front/index.wsgi/a", "/front/%C3%BC", "/front/a//b", "/app.wsgi", "//app.wsgi/a",
            "/handled/a.cmp", "/handled/a.cmp/b", "/handled/none.cmp", "/handled/a.grp/b", "/handled/a.gone",
            "/handled/sub/none.cmp", "/sub/app.wsgi/a",
        )
    ):  # fmt: skip
        yield Case(f"file-{number} {path}", f"/files{path}", credentials("me", "secret"))
    yield Case("file-post-index", "/files/", FORM, "POST", b"12345")
    yield Case("handled-location", "/handled/any/where")
    yield Case("handled-location-bare", "/handled")
    for number, target in enumerate(
        ("/pass/a/b?q", "/pass/a%20b", "/query/a?b=c", "/found/a?b", "/gone", "/typed/a", "/pass/")
    ):
        yield Case(f"rewrite-{number} {target}", target)


def groups() -> Iterator[Case]:
    for place in (
        "server", "host", "global", "resource", "literal", "percent", "inside", "variable", "twice", "thrice", "unset",
        "empty", "process-unknown", "process-variable", "process-server", "process-global", "restricted",
        "restricted-second",
    ):  # fmt: skip
        yield Case(f"group-{place}", f"/env/{place}/a")
        yield Case(f"group-{place}-port", f"/env/{place}/a", host="localhost:8080")
        yield Case(f"group-{place}-80", f"/env//{place}", host="LocalHost:80")
