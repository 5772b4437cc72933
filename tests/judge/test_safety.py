"""E[e] <= 1 where the canary is at the margin of safety, by summing over the whole sample space."""

from itertools import product
from math import comb, exp, log

import pytest

from serinus.judge.policy import Margin
from serinus.judge.safety import MUS, Safety, fold_safety, log_evidence_of_safety, log_safety, requests_missing

ROUNDING = 1e-12


def binomial(n: int, x: int, p: float) -> float:
    return comb(n, x) * p**x * (1 - p) ** (n - x)


@pytest.mark.parametrize("margin", [Margin(0.25, 0.003), Margin(0.5, 0.05), Margin(0.0, 0.2)])
@pytest.mark.parametrize(("canary", "stable"), [(1, 1), (2, 8), (6, 3), (7, 7)])
@pytest.mark.parametrize("rate", [0.0, 0.01, 0.2, 0.5])
def test_the_expectation_is_at_most_one_at_the_margin(margin: Margin, canary: int, stable: int, rate: float) -> None:
    limit = min(1.0, (1 + margin.relative) * rate + margin.absolute)
    total = [0.0] * len(MUS)
    for x, y in product(range(canary + 1), range(stable + 1)):
        weight = binomial(canary, x, limit) * binomial(stable, y, rate)
        for index, value in enumerate(log_evidence_of_safety(canary, x, stable, y, margin)):
            total[index] += weight * exp(value)
    assert max(total) <= 1 + ROUNDING


def test_without_failures_it_takes_about_three_requests_for_each_inverse_margin() -> None:
    safety, margin = Safety(), Margin(0.25, 0.003)
    requests = 0
    while log_safety(safety) < log(20):
        fold_safety(safety, log_evidence_of_safety(10, 0, 90, 0, margin), 1.0)
        requests += 10
    assert 3 / 0.003 < requests < 1.5 * 3 / 0.003


def test_the_requests_that_are_missing_are_the_ones_it_then_takes() -> None:
    safety, margin = Safety(), Margin(0.25, 0.003)
    missing = requests_missing(safety, 0.05, 0.0, 9.0, margin, 1.0)
    assert missing is not None
    fold_safety(safety, log_evidence_of_safety(missing, 0, 9 * missing, 0, margin), 1.0)
    assert log_safety(safety) >= log(20)
    assert requests_missing(safety, 0.05, 0.0, 9.0, margin, 1.0) == 0.0


def test_at_a_rate_that_hides_the_margin_no_number_of_requests_is_enough() -> None:
    assert requests_missing(Safety(), 0.05, 0.999, 1.0, Margin(0.0, 1e-9), 1.0) is None
