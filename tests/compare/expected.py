"""Where the two are meant to differ, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass

FRAMING = "header (Content-Length|Transfer-Encoding)"
ANSWER = "status|body|complete|persistent|header (Connection|Content-Length|Content-Type|Transfer-Encoding|Date|Server)"
ERROR_PAGE = (
    "now|Apache/.*|.*500 Internal Server Error.*|True|False|close|572|(ok:|err:)?text/html.*|None"
)
ABORTED = "b'(a|ab|abcd|body|0123456789)?'|False|None"


@dataclass(frozen=True)
class Difference:
    """Expressions for the case, the field, what wsgi-core answers and the mode; and the reason."""

    case: str
    field: str
    reason: str
    ours: str = ".*"
    mode: str = "embedded|daemon"

    def covers(self, mode: str, case: str, field: str, ours: str | None) -> bool:
        texts = ((self.mode, mode), (self.case, case), (self.field, field), (self.ours, str(ours)))
        return all(re.fullmatch(pattern, text, re.S) for pattern, text in texts)


EXPECTED = (
    # Requests
    Difference(
        "variables-computed.*",
        "environ (GATEWAY_INTERFACE|LD_LIBRARY_PATH|PATH_TRANSLATED|REMOTE_HOST|REMOTE_IDENT|SERVER_SIGNATURE"
        "|CONTENT_LENGTH|CONTENT_TYPE)",
        "variables that no application sees stay away also when SetEnv sets them",
        "None",
    ),
    Difference(
        "expect-unread",
        f"interim|persistent|header Connection|{FRAMING}",
        "a client that waits for 100 Continue need not send a body that nobody reads",
        "None|False|close",
    ),
    Difference(
        "dispatch seen|dispatch-grouped",
        "log .*compare:mod_wsgi.x-.*",
        "internal variables are not shown to dispatch scripts",
        "None",
    ),
    Difference(
        "dispatch seen|dispatch-grouped",
        r"log .*compare:(apache.version|mod_wsgi.callable_object|mod_wsgi.version|wsgi\.\w+) .*",
        "the environ of a dispatch script is that of the request, but for its input",
        "1 times",
    ),
    Difference(
        "limited-chunked-long|run-limited-long",
        "body|header Content-Length",
        "one error page, not two, and with its length",
        "356|.*413 Request Entity Too Large.*",
    ),
    # Scripts
    Difference(
        "alias-36 /empty|alias-43 /dotted|alias-44 /literal|alias-4[67] /named.*|dispatch callable=(absent|empty)",
        ANSWER,
        "a callable that is missing is 500 in both modes",
        ERROR_PAGE,
        "embedded",
    ),
    # Modules
    Difference(
        "module-.*sys.std.*",
        "body",
        "the streams that are restricted are of a class of our own, with our own words",
        ".*(restricted|Restricted).*",
    ),
    Difference(
        "module-.*__package__.*", "body", "a top-level module's, as the import system sets it"
    ),
    Difference(
        "output start-type.*", "body", "the name of the class is our own", ".*'StartResponse'.*"
    ),
    # Status lines and headers
    Difference(
        "status '(099 Low|000 None)'.*",
        ANSWER,
        "a response with a status below 200 is no response",
        ERROR_PAGE,
    ),
    Difference(
        "status-informational-.*",
        f"{ANSWER}|interim",
        "a response with a status below 200 is no response",
        ERROR_PAGE,
    ),
    Difference(
        "status '200 Error'.*",
        ANSWER,
        "the words of a status line mean nothing",
        "HTTP/1.1 200 Error|b'(body)?'|True|False|None|chunked|0|4|close",
        "daemon",
    ),
    Difference("bad-status-9", "body", "NUL in a status line is an error", "b'ValueError'"),
    Difference(
        "bad-header-1[4568] .*",
        f"{ANSWER}|header A",
        "names that are no tokens and control characters are errors",
    ),
    Difference(
        "tables blank.*",
        "header X-A",
        "blanks before a value are left for httpd to write",
        "(ok:|err:)*  a  b",
        "daemon",
    ),
    Difference(
        "(response|tables) status.*",
        "status|body|header (Status|Transfer-Encoding)",
        "Status is an ordinary header",
        "(ok:|err:)*404 Not Found|HTTP/1.1 (200 OK|302 Found|304 Not Modified)|b''|None",
        "daemon",
    ),
    Difference(
        "(response|tables) (repeated|repeated-others) .*|response repeated(-others)?",
        "header (X-A|Vary|Cache-Control|Link)",
        "repeated headers are joined, as in daemon mode",
        "[^\n]*, ?[^\n]*",
        "embedded",
    ),
    Difference(
        "(response|tables) type-case.*",
        "header Content-Type",
        "the type is in lower case, as in daemon mode",
        "(ok:|err:)*text/html; Charset=UTF-8",
        "embedded",
    ),
    Difference(
        "(response|tables) modified-(future|other).*",
        "header Last-Modified",
        "a date is never in the future and has one form, as in daemon mode",
        "(ok:|err:)*(now|..., .* GMT)",
        "embedded",
    ),
    Difference(
        "(response|tables) modified-bad.*",
        "header Last-Modified",
        "what is no date is left out",
        "None",
    ),
    Difference(
        "(response|tables) length-(plus|empty).*",
        ANSWER,
        "a Content-Length consists of digits",
        ERROR_PAGE,
    ),
    Difference(
        "(response|tables) length-space.*",
        ANSWER,
        "spaces around a value are no part of it",
        r"HTTP/1.1 \d+ .*|b'(body)?'|True|False|None|4",
    ),
    Difference("(response|tables) transfer.*", ANSWER, "how a body is framed is for httpd"),
    Difference(
        "location 200 /.*|location-(post|head|empty)",
        f"{ANSWER}|environ .*|header (Location|X-A)",
        "a local Location with status 200 is a redirect within httpd, as in daemon mode",
        mode="embedded",
    ),
    Difference(
        "location 200 /.*",
        "header Set-Cookie",
        "cookies go with a redirect within httpd",
        "a=b",
        "daemon",
    ),
    # Bodies
    Difference(
        ".* empty|.* empty 1.0|output (bytes-empty|empty-items|generator-empty|string-empty|write-empty|file-zero"
        "|file-length-zero).*|override-empty (200|399).*",
        FRAMING,
        "an empty body is chunked of length zero, as in daemon mode",
        "None|chunked",
        "embedded",
    ),
    Difference(
        "head-(off-)?filtered-gzip.*|deflated.*",
        FRAMING,
        "a filter that gets the whole body at once tells its length",
        r"\d+|None",
    ),
    Difference(
        "output (length-(short|none|never)|file-bytesio-long).*|(response|tables) length( .*|-.*)?",
        ANSWER,
        "a body that is shorter than its Content-Length is no success",
        f"{ABORTED}|{ERROR_PAGE}",
    ),
    Difference(
        "output (raises-later|raises-exact|exit-later|str-second|twice-late|write-raises|file-zero).*",
        ANSWER,
        "an exception after output began aborts the response",
        ABORTED,
    ),
    Difference(
        "output (file-length-long|file-beyond).*",
        ANSWER,
        "a file that cannot give what was promised is an error, and one that has nothing left an empty body",
    ),
    Difference(
        "conditional-.*file",
        f"{ANSWER}|header .*",
        "ranges of files are honoured, as in embedded mode",
        mode="daemon",
    ),
    Difference(
        "head-run-(length|other-length)(-empty)?",
        ANSWER,
        "an application that is told GET must give the body that it announces",
        f"{ABORTED}|{ERROR_PAGE}",
    ),
    # WSGIErrorOverride and error documents
    Difference(
        "override.*",
        f"{ANSWER}|environ .*|header (Set-Cookie|X-A|Www-Authenticate)",
        "WSGIErrorOverride has its effect in both modes",
        mode="embedded",
    ),
    Difference(
        "override.*",
        "status",
        "an error page keeps the words of the application's status line",
        "HTTP/1.1 (404 Mine|500 X|503 Y|418 T)",
        "daemon",
    ),
    Difference(
        "output .* loop",
        "body|header Content-Length",
        "an error document that fails does not add to the error page, as in daemon mode",
        ERROR_PAGE,
        "embedded",
    ),
    Difference(
        ".*",
        "environ REDIRECT_.*",
        "what was computed for a request is not left to its error document",
        "None",
    ),
)
