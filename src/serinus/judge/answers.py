"""What asking for a number gave: four kinds of answer that must never be mixed up.

A number (zero among them), nothing to report, an old number, or no answer. A source returns one of these; whoever uses
it has to say what each means to them, as `match` with `assert_never` makes sure. No number hides in a failure.
"""

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

Value = TypeVar("Value", covariant=True)


@dataclass(frozen=True, slots=True)
class Known(Generic[Value]):
    """The source answered, and this is what it says now; zero is such an answer."""

    value: Value
    notes: tuple[str, ...] = ()  # what was passed over on the way, for people


@dataclass(frozen=True, slots=True)
class Empty:
    """The source answered, and has nothing of this kind; `why` in words."""

    why: str


@dataclass(frozen=True, slots=True)
class Stale(Generic[Value]):
    """The source answered with what it saw too long ago."""

    value: Value
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no answer; `why` says what was asked, where, and what happened."""

    why: str


Answer: TypeAlias = Known[Value] | Empty | Stale[Value] | Failed


def in_words(answer: Answer[object]) -> str:
    """What is wrong with an answer, for people; empty when it is known."""
    match answer:
        case Known():
            return ""
        case Empty(why):
            return f"nothing there: {why}"
        case Stale(_, age_seconds):
            return f"stale: last seen {age_seconds:.0f} s ago"
        case Failed(why):
            return f"failed: {why}"
