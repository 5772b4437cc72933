"""Strategic merge patch: merge patch that knows the keys of lists, and obeys $-directives. Inputs are never changed."""

import copy
from typing import Any

from serinus.sandbox.api.errors import StatusError
from serinus.sandbox.api.kinds import Raw
from serinus.sandbox.api.schema import list_rule

_DIRECTIVE, _RETAIN = "$patch", "$retainKeys"
_ORDER, _REMOVE = "$setElementOrder/", "$deleteFromPrimitiveList/"


def strategic_merge(target: Raw, patch: Raw, field: str = "") -> Raw:
    """The patched object; `field` names the field that holds it. Raises StatusError 500 for an item without key."""
    directive = patch.get(_DIRECTIVE)
    if directive == "delete":
        return {}
    if directive == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if not key.startswith("$")}
    merged = dict(target)
    if _RETAIN in patch:
        merged = {key: value for key, value in merged.items() if key in patch[_RETAIN]}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            before = merged.get(key)
            merged[key] = strategic_merge(before if isinstance(before, dict) else {}, value, key)
        elif isinstance(value, list):
            merged[key] = _merge_list(merged.get(key) or [], value, field, key)
        else:
            merged[key] = value
    _remove_scalars(merged, patch)
    _set_order(merged, target, patch, field)
    return merged


def _merge_list(target: list[Any], patch: list[Any], parent: str, field: str) -> list[Any]:
    rule = list_rule(parent, field)
    if rule is None:
        return copy.deepcopy(patch)
    if not rule.patch_key:
        return [*target, *(value for value in patch if value not in target)]
    if any(isinstance(item, dict) and item.get(_DIRECTIVE) == "replace" for item in patch):
        return [copy.deepcopy(item) for item in patch if _DIRECTIVE not in item]
    merged = list(target)
    for item in patch:
        _merge_item(merged, item, rule.patch_key, field)
    return merged


def _merge_item(items: list[Any], item: Raw, key: str, field: str) -> None:
    if key not in item:
        raise StatusError(500, "", f"map: {item} does not contain declared merge key: {key}")
    places = [place for place, each in enumerate(items) if each.get(key) == item[key]]
    if item.get(_DIRECTIVE) == "delete":
        for place in reversed(places):
            del items[place]
    elif places:
        items[places[0]] = strategic_merge(items[places[0]], item, field)
    else:
        items.append(strategic_merge({}, item, field))


def _remove_scalars(merged: Raw, patch: Raw) -> None:
    for key, values in patch.items():
        if key.startswith(_REMOVE):
            field = key.removeprefix(_REMOVE)
            merged[field] = [value for value in merged.get(field) or [] if value not in values]


def _set_order(merged: Raw, target: Raw, patch: Raw, parent: str) -> None:
    for key, order in patch.items():
        field = key.removeprefix(_ORDER)
        if field == key or not isinstance(merged.get(field), list):
            continue
        rule = list_rule(parent, field)
        merge_key = rule.patch_key if rule else ""
        wanted = [_identity(item, merge_key) for item in order]
        before = [_identity(item, merge_key) for item in target.get(field) or []]
        merged[field] = _ordered(merged[field], merge_key, wanted, before)


def _ordered(items: list[Any], key: str, wanted: list[Any], before: list[Any]) -> list[Any]:
    """Items that the patch names, in its order; the others keep their place relative to those that were there."""
    named = sorted(
        (item for item in items if _identity(item, key) in wanted), key=lambda item: wanted.index(_identity(item, key))
    )
    others = [item for item in items if _identity(item, key) not in wanted]
    result: list[Any] = []
    while named and others:
        first, other = _identity(named[0], key), _identity(others[0], key)
        takes_named = first not in before or (other in before and before.index(first) < before.index(other))
        result.append((named if takes_named else others).pop(0))
    return [*result, *named, *others]


def _identity(item: Any, key: str) -> Any:
    return item.get(key) if key and isinstance(item, dict) else item
