"""The JSON Schema says what the parser says, and the CRD's schema is structural."""

import copy
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from serinus.core.canary import Canary
from serinus.core.description import BEYOND_SCHEMA
from serinus.core.parse import parse
from serinus.core.schema import custom_resource_definition, json_schema
from serinus.kube.yamldoc import read_yaml
from tests.core.json_schema import is_valid
from tests.core.test_parse import MISTAKES, WHOLE, document

SCHEMA = json_schema()
CRD_SCHEMA = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 101),
    st.sampled_from([0.5, 10.0, "", "x", "X", "a\n", "a b", "1h30m", "5", "0s", "-1s", "swap", "revert", "abort"]),
    st.sampled_from(["2026-12-20", "0 18 * * 5", "UTC", "/x", "a" * 64, "ü", [], {}, [{}], {"weight": 5}, ["x"]]),
    st.text(max_size=5),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a document."""
    found = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += places(inner)
    return found


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """The full document with a few of its values replaced, removed, renamed, or doubled."""
    value = {"document": copy.deepcopy(read_yaml(WHOLE).value)}
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(places(value)))
        change = draw(st.sampled_from(["replace", "replace", "remove", "rename", "double"]))
        if change == "replace" or container is value:
            container[key] = copy.deepcopy(draw(ODD_VALUES))
        elif change == "remove":
            container.pop(key)
        elif isinstance(container, dict):
            container[draw(st.sampled_from(["from", "duration", "service", "images", "extra"]))] = container[key]
        else:
            container.append(copy.deepcopy(container[key]))
    return value["document"]


def is_right_in_form(value: Any) -> bool:
    parsed = parse(value)
    return isinstance(parsed, Canary) or all(mistake.code in BEYOND_SCHEMA for mistake in parsed)


@settings(max_examples=800, deadline=None)
@given(documents())
def test_a_document_is_valid_by_the_schema_exactly_when_the_parser_finds_its_form_right(value: Any) -> None:
    right = is_right_in_form(value)
    event(f"right: {right}")
    assert is_valid(SCHEMA, value) == right


def test_every_known_mistake_of_form_is_one_of_the_schema() -> None:
    for spec, _, code, _ in MISTAKES:
        assert is_valid(SCHEMA, document(**spec)) == (code in BEYOND_SCHEMA), spec


def test_the_custom_resource_takes_the_whole_document() -> None:
    value = read_yaml(WHOLE).value
    assert is_valid(SCHEMA, value)
    assert is_valid(CRD_SCHEMA, value)


def schemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [*schema.get("properties", {}).values()]
    inner += [schema[word] for word in ("items", "additionalProperties") if isinstance(schema.get(word), dict)]
    return [schema, *(found for one in inner for found in schemas(one))]


def test_the_custom_resources_schema_is_structural() -> None:
    for schema in schemas(CRD_SCHEMA):
        assert schema["type"] in ("object", "array", "string", "integer", "number", "boolean")
        assert not {"$ref", "$schema", "title", "default", "const", "nullable"} & schema.keys()
        assert not ("properties" in schema and "additionalProperties" in schema)
        for junctor in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            assert junctor.keys() <= {"required", "not"}


def test_every_field_has_a_description() -> None:
    undescribed = [
        name
        for schema in schemas(SCHEMA)
        for name, inner in schema.get("properties", {}).items()
        if not inner.get("description", "").endswith(".")
    ]
    assert undescribed == []
