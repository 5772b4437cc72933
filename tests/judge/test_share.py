"""Asked share against observed share: the guarantee by summing over every outcome, and what is found."""

import math

import pytest

from serinus.judge.share import HYPOTHESES, log_e, tolerated
from tests.judge.sample_space import binomial


@pytest.mark.parametrize("requests", [1, 7, 40])
@pytest.mark.parametrize("asked", [0.0, 0.01, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("tolerance", [(0.0, 0.0), (0.25, 0.01)])
def test_e_is_at_most_one_on_average_for_every_tolerated_share(
    requests: int, asked: float, tolerance: tuple[float, float]
) -> None:
    low, high = tolerated(asked, asked, *tolerance)
    for share in (low, high, asked):
        for k in range(HYPOTHESES):
            outcomes = binomial(requests, share)
            total = sum(p * math.exp(log_e(n, requests - n, (low, high))[k]) for n, p in outcomes if p > 0)
            assert total <= 1 + 1e-9


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_e_is_one_at_the_nearer_end_so_nothing_is_given_away(share: float) -> None:
    total = sum(p * math.exp(log_e(n, 12 - n, (share, share))[1]) for n, p in binomial(12, share))
    assert total == pytest.approx(1)


def found(canary: float, stable: float, asked: float) -> bool:
    values = log_e(canary, stable, tolerated(asked, asked))
    return math.fsum(math.exp(value) for value in values) / HYPOTHESES >= 1000


def test_a_router_that_ignores_the_weight_is_found_soon() -> None:
    assert found(0, 300, 0.10)
    assert found(100, 100, 0.10)
    assert found(30, 0, 0.5)


def test_small_deviations_are_tolerated_at_any_size() -> None:
    assert not found(110_000, 890_000, 0.10)
    assert not found(95_000, 905_000, 0.10)
    assert not found(0, 100_000, 0.01)


def test_at_the_ends_only_one_direction_exists() -> None:
    assert log_e(0, 50, tolerated(0.0, 0.0))[4:] == (0.0,) * 4
    assert found(50, 950, 0.0)
    assert found(950, 50, 1.0)
    assert not found(0, 10_000, 0.0)
    assert not found(10_000, 0, 1.0)


def test_while_a_weight_changes_everything_between_is_in_order() -> None:
    limits = tolerated(0.10, 0.50)
    assert all(value <= 0 for value in log_e(300, 700, limits))
    assert limits == pytest.approx((0.065, 0.635))
