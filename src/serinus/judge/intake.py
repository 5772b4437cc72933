"""One reading taken in: whose time is right, which pods there are, which metrics are judged.

A reading from before the last one is a late or repeated scrape and is not looked at; unless its counters have grown,
which only a clock that was set back explains: then the judge's own time goes on from where it was.
"""

from math import exp, inf

import msgspec

from serinus.judge.counters import PodState, pod_first_seen
from serinus.judge.errors_state import ErrorsState
from serinus.judge.gauges_state import GaugeState, log_gauges
from serinus.judge.guards import Guard
from serinus.judge.latency_state import open_latency
from serinus.judge.mixture import Mixture, log_value, scale
from serinus.judge.policy import Metric, Policy
from serinus.judge.readings import PodReading, Reading, Track
from serinus.judge.restarts_state import RestartsState
from serinus.judge.state import PODS_MAX, State
from serinus.judge.total import log_total, weights_of

GUARD_OF_ERRORS = "error_rate"
GUARD_OF_LATENCY = "p99_seconds"


class Intake(msgspec.Struct):
    """One reading, ready to be counted.

    `now`, `seconds`: the judge's time, and how long since the last reading. `canary`, `stable`, `baseline`: pods with
    what is remembered of them. `reference`: the track that the canary is compared with.
    """

    now: float
    seconds: float
    weight_percent: float | None
    canary: list[tuple[PodState, PodReading]]
    stable: list[tuple[PodState, PodReading]]
    reference: Track


def take_in(policy: Policy, state: State, reading: Reading) -> Intake | None:
    """Accept a reading. None: it is not from after the last one, and nothing was done."""
    if not -inf < reading.t < inf:
        return None
    now, last = reading.t + state.clock_offset, state.now
    if last is not None and now <= last:
        if not _has_grown(state, reading):
            return None
        state.clock_offset += last - now
        now = last
    seconds = 0.0 if last is None else now - last
    intake = Intake(now, seconds, reading.weight_percent, [], [], Track.STABLE)
    excused = state.suspicion.excused
    for pod in reading.pods:
        known = state.pods.get(pod.name)
        if known is None:
            known = state.pods[pod.name] = pod_first_seen(pod, now, last)
        known.seen = now
        if pod.started is not None:
            known.started = pod.started + state.clock_offset
        if pod.track is not Track.CANARY:
            intake.stable.append((known, pod))
            if pod.track is Track.BASELINE:
                intake.reference = Track.BASELINE
        elif pod.name != excused:
            intake.canary.append((known, pod))
    _open_metrics(policy, state, intake)
    if len(state.pods) > PODS_MAX:
        _forget_the_longest_gone(state, now)
    state.now = now
    return intake


def _has_grown(state: State, reading: Reading) -> bool:
    """Whether the pods' requests, of those known before, are more than they were."""
    now = before = 0.0
    for pod in reading.pods:
        known = state.pods.get(pod.name)
        if known is not None and known.requests is not None and pod.requests is not None:
            now += pod.requests
            before += known.requests
    return now > before


def _open_metrics(policy: Policy, state: State, intake: Intake) -> None:
    """Which metrics there are: settled with the canary's first reading, before it is judged by any of them.

    Errors or latency that come later join then, with no more evidence than all others have together (so that the total
    does not grow by it): a canary whose metrics are late is not called safe without them.
    """
    begun = bool(state.weights)
    pods = [pod for _, pod in (*intake.stable, *intake.canary)]
    chosen = policy.metrics
    opened: list[Mixture] = []
    if Metric.ERRORS in chosen and state.errors is None and any(pod.errors is not None for pod in pods):
        state.errors = ErrorsState()
        opened.append(state.errors.mixture)
    if Metric.LATENCY in chosen and state.latency is None:
        state.latency = open_latency([pod.latency.le for pod in pods if pod.latency is not None], intake.now)
        opened += [] if state.latency is None else [state.latency.mixture]
    if not begun:
        _open_the_rest(policy, state, intake, pods)
    elif opened:
        share = min(1.0, exp(log_total(state.weights, {metric: _value(state, metric) for metric in state.weights})))
        for mixture in opened:
            scale(mixture, share)
        state.weights = weights_of(_present(state))


def _value(state: State, metric: Metric) -> float:
    """log E of a metric that had a part of alpha before others joined."""
    kept = {Metric.ERRORS: state.errors, Metric.LATENCY: state.latency, Metric.RESTARTS: state.restarts}.get(metric)
    return log_gauges(state.gauges) if kept is None else log_value(kept.mixture.cash, kept.mixture.wealth)


def _open_the_rest(policy: Policy, state: State, intake: Intake, pods: list[PodReading]) -> None:
    if Metric.RESTARTS in policy.metrics and any(pod.restarts is not None for pod in pods):
        state.restarts = state.restarts or RestartsState()
    if Metric.GAUGES in policy.metrics:
        for name in dict.fromkeys(name for pod in pods for name in pod.gauges):
            state.gauges.setdefault(name, GaugeState())
    if intake.canary:
        state.canary_since = intake.now
        state.weights = weights_of(_present(state))
        _open_guards(policy, state)


def _present(state: State) -> list[Metric]:
    has = {
        Metric.ERRORS: state.errors is not None,
        Metric.LATENCY: state.latency is not None,
        Metric.RESTARTS: state.restarts is not None,
        Metric.GAUGES: bool(state.gauges),
    }
    return [metric for metric in Metric if has[metric]]


def _open_guards(policy: Policy, state: State) -> None:
    if policy.limits.error_rate is not None and state.errors is not None:
        state.guards.append(Guard(GUARD_OF_ERRORS))
    if policy.limits.p99_seconds is not None and state.latency is not None:
        state.guards.append(Guard(GUARD_OF_LATENCY))


def _forget_the_longest_gone(state: State, now: float) -> None:
    """Pods that have gone longest are forgotten, and what was known of the evidence without them."""
    gone = sorted((pod.seen, name) for name, pod in state.pods.items() if pod.seen < now)
    for _, name in gone[: len(state.pods) - PODS_MAX]:
        del state.pods[name]
        for mixture in state.mixtures():
            mixture.without.pop(name, None)
        for gauge in state.gauges.values():
            gauge.without.pop(name, None)
