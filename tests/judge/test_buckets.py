"""Histograms as counts per bucket, and the isotonic regression that makes scores grow."""

import math
from itertools import product

import pytest

from serinus.judge.buckets import (
    bucket_counts,
    common_edges,
    exceedances,
    quantile_edge,
    shifted,
    survival,
    tempering_edge,
)
from serinus.judge.isotonic import increasing


def test_histograms_with_different_edges_are_compared_at_those_they_share() -> None:
    assert common_edges([(0.1, 0.5, 1.0, math.inf), (0.1, 1.0, 2.5)]) == (0.1, 1.0)
    assert common_edges([]) == ()
    assert common_edges([(0.1,), (0.2,)]) == ()


def test_counts_at_shared_edges_are_exact_and_the_rest_is_above() -> None:
    assert bucket_counts((0.1, 0.5, 1.0), (9, 12, 12), 14, (0.1, 1.0)) == (9, 3, 2)
    assert bucket_counts((), (), 14, ()) == (14,)


def test_counts_that_contradict_each_other_never_go_below_zero() -> None:
    assert bucket_counts((0.1, 0.5, 1.0), (9, 8, 12), 11, (0.1, 0.5, 1.0)) == (9, 0, 3, 0)


def test_the_shift_moves_buckets_up_and_keeps_the_last() -> None:
    assert shifted((1, 2, 3, 4), 2) == (0, 0, 1, 9)
    assert shifted((1, 2), 2) == (0, 3)
    assert shifted((1, 2, 3, 4), 0) == (1, 2, 3, 4)


def test_quantile_edges_are_upper_edges() -> None:
    counts = (50.0, 40.0, 8.0, 2.0)
    assert [quantile_edge(counts, quantile) for quantile in (0.5, 0.6, 0.95, 0.98, 0.99)] == [0, 1, 2, 2, 2]
    assert quantile_edge((0.0, 0.0), 0.5) is None
    assert quantile_edge((7.0,), 0.5) is None
    assert [exceedances(counts, edge) for edge in (0, 1, 2)] == [50, 10, 2]
    assert survival(counts) == pytest.approx((0.5, 0.1, 0.02))


def test_overdispersion_is_measured_where_about_one_in_twenty_exceeds() -> None:
    assert tempering_edge((50.0, 40.0, 8.0, 2.0)) == 1
    assert tempering_edge((50.0, 44.0, 4.0, 2.0)) == 1
    assert tempering_edge((50.0, 0.0)) is None


def test_isotonic_regression_is_the_nearest_increasing_sequence() -> None:
    values, weights = (3.0, 1.0, 2.0, 2.0, 0.5), (1.0, 2.0, 0.5, 1.0, 1.0)

    def distance(sequence: tuple[float, ...]) -> float:
        return sum(w * (a - b) ** 2 for w, a, b in zip(weights, values, sequence, strict=True))

    best = increasing(values, weights)
    assert list(best) == sorted(best)
    grid = [step / 5 for step in range(2, 16)]
    rivals = (rival for rival in product(grid, repeat=5) if list(rival) == sorted(rival))
    assert all(distance(rival) >= distance(best) - 1e-9 for rival in rivals)
    assert increasing((1.0, 2.0, 3.0), (1.0, 1.0, 1.0)) == (1.0, 2.0, 3.0)
