"""Simulated rollouts: what the dice give, and what the judge makes of it."""

import random

import pytest

from serinus.judge.policy import Metric, Policy
from serinus.judge.power import Service, _binomial, _poisson, power

POLICY = Policy(metrics=(Metric.ERRORS,))
SERVICE = Service(requests_per_second=100.0, error_rate=0.001, share_percent=10.0, canary_pods=2, stable_pods=6)


@pytest.mark.parametrize(("trials", "probability"), [(20, 0.1), (20, 0.9), (400, 0.002), (5000, 0.3)])
def test_binomial_numbers_have_their_mean_and_variance(trials: int, probability: float) -> None:
    fraction = random.Random(1).random
    drawn = [_binomial(trials, probability, fraction) for _ in range(4000)]
    mean, variance = sum(drawn) / 4000, trials * probability * (1 - probability)
    assert mean == pytest.approx(trials * probability, abs=4 * (variance / 4000) ** 0.5 + 0.05)
    assert sum((one - mean) ** 2 for one in drawn) / 4000 == pytest.approx(variance, rel=0.15)
    assert 0 <= min(drawn) <= max(drawn) <= trials


@pytest.mark.parametrize("mean", [0.0, 0.3, 12.0, 200.0])
def test_poisson_numbers_have_their_mean(mean: float) -> None:
    fraction = random.Random(2).random
    drawn = [_poisson(mean, fraction) for _ in range(4000)]
    assert sum(drawn) / 4000 == pytest.approx(mean, abs=4 * (mean / 4000) ** 0.5 + 1e-9)


def test_a_harmless_canary_is_let_be_and_one_that_always_fails_ends_with_the_first_reading() -> None:
    fraction = random.Random(3).random
    harmless, harmful = power(POLICY, SERVICE, (0.001, 1.0), runs=10, seconds=300.0, fraction=fraction)
    assert harmless.found == 0.0
    assert harmless.found_to < 0.3
    assert harmful.found == 1.0
    assert harmful.mean_seconds == 5.0


def test_more_harm_is_found_sooner() -> None:
    fraction = random.Random(4).random
    some, more = power(POLICY, SERVICE, (0.05, 0.2), runs=10, seconds=300.0, fraction=fraction)
    assert some.mean_seconds is not None
    assert more.mean_seconds is not None
    assert more.mean_seconds < some.mean_seconds
