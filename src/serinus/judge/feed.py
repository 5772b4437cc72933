"""From one reading into the open blocks of every metric, as increments since each pod's last good scrape."""

from collections.abc import Sequence
from math import inf

import msgspec

from serinus.judge.counters import PodState, observed_since, restarts_since, served_since
from serinus.judge.dispersion import learn
from serinus.judge.errors import COLD_SECONDS
from serinus.judge.errors_state import ErrorsState, add_canary
from serinus.judge.gauges_state import judge_gauge, learn_gauge
from serinus.judge.incident import watch
from serinus.judge.intake import Intake
from serinus.judge.latency_state import COLD_SECONDS as LATENCY_COLD_SECONDS
from serinus.judge.latency_state import LatencyState, add, add_latency, at_common_edges, learn_latency
from serinus.judge.policy import Policy
from serinus.judge.readings import PodReading
from serinus.judge.restarts_state import RestartsState, add_ends
from serinus.judge.share_state import watch_share
from serinus.judge.state import State

HOUR = 3600.0
UNSEEN_SECONDS_MAX = 60.0
"""A pod that was away for longer is not taken to have run all that time."""


class Production(msgspec.Struct):
    """What production's pods served since the last reading: requests and failures by pod, and counts per bucket."""

    errors: dict[str, tuple[float, float]]
    latency: dict[str, Sequence[float]]


def feed(policy: Policy, state: State, intake: Intake) -> Production:
    """Count the reading into all metrics that are judged; what is to be learned from it once the blocks are closed."""
    production = Production({}, {})
    if state.errors is not None:
        _feed_errors(state, state.errors, intake, production.errors)
    if state.latency is not None:
        _feed_latency(state.latency, intake, production.latency)
    if state.restarts is not None:
        _feed_restarts(state.restarts, intake)
    if state.gauges:
        _feed_gauges(policy, state, intake)
    return production


def learn_from(state: State, production: Production, seconds: float) -> None:
    """Clustering and incidents. To be called after the blocks were closed: they are judged by what was known before."""
    errors, latency = state.errors, state.latency
    if errors is not None and production.errors:
        learn(errors.dispersion, production.errors)
        served = production.errors.values()
        watch(errors.incident, sum(one[0] for one in served), sum(one[1] for one in served), seconds)
    if latency is not None and production.latency:
        learn_latency(latency, production.latency, seconds)


def _feed_errors(state: State, errors: ErrorsState, intake: Intake, served: dict[str, tuple[float, float]]) -> None:
    block = errors.block
    all_stable = all_canary = 0.0
    for known, pod in intake.stable:
        requests, failed = served_since(known, pod, intake.now)
        if requests > 0.0:
            served[pod.name] = (requests, failed)
            all_stable += requests
            if pod.track is intake.reference:
                block.stable += requests
                block.stable_failed += failed
    for known, pod in intake.canary:
        since = known.counted_at
        requests, failed = served_since(known, pod, intake.now)
        if requests > 0.0:
            all_canary += requests
            add_canary(block, pod.name, requests, failed, _is_cold(known, since, COLD_SECONDS))
    if intake.canary:
        watch_share(state.share, intake.weight_percent, all_canary, all_stable)


def _is_cold(known: PodState, since: float | None, limit: float) -> bool:
    """Whether the pod was young when these requests began to come, at the last scrape or with the rollout.

    A pod of unknown age is not.
    """
    if known.started is None:
        return False
    return (max(known.started, 0.0) if since is None else since) - known.started < limit


def _feed_latency(latency: LatencyState, intake: Intake, served: dict[str, Sequence[float]]) -> None:
    for known, pod in intake.stable:
        counts = _latency_of(latency, known, pod, intake.now)
        if counts is not None:
            served[pod.name] = counts
            if pod.track is intake.reference:
                add(latency.block.stable, counts)
    for known, pod in intake.canary:
        since = known.observed_at
        counts = _latency_of(latency, known, pod, intake.now)
        if counts is not None:
            add_latency(latency, pod.name, counts, _is_cold(known, since, LATENCY_COLD_SECONDS))


def _latency_of(latency: LatencyState, known: PodState, pod: PodReading, now: float) -> Sequence[float] | None:
    """What this pod served since its last good scrape, by bucket; None: nothing, or not to be had."""
    if pod.latency is None:
        return None
    counts = observed_since(known, pod.latency, now)
    if counts is None or not any(counts):
        return None
    return at_common_edges(latency, pod.latency.le, counts)


def _feed_restarts(state: RestartsState, intake: Intake) -> None:
    for name_counts, pods in ((False, intake.stable), (True, intake.canary)):
        for known, pod in pods:
            since = known.restarts_at
            ends = restarts_since(known, pod)
            if ends is None:
                continue
            known.restarts_at = intake.now
            if since is None:
                since = known.started if known.is_new and known.started is not None else intake.now
            hours = min(max(intake.now - since, 0.0), UNSEEN_SECONDS_MAX) / HOUR
            known.total_hours += hours
            if name_counts or pod.track is intake.reference:
                add_ends(state, pod.name if name_counts else None, hours, ends)


def _feed_gauges(policy: Policy, state: State, intake: Intake) -> None:
    for name, gauge in state.gauges.items():
        stable = {
            pod.name: pod.gauges[name]
            for _, pod in intake.stable
            if pod.track is intake.reference and -inf < pod.gauges.get(name, inf) < inf
        }
        if not intake.canary:
            if not gauge.is_open:
                learn_gauge(gauge, stable)
            continue
        canary = {pod.name: pod.gauges[name] for _, pod in intake.canary if -inf < pod.gauges.get(name, inf) < inf}
        judge_gauge(gauge, policy.gauges, intake.now, intake.weight_percent, canary, stable)
