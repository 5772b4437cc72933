"""Sets of field paths, as managedFields records them (FieldsV1), and what they say about objects.

A path is a tuple of steps: `f:name` for a field, `k:{...}` for an item of a keyed list, `v:...` for one of a set.
"""

import json
from collections.abc import Iterator
from typing import Any

from serinus.sandbox.api.kinds import Raw
from serinus.sandbox.api.schema import ListRule, is_whole_map, list_rule

Path = tuple[str, ...]
FieldSet = frozenset[Path]

_MISSING = object()
_IDENTITY = ("apiVersion", "kind")
_SYSTEM_METADATA = frozenset(
    (
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "managedFields",
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
    )
)


def leaves(raw: Raw) -> dict[Path, Any]:
    """Every owned path of an object with its value; an item of a keyed list is a path of its own, with value None."""
    content = {key: value for key, value in raw.items() if key not in _IDENTITY}
    metadata = {key: value for key, value in raw.get("metadata", {}).items() if key not in _SYSTEM_METADATA}
    content.pop("metadata", None)
    if metadata:
        content["metadata"] = metadata
    return dict(_walk_map(content, (), ""))


def _walk_map(value: Raw, path: Path, name: str) -> Iterator[tuple[Path, Any]]:
    for key, inner in value.items():
        yield from _walk(inner, (*path, f"f:{key}"), name, key)


def _walk(value: Any, path: Path, parent: str, field: str) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value and not is_whole_map(field):
        yield from _walk_map(value, path, field)
        return
    rule = list_rule(parent, field) if isinstance(value, list) else None
    if rule is None:
        yield path, value
        return
    for item in value:
        step = _item_step(rule, item)
        yield (*path, step), None
        if isinstance(item, dict):
            yield from _walk_map(item, (*path, step), field)


def _item_step(rule: ListRule, item: Any) -> str:
    if not isinstance(item, dict):
        return "v:" + json.dumps(item)
    keys = rule.apply_keys or (rule.patch_key,)
    named = {key: item.get(key, "TCP" if key == "protocol" else None) for key in keys}
    return "k:" + json.dumps(dict(sorted(named.items())), separators=(",", ":"))


def changed_paths(old: Raw, new: Raw) -> tuple[FieldSet, FieldSet]:
    """Paths added or altered, and paths removed."""
    before, after = leaves(old), leaves(new)
    touched = frozenset(path for path, value in after.items() if before.get(path, _MISSING) != value)
    return touched, frozenset(before.keys() - after.keys())


def to_fields(paths: FieldSet) -> Raw:
    """The nested form that managedFields holds."""
    root: Raw = {}
    for path in sorted(paths):
        node = root
        for step in path:
            node = node.setdefault(step, {})
        node["."] = {}
    return _without_lone_dots(root)


def _without_lone_dots(node: Raw) -> Raw:
    if set(node) == {"."}:
        return {}
    return {key: value if key == "." else _without_lone_dots(value) for key, value in node.items()}


def from_fields(fields: Raw) -> FieldSet:
    """The set of a nested form."""
    return frozenset(_members(fields, ()))


def _members(node: Raw, path: Path) -> Iterator[Path]:
    if not node and path:
        yield path
    for step, inner in node.items():
        if step == ".":
            yield path
        else:
            yield from _members(inner, (*path, step))


def remove_path(node: Any, path: Path) -> None:
    """Removes what a path names from a value, and maps left empty by it; changes the value."""
    step, rest = path[0], path[1:]
    kind, text = step[:2], step[2:]
    if kind == "f:":
        if not isinstance(node, dict) or text not in node:
            return
        if not rest:
            del node[text]
            return
        remove_path(node[text], rest)
        if node[text] in ({}, []):
            del node[text]
        return
    if not isinstance(node, list):
        return
    wanted = json.loads(text)
    for place, item in enumerate(node):
        if _is_item(item, wanted):
            if rest:
                remove_path(item, rest)
            else:
                del node[place]
            return


def _is_item(item: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict) or not isinstance(item, dict):
        return bool(item == wanted)
    return all(item.get(key, "TCP" if key == "protocol" else None) == value for key, value in wanted.items())
