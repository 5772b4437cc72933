"""Before the first write: what the cluster itself says of the plan. It touches nothing, and reports all at once.

Rights are asked for by verb, those of the way back included: a canary that could not be undone must not start. The
canary is sent as a dry run, so that defaulting, validation, quota and admission webhooks have their say.
"""

import asyncio

from serinus.core.plan import Plan, Promotion, StableRef
from serinus.core.survey import Problem
from serinus.kube.build import canary_deployment, first_deployment, template_patch
from serinus.kube.client import PatchKind
from serinus.kube.errors import ApiError
from serinus.kube.read import same_template
from serinus.kube.resources import (
    CONFIGMAPS,
    DEPLOYMENTS,
    HPAS,
    LEASES,
    PODS,
    SELF_SUBJECT_ACCESS_REVIEWS,
    SERVICES,
    Raw,
    Resource,
)
from serinus.kube.target import Target

Right = tuple[str, Resource, str]
"""Verb, resource, subresource."""


def rights_needed(plan: Plan) -> tuple[Right, ...]:
    """Every verb that this plan's rollout, or its way back, may use beyond reading."""
    rights: list[Right] = [
        ("create", DEPLOYMENTS, ""),
        ("patch", DEPLOYMENTS, ""),
        ("delete", DEPLOYMENTS, ""),
        ("update", CONFIGMAPS, ""),
        ("create", CONFIGMAPS, ""),
        ("create", LEASES, ""),
        ("delete", LEASES, ""),
        ("get", PODS, "log"),
    ]
    if plan.mark_version:
        rights.append(("patch", SERVICES, ""))
    if plan.smoke is not None and plan.smoke.http_path is not None:
        rights.append(("get", PODS, "proxy"))
    if plan.smoke_before_traffic:
        rights += [("create", PODS, ""), ("delete", PODS, "")]
    if plan.hpa is not None:
        rights.append(("patch", HPAS, ""))
    return tuple(rights)


async def preflight(target: Target, plan: Plan) -> tuple[Problem, ...]:
    """Every problem the cluster has with the plan. Raises KubeError when it does not answer."""
    missing, refused = await asyncio.gather(_missing_rights(target, plan), _refusal(target, plan))
    return (*missing, *refused)


async def _missing_rights(target: Target, plan: Plan) -> tuple[Problem, ...]:
    rights = rights_needed(plan)
    allowed = await asyncio.gather(*(_is_allowed(target, right) for right in rights))
    return tuple(_no_right(target, right) for right, granted in zip(rights, allowed, strict=True) if not granted)


async def _is_allowed(target: Target, right: Right) -> bool:
    verb, resource, subresource = right
    attributes = {"namespace": target.namespace, "verb": verb, "group": resource.group, "resource": resource.plural}
    if subresource:
        attributes["subresource"] = subresource
    raw = {
        "apiVersion": SELF_SUBJECT_ACCESS_REVIEWS.api_version,
        "kind": SELF_SUBJECT_ACCESS_REVIEWS.kind,
        "spec": {"resourceAttributes": attributes},
    }
    answer = await target.client.review(SELF_SUBJECT_ACCESS_REVIEWS, raw)
    return bool(answer.get("status", {}).get("allowed"))


def _no_right(target: Target, right: Right) -> Problem:
    verb, resource, subresource = right
    name = f"{resource.plural}/{subresource}" if subresource else resource.plural
    group = f" ({resource.group})" if resource.group else ""
    return Problem(
        f"no right to {verb} {name}{group}",
        f"namespace {target.namespace}, {target.client.transport.where}",
        "the rollout or its way back needs it, and what cannot be undone is not begun",
        f"grant it: a Role with verb {verb!r} on {name!r}; README.md lists all of them",
    )


async def _refusal(target: Target, plan: Plan) -> tuple[Problem, ...]:
    size = plan.steps[0].canary_replicas
    if plan.stable is None:
        raw_service = target.raw_service
        raw = first_deployment(raw_service, plan, size) if raw_service is not None else None
    else:
        raw = canary_deployment(target.deployments.objects[plan.stable.name], plan, size)
    if raw is None:
        return ()
    try:
        stored = await target.client.create(DEPLOYMENTS, raw, target.namespace, dry_run=True)
        if plan.promotion is Promotion.ADOPT and plan.stable is not None:
            return await _adoption_refusal(target, plan.stable, stored)
    except ApiError as error:
        if error.status in (401, 403) or error.status >= 500:
            raise
        hint = "correct what it names; nothing was changed"
        return (Problem(f"the cluster refuses Deployment {plan.canary_name}", error.where, error.why, hint),)
    return ()


async def _adoption_refusal(target: Target, stable: StableRef, raw_canary: Raw) -> tuple[Problem, ...]:
    """Whether production would store the canary's pod template as the canary does: adoption needs them equal."""
    raw_stable = target.deployments.objects[stable.name]
    patch = template_patch(raw_stable, raw_canary["spec"]["template"], paused=True, surge=stable.replicas)
    name = stable.name
    stored = await target.client.patch(DEPLOYMENTS, name, target.namespace, patch, kind=PatchKind.JSON, dry_run=True)
    if same_template(stored, raw_canary):
        return ()
    why = "the cluster (an admission webhook?) stores the same pod template differently in the two Deployments"
    hint = "exempt one from it, or release by version: --naming versioned"
    return (Problem(f"Deployment {name} could not adopt the canary", f"namespace {target.namespace}", why, hint),)
