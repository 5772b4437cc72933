"""What `serinus explain` and the screen tell of the judge: numbers by metric and pod, what would change the verdict.

Made when somebody asks; nothing of it is remembered, and no verdict comes from it.
"""

from math import ceil, log

import msgspec

from serinus.judge.buckets import exceedances
from serinus.judge.decide import LOG10, Finding, Hold
from serinus.judge.errors import log_evidence_of_errors
from serinus.judge.evidence import log_evidence, pods_that_served, total_of
from serinus.judge.interval import interval
from serinus.judge.latency_state import safe_margin
from serinus.judge.policy import Metric, Policy
from serinus.judge.readings import Track
from serinus.judge.safety import log_safety, requests_missing
from serinus.judge.state import State
from serinus.judge.words import number


class Side(msgspec.Struct, frozen=True):
    """One track: events among units (requests, pod-hours), the rate, and its 95 % interval valid at all times.

    `low`, `high` are None where none is stated (restarts, gauges).
    """

    events: float
    units: float
    rate: float
    low: float | None = None
    high: float | None = None


class MetricTold(msgspec.Struct, frozen=True):
    """One metric. `evidence`: its log10 E; `part`: its part of alpha; `safety`: the least log10 E of its safety."""

    name: str
    what: str
    canary: Side
    stable: Side
    evidence: float
    part: float
    safety: float | None = None
    safety_needed: float | None = None


class PodTold(msgspec.Struct, frozen=True):
    """One pod: its counts, and log10 of the total E without it (canary pods that others contributed beside)."""

    name: str
    track: Track
    requests: float
    errors: float
    restarts: int
    evidence_without: float | None = None


class Explanation(msgspec.Struct, frozen=True):
    """All there is to tell. `missing_requests`, `missing_seconds`: until it is safe to promote, at today's rates."""

    sentence: str
    would_change: str
    metrics: list[MetricTold]
    pods: list[PodTold]
    missing_requests: float | None = None
    missing_seconds: float | None = None


def explain(policy: Policy, state: State, finding: Finding) -> Explanation:
    """Tell what is known. `finding`: the last one of `step`."""
    requests = missing_requests(policy, state)
    seconds = None if requests is None else _seconds_for(state, requests)
    without = {pod: total_of(state, log_evidence(state, pod)) / LOG10 for pod in pods_that_served(state)}
    pods = [
        PodTold(name, pod.track, pod.total_requests, pod.total_errors, pod.total_restarts, without.get(name))
        for name, pod in sorted(state.pods.items())
    ]
    return Explanation(
        sentence_of(policy, state, finding),
        _would_change(policy, state, finding),
        _metrics(policy, state),
        pods,
        requests,
        seconds,
    )


def sentence_of(policy: Policy, state: State, finding: Finding) -> str:
    """The finding in one sentence."""
    if finding.reason:
        return finding.reason
    if finding.hold is None:
        return "no worse than production beyond the margin, by every metric that gates"
    if finding.hold is not Hold.TRAFFIC:
        return f"{finding.hold.value}{'' if finding.replace is None else f': {finding.replace}'}"
    requests = missing_requests(policy, state)
    if requests is None:
        return "not enough traffic: at today's rates no number of requests would show that the canary is safe"
    seconds = _seconds_for(state, requests)
    when = "the canary gets none now" if seconds is None else f"about {ceil(seconds)} s at today's rate"
    return f"not enough traffic: about {ceil(requests)} more requests to the canary are needed ({when})"


def missing_requests(policy: Policy, state: State) -> float | None:
    """Canary requests until every metric that gates is safe, if it goes on as on production; 0: none are missing.

    None: it cannot be said (nothing known of production, or at these rates no number of requests is enough).
    """
    needed: list[float | None] = []
    errors, latency = state.errors, state.latency
    if errors is not None:
        one = errors.compared
        ratio = one.stable / one.canary if one.canary else 1.0
        rate = one.stable_failed / one.stable if one.stable else 0.0
        phi = errors.dispersion.phi
        needed.append(requests_missing(errors.safety, policy.beta, rate, ratio or 1.0, policy.safe_errors, phi))
    if latency is not None:
        ours, theirs = sum(latency.compared_canary), sum(latency.compared_stable)
        ratio = theirs / ours if ours and theirs else 1.0
        for edge in latency.safeties:
            rate = exceedances(tuple(latency.compared_stable), edge.edge) / theirs if theirs else 0.0
            margin, phi = safe_margin(policy, edge.quantile), latency.dispersion.phi
            needed.append(requests_missing(edge.safety, policy.beta, rate, ratio, margin, phi))
    known = [value for value in needed if value is not None]
    return max(known, default=0.0) if len(known) == len(needed) else None


def _seconds_for(state: State, requests: float) -> float | None:
    """How long so many canary requests take at the rate since the canary's first reading; None: it gets none."""
    served = sum(pod.total_requests for pod in state.pods.values() if pod.track is Track.CANARY)
    seconds = (state.now or 0.0) - (state.canary_since or 0.0)
    return requests * seconds / served if served > 0.0 else None


def _would_change(policy: Policy, state: State, finding: Finding) -> str:
    """How many failed requests more or fewer would have turned the verdict, all else being as it was."""
    errors = state.errors
    if errors is None or finding.metric != Metric.ERRORS.value or errors.compared.stable <= 0.0:
        return ""
    one = errors.compared
    args = (one.canary, 0.0, 1.0, one.stable, 0.0, policy.errors)
    without = log_evidence_of_errors(one.canary, 0.0, 0.0, one.stable, 0.0, policy.errors)
    strongest = max(range(len(without)), key=lambda index: errors.mixture.wealth[index])
    gain = (log_evidence_of_errors(*args)[strongest] - without[strongest]) / errors.dispersion.phi
    away = -log(policy.alpha) - finding.evidence * LOG10
    if gain <= 0.0:
        return ""
    count = ceil(abs(away) / gain)
    if away > 0.0:
        return f"about {count} more failed requests of the canary by now would have been FAIL"
    return f"with about {count} fewer failed requests of the canary this would not have been FAIL"


def _metrics(policy: Policy, state: State) -> list[MetricTold]:
    values = log_evidence(state)
    told = []
    needed = -log(policy.beta) / LOG10
    errors, latency, restarts = state.errors, state.latency, state.restarts
    if errors is not None:
        one = errors.compared
        sides = (_share(one.canary, one.canary_failed), _share(one.stable, one.stable_failed))
        told.append((Metric.ERRORS, "requests that failed", sides, [errors.safety]))
    if latency is not None and latency.safeties:
        edge = latency.safeties[-1].edge
        above = [
            _share(sum(counts), exceedances(tuple(counts), edge))
            for counts in (latency.compared_canary, latency.compared_stable)
        ]
        what = f"requests above {number(latency.memory.basis.edges[edge])} s"
        told.append((Metric.LATENCY, what, (above[0], above[1]), [each.safety for each in latency.safeties]))
    if restarts is not None:
        ours, theirs = restarts.compared_canary, restarts.compared_stable
        ends = (_per(ours.ends, ours.hours), _per(theirs.ends, theirs.hours))
        told.append((Metric.RESTARTS, "ends of containers per pod-hour", ends, []))
    for name, gauge in state.gauges.items():
        means = (_per(*gauge.canary), _per(*gauge.stable))
        told.append((Metric.GAUGES, name, means, []))
    return [
        MetricTold(
            metric.value,
            what,
            *sides,
            values[metric] / LOG10,
            state.weights.get(metric, 0.0),
            min(log_safety(one) for one in safeties) / LOG10 if safeties else None,
            needed if safeties else None,
        )
        for metric, what, sides, safeties in told
    ]


def _share(units: float, events: float) -> Side:
    low, high = interval(units, events)
    return Side(events, units, events / units if units else 0.0, low, high)


def _per(events: float, units: float) -> Side:
    return Side(events, units, events / units if units else 0.0)
