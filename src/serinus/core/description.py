"""The words that a format is described with: kinds of values, fields, and what a mistake is.

A description is data. `parse.py` reads values by it, `schema.py` writes it as JSON Schema; the format itself stands in
`canary.py`. Nothing here knows about releases.
"""

import enum
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
"""From the top of a document to a value: names of fields and indexes of lists."""

DURATION_PATTERN = "^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"
DURATION_SECONDS_MAX = 366 * 86400.0
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Code(enum.Enum):
    """What kind of mistake it is: stable, for programs to rely on."""

    UNREADABLE = "unreadable"
    WRONG_KIND = "wrong-kind"
    NEWER_VERSION = "newer-version"
    UNKNOWN_FIELD = "unknown-field"
    MISSING_FIELD = "missing-field"
    WRONG_TYPE = "wrong-type"
    NOT_A_CHOICE = "not-a-choice"
    BAD_FORMAT = "bad-format"
    OUT_OF_RANGE = "out-of-range"
    BAD_LENGTH = "bad-length"
    CONFLICT = "conflict"
    BAD_DURATION = "bad-duration"
    NOT_GROWING = "not-growing"
    REPEATED = "repeated"
    BAD_CRON = "bad-cron"
    NO_SUCH_ZONE = "no-such-zone"
    BAD_DATE = "bad-date"
    NO_TIME_FOR_BAKE = "no-time-for-bake"
    NO_TIME_FOR_GATE = "no-time-for-gate"
    NOT_WITH_FILE = "not-with-file"


BEYOND_SCHEMA = frozenset(
    [
        Code.UNREADABLE,
        Code.BAD_DURATION,
        Code.NOT_GROWING,
        Code.REPEATED,
        Code.BAD_CRON,
        Code.NO_SUCH_ZONE,
        Code.BAD_DATE,
        Code.NO_TIME_FOR_BAKE,
        Code.NO_TIME_FOR_GATE,
        Code.NOT_WITH_FILE,
    ]
)
"""Mistakes that JSON Schema cannot tell. All others are mistakes if, and only if, the schema says so."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something in a document that cannot be: where, what was met, what is wanted, and what to do about it."""

    path: Path
    code: Code
    met: str
    wanted: str
    hint: str

    @property
    def field(self) -> str:
        """The path as people write it: `spec.steps[1].weight`."""
        return path_text(self.path)


Check = Callable[[Any], Iterable[Mistake]]
"""Finds mistakes in a value whose form is right. Their paths begin at that value."""


def no_mistakes(_value: Any) -> Iterable[Mistake]:
    """The check of values that are right whenever their form is."""
    return ()


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is not empty. `wanted` says in words what `pattern` (RE2, anchored) means."""

    wanted: str
    pattern: str = ""
    length_max: int = 1024
    check: Check = no_mistakes


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words, each with its meaning; read as a member of `make`."""

    meanings: dict[str, str]
    make: Callable[[str], object] = str


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within limits."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number within limits, both included."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Switch:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A time span such as `1h30m`, read as seconds."""

    least_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Labels:
    """Names with texts, such as Kubernetes labels."""


@dataclass(frozen=True, slots=True)
class Many:
    """A list, read as a tuple. `check` gets the good items with their indexes."""

    item: "Kind"
    most: int
    check: Check = no_mistakes


@dataclass(frozen=True, slots=True)
class Group:
    """A mapping with fields, read as what `make` builds from them, by attribute.

    `forms`: exactly one of these sets of fields stands in it. `any_of`: at least one of these fields does.
    `check` gets those values that are right, by attribute.
    """

    title: str
    fields: tuple["Field", ...]
    make: Callable[..., object]
    forms: tuple[tuple[str, ...], ...] = ()
    any_of: tuple[str, ...] = ()
    check: Check = no_mistakes


Kind = Text | Choice | Whole | Number | Switch | Duration | Labels | Many | Group


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its name in the file, its meaning, and the attribute that it becomes (its name, unless said)."""

    name: str
    kind: Kind
    says: str
    attribute: str = field(default="")
    required: bool = False
    default: str | int | float | bool | None = None  # as one would write it; the type that is built has the same

    @property
    def target(self) -> str:
        """The attribute of the type that is built."""
        return self.attribute or self.name


def seconds_of(text: str) -> float:
    """The seconds that a text of DURATION_PATTERN means."""
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _DURATION_PART.findall(text))


def path_text(path: Sequence[str | int]) -> str:
    """A path as people write it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
