"""Pod templates: when two are the same, the hash that names a ReplicaSet, and the ReplicaSet of a template. Pure."""

import hashlib
import json
from typing import Any

from serinus.sandbox.controllers.objects import controller_reference, copied
from serinus.sandbox.rest import Raw

HASH_LABEL = "pod-template-hash"
HASH_LENGTH = 10
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_NAME_LENGTH_MAX = 253
# Where an empty map says the same as none. Elsewhere it does not: `emptyDir: {}` is a volume.
_PLAIN_MAPS = frozenset({"annotations", "labels", "limits", "matchLabels", "metadata", "nodeSelector", "requests"})


def same_template(one: Raw, other: Raw) -> bool:
    """Whether two pod templates mean the same pods, the hash label aside."""
    return bool(_comparable(one) == _comparable(other))


def _comparable(template: Raw) -> Any:
    metadata = template.get("metadata") or {}
    labels = {name: text for name, text in (metadata.get("labels") or {}).items() if name != HASH_LABEL}
    return _without_empty({**template, "metadata": {**metadata, "labels": labels}})


def _without_empty(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _without_empty(item) for name, item in value.items()}
    return {
        name: item
        for name, item in kept.items()
        if item is not None and item != [] and not (item == {} and name in _PLAIN_MAPS)
    }


def template_hash(template: Raw, collision_count: int) -> str:
    """A short name for a template, stable over restarts; another one for every collision met."""
    text = json.dumps(_comparable(template), sort_keys=True) + (str(collision_count) if collision_count else "")
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:HASH_LENGTH])


def replica_set_for(deployment: Raw, replicas: int) -> Raw:
    """The ReplicaSet of the Deployment's present template, as it is sent to the API."""
    spec, metadata = deployment["spec"], deployment["metadata"]
    template = copied(spec["template"])
    digest = template_hash(template, int((deployment.get("status") or {}).get("collisionCount") or 0))
    labels = {**(template.get("metadata", {}).get("labels") or {}), HASH_LABEL: digest}
    template.setdefault("metadata", {})["labels"] = labels
    selector = copied(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: digest}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{metadata['name'][: _NAME_LENGTH_MAX - HASH_LENGTH - 1]}-{digest}",
            "namespace": metadata["namespace"],
            "labels": dict(labels),
            "annotations": {},
            "ownerReferences": [controller_reference(deployment)],
        },
        "spec": {
            "replicas": replicas,
            "minReadySeconds": int(spec.get("minReadySeconds") or 0),
            "selector": selector,
            "template": template,
        },
    }
