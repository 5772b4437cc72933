"""Counters as they come: they restart, vanish, come back, and are not numbers."""

from math import inf, nan

import pytest

from serinus.judge.counters import PodState, observed_since, pod_first_seen, restarts_since, served_since
from serinus.judge.readings import Histogram, PodReading, Track


def reading(requests: float | None, errors: float | None = 0.0, restarts: int | None = None) -> PodReading:
    return PodReading("c-1", Track.CANARY, 0.0, requests, errors, restarts)


def canary_pod() -> PodState:
    return pod_first_seen(reading(0.0), 5.0, 0.0)


def served(pod: PodState, *values: tuple[float | None, float | None]) -> list[tuple[float, float]]:
    return [served_since(pod, reading(*value), 5.0 * index) for index, value in enumerate(values)]


def test_increments_are_differences() -> None:
    assert served(canary_pod(), (10, 1), (25, 3)) == [(10, 1), (15, 2)]


def test_a_counter_that_falls_has_begun_anew_from_zero() -> None:
    assert served(canary_pod(), (100, 7), (4, 1)) == [(100, 7), (4, 1)]


def test_errors_that_fall_mean_that_the_requests_began_anew_too() -> None:
    assert served(canary_pod(), (10, 7), (12, 1)) == [(10, 7), (12, 1)]


@pytest.mark.parametrize("bad", [None, nan, inf, -inf, -1.0])
def test_what_is_not_a_count_is_unknown_and_the_next_value_bridges_the_gap(bad: float | None) -> None:
    assert served(canary_pod(), (10, 1), (bad, 1), (30, 2)) == [(10, 1), (0, 0), (20, 1)]
    assert served(canary_pod(), (10, 1), (20, bad), (30, 2)) == [(10, 1), (0, 0), (20, 1)]


def test_the_first_value_of_a_production_pod_only_sets_the_mark() -> None:
    pod = pod_first_seen(PodReading("s-1", Track.STABLE, -600.0), 5.0, None)
    assert served(pod, (1e6, 40), (1e6 + 5, 41)) == [(0, 0), (5, 1)]


def test_a_production_pod_that_began_since_the_last_reading_counts_from_zero() -> None:
    pod = pod_first_seen(PodReading("s-2", Track.STABLE, 102.0), 105.0, 100.0)
    assert served(pod, (8, 1)) == [(8, 1)]


def test_never_more_requests_fail_than_there_are() -> None:
    assert served(canary_pod(), (3, 5)) == [(3, 3)]


def test_old_restarts_of_production_do_not_count_and_those_of_the_canary_do() -> None:
    stable = pod_first_seen(PodReading("s-1", Track.STABLE, -600.0), 0.0, None)
    assert restarts_since(stable, reading(None, None, 3)) == 0
    assert restarts_since(stable, reading(None, None, 4)) == 1
    assert restarts_since(canary_pod(), reading(None, None, 1)) == 1


def test_at_most_two_restarts_of_a_pod_count_in_one_scrape() -> None:
    assert restarts_since(canary_pod(), reading(None, None, 9)) == 2


def test_restarts_that_are_unknown_are_not_zero() -> None:
    pod = canary_pod()
    assert restarts_since(pod, reading(None, None, None)) is None
    assert restarts_since(pod, reading(None, None, 1)) == 1


def histogram(*counts: float) -> Histogram:
    return Histogram((0.1, 0.5), counts[:-1], counts[-1])


def test_a_histogram_is_counted_by_bucket() -> None:
    pod = canary_pod()
    assert observed_since(pod, histogram(4, 6, 7), 0.0) == [4, 2, 1]
    assert observed_since(pod, histogram(5, 9, 10), 5.0) == [1, 2, 0]


def test_a_histogram_that_falls_has_begun_anew() -> None:
    pod = canary_pod()
    observed_since(pod, histogram(40, 60, 70), 0.0)
    assert observed_since(pod, histogram(1, 2, 4), 5.0) == [1, 1, 2]


def test_a_histogram_with_other_edges_only_sets_the_mark() -> None:
    pod = canary_pod()
    observed_since(pod, histogram(4, 6, 7), 0.0)
    assert observed_since(pod, Histogram((0.2, 0.6), (9, 9), 9), 5.0) is None
    assert observed_since(pod, Histogram((0.2, 0.6), (9, 10), 11), 10.0) == [0, 1, 1]


@pytest.mark.parametrize(
    "bad", [Histogram((), (), 3), Histogram((0.1,), (1, 2), 3), histogram(nan, 2, 3), histogram(1, 2, inf)]
)
def test_what_is_no_histogram_is_unknown(bad: Histogram) -> None:
    pod = canary_pod()
    observed_since(pod, histogram(1, 1, 1), 0.0)
    assert observed_since(pod, bad, 5.0) is None
    assert observed_since(pod, histogram(2, 2, 2), 10.0) == [1, 0, 0]
