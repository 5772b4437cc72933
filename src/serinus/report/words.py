"""Numbers and commands as people read them; and, for every reason, what would have changed the verdict."""

import shlex

from serinus.core.reasons import Reason
from serinus.judge.policy import MARGIN_KEYS, Margin, Policy, policy_of

CHANGES = {
    Reason.COMPLETE: "Evidence of harm in any metric, or a canary pod in trouble, at any step.",
    Reason.FIRST_DEPLOYED: "Nothing: there was no production to compare with, so nothing was judged.",
    Reason.NEVER_READY: "Canary pods that pass their readiness probe within the deadline (--ready-deadline).",
    Reason.UNSCHEDULABLE: "A node with room for the pod, or smaller resource requests.",
    Reason.PODS_REFUSED: "A quota, a limit range or an admission webhook that lets the canary's pods in.",
    Reason.IMAGE_UNPULLABLE: "An image that the nodes can pull: its name, its tag, and the pull secret.",
    Reason.CONTAINER_CANNOT_START: "A container whose command, config maps and secrets are all there.",
    Reason.CRASHED: "A container that goes on running; or production's containers ending as often meanwhile.",
    Reason.CRASH_LOOP: "A container that goes on running; or production's containers ending as often meanwhile.",
    Reason.OOM_KILLED: "A higher memory limit, or a version that keeps below this one.",
    Reason.SMOKE_FAILED: "A smoke test that passes, within its time limit.",
    Reason.METRICS_WORSE: "Less of a difference between canary and production, or a wider margin.",
    Reason.LIMIT_BROKEN: "Metrics of the canary within the limit, or a wider limit.",
    Reason.BUDGET_SPENT: "Fewer failed requests, or a greater part of the budget for this rollout.",
    Reason.NOT_ENOUGH_TRAFFIC: "More requests, more time, or wider margins of safety.",
    Reason.METRICS_UNKNOWN: "Metrics that can be read, of both tracks.",
    Reason.WORLD_DEGRADED: "Production in its usual state: the same release may be tried again then.",
    Reason.SHARE_NOT_OBSERVED: "A canary that gets the share of requests it was meant to get.",
    Reason.STEP_TOO_LATE: "Checks that pass earlier, or a longer deadline of the step.",
    Reason.STABLE_NOT_READY: "Production pods that are ready within the deadline.",
    Reason.STABLE_GONE: "Production's Deployment left in place while the rollout runs.",
    Reason.CANARY_GONE: "The canary's Deployment left in place while the rollout runs.",
    Reason.PROMOTION_TOO_LATE: "A promotion that completes within its deadline.",
    Reason.VETOED: "No veto on the release.",
    Reason.PAUSE_ENDED: "A person's word before the pause ended: serinus promote, resume or abort.",
    Reason.APPROVAL_REFUSED: "A person's approval before the deadline: serinus promote.",
    Reason.STABLE_CHANGED: "Production's pod template left as it is while the rollout runs.",
    Reason.CANARY_CHANGED: "The canary's pod template left as it is while the rollout runs.",
    Reason.CONFIG_CHANGED: "The template's ConfigMaps and Secrets left as they are until the release has its copies.",
    Reason.SERVICE_CHANGED: "The Service's selector left as it is while the rollout runs.",
    Reason.FOUGHT_OVER: "Nobody else (an autoscaler, GitOps) setting the sizes while the rollout runs.",
    Reason.GATE_FAILED: "A gate that says yes; what it said is in its own words above.",
    Reason.GATE_UNANSWERED: "An answer of the gate within its time limit, or another `default` for it.",
    Reason.SUPERSEDED: "No other version released meanwhile.",
    Reason.ABORT_ASKED: "Nobody asking for the way back.",
    Reason.BROKEN_RULE: "A correct Serinus: please report it, with this page.",
    Reason.ABANDONED: "A runner that stays alive, or comes back in time.",
    Reason.INTERRUPTED: "A run that is not interrupted, or --interrupt park.",
}


def number(value: float) -> str:
    """A count with thousands apart: 12 345."""
    return f"{value:,.0f}".replace(",", "\u202f")


def percent(share: float | None) -> str:
    """A share of 0 to 1 in percent, with the digits that say something."""
    if share is None:
        return "–"
    value = 100.0 * share
    digits = 3 if 0.0 < value < 0.1 else 2 if value < 10.0 else 1
    text = f"{value:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def interval(edges: tuple[float, float]) -> str:
    """An interval of shares."""
    return f"{percent(edges[0]).removesuffix(' %')} to {percent(edges[1])}"


def seconds(value: float | None) -> str:
    """A duration or a latency."""
    if value is None:
        return "–"
    if value >= 120.0:
        minutes, rest = divmod(round(value), 60)
        return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {rest:02d} s"
    if value >= 10.0:
        return f"{value:.0f} s"
    return f"{value:.2g} s" if value >= 1.0 else f"{1000.0 * value:.3g} ms"


def is_number(cell: str) -> bool:
    """Whether a cell stands on the right: a number, or the dash for one that is not known."""
    return cell[:1] in "0123456789–+\u2212"


def evidence(value: float | None) -> str:
    """Log10 of E, with its sign."""
    if value is None:
        return "–"
    return "0.00" if abs(value) < 0.005 else f"{value:+.2f}".replace("-", "\u2212")


def replay_command(policy: Policy | None, file: str) -> str:
    """The command that judges the exported readings again as this rollout did."""
    parts = ["serinus", "judge", "replay", file]
    if policy is None:
        return shlex.join(parts)
    if policy.alpha != Policy().alpha:
        parts += ["--alpha", f"{policy.alpha:g}"]
    if policy.metrics != Policy().metrics:
        parts += ["--metrics", ",".join(metric.value for metric in policy.metrics)]
    usual = policy_of(policy.alpha, policy.metrics, {})
    margins = {key: getattr(policy, key) for key in MARGIN_KEYS}
    if told := [f"{key}={margin_text(margin)}" for key, margin in margins.items() if margin != getattr(usual, key)]:
        parts += ["--margins", ",".join(told)]
    return shlex.join(parts)


def margin_text(margin: Margin) -> str:
    """As `--margins` reads it."""
    return f"{margin.relative:g}+{margin.absolute:g}"
