"""The command line of `start-server` and `setup-server`.

optparse and not argparse: values may begin with a dash (`--telemetry-options -CaptureUserAgent`),
and arguments may stand anywhere between options.
"""

import optparse
import os
from collections.abc import Sequence
from typing import Any

from .option import Option
from .options import groups, help_text

PROGRAM = "mod_wsgi-express"


def expand(words: Sequence[str]) -> list[str]:
    """Replaces `$NAME` and `${NAME}` by what the environment says, where it does."""
    return [os.path.expandvars(word) for word in words]


def make_parser(command: str) -> optparse.OptionParser:
    parser = optparse.OptionParser(
        prog=PROGRAM, usage=f"%prog {command} [script | module | directory] [options]"
    )
    for title, options in groups().items():
        group = parser.add_option_group(title)
        for option in options:
            group.add_option(*option.flags, **_facts(option))
    return parser


def _facts(option: Option) -> dict[str, Any]:
    text = optparse.SUPPRESS_HELP if option.hidden else help_text(option)
    facts: dict[str, Any] = {"dest": option.name, "help": text}
    if not option.takes_value:
        return facts | {"action": "store_true", "default": False}
    return facts | {
        "action": "callback",
        "callback": _store,
        "callback_args": (option,),
        "type": "string",
        "nargs": len(option.metavar),
        "metavar": " ".join(option.metavar),
        "default": None,
    }


def _store(
    _: optparse.Option, flag: str, value: Any, parser: optparse.OptionParser, option: Option
) -> None:
    values = parser.values
    try:
        # Where there are two values, they are texts.
        value = option.convert(value) if isinstance(value, str) else value
    except ValueError as error:
        raise optparse.OptionValueError(f"option {flag}: {error}") from None
    if option.repeatable:
        value = [*(getattr(values, option.name) or []), value]
    setattr(values, option.name, value)
