"""The debugger on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import programs
import pytest
from terminal import read_until

PROMPT = "(Pdb) "
SITE = """\
def application(environ, start_response):
    step = environ["step"]
    if step == "call":
        raise ValueError("in the call")
    return Response(step)


class Response:
    def __init__(self, step):
        self.step = step
        self.blocks = iter([b"block"])

    def __iter__(self):
        return self

    def __next__(self):
        if self.step == "iteration":
            raise ValueError("in the iteration")
        return next(self.blocks)

    def close(self):
        if self.step == "close":
            raise ValueError("in close")
"""

# Requests are served on another thread than Python's main one, as in the server.
PROGRAM = """
    import sys, threading
    sys.path.insert(0, ".")
    import debugged
    from mod_wsgi.express.debugger import Debugger

    debugger = Debugger(debugged.application)
    if "startup" in sys.argv:
        debugger.break_at_startup(debugged.application)

    def request(step):
        try:
            response = debugger({"step": step}, None)
            try:
                body = b"".join(response)
            finally:
                response.close()
            print("answered", body)
        except BaseException as error:
            print("raised", repr(error))

    def serve():
        for step in sys.argv[1].split(","):
            request(step)

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()
"""


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.fd, other = pty.openpty()
        self.process = subprocess.Popen(
            [*programs.command(PROGRAM), *arguments],
            cwd=directory,
            env=programs.environment() | {"TERM": "dumb", "HOME": str(directory)},
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)

    def read_until(self, ending: str) -> str:
        return read_until(
            self.fd, lambda seen: seen.endswith(ending), repr(ending), programs.DEADLINE_S
        )

    def ask(self, command: str) -> str:
        """What a command of pdb's prints until its next prompt."""
        os.write(self.fd, f"{command}\n".encode())
        return self.read_until(PROMPT)

    def finish(self, command: str, ending: str) -> None:
        os.write(self.fd, f"{command}\n".encode())
        self.read_until(ending + "\n")
        assert self.process.wait(programs.DEADLINE_S) == 0

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    programs.write(tmp_path, "debugged.py", SITE)
    terminals = []

    def run(*arguments: str) -> Terminal:
        terminals.append(Terminal(tmp_path, *arguments))
        return terminals[-1]

    yield run
    for terminal in terminals:
        terminal.close()


@pytest.mark.parametrize(
    ("step", "message", "variable"),
    [
        ("call", "in the call", "step"),
        ("iteration", "in the iteration", "self.step"),
        ("close", "in close", "self.step"),
    ],
)
def test_an_exception(start: Start, step: str, message: str, variable: str) -> None:
    """The prompt stands where it was raised, and afterwards it is still raised."""
    terminal = start(step)
    text = terminal.read_until(PROMPT)
    assert f"ValueError: {message}" in text
    assert "steps.py" not in text
    assert f"-> raise ValueError({message!r})" in text.replace('"', "'")
    assert f"'{step}'" in terminal.ask(f"p {variable}")
    terminal.finish("c", f"raised ValueError('{message}')")


def test_quitting(start: Start) -> None:
    terminal = start("call")
    terminal.read_until(PROMPT)
    terminal.finish("q", "raised ValueError('in the call')")


def test_the_next_request_after_an_exception(start: Start) -> None:
    terminal = start("call,none")
    terminal.read_until(PROMPT)
    terminal.finish("c", "answered b'block'")


def test_no_exception(start: Start) -> None:
    terminal = start("none")
    assert terminal.read_until("answered b'block'\n") == "answered b'block'\n"


def test_at_startup(start: Start) -> None:
    terminal = start("none", "startup")
    terminal.read_until(PROMPT)
    assert "<function application at" in terminal.ask("p application")
    terminal.finish("c", "answered b'block'")


def test_breakpoints_hold_in_every_request(start: Start) -> None:
    terminal = start("one,two", "startup")
    terminal.read_until(PROMPT)
    assert "Breakpoint 1 at" in terminal.ask("b debugged:3")
    assert '-> if step == "call":' in terminal.ask("c")
    assert "'one'" in terminal.ask("p step")
    assert '-> if step == "call":' in terminal.ask("c")
    assert "'two'" in terminal.ask("p step")
    terminal.finish("c", "answered b'block'")


def test_quitting_at_startup(start: Start) -> None:
    terminal = start("none", "startup")
    terminal.read_until(PROMPT)
    terminal.finish("q", "answered b'block'")


def test_quitting_at_a_breakpoint(start: Start) -> None:
    """It ends the request, and not the server."""
    terminal = start("one,two", "startup")
    terminal.read_until(PROMPT)
    terminal.ask("b debugged:3")
    terminal.ask("c")
    assert "raised BdbQuit()" in terminal.ask("q")
    assert "'two'" in terminal.ask("p step")
    terminal.finish("c", "answered b'block'")
