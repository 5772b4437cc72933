"""The system's part of metadata: identity, times, generation. Changes the object it is given."""

import datetime
import random
import uuid
from typing import Any

from serinus.sandbox.api.errors import Cause, StatusError, bad_request, conflict, invalid, stale
from serinus.sandbox.api.kinds import DEPLOYMENT, Kind, Raw

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_NAME_ROOM = 63 - _SUFFIX_LENGTH
_SYSTEM_FIELDS = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
)
_ABSENT_WHEN_EMPTY = frozenset(
    (
        "labels",
        "annotations",
        "finalizers",
        "ownerReferences",
        "nodeSelector",
        "initContainers",
        "volumes",
        "env",
        "envFrom",
        "args",
        "command",
        "volumeMounts",
        "ports",
        "imagePullSecrets",
        "tolerations",
        "data",
        "binaryData",
    )
)


def timestamp() -> str:
    """Now, as the API writes times: UTC, whole seconds."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_type(kind: Kind, raw: Raw) -> None:
    """A body may leave out its apiVersion and kind, but not name others than the URL does."""
    version, name = raw.get("apiVersion") or kind.api_version, raw.get("kind") or kind.name
    if (version, name) != (kind.api_version, kind.name):
        raise bad_request(
            f"{name} in version {version!r} cannot be handled as a {kind.name}: the path serves {kind.api_version}"
        )


def normal_form(kind: Kind, raw: Raw) -> Raw:
    """The same object, copied, with its fields in the usual order and without those that mean nothing."""
    leading: Raw = {"kind": kind.name, "apiVersion": kind.api_version, "metadata": raw.get("metadata") or {}}
    rest = {key: value for key, value in raw.items() if key not in leading and key != "status"}
    plain: Raw = _without_nothing(leading | rest)
    return plain | ({"status": raw["status"]} if raw.get("status") is not None else {})


def _without_nothing(value: Any) -> Any:
    """Null is the same as absent; so is an empty list or map, in the fields where the API does not keep one."""
    if isinstance(value, dict):
        return {
            key: _without_nothing(inner)
            for key, inner in value.items()
            if inner is not None and (inner or key not in _ABSENT_WHEN_EMPTY or inner is False)
        }
    return [_without_nothing(each) for each in value] if isinstance(value, list) else value


def start(kind: Kind, namespace: str, raw: Raw) -> None:
    """The metadata of a new object."""
    metadata = raw["metadata"]
    if metadata.get("resourceVersion"):
        raise StatusError(
            500, "InternalError", "Internal error occurred: resourceVersion should not be set on objects to be created"
        )
    metadata.pop("resourceVersion", None)
    for name in _SYSTEM_FIELDS:
        metadata.pop(name, None)
    if kind.namespaced:
        if metadata.get("namespace", namespace) != namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)
    if not metadata.get("name"):
        prefix = metadata.get("generateName")
        if not prefix:
            raise invalid(
                kind,
                "",
                [Cause("metadata.name", "Required value: name or generateName is required", "FieldValueRequired")],
            )
        metadata["name"] = prefix[:_NAME_ROOM] + "".join(random.choices(_SUFFIX_LETTERS, k=_SUFFIX_LENGTH))
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = timestamp()
    if kind.counts_generation:
        metadata["generation"] = 1


def inherit(kind: Kind, old: Raw, new: Raw) -> None:
    """An update keeps the system's fields; raises for another name, uid or resourceVersion than the object has."""
    before, after = old["metadata"], new["metadata"]
    name = before["name"]
    if after.get("name", name) != name:
        raise bad_request(f"the name of the object ({after['name']}) does not match the name on the URL ({name})")
    if after.get("namespace") and after["namespace"] != before.get("namespace"):
        raise bad_request("the namespace of the object does not match the namespace on the URL")
    if after.get("uid") and after["uid"] != before["uid"]:
        raise conflict(
            kind, name, f"Precondition failed: UID in precondition: {after['uid']}, UID in object meta: {before['uid']}"
        )
    if after.get("resourceVersion") and after["resourceVersion"] != before["resourceVersion"]:
        raise stale(kind, name)
    after.setdefault("managedFields", before.get("managedFields") or [])
    for field in ("name", "namespace", "resourceVersion", *_SYSTEM_FIELDS):
        if field in before:
            after[field] = before[field]
        else:
            after.pop(field, None)


def count_generation(kind: Kind, old: Raw, new: Raw) -> None:
    """Raises generation by one when anything but metadata and status differs; a Deployment's annotations count too."""
    if not kind.counts_generation:
        return
    ignored = ("metadata", "status")
    keys = (old.keys() | new.keys()) - set(ignored)
    annotated = kind == DEPLOYMENT and old["metadata"].get("annotations") != new["metadata"].get("annotations")
    if annotated or any(old.get(key) != new.get(key) for key in keys):
        new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
