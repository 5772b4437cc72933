"""The evidence of gauges over time: each by 2.5, with and without each canary pod; together their average.

History (production only) teaches how much neighbouring values resemble each other: by the ratio of two halves of
production's pods, as noisy as what is compared later. It is kept up to HISTORY_MAX scrapes, and given up once used.
"""

from collections.abc import Mapping
from math import exp, isfinite, log

import msgspec

from serinus.judge.gauges import GaugeEvidence, autocorrelation, log_ratio, take_in
from serinus.judge.mixture import Mixture, fold_block, log_value, open_mixture
from serinus.judge.policy import Margin

HISTORY_MAX = 240


class GaugeState(msgspec.Struct):
    """One gauge. `without[pod]`: the same with that canary pod left out. `canary`, `stable`: sums and scrapes."""

    history: list[float | None] = []
    is_open: bool = False
    evidence: GaugeEvidence = msgspec.field(default_factory=GaugeEvidence)
    without: dict[str, GaugeEvidence] = {}
    mixture: Mixture = msgspec.field(default_factory=lambda: open_mixture(1))
    canary: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0])
    stable: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0])


def learn_gauge(state: GaugeState, stable: Mapping[str, float]) -> None:
    """Take in production's values of one scrape from before the canary."""
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
    if not state.is_open:
        state.evidence.correlation = autocorrelation(state.history)
        state.history, state.is_open = [], True
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


def log_gauges(gauges: Mapping[str, GaugeState], pod: str | None = None) -> float:
    """log E of all gauges, the average; without this canary pod, if one is named."""
    values = []
    for gauge in gauges.values():
        mixture = gauge.mixture
        wealth = mixture.wealth if pod is None else mixture.without.get(pod, mixture.wealth)
        values.append(log_value(mixture.cash, wealth))
    greatest = max(values)
    return greatest + log(sum(exp(value - greatest) for value in values) / len(values))
