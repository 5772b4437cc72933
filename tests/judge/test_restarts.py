"""E[e] <= 1 for Poisson counts: summed over all counts that have any probability a float can tell."""

from itertools import product
from math import exp, lgamma, log

import pytest

from serinus.judge.errors import RATIOS
from serinus.judge.policy import Margin
from serinus.judge.restarts import log_evidence_of_restarts

COUNTS_MAX = 60
ROUNDING = 1e-9


def poisson(count: int, mean: float) -> float:
    if mean == 0.0:
        return 1.0 if count == 0 else 0.0
    return exp(count * log(mean) - mean - lgamma(count + 1))


@pytest.mark.parametrize("rate", [0.0, 0.1, 1.0, 4.0])
@pytest.mark.parametrize(("canary_hours", "stable_hours"), [(0.5, 0.5), (0.2, 1.8), (1.0, 0.5)])
def test_the_expectation_is_at_most_one_at_the_limit(rate: float, canary_hours: float, stable_hours: float) -> None:
    margin = Margin(0.1, 0.2)
    limit = (1 + margin.relative) * rate + margin.absolute
    total = [0.0] * len(RATIOS)
    for x, y in product(range(COUNTS_MAX), range(COUNTS_MAX)):
        weight = poisson(x, limit * canary_hours) * poisson(y, rate * stable_hours)
        for index, value in enumerate(log_evidence_of_restarts(canary_hours, x, stable_hours, y, margin)):
            total[index] += weight * exp(value)
    assert max(total) <= 1 + ROUNDING


def test_restarts_that_both_tracks_share_are_no_evidence() -> None:
    assert max(log_evidence_of_restarts(1.0, 3, 4.0, 12, Margin(0.0, 0.2))) < 0.2
