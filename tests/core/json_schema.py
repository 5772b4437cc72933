"""A checker of the part of JSON Schema that our schemas use. Words it does not know are an error of the schema."""

import re
from typing import Any

NOTES = frozenset(["$schema", "title", "description", "default"])
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": (int, float),
}


def is_valid(schema: dict[str, Any], value: Any) -> bool:
    return all(_holds(word, said, schema, value) for word, said in schema.items() if word not in NOTES)


def _holds(word: str, said: Any, schema: dict[str, Any], value: Any) -> bool:
    match word:
        case "type":
            return _is_of_type(said, value)
        case "enum":
            return any(type(value) is type(one) and value == one for one in said)
        case "anyOf":
            return any(is_valid(one, value) for one in said)
        case "oneOf":
            return sum(is_valid(one, value) for one in said) == 1
        case "not":
            return not is_valid(said, value)
        case "pattern" | "minLength" | "maxLength":
            return not isinstance(value, str) or _text_holds(word, said, value)
        case "minimum" | "maximum":
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return not number or (value >= said if word == "minimum" else value <= said)
        case "items" | "minItems" | "maxItems":
            return not isinstance(value, list) or _list_holds(word, said, value)
        case "required" | "properties" | "additionalProperties":
            return not isinstance(value, dict) or _mapping_holds(word, said, schema, value)
    raise AssertionError(f"the schema uses {word!r}")


def _is_of_type(said: str, value: Any) -> bool:
    if said != "boolean" and isinstance(value, bool):
        return False
    if isinstance(value, float) and not value.is_integer():
        return False
    return isinstance(value, TYPES[said])


def _text_holds(word: str, said: Any, value: str) -> bool:
    if word == "pattern":
        return re.search(said.removesuffix("$") + r"\Z" if said.endswith("$") else said, value) is not None
    return len(value) >= said if word == "minLength" else len(value) <= said


def _list_holds(word: str, said: Any, value: list[Any]) -> bool:
    if word == "items":
        return all(is_valid(said, item) for item in value)
    return len(value) >= said if word == "minItems" else len(value) <= said


def _mapping_holds(word: str, said: Any, schema: dict[str, Any], value: dict[str, Any]) -> bool:
    if word == "required":
        return all(name in value for name in said)
    known = schema.get("properties", {})
    if word == "properties":
        return all(is_valid(inner, value[name]) for name, inner in known.items() if name in value)
    others = [inner for name, inner in value.items() if name not in known]
    return not others if said is False else all(is_valid(said, inner) for inner in others)
