"""Writes the reference of the spec file from its description: `./run docs`. A test compares the result."""

import json
from collections.abc import Iterator
from pathlib import Path

from serinus.core.canary import CANARY, KIND
from serinus.core.description import Choice, Duration, Field, Group, Kind, Labels, Many, Number, Switch, Text, Whole
from serinus.core.schema import json_schema

HERE = Path(__file__).parent
INTRODUCTION = """\
# The spec file, `serinus.yaml`

<!-- Written by ./run docs from src/serinus/core/canary.py; do not edit. -->

One document says how versions of one Service are released: `serinus deploy -f serinus.yaml --image repo/app:v2`.
Flags of `deploy` and `plan` are sugar for its fields, and win over the file. `serinus lint FILE...` tells all problems
with line and column; editors check and complete while you type when the file begins with
`# yaml-language-server: $schema=canary.schema.json` (write the schema with `serinus schema`). An example:
[serinus.yaml](../examples/serinus.yaml).

A duration is written as `30s`, `5m` or `1h30m` (units `h`, `m`, `s`, `ms`), at most 8784h.
"""


def reference() -> str:
    """The page, as Markdown."""
    return "\n".join([INTRODUCTION, *_section(CANARY, "")])


def schema() -> str:
    """The JSON Schema, as `serinus schema` prints it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _section(group: Group, path: str) -> Iterator[str]:
    yield f"## {f'`{path}`' if path else KIND}\n"
    if group.forms:
        forms = ", or ".join(" and ".join(f"`{name}`" for name in form) for form in group.forms)
        yield f"Either {forms}.\n"
    if group.any_of:
        yield f"At least one of {', '.join(f'`{name}`' for name in group.any_of)}.\n"
    yield "| field | value | default | meaning |\n|---|---|---|---|"
    yield from (_row(known) for known in group.fields)
    yield ""
    for known in group.fields:
        inner, suffix = (known.kind.item, "[]") if isinstance(known.kind, Many) else (known.kind, "")
        if isinstance(inner, Group):
            yield from _section(inner, f"{path}.{known.name}{suffix}".lstrip("."))


def _row(known: Field) -> str:
    says = known.says
    if isinstance(known.kind, Choice) and len(known.kind.meanings) > 1:
        says += "".join(f"<br>`{word}`: {meaning}" for word, meaning in known.kind.meanings.items())
    default = "required" if known.required else "" if known.default is None else f"`{_written(known.default)}`"
    return f"| `{known.name}` | {_value(known.kind)} | {default} | {says} |"


def _written(value: str | int | float | bool) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _value(kind: Kind) -> str:
    match kind:
        case Text(wanted):
            return wanted
        case Choice(meanings):
            return " or ".join(f"`{word}`" for word in meanings)
        case Whole(least, most):
            return f"a whole number, {least} to {most}"
        case Number(least, most):
            return f"a number, {least:g} to {most:g}"
        case Switch():
            return "`true` or `false`"
        case Duration():
            return "a duration"
        case Labels():
            return "names with texts"
        case Many():
            return "a list, see below"
        case Group():
            return "see below"


if __name__ == "__main__":
    (HERE / "spec.md").write_text(reference())
    (HERE / "canary.schema.json").write_text(schema())
