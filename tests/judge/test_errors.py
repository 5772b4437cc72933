"""E[e] <= 1, by summing over the whole sample space of small blocks: no dice, no approximation."""

from itertools import product
from math import comb, exp

import pytest

from serinus.judge.errors import COLD_TOLERANCE, RATIOS, log_evidence_of_errors
from serinus.judge.policy import Margin

MARGINS = [Margin(), Margin(0.25, 0.001), Margin(0.0, 0.05)]
ROUNDING = 1e-12


def binomial(n: int, x: int, p: float) -> float:
    return comb(n, x) * p**x * (1 - p) ** (n - x)


def expectations(warm: int, cold: int, stable: int, rate: float, margin: Margin, phi: float = 1.0) -> list[float]:
    """E[e^(1/phi)] for each ratio where the canary stands at its limit."""
    limit = min(1.0, (1 + margin.relative) * rate + margin.absolute)
    cold_limit = min(1.0, (1 + margin.relative) * rate + COLD_TOLERANCE)
    total = [0.0] * len(RATIOS)
    for a, b, y in product(range(warm + 1), range(cold + 1), range(stable + 1)):
        weight = binomial(warm, a, limit) * binomial(cold, b, cold_limit) * binomial(stable, y, rate)
        for index, value in enumerate(log_evidence_of_errors(warm, cold, a + b, stable, y, margin)):
            total[index] += weight * exp(value / phi)
    return total


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize(("canary", "stable"), [(1, 1), (1, 9), (3, 5), (6, 2), (8, 8)])
@pytest.mark.parametrize("rate", [0.0, 0.001, 0.05, 0.3, 0.75, 1.0])
def test_the_expectation_is_at_most_one_at_the_limit(margin: Margin, canary: int, stable: int, rate: float) -> None:
    assert max(expectations(canary, 0, stable, rate, margin)) <= 1 + ROUNDING


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.2, 0.8])
@pytest.mark.parametrize(("warm", "cold"), [(0, 4), (3, 3), (5, 1)])
def test_young_pods_with_their_own_margin_keep_it_so(warm: int, cold: int, rate: float) -> None:
    assert max(expectations(warm, cold, 6, rate, Margin(0.25, 0.001))) <= 1 + ROUNDING


def test_it_is_exactly_one_where_nothing_fails_on_production_and_the_limit_is_the_tolerance() -> None:
    assert expectations(5, 0, 5, 0.0, Margin(0.0, 0.05)) == pytest.approx([1.0] * len(RATIOS))


def test_requests_that_fail_in_groups_keep_it_when_tempered_by_the_size_of_a_group() -> None:
    """Groups of three that fail as one: the untempered evidence is far above 1, the tempered one is not."""
    size, groups, rate = 3, 3, 0.2
    plain = tempered = 0.0
    for a, y in product(range(groups + 1), range(groups + 1)):
        weight = binomial(groups, a, rate) * binomial(groups, y, rate)
        values = log_evidence_of_errors(size * groups, 0, size * a, size * groups, size * y, Margin())
        plain += weight * exp(values[1])
        tempered += weight * exp(values[1] / size)
    assert plain > 1.05
    assert tempered <= 1 + ROUNDING


def test_one_failure_at_a_small_share_gains_at_most_the_inverse_share() -> None:
    without = log_evidence_of_errors(5, 0, 0, 95, 0, Margin())
    with_one = log_evidence_of_errors(5, 0, 1, 95, 0, Margin())
    assert max(exp(b - a) for a, b in zip(without, with_one, strict=True)) <= 20


def test_failures_that_both_tracks_share_are_no_evidence() -> None:
    assert max(log_evidence_of_errors(100, 0, 30, 900, 270, Margin())) < 0
