"""The evidence of gauges over time: each by 2.5, with and without each canary pod; together their average.

Production's pods teach how much neighbouring values resemble each other: by the ratio of two halves of them, as noisy
as what is compared. Where history is too short for that, they go on teaching while the canary runs: r is fixed when
LEARNED_AT values are known, and each time the test begins anew with the better r, on the wealth that there is (a
product of martingales is one). The two halves tell nothing of their sum, so nothing is looked at twice. Where there
are no two halves, means of many scrapes are taken. What was learned from is kept up to HISTORY_MAX scrapes, and then
given up.
"""

from collections.abc import Mapping
from math import exp, isfinite, log

import msgspec

from serinus.judge.gauges import GaugeEvidence, autocorrelation, log_ratio, take_in
from serinus.judge.mixture import Mixture, fold_block, log_value, open_mixture
from serinus.judge.policy import Margin

HISTORY_MAX = 240
LEARNED_AT = (30, 90, HISTORY_MAX)


class GaugeState(msgspec.Struct):
    """One gauge. `without[pod]`: the same with that canary pod left out. `canary`, `stable`: sums and scrapes.

    `is_open`: the canary is being compared; `is_learned`: the autocorrelation will not get better.
    """

    history: list[float | None] = []
    is_open: bool = False
    is_learned: bool = False
    evidence: GaugeEvidence = msgspec.field(default_factory=GaugeEvidence)
    without: dict[str, GaugeEvidence] = {}
    mixture: Mixture = msgspec.field(default_factory=lambda: open_mixture(1))
    canary: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0])
    stable: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0])


def learn_gauge(state: GaugeState, stable: Mapping[str, float]) -> None:
    """Take in production's values of one scrape, to learn their autocorrelation."""
    values = [stable[pod] for pod in sorted(stable) if isfinite(stable[pod])]
    state.history.append(log_ratio(values[::2], values[1::2], 0.0))
    del state.history[:-HISTORY_MAX]


def judge_gauge(
    state: GaugeState,
    margin: Margin,
    now: float,
    weight_percent: float | None,
    canary: Mapping[str, float],
    stable: Mapping[str, float],
) -> None:
    """Take in one scrape of both tracks: values by pod."""
    _learn_correlation(state, stable)
    theirs = list(stable.values())
    for pod in canary:
        if pod not in state.without:
            state.without[pod] = msgspec.structs.replace(state.evidence)
    whole = take_in(state.evidence, log_ratio(list(canary.values()), theirs, margin.relative))
    without = {}
    for pod, evidence in state.without.items():
        others = [value for name, value in canary.items() if name != pod]
        without[pod] = [take_in(evidence, log_ratio(others, theirs, margin.relative))]
    for sums, values in ((state.canary, list(canary.values())), (state.stable, theirs)):
        finite = [value for value in values if isfinite(value)]
        if finite:
            sums[0] += sum(finite) / len(finite)
            sums[1] += 1.0
    fold_block(state.mixture, now, weight_percent, [whole], without)


def _learn_correlation(state: GaugeState, stable: Mapping[str, float]) -> None:
    """Fix the autocorrelation, or fix it better, before this scrape is compared."""
    if state.is_learned:
        return
    known = sum(value is not None for value in state.history)
    if not state.is_open or known in LEARNED_AT:
        correlation = autocorrelation(state.history)
        if correlation is not None:
            _begin_anew(state, correlation)
    state.is_open = True
    state.is_learned = known >= LEARNED_AT[-1] or (state.evidence.correlation is None and state.evidence.values > 0)
    if state.is_learned:
        state.history = []
    else:
        learn_gauge(state, stable)


def _begin_anew(state: GaugeState, correlation: float) -> None:
    """New tests with this autocorrelation; the values of the last scrape go on being the ones before the next."""
    state.evidence = GaugeEvidence(correlation, previous=state.evidence.previous)
    for pod, evidence in state.without.items():
        state.without[pod] = GaugeEvidence(correlation, previous=evidence.previous)


def log_gauges(gauges: Mapping[str, GaugeState], pod: str | None = None) -> float:
    """log E of all gauges, the average; without this canary pod, if one is named."""
    values = []
    for gauge in gauges.values():
        mixture = gauge.mixture
        wealth = mixture.wealth if pod is None else mixture.without.get(pod, mixture.wealth)
        values.append(log_value(mixture.cash, wealth))
    greatest = max(values)
    return greatest + log(sum(exp(value - greatest) for value in values) / len(values))
