"""wsgiref.validate, the standard library's judge of servers, between server and application."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from recorder import events, new_token
from server import Watched

COMPLIANT = {
    "environ": "",
    "environ_changed": "",
    "environ_identity": "",
    "errors_calls": "calls=[]",
    "errors_mixed": "",
    "log_handler": "",
    "events": "token=none&until=x&seconds=0",
    "open_gate": "token=none",
    "input_ignored": "",
    "input_kept": "",
    "input_part": "",
    "input_digest": "block=100",
    "echo_lines": "",
    "input_calls": "calls=[['read',4],['readline'],['readlines'],['iterate']]",
    "list": "",
    "tuple": "",
    "one_block": "",
    "generator": "",
    "sequence": "",
    "closing": "",
    "late_generator": "",
    "many_blocks": "",
    "large_block": "",
    "empty_list": "",
    "empty_closing": "",
    "empty_blocks": "",
    "empty_between": "",
    "replaced_with_exc_info": "",
    "exc_info_after_headers": "",
    "write_only": "",
    "write_and_return": "",
    "start_response_kept": "",
    "respond": "by=generator",
    "counted_right": "",
    "many_headers": "",
    "file": "kind=bytes",
    "endless_list": "",
}
METHODS = ["GET", "POST", "HEAD"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("app", COMPLIANT)
def test_the_validator_accepts_server_and_application(
    server: Watched, app: str, method: str
) -> None:
    """A complaint is an AssertionError, which would be a 500 and a line in the log."""
    if app in ("errors_mixed", "log_handler", "environ_changed"):
        server.log.allow(r"one two three|handled at|of two")
    path, token = app, new_token()
    query = COMPLIANT[app]
    if app == "counted_right":
        path = "respond"
        query = "headers=" + quote("[('Content-Type','text/plain'),('Content-Length','4')]")
    if "token" not in query:
        query += f"&token={token}"
    target = f"/validate/{path}?{query}"
    body = b"some\nlines\nof text" if method == "POST" else None
    response = server.request(method, target, {}, body)
    assert response.status != 500, response.body
    assert response.complete
    if app in ("empty_closing", "write_and_return"):
        assert events(server, token, "closed") == ["closed"]


def test_the_validator_would_be_heard(server: Watched) -> None:
    """The proof that the tests above can fail."""
    server.log.expect_exception("AssertionError")
    assert server.get("/validate/item_text").status == 500
