"""Completion of the command line, for the shells.

python -m mod_wsgi.express.completion bash|zsh|fish
"""

import shlex
import sys
from collections.abc import Callable

from .cli import COMMANDS
from .option import Kind, Option
from .options import OPTIONS
from .parsing import PROGRAM

SERVERS = ("start-server", "setup-server")
VISIBLE = [option for option in OPTIONS if not option.hidden]

BASH = """\
# Completion of {program} for bash.
_mod_wsgi_express() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$word"))
        return
    fi
    case ${{COMP_WORDS[1]}} in
    {servers}) ;;
    install-module)
        COMPREPLY=($(compgen -W "--modules-directory" -- "$word") $(compgen -d -- "$word"))
        return
        ;;
    *) return ;;
    esac
    case $before in
{choices}
    {directories})
        COMPREPLY=($(compgen -d -- "$word"))
        return
        ;;
    {texts})
        return
        ;;
    esac
    if [ "${{word#-}}" != "$word" ]; then
        COMPREPLY=($(compgen -W "{flags}" -- "$word"))
    else
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}}
complete -o filenames -F _mod_wsgi_express {program}
"""

ZSH = """\
#compdef {program}
# Completion of {program} for zsh.
local -a options
options=(
{options}
)
_arguments -C '1:command:({commands})' '*::argument:->arguments'
case $words[1] in
{servers})
    _arguments $options '*:application:_files'
    ;;
install-module)
    _arguments '--modules-directory[Directory to copy the module to.]:DIRECTORY:_directories'
    ;;
esac
"""


def bash() -> str:
    choices = [
        f"    {option.flag})\n"
        f'        COMPREPLY=($(compgen -W "{" ".join(option.choices)}" -- "$word"))\n'
        "        return\n"
        "        ;;"
        for option in VISIBLE
        if option.choices
    ]
    return BASH.format(
        program=PROGRAM,
        commands=" ".join(COMMANDS),
        servers=" | ".join(SERVERS),
        choices="\n".join(choices),
        directories=_alternatives(Kind.DIRECTORY),
        texts=_alternatives(Kind.TEXT, Kind.INTEGER, Kind.NUMBER),
        flags=" ".join(option.flag for option in VISIBLE),
    )


def _alternatives(*kinds: Kind) -> str:
    flags = [each.flag for each in VISIBLE if each.kind in kinds and not each.choices]
    return " | ".join(flags)


def zsh() -> str:
    options = "\n".join("    " + shlex.quote(_zsh_option(option)) for option in VISIBLE)
    return ZSH.format(
        program=PROGRAM,
        commands=" ".join(COMMANDS),
        options=options,
        servers=" | ".join(SERVERS),
    )


def _zsh_option(option: Option) -> str:
    text = "".join("\\" + each if each in r"[]:\\" else each for each in _sentence(option))
    repeated = "*" if option.repeatable else ""
    values = [f":{name}:{_zsh_action(option)}" for name in option.metavar]
    return f"{repeated}{option.flag}[{text}]{''.join(values)}"


def _zsh_action(option: Option) -> str:
    if option.choices:
        return f"({' '.join(option.choices)})"
    return {Kind.FILE: "_files", Kind.DIRECTORY: "_directories"}.get(option.kind, " ")


def fish() -> str:
    lines = [f"# Completion of {PROGRAM} for fish."]
    base = f"complete -c {PROGRAM}"
    lines += [f"{base} -n __fish_use_subcommand -f -a {command}" for command in COMMANDS]
    seen = f"-n '__fish_seen_subcommand_from {' '.join(SERVERS)}'"
    for option in VISIBLE:
        name, text = option.flag.removeprefix("--"), shlex.quote(_sentence(option))
        lines.append(f"{base} {seen} -l {name}{_fish_value(option)} -d {text}")
    lines.append(
        f"{base} -n '__fish_seen_subcommand_from install-module' -l modules-directory -x "
        "-a '(__fish_complete_directories)' -d 'Directory to copy the module to.'"
    )
    return "\n".join(lines) + "\n"


def _fish_value(option: Option) -> str:
    if not option.takes_value:
        return ""
    if option.choices:
        return f" -x -a '{' '.join(option.choices)}'"
    if option.kind is Kind.DIRECTORY:
        return " -x -a '(__fish_complete_directories)'"
    return " -r -F" if option.kind is Kind.FILE else " -x"


def _sentence(option: Option) -> str:
    return option.help[0].upper() + option.help[1:] + "."


SHELLS: dict[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in SHELLS:
        sys.stderr.write(f"usage: python -m mod_wsgi.express.completion {'|'.join(SHELLS)}\n")
        return 2
    sys.stdout.write(SHELLS[sys.argv[1]]())
    return 0


if __name__ == "__main__":
    sys.exit(main())
