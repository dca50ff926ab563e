"""Reading a server's error log, and holding a test to the lines that it expects."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from waiting import DeadlineError, poll

SEVERE = {"emerg", "alert", "crit", "error", "warn"}
HTTPD_LINE = re.compile(
    r"^\[[^\]]+\] \[(?P<module>[\w-]*):(?P<level>\w+)\] "
    r"\[pid (?P<pid>\d+)(?::tid (?P<tid>\d+))?\] "
    r"(?P<os>\(\d+\)[^:]*: )?(?:\[(?:client|remote) (?P<client>[^\]]+)\] )?(?P<text>.*)$"
)
PLAIN_LINE = re.compile(
    r"^\[?(?P<level>emerg|alert|crit|error|warn|notice|info|debug|trace1)[\]:]+ (?P<text>.*)$"
)
TRACEBACK_LINE = re.compile(
    r"^(Traceback \(most recent call last\):|  .*|The above exception was.*|During handling.*"
    r"|    [\^~ ]+)$"
)
# httpd's own remarks: few workers on purpose; a connection that ends while httpd does.
NOISE = re.compile(r"^AH(00161|00484|00485|03092|10159): ")
SCRIPT = re.compile(r"^\[script [^\]]*\] ")
CRASH = re.compile(r"exit signal|core dump|panicked at|Fatal Python error|double free|corrupted")


@dataclass(frozen=True)
class Record:
    """One line of the log. A line of foreign form counts as an error."""

    text: str
    level: str = "error"
    module: str = ""
    pid: int = 0
    client: str | None = None

    @classmethod
    def parse(cls, line: str) -> Record:
        if match := HTTPD_LINE.match(line):
            return cls(
                match["text"], match["level"], match["module"], int(match["pid"]), match["client"]
            )
        if match := PLAIN_LINE.match(line):
            return cls(match["text"], match["level"])
        return cls(line)

    def is_severe(self) -> bool:
        return self.level in SEVERE


class ErrorLog:
    """An error log on disk that a server appends to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def records(self, since: int = 0) -> list[Record]:
        """The complete lines after the offset `since`."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as stream:
            stream.seek(since)
            data = stream.read()
        lines = data[: data.rfind(b"\n") + 1].decode("utf-8", "replace").splitlines()
        return [Record.parse(line) for line in lines if not line.startswith("listening on ")]

    def find(self, pattern: str, since: int = 0) -> list[Record]:
        return [r for r in self.records(since) if re.search(pattern, r.text)]

    def wait_for(
        self, pattern: str, since: int = 0, count: int = 1, seconds: float = 5.0
    ) -> list[Record]:
        """The lines that match, once there are at least `count`."""

        def enough() -> list[Record]:
            found = self.find(pattern, since)
            return found if len(found) >= count else []

        return poll(enough, f"{count} log lines with {pattern!r}", seconds)


@dataclass
class LogWatch:
    """The log during one test: every severe line must be one that the test declared."""

    log: ErrorLog
    start: int
    expected: list[tuple[str, int | None]] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    tracebacks: bool = False
    crashes: bool = False

    def records(self) -> list[Record]:
        return self.log.records(self.start)

    def find(self, pattern: str) -> list[Record]:
        return self.log.find(pattern, self.start)

    def wait_for(self, pattern: str, count: int = 1) -> list[Record]:
        return self.log.wait_for(pattern, self.start, count)

    def expect(self, pattern: str, count: int | None = 1) -> None:
        """A line like this must be there `count` times, or at least once with None."""
        self.expected.append((pattern, count))

    def allow(self, pattern: str) -> None:
        """Lines like this may be there."""
        self.allowed.append(pattern)

    def allow_crashes(self) -> None:
        """The test kills processes itself."""
        self.crashes = True

    def expect_exception(self, name: str, text: str = "", count: int = 1) -> None:
        """An application exception: its header line and its traceback, each `count` times."""
        verb = "by" if name == "SystemExit" else "processing"
        self.expect(rf"WC005[01]: .*\b{name} exception raised {verb} WSGI script", count)
        last = rf"^([\w.]+\.)?{name}(: {text}|$)" if text else rf"^([\w.]+\.)?{name}(:|$)"
        self.expect(last, count)
        self.tracebacks = True

    def crashed(self) -> bool:
        """Whether a process died in a way that the test did not bring about."""
        return not self.crashes and any(CRASH.search(r.text) for r in self.records())

    def finish(self) -> None:
        """Checks all that was declared; waits for expected lines that are not there yet."""
        for pattern, count in self.expected:
            self.check_expected(pattern, count)
        unexpected = [record for record in self.records() if self.is_unexpected(record)]
        assert not unexpected, "unexpected in the error log:\n" + "\n".join(map(str, unexpected))

    def check_expected(self, pattern: str, count: int | None) -> None:
        try:
            found = self.wait_for(pattern, 1 if count is None else count)
        except DeadlineError as error:
            lines = "\n".join(record.text for record in self.records())
            raise AssertionError(f"{error}; the log has:\n{lines}") from None
        if count is not None:
            assert len(found) == count, (pattern, found)

    def is_unexpected(self, record: Record) -> bool:
        if not record.is_severe() or NOISE.match(record.text):
            return False
        if self.tracebacks and TRACEBACK_LINE.match(SCRIPT.sub("", record.text)):
            return False
        patterns = [*(pattern for pattern, _ in self.expected), *self.allowed]
        return not any(re.search(pattern, record.text) for pattern in patterns)
