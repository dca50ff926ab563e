"""How httpd's configuration is written."""

from collections.abc import Iterable

Lines = list[str]


def quote(value: object) -> str:
    """A value as one argument of a directive, whatever characters it has."""
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def directive(name: str, *values: object) -> str:
    return " ".join([name, *(quote(value) for value in values)])


def block(name: str, argument: str, *lines: str) -> Lines:
    """A section; `argument` is written as it is."""
    opening = f"<{name} {argument}>"
    return [opening, *("    " + line if line else line for line in lines), f"</{name}>"]


def when(define: str, *lines: str) -> Lines:
    """What holds only with `-D define`, or with a leading `!` only without."""
    return block("IfDefine", define, *lines) if lines else []


def load_line(name: str, file: object) -> str:
    return f"LoadModule {name}_module {quote(file)}"


def load(modules_directory: str, *names: str) -> Lines:
    """Loads modules that are not built in or loaded already."""
    lines: Lines = []
    for name in names:
        line = load_line(name, f"{modules_directory}/mod_{name}.so")
        lines += block("IfModule", f"!mod_{name}.c", line)
    return lines


def rooted(path: str) -> str:
    """A URL path as httpd wants it."""
    return path if path.startswith("/") else "/" + path


def paragraphs(*parts: Iterable[str]) -> str:
    """The text of a file, with an empty line between the parts that are not empty."""
    texts = ["\n".join(part) for part in parts]
    return "\n\n".join(text for text in texts if text) + "\n"
