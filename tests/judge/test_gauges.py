"""Gauges: the martingale by numerical integration, independence by an exact argument, and what is found."""

import math
import random

import msgspec
import pytest

from serinus.judge.gauges import (
    BATCH_SCRAPES,
    GaugeEvidence,
    autocorrelation,
    log_e,
    log_ratio,
    take_in,
)
from tests.judge.test_student import density

PASTS = {
    "none": (),
    "one above": (1.0,),
    "one below": (-1.0,),
    "two alike": (0.7, 0.8),
    "mixed": (0.5, -1.2, 0.3, 0.9),
    "all above": (0.9, 1.2, 1.1, 0.8, 1.0, 1.3),
    "all below": (-0.9, -1.2, -1.1, -0.8),
    "many": tuple(math.sin(7.0 * i) for i in range(40)),
}


def evidence(values: tuple[float, ...]) -> float:
    """log E_n of these values."""
    if not values:
        return 0.0
    mean = math.fsum(values) / len(values)
    return log_e(len(values), mean, math.fsum((value - mean) ** 2 for value in values))


def expected_next(past: tuple[float, ...], steps: int = 6000) -> float:
    """E[E_(n+1)] given the past up to its scale, by Simpson's rule.

    Under mean 0 the next value over the root mean square of the past has Student's law with n degrees of freedom,
    whatever the directions of the past: directions and length of a normal vector are independent.
    """
    if not past:
        return (math.exp(evidence((1.0,))) + math.exp(evidence((-1.0,)))) / 2
    length = math.sqrt(math.fsum(value * value for value in past) / len(past))

    def inside(u: float) -> float:
        """The value is tan(u), so that the tails are in reach."""
        t = math.tan(u)
        weight = density(t, len(past)) * (1 + t * t)
        return weight * math.exp(evidence((*past, t * length)))

    edge = math.pi / 2 - 1e-7
    step = 2 * edge / steps
    middle = sum((4 if i % 2 else 2) * inside(-edge + i * step) for i in range(1, steps))
    return (inside(-edge) + middle + inside(edge)) * step / 3


@pytest.mark.parametrize("past", PASTS.values(), ids=PASTS)
def test_the_evidence_is_a_martingale_at_the_edge_of_the_null(past: tuple[float, ...]) -> None:
    assert expected_next(past) == pytest.approx(math.exp(evidence(past)), rel=1e-5)


@pytest.mark.parametrize("past", list(PASTS.values())[1:], ids=list(PASTS)[1:])
@pytest.mark.parametrize("drop", [0.01, 0.3, 3.0])
def test_lower_values_never_give_more_evidence(past: tuple[float, ...], drop: float) -> None:
    assert evidence(tuple(value - drop for value in past)) <= evidence(past) + 1e-12


def test_prewhitening_a_first_order_autoregression_gives_back_its_independent_shocks() -> None:
    r, mean, shocks = 0.8, -0.05, [math.cos(3.0 * i) for i in range(30)]
    series = [mean]
    for shock in shocks:
        series.append(mean + r * (series[-1] - mean) + shock)
    found = GaugeEvidence(correlation=r)
    total = sum(take_in(found, value) for value in series)
    whitened = tuple(mean + shock / (1 - r) for shock in shocks)
    assert found.values == len(shocks)
    assert total == pytest.approx(evidence(whitened)) == pytest.approx(found.log_e)


def test_a_gap_begins_the_prewhitening_anew_and_loses_no_evidence() -> None:
    found = GaugeEvidence(correlation=0.5)
    for value in (0.1, 0.2, 0.15):
        take_in(found, value)
    before = found.log_e
    assert take_in(found, None) == 0.0
    assert take_in(found, 0.3) == 0.0
    assert (found.values, found.log_e) == (2, before)
    take_in(found, 0.2)
    assert found.values == 3


def test_without_history_only_whole_batches_count() -> None:
    found = GaugeEvidence()
    factors = [take_in(found, 0.5) for _ in range(2 * BATCH_SCRAPES)]
    assert [index for index, factor in enumerate(factors, 1) if factor] == [BATCH_SCRAPES, 2 * BATCH_SCRAPES]


def noise(seed: int, r: float, size: int) -> list[float]:
    dice = random.Random(seed)
    values = [dice.gauss(0, 0.1)]
    for _ in range(size):
        values.append(r * values[-1] + dice.gauss(0, 0.1 * math.sqrt(1 - r * r)))
    return values


@pytest.mark.parametrize("r", [0.0, 0.5, 0.9])
def test_a_gauge_half_as_high_again_is_found_within_the_hour_and_an_equal_one_is_not(r: float) -> None:
    def final(level: float) -> float:
        found = GaugeEvidence(correlation=autocorrelation(noise(1, r, 720)))
        for value in noise(2, r, 720):
            take_in(found, value + level - math.log(1.1))
        return found.log_e

    assert final(math.log(1.5)) > math.log(1000)
    assert final(0.0) < 0


@pytest.mark.parametrize("r", [0.0, 0.5, 0.9])
def test_the_autocorrelation_is_estimated_on_the_safe_side(r: float) -> None:
    estimates = [autocorrelation(noise(seed, r, 720)) for seed in range(40)]
    above = [found for found in estimates if found is not None and r <= found <= r + 0.2]
    assert len(above) >= 35


def test_too_little_history_is_no_autocorrelation() -> None:
    assert autocorrelation(noise(1, 0.5, 20)) is None
    assert autocorrelation([0.3] * 100) is None
    assert autocorrelation([0.1, None] * 50) is None


def test_the_ratio_is_of_averages_over_the_pods_that_have_a_value() -> None:
    assert log_ratio([0.3, math.nan], [0.1, 0.2], 0.0) == pytest.approx(math.log(2))
    assert log_ratio([0.3], [0.25], 0.2) == pytest.approx(0)
    assert log_ratio([], [0.2], 0.2) is None
    assert log_ratio([0.0], [0.2], 0.2) is None
    assert log_ratio([math.inf], [0.2], 0.2) is None


def test_the_evidence_survives_json_bit_for_bit() -> None:
    found = GaugeEvidence(correlation=0.3)
    for value in noise(3, 0.3, 50):
        take_in(found, value)
    assert msgspec.json.decode(msgspec.json.encode(found), type=GaugeEvidence) == found


def test_values_without_any_spread_are_no_trouble() -> None:
    assert evidence((0.0,) * 9) == 0.0
    assert evidence((0.1,) * 9) > math.log(100)
    assert math.isfinite(evidence((-0.1,) * 900))
