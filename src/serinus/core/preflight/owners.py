"""Who else has a say in the workload: autoscalers, disruption budgets, GitOps tools, other pods behind the Service."""

from collections.abc import Iterator
from typing import Final

from serinus.core.plan import AutoscalerKind, Plan, Promotion
from serinus.core.preflight.facts import Budget, Inputs, Keeper, Note, Unread
from serinus.core.spec import VERSION_LABEL
from serinus.core.survey import Problem

ARGO_CD: Final = "Argo CD"
FLUX: Final = "Flux Kustomization"
FLUX_HELM: Final = "Flux HelmRelease"


def neighbours(inputs: Inputs) -> Iterator[Problem | Note]:
    """Only production's pods stand behind the Service: else no share is what it says."""
    where = f"Service {inputs.plan.service}, {inputs.namespace}"
    for other in inputs.neighbours:
        whose = f"{other.kind} {other.name}" if other.kind else "no owner"
        pods = f"{other.pods} pod{'s' if other.pods != 1 else ''} of {whose}"
        if other.kind in ("ReplicaSet", ""):
            yield Note(
                "neighbours",
                f"{pods} stand behind Service {inputs.plan.service} too",
                "they take requests beside both versions, so the true share of the canary is smaller than said",
                "scale them down, or correct the labels, if they should not serve",
            )
        else:
            yield Problem(
                f"{whose} stands behind the Service",
                where,
                f"{pods} serve its users, and a canary is of a Deployment",
                "name a Service that selects the pods of one Deployment only",
            )


def autoscaler(inputs: Inputs) -> Iterator[Problem | Note]:
    """The HorizontalPodAutoscaler, or the ScaledObject, is held still: people should know."""
    held = inputs.plan.autoscaler
    if held is not None:
        verb = "held still" if held.kind is AutoscalerKind.HPA else "paused"
        yield Note(
            "autoscaler",
            f"{held.kind.value} {held.name} is {verb} while the release runs",
            f"production keeps {inputs.plan.replicas} pods and the canary's shares hold",
            "expect no scaling until the end, when it gets back what it had",
        )


def scaled_object(inputs: Inputs) -> Iterator[Problem | Note]:
    """No other ScaledObject scales production: it would fight over the size."""
    if isinstance(inputs.scaled_objects, Unread):
        return
    held = inputs.plan.autoscaler.name if inputs.plan.autoscaler is not None else None
    for scaler in inputs.scaled_objects:
        if scaler.active and scaler.name != held:
            yield Problem(
                f"ScaledObject {scaler.name} scales production as well",
                inputs.namespace,
                "KEDA would take back every size that the release gives production, and of several one only is paused",
                "let one ScaledObject scale a Deployment",
            )


def vertical_autoscaler(inputs: Inputs) -> Iterator[Problem | Note]:
    """A VerticalPodAutoscaler that acts by itself knows production's name, not the canary's."""
    if isinstance(inputs.vertical_autoscalers, Unread):
        return
    for scaler in inputs.vertical_autoscalers:
        if scaler.active:
            yield Note(
                "vertical-autoscaler",
                f"VerticalPodAutoscaler {scaler.name} acts on production (mode {scaler.mode})",
                "it may evict production's pods meanwhile, and the canary's keep the resources of the template",
                "set its updateMode to Initial or Off for the time of the release",
            )


def disruption_budget(inputs: Inputs) -> Iterator[Problem | Note]:
    """What the budgets say while pods move from one version to the other.

    Serinus removes pods by scaling, after others are seen to serve; a budget governs evictions, as of a drained node.
    So a budget that counts both versions holds throughout, and one that counts production only is a note: it would be
    broken by the plan though as many pods serve as ever.
    """
    if isinstance(inputs.budgets, Unread) or inputs.plan.stable is None:
        return
    least = min(step.stable_replicas for step in inputs.plan.steps)
    for budget in inputs.budgets:
        wanted = _wanted(budget, inputs.plan.replicas)
        if not budget.counts_canary and wanted > least:
            yield Note(
                "disruption-budget",
                f"PodDisruptionBudget {budget.name} counts production's pods only",
                f"it wants {wanted} of them and the plan goes down to {least}, with the canary's serving beside them; "
                "meanwhile no node of theirs can be drained, and nothing keeps drains from the canary's",
                "let its selector match both versions",
            )
        elif budget.counts_canary and wanted >= inputs.plan.replicas:
            yield Note(
                "disruption-budget",
                f"PodDisruptionBudget {budget.name} lets no pod be evicted",
                f"it wants {wanted} of {inputs.plan.replicas}; the release scales and does not evict, so it goes on",
                "expect drains of nodes to wait, as they do without a release",
            )


def budgets_want(inputs: Inputs) -> int:
    """How many pods of production must stay for every PodDisruptionBudget; all where they could not be read."""
    if isinstance(inputs.budgets, Unread):
        return inputs.plan.replicas
    return max((_wanted(budget, inputs.plan.replicas) for budget in inputs.budgets), default=0)


def _wanted(budget: Budget, replicas: int) -> int:
    """How many of so many pods must stay; percentages, of what stays and of what may go, are rounded up by the API."""
    if budget.min_available is not None:
        return _of(budget.min_available, replicas)
    return max(0, replicas - _of(budget.max_unavailable or 0, replicas))


def _of(value: int | str, whole: int) -> int:
    if isinstance(value, int):
        return value
    digits = value.rstrip("%")
    return -(-whole * int(digits) // 100) if digits.isdigit() else 0


def gitops(inputs: Inputs) -> Iterator[Problem | Note]:
    """A GitOps tool is told what to leave alone."""
    for tool in (ARGO_CD, FLUX, FLUX_HELM):
        kept = [keeper for keeper in inputs.keepers if keeper.tool == tool and _is_changed(inputs.plan, keeper)]
        if kept:
            names = " and ".join(f"{keeper.kind} {keeper.name}" for keeper in kept)
            yield Note(
                "gitops",
                f"{tool} {kept[0].application!r} keeps {names} as Git has it",
                f"a sync while the release runs would take back {_changed(inputs.plan, kept)}",
                f"{_remedy(inputs.plan, tool, kept)}; {_afterwards(inputs.plan)}",
            )


def _is_changed(plan: Plan, keeper: Keeper) -> bool:
    return plan.mark_version if keeper.kind == "Service" else True


def _changed(plan: Plan, kept: list[Keeper]) -> str:
    adopts = plan.promotion is Promotion.ADOPT
    words = {
        "Deployment": "production's size, and then its pod template" if adopts else "production's size",
        "Service": f"the Service's label {VERSION_LABEL!r}",
    }
    return " and ".join(words[keeper.kind] for keeper in kept)


def _remedy(plan: Plan, tool: str, kept: list[Keeper]) -> str:
    rule = _argo_rule if tool == ARGO_CD else _flux_rule
    rules = ", ".join(rule(plan, keeper) for keeper in kept)
    if tool == ARGO_CD:
        respected = "syncPolicy: {syncOptions: [RespectIgnoreDifferences=true]}"
        return f"in the Application's spec put ignoreDifferences: [{rules}] and {respected}"
    if tool == FLUX_HELM:
        return f"in the HelmRelease's spec put driftDetection: {{ignore: [{rules}]}}; upgrade the chart only afterwards"
    return (
        "annotate them in Git with kustomize.toolkit.fluxcd.io/reconcile: disabled for the time of the release, "
        f"or, where your Flux has it, put ignore: [{rules}] in the Kustomization's spec"
    )


def _argo_rule(plan: Plan, keeper: Keeper) -> str:
    group = "group: apps, " if keeper.kind == "Deployment" else ""
    return f"{{{group}kind: {keeper.kind}, name: {keeper.name}, jsonPointers: [{_paths(plan, keeper)}]}}"


def _flux_rule(plan: Plan, keeper: Keeper) -> str:
    return f"{{paths: [{_paths(plan, keeper)}], target: {{kind: {keeper.kind}, name: {keeper.name}}}}}"


def _paths(plan: Plan, keeper: Keeper) -> str:
    """What a release changes of an object that Git has."""
    if keeper.kind == "Service":
        return f"/metadata/labels/{VERSION_LABEL}"
    return "/spec/replicas, /spec/template, /spec/strategy" if plan.promotion is Promotion.ADOPT else "/spec/replicas"


def _afterwards(plan: Plan) -> str:
    if plan.promotion is Promotion.RENAME and plan.stable is not None:
        return f"afterwards have Git name {plan.canary_name} in place of {plan.stable.name}, which would come back else"
    return "afterwards bring the new image into Git, or it would be taken back"
