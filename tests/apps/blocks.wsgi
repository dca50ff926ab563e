"""Answers with the blocks that the Python expression in the query string gives.

Covers: responses as streams whose blocks, pauses and headers the test chooses. The expression has
`environ`, `start` (start_response with headers as arguments), `apart` and `marked`.
"""

import os  # noqa: F401
import time
from urllib.parse import unquote


def apart(seconds, *blocks):
    """A stream of these blocks with a pause before each but the first."""
    for number, block in enumerate(blocks):
        if number:
            time.sleep(seconds)
        yield block


class marked:
    """One block; files in the directory tell when it is made and when it was sent."""

    def __init__(self, directory, block):
        self.directory = directory
        self.blocks = iter([block])
        open(f"{directory}/made", "w").close()

    def __iter__(self):
        return self.blocks

    def close(self):
        open(f"{self.directory}/closed", "w").close()


def application(environ, start_response):
    started = []

    def start(*headers, status="200 OK"):
        started.append(start_response(status, list(headers)))

    names = {"environ": environ, "start": start, "apart": apart, "marked": marked, "time": time, "os": os}
    blocks = eval(unquote(environ["QUERY_STRING"]), names)
    if not started:
        start(("Content-Type", "text/plain"))
    return blocks
