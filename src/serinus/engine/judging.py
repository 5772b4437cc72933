"""The metrics gate: readings go through the judge, a saved record at a time, and become a judgement of the step.

What the judge knows is saved with the rollout, in the same save as the state it moves: a run that dies loses at most
a scrape, whose requests are in the next one all the same, as counters are cumulative. Not here: where the numbers come
from (`metrics/`), and what they mean (`judge/`).
"""

from datetime import datetime

import msgspec

from serinus.core.plan import MetricsPlan, Plan, evidence_step
from serinus.core.pods import Pod
from serinus.core.pods import Track as PodTrack
from serinus.core.reasons import Reason
from serinus.core.record import Record
from serinus.core.spec import Gating, Metrics
from serinus.core.state import Baking, Evidence, Paused, Shifting, State
from serinus.core.turn import Judgement, Verdict
from serinus.core.world import World
from serinus.judge.decide import BUDGET, Finding, Hold
from serinus.judge.intake import GUARD_OF_ERRORS, GUARD_OF_LATENCY
from serinus.judge.judge import step
from serinus.judge.policy import Budget, Limits, Metric, Policy, parse_margins, policy_of
from serinus.judge.readings import Reading, Track
from serinus.judge.scrapes import ScrapedPod
from serinus.judge.state import State as JudgeState

STALE_INTERVALS = 4
"""Readings of the canary that are older than so many intervals say nothing of now."""
STALE_SECONDS_MIN = 15.0
FAILURES = {
    BUDGET: Reason.BUDGET_SPENT,
    GUARD_OF_ERRORS: Reason.LIMIT_BROKEN,
    GUARD_OF_LATENCY: Reason.LIMIT_BROKEN,
}
"""What a FAIL is called that does not come from a comparison, by the metric that the judge names."""
HOLDS = {
    Hold.INCIDENT: Reason.WORLD_DEGRADED,
    Hold.SHARE: Reason.SHARE_NOT_OBSERVED,
    Hold.UNKNOWN: Reason.METRICS_UNKNOWN,
    Hold.NO_CANARY: Reason.METRICS_UNKNOWN,
    Hold.SUSPECT: Reason.NOT_ENOUGH_TRAFFIC,
    Hold.HARM: Reason.NOT_ENOUGH_TRAFFIC,
    Hold.TRAFFIC: Reason.NOT_ENOUGH_TRAFFIC,
    Hold.EARLY: Reason.NOT_ENOUGH_TRAFFIC,
}
"""Why a step ended without a verdict, by what the judge waited for."""


class Judged(msgspec.Struct, omit_defaults=True):
    """What is saved: the judge's state, its last finding, and when the canary's numbers were last read.

    `canary_read_at`: seconds since the rollout began.
    """

    state: JudgeState
    finding: Finding | None = None
    canary_read_at: float | None = None


def seconds_since_start(record: Record, now: datetime) -> float:
    """A moment on the clock that readings are told by."""
    return (now - record.started).total_seconds()


def wants_reading(plan: Plan, state: State) -> bool:
    """Whether the metrics matter in this state."""
    return plan.metrics is not None and isinstance(state, Shifting | Baking | Paused)


def share_asked(plan: Plan, state: State) -> float | None:
    """The share of requests that the canary should have, percent; None: while it moves nobody can say."""
    if isinstance(state, Baking):
        return plan.steps[state.step].share_percent
    if isinstance(state, Paused) and state.step:
        return plan.steps[state.step - 1].share_percent
    return None


def scraped_pods(record: Record, world: World) -> tuple[ScrapedPod, ...]:
    """The pods whose counters matter: of both versions, those at work or just on their way out."""
    at_work = (pod for pod in world.pods if pod.track is not PodTrack.PROBE and pod.phase == "Running")
    return tuple(scraped_pod(pod, record.started) for pod in at_work)


def scraped_pod(pod: Pod, start: datetime) -> ScrapedPod:
    """What the kubelet says of a pod, its times in seconds since `start`."""
    return ScrapedPod(
        pod.name,
        Track.CANARY if pod.track.is_canary else Track.STABLE,
        (pod.started - start).total_seconds() if pod.started is not None else None,
        sum(container.times_ended for container in pod.containers),
    )


def policy_of_plan(plan: Plan) -> Policy | None:
    """What the plan's metrics are judged by; None: nobody looks at them."""
    return policy_for(plan.metrics) if plan.metrics is not None else None


def policy_for(metrics: MetricsPlan) -> Policy:
    """What was asked for, as the judge takes it; kinds that production does not show are not judged."""
    return policy_of_rules(metrics.rules, tuple(Metric(kind) for kind in metrics.kinds))


def policy_of_rules(rules: Metrics, kinds: tuple[Metric, ...]) -> Policy:
    """The judge's policy. Raises PolicyError."""
    margins = parse_margins(rules.margins) if rules.margins is not None else {}
    budget = rules.budget
    return msgspec.structs.replace(
        policy_of(rules.alpha, kinds, margins),
        beta=rules.beta,
        limits=Limits(rules.limits.error_rate, rules.limits.p99_seconds),
        budget=Budget(budget.objective, budget.stop_percent, budget.monthly_requests) if budget is not None else None,
        seconds_min=rules.watch_seconds,
        checks_share=False,  # by pod count it is connections that are split: kept ones stay with the pods they have
    )


def judged_with(plan: Plan, judged: msgspec.Raw, reading: Reading) -> msgspec.Raw:
    """What is to be saved once this reading has been judged."""
    if plan.metrics is None:
        return judged
    known = _decoded(judged) or Judged(JudgeState())
    state, finding = step(policy_for(plan.metrics), known.state, reading)
    has_canary = any(pod.track is Track.CANARY and pod.requests is not None for pod in reading.pods)
    after = Judged(state, finding, reading.t if has_canary else known.canary_read_at)
    return msgspec.Raw(msgspec.json.encode(after))


def judgement_of(record: Record, now: datetime) -> Judgement | None:
    """What the metrics say to the step that the rollout is in; None: nothing was read yet, or nobody looks at them."""
    plan, judged = record.plan, _decoded(record.judged)
    if plan.metrics is None or judged is None or judged.finding is None:
        return None
    if judged.finding.verdict is Verdict.FAIL:
        reason = FAILURES.get(judged.finding.metric, Reason.METRICS_WORSE)
        return Judgement(Verdict.FAIL, reason, Evidence(judged.finding.reason))
    if plan.metrics.gating is Gating.HARM:
        return Judgement(Verdict.PASS)
    return _evidence_of_safety(record, plan.metrics, judged, judged.finding, seconds_since_start(record, now))


def _evidence_of_safety(
    record: Record, metrics: MetricsPlan, judged: Judged, finding: Finding, now_seconds: float
) -> Judgement:
    state = record.state
    fresh_seconds = max(STALE_SECONDS_MIN, STALE_INTERVALS * metrics.rules.interval_seconds)
    if judged.canary_read_at is None or now_seconds - judged.canary_read_at > fresh_seconds:
        return Judgement(Verdict.UNSURE, Reason.METRICS_UNKNOWN, Evidence(Reason.METRICS_UNKNOWN.value))
    since = seconds_since_start(record, state.held_since) if isinstance(state, Baking) else 0.0
    if judged.canary_read_at < since:
        return Judgement(Verdict.UNSURE, Reason.METRICS_UNKNOWN, Evidence("no reading of this share was taken yet"))
    step_index = state.step if isinstance(state, Baking) else 0
    needs_evidence = step_index >= evidence_step(record.plan)
    is_safe = judged.state.passed_at is not None if step_index > evidence_step(record.plan) else finding.safe_to_promote
    if is_safe if needs_evidence else finding.may_advance:
        return Judgement(Verdict.PASS)
    hold = finding.hold or Hold.TRAFFIC
    return Judgement(Verdict.UNSURE, HOLDS[hold], Evidence(finding.reason or hold.value))


def _decoded(judged: msgspec.Raw) -> Judged | None:
    return msgspec.json.decode(judged, type=Judged | None)
