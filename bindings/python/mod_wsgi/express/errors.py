"""What can be wrong with what the launcher is asked for."""

import contextlib
from collections.abc import Iterator


class ConfigurationError(Exception):
    """A mistake in the options, told in one line. The command line reports it as a usage error."""


class StartError(Exception):
    """Why the server can't be started as configured, and what to do about it."""


class Interrupted(Exception):
    """A signal asks for the end before there is a server that it could be passed on to."""


@contextlib.contextmanager
def told_in_one_line() -> Iterator[None]:
    """Turns what the system refuses, and nobody has a better word for, into StartError."""
    try:
        yield
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise StartError(f"{place}{error.strerror or error}") from error
