"""What the launcher knows of one of its options."""

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class Kind(enum.Enum):
    """What an option's value is. It decides how text is read, and what a shell completes."""

    FLAG = enum.auto()
    TEXT = enum.auto()
    FILE = enum.auto()
    DIRECTORY = enum.auto()
    INTEGER = enum.auto()
    NUMBER = enum.auto()


_CONVERSION: dict[Kind, tuple[Callable[[str], int | float], str]] = {
    Kind.INTEGER: (int, "integer"),
    Kind.NUMBER: (float, "number"),
}


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of `start-server` and `setup-server`."""

    name: str = ""
    """The attribute of `Options` that holds its value."""
    group: str
    """Heading in the help."""
    help: str
    kind: Kind
    metavar: tuple[str, ...] = ()
    """Names of its values: none for a flag, two for an option that takes two."""
    default: Any = None
    default_text: str = ""
    """What the default is, where it depends on other things."""
    repeatable: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    """Like `minimum`, but not allowed itself."""
    or_zero: bool = False
    """Zero is allowed as well, and means unset."""
    aliases: tuple[str, ...] = ()
    """Other names, accepted but not shown."""
    hidden: bool = False
    needs: tuple[str, ...] = ()
    """Options one of which must be given for this one to have an effect."""
    useless_with: tuple[str, ...] = ()
    """Options that take this one's effect away."""

    @property
    def flag(self) -> str:
        """As it is written on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def flags(self) -> tuple[str, ...]:
        return (self.flag, *self.aliases)

    @property
    def takes_value(self) -> bool:
        return self.kind is not Kind.FLAG

    @property
    def shown_default(self) -> str:
        """The default as the help tells it, empty if there is nothing to tell."""
        if self.default_text or not self.takes_value or self.default in (None, []):
            return self.default_text
        return f"{self.default:g}" if self.kind is Kind.NUMBER else str(self.default)

    def convert(self, text: str) -> Any:
        """The value of a text, or ValueError with what is wrong with it."""
        if self.choices:
            return self._choose(text)
        if self.kind in _CONVERSION:
            return self._number(text)
        return text

    def check(self, value: Any) -> None:
        """ValueError when a number is out of range."""
        if value is None or (self.or_zero and value == 0):
            return
        too_small = self.minimum is not None and value < self.minimum
        too_small = too_small or (self.above is not None and value <= self.above)
        if too_small or (self.maximum is not None and value > self.maximum):
            raise ValueError(f"{value} is out of range: expected {self._range()}")

    def _choose(self, text: str) -> str:
        for choice in self.choices:
            if text.lower() == choice.lower():
                return choice
        raise ValueError(f"invalid value {text!r}: expected one of {', '.join(self.choices)}")

    def _number(self, text: str) -> int | float:
        convert, what = _CONVERSION[self.kind]
        try:
            value = convert(text)
        except ValueError:
            raise ValueError(f"invalid {what} value: {text!r}") from None
        if not math.isfinite(value) or abs(value) > MAXIMUM:
            raise ValueError(f"invalid {what} value: {text!r}")
        self.check(value)
        return value

    def _range(self) -> str:
        if self.above is not None:
            text = f"more than {self.above:g}"
        elif self.maximum is not None:
            text = f"{self.minimum:g} to {self.maximum:g}"
        else:
            text = f"at least {self.minimum:g}"
        return f"0 or {text}" if self.or_zero else text


MAXIMUM = 2**31 - 1
"""What httpd's own numbers can hold; nothing sensible is larger."""


def declare(group: str) -> Callable[..., Any]:
    """A function that declares options of one group as fields of a dataclass."""

    def option(help: str, *metavar: str, default: Any = None, **facts: Any) -> Any:
        flag = not metavar
        kind = Kind.FLAG if flag else facts.pop("kind", Kind.TEXT)
        many = facts.get("repeatable", False)
        default = [] if many else False if flag else default
        spec = Option(group=group, help=help, kind=kind, metavar=metavar, default=default, **facts)
        metadata = {"option": spec}
        if many:
            return field(default_factory=list, metadata=metadata)
        return field(default=default, metadata=metadata)

    return option
