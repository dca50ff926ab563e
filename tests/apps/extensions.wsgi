"""Uses modules of the standard library that are written in C.

Covers: the same extensions in several interpreters of a process.
"""

import ctypes
import decimal
import hashlib
import json
import sqlite3

DOCUMENT = '"ok"'


def application(environ, start_response):
    amount = decimal.Decimal("1.25") + decimal.Decimal("2.25")
    with sqlite3.connect(":memory:") as database:
        rows = database.execute("select 1 union select 2").fetchall()
    hashlib.sha256(b"x").hexdigest()
    text = f"{amount} {json.loads(DOCUMENT)} {len(rows)} "
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(text + str(ctypes.c_int(1).value)).encode()]
