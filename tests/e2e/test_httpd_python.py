"""What the directives do to the interpreters: flags, paths, streams, signals, modules."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from conftest import StartHttpd
from evaluating import evaluate
from httpd import Mpm
from runtimes import default_python, own_version

ALIAS = "WSGIScriptAlias / @APPS@/evaluate.wsgi\n"


@pytest.mark.parametrize(("value", "level"), [("0", 0), ("1", 1), ("2", 2)])
def test_optimize(httpd: StartHttpd, value: str, level: int) -> None:
    server = httpd(ALIAS + f"WSGIPythonOptimize {value}")
    assert evaluate(server, "/", "sys.flags.optimize") == level


def test_defaults(httpd: StartHttpd) -> None:
    server = httpd(ALIAS)
    flags = evaluate(server, "/", "[sys.flags.optimize, sys.flags.dont_write_bytecode]")
    assert flags == [0, 0]
    assert evaluate(server, "/", "sys.flags.hash_randomization") == 1
    assert evaluate(server, "/", "round(sys.getswitchinterval(), 6)") == 0.005
    assert evaluate(server, "/", "sys.warnoptions") == []
    assert evaluate(server, "/", "sys.argv") == ["mod_wsgi"]
    assert evaluate(server, "/", "threading.main_thread() is threading.current_thread()") is False


def test_hash_seed(httpd: StartHttpd) -> None:
    server = httpd(ALIAS + "WSGIPythonHashSeed 7")
    command = [default_python(), "-c", "print(hash('some text'))"]
    result = subprocess.run(command, env={"PYTHONHASHSEED": "7"}, capture_output=True, check=True)
    assert evaluate(server, "/", "hash('some text')") == int(result.stdout)


def test_hash_seed_random(httpd: StartHttpd) -> None:
    config = ALIAS + "WSGIPythonHashSeed random"
    servers = [httpd(config), httpd(config)]
    hashes = [evaluate(server, "/", "hash('some text')") for server in servers]
    assert hashes[0] != hashes[1]


def test_warnings_accumulate(httpd: StartHttpd) -> None:
    config = "WSGIPythonWarnings error::UserWarning\nWSGIPythonWarnings ignore::ImportWarning\n"
    server = httpd(ALIAS + config)
    found = evaluate(server, "/", "sys.warnoptions")
    assert found == ["error::UserWarning", "ignore::ImportWarning"]
    found = evaluate(server, "/", "importlib.import_module('warnings').warn('x')")
    assert found["raised"] == "UserWarning"


@pytest.mark.parametrize(("value", "expected"), [("On", 1), ("Off", 0), ("on", 1)])
def test_dont_write_bytecode(httpd: StartHttpd, value: str, expected: int) -> None:
    server = httpd(ALIAS + f"WSGIDontWriteBytecode {value}")
    assert evaluate(server, "/", "sys.flags.dont_write_bytecode") == expected
    assert evaluate(server, "/", "sys.dont_write_bytecode") is bool(expected)


def test_switch_interval(httpd: StartHttpd) -> None:
    server = httpd(ALIAS + "WSGISwitchInterval 0.025")
    assert evaluate(server, "/", "round(sys.getswitchinterval(), 6)") == 0.025


def test_python_path(httpd: StartHttpd) -> None:
    """Each directory is a site directory: its .pth files count, and all goes to the front."""
    server = httpd("WSGIScriptAlias / @APPS@/hello.wsgi")
    library, second = server.root / "library", server.root / "second"
    for directory in (library, second, server.root / "by_pth"):
        directory.mkdir()
    (library / "test.pth").write_text(f"{server.root}/by_pth\n")
    server = httpd(ALIAS + f"WSGIPythonPath {library}:{second}")
    found = evaluate(server, "/", "sys.path")[:3]
    assert found == [str(library), str(library.parent / "by_pth"), str(second)]


def test_python_path_in_a_sub_interpreter(httpd: StartHttpd) -> None:
    server = httpd(ALIAS + "WSGIApplicationGroup sub\nWSGIPythonPath /tmp")
    assert evaluate(server, "/", "sys.path")[0] == "/tmp"


def test_python_eggs(httpd: StartHttpd) -> None:
    server = httpd(ALIAS + "WSGIPythonEggs /tmp/eggs")
    assert evaluate(server, "/", "os.environ['PYTHON_EGG_CACHE']") == "/tmp/eggs"


def test_python_home_of_a_virtual_environment(httpd: StartHttpd, tmp_path: Path) -> None:
    first = httpd(ALIAS)
    home = first.root / "venv"
    command = [default_python(), "-m", "venv", "--without-pip", str(home)]
    subprocess.run(command, check=True)
    server = httpd(ALIAS + f"WSGIPythonHome {home}")
    assert evaluate(server, "/", "sys.prefix") == str(home)
    assert evaluate(server, "/", "sys.executable") in (
        str(home / "bin" / "python"),
        str(home / "bin" / "python3"),
    )
    site = str(home / "lib" / f"python{own_version()}" / "site-packages")
    assert site in evaluate(server, "/", "sys.path")
    assert evaluate(first, "/", "sys.prefix") != str(home)


@pytest.mark.parametrize("home", ["/nonexistent", "/etc/passwd"])
def test_a_bad_python_home_is_warned_about(httpd: StartHttpd, home: str) -> None:
    """Start-up continues; requests are served or answered 500, but the server lives."""
    server = httpd(ALIAS + f"WSGIPythonHome {home}")
    server.log.expect(rf"WC0023: .*{home}", None)
    server.log.allow(r"WC00(30|20|21): |^Python path configuration:|^  ")
    server.log.wait_for("WC0023: ")
    assert server.get("/").status in (200, 500, 503)


def test_restrict_stdin(httpd: StartHttpd) -> None:
    assert evaluate(httpd(ALIAS), "/", "sys.stdin.read()") == ""
    server = httpd(ALIAS + "WSGIRestrictStdin On")
    for expression in ("sys.stdin.read()", "sys.stdin.anything"):
        assert evaluate(server, "/", expression)["raised"] == "OSError"


def test_restrict_stdout(httpd: StartHttpd) -> None:
    server = httpd(ALIAS + "WSGIRestrictStdout On")
    for expression in ("print('x')", "sys.stdout.anything"):
        assert evaluate(server, "/", expression)["raised"] == "OSError"


def test_restrict_signal(httpd: StartHttpd) -> None:
    """By default a handler is not installed, and the log says who tried."""
    server = httpd(ALIAS)
    assert evaluate(server, "/", "signal.signal(signal.SIGTERM, print) is print") is True
    found = evaluate(server, "/", "signal.getsignal(signal.SIGTERM)")
    assert "print" not in str(found)
    [record] = server.log.wait_for("signal")
    assert record.level in ("info", "warn")
    server.log.allow("signal|evaluate")
    server.log.wait_for(r"evaluate\.wsgi")


def test_restrict_signal_off(httpd: StartHttpd) -> None:
    """The real function refuses threads that are not the main one."""
    server = httpd(ALIAS + "WSGIRestrictSignal Off")
    assert evaluate(server, "/", "signal.signal(signal.SIGTERM, print)")["raised"] == "ValueError"


def test_restrict_embedded(httpd: StartHttpd) -> None:
    server = httpd(ALIAS + "WSGIRestrictEmbedded On")
    server.log.expect(r"^WC\d{4}: .*(?i:embedded)")
    assert server.get("/").status == 500


def test_modules_in_every_interpreter(httpd: StartHttpd) -> None:
    server = httpd(ALIAS + "WSGIApplicationGroup sub", Mpm("event", 1, 5, 1))
    expressions = {
        "mod_wsgi.version": [6, 1, 1],
        "mod_wsgi.process_group": "",
        "mod_wsgi.application_group": "sub",
        "mod_wsgi.maximum_processes": 1,
        "mod_wsgi.threads_per_process": 5,
        "issubclass(mod_wsgi.RequestTimeout, BaseException)": True,
        "issubclass(mod_wsgi.RequestTimeout, Exception)": False,
        "mod_wsgi.LogHandler.__bases__[0].__name__": "Handler",
        "mod_wsgi.FileWrapper is environ['wsgi.file_wrapper']": True,
        "apache.mpm_name": "event",
        "apache.maximum_processes": 1,
        "apache.threads_per_process": 5,
        "len(apache.version)": 3,
        "apache.description.startswith('Apache/2.4')": True,
        "sys.modules['mod_wsgi'] is mod_wsgi": True,
    }
    found = {expression: evaluate(server, "/", expression) for expression in expressions}
    assert found == expressions


def test_thread_local_data_persists_in_a_thread(httpd: StartHttpd) -> None:
    server = httpd(ALIAS, Mpm("prefork", 1, 1, 1))
    expression = (
        "STATE.setdefault('local', threading.local()).__dict__.setdefault('n', id(environ))"
    )
    assert evaluate(server, "/", expression) == evaluate(server, "/", expression)


def test_the_server_banner_names_the_module(httpd: StartHttpd) -> None:
    server = httpd(ALIAS + "ServerTokens Full")
    banner = server.get("/?1").header("Server") or ""
    assert "mod_wsgi/6.1.1" in banner
