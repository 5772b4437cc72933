"""The sentences in which a verdict is told to people."""

from math import exp, sqrt

from serinus.judge.guards import Guard
from serinus.judge.policy import Budget, Metric, Policy
from serinus.judge.state import State

ODDS_MAX_LOG = 27.0
"""Beyond e^27 a number tells nobody anything."""


def number(value: float) -> str:
    """A count without decimals that mean nothing."""
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def sentence_of_harm(state: State, metric: Metric, log_total: float) -> str:
    """What was compared, and how rare it would be among harmless releases (Ville's inequality with the total E)."""
    odds = _odds(log_total)
    return f"{_comparison(state, metric)}; fewer than 1 in {odds} harmless releases would ever look like this"


def _odds(log_total: float) -> str:
    return "a billion" if log_total > ODDS_MAX_LOG else f"{exp(log_total):.0f}"


def _comparison(state: State, metric: Metric) -> str:
    errors, latency, restarts = state.errors, state.latency, state.restarts
    if metric is Metric.ERRORS and errors is not None:
        one = errors.compared
        return (
            "the canary's error rate exceeds production's by more than the margin"
            f" ({number(one.canary_failed)} errors in {number(one.canary)} requests"
            f" against {number(one.stable_failed)} in {number(one.stable)})"
        )
    if metric is Metric.LATENCY and latency is not None:
        edges = latency.memory.basis.edges
        edge = _telling_edge(latency.compared_canary, latency.compared_stable)
        canary, stable = latency.compared_canary, latency.compared_stable
        return (
            "the canary answers more slowly than production by more than the margin"
            f" ({number(sum(canary[edge + 1 :]))} of {number(sum(canary))} requests above {edges[edge]:g} s"
            f" against {number(sum(stable[edge + 1 :]))} of {number(sum(stable))})"
        )
    if metric is Metric.RESTARTS and restarts is not None:
        ours, theirs = restarts.compared_canary, restarts.compared_stable
        return (
            "the canary's containers end more often than production's by more than the margin"
            f" ({number(ours.ends)} times in {ours.hours:.2g} pod-hours"
            f" against {number(theirs.ends)} in {theirs.hours:.2g})"
        )
    return f"gauges are higher on the canary than on production by more than the margin ({_gauges(state)})"


def _telling_edge(canary: list[float], stable: list[float]) -> int:
    """The edge above which the shares of both tracks differ most, in standard errors."""
    ours, theirs = sum(canary) or 1.0, sum(stable) or 1.0

    def apart(edge: int) -> float:
        above, expected = sum(canary[edge + 1 :]) / ours, sum(stable[edge + 1 :]) / theirs
        return (above - expected) / sqrt((expected * (1.0 - expected) + 1.0 / theirs) / ours)

    return max(range(len(canary) - 1), key=apart)


def _gauges(state: State) -> str:
    told = []
    for name, gauge in state.gauges.items():
        if gauge.canary[1] and gauge.stable[1]:
            ours, theirs = gauge.canary[0] / gauge.canary[1], gauge.stable[0] / gauge.stable[1]
            told.append(f"{name}: {ours:.3g} against {theirs:.3g} on average")
    return ", ".join(told)


def sentence_of_guard(policy: Policy, state: State, guard: Guard, log_total: float) -> str:
    """Which limit was broken, and by how much."""
    odds = _odds(log_total)
    errors, latency, limits = state.errors, state.latency, policy.limits
    if guard.name == "error_rate" and errors is not None and limits.error_rate is not None:
        one = errors.compared
        what = f"more than {limits.error_rate:.2%} of the canary's requests fail"
        counts = f"{number(one.canary_failed)} of {number(one.canary)}"
    else:
        compared = [] if latency is None else latency.compared_canary
        what = f"more than 1 % of the canary's requests take longer than {limits.p99_seconds or 0.0:g} s"
        counts = f"{number(sum(compared))} requests were measured"
    return f"{what} ({counts}), and production keeps this limit; chance does so less than once in {odds}"


def sentence_of_budget(budget: Budget, spent: float, allowed: float) -> str:
    """How much of the month's error budget this rollout has cost."""
    return (
        f"this rollout has cost {number(spent)} failed requests beyond what production would have had:"
        f" {budget.stop_percent:g} % of the month's error budget is {number(allowed)}"
    )
