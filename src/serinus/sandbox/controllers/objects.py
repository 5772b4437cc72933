"""Questions about raw API objects that several controllers ask: owners, selectors, pod conditions, times, paths.

Pure: no API, no clock.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from serinus.sandbox.rest import Raw

ObjectKey = tuple[str, str]
"""(namespace, name)"""

PATHS = {
    ("v1", "ConfigMap"): "configmaps",
    ("v1", "Pod"): "pods",
    ("v1", "Secret"): "secrets",
    ("v1", "Service"): "services",
    ("apps/v1", "Deployment"): "deployments",
    ("apps/v1", "ReplicaSet"): "replicasets",
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "horizontalpodautoscalers",
    ("batch/v1", "Job"): "jobs",
    ("discovery.k8s.io/v1", "EndpointSlice"): "endpointslices",
    ("policy/v1", "PodDisruptionBudget"): "poddisruptionbudgets",
}
"""The kinds the controllers know, and their plural names in the API's paths. All are namespaced."""


def group_path(api_version: str) -> str:
    return f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"


def collection_path(api_version: str, kind: str, namespace: str = "") -> str:
    """The path of a kind's objects, in one namespace or (the default) in all."""
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"{group_path(api_version)}{scope}/{PATHS[api_version, kind]}"


def path_of(item: Raw) -> str:
    metadata = item["metadata"]
    return f"{collection_path(item['apiVersion'], item['kind'], metadata['namespace'])}/{metadata['name']}"


def copied(item: Any) -> Any:
    """A deep copy of plain JSON."""
    return json.loads(json.dumps(item))


def uid_of(item: Raw) -> str:
    uid: str = item["metadata"]["uid"]
    return uid


def is_deleting(item: Raw) -> bool:
    return bool(item["metadata"].get("deletionTimestamp"))


def labels_of(item: Raw) -> dict[str, str]:
    return item["metadata"].get("labels") or {}


def annotations_of(item: Raw) -> dict[str, str]:
    return item["metadata"].get("annotations") or {}


def owners_of(item: Raw) -> list[Raw]:
    return item["metadata"].get("ownerReferences") or []


def controller_of(item: Raw | None) -> Raw | None:
    """The owner reference that says who controls the object; None for an orphan."""
    if item is None:
        return None
    return next((owner for owner in owners_of(item) if owner.get("controller")), None)


def controller_reference(owner: Raw) -> Raw:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def replicas_of(item: Raw) -> int:
    """`spec.replicas`, which is 1 where it is left out."""
    replicas = item["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def count(item: Raw, field: str) -> int:
    """A counter of the status; 0 where it is left out."""
    return int((item.get("status") or {}).get(field) or 0)


def selector_matches(selector: Raw | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector (matchLabels and matchExpressions) takes these labels. An empty one takes nothing.

    For Kubernetes an empty selector takes everything, but none of the controllers here acts on one.
    """
    wanted = (selector or {}).get("matchLabels") or {}
    expressions = (selector or {}).get("matchExpressions") or []
    if not wanted and not expressions:
        return False
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    return all(_expression_holds(expression, labels) for expression in expressions)


def _expression_holds(expression: Raw, labels: Mapping[str, str]) -> bool:
    name, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return labels.get(name) in values
        case "NotIn":
            return labels.get(name) not in values
        case "Exists":
            return name in labels
        case "DoesNotExist":
            return name not in labels
        case _:
            return False


def ready_condition(pod: Raw) -> Raw:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return next((condition for condition in conditions if condition.get("type") == "Ready"), {})


def pod_is_ready(pod: Raw) -> bool:
    return ready_condition(pod).get("status") == "True"


def pod_is_terminal(pod: Raw) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def pod_is_active(pod: Raw) -> bool:
    return not pod_is_terminal(pod) and not is_deleting(pod)


def seconds_until_available(pod: Raw, min_ready_seconds: int, now: datetime) -> float | None:
    """Seconds until the pod counts as available: 0 when it does already, None when it is not ready."""
    if not pod_is_ready(pod):
        return None
    if min_ready_seconds == 0:
        return 0.0
    since = parse_time(ready_condition(pod).get("lastTransitionTime"))
    if since is None:
        return None
    return max(0.0, min_ready_seconds - (now - since).total_seconds())


def parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def format_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def creation_order(item: Raw) -> tuple[str, str]:
    """A sort key: oldest first, by name where the same second made them. An object not yet made is the newest."""
    return item["metadata"].get("creationTimestamp") or "9999", item["metadata"]["name"]
