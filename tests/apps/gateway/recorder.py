"""What an application did, told to the test by another request.

Covers: observing close(), iteration and client aborts after the response is over; gates on
which an application waits until the test opens them.
"""

import json
import threading
from urllib.parse import parse_qs

CHANGED = threading.Condition()
EVENTS = {}
GATES = set()


def query(environ):
    """The query string as a dict; of repeated names the last counts."""
    return {k: v[-1] for k, v in parse_qs(environ["QUERY_STRING"], True, encoding="utf-8").items()}


def record(environ, event):
    """Notes an event under the token of the request."""
    with CHANGED:
        EVENTS.setdefault(query(environ).get("token"), []).append(event)
        CHANGED.notify_all()


def wait_gate(environ, seconds=10.0):
    """Waits until the test opens the gate of this token; whether it did."""
    token = query(environ)["token"]
    with CHANGED:
        opened = CHANGED.wait_for(lambda: token in GATES, seconds)
        GATES.discard(token)
    return opened


def json_response(start_response, value):
    body = json.dumps(value).encode()
    start_response(
        "200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    )
    return [body]


def events(environ, start_response):
    """The events of a token, as soon as `until` is among them."""
    wanted = query(environ)

    def arrived():
        return wanted["until"] in EVENTS.get(wanted["token"], ())

    with CHANGED:
        CHANGED.wait_for(arrived, float(wanted.get("seconds", 5)))
        return json_response(start_response, EVENTS.get(wanted["token"], []))


def open_gate(environ, start_response):
    """Opens the gate of a token."""
    with CHANGED:
        GATES.add(query(environ)["token"])
        CHANGED.notify_all()
    return json_response(start_response, "opened")


class Closing:
    """An iterable over blocks that records each step and its close()."""

    def __init__(self, environ, blocks):
        self.environ = environ
        self.blocks = iter(blocks)

    def __iter__(self):
        return self

    def __next__(self):
        block = next(self.blocks)
        if isinstance(block, BaseException):
            raise block
        return block

    def close(self):
        record(self.environ, "closed")


APPS = {"events": events, "open_gate": open_gate}
