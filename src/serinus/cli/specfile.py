"""Reading spec files: from a file's text to what it means, or to every mistake with its line and column.

The format is `core/canary.py`'s. Needs no cluster.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import click

from serinus.cli.exits import Exit
from serinus.cli.gate_files import with_job_files
from serinus.core.canary import Canary
from serinus.core.description import Code, Mistake
from serinus.core.description import Path as FieldPath
from serinus.core.parse import parse
from serinus.kube.yamldoc import Document, YamlError, read_yaml

STDIN = "-"
AT_THE_KEY = frozenset([Code.UNKNOWN_FIELD, Code.MISSING_FIELD])


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake, and where it stands: in a file, with line and column from 1, or in an option."""

    place: str
    mistake: Mistake
    line: int | None = None
    column: int | None = None

    def text(self) -> str:
        """The problem in four lines."""
        spot = f"{self.place}:{self.line}:{self.column}" if self.line is not None else self.place
        mistake = self.mistake
        what = f"{mistake.field}: {mistake.code.value}" if mistake.path else mistake.code.value
        lines = [("met:", mistake.met), ("wanted:", mistake.wanted), ("do:", mistake.hint)]
        return "\n".join([f"{spot}: {what}", *(f"  {name:<7} {text}" for name, text in lines if text)])

    def data(self) -> dict[str, str | int | None]:
        """The problem for programs."""
        mistake = self.mistake
        return {
            "file": self.place,
            "line": self.line,
            "column": self.column,
            "field": mistake.field,
            "code": mistake.code.value,
            "met": mistake.met,
            "wanted": mistake.wanted,
            "hint": mistake.hint,
        }


class BadSpec(click.ClickException):
    """A spec with problems, all of them; exit code 2."""

    exit_code = Exit.REFUSED

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(f"serinus: {problem.text()}" for problem in problems))

    def show(self, file: object = None) -> None:
        """All problems, as they are."""
        click.echo(self.message, err=True)


@dataclass(frozen=True, slots=True)
class Source:
    """A document, and where its parts come from: the file, but for the paths that options gave."""

    name: str
    document: Document
    options: dict[FieldPath, str] = field(default_factory=dict)

    def located(self, mistake: Mistake) -> Problem:
        """The mistake with its place."""
        for length in range(len(mistake.path), 0, -1):
            if (option := self.options.get(mistake.path[:length])) is not None:
                return Problem(option, mistake)
        if not self.name:
            return Problem("command line", mistake)
        at_key = mistake.code in AT_THE_KEY
        line, column = (self.document.key_position if at_key else self.document.position)(mistake.path)
        return Problem(self.name, mistake, line, column)


def read_source(name: str) -> Source | Problem:
    """The document in the file of that name, `-` being standard input; or why it cannot be read."""
    shown = "<stdin>" if name == STDIN else name
    try:
        text = (sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()).decode()
        return Source(shown, read_yaml(text))
    except OSError as error:
        return _unreadable(shown, error.strerror or str(error), "a file that can be read", "check the path")
    except UnicodeDecodeError as error:
        return _unreadable(shown, f"byte {error.start} is no UTF-8", "text in UTF-8", "save it as UTF-8")
    except YamlError as error:
        wanted = "one YAML document, each key in it once"
        hint = "correct it; several releases are several files"
        return _unreadable(shown, error.problem, wanted, hint, error.line, error.column)


def _unreadable(
    shown: str, met: str, wanted: str, hint: str, line: int | None = None, column: int | None = None
) -> Problem:
    return Problem(shown, Mistake((), Code.UNREADABLE, met, wanted, hint), line, column)


def read_canary(source: Source) -> Canary | tuple[Problem, ...]:
    """What the source means; or all its problems, in the order of its lines."""
    parsed = parse(source.document.value)
    if isinstance(parsed, Canary):
        parsed = with_job_files(parsed, Path(source.name).parent)
    if isinstance(parsed, Canary):
        return parsed
    problems = [source.located(mistake) for mistake in parsed]
    return tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))


def lint_file(name: str) -> tuple[Problem, ...]:
    """Every problem of a file."""
    source = read_source(name)
    if isinstance(source, Problem):
        return (source,)
    found = read_canary(source)
    return () if isinstance(found, Canary) else found
