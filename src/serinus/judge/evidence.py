"""The evidence of all metrics together, whole and without each canary pod; and that of the guard rails."""

from math import log

from serinus.judge.gauges_state import log_gauges
from serinus.judge.guards import GUARD_WEIGHT, Guard
from serinus.judge.mixture import Mixture, log_value
from serinus.judge.policy import Metric
from serinus.judge.state import State
from serinus.judge.total import log_total


def log_evidence(state: State, pod: str | None = None) -> dict[Metric, float]:
    """log E of each metric that is judged; without this canary pod, if one is named.

    A metric to which fewer than two pods have contributed cannot tell the pod from the version: there nobody is left
    out.
    """
    found = {}
    if state.errors is not None:
        found[Metric.ERRORS] = _log_value(state.errors.mixture, pod)
    if state.latency is not None:
        found[Metric.LATENCY] = _log_value(state.latency.mixture, pod)
    if state.restarts is not None:
        found[Metric.RESTARTS] = _log_value(state.restarts.mixture, pod)
    if state.gauges:
        several = any(len(gauge.without) > 1 for gauge in state.gauges.values())
        found[Metric.GAUGES] = log_gauges(state.gauges, pod if several else None)
    return found


def log_guard(guard: Guard, pod: str | None = None) -> float:
    """log E that the canary is above the limit; without this pod, if one is named."""
    return _log_value(guard.canary, pod)


def total_of(state: State, values: dict[Metric, float]) -> float:
    """log E of all metrics together, less what the guard rails take of alpha."""
    return log_total(state.weights, values) + log(1.0 - GUARD_WEIGHT * len(state.guards))


def pods_that_served(state: State) -> list[str]:
    """Canary pods that can be left out of some metric's evidence, because others contributed to it as well."""
    several = [mixture.without for mixture in state.mixtures() if len(mixture.without) > 1]
    return list(dict.fromkeys(pod for without in several for pod in without))


def _log_value(mixture: Mixture, pod: str | None) -> float:
    if pod is None or len(mixture.without) < 2:
        return log_value(mixture.cash, mixture.wealth)
    return log_value(mixture.cash, mixture.without.get(pod, mixture.wealth))
