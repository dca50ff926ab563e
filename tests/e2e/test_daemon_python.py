"""The Python of a process group: its home, version, paths and settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import StartHttpd, StartServer
from evaluating import evaluate
from groups import grouped, worker, writable
from httpd import Httpd
from runtimes import homes, installed, make_environment, own_version

VERSIONS = [version for version in installed() if version in homes()]


def test_python_path(httpd: StartHttpd) -> None:
    server = httpd(grouped("python-path=/usr/share:/usr/lib"))
    assert evaluate(server, "/", "sys.path[:2]") == ["/usr/share", "/usr/lib"]


def test_home_comes_before_python_path(httpd: StartHttpd) -> None:
    server = httpd(grouped("home=/usr/games python-path=/usr/share"))
    found = evaluate(server, "/", "sys.path")
    assert found[0] == "/usr/games"
    assert "/usr/share" in found


def test_the_python_path_of_the_server_is_not_that_of_groups(httpd: StartHttpd) -> None:
    server = httpd(grouped() + "WSGIPythonPath /usr/share\n")
    assert "/usr/share" not in evaluate(server, "/", "sys.path")


def test_python_eggs(httpd: StartHttpd) -> None:
    server = httpd(grouped("python-eggs=/tmp/eggs"))
    assert evaluate(server, "/", "os.environ['PYTHON_EGG_CACHE']") == "/tmp/eggs"


def test_switch_interval(httpd: StartHttpd) -> None:
    server = httpd(grouped("switch-interval=0.025"))
    assert evaluate(server, "/", "round(sys.getswitchinterval(), 6)") == 0.025


def test_process_wide_directives_count_in_groups(httpd: StartHttpd) -> None:
    server = httpd(grouped() + "WSGIPythonOptimize 2\nWSGIPythonHashSeed 7\n")
    assert evaluate(server, "/", "[sys.flags.optimize, sys.flags.hash_randomization]")[0] == 2
    assert evaluate(server, "/", "sys.flags.hash_randomization") == 1



@pytest.mark.parametrize("size", [1 << 20, 16 << 20])
def test_stack_size(httpd: StartHttpd, size: int) -> None:
    """As libc tells it of the thread that serves: stacks may share a mapping of the system's."""
    server = httpd(grouped(f"stack-size={size}"))
    assert abs(evaluate(server, "/", STACK_SIZE) - size) <= 1 << 16


STACK_SIZE = """(
    ctypes := importlib.import_module("ctypes"),
    libc := ctypes.CDLL(None),
    thread := ctypes.c_ulong(threading.get_ident()),
    attributes := ctypes.create_string_buffer(256),
    size := ctypes.c_size_t(),
    libc.pthread_getattr_np(thread, attributes),
    libc.pthread_attr_getstacksize(attributes, ctypes.byref(size)),
    libc.pthread_attr_destroy(attributes),
    size.value,
)[-1]"""


@pytest.mark.parametrize("version", VERSIONS)
def test_python_home_chooses_the_version(start: StartServer, version: str) -> None:
    server = Httpd("")
    home = make_environment(homes()[version], version, server.root / "venv")
    server.config.write_text(
        server.config.read_text() + server.expand(grouped(f"python-home={home}"))
    )
    watched = start(server)
    found = evaluate(watched, "/", "[*sys.version_info[:2], sys.prefix]")
    assert found == [*map(int, version.split(".")), str(home)]


def test_several_pythons_at_once(start: StartServer) -> None:
    server = Httpd("")
    config = ""
    for version in VERSIONS:
        name = "p" + version.replace(".", "")
        home = make_environment(homes()[version], version, server.root / name)
        config += (
            f"WSGIDaemonProcess {name} python-home={home}\n"
            f"WSGIScriptAlias /{name} @APPS@/evaluate.wsgi process-group={name}\n"
        )
    server.config.write_text(server.config.read_text() + server.expand(config))
    watched = start(server)
    for version in VERSIONS * 2:
        name = "p" + version.replace(".", "")
        found = evaluate(watched, f"/{name}", "[*sys.version_info[:2], sys.prefix]")
        assert found == [*map(int, version.split(".")), str(server.root / name)]


def test_home_of_a_version_without_runtime_is_refused(start: StartServer) -> None:
    """In one line that names the version, the group, and the runtimes there are."""
    server = Httpd("")
    home = server.root / "venv"
    home.mkdir()
    (home / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.6.9\n")
    server.config.write_text(
        server.config.read_text() + server.expand(grouped(f"python-home={home}"))
    )
    result = server.check_config()
    assert result.returncode != 0
    line = next(line for line in result.stderr.splitlines() if "3.6" in line)
    assert "'app'" in line and str(home) in line
    for version in installed():
        assert version in line


def test_python_that_cannot_start_is_503(httpd: StartHttpd) -> None:
    """The process is tried again, later and later, and the log says why."""
    server = httpd(grouped("python-home=/nonexistent connect-timeout=1"))
    server.log.expect(r"WC0023: .*/nonexistent", None)
    server.log.expect(r"WC0030: .*group 'app'", None)
    server.log.allow(r"WC00\d\d: |^Python path configuration|^  |^(Fatal|Current) |^$|^ModuleNotFound")
    response = server.get("/")
    assert response.status == 503
    assert int(response.header("Retry-After") or 0) >= 1
    server.log.wait_for(r"the next one starts in 0\.2 seconds")


def test_main_thread_is_not_a_request_thread(httpd: StartHttpd) -> None:
    server = httpd(grouped())
    assert evaluate(server, "/", "threading.current_thread() is threading.main_thread()") is False


def test_atexit_runs_at_the_end_of_a_worker(httpd: StartHttpd) -> None:
    server = httpd(grouped())
    path = writable(server) / "atexit"
    evaluate(server, "/", f"atexit.register(touch, '{path}')")
    server.server.stop()
    assert path.read_text() == "called\n"


def test_modules_know_their_group(httpd: StartHttpd) -> None:
    server = httpd(grouped("processes=2 threads=3"))
    found = evaluate(
        server,
        "/",
        "[mod_wsgi.process_group, mod_wsgi.application_group, mod_wsgi.maximum_processes,"
        " mod_wsgi.threads_per_process, mod_wsgi.version]",
    )
    assert found == ["app", "", 2, 3, [6, 1, 1]]


def test_application_groups_in_a_process_group(httpd: StartHttpd) -> None:
    server = httpd("""
        WSGIDaemonProcess app
        WSGIProcessGroup app
        WSGIScriptAlias /a @APPS@/evaluate.wsgi
        WSGIScriptAlias /b @APPS@/evaluate.wsgi application-group=sub
        """)
    found = [
        evaluate(server, path, "[os.getpid(), environ['mod_wsgi.application_group'], id(sys.modules)]")
        for path in ("/a", "/b")
    ]
    assert found[0][0] == found[1][0]
    assert found[1][1] == "sub"
    assert found[0][2] != found[1][2]


def test_signal_handlers_are_intercepted(httpd: StartHttpd) -> None:
    server = httpd(grouped())
    server.log.allow("signal|evaluate")
    assert evaluate(server, "/", "signal.signal(signal.SIGTERM, print) is print") is True
    assert own_version() in evaluate(server, "/", "sys.version")
