"""JSON, merge and strategic patches, chosen by content type, as functions from an object to the wished one."""

from serinus.sandbox.api.body import decode_json
from serinus.sandbox.api.errors import Cause, StatusError, bad_request, invalid, unsupported_media_type
from serinus.sandbox.api.jsonpatch import json_patch, merge_patch
from serinus.sandbox.api.kinds import Kind, Raw
from serinus.sandbox.api.registry import Alter
from serinus.sandbox.api.shape import check_shape
from serinus.sandbox.api.strategic import strategic_merge

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
_ACCEPTED = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)


def patch_function(kind: Kind, content_type: str, data: bytes) -> Alter:
    """Raises StatusError 400 or 415. Apply is no such function: it needs to know who asks."""
    alter = _plain_function(content_type, data)

    def checked(raw: Raw) -> Raw:
        uid = raw["metadata"].get("uid")
        patched = alter(raw)
        _check_result(kind, patched, uid)
        return patched

    return checked


def _check_result(kind: Kind, patched: Raw, uid: str | None) -> None:
    """What a PUT is refused for with 400 or 409 makes a patch invalid."""
    try:
        check_shape(kind, patched)
    except StatusError as error:
        cause = Cause("patch", f"Invalid value: {error.message}")
        raise invalid(kind, "", [cause]) from error
    wished = patched["metadata"].get("uid")
    if wished != uid:
        cause = Cause("metadata.uid", f'Invalid value: "{wished}": field is immutable')
        raise invalid(kind, patched["metadata"]["name"], [cause])


def _plain_function(content_type: str, data: bytes) -> Alter:
    if content_type not in _ACCEPTED:
        raise unsupported_media_type(content_type, _ACCEPTED)
    patch = decode_json(data)
    if content_type == JSON_PATCH:
        return lambda raw: _object(json_patch(raw, patch))
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: the patch is not an object")
    if content_type == MERGE_PATCH:
        return lambda raw: _object(merge_patch(raw, patch))
    return lambda raw: strategic_merge(raw, patch)


def _object(value: object) -> Raw:
    if not isinstance(value, dict):
        raise bad_request("the patched document is not an object")
    return value
