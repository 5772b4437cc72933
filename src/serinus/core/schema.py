"""The format as JSON Schema (draft 2020-12) for editors, and as a CustomResourceDefinition for a cluster.

Both say what `parse.py` accepts, but for what such schemas cannot tell (`description.BEYOND_SCHEMA`).
"""

from typing import Any, assert_never

from serinus.core.canary import API_VERSION, CANARY, GROUP, KIND
from serinus.core.description import (
    DURATION_PATTERN,
    Choice,
    Duration,
    Field,
    Group,
    Kind,
    Labels,
    Many,
    Number,
    Switch,
    Text,
    Whole,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLURAL = "canaries"

Schema = dict[str, Any]


def json_schema() -> Schema:
    """The JSON Schema of a document."""
    return {"$schema": DIALECT, "title": KIND, "description": f"{KIND}, {API_VERSION}", **_schema(CANARY, strict=True)}


def custom_resource_definition() -> Schema:
    """The CustomResourceDefinition of the Canary resource, its schema structural."""
    head = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
    fields = {known.name: known for known in CANARY.fields}
    schema = {
        "type": "object",
        "description": f"{KIND}, {API_VERSION}",
        "required": ["spec"],
        "properties": {**head, "spec": _field_schema(fields["spec"], strict=False)},
    }
    version = {
        "name": API_VERSION.partition("/")[2],
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    names = {"plural": PLURAL, "singular": KIND.lower(), "kind": KIND, "listKind": f"{KIND}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def _schema(kind: Kind, *, strict: bool) -> Schema:
    """A kind's schema. `strict`: unknown fields are mistakes; a structural schema has no such word, and drops them."""
    match kind:
        case Text(_, pattern, length_max):
            return {
                "type": "string",
                "minLength": 1,
                "maxLength": length_max,
                **({"pattern": pattern} if pattern else {}),
            }
        case Choice(meanings):
            return {"type": "string", "enum": list(meanings)}
        case Whole(least, most):
            return {"type": "integer", "minimum": least, "maximum": most}
        case Number(least, most):
            return {"type": "number", "minimum": least, "maximum": most}
        case Switch():
            return {"type": "boolean"}
        case Duration():
            return {"type": "string", "pattern": DURATION_PATTERN}
        case Labels():
            return {"type": "object", "additionalProperties": {"type": "string"}}
        case Many(item, most):
            return {"type": "array", "minItems": 1, "maxItems": most, "items": _schema(item, strict=strict)}
        case Group():
            return _group_schema(kind, strict=strict)
        case _:
            assert_never(kind)


def _group_schema(kind: Group, *, strict: bool) -> Schema:
    schema: Schema = {"type": "object"}
    if strict:
        schema["additionalProperties"] = False
    if required := [known.name for known in kind.fields if known.required]:
        schema["required"] = required
    schema["properties"] = {known.name: _field_schema(known, strict=strict) for known in kind.fields}
    if kind.any_of:
        schema["anyOf"] = [{"required": [name]} for name in kind.any_of]
    if kind.forms:
        schema["oneOf"] = [_form_schema(kind, form) for form in kind.forms]
    return schema


def _form_schema(kind: Group, form: tuple[str, ...]) -> Schema:
    others = [name for other in kind.forms if other != form for name in other]
    return {"required": list(form), "not": {"anyOf": [{"required": [name]} for name in others]}}


def _field_schema(known: Field, *, strict: bool) -> Schema:
    """A field's schema. A structural one has no defaults: stored objects would keep those of the day they were made."""
    schema: Schema = {"description": describe(known), **_schema(known.kind, strict=strict)}
    if strict and known.default is not None:
        schema["default"] = known.default
    return schema


def describe(known: Field) -> str:
    """A field's meaning, with that of each word it may hold."""
    if not isinstance(known.kind, Choice) or len(known.kind.meanings) < 2:
        return known.says
    return f"{known.says} " + "; ".join(f"{word}: {says}" for word, says in known.kind.meanings.items()) + "."
