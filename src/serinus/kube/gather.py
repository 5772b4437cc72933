"""What a preflight asks the cluster for beyond the survey: one list for each kind, all at once, none that is forbidden.

A kind that this user may not read, or that the cluster does not have, is no reason to stop: it becomes `Unread`, or
nothing at all. Reading what came back is `preflight_read.py`'s job.
"""

import asyncio
from dataclasses import dataclass

from serinus.core.plan import Plan
from serinus.core.preflight.facts import Unread
from serinus.kube.errors import Forbidden, NotFound
from serinus.kube.read import labels_of, matches, service_facts
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
from serinus.kube.target import Target, group_names

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


async def gather(target: Target, plan: Plan, access: Access, missing: frozenset[Right], rehearses: bool) -> Gathered:
    """Ask for all of it. `rehearses`: a pod's dry run tells of the limit ranges. Raises KubeError without an answer."""
    template = target.deployments.objects[plan.stable.name]["spec"]["template"] if plan.stable is not None else {}
    (pods, scalers), (quotas, limits, budgets, leases, claims) = await asyncio.gather(
        asyncio.gather(
            _nodes_and_pods(target, access, missing),
            _scalers(target, access) if plan.stable is not None else _no_scalers(),
        ),
        asyncio.gather(
            _listed(target, QUOTAS, access),
            _listed(target, LIMIT_RANGES, access) if not rehearses else _nothing(),
            _listed(target, PDBS, access),
            _listed(target, LEASES, access),
            _listed(target, CLAIMS, access) if _names_claims(template) else _nothing(),
        ),
    )
    nodes, all_pods, behind = pods
    return Gathered(behind, quotas, limits, budgets, leases, *scalers, claims, nodes, all_pods)


def _names_claims(raw_template: Raw) -> bool:
    volumes = (raw_template.get("spec") or {}).get("volumes") or []
    return any("persistentVolumeClaim" in volume for volume in volumes)


async def _nothing() -> Found:
    return []


async def _no_scalers() -> tuple[Found, Found]:
    return [], []


async def _listed(target: Target, resource: Resource, access: Access) -> Found:
    right = Right("list", resource)
    refused = Unread("no right to list them")
    if not access.may_be_tried(right):
        return refused
    try:
        return (await target.client.list(resource, target.namespace)).items
    except Forbidden:
        return refused
    except NotFound:  # not in this cluster, or no longer
        return []


async def _scalers(target: Target, access: Access) -> tuple[Found, Found]:
    """Kinds of CustomResourceDefinitions, where the cluster has them."""
    served = await group_names(target)
    scaled_objects, vertical_autoscalers = await asyncio.gather(
        *(
            _listed(target, resource, access) if resource.group in served else _nothing()
            for resource in (SCALED_OBJECTS, VERTICAL_AUTOSCALERS)
        )
    )
    return scaled_objects, vertical_autoscalers


async def _nodes_and_pods(target: Target, access: Access, missing: frozenset[Right]) -> tuple[Found, Found, list[Raw]]:
    """Nodes, pods of all namespaces, and those behind the Service, which are among them where they may be read."""
    nodes, all_pods = await _whole_cluster(target, access)
    raw_service = target.raw_service
    selector = service_facts(raw_service).selector if raw_service is not None else {}
    if not isinstance(all_pods, Unread):
        ours = (raw for raw in all_pods if raw["metadata"].get("namespace") == target.namespace)
        return nodes, all_pods, [raw for raw in ours if matches({"matchLabels": selector}, labels_of(raw))]
    if Right("list", PODS) in missing:
        return nodes, all_pods, []
    selected = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    return nodes, all_pods, (await target.client.list(PODS, target.namespace, label_selector=selected)).items


async def _whole_cluster(target: Target, access: Access) -> tuple[Found, Found]:
    """Nodes and pods: most users of a namespace may not read all of them, and nothing is said then."""
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
