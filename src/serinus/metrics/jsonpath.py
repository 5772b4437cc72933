"""A small, exact part of JSONPath (RFC 9535): names, indexes and wildcards; everything else is refused, with its place.

In it: `$`, `.name`, `['name']`, `["name"]`, `[0]`, `[-1]`, `.*`, `[*]`. Not in it: `..`, slices, unions, filters,
functions. What is in it means what the standard says.
"""

import json
import re
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Step: TypeAlias = "str | int | None"
"""A member's name, an index, or None: every child."""

_DOTTED = re.compile(r"\.([A-Za-z_\u0080-\U0010ffff][\w\u0080-\U0010ffff]*)")
_INDEX = re.compile(r"\[\s*(0|-?[1-9][0-9]*)\s*\]")
_SINGLE = re.compile(r"\[\s*'((?:[^'\\]|\\.)*)'\s*\]")
_DOUBLE = re.compile(r'\[\s*("(?:[^"\\]|\\.)*")\s*\]')
_EVERY = re.compile(r"\.\*|\[\s*\*\s*\]")


class BadPath(Exception):
    """A path outside this part of JSONPath; the text says where, and what can be written."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path that was understood."""

    text: str
    steps: tuple[Step, ...]

    def find(self, value: Json) -> list[Json]:
        """Every place that the path leads to, in the document's order; none is an answer too."""
        found = [value]
        for step in self.steps:
            found = [child for one in found for child in _children(one, step)]
        return found


def parse_path(text: str) -> Path:
    """Understand a path. Raises BadPath."""
    if not text.startswith("$"):
        raise BadPath(f"{text!r} does not begin with $, the whole document")
    steps: list[Step] = []
    at = 1
    while at < len(text):
        at, step = _step(text, at)
        steps.append(step)
    return Path(text, tuple(steps))


def _step(text: str, at: int) -> tuple[int, Step]:
    if found := _EVERY.match(text, at):
        return found.end(), None
    if found := _DOTTED.match(text, at):
        return found.end(), found.group(1)
    if found := _INDEX.match(text, at):
        return found.end(), int(found.group(1))
    if found := _DOUBLE.match(text, at):
        return found.end(), _unquoted(found.group(1), text, at)
    if found := _SINGLE.match(text, at):
        inner = found.group(1).replace("\\'", "'").replace('"', '\\"')
        return found.end(), _unquoted(f'"{inner}"', text, at)
    raise BadPath(
        f"{text!r} cannot be read from character {at + 1} on ({text[at : at + 12]!r}): "
        "there are .name, ['name'], [0], [-1], .* and [*]"
    )


def _unquoted(quoted: str, text: str, at: int) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError as error:
        raise BadPath(f"{text!r} has a name at character {at + 1} that is no JSON string") from error


def _children(value: Json, step: Step) -> list[Json]:
    if step is None:
        return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    if isinstance(step, str):
        return [value[step]] if isinstance(value, dict) and step in value else []
    if isinstance(value, list) and -len(value) <= step < len(value):
        return [value[step]]
    return []
