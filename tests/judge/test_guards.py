"""The absolute limit: E[e] <= 1 up to it, by summing over the whole sample space."""

from math import comb, exp

import pytest

from serinus.judge.guards import TIMES_LIMIT, log_evidence_above


@pytest.mark.parametrize("limit", [0.001, 0.05, 0.4, 0.995])
@pytest.mark.parametrize("requests", [1, 5, 12])
@pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
def test_the_expectation_is_at_most_one_up_to_the_limit(limit: float, requests: int, part: float) -> None:
    rate = limit * part
    total = [0.0] * len(TIMES_LIMIT)
    for failed in range(requests + 1):
        weight = comb(requests, failed) * rate**failed * (1 - rate) ** (requests - failed)
        for index, value in enumerate(log_evidence_above(limit, requests, failed)):
            total[index] += weight * exp(value)
    assert max(total) <= 1 + 1e-12


def test_a_rate_far_above_the_limit_is_evidence() -> None:
    assert max(log_evidence_above(0.01, 100, 10)) > 5
