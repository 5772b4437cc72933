"""Before the first write: ask the cluster what stands against the plan, all at once. It touches nothing.

Rights come first, with one request; then dry runs (`rehearse.py`) and lists (`gather.py`) go out together. What the
answers mean is decided in `core/preflight`, from facts alone.
"""

import asyncio
import dataclasses

from serinus.core.plan import Plan
from serinus.core.preflight import report_on
from serinus.core.preflight.facts import Inputs, Report
from serinus.kube import preflight_read as read
from serinus.kube.copying import rehearse_copies
from serinus.kube.gather import Gathered, gather
from serinus.kube.read import labels_of
from serinus.kube.rehearse import Rehearsed, rehearse
from serinus.kube.resources import PODS, Raw
from serinus.kube.rights import Access, Right, rights_needed
from serinus.kube.target import Target


async def preflight(target: Target, plan: Plan) -> Report:
    """Everything the cluster says of the plan. Raises KubeError when it does not answer."""
    access = await Access.ask(target.client, target.namespace)
    missing = await access.missing(rights_needed(plan))
    raw_stable = target.deployments.objects[plan.stable.name] if plan.stable is not None else None
    rehearses_pod = not await access.missing([Right("create", PODS)])
    rehearsed, refused, gathered = await asyncio.gather(
        rehearse(target, plan, frozenset(missing), rehearses_pod),
        rehearse_copies(target.client, plan, frozenset(missing)),
        gather(target, plan, access, frozenset(missing), rehearses_pod),
    )
    rehearsal = dataclasses.replace(rehearsed.rehearsal, refusals=(*rehearsed.rehearsal.refusals, *refused))
    rehearsed = dataclasses.replace(rehearsed, rehearsal=rehearsal)
    rights = tuple(str(right) for right in missing)
    return report_on(_inputs(target, plan, raw_stable, rights, rehearsed, gathered))


def _inputs(
    target: Target, plan: Plan, raw_stable: Raw | None, rights: tuple[str, ...], rehearsed: Rehearsed, found: Gathered
) -> Inputs:
    raw_pod, rehearsal = rehearsed.raw_pod, rehearsed.rehearsal
    if raw_stable is not None:
        injected = read.injected_containers(raw_pod, raw_stable["spec"]["template"], found.pods)
        rehearsal = dataclasses.replace(rehearsal, injected=injected)
    production = plan.stable.name if plan.stable is not None else ""
    stable_labels = labels_of(raw_stable["spec"]["template"]) if raw_stable is not None else {}
    pod = read.pod_shape(raw_pod, raw_stable)
    kept = [raw for raw in (raw_stable, target.raw_service) if raw is not None]
    return Inputs(
        plan=plan,
        cluster=target.client.transport.where,
        pod=pod,
        missing_rights=rights,
        rehearsal=rehearsal,
        quotas=read.quotas(found.quotas, raw_pod),
        limits=read.limits(found.limit_ranges),
        budgets=read.budgets(found.budgets, stable_labels, labels_of(raw_pod)),
        scaled_objects=read.scaled_objects(found.scaled_objects, production),
        vertical_autoscalers=read.vertical_autoscalers(found.vertical_autoscalers, production),
        nodes=read.nodes(found.nodes, found.all_pods, raw_pod),
        claims=read.claims(found.claims, pod.claims),
        lock_names=read.lock_names(found.leases, plan),
        keepers=read.keepers(kept),
        neighbours=read.neighbours(found.pods, raw_stable["spec"]["selector"] if raw_stable is not None else None),
    )
