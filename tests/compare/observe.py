"""What a client and an application can see of one exchange, made comparable."""

from __future__ import annotations

import email.utils
import gzip
import json
import re
import time

from cases import Case
from client import Connection, Response

MODULE_NAME = re.compile(r"_mod_wsgi_[0-9a-f]{32}")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
BOUNDARY = re.compile(r"(?:(?<=boundary=)|(?<=\\n--))[0-9a-f]{12,16}")
VOLATILE_TEXT = ("REMOTE_PORT", "mod_wsgi.server_pid", "mod_wsgi.request_id")
# There only when something was logged for the connection before.
SOMETIMES = ("mod_wsgi.connection_id",)
VOLATILE_NUMBER = ("mod_wsgi.thread_id",)
AFTER = b"GET /env/after HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

Observed = dict[str, str]


def observe(case: Case, port: int, plain: list[tuple[str, str]]) -> Observed:
    """Send the request of a case; `plain` are texts to put in the place of others."""
    with Connection(port, 3.0) as connection:
        seen: Observed = {}
        try:
            connection.send(case.bytes(port))
            response = receive(connection, case, seen)
        except TimeoutError:
            seen["complete"] = "never"
        except (AssertionError, OSError) as error:
            seen["complete"] = f"no response: {type(error).__name__}"
        except ValueError:
            seen["complete"] = "no HTTP"
        else:
            seen |= describe(response, case)
            seen["persistent"] = persistent(connection)
    return {key: comparable(value, plain) for key, value in seen.items()}


def receive(connection: Connection, case: Case, seen: Observed) -> Response:
    head = connection.read_interim()
    while 100 <= head.status < 200 and head.status != 101:
        seen["interim"] = seen.get("interim", "") + f"{head.status} {head.reason} {head.headers}"
        head = connection.read_interim()
    seen["status"] = f"{head.version} {head.status} {head.reason}"
    for name, value in head.headers:
        key = f"header {name.title()}"
        dated = name.lower() in ("date", "last-modified") and is_now(value)
        text = "now" if dated else value
        seen[key] = f"{seen[key]}\n{text}" if key in seen else text
    if "boundary=" in seen.get("header Content-Type", ""):
        # httpd's boundaries differ in length.
        seen["header Content-Length"] = "some"
    return connection.read_body(head, case.method)


def is_now(date: str) -> bool:
    try:
        then = email.utils.parsedate_to_datetime(date).timestamp()
    except ValueError:
        return False
    return abs(then - time.time()) < 60


def describe(response: Response, case: Case) -> Observed:
    found: Observed = {"complete": str(response.complete)}
    body = response.body
    if response.all("Content-Encoding") == ["gzip"] and body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    if response.all("Content-Type") == ["application/json"] and body[:1] == b"{":
        environ = json.loads(body)
        return found | {
            f"environ {key}": shown(key, *value)
            for key, value in environ.items()
            if key not in SOMETIMES
        }
    return found | {"body": repr(body)}


def shown(key: str, kind: str, value: str) -> str:
    if kind == "float":
        return (
            "float, 0"
            if float(value) == 0
            else f"float, {'now' if abs(float(value) - time.time()) < 60 else value}"
        )
    if key in VOLATILE_NUMBER and kind == "int":
        return "int"
    if (
        key in VOLATILE_TEXT
        and kind == "str"
        and re.fullmatch(r"'[\w+/@-]{2,}'", value)
        and value != "'zz'"
    ):
        return "some str"
    return f"{kind} {value}"


def persistent(connection: Connection) -> str:
    """Whether another request on the connection is answered."""
    try:
        connection.send(AFTER)
        response = connection.read_interim()
    except (AssertionError, OSError):
        return "False"
    except ValueError:
        return "garbled"
    return str(response.status == 200)


def comparable(text: str, plain: list[tuple[str, str]]) -> str:
    for value, name in plain:
        text = text.replace(value, name)
    for pattern, name in ((BOUNDARY, "@BOUNDARY@"), (ADDRESS, "0x"), (MODULE_NAME, "_mod_wsgi_")):
        text = pattern.sub(name, text)
    return text
