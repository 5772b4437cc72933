"""One look at a ReplicaSet: how many pods to make, which to delete, what its status says. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from serinus.sandbox.controllers.objects import (
    controller_reference,
    copied,
    format_time,
    labels_of,
    pod_is_active,
    pod_is_ready,
    replicas_of,
    seconds_until_available,
)
from serinus.sandbox.controllers.replicaset.order import deletion_order
from serinus.sandbox.rest import Raw

BURST = 500
"""Pods made or deleted in one pass at most."""
_NAME_PREFIX_LENGTH_MAX = 58


@dataclass(frozen=True, slots=True)
class PodChanges:
    missing: int
    surplus: list[Raw]


def plan_pods(replica_set: Raw, pods: Iterable[Raw], related: Iterable[Raw], now: datetime) -> PodChanges:
    """`pods` are those it owns; `related` those of all ReplicaSets under the same owner."""
    active = [pod for pod in pods if pod_is_active(pod)]
    difference = replicas_of(replica_set) - len(active)
    if difference >= 0:
        return PodChanges(min(difference, BURST), [])
    return PodChanges(0, deletion_order(active, related, now)[: min(-difference, BURST)])


def new_pod(replica_set: Raw, suffix: str) -> Raw:
    """A pod of the template. Its name is chosen here, so that it is known before the API answers."""
    template = copied(replica_set["spec"]["template"])
    name = replica_set["metadata"]["name"]
    metadata = {
        key: value
        for key, value in (template.get("metadata") or {}).items()
        if key in ("labels", "annotations", "finalizers") and value
    }
    metadata["generateName"] = f"{name}-"
    metadata["name"] = f"{name[: _NAME_PREFIX_LENGTH_MAX - 1]}-{suffix}"
    metadata["namespace"] = replica_set["metadata"]["namespace"]
    metadata["ownerReferences"] = [controller_reference(replica_set)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def plan_status(replica_set: Raw, pods: Iterable[Raw], failure: tuple[str, str] | None, now: datetime) -> Raw:
    """The status by the pods it owns. `failure` is (reason, message) of a pod that could not be made or deleted."""
    owned = list(pods)
    active = [pod for pod in owned if pod_is_active(pod)]
    wait = int(replica_set["spec"].get("minReadySeconds") or 0)
    labels = (replica_set["spec"]["template"].get("metadata") or {}).get("labels") or {}
    counters = {
        "fullyLabeledReplicas": sum(labels.items() <= labels_of(pod).items() for pod in active),
        "readyReplicas": sum(pod_is_ready(pod) for pod in active),
        "availableReplicas": sum(seconds_until_available(pod, wait, now) == 0.0 for pod in active),
        "observedGeneration": int(replica_set["metadata"].get("generation") or 0),
    }
    status: Raw = {name: value for name, value in counters.items() if value}
    status["replicas"] = len(active)
    status["terminatingReplicas"] = len(owned) - len(active)
    conditions = _conditions(replica_set, failure, now)
    if conditions:
        status["conditions"] = conditions
    return status


def _conditions(replica_set: Raw, failure: tuple[str, str] | None, now: datetime) -> list[Raw]:
    present: list[Raw] = (replica_set.get("status") or {}).get("conditions") or []
    others = [condition for condition in present if condition["type"] != "ReplicaFailure"]
    if failure is None:
        return others
    if len(others) < len(present):
        return present  # the first failure's words and time stand until it is over
    words = {"type": "ReplicaFailure", "status": "True", "reason": failure[0], "message": failure[1]}
    return [*others, {**words, "lastTransitionTime": format_time(now)}]


def seconds_to_recheck(replica_set: Raw, pods: Iterable[Raw], now: datetime) -> float | None:
    """When the next pod becomes available by time alone; None when time changes nothing."""
    wait = int(replica_set["spec"].get("minReadySeconds") or 0)
    waits = (seconds_until_available(pod, wait, now) for pod in pods if pod_is_active(pod))
    return min((seconds for seconds in waits if seconds), default=None)
