"""JSON, merge and strategic patches on plain values."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.sandbox.api.errors import StatusError
from serinus.sandbox.api.jsonpatch import json_patch, merge_patch
from serinus.sandbox.api.strategic import strategic_merge

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("document", "operation", "result"),
    [
        ({"a": 1}, {"op": "add", "path": "/b", "value": [1]}, {"a": 1, "b": [1]}),
        ({"a": [1, 3]}, {"op": "add", "path": "/a/1", "value": 2}, {"a": [1, 2, 3]}),
        ({"a": [1]}, {"op": "add", "path": "/a/-", "value": 2}, {"a": [1, 2]}),
        ({"a": [1, 2]}, {"op": "replace", "path": "/a/0", "value": 9}, {"a": [9, 2]}),
        ({"a": [1, 2]}, {"op": "remove", "path": "/a/0"}, {"a": [2]}),
        ({"a": 1}, {"op": "move", "from": "/a", "path": "/b"}, {"b": 1}),
        ({"a": [1]}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": [1], "b": [1]}),
        ({"x/y~z": 1}, {"op": "remove", "path": "/x~1y~0z"}, {}),
        ({"a": 1}, {"op": "replace", "path": "", "value": {"b": 2}}, {"b": 2}),
        ({"a": 1}, {"op": "test", "path": "/b", "value": None}, {"a": 1}),
    ],
)
def test_json_patch_operations(document: Any, operation: dict[str, Any], result: Any) -> None:
    before = copy.deepcopy(document)
    assert json_patch(document, [operation]) == result
    assert document == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "test", "path": "/a", "value": True},
        {"op": "remove", "path": "/b"},
        {"op": "replace", "path": "/b", "value": 1},
        {"op": "add", "path": "/list/3", "value": 1},
        {"op": "add", "path": "/list/x", "value": 1},
        {"op": "nonsense", "path": "/a"},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "path": "/b"},
    ],
)
def test_a_json_patch_that_does_not_apply_is_refused_as_a_whole(operation: dict[str, Any]) -> None:
    document = {"a": 1, "list": [1]}
    with pytest.raises(StatusError) as refused:
        json_patch(
            document, [{"op": "remove", "path": "/list"}, {"op": "add", "path": "/list", "value": [1]}, operation]
        )
    assert refused.value.code == 422
    assert document == {"a": 1, "list": [1]}


@given(JSON_VALUES, JSON_VALUES)
def test_a_merge_patch_applied_twice_is_applied_once(target: Any, patch: Any) -> None:
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once


def test_a_merge_patch_removes_with_null_and_replaces_lists() -> None:
    target = {"a": {"b": 1, "c": 2}, "list": [1, 2]}
    assert merge_patch(target, {"a": {"b": None}, "list": [3]}) == {"a": {"c": 2}, "list": [3]}


def _pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers)} | spec}


def test_strategic_merge_finds_containers_by_name() -> None:
    target = _pod({"name": "a", "image": "x"}, {"name": "b", "image": "y"})
    patch = _pod({"name": "b", "image": "z"}, {"name": "c", "image": "new"})
    merged = strategic_merge(target, patch)
    assert [(each["name"], each["image"]) for each in merged["spec"]["containers"]] == [
        ("a", "x"),
        ("b", "z"),
        ("c", "new"),
    ]


def test_strategic_merge_goes_into_nested_keyed_lists() -> None:
    target = _pod({"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]})
    patch = _pod({"name": "a", "env": [{"name": "Y", "value": "3"}, {"name": "X", "$patch": "delete"}]})
    assert strategic_merge(target, patch)["spec"]["containers"][0]["env"] == [{"name": "Y", "value": "3"}]


def test_strategic_merge_replaces_lists_without_a_key() -> None:
    target = _pod({"name": "a", "args": ["1", "2"]}, tolerations=[{"key": "x"}])
    merged = strategic_merge(target, _pod({"name": "a", "args": ["3"]}, tolerations=[{"key": "y"}]))
    assert merged["spec"]["containers"][0]["args"] == ["3"]
    assert merged["spec"]["tolerations"] == [{"key": "y"}]


def test_ports_merge_by_the_key_of_their_place() -> None:
    container = strategic_merge(
        _pod({"name": "a", "ports": [{"containerPort": 80}]}),
        _pod({"name": "a", "ports": [{"containerPort": 80, "name": "http"}]}),
    )["spec"]["containers"][0]
    assert container["ports"] == [{"containerPort": 80, "name": "http"}]
    service = strategic_merge({"spec": {"ports": [{"port": 80}]}}, {"spec": {"ports": [{"port": 81}]}})
    assert service["spec"]["ports"] == [{"port": 80}, {"port": 81}]


def test_patch_replace_takes_a_map_or_a_list_as_it_is() -> None:
    target = {"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"containers": [{"name": "a"}]}}
    patch = {
        "metadata": {"labels": {"$patch": "replace", "c": "3"}},
        "spec": {"containers": [{"$patch": "replace"}, {"name": "z"}]},
    }
    assert strategic_merge(target, patch) == {
        "metadata": {"labels": {"c": "3"}},
        "spec": {"containers": [{"name": "z"}]},
    }


def test_retain_keys_drops_the_rest_of_a_map() -> None:
    target = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic_merge(target, patch) == {"spec": {"strategy": {"type": "Recreate"}}}


def test_set_element_order_sorts_and_leaves_strangers_in_place() -> None:
    target = _pod({"name": "a"}, {"name": "stranger"}, {"name": "b"})
    patch = {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}}
    merged = [each["name"] for each in strategic_merge(target, patch)["spec"]["containers"]]
    assert merged.index("b") < merged.index("a")
    assert "stranger" in merged


def test_scalars_are_added_to_and_deleted_from_sets() -> None:
    target = {"metadata": {"finalizers": ["a", "b"]}}
    assert strategic_merge(target, {"metadata": {"finalizers": ["b", "c"]}})["metadata"]["finalizers"] == [
        "a",
        "b",
        "c",
    ]
    removed = strategic_merge(target, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}})
    assert removed["metadata"]["finalizers"] == ["b"]


@given(st.dictionaries(st.sampled_from("abc"), JSON_VALUES), st.dictionaries(st.sampled_from("abc"), JSON_VALUES))
def test_without_lists_and_directives_strategic_is_merge_patch(target: Any, patch: Any) -> None:
    def scalars(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: scalars(each) for key, each in value.items() if not key.startswith("$")}
        return "list" if isinstance(value, list) else value

    target, patch = scalars(target), scalars(patch)
    before = copy.deepcopy(target)
    assert strategic_merge(target, patch) == merge_patch(target, patch)
    assert target == before
