"""Student's survival function against closed forms, printed tables and plain integration, in both tails."""

import math

import pytest

from serinus.judge.student import log_survival


@pytest.mark.parametrize("t", [1e-12, 0.3, 1.0, 5.0, 1e3, 1e8])
def test_one_and_two_degrees_of_freedom_have_closed_forms(t: float) -> None:
    cauchy = math.atan2(1.0, t) / math.pi
    assert log_survival(t, 1) == pytest.approx(math.log(cauchy), rel=1e-12, abs=1e-13)
    root = math.hypot(t, math.sqrt(2))
    assert log_survival(t, 2) == pytest.approx(math.log(1 / (root * (root + t))), rel=1e-12, abs=1e-13)


@pytest.mark.parametrize(
    ("freedom", "t", "one_in"),
    [
        (3, 5.841, 0.005),
        (5, 4.032, 0.005),
        (10, 3.169, 0.005),
        (10, 1.812, 0.05),
        (30, 2.750, 0.005),
        (120, 2.617, 0.005),
    ],
)
def test_printed_tables_are_met(freedom: int, t: float, one_in: float) -> None:
    assert math.exp(log_survival(t, freedom)) == pytest.approx(one_in, rel=2e-3)


def density(t: float, freedom: float) -> float:
    front = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    return math.exp(front - (freedom + 1) / 2 * math.log1p(t * t / freedom))


def by_integration(t: float, freedom: float, steps: int = 4000) -> float:
    """Simpson's rule for P(T > t), with u = 1 / (1 + s - t) as the variable."""

    def inside(u: float) -> float:
        return 0.0 if u == 0 else density(t - 1 + 1 / u, freedom) / (u * u)

    middle = sum((4 if i % 2 else 2) * inside(i / steps) for i in range(1, steps))
    return (inside(0.0) + middle + inside(1.0)) / (3 * steps)


@pytest.mark.parametrize("freedom", [3, 4.5, 17, 200, 3000])
@pytest.mark.parametrize("t", [-9.0, -1.5, -0.01, 0.0, 0.2, 2.0, 6.0, 14.0])
def test_plain_integration_agrees(t: float, freedom: float) -> None:
    expected = by_integration(t, freedom) if t >= 0 else 1 - by_integration(-t, freedom)
    assert log_survival(t, freedom) == pytest.approx(math.log(expected), rel=1e-7, abs=1e-9)


def test_far_tails_keep_their_logarithm_where_the_probability_is_zero_as_a_float() -> None:
    slope = (log_survival(1e90, 9) - log_survival(1e80, 9)) / (10 * math.log(10))
    assert slope == pytest.approx(-9, rel=1e-9)
    assert log_survival(80.0, 5000) < -1900
    assert log_survival(-80.0, 5000) == pytest.approx(0, abs=1e-300)


@pytest.mark.parametrize("freedom", [1, 2, 7, 60, 900])
@pytest.mark.parametrize("t", [1e-9, 0.4, 1.0, 3.0])
def test_both_tails_add_up_to_one(t: float, freedom: float) -> None:
    assert math.exp(log_survival(t, freedom)) + math.exp(log_survival(-t, freedom)) == pytest.approx(1, abs=1e-13)
