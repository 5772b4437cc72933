"""From evidence to a verdict: totals against their thresholds, and what keeps a release from going on."""

import enum
from math import log

import msgspec

from serinus.core.turn import Verdict
from serinus.judge.evidence import log_evidence, log_guard, pods_that_served, total_of
from serinus.judge.guards import GUARD_WEIGHT, Guard
from serinus.judge.intake import Intake
from serinus.judge.mixture import log_value
from serinus.judge.policy import Metric, Policy
from serinus.judge.safety import log_safety
from serinus.judge.share_state import is_mismatch
from serinus.judge.state import Failure, State
from serinus.judge.suspect import suspect, weakest
from serinus.judge.words import sentence_of_budget, sentence_of_guard, sentence_of_harm

LOG10 = log(10.0)
ADVANCE_BELOW = log(3.0)
ALONE_SECONDS = 30.0
"""How long a canary pod that serves alone is not believed while others, just as present, serve nothing yet."""
MISMATCH_EXPONENT = 2.0
"""Evidence must be so many times as long in the logarithm where the share is not as asked."""
BUDGET = "budget"


class Hold(enum.Enum):
    """Why a verdict is UNSURE: the first of these that holds."""

    NO_CANARY = "no canary pods yet"
    UNKNOWN = "the canary's counters cannot be had"
    INCIDENT = "production itself is in trouble"
    SUSPECT = "one pod of the canary is suspected, not the version"
    SHARE = "the canary does not get the share of requests that was asked for"
    HARM = "there is some evidence of harm, too little for a verdict"
    TRAFFIC = "not enough traffic"
    EARLY = "it is too early"


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known after one reading. `t`: its time, or that of the first FAIL or PASS, seconds.

    `evidence`: log10 of the total E; `threshold`: where it means FAIL (2 for alpha 0.01). `metric`: which one weighs
    most. `may_advance` answers for the next step, `safe_to_promote` for the last. `replace`: the pod that is suspected.
    `hold`: why UNSURE. `reason`: the sentence of a FAIL.
    """

    t: float
    verdict: Verdict
    metric: str
    evidence: float
    threshold: float
    may_advance: bool
    safe_to_promote: bool
    hold: Hold | None = None
    reason: str = ""
    replace: str | None = None


def decide(policy: Policy, state: State, t: float, intake: Intake | None) -> Finding:
    """The finding of now; remembers the first failure, the first PASS and the pod that is suspected."""
    values = log_evidence(state)
    total = total_of(state, values)
    metric = _heaviest(state, values)
    present = [] if intake is None else [pod.name for _, pod in intake.canary]
    if state.failure is None and intake is not None:
        _look_for_harm(policy, state, t, total, metric, present)
    failure = state.failure
    if failure is not None:
        metric = failure.metric
    hold = None if failure is not None else _hold(policy, state, total)
    is_safe = failure is None and hold is None
    if is_safe and state.passed_at is None:
        state.passed_at = t
    answer = Verdict.FAIL if failure is not None else Verdict.PASS if is_safe else Verdict.UNSURE
    return Finding(
        t=_time_of(state, answer, t),
        verdict=answer,
        metric=metric,
        evidence=total / LOG10,
        threshold=-log(policy.alpha) / LOG10,
        may_advance=failure is None and hold in (None, Hold.TRAFFIC, Hold.EARLY),
        safe_to_promote=is_safe,
        hold=hold,
        reason="" if failure is None else failure.reason,
        replace=_suspected(state, present),
    )


def _time_of(state: State, answer: Verdict, t: float) -> float:
    """When this answer was first given; UNSURE is of now."""
    if state.failure is not None:
        return state.failure.t
    return state.passed_at if answer is Verdict.PASS and state.passed_at is not None else t


def _heaviest(state: State, values: dict[Metric, float]) -> str:
    """Which metric has the greatest part in the total; the first one before there is any evidence."""
    weighed = {metric: log(weight) + values.get(metric, 0.0) for metric, weight in state.weights.items()}
    return max(weighed, key=weighed.__getitem__).value if weighed else Metric.ERRORS.value


def _suspected(state: State, present: list[str]) -> str | None:
    suspicion = state.suspicion
    if suspicion.is_replaced or suspicion.pod not in present or state.failure is not None:
        return None
    return suspicion.pod


def _look_for_harm(policy: Policy, state: State, t: float, total: float, metric: str, present: list[str]) -> None:
    """FAIL by comparison, by a guard rail, or because the error budget is spent; or a pod to suspect."""
    needed = -log(policy.alpha)
    is_above = total >= needed
    pod: str | None = None
    if is_above:
        remains = {name: total_of(state, log_evidence(state, name)) for name in pods_that_served(state)}
        pod, least = weakest(remains)
        believed = total >= MISMATCH_EXPONENT * needed or not _is_mismatch(policy, state)
        if believed and _survives(policy, state, pod, least, present):
            state.failure = Failure(t, metric, sentence_of_harm(state, Metric(metric), total))
            return
    for guard in state.guards:
        _look_at_guard(policy, state, guard, t, present)
    _look_at_budget(policy, state, t)
    suspect(state.suspicion, state.now or 0.0, is_above, pod if pod in present else None)


def _is_mismatch(policy: Policy, state: State) -> bool:
    return policy.checks_share and is_mismatch(state.share, state.stable_requests())


def _survives(policy: Policy, state: State, pod: str | None, least: float, present: list[str]) -> bool:
    """Whether evidence is left without any one pod. A pod that serves alone is believed after a while."""
    if pod is None:
        seconds = (state.now or 0.0) - (state.canary_since or 0.0)
        return len(present) < 2 or seconds >= ALONE_SECONDS
    return least >= -log(policy.alpha_node)


def _look_at_guard(policy: Policy, state: State, guard: Guard, t: float, present: list[str]) -> None:
    part = log(GUARD_WEIGHT)
    total = log_guard(guard) + part
    if state.failure is not None or total < -log(policy.alpha):
        return
    stable = log_value(guard.stable.cash, guard.stable.wealth)
    pods = guard.canary.without if len(guard.canary.without) > 1 else ()
    pod, least = weakest({name: log_guard(guard, name) + part for name in pods})
    if stable < -log(policy.alpha_node) and _survives(policy, state, pod, least, present):
        state.failure = Failure(t, guard.name, sentence_of_guard(policy, state, guard, total))


def _look_at_budget(policy: Policy, state: State, t: float) -> None:
    """Failures of the canary beyond what production would have had in its place, against the month's budget."""
    budget, errors = policy.budget, state.errors
    if budget is None or errors is None or state.failure is not None or errors.compared.stable <= 0.0:
        return
    compared = errors.compared
    spent = compared.canary_failed - compared.canary * compared.stable_failed / compared.stable
    allowed = (1.0 - budget.objective) * budget.monthly_requests * budget.stop_percent / 100.0
    if spent > 0.0 and spent >= allowed:
        state.failure = Failure(t, BUDGET, sentence_of_budget(budget, spent, allowed))


def _hold(policy: Policy, state: State, total: float) -> Hold | None:
    """What keeps the verdict from PASS; None: nothing."""
    now = state.now or 0.0
    if state.canary_since is None:
        return Hold.NO_CANARY
    if state.unknown_since is not None:
        return Hold.UNKNOWN
    if any(one.incident.is_on for one in (state.errors, state.latency) if one is not None):
        return Hold.INCIDENT
    if state.suspicion.pod is not None and not state.suspicion.is_replaced:
        return Hold.SUSPECT
    if state.has_canary_requests() and _is_mismatch(policy, state):
        return Hold.SHARE
    restarts = state.restarts
    excess = 0.0 if restarts is None else log_value(restarts.mixture.cash, restarts.mixture.wealth)
    if total >= ADVANCE_BELOW or excess >= ADVANCE_BELOW:
        return Hold.HARM
    if not is_safe_enough(policy, state):
        return Hold.TRAFFIC
    return Hold.EARLY if now - state.canary_since < policy.seconds_min else None


def is_safe_enough(policy: Policy, state: State) -> bool:
    """Whether every metric that gates has its evidence of safety. Restarts and gauges do not gate."""
    needed = -log(policy.beta)
    if state.errors is not None and log_safety(state.errors.safety) < needed:
        return False
    latency = state.latency
    if latency is None:
        return True
    return bool(latency.safeties) and all(log_safety(one.safety) >= needed for one in latency.safeties)
