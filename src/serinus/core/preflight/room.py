"""Whether there is room for the rollout at its largest, and for its way back: quota, limits, nodes, ports of nodes."""

from collections.abc import Iterator
from dataclasses import dataclass

from serinus.core.plan import Plan
from serinus.core.preflight.facts import Amounts, Inputs, Note, PodShape, Quota, Unread
from serinus.core.survey import Problem

SLACK = 1e-9  # amounts are floats: a sum that is over by less is not over
QUANTITY_UNITS = ((2.0**40, "Ti"), (2.0**30, "Gi"), (2.0**20, "Mi"), (2.0**10, "Ki"))


@dataclass(frozen=True, slots=True)
class Peak:
    """The most pods at one time, production's and the canary's together, and when that is."""

    pods: int
    when: str


def peak_forwards(plan: Plan) -> Peak:
    """The largest moment on the way up: a step's canary pods are there, production has not shrunk yet.

    Pods that are still ending are left out, here and on the way back: their grace period is theirs to know.
    """
    stable = plan.replicas if plan.stable is not None else 0
    peaks = []
    for number, step in enumerate(plan.steps, 1):
        smoke = 1 if number == 1 and plan.smoke_before_traffic else 0
        parts = [f"{stable} of production"] if stable else []
        parts += [f"{step.canary_replicas} of the canary", *(["the smoke test's"] if smoke else [])]
        peaks.append(Peak(stable + step.canary_replicas + smoke, f"step {number}: {' and '.join(parts)}"))
        stable = min(stable, step.stable_replicas)
    return max(peaks, key=lambda peak: peak.pods)


def peak_backwards(plan: Plan) -> Peak:
    """The largest moment of the way back: production at its full size, canary pods kept until it serves."""
    if plan.stable is None:
        return Peak(0, "")
    peaks = []
    for number, step in enumerate(plan.steps, 1):
        kept = min(step.canary_replicas, max(0, plan.replicas - step.stable_replicas))
        when = f"back from step {number}: {plan.replicas} of production and {kept} of the canary"
        peaks.append(Peak(plan.replicas + kept, when))
    return max(peaks, key=lambda peak: peak.pods)


def extra_pods(plan: Plan, peak: Peak) -> int:
    """Pods beyond those that production has before the rollout."""
    return max(0, peak.pods - (plan.replicas if plan.stable is not None else 0))


def quota(inputs: Inputs) -> Iterator[Problem | Note]:
    """Every ResourceQuota has room for the largest moment, and for that of the way back."""
    if isinstance(inputs.quotas, Unread):
        return
    for each in inputs.quotas:
        for resource in sorted(each.hard):
            if (problem := _short_of(inputs, each, resource)) is not None:
                yield problem


def _short_of(inputs: Inputs, quota: Quota, resource: str) -> Problem | None:
    per_pod = amount_per_pod(resource, inputs.pod)
    used, hard = quota.used.get(resource), quota.hard[resource]
    if not per_pod or used is None:
        return None
    plan, left = inputs.plan, hard - used
    forwards, backwards = peak_forwards(plan), peak_backwards(plan)
    needs = [(per_pod * extra_pods(plan, peak), peak) for peak in (forwards, backwards)]
    if max(need for need, _ in needs) <= left + SLACK:
        return None
    ways = zip(("the rollout", "its way back"), needs, strict=True)
    words = [f"{way} needs {_written(resource, need)} more ({peak.when})" for way, (need, peak) in ways if peak.pods]
    most = _written(resource, used + max(need for need, _ in needs))
    return Problem(
        f"ResourceQuota {quota.name} leaves too few {resource}",
        inputs.namespace,
        f"{_written(resource, used)} of {_written(resource, hard)} are used; {', '.join(words)}",
        f"raise its {resource} to {most}, or free as much; pods that cannot come back are not taken away",
    )


def amount_per_pod(resource: str, pod: PodShape) -> float:
    """How much of a quota's resource one pod takes; 0 for what is not counted by pods."""
    if resource in ("pods", "count/pods"):
        return 1.0
    kind, _, name = resource.partition(".")
    if kind == "limits":
        return pod.limits.get(name, 0.0)
    if kind == "requests":
        return pod.requests.get(name, 0.0)
    return pod.requests.get(resource, 0.0) if resource in ("cpu", "memory", "ephemeral-storage") else 0.0


def limit_range(inputs: Inputs) -> Iterator[Problem | Note]:
    """The template lies within every LimitRange; none is given where the dry run of a pod has looked at that."""
    if isinstance(inputs.limits, Unread):
        return
    pod = inputs.pod
    for limit in inputs.limits:
        whole = (("the pod", pod.requests, pod.limits),)
        measured = whole if limit.kind == "Pod" else _containers(pod) if limit.kind == "Container" else ()
        for name, requests, limits in measured:
            broken = [*_under(limit.minimum, requests), *_over(limit.maximum, requests, limits)]
            if broken:
                yield Problem(
                    f"LimitRange {limit.name} forbids the pod template",
                    inputs.namespace,
                    f"{name}: {', '.join(broken)}",
                    "bring the template's resources within the range, or change the range",
                )


def _containers(pod: PodShape) -> tuple[tuple[str, Amounts, Amounts], ...]:
    return tuple((f"container {name}", requests, limits) for name, requests, limits in pod.containers)


def _under(minimum: Amounts, requests: Amounts) -> Iterator[str]:
    for resource, least in sorted(minimum.items()):
        given = requests.get(resource)
        if given is not None and given < least - SLACK:
            yield f"{resource} request {_written(resource, given)} is below {_written(resource, least)}"


def _over(maximum: Amounts, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for resource, most in sorted(maximum.items()):
        given = limits.get(resource, requests.get(resource))
        if given is not None and given > most + SLACK:
            yield f"{resource} {_written(resource, given)} is above {_written(resource, most)}"


def node_room(inputs: Inputs) -> Iterator[Problem | Note]:
    """The nodes have room as they are now; a note only, since nodes may come and pods may go."""
    if isinstance(inputs.nodes, Unread):
        return
    free = [node.free for node in inputs.nodes]
    plan = inputs.plan
    needed = max(extra_pods(plan, peak) for peak in (peak_forwards(plan), peak_backwards(plan)))
    fitting = sum(_fitting(each, inputs.pod.requests) for each in free if each is not None)
    if None not in free and fitting < needed:
        yield Note(
            "node-room",
            f"the nodes have room for {fitting} more pods of {needed}",
            f"counted by requests on the {len(inputs.nodes)} nodes that such pods may be put on",
            "nothing to do where nodes are added by themselves; else the canary, or the way back, waits for room",
        )


def _fitting(free: Amounts, requests: Amounts) -> int:
    needs = {**{resource: need for resource, need in requests.items() if need > 0}, "pods": 1.0}
    return max(0, min(int((free.get(resource, 0.0) + SLACK) / need) for resource, need in needs.items()))


def host_ports(inputs: Inputs) -> Iterator[Problem | Note]:
    """One pod with a port of its node per node: are there nodes enough."""
    ports = ", ".join(str(port) for port in inputs.pod.host_ports)
    if not ports:
        return
    peak = max(peak_forwards(inputs.plan), peak_backwards(inputs.plan), key=lambda peak: peak.pods)
    if isinstance(inputs.nodes, Unread):
        why = f"two pods cannot share a node, {peak.pods} pods are needed at once, and the nodes could not be counted"
        yield Note("host-ports", f"the pods take port {ports} of their node", why, f"have {peak.pods} nodes for them")
    elif peak.pods > len(inputs.nodes):
        yield Problem(
            f"port {ports} of the nodes is taken",
            inputs.production,
            f"two pods with it cannot share a node; {peak.pods} pods are needed at once ({peak.when}), "
            f"and they may be put on {len(inputs.nodes)} nodes",
            "take hostPort or hostNetwork out of the template, add nodes, or run fewer pods",
        )


def _written(resource: str, amount: float) -> str:
    """An amount as people write it."""
    if resource.endswith(("memory", "storage")):
        for size, unit in QUANTITY_UNITS:
            if amount >= size:
                return f"{amount / size:.4g}{unit}"
    if resource.endswith("cpu") and amount % 1:
        return f"{amount * 1000:.0f}m"
    return f"{amount:.10g}"
