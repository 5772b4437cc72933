"""The four kinds of patch, chosen by content type, as functions from an object to the wished one."""

from serinus.sandbox.api.body import decode_json
from serinus.sandbox.api.errors import bad_request, unsupported_media_type
from serinus.sandbox.api.jsonpatch import json_patch, merge_patch
from serinus.sandbox.api.kinds import Raw
from serinus.sandbox.api.registry import Alter

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
ACCEPTED = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)


def patch_function(content_type: str, data: bytes) -> Alter:
    """JSON, merge or strategic patch; raises StatusError 400 or 415."""
    patch = decode_json(data) if content_type in ACCEPTED else None
    if content_type == JSON_PATCH:
        return lambda raw: _object(json_patch(raw, patch))
    if content_type not in ACCEPTED:
        raise unsupported_media_type(content_type or "unknown", ACCEPTED)
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: the patch is not an object")
    return lambda raw: _object(merge_patch(raw, patch))


def _object(value: object) -> Raw:
    if not isinstance(value, dict):
        raise bad_request("the patched document is not an object")
    return value
