"""The environ: every key of PEP 3333 and of the reference, on every host."""

from __future__ import annotations

import time
from typing import Any

import pytest

from client import Headers
from conftest import GATEWAY_GROUP, StartServer, gateway
from httpd import Httpd
from microhttpd import Microhttpd
from server import Watched

STRING_KEYS = [
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "REQUEST_URI",
    "REQUEST_SCHEME",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_ADDR",
    "SERVER_PROTOCOL",
    "SERVER_SOFTWARE",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "SCRIPT_FILENAME",
    "HTTP_HOST",
    "wsgi.url_scheme",
    "mod_wsgi.process_group",
    "mod_wsgi.application_group",
    "mod_wsgi.callable_object",
    "mod_wsgi.request_handler",
    "mod_wsgi.handler_script",
    "mod_wsgi.script_name",
    "mod_wsgi.path_info",
    "mod_wsgi.listener_host",
    "mod_wsgi.listener_port",
    "mod_wsgi.server_pid",
]
NEVER = [
    "PATH",
    "LD_LIBRARY_PATH",
    "GATEWAY_INTERFACE",
    "PATH_TRANSLATED",
    "SERVER_SIGNATURE",
    "REMOTE_HOST",
    "REMOTE_IDENT",
    "HTTPS",
    "HTTP_CONTENT_TYPE",
    "HTTP_CONTENT_LENGTH",
    "HTTP_PROXY",
    "HTTP_AUTHORIZATION",
    "HTTP_PROXY_AUTHORIZATION",
    "mod_wsgi.mount_point",
    "apache.request_rec",
]


def fetch(
    server: Watched,
    rest: str = "",
    headers: Headers = (),
    method: str = "GET",
    body: bytes | None = None,
    mount: str = "",
) -> dict[str, list[Any]]:
    """The environ of a request for /environ followed by `rest`: type name and value by key."""
    found = server.request(method, f"{mount}/environ{rest}", headers, body).json()
    return dict(found)


def value(found: dict[str, list[Any]], key: str) -> Any:
    return found[key][1] if key in found else None


@pytest.mark.parametrize("key", STRING_KEYS)
def test_string_keys_are_there_and_are_str(server: Watched, key: str) -> None:
    assert fetch(server)[key][0] == "str"


@pytest.mark.parametrize("key", NEVER)
def test_key_is_never_there(server: Watched, key: str) -> None:
    headers = {
        "Proxy": "http://evil",
        "Authorization": "Basic eDp5",
        "Proxy-Authorization": "Basic eDp5",
        "Content-Type": "text/plain",
    }
    assert key not in fetch(server, "", headers, "POST", b"x")


def test_environ_is_a_plain_dict_of_str_keys(server: Watched) -> None:
    found = fetch(server)
    assert found.pop("(environ)") == ["dict", ""]
    wrong = {k: v for k, v in found.items() if "." not in k and v[0] != "str"}
    assert wrong == {}


def test_no_internal_carrier_is_visible(server: Watched) -> None:
    assert [key for key in fetch(server) if key.startswith("mod_wsgi.x-")] == []


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_request_method_of_any_kind(server: Watched, method: str) -> None:
    body = None if method == "GET" else b""
    assert value(fetch(server, method=method, body=body), "REQUEST_METHOD") == method


def test_script_name_is_empty_when_mounted_at_the_root(server: Watched) -> None:
    found = fetch(server, "/more")
    assert value(found, "SCRIPT_NAME") == ""
    assert value(found, "PATH_INFO") == "/environ/more"


@pytest.mark.parametrize(
    ("path", "path_info"),
    [
        ("/%C3%A9%20x", "/environ/\xc3\xa9 x"),
        ("/%e9", "/environ/\xe9"),
        ("/a+b", "/environ/a+b"),
        ("/a%3Fb%23c", "/environ/a?b#c"),
        ("/a;b=c,d", "/environ/a;b=c,d"),
        ("//a///b//", "/environ/a/b/"),
        ("/", "/environ/"),
        ("/%25%32%35", "/environ/%25"),
    ],
)
def test_path_info_is_decoded_once_and_collapsed(
    server: Watched, path: str, path_info: str
) -> None:
    found = fetch(server, path)
    assert value(found, "PATH_INFO") == path_info
    assert value(found, "mod_wsgi.path_info") == path_info
    assert value(found, "mod_wsgi.script_name") == ""


@pytest.mark.parametrize("query", ["", "a=1&b=%41+%C3%A9", "?x=/y?", "a=%00", "&&=;"])
def test_query_string_is_raw(server: Watched, query: str) -> None:
    assert value(fetch(server, f"?{query}" if query else ""), "QUERY_STRING") == query


@pytest.mark.parametrize("rest", ["", "/a%20b//c?x=%20", "/%7e", "?"])
def test_request_uri_is_what_the_client_sent(server: Watched, rest: str) -> None:
    assert value(fetch(server, rest), "REQUEST_URI") == f"/environ{rest}"


def test_addresses_and_ports(server: Watched) -> None:
    with server.connect() as connection:
        found = connection.request("GET", "/environ").json()
        assert value(found, "REMOTE_PORT") == str(connection.local_port)
    assert value(found, "REMOTE_ADDR") == "127.0.0.1"
    assert value(found, "SERVER_ADDR") == "127.0.0.1"
    assert value(found, "mod_wsgi.listener_port") == str(server.port)


def test_server_port_is_the_port_of_the_listener(server: Watched) -> None:
    found = fetch(server, headers={"Host": f"localhost:{server.port}"})
    assert value(found, "SERVER_PORT") == str(server.port)
    assert value(found, "HTTP_HOST") == f"localhost:{server.port}"


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_server_protocol(server: Watched, version: str) -> None:
    found = server.request("GET", "/environ", version=version).json()
    assert value(found, "SERVER_PROTOCOL") == version


def test_server_software_and_scheme(server: Watched) -> None:
    found = fetch(server)
    assert value(found, "SERVER_SOFTWARE")
    assert value(found, "REQUEST_SCHEME") == "http"
    assert value(found, "wsgi.url_scheme") == "http"


def test_content_headers_are_absent_when_not_sent(server: Watched) -> None:
    found = fetch(server)
    assert "CONTENT_TYPE" not in found
    assert "CONTENT_LENGTH" not in found


@pytest.mark.parametrize("body", [b"", b"12345"])
def test_content_headers_when_sent(server: Watched, body: bytes) -> None:
    found = fetch(server, "", {"Content-Type": "text/x; a=\xe9"}, "POST", body)
    assert value(found, "CONTENT_LENGTH") == str(len(body))
    assert value(found, "CONTENT_TYPE") == "text/x; a=\xe9"


def test_headers_become_upper_case_keys(server: Watched) -> None:
    found = fetch(server, headers={"x-mIXed-1": "Value", "X-Empty": ""})
    assert found["HTTP_X_MIXED_1"] == ["str", "Value"]
    assert value(found, "HTTP_X_EMPTY") == ""


def test_header_values_are_latin_1(server: Watched) -> None:
    assert value(fetch(server, headers={"X-Raw": "\xe9\xff\x80"}), "HTTP_X_RAW") == "\xe9\xff\x80"


def test_repeated_headers_are_merged_in_order(server: Watched) -> None:
    headers = [("X-Many", "a"), ("X-Other", "x"), ("x-many", "b, c"), ("X-MANY", "d")]
    assert value(fetch(server, headers=headers), "HTTP_X_MANY") == "a, b, c, d"


@pytest.mark.parametrize("name", ["X_Spoof", "X-Sp_oof", "X.Spoof", "X!Spoof", "X~Spoof"])
def test_header_names_with_other_characters_are_dropped(server: Watched, name: str) -> None:
    found = fetch(server, headers=[(name, "evil"), ("X-Good", "kept")])
    assert [key for key in found if "SPOOF" in key or "OOF" in key] == []
    assert value(found, "HTTP_X_GOOD") == "kept"


def test_underscore_does_not_override_the_real_header(server: Watched) -> None:
    found = fetch(server, headers=[("X-Real-User", "me"), ("X_Real_User", "evil")])
    assert value(found, "HTTP_X_REAL_USER") == "me"


def test_authorization_is_passed_on_request(host: str, start: StartServer) -> None:
    config, options = "WSGIPassAuthorization On", {"pass-authorization": "On"}
    server = start(gateway(host, config, options))
    headers = {"Authorization": "Basic eDp5", "Proxy-Authorization": "Basic eDp6"}
    found = fetch(server, "", headers)
    assert value(found, "HTTP_AUTHORIZATION") == "Basic eDp5"
    assert "HTTP_PROXY_AUTHORIZATION" not in found


@pytest.mark.parametrize("path", ["/environ", "/environ/x"])
def test_mounted_below_a_prefix(host: str, start: StartServer, path: str) -> None:
    if host == "microhttpd":
        server = start(Microhttpd("gateway.wsgi", {}, mount="/some/mount"))
    else:
        config = "WSGIScriptAlias /some/mount @APPS@/gateway.wsgi"
        server = start(Httpd(config + (GATEWAY_GROUP if host == "daemon" else "")))
    found = server.get(f"/some/mount{path}").json()
    assert value(found, "SCRIPT_NAME") == "/some/mount"
    assert value(found, "PATH_INFO") == path
    assert value(found, "mod_wsgi.script_name") == "/some/mount"
    assert server.get(f"//some///mount{path}").status == 200
    assert server.get("/some/mountain/environ").status == 404
    assert server.get("/elsewhere").status == 404


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("wsgi.version", ["tuple", [1, 0]]),
        ("wsgi.multithread", ["bool", True]),
        ("wsgi.multiprocess", ["bool", False]),
        ("wsgi.run_once", ["bool", False]),
        ("wsgi.input_terminated", ["bool", True]),
        ("mod_wsgi.version", ["tuple", [6, 1, 1]]),
        ("mod_wsgi.application_group", ["str", ""]),
        ("mod_wsgi.callable_object", ["str", "application"]),
        ("mod_wsgi.handler_script", ["str", ""]),
    ],
)
def test_typed_keys(server: Watched, key: str, expected: list[Any]) -> None:
    assert fetch(server)[key] == expected


def test_the_process_group_is_named(server: Watched) -> None:
    assert fetch(server)["mod_wsgi.process_group"] == ["str", server.group]


def test_times_of_a_process_group(server: Watched) -> None:
    """When the request set out for its process and when that took it; zero in embedded mode."""
    found = fetch(server)
    kinds, times = zip(*(found[f"mod_wsgi.{key}_start"] for key in ("queue", "daemon")))
    assert kinds == ("float", "float")
    if server.group:
        first, last = (value(found, f"mod_wsgi.{k}_start") for k in ("request", "application"))
        assert first <= times[0] <= times[1] <= last
    else:
        assert times == (0.0, 0.0)


def test_stream_keys(server: Watched) -> None:
    found = fetch(server)
    assert found["wsgi.input"][0] == "Input"
    assert found["wsgi.errors"][0] == "TextIOWrapper"
    assert found["wsgi.file_wrapper"][0] == "type"
    identity = server.get("/environ_identity").json()
    assert identity == {"file_wrapper": True, "version": True, "input": "mod_wsgi.Input"}


def test_times_are_epoch_seconds_in_order(server: Watched) -> None:
    before = time.time()
    found = fetch(server)
    request_start, kind = value(found, "mod_wsgi.request_start"), found["mod_wsgi.request_start"][0]
    assert kind == "float"
    assert found["mod_wsgi.application_start"][0] == "float"
    application_start = value(found, "mod_wsgi.application_start")
    assert before - 1 < request_start <= application_start + 0.001 < time.time() + 1


def test_ids_of_process_and_thread(server: Watched) -> None:
    found = fetch(server)
    assert value(found, "mod_wsgi.server_pid").isdigit()
    assert found["mod_wsgi.thread_id"][0] == "int"
    assert 1 <= value(found, "mod_wsgi.thread_id") <= 8


def test_changes_do_not_reach_the_next_request(server: Watched) -> None:
    with server.connect() as connection:
        assert connection.request("GET", "/environ_changed").json() == "changed"
        found = connection.request("GET", "/environ").json()
    assert "leaked" not in found
    assert value(found, "wsgi.version") == [1, 0]
    assert value(found, "REQUEST_METHOD") == "GET"
