"""Evidence that a canary is not slower: the guarantee at edges of a histogram, by summing over every outcome."""

import math
from itertools import product

import pytest

from serinus.judge.buckets import exceedances, quantile_edge
from serinus.judge.latency_state import QUANTILES, safe_margin
from serinus.judge.policy import Margin, Policy
from serinus.judge.safety import MUS, log_evidence_of_safety
from tests.judge.sample_space import multinomial

STABLE = (0.6, 0.28, 0.08, 0.04)
SPLITS = [(1, 1), (2, 5), (4, 3), (5, 1)]
MARGINS = {"p50": Policy().safe_latency_p50, "tail": Policy().safe_latency_tail, "none": Margin(0.0, 0.05)}


def harmful_at(edge: int, margin: Margin) -> tuple[float, ...]:
    """The least harmful law that the margin forbids: just its limit above the edge, else production's proportions."""
    above = math.fsum(STABLE[edge + 1 :])
    limit = (1 + margin.relative) * above + margin.absolute
    return tuple(
        share * (limit / above if bucket > edge else (1 - limit) / (1 - above)) for bucket, share in enumerate(STABLE)
    )


@pytest.mark.parametrize("margin", MARGINS.values(), ids=MARGINS)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("edge", [0, 1, 2])
def test_e_is_at_most_one_on_average_where_the_canary_is_just_too_slow(
    edge: int, split: tuple[int, int], margin: Margin
) -> None:
    totals = [0.0] * len(MUS)
    outcomes = product(multinomial(split[0], harmful_at(edge, margin)), multinomial(split[1], STABLE))
    for (ours, p), (theirs, q) in outcomes:
        slow = exceedances(tuple(map(float, ours)), edge), exceedances(tuple(map(float, theirs)), edge)
        for k, log_e in enumerate(log_evidence_of_safety(split[0], slow[0], split[1], slow[1], margin)):
            totals[k] += p * q * math.exp(log_e)
    assert max(totals) <= 1 + 1e-9


def test_an_equal_canary_gathers_evidence_at_every_edge() -> None:
    counts = tuple(10_000 * share for share in STABLE)
    for quantile in QUANTILES:
        edge = quantile_edge(counts, quantile)
        assert edge is not None
        slow = exceedances(counts, edge)
        found = log_evidence_of_safety(10_000, slow, 10_000, slow, safe_margin(Policy(), quantile))
        assert max(found) > math.log(20 * len(MUS))


def test_the_median_has_its_own_margin() -> None:
    policy = Policy()
    assert [safe_margin(policy, quantile) for quantile in QUANTILES] == [
        policy.safe_latency_p50,
        policy.safe_latency_tail,
        policy.safe_latency_tail,
    ]
