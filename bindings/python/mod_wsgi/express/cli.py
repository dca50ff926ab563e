"""The command `mod_wsgi-express`."""

import optparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from . import banner, checks, installation, launch, layout, module_commands, running, validation
from .derived import Site
from .errors import ConfigurationError, Interrupted, StartError, told_in_one_line
from .options import from_namespace
from .parsing import PROGRAM, expand, make_parser

USAGE = f"Usage: {PROGRAM} command [options]\n"


def main() -> NoReturn:
    """Entry point of the console script."""
    if sys.stdout is not None:
        # Names of files may be of any bytes.
        sys.stdout.reconfigure(errors="surrogateescape")
    sys.exit(run(sys.argv[1:]))


def start(*words: str) -> NoReturn:
    """Runs `start-server` with these words of a command line."""
    sys.exit(run(["start-server", *words]))


def run(words: Sequence[str]) -> int:
    """Runs a command; the status to exit with."""
    command = words[0] if words else None
    if command not in COMMANDS:
        problem = f"invalid command: {command}" if command else "no command was given"
        expected = f"{problem} (expected one of {', '.join(COMMANDS)})"
        sys.stderr.write(f"{USAGE}\n{PROGRAM}: error: {expected}\n")
        return 2
    try:
        with told_in_one_line():
            return COMMANDS[command](command, expand(words[1:]))
    except StartError as error:
        sys.stderr.write(f"{PROGRAM}: error: {error}".rstrip() + "\n")
        return 1
    except (KeyboardInterrupt, Interrupted):
        return 1


def setup_server(namespace: object, arguments: Sequence[str]) -> Site:
    """Generates the server root of these options and prints the banner.

    Raises ConfigurationError for a mistake in the options, and StartError where the machine does
    not allow what they ask for.
    """
    return _generate(_prepare(namespace, arguments), setup=True)


def start_server(namespace: object, arguments: Sequence[str]) -> int:
    """Generates the server root and serves until stopped; the status to exit with.

    Raises as `setup_server` does. Without a terminal it does not return: this process becomes
    httpd. It raises Interrupted for a signal that comes before httpd runs.
    """
    with launch.interruptible():
        site = _prepare(namespace, arguments)
        if site.options.setup_only:
            _generate(site, setup=True)
            return 0
        running.refuse_second(site)
        _generate(site, setup=False)
        checks.before_start(site)
    return launch.run(site)


def _prepare(namespace: object, arguments: Sequence[str]) -> Site:
    options = validation.complete(from_namespace(namespace), list(arguments))
    validation.validate(options)
    for sentence in validation.without_effect(options):
        sys.stderr.write(f"{PROGRAM}: warning: {sentence}\n")
    site = Site(options, sys.argv)
    checks.before_generation(site)
    return site


def _generate(site: Site, setup: bool) -> Site:
    layout.generate(site)
    say(banner.render(site, setup))
    return site


def say(text: str) -> None:
    """Writes to standard output."""
    if sys.stdout is None:
        raise StartError("standard output is closed; redirect it, to /dev/null if to nowhere")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # Python tries to write the rest when it ends, and would fail again.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        raise StartError(
            f"standard output cannot be written: {error.strerror}; redirect it elsewhere"
        ) from None


Server = Callable[[object, Sequence[str]], object]


def _serve(command: str, words: list[str], action: Server) -> int:
    parser = make_parser(command)
    values, arguments = parser.parse_args(words)
    try:
        status = action(values, arguments)
    except ConfigurationError as error:
        parser.error(str(error))
    return status if isinstance(status, int) else 0


def _start(command: str, words: list[str]) -> int:
    return _serve(command, words, start_server)


def _setup(command: str, words: list[str]) -> int:
    return _serve(command, words, setup_server)


def _module_parser(command: str, options: str = "") -> optparse.OptionParser:
    return optparse.OptionParser(prog=PROGRAM, usage=f"%prog {command}{options}")


def _without_arguments(parser: optparse.OptionParser, words: list[str]) -> optparse.Values:
    values, arguments = parser.parse_args(words)
    if arguments:
        parser.error(f"unexpected argument: {arguments[0]}")
    return values


def _config(command: str, words: list[str]) -> int:
    _without_arguments(_module_parser(command), words)
    say(module_commands.config(installation.module_file()))
    return 0


def _install(command: str, words: list[str]) -> int:
    parser = _module_parser(command, " [options]")
    parser.add_option(
        "--modules-directory",
        metavar="DIRECTORY",
        help="Directory to copy the module to (default: that of httpd's other modules).",
    )
    values = _without_arguments(parser, words)
    module = module_commands.install(values.modules_directory)
    say(module_commands.config(module))
    return 0


def _location(command: str, words: list[str]) -> int:
    _without_arguments(_module_parser(command), words)
    say(f"{installation.module_file()}\n")
    return 0


COMMANDS: dict[str, Callable[[str, list[str]], int]] = {
    "start-server": _start,
    "setup-server": _setup,
    "module-config": _config,
    "install-module": _install,
    "module-location": _location,
}
