"""The plan rehearsed by dry runs: the canary, the adoption, and one of the canary's pods. Nothing is stored.

A dry run passes defaulting, validation and admission (quota, limits, pod security, webhooks). That of a Deployment
says little of its pods, which a controller makes later, so one pod is sent by itself.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from serinus.core.gates import Job
from serinus.core.plan import Plan, Promotion, StableRef
from serinus.core.preflight.facts import Refusal, Rehearsal
from serinus.kube.build import canary_deployment, first_deployment, template_patch
from serinus.kube.client import PatchKind
from serinus.kube.errors import ApiError
from serinus.kube.gate_jobs import job_manifest, job_pod
from serinus.kube.read import same_template
from serinus.kube.resources import DEPLOYMENTS, JOBS, PODS, Raw
from serinus.kube.rights import Right
from serinus.kube.target import Target

_BY_WEBHOOK = "admission webhook"  # how the API server begins to say that one of them refused
_SERVER_OWN = frozenset({"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid", "selfLink"})


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came back: findings, and the pod as the cluster would store it, or else as the template has it."""

    rehearsal: Rehearsal
    raw_pod: Raw


async def rehearse(target: Target, plan: Plan, missing: frozenset[Right], pod_too: bool) -> Rehearsed:
    """Rehearse what the user has the rights for; `pod_too`: to create pods. Raises KubeError without an answer."""
    sent = _canary(target, plan)
    if Right("create", DEPLOYMENTS) in missing or plan.canary_name in target.deployments.objects:
        return Rehearsed(
            Rehearsal(pod=pod_too), _pod(plan, sent)
        )  # the missing right, or the name taken, is a problem already
    try:
        stored = await target.client.create(DEPLOYMENTS, sent, target.namespace, dry_run=True)
    except ApiError as error:
        refusal = _refusal(f"the cluster refuses Deployment {plan.canary_name}", error)
        return Rehearsed(Rehearsal((refusal,), pod=pod_too), _pod(plan, sent))
    altered = tuple(differences(sent, stored)) if plan.stable is not None else ()
    adoption, (pod_refusal, raw_pod) = await asyncio.gather(
        _adoption(target, plan, stored, missing), _rehearse_pod(target, plan, stored, pod_too)
    )
    of_jobs = await _jobs(target, plan, missing, pod_too)
    refusals = tuple(refusal for refusal in (adoption, pod_refusal, *of_jobs) if refusal is not None)
    return Rehearsed(Rehearsal(refusals, altered, pod=pod_too), raw_pod)


def _canary(target: Target, plan: Plan) -> Raw:
    size = plan.steps[0].canary_replicas
    if plan.stable is not None:
        return canary_deployment(target.deployments.objects[plan.stable.name], plan, size)
    return first_deployment(target.services.objects[target.service], plan, size)


def _pod(plan: Plan, raw_deployment: Raw) -> Raw:
    template = raw_deployment["spec"]["template"]
    metadata = {key: template["metadata"][key] for key in ("labels", "annotations") if template["metadata"].get(key)}
    metadata |= {"generateName": f"{plan.canary_name}-", "namespace": plan.namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


async def _rehearse_pod(target: Target, plan: Plan, raw_deployment: Raw, pod_too: bool) -> tuple[Refusal | None, Raw]:
    """A refusal, and the pod as it would be stored, or else as the template has it."""
    sent = _pod(plan, raw_deployment)
    if not pod_too:
        return None, sent
    try:
        stored = await target.client.create(PODS, sent, target.namespace, dry_run=True)
    except ApiError as error:
        return _refusal(f"the cluster refuses pods of Deployment {plan.canary_name}", error), sent
    return None, stored


async def _jobs(target: Target, plan: Plan, missing: frozenset[Right], pod_too: bool) -> list[Refusal]:
    """What the cluster says against the Jobs of gates, and against their pods, which are made later."""
    if Right("create", JOBS) in missing:
        return []
    jobs = [(gate, gate.kind) for gate in plan.gates if isinstance(gate.kind, Job)]
    raws = [(gate.name, job_manifest(plan, gate, kind, 0)) for gate, kind in jobs]
    found = await asyncio.gather(*(_rehearse_job(target, name, raw, pod_too) for name, raw in raws))
    return [refusal for refusal in found if refusal is not None]


async def _rehearse_job(target: Target, gate: str, raw_job: Raw, pod_too: bool) -> Refusal | None:
    try:
        await target.client.create(JOBS, raw_job, target.namespace, dry_run=True)
        if pod_too:
            await target.client.create(PODS, job_pod(raw_job), target.namespace, dry_run=True)
    except ApiError as error:
        return _refusal(f"the cluster refuses the Job of gate {gate}", error)
    return None


async def _adoption(target: Target, plan: Plan, raw_canary: Raw, missing: frozenset[Right]) -> Refusal | None:
    """Whether production would store the canary's pod template as the canary does: adoption needs them equal."""
    if plan.promotion is not Promotion.ADOPT or plan.stable is None or Right("patch", DEPLOYMENTS) in missing:
        return None
    name = plan.stable.name
    try:
        stored = await _handed_over(target, plan.stable, raw_canary)
    except ApiError as error:
        return _refusal(f"the cluster refuses the canary's pod template in Deployment {name}", error)
    if same_template(stored, raw_canary):
        return None
    return Refusal(
        f"Deployment {name} could not adopt the canary",
        f"namespace {target.namespace}",
        "the cluster (an admission webhook?) stores the same pod template differently in the two Deployments",
        "exempt one from it, or release by version: --naming versioned",
    )


async def _handed_over(target: Target, stable: StableRef, raw_canary: Raw) -> Raw:
    seen = target.deployments.objects[stable.name]
    patch = template_patch(seen, raw_canary["spec"]["template"], paused=True, surge=stable.replicas)
    return await target.client.patch(
        DEPLOYMENTS, stable.name, target.namespace, patch, kind=PatchKind.JSON, dry_run=True
    )


def _refusal(what: str, error: ApiError) -> Refusal:
    """An answer that says no; the right to ask was there. Raises the error when it is none: 401, 429, 5xx."""
    if error.status in (401, 429) or error.status >= 500:
        raise error
    hint = "correct what it names; nothing was changed"
    return Refusal(what, error.where, error.why, hint, by_webhook=_BY_WEBHOOK in error.why)


def differences(sent: Raw, stored: Raw) -> Iterator[str]:
    """Paths of a Deployment that came back other than they were sent, what only the server fills in left out.

    What is sent is a copy of production's as stored, so the defaults are in it: a difference is somebody's doing.
    """
    metadata = {key: value for key, value in stored["metadata"].items() if key not in _SERVER_OWN}
    yield from _different(sent["metadata"], metadata, "metadata")
    yield from _different(sent["spec"], stored["spec"], "spec")


def _different(sent: Any, stored: Any, path: str) -> Iterator[str]:
    if isinstance(sent or stored, dict) and isinstance(stored or sent, dict):
        for key in sorted({*(sent or {}), *(stored or {})} - {"creationTimestamp"}):
            yield from _different((sent or {}).get(key), (stored or {}).get(key), f"{path}.{key}")
    elif isinstance(sent, list) and isinstance(stored, list):
        yield from _different_lists(sent, stored, path)
    elif (sent or None) != (stored or None):  # absent, null and empty are one
        yield path


def _different_lists(sent: list[Any], stored: list[Any], path: str) -> Iterator[str]:
    """Items by name where they have one, as containers and volumes do; else by place."""
    names = [_names(sent), _names(stored)]
    if all(found is not None for found in names):
        known, now = (
            dict(zip(found or [], items, strict=True)) for found, items in zip(names, (sent, stored), strict=True)
        )
        yield from (f"{path}[{name}]" for name in known if name not in now)
        for name, item in now.items():
            yield from _different(known[name], item, f"{path}[{name}]") if name in known else (f"{path}[{name}]",)
    elif sent != stored:
        yield path


def _names(items: list[Any]) -> list[str] | None:
    names = [item["name"] for item in items if isinstance(item, dict) and "name" in item]
    return names if len(names) == len(items) == len({*names}) else None
