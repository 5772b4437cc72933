"""What the API server refuses in the metadata of any object: labels, annotations, owners, finalizers."""

import json
import re
from collections.abc import Iterator

from serinus.sandbox.api.errors import Cause
from serinus.sandbox.api.kinds import Raw

DNS_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_KEY_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
_KEY = rf"({DNS_LABEL}(\.{DNS_LABEL})*/)?{_KEY_NAME}"
_LENGTH_MAX = 63
_ANNOTATIONS_BYTES_MAX = 256 * 1024
_KEY_WORDS = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
DNS_LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character"
)
_VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)


def check_metadata(metadata: Raw) -> Iterator[Cause]:
    """Broken fields of an object's metadata, its name left aside."""
    yield from check_labels("metadata.labels", metadata.get("labels") or {})
    annotations = metadata.get("annotations") or {}
    for key in annotations:
        if not re.fullmatch(_KEY, key, re.IGNORECASE):
            yield Cause("metadata.annotations", f'Invalid value: "{key}": {_KEY_WORDS}')
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _ANNOTATIONS_BYTES_MAX:
        message = f"Too long: may not be more than {_ANNOTATIONS_BYTES_MAX} bytes"
        yield Cause("metadata.annotations", message, "FieldValueTooLong")
    yield from _owners(metadata.get("ownerReferences") or [])


def check_labels(path: str, labels: dict[str, str]) -> Iterator[Cause]:
    """Broken keys and values of a label map that lies at `path`."""
    for key, value in labels.items():
        if not re.fullmatch(_KEY, key):
            yield Cause(path, f'Invalid value: "{key}": {_KEY_WORDS}')
        if len(value) > _LENGTH_MAX:
            yield Cause(path, f'Invalid value: "{value}": must be no more than {_LENGTH_MAX} bytes')
        if not re.fullmatch(_LABEL_VALUE, value):
            yield Cause(path, f'Invalid value: "{value}": {_VALUE_WORDS}')


def check_finalizers(old: Raw, new: Raw) -> Iterator[Cause]:
    """An object that is being deleted can lose finalizers, not win any."""
    added = set(new.get("finalizers") or []) - set(old.get("finalizers") or [])
    if old.get("deletionTimestamp") and added:
        message = "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers"
        yield Cause("metadata.finalizers", f"{message} {sorted(added)}", "FieldValueForbidden")


def _owners(references: list[Raw]) -> Iterator[Cause]:
    for reference in references:
        for field, words in (("apiVersion", "version must not be empty"), ("uid", "must not be empty")):
            if not reference.get(field):
                yield Cause(f"metadata.ownerReferences.{field}", f'Invalid value: "": {words}')
    controllers = [f"{each.get('kind')}/{each.get('name')}" for each in references if each.get("controller")]
    if len(controllers) > 1:
        message = f"Invalid value: {json.dumps(references)}: Only one reference can have Controller set to true. "
        yield Cause("metadata.ownerReferences", f'{message}Found "true" in references for {" and ".join(controllers)}')
