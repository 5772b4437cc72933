"""JSON merge patch (RFC 7386) and JSON patch (RFC 6902) on plain values. Inputs are never changed."""

import copy
from typing import Any

from serinus.sandbox.api.errors import StatusError, bad_request


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: objects merge, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_patch(document: Any, operations: Any) -> Any:
    """RFC 6902. Raises StatusError 400 for a malformed patch, 422 for one that does not apply."""
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise bad_request("error decoding patch: json: a JSON patch is a list of operations")
    result = copy.deepcopy(document)
    for operation in operations:
        try:
            result = _apply(result, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise _refused() from error
    return result


def _refused() -> StatusError:
    return StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def _apply(document: Any, operation: dict[str, Any]) -> Any:
    path = _steps(operation["path"])
    match operation.get("op"):
        case "add":
            return _add(document, path, copy.deepcopy(operation["value"]))
        case "replace":
            _lookup(document, path)
            return (
                _add(_remove(document, path), path, copy.deepcopy(operation["value"])) if path else operation["value"]
            )
        case "remove":
            return _remove(document, path)
        case "test":
            if not _same(_lookup_or_none(document, path), operation.get("value")):
                raise ValueError("test failed")
            return document
        case "copy":
            return _add(document, path, copy.deepcopy(_lookup(document, _steps(operation["from"]))))
        case "move":
            source = _steps(operation["from"])
            value = _lookup(document, source)
            return _add(_remove(document, source), path, value)
        case other:
            raise ValueError(f"unknown operation {other}")


def _steps(pointer: str) -> list[str]:
    if pointer == "":
        return []
    if not pointer.startswith("/"):
        raise ValueError("a JSON pointer starts with /")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def _index(items: list[Any], step: str, *, past_end: bool = False) -> int:
    if step == "-" and past_end:
        return len(items)
    if not step.isdigit():
        raise ValueError(f"{step} is no index")
    index = int(step)
    if index > len(items) or (index == len(items) and not past_end):
        raise IndexError(step)
    return index


def _lookup(document: Any, path: list[str]) -> Any:
    for step in path:
        document = document[_index(document, step)] if isinstance(document, list) else document[step]
    return document


def _lookup_or_none(document: Any, path: list[str]) -> Any:
    """A missing last step tests as null, as the API server's library has it."""
    parent = _lookup(document, path[:-1])
    if path and isinstance(parent, dict):
        return parent.get(path[-1])
    return _lookup(document, path)


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _lookup(document, path[:-1])
    if isinstance(parent, list):
        parent.insert(_index(parent, path[-1], past_end=True), value)
    else:
        parent[path[-1]] = value
    return document


def _remove(document: Any, path: list[str]) -> Any:
    parent = _lookup(document, path[:-1])
    if isinstance(parent, list):
        del parent[_index(parent, path[-1])]
    else:
        del parent[path[-1]]
    return document


def _same(left: Any, right: Any) -> bool:
    """Equality that keeps true apart from 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)
