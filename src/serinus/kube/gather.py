"""What a preflight asks the cluster for beyond the survey: one list for each kind, all at once, none that is forbidden.

A kind that this user may not read, or that the cluster does not have, is no reason to stop: it becomes `Unread`, or
nothing at all. Reading what came back is `preflight_read.py`'s job.
"""

import asyncio
from dataclasses import dataclass

from serinus.core.plan import Plan
from serinus.core.preflight.facts import Unread
from serinus.kube.errors import ApiError, Forbidden, NotFound
from serinus.kube.read import service_facts
from serinus.kube.resources import (
    CLAIMS,
    LEASES,
    LIMIT_RANGES,
    NODES,
    PDBS,
    PODS,
    QUOTAS,
    SCALED_OBJECTS,
    VERTICAL_AUTOSCALERS,
    Raw,
    Resource,
)
from serinus.kube.rights import Access, Right
from serinus.kube.target import Target

NODES_MAX = 50
"""In a larger cluster the pods of all nodes are not read: that would be many pages for one note."""

Found = list[Raw] | Unread


@dataclass(frozen=True, slots=True)
class Gathered:
    """Raw objects by kind. `all_pods` are those of the whole cluster."""

    pods: list[Raw]  # behind the Service
    quotas: Found
    limit_ranges: Found
    budgets: Found
    leases: Found
    scaled_objects: Found
    vertical_autoscalers: Found
    claims: Found
    nodes: Found
    all_pods: Found


async def gather(target: Target, plan: Plan, raw_template: Raw, access: Access, missing: frozenset[Right]) -> Gathered:
    """Ask for all of it. Raises KubeError when the cluster does not answer."""
    groups = asyncio.create_task(_group_names(target))
    nodes = asyncio.create_task(_nodes_and_pods(target, access))
    pods, quotas, limits, budgets, leases, claims = await asyncio.gather(
        _pods_behind(target, missing),
        _listed(target, QUOTAS, access),
        _listed(target, LIMIT_RANGES, access),
        _listed(target, PDBS, access),
        _listed(target, LEASES, access),
        _listed(target, CLAIMS, access) if names_claims(raw_template) else _nothing(),
    )
    served = await groups
    scaled_objects, vertical_autoscalers = await asyncio.gather(
        *(
            _listed(target, resource, access) if plan.stable is not None and resource.group in served else _nothing()
            for resource in (SCALED_OBJECTS, VERTICAL_AUTOSCALERS)
        )
    )
    found_nodes, all_pods = await nodes
    return Gathered(
        pods, quotas, limits, budgets, leases, scaled_objects, vertical_autoscalers, claims, found_nodes, all_pods
    )


def names_claims(raw_template: Raw) -> bool:
    """Whether a pod template has volumes of PersistentVolumeClaims."""
    return any("persistentVolumeClaim" in volume for volume in raw_template["spec"].get("volumes") or [])


async def _nothing() -> Found:
    return []


async def _listed(target: Target, resource: Resource, access: Access) -> Found:
    right = Right("list", resource)
    refused = Unread(f"no right to {right}")
    if not access.may_be_tried(right):
        return refused
    try:
        return (await target.client.list(resource, target.namespace)).items
    except Forbidden:
        return refused
    except NotFound:  # not in this cluster, or no longer
        return []


async def _pods_behind(target: Target, missing: frozenset[Right]) -> list[Raw]:
    raw_service = target.raw_service
    selector = service_facts(raw_service).selector if raw_service is not None else {}
    if not selector or Right("list", PODS) in missing:
        return []
    selected = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    return (await target.client.list(PODS, target.namespace, label_selector=selected)).items


async def _nodes_and_pods(target: Target, access: Access) -> tuple[Found, Found]:
    """Nodes, and pods of all namespaces: most users of a namespace may not read them, and nothing is said then."""
    if not access.may_be_tried(Right("list", NODES)):
        return Unread(), Unread()
    try:
        nodes = (await target.client.list(NODES)).items
    except (Forbidden, NotFound):
        return Unread(), Unread()
    if len(nodes) > NODES_MAX:
        return nodes, Unread()
    try:
        return nodes, (await target.client.list(PODS)).items
    except (Forbidden, NotFound):
        return nodes, Unread()


async def _group_names(target: Target) -> frozenset[str]:
    try:
        return await target.client.group_names()
    except ApiError:
        return frozenset()  # discovery is closed to this user: nothing of theirs can be looked at
