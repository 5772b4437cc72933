"""JSON, merge and strategic patches, chosen by content type, as functions from an object to the wished one."""

from serinus.sandbox.api.body import decode_json
from serinus.sandbox.api.errors import bad_request, unsupported_media_type
from serinus.sandbox.api.jsonpatch import json_patch, merge_patch
from serinus.sandbox.api.kinds import Raw
from serinus.sandbox.api.registry import Alter
from serinus.sandbox.api.strategic import strategic_merge

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
_ACCEPTED = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)


def patch_function(content_type: str, data: bytes) -> Alter:
    """Raises StatusError 400 or 415. Apply is no such function: it needs to know who asks."""
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
