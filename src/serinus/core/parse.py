"""From a document of plain JSON types to what it means, or to all its mistakes at once.

The format is `canary.py`'s. Reading files and telling lines and columns is the command line's job.
"""

import difflib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from serinus.core.canary import API_VERSION, CANARY, GROUP, KIND, Canary
from serinus.core.description import (
    DURATION_PATTERN,
    DURATION_SECONDS_MAX,
    Check,
    Choice,
    Code,
    Duration,
    Field,
    Group,
    Kind,
    Labels,
    Many,
    Mistake,
    Number,
    Path,
    Switch,
    Text,
    Whole,
    path_text,
    seconds_of,
)

MET_LENGTH_MAX = 60


class _Wrong:
    """Stands for a value that has mistakes, so that what surrounds it can be read on."""


_WRONG = _Wrong()


def parse(value: Any) -> Canary | tuple[Mistake, ...]:
    """What the document means; or every mistake in it, in the document's order of fields."""
    head = tuple(_head_mistakes(value))
    if head:  # another kind of document: its fields are not ours to judge
        return head
    reader = _Reader()
    canary = reader.read(CANARY, value, ())
    return canary if isinstance(canary, Canary) else tuple(reader.mistakes)


def _head_mistakes(value: Any) -> Iterator[Mistake]:
    """Mistakes after which the rest of a document says nothing."""
    if not isinstance(value, dict):
        if value is None:
            yield Mistake((), Code.WRONG_TYPE, "an empty document", _wanted(CANARY), _begin_with())
        else:
            yield _wrong_type(CANARY, value, ())
        return
    version, kind = value.get("apiVersion"), value.get("kind")
    if isinstance(version, str) and version != API_VERSION:
        if re.fullmatch(rf"{re.escape(GROUP)}/v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?", version):
            hint = f"use a Serinus that reads {version}, or write the document in {API_VERSION}"
            yield Mistake(
                ("apiVersion",), Code.NEWER_VERSION, version, f"{API_VERSION}, all that this Serinus reads", hint
            )
        else:
            yield Mistake(("apiVersion",), Code.WRONG_KIND, _met(version), API_VERSION, _begin_with())
    if isinstance(kind, str) and kind != KIND:
        yield Mistake(("kind",), Code.WRONG_KIND, _met(kind), KIND, _begin_with())


def _begin_with() -> str:
    return f"a Serinus file begins with `apiVersion: {API_VERSION}` and `kind: {KIND}`"


@dataclass(slots=True)
class _Reader:
    """One walk over a document, along its description."""

    mistakes: list[Mistake] = field(default_factory=list)

    def read(self, kind: Kind, value: Any, path: Path) -> Any:
        """The value as what it means, or _WRONG."""
        match kind:
            case Group():
                return self._group(kind, value, path)
            case Many():
                return self._many(kind, value, path)
            case Labels():
                return self._labels(kind, value, path)
            case Text() | Choice() | Whole() | Number() | Switch() | Duration():
                mistake = _scalar_mistake(kind, value, path)
                if mistake is not None:
                    return self._wrong(mistake)
                return self._scalar(kind, value, path)
            case _:
                assert_never(kind)

    def _scalar(self, kind: Text | Choice | Whole | Number | Switch | Duration, value: Any, path: Path) -> Any:
        match kind:
            case Text():
                return self._checked(kind.check, value, path, value)
            case Choice():
                return kind.make(value)
            case Whole():
                return int(value)
            case Number():
                return float(value)
            case Switch():
                return value
            case Duration():
                return self._duration(kind, value, path)
            case _:
                assert_never(kind)

    def _duration(self, kind: Duration, value: str, path: Path) -> Any:
        seconds = seconds_of(value)
        if kind.least_seconds <= seconds <= DURATION_SECONDS_MAX:
            return seconds
        limit = "less" if seconds > DURATION_SECONDS_MAX else "more"
        wanted = f"from {kind.least_seconds:g}s to {DURATION_SECONDS_MAX / 3600:g}h"
        return self._wrong(Mistake(path, Code.BAD_DURATION, _met(value), wanted, f"give it {limit} time"))

    def _many(self, kind: Many, value: Any, path: Path) -> Any:
        if not isinstance(value, list):
            return self._wrong(_wrong_type(kind, value, path))
        if not 1 <= len(value) <= kind.most:
            hint = "leave the field out" if not value else "take some out"
            wanted = f"from 1 to {kind.most} entries"
            return self._wrong(Mistake(path, Code.BAD_LENGTH, f"{len(value)} entries", wanted, hint))
        items = [self.read(kind.item, item, (*path, index)) for index, item in enumerate(value)]
        good = [(index, item) for index, item in enumerate(items) if item is not _WRONG]
        result = self._checked(kind.check, good, path, tuple(items))
        return result if len(good) == len(items) else _WRONG

    def _labels(self, kind: Labels, value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            return self._wrong(_wrong_type(kind, value, path))
        wrong = [name for name, text in value.items() if not isinstance(text, str)]
        for name in wrong:
            self._wrong(_wrong_type(Text("text"), value[name], (*path, name)))
        return _WRONG if wrong else value

    def _group(self, kind: Group, value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            return self._wrong(_wrong_type(kind, value, path))
        before = len(self.mistakes)
        known = {known_field.name: known_field for known_field in kind.fields}
        self.mistakes += [_unknown(kind, name, path) for name in value if name not in known]
        self.mistakes += _absences(kind, value, path)
        made = {
            known[name].target: self.read(known[name].kind, value[name], (*path, name))
            for name in value
            if name in known
        }
        self._checked(kind.check, {name: good for name, good in made.items() if good is not _WRONG}, path, made)
        return kind.make(**made) if len(self.mistakes) == before else _WRONG

    def _checked(self, check: Check, value: Any, path: Path, result: Any) -> Any:
        """The result, unless the check finds something."""
        found = [replace(mistake, path=(*path, *mistake.path)) for mistake in check(value)]
        self.mistakes += found
        return _WRONG if found else result

    def _wrong(self, mistake: Mistake) -> _Wrong:
        self.mistakes.append(mistake)
        return _WRONG


def _scalar_mistake(kind: Text | Choice | Whole | Number | Switch | Duration, value: Any, path: Path) -> Mistake | None:
    """What is wrong with the form of a single value; the same that the JSON Schema refuses."""
    if not _is_of_type(kind, value):
        return _wrong_type(kind, value, path)
    match kind:
        case Text(_, pattern, length_max):
            if not value:
                hint = "give it a value, or leave the field out"
                return Mistake(path, Code.BAD_LENGTH, "an empty text", kind.wanted, hint)
            if len(value) > length_max:
                met, wanted = f"{len(value)} characters", f"at most {length_max} characters"
                return Mistake(path, Code.BAD_LENGTH, met, wanted, "make it shorter")
            if pattern and not re.fullmatch(pattern, value):
                return Mistake(path, Code.BAD_FORMAT, _met(value), kind.wanted, _format_hint(kind, value))
        case Choice(meanings):
            if value not in meanings:
                hint = _near(value, meanings) or "; ".join(f"{word}: {says}" for word, says in meanings.items())
                return Mistake(path, Code.NOT_A_CHOICE, _met(value), _wanted(kind), hint)
        case Whole(least, most) | Number(least, most):
            if not least <= value <= most:
                return Mistake(path, Code.OUT_OF_RANGE, f"{value}", _wanted(kind), "take a number within the limits")
        case Duration():
            if not re.fullmatch(DURATION_PATTERN, value):
                hint = "write numbers, each with its unit: h, m, s or ms, and no spaces"
                return Mistake(path, Code.BAD_FORMAT, _met(value), _wanted(kind), hint)
        case Switch():
            pass
        case _:
            assert_never(kind)
    return None


def _is_of_type(kind: Text | Choice | Whole | Number | Switch | Duration, value: Any) -> bool:
    match kind:
        case Whole():
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return whole and not isinstance(value, bool)
        case Number():
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case Switch():
            return isinstance(value, bool)
        case Text() | Choice() | Duration():
            return isinstance(value, str)
        case _:
            assert_never(kind)


def _format_hint(kind: Text, value: str) -> str:
    if re.fullmatch(kind.pattern, value.lower()):
        return f"write {value.lower()!r}"
    return f"write {'/' + value!r}" if re.fullmatch(kind.pattern, f"/{value}") else "correct it"


def _absences(kind: Group, value: dict[str, Any], path: Path) -> Iterator[Mistake]:
    """Fields that should stand in a mapping and do not, and those that should not stand together."""
    for wanted in kind.fields:
        if wanted.required and wanted.name not in value:
            yield _missing(wanted, path)
    if kind.any_of and not any(name in value for name in kind.any_of):
        either = " or ".join(kind.any_of)
        hint = f"add one, or leave {path_text(path)} out"
        yield Mistake(path, Code.MISSING_FIELD, f"neither {' nor '.join(kind.any_of)}", f"{either}, or both", hint)
    begun = [form for form in kind.forms if any(name in value for name in form)]
    forms = ", or ".join(" and ".join(form) for form in kind.forms)
    if len(begun) > 1:
        met = ", ".join(name for form in begun for name in form if name in value)
        yield Mistake(path, Code.CONFLICT, f"{met} together", forms, "make two entries of it, or keep one form")
    elif kind.forms and not begun:
        yield Mistake(path, Code.MISSING_FIELD, "none of them", forms, "add one of them")
    elif begun:
        by_name = {known.name: known for known in kind.fields}
        yield from (_missing(by_name[name], path) for name in begun[0] if name not in value)


def _missing(wanted: Field, path: Path) -> Mistake:
    hint = f"add it: {wanted.says[0].lower()}{wanted.says[1:]}"
    return Mistake((*path, wanted.name), Code.MISSING_FIELD, "nothing", _wanted(wanted.kind), hint)


def _unknown(kind: Group, name: str, path: Path) -> Mistake:
    names = [known.name for known in kind.fields]
    hint = _near(name, names)
    if hint is None and (homes := [home for home in _homes(CANARY, name, ()) if home != path]):
        hint = f"it belongs in {' or '.join(path_text(home) or 'the document itself' for home in homes)}"
    wanted = f"one of {', '.join(names)}"
    return Mistake((*path, name), Code.UNKNOWN_FIELD, f"the field {_met(name)}", wanted, hint or "take it out")


def _homes(kind: Kind, name: str, path: Path) -> Iterator[Path]:
    """Where in the format a field of this name stands."""
    match kind:
        case Group(_, fields):
            if any(known.name == name for known in fields):
                yield path
            for known in fields:
                yield from _homes(known.kind, name, (*path, known.name))
        case Many(item):
            yield from _homes(item, name, path)
        case _:
            return


def _near(word: str, known: Any) -> str | None:
    """The known word that was probably meant, whatever its case, hyphens and underscores."""
    plain = {_plain(name): name for name in known}
    near = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=0.7)
    return f"did you mean {plain[near[0]]!r}?" if near else None


def _plain(word: str) -> str:
    return word.replace("-", "").replace("_", "").lower()


def _wrong_type(kind: Kind, value: Any, path: Path) -> Mistake:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(kind, Duration) and number:
        hint = f"give it a unit: {value}s"
    elif isinstance(kind, Text) and (number or isinstance(value, bool)):
        hint = "write it in quotes, so that YAML takes it as text"
    elif value is None:
        hint = "give it a value, or leave the field out"
    elif isinstance(kind, Many):
        hint = "begin each entry with '- '"
    else:
        hint = f"write {_wanted(kind)}"
    return Mistake(path, Code.WRONG_TYPE, _met(value), _wanted(kind), hint)


def _met(value: Any) -> str:
    """A value in words, cut short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return repr(value if len(value) <= MET_LENGTH_MAX else value[:MET_LENGTH_MAX] + "…")
    return f"the number {str(value)[:MET_LENGTH_MAX]}"


def _wanted(kind: Kind) -> str:
    """What a kind of value is, in words."""
    match kind:
        case Text():
            return kind.wanted
        case Choice(meanings):
            return " or ".join(meanings)
        case Whole(least, most):
            return f"a whole number from {least} to {most}"
        case Number(least, most):
            return f"a number from {least:g} to {most:g}"
        case Switch():
            return "true or false"
        case Duration():
            return "a duration such as 30s, 5m or 1h30m"
        case Labels():
            return "a mapping of names to texts"
        case Many():
            return "a list"
        case Group(_, fields):
            return f"a mapping with {', '.join(known.name for known in fields)}"
        case _:
            assert_never(kind)
