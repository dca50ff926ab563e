"""Scripts that decide about requests."""

from __future__ import annotations

from collections.abc import Iterator

from cases.case import FORM, Case, credentials


def deciding() -> Iterator[Case]:
    words = [
        "true",
        "false",
        "none",
        "one",
        "zero",
        "name",
        "empty",
        "umlaut",
        "bytes",
        "list",
        "raise",
        "seen",
        "unknown",
    ]
    for word in words:
        yield Case(f"password-{word}", "/env/basic", credentials("me", word))
        yield Case(f"access-{word}", f"/env/access/a?{word}")
    yield Case("password-latin", "/env/basic", credentials("gr\xfcn", "seen"))
    yield Case("password-colon", "/env/basic", credentials("me", "a:b"))
    yield Case("password-absent", "/env/basic")
    yield Case("password-post", "/env/basic", (*credentials("me", "true"), *FORM), "POST", b"12345")
    yield Case(
        "password-pass",
        "/env/basic/a//b?q",
        (*credentials("me", "seen"), ("X-A", "1"), ("X_B", "2"), *FORM),
        "POST",
        b"12345",
    )
    yield Case(
        "access-pass",
        "/env/access/a//b?seen",
        (*credentials("me", "x"), ("X-A", "1"), *FORM),
        "POST",
        b"12345",
    )
    for place in ("missing", "broken", "empty", "second", "document"):
        for word in ("true", "none", "false"):
            yield Case(f"password-{place}-{word}", f"/env/basic/{place}", credentials("me", word))
    for user in ("groups", "bytes", "tuple", "none", "number", "bad", "empty", "stranger"):
        for place in ("wsgi-group", "wsgi-group/two", "forbidden"):
            yield Case(f"{place}-{user}", f"/env/{place}", credentials(user, "true"))
    yield Case("wsgi-group-absent", "/env/wsgi-group")
    yield Case("wsgi-group-missing", "/env/wsgi-group/missing", credentials("groups", "true"))
    for place in ("missing", "empty", "grouped"):
        yield Case(f"access-script-{place}", f"/env/access/{place}")
    yield Case("access-grouped-seen", "/env/access/grouped?seen")
    for query in (
        "", "process=%{GLOBAL}", "process=second", "process=unknown", "process=none", "process=one", "process=bytes",
        "application=named", "application=%{GLOBAL}", "application=%{SERVER}", "application=bytes", "application=one",
        "application=empty", "callable=other", "callable=none", "callable=absent", "callable=zero", "raise", "seen",
        "callable=empty", "process=empty",
    ):  # fmt: skip
        yield Case(f"dispatch {query}", f"/env/dispatch/a?{query}")
    yield Case("dispatch-missing", "/env/dispatch/missing?callable=other")
    yield Case("dispatch-grouped", "/env/dispatch/grouped?seen")
