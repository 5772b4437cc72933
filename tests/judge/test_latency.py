"""Latency histograms: the guarantee by summing over every outcome, the power on plain examples."""

import math
from itertools import pairwise, product

import pytest

from serinus.judge import latency
from serinus.judge.buckets import Counts
from serinus.judge.latency import Basis, log_e, scores
from serinus.judge.slower import HYPOTHESES, fattened, law_of, learned, slower_laws, stretched, within_margin
from tests.judge.sample_space import multinomial, unequal

EDGES = (0.1, 0.5, 2.0)
LAWS = {"healthy": (0.7, 0.25, 0.04, 0.01), "flat": (0.25, 0.25, 0.25, 0.25), "fast": (0.97, 0.02, 0.005, 0.005)}
BASES = {
    "like production": Basis(EDGES, (70.0, 25.0, 4.0, 1.0), (0.0, 0.0, 0.0, 0.0)),
    "a canary that was slow": Basis(EDGES, (700.0, 250.0, 40.0, 10.0), (10.0, 40.0, 30.0, 20.0)),
    "wrong altogether": Basis(EDGES, (1.0, 2.0, 30.0, 60.0), (5.0, 0.0, 0.0, 5.0)),
}
MARGINS = [(0.0, 0.0), (0.25, 0.002), (0.5, 0.05), (0.0, 0.1)]
SPLITS = [(1, 1), (3, 3), (1, 5), (4, 2), (2, 6)]


def at_the_limit(
    stable: tuple[float, ...], delta: float, epsilon: float, edges: int | None = None
) -> tuple[float, ...]:
    """The slowest law that the null allows; with `edges` only at the first so many edges, like production beyond."""
    above = [math.fsum(stable[index + 1 :]) for index in range(len(stable) - 1)]
    reached = len(above) if edges is None else edges
    slow = [min(1.0, (1 + delta) * share + epsilon) if i < reached else share for i, share in enumerate(above)]
    return tuple(left - right for left, right in pairwise([1.0, *slow, 0.0]))


def expectations(
    basis: Basis,
    split: tuple[int, int],
    margin: tuple[float, float],
    canary: tuple[float, ...],
    stable: tuple[float, ...],
) -> list[float]:
    """E[e] of each hypothesis, summed over all outcomes of the block."""
    totals = [0.0] * HYPOTHESES
    for (seen, p), (theirs, q) in product(multinomial(split[0], canary), multinomial(split[1], stable)):
        for k, value in enumerate(log_e(basis, seen, theirs, *margin)):
            totals[k] += p * q * math.exp(value)
    return totals


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("basis", BASES)
def test_e_is_at_most_one_on_average_at_the_edge_of_the_null(
    basis: str, split: tuple[int, int], margin: tuple[float, float]
) -> None:
    for stable in LAWS.values():
        for edges in (None, 1, 2):
            canary = at_the_limit(stable, *margin, edges)
            assert max(expectations(BASES[basis], split, margin, canary, stable)) <= 1 + 1e-9


def test_e_is_close_to_one_at_the_edge_so_little_is_given_away() -> None:
    stable = LAWS["healthy"]
    assert min(expectations(BASES["like production"], (2, 6), (0.0, 0.0), stable, stable)) > 0.9


def test_e_is_at_most_one_when_every_request_has_a_law_of_its_own() -> None:
    ours = unequal([at_the_limit(law, 0.25, 0.01) for law in LAWS.values()])
    theirs = unequal(list(LAWS.values()))
    totals = [0.0] * HYPOTHESES
    for (seen, p), (stable, q) in product(ours.items(), theirs.items()):
        for k, value in enumerate(log_e(BASES["like production"], seen, stable, 0.25, 0.01)):
            totals[k] += p * q * math.exp(value)
    assert max(totals) <= 1 + 1e-9


@pytest.mark.parametrize("shift", [1, 2])
@pytest.mark.parametrize("sizes", [(2, 1, 4), (0, 3, 3), (1, 2, 2)])
def test_cold_pods_are_held_to_the_shifted_histogram_beside_warm_ones(sizes: tuple[int, int, int], shift: int) -> None:
    margin = (0.25, 0.01)
    for stable in LAWS.values():
        slower = (0.0,) * shift + stable[: -shift - 1] + (math.fsum(stable[-shift - 1 :]),)
        warm, cold = at_the_limit(stable, *margin), at_the_limit(slower, *margin)
        totals = [0.0] * HYPOTHESES
        blocks = product(multinomial(sizes[0], warm), multinomial(sizes[1], cold), multinomial(sizes[2], stable))
        for (hot, p), (young, q), (theirs, r) in blocks:
            for k, value in enumerate(log_e(BASES["like production"], hot, theirs, *margin, young, shift)):
                totals[k] += p * q * r * math.exp(value)
        assert max(totals) <= 1 + 1e-9


def evidence(canary: Counts, stable: Counts, margin: tuple[float, float] = (0.25, 0.002), cold: bool = False) -> float:
    """Log of the average over the hypotheses, the basis made from production as in the block."""
    basis = Basis(EDGES, stable, (0.0,) * len(stable))
    none = (0.0,) * len(canary)
    values = log_e(basis, none if cold else canary, stable, *margin, canary if cold else None)
    return math.log(math.fsum(math.exp(value) for value in values) / HYPOTHESES)


def test_a_slow_canary_is_found_and_an_equal_one_is_not() -> None:
    stable = (700.0, 250.0, 40.0, 10.0)
    assert evidence((30.0, 50.0, 15.0, 5.0), stable) > math.log(1000)
    assert evidence((70.0, 25.0, 4.0, 1.0), stable) < 0
    assert evidence((90.0, 9.0, 1.0, 0.0), stable) < 0


def test_a_tail_ten_times_as_frequent_is_found_though_the_median_stands() -> None:
    assert evidence((690.0, 250.0, 40.0, 100.0), (7000.0, 2500.0, 400.0, 100.0)) > math.log(1000)


def test_what_is_slow_for_a_warm_pod_may_be_usual_for_a_cold_one() -> None:
    stable = (700.0, 250.0, 40.0, 10.0)
    slow = (0.0, 70.0, 25.0, 5.0)
    assert evidence(slow, stable) > math.log(100) > 0 > evidence(slow, stable, cold=True)
    assert evidence((0.0, 0.0, 0.0, 100.0), stable, cold=True) > math.log(100)


def test_a_shared_slowness_is_no_evidence_though_the_basis_is_from_better_days() -> None:
    basis = Basis(EDGES, (700.0, 250.0, 40.0, 10.0), (0.0,) * 4)
    values = log_e(basis, (10.0, 40.0, 40.0, 10.0), (90.0, 360.0, 360.0, 90.0), 0.25, 0.002)
    assert max(values) < math.log(10)


@pytest.mark.parametrize(
    ("canary", "stable"), [((0, 0, 0, 0), (5, 1, 0, 0)), ((0, 0, 0, 3), (0, 0, 0, 0)), ((4.0,), (9.0,))]
)
def test_without_requests_of_both_or_without_edges_there_is_no_evidence(canary: Counts, stable: Counts) -> None:
    basis = Basis(EDGES[: len(canary) - 1], (5.0,) * len(canary), (0.0,) * len(canary))
    assert log_e(basis, canary, stable, 0.25, 0.002) == latency.NO_EVIDENCE


def test_without_any_history_nothing_is_staked() -> None:
    basis = Basis(EDGES, (0.0,) * 4, (0.0,) * 4)
    assert log_e(basis, (0, 0, 0, 9), (9, 0, 0, 0), 0.0, 0.0) == latency.NO_EVIDENCE


@pytest.mark.parametrize("rung", [-40, -15, 0, 20])
@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("basis", BASES)
def test_scores_grow_with_the_bucket_and_leave_production_a_positive_factor(
    basis: str, margin: tuple[float, float], rung: int
) -> None:
    odds = 1.3**rung
    for score in scores(BASES[basis], rung, *margin, 0):
        assert list(score.values) == sorted(score.values)
        assert odds / (1 + odds) * max(score.burden) < 1


@pytest.mark.parametrize("requests", [10.0, 1e6])
def test_a_slow_law_inside_the_margin_stakes_nothing(requests: float) -> None:
    basis = Basis(EDGES, tuple(requests * share for share in LAWS["healthy"]), (0.0,) * 4)
    assert all(set(score.values) == {1.0} for score in scores(basis, -10, 3.0, 0.9, 0))


def test_a_log_normal_law_is_stretched_exactly() -> None:
    from statistics import NormalDist

    def law(median: float) -> tuple[float, ...]:
        below = [NormalDist().cdf(math.log(edge / median) / 0.5) for edge in EDGES]
        return tuple(right - left for left, right in pairwise([0.0, *below, 1.0]))

    assert stretched(EDGES, law(0.2), 1.6) == pytest.approx(law(0.32), abs=1e-9)


def test_the_slowest_share_becomes_so_many_times_as_frequent() -> None:
    assert fattened((0.5, 0.4, 0.09, 0.01), 0.10, 3.0) == pytest.approx((7 / 18, 14 / 45, 0.27, 0.03))


def test_one_edge_and_edges_at_zero_are_no_trouble() -> None:
    assert math.fsum(stretched((0.3,), (0.9, 0.1), 2.0)) == pytest.approx(1)
    assert stretched((0.0,), (0.2, 0.8), 2.0) == (0.2, 0.8)
    assert stretched((0.0, 1.0), (0.0, 0.9, 0.1), 2.0)[2] > 0.1


def test_every_law_is_slower_than_production_and_its_neighbour_is_inside_the_margin() -> None:
    stable = law_of((700.0, 250.0, 40.0, 10.0))
    for law in slower_laws(EDGES, stable, (0.0, 0.0, 50.0, 50.0)):
        near = within_margin(law, stable, 0.25, 0.002)
        for edge in range(1, len(law)):
            above, limit = math.fsum(stable[edge:]), 1.25 * math.fsum(stable[edge:]) + 0.002
            assert math.fsum(law[edge:]) >= above - 1e-9
            assert math.fsum(near[edge:]) <= limit + 1e-9


def test_the_learned_law_begins_at_production_and_ends_at_the_canary() -> None:
    stable = (0.7, 0.2, 0.1)
    assert learned(stable, (0.0, 0.0, 0.0)) == pytest.approx(stable)
    assert learned(stable, (0.0, 0.0, 1e6)) == pytest.approx((0, 0, 1), abs=1e-3)
