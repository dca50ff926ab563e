"""Where process groups of virtual hosts log what belongs to no request."""

from __future__ import annotations

import os
import re
from pathlib import Path

import process
from conftest import StartHttpd
from evaluating import evaluate
from groups import PID, kill, supervisor
from httpd import Httpd
from logs import ErrorLog, Record
from server import Watched
from waiting import poll

# A virtual host with a process group, both of the same name.
HOST = """
<VirtualHost *:@PORT@>
    ServerName {name}.test
    {directives}
    WSGIDaemonProcess {name} {options}
    WSGIScriptAlias / @APPS@/evaluate.wsgi process-group={name} application-group=%{{GLOBAL}}
</VirtualHost>
"""


def host(name: str, directives: str, options: str = "") -> str:
    return HOST.format(name=name, directives=directives, options=options)


def own_log(name: str, options: str = "") -> str:
    """A virtual host that logs to a file of its own."""
    return host(name, f"ErrorLog @ROOT@/{name}.log", options)


def ask(server: Watched, name: str, expression: str) -> object:
    return evaluate(server, "/", expression, {"Host": f"{name}.test"})


def say(server: Watched, name: str, text: str, stream: str = "stdout") -> None:
    """Has a thread that serves no request write a line."""
    target = f"threading.Thread(target=print, args=({text!r},), kwargs={{'file': sys.{stream}}})"
    ask(server, name, f"[t.start() or t.join() for t in [{target}]]")


def worker_of(server: Watched, name: str) -> int:
    pid = ask(server, name, PID)
    assert isinstance(pid, int)
    return pid


def log(server: Watched, name: str) -> ErrorLog:
    return ErrorLog(server.root / f"{name}.log")


def wait(server: Watched, name: str, pattern: str) -> Record:
    """The only line of a log that matches."""
    [record] = log(server, name).wait_for(pattern, seconds=10.0)
    return record


def test_a_group_logs_to_its_virtual_host(httpd: StartHttpd) -> None:
    server = httpd(own_log("one") + own_log("two"))
    for name in ("one", "two"):
        pid = worker_of(server, name)
        ready = wait(server, name, f"Process {pid} of group '{name}' is ready")
        assert (ready.level, ready.pid) == ("info", supervisor(server))
        for stream in ("stdout", "stderr"):
            say(server, name, f"{stream} of {name}", stream)
            record = wait(server, name, f"^{stream} of {name}$")
            assert (record.level, record.module, record.pid) == ("error", "wsgi", pid)
        # Loading the script and starting Python, as the process itself tells it.
        assert wait(server, name, "^Loading WSGI script").pid == pid
        assert [record for record in log(server, name).find("(?i)python") if record.pid == pid]
    assert not log(server, "one").find("two") and not log(server, "two").find("one")
    assert not server.log.find("'(one|two)'| of (one|two)$|Loading WSGI script")


def test_output_of_other_programs_is_there(httpd: StartHttpd) -> None:
    """What is written to the streams of the process without Python's knowing."""
    server = httpd(own_log("one"))
    assert ask(server, "one", "os.system('echo to stdout; echo to stderr >&2')") == 0
    assert ask(server, "one", r"os.write(2, b'from C\n')") == 7
    for text in ("to stdout", "to stderr", "from C"):
        wait(server, "one", f"^{text}$")
    assert not server.log.find("to std|from C")


def test_the_end_of_a_process_is_in_its_log(httpd: StartHttpd) -> None:
    server = httpd(own_log("one") + own_log("two"))
    pid = worker_of(server, "one")
    kill(pid)
    record = wait(server, "one", f"WC0081: Process {pid} of group 'one' was ended by SIGKILL")
    assert record.level == "error"
    poll(lambda: log(server, "one").find("is ready")[1:], "another process")
    assert not server.log.find("WC0081") and not log(server, "two").find("WC0081")


def test_stacks_are_in_the_log(httpd: StartHttpd) -> None:
    server = httpd(own_log("one", "request-timeout=1 interrupt-timeout=5"))
    found = ask(server, "one", "[time.sleep(0.01) for _ in range(2000)]")
    assert isinstance(found, dict) and found["raised"] == "RequestTimeout"
    wait(server, "one", "Injected RequestTimeout into thread")
    stack = r'File ".*evaluate\.wsgi", line \d+,? in evaluate'
    assert log(server, "one").find(stack)
    assert not server.log.find("Injected RequestTimeout") and not server.log.find(stack)


def test_without_a_log_of_its_own(httpd: StartHttpd) -> None:
    """The main log has the lines, as many as the virtual host wants."""
    server = httpd(host("quiet", "LogLevel wsgi:error") + host("loud", ""))
    server.log.expect("^from (quiet|loud)$", 2)
    server.log.expect("WC0081: Process [0-9]+ of group '(quiet|loud)'", 2)
    server.log.allow_crashes()
    for name in ("quiet", "loud"):
        say(server, name, f"from {name}")
        kill(worker_of(server, name))
        server.log.wait_for(f"WC0081: .*'{name}'")
    server.log.wait_for("of group 'loud' is ready")
    assert not server.log.find("of group 'quiet' is ready")


def test_the_level_of_the_virtual_host_counts(httpd: StartHttpd) -> None:
    """Also above that of the main server, and for Python."""
    server = httpd(
        host("one", "ErrorLog @ROOT@/one.log\nLogLevel wsgi:error")
        + "LogLevel wsgi:crit\n"
        + own_log("two")
    )
    for name in ("one", "two"):
        say(server, name, f"from {name}")
        kill(worker_of(server, name))
        worker_of(server, name)
    wait(server, "one", "WC0081")
    wait(server, "one", "^from one$")
    assert not [record for record in log(server, "one").records() if record.level == "info"]
    assert not log(server, "two").find("WC0081|from two")


def test_a_log_that_is_a_pipe(httpd: StartHttpd) -> None:
    server = httpd(host("one", 'ErrorLog "|$exec cat >> @ROOT@/one.log"'))
    say(server, "one", "through the pipe")
    wait(server, "one", "^through the pipe$")
    pid = worker_of(server, "one")
    kill(pid)
    wait(server, "one", f"WC0081: Process {pid}")
    # A new generation has a new pipe, and the reader of the old one ends.
    assert isinstance(server.server, Httpd)
    [reader] = readers(server)
    server.server.graceful()
    process.wait_gone([reader])
    say(server, "one", "through the next pipe")
    wait(server, "one", "^through the next pipe$")
    assert len(readers(server)) == 1


def readers(server: Watched) -> list[int]:
    return [pid for pid in process.children(server.server.pid) if process.name(pid) == "cat"]


def test_a_pipe_whose_reader_has_ended(httpd: StartHttpd) -> None:
    """What is said about the group is not lost, and the group serves."""
    server = httpd(host("one", 'ErrorLog "|$exec cat >> @ROOT@/one.log"'))
    server.log.allow_crashes()
    pid = worker_of(server, "one")
    [reader] = readers(server)
    kill(reader)
    process.wait_gone([reader])
    kill(pid)
    server.log.expect(f"WC0081: Process {pid} of group 'one' was ended by SIGKILL")
    say(server, "one", "to nobody")
    assert worker_of(server, "one") != pid


def test_a_log_that_is_no_file(httpd: StartHttpd) -> None:
    server = httpd(host("one", "ErrorLog syslog:user"))
    server.log.expect("^from one$")
    say(server, "one", "from one")
    server.log.wait_for("of group 'one' is ready")


def test_a_graceful_restart_opens_the_log_again(httpd: StartHttpd) -> None:
    server = httpd(own_log("one"))
    say(server, "one", "before")
    old = worker_of(server, "one")
    wait(server, "one", "^before$")
    (server.root / "one.log").rename(server.root / "old.log")
    assert isinstance(server.server, Httpd)
    server.server.graceful()
    process.wait_gone([old])
    say(server, "one", "after")
    wait(server, "one", "^after$")
    wait(server, "old", f"Process {old} of group 'one' exited with code 0")
    assert not log(server, "one").find(f"{old}")


def test_another_supervisor_logs_there_too(httpd: StartHttpd) -> None:
    server = httpd(own_log("one"))
    server.log.allow_crashes()
    server.log.expect("WC0085")
    pid, first = worker_of(server, "one"), supervisor(server)
    kill(first)
    process.wait_gone([first, pid])
    poll(lambda: supervisor(server), "another supervisor")
    pid = worker_of(server, "one")
    assert wait(server, "one", f"Process {pid} of group 'one' is ready").pid == supervisor(server)


def open_files(pid: int) -> dict[int, str]:
    links = Path(f"/proc/{pid}/fd").iterdir()
    return {int(link.name): os.readlink(link) for link in links if link.is_symlink()}


def test_a_process_has_its_own_log_open_and_no_other(httpd: StartHttpd) -> None:
    server = httpd(own_log("one") + own_log("two"))
    for name in ("one", "two"):
        files = open_files(worker_of(server, name))
        logs = {number: path for number, path in files.items() if path.endswith(".log")}
        assert logs == dict.fromkeys((1, 2), str(server.root / f"{name}.log"))


def test_restarts_leave_no_descriptor_behind(httpd: StartHttpd) -> None:
    server = httpd(own_log("one") + own_log("two"))
    assert isinstance(server.server, Httpd)

    def logs() -> list[str]:
        files = open_files(server.server.pid).values()
        return sorted(Path(path).name for path in files if re.search(r"(one|two)\.log$", path))

    before = logs()
    for _ in range(3):
        server.server.graceful()
        assert worker_of(server, "one")
    assert before == ["one.log", "one.log", "two.log", "two.log"] == logs()
