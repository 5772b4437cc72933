"""What a plan's metrics will be able to tell, from today's traffic, before anything begins.

Not a simulation (`serinus judge power` is): the expected growth of log e per request, from the very formulas of the
tests. A rollout comes to its verdict, on average, when the growth has added up to the threshold.
"""

from collections.abc import Sequence
from math import log

import msgspec

from serinus.judge.errors import RATIOS, log_evidence_of_errors
from serinus.judge.mixture import FIRST_STAKE
from serinus.judge.policy import WEIGHTS, Margin, Metric, Policy
from serinus.judge.safety import Safety, requests_missing

HARMS = (0.01, 0.05, 0.2, 1.0)
"""Error rates that a forecast is made for."""
UNIT_REQUESTS = 1000.0
TAIL_SHARES = (0.5, 0.05, 0.01)
"""Requests slower than the median, the 95th and the 99th percentile of production's latency."""


class Stretch(msgspec.Struct, frozen=True):
    """One step as the judge meets it: the canary's share of requests, percent, and how long it holds."""

    share_percent: float
    seconds: float


class Detection(msgspec.Struct, frozen=True):
    """One supposed error rate of the canary, and what becomes of it on average. None: not within this plan.

    `requests_failed`: the canary's, until the rollout is taken back; of the whole plan where it is not.
    """

    error_rate: float
    seconds: float | None
    requests_failed: float


class Forecast(msgspec.Struct, frozen=True):
    """What can be told. Rates are a second's.

    `requests_needed`: the canary's requests until it can be called safe; `requests_expected`: those that the plan's
    own bakes bring; `seconds_missing`: how long the last step has to wait beyond its bake. None: never, at this rate.
    `smallest_harm`: the least error rate of the canary that this plan finds, on average.
    """

    requests_per_second: float
    error_rate: float
    requests_needed: float | None
    requests_expected: float
    seconds_missing: float | None
    smallest_harm: float | None
    detections: tuple[Detection, ...]


def forecast(policy: Policy, stretches: Sequence[Stretch], requests_per_second: float, error_rate: float) -> Forecast:
    """The forecast for production with this traffic and this share of failed requests."""
    expected = sum(one.seconds * one.share_percent / 100.0 * requests_per_second for one in stretches)
    needed = requests_for_safety(policy, stretches, error_rate)
    missing = _seconds_missing(policy, stretches, requests_per_second, needed, expected)
    found = tuple(detection(policy, stretches, requests_per_second, error_rate, harm) for harm in HARMS)
    smallest = _smallest_harm(policy, stretches, requests_per_second, error_rate)
    return Forecast(requests_per_second, error_rate, needed, expected, missing, smallest, found)


def requests_for_safety(policy: Policy, stretches: Sequence[Stretch], error_rate: float) -> float | None:
    """Canary requests until every metric that gates can be called safe, when canary and production are alike."""
    if not stretches:
        return None
    share = min(max(one.share_percent for one in stretches), 90.0) / 100.0
    stable_per_canary = (1.0 - share) / share
    questions: list[tuple[float, Margin]] = []
    if Metric.ERRORS in policy.metrics:
        questions.append((error_rate, policy.safe_errors))
    if Metric.LATENCY in policy.metrics:
        margins = (policy.safe_latency_p50, policy.safe_latency_tail, policy.safe_latency_tail)
        questions += zip(TAIL_SHARES, margins, strict=True)
    found = [
        requests_missing(Safety(), policy.beta, rate, stable_per_canary, margin, 1.0) for rate, margin in questions
    ]
    return None if not found or any(one is None for one in found) else max(one for one in found if one is not None)


def detection(
    policy: Policy, stretches: Sequence[Stretch], requests_per_second: float, error_rate: float, harm: float
) -> Detection:
    """When a canary that fails at rate `harm` is taken back, on average."""
    threshold = -log(policy.alpha * WEIGHTS[Metric.ERRORS] * FIRST_STAKE / len(RATIOS))
    evidence = seconds = failed = 0.0
    for one in stretches:
        canary = requests_per_second * one.share_percent / 100.0
        growth = _growth_per_request(policy, one.share_percent, error_rate, harm) * canary
        if growth > 0 and evidence + growth * one.seconds >= threshold:
            left = (threshold - evidence) / growth
            return Detection(harm, seconds + left, failed + canary * harm * left)
        evidence = max(0.0, evidence + growth * one.seconds)
        seconds += one.seconds
        failed += canary * harm * one.seconds
    return Detection(harm, None, failed)


def _growth_per_request(policy: Policy, share_percent: float, error_rate: float, harm: float) -> float:
    """Expected log e for each canary request: that of the supposed ratio that grows fastest."""
    share = min(share_percent, 99.0) / 100.0
    stable = UNIT_REQUESTS * (1.0 - share) / share
    grown = log_evidence_of_errors(UNIT_REQUESTS, 0.0, UNIT_REQUESTS * harm, stable, stable * error_rate, policy.errors)
    return max(grown) / UNIT_REQUESTS


def _seconds_missing(
    policy: Policy, stretches: Sequence[Stretch], rate: float, needed: float | None, expected: float
) -> float | None:
    """How long the last step has to hold beyond its bake, for the evidence and for the shortest watch."""
    if needed is None or not stretches:
        return None
    last = rate * stretches[-1].share_percent / 100.0
    baked = sum(one.seconds for one in stretches)
    short = max(0.0, policy.seconds_min - baked)
    if expected >= needed:
        return short
    return max(short, (needed - expected) / last) if last > 0 else None


def _smallest_harm(
    policy: Policy, stretches: Sequence[Stretch], requests_per_second: float, error_rate: float
) -> float | None:
    """By halving, on a scale of logarithms; None: not even a canary that fails always."""
    low, high = max(error_rate, 1e-6), 1.0
    if detection(policy, stretches, requests_per_second, error_rate, high).seconds is None:
        return None
    for _ in range(30):
        middle = (low * high) ** 0.5
        if detection(policy, stretches, requests_per_second, error_rate, middle).seconds is None:
            low = middle
        else:
            high = middle
    return high
