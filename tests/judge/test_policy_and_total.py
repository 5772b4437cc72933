"""What may be chosen, and how the parts of alpha are shared out."""

from math import exp, log

import pytest

from serinus.judge.policy import Margin, Metric, Policy, PolicyError, parse_margins, parse_metrics, policy_of
from serinus.judge.total import log_total, weights_of


def test_margins_are_a_relative_and_an_absolute_part() -> None:
    assert parse_margins("errors=0.5+0.01, restarts=0+0.3,gauges=0.3") == {
        "errors": Margin(0.5, 0.01),
        "restarts": Margin(0.0, 0.3),
        "gauges": Margin(0.3, 0.0),
    }


@pytest.mark.parametrize("text", ["", "errors", "errors=x", "errors=-1+0", "speed=0.1", "errors=1.2.3", "errors=0+1"])
def test_margins_that_cannot_be_understood_are_told_with_what_is_wanted(text: str) -> None:
    with pytest.raises(PolicyError, match="wanted"):
        policy_of(0.01, tuple(Metric), parse_margins(text))


@pytest.mark.parametrize("text", [",", "errors,speed"])
def test_metrics_that_are_not_known_are_told_with_those_that_are(text: str) -> None:
    with pytest.raises(PolicyError, match="errors, latency, restarts, gauges"):
        parse_metrics(text)


def test_a_wider_margin_of_harm_widens_that_of_safety_unless_it_is_given() -> None:
    assert policy_of(0.01, tuple(Metric), {"errors": Margin(0.5, 0.01)}).safe_errors == Margin(0.5, 0.03)
    given = {"errors": Margin(0.5, 0.01), "safe_errors": Margin(0.0, 0.005)}
    assert policy_of(0.01, tuple(Metric), given).safe_errors == Margin(0.0, 0.005)
    assert policy_of(0.01, tuple(Metric), {}) == Policy()


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1])
def test_alpha_is_a_probability(alpha: float) -> None:
    with pytest.raises(PolicyError, match="between 0 and 1"):
        policy_of(alpha, tuple(Metric), {})


def test_an_absent_metric_hands_its_part_to_the_others() -> None:
    weights = weights_of([Metric.ERRORS, Metric.RESTARTS])
    assert weights == pytest.approx({Metric.ERRORS: 2 / 3, Metric.RESTARTS: 1 / 3})
    assert sum(weights_of(tuple(Metric)).values()) == pytest.approx(1.0)


def test_the_total_is_the_weighted_average() -> None:
    weights = {Metric.ERRORS: 0.75, Metric.RESTARTS: 0.25}
    assert exp(log_total(weights, {Metric.ERRORS: log(8), Metric.RESTARTS: log(4)})) == pytest.approx(7.0)
    assert exp(log_total(weights, {Metric.ERRORS: log(8)})) == pytest.approx(6.25)
    assert log_total({}, {}) == 0.0
