"""What a typed decoder would refuse: values that do not fit into their fields. Answered with 400, in a patch 422.

Only the fields that people and controllers get wrong are looked at: maps of strings, numbers, times, quantities.
"""

import re
from collections.abc import Iterator
from typing import Any

from serinus.sandbox.api.errors import StatusError, bad_request
from serinus.sandbox.api.kinds import CONFIG_MAP, EVENT, LEASE, POD, SECRET, Kind, Raw

_MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_QUANTITY = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?")
_COUNTS = ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds", "leaseDurationSeconds")


def check_shape(kind: Kind, raw: Raw) -> None:
    """Raises StatusError 400 for the first field whose value is of the wrong type."""
    for name in ("metadata", "spec", "status"):
        if raw.get(name) is not None and not isinstance(raw[name], dict):
            raise _unreadable(kind, f"{name} is not an object")
    for path, strings in _string_maps(kind, raw):
        if not isinstance(strings, dict) or not all(isinstance(value, str) for value in strings.values()):
            raise _unreadable(kind, f"{path} holds a value that is not a string")
    spec = raw.get("spec") or {}
    for name in _COUNTS:
        if spec.get(name) is not None and type(spec[name]) is not int:
            raise _unreadable(kind, f"spec.{name} is not a whole number")
    for path, text, pattern in _times(kind, raw):
        if not isinstance(text, str) or not pattern.fullmatch(text):
            micro = " with six decimals" if pattern is _MICRO_TIME else ""
            raise _unreadable(kind, f"{path}: {text!r} is not a time in RFC 3339{micro}")
    for container in _containers(kind, spec):
        _check_container(kind, container)


def _unreadable(kind: Kind, why: str) -> StatusError:
    return bad_request(f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {why}')


def _string_maps(kind: Kind, raw: Raw) -> Iterator[tuple[str, Any]]:
    metadata = raw.get("metadata") or {}
    for name in ("labels", "annotations"):
        if metadata.get(name) is not None:
            yield f"metadata.{name}", metadata[name]
    if kind in (CONFIG_MAP, SECRET):
        for name in ("data", "binaryData", "stringData"):
            if raw.get(name) is not None:
                yield name, raw[name]


def _times(kind: Kind, raw: Raw) -> Iterator[tuple[str, Any, re.Pattern[str]]]:
    if kind == LEASE:
        spec = raw.get("spec") or {}
        for name in ("acquireTime", "renewTime"):
            if spec.get(name) is not None:
                yield f"spec.{name}", spec[name], _MICRO_TIME
    if kind == EVENT:
        if raw.get("eventTime") is not None:
            yield "eventTime", raw["eventTime"], _MICRO_TIME
        for name in ("firstTimestamp", "lastTimestamp"):
            if raw.get(name) is not None:
                yield name, raw[name], _TIME


def _containers(kind: Kind, spec: Raw) -> Iterator[Raw]:
    pod_spec = spec if kind == POD else (spec.get("template") or {}).get("spec") or {}
    for name in ("initContainers", "containers"):
        yield from pod_spec.get(name) or []


def _check_container(kind: Kind, container: Raw) -> None:
    for variable in container.get("env") or []:
        if not isinstance(variable.get("value") or "", str):
            raise _unreadable(
                kind, f"env {variable.get('name')}: {variable['value']!r} is not a string: put it in quotes"
            )
    for side in ("limits", "requests"):
        for name, amount in ((container.get("resources") or {}).get(side) or {}).items():
            if not _QUANTITY.fullmatch(str(amount)):
                raise _unreadable(kind, f"resources.{side}.{name}: {amount!r} is not a quantity")
