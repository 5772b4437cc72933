"""What a plan's metrics will tell: held against the judge's own tests, fed with the mean of what is forecast."""

from math import log

import pytest

from serinus.judge.forecast import Stretch, detection, forecast, requests_for_safety
from serinus.judge.policy import Metric, Policy
from serinus.judge.safety import Safety, fold_safety, log_evidence_of_safety, log_safety

POLICY = Policy(metrics=(Metric.ERRORS,))
STEPS = (Stretch(10.0, 300.0), Stretch(50.0, 300.0))


def test_the_requests_for_safety_are_those_at_which_the_evidence_reaches_its_threshold() -> None:
    needed = requests_for_safety(POLICY, STEPS, 0.001)
    assert needed is not None
    assert _log_safety_after(needed) >= -_log_beta()
    assert _log_safety_after(0.8 * needed) < -_log_beta()


def _log_safety_after(canary: float) -> float:
    safety = Safety()
    fold_safety(safety, log_evidence_of_safety(canary, canary * 0.001, canary, canary * 0.001, POLICY.safe_errors), 1.0)
    return log_safety(safety)


def _log_beta() -> float:
    return log(POLICY.beta)


def test_more_harm_is_found_sooner_and_costs_fewer_seconds() -> None:
    seconds = [detection(POLICY, STEPS, 100.0, 0.001, harm).seconds for harm in (0.02, 0.05, 0.2, 1.0)]
    assert all(one is not None for one in seconds)
    assert seconds == sorted(seconds, key=lambda one: -(one or 0.0))


def test_the_smallest_harm_is_found_and_a_little_less_is_not() -> None:
    smallest = forecast(POLICY, STEPS, 100.0, 0.001).smallest_harm
    assert smallest is not None
    assert detection(POLICY, STEPS, 100.0, 0.001, 1.02 * smallest).seconds is not None
    assert detection(POLICY, STEPS, 100.0, 0.001, 0.98 * smallest).seconds is None


def test_without_traffic_nothing_can_be_told() -> None:
    told = forecast(POLICY, STEPS, 0.0, 0.0)
    assert told.seconds_missing is None
    assert told.smallest_harm is None
    assert [one.requests_failed for one in told.detections] == [0.0] * 4


def test_a_plan_too_short_says_how_long_it_has_to_wait() -> None:
    told = forecast(POLICY, (Stretch(50.0, 10.0),), 10.0, 0.0)
    assert told.requests_needed is not None
    assert told.seconds_missing == pytest.approx((told.requests_needed - 50.0) / 5.0)


def test_a_plan_that_has_the_requests_still_waits_for_the_shortest_watch() -> None:
    told = forecast(POLICY, (Stretch(50.0, 10.0),), 100_000.0, 0.0)
    assert told.seconds_missing == POLICY.seconds_min - 10.0
