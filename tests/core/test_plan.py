"""Shares by pod count: which can be had, what a plan makes of those asked for, and what it refuses."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.core.plan import (
    Promotion,
    Step,
    Timing,
    Unreachable,
    make_steps,
    nearest_split,
    reachable_splits,
    replicas_needed,
    share_of,
    unreachable_steps,
)
from tests.core.samples import shares

TIMING = Timing(60.0, 300.0, 30.0)


def splits(asked: tuple[int, ...] | None, replicas: int, surge: int, promotion: Promotion) -> list[tuple[int, int]]:
    steps = make_steps(shares(*asked) if asked else None, replicas, surge, promotion, TIMING)
    return [(step.canary_replicas, step.stable_replicas) for step in steps]


@pytest.mark.parametrize(("canary", "stable", "percent"), [(0, 0, 0.0), (1, 3, 25.0), (2, 0, 100.0), (0, 4, 0.0)])
def test_a_share_is_the_canarys_part_of_all_pods(canary: int, stable: int, percent: float) -> None:
    assert share_of(canary, stable) == percent


def test_the_splits_of_three_pods_with_one_to_spare() -> None:
    assert sorted(reachable_splits(3, 1)) == [(1, 2), (1, 3), (2, 1), (2, 2), (3, 1)]


def test_one_pod_can_be_split_in_halves_only() -> None:
    assert list(reachable_splits(1, 1)) == [(1, 1)]


def test_without_any_surge_one_pod_more_is_used_all_the_same() -> None:
    assert set(reachable_splits(2, 0)) == set(reachable_splits(2, 1))


@pytest.mark.parametrize(
    ("percent", "replicas", "surge", "split"),
    [(25, 4, 1, (1, 3)), (20, 4, 1, (1, 4)), (10, 9, 1, (1, 9)), (50, 1, 1, (1, 1))],
)
def test_the_nearest_split(percent: float, replicas: int, surge: int, split: tuple[int, int]) -> None:
    assert nearest_split(percent, replicas, surge) == split


def test_of_equally_near_splits_the_one_with_fewest_pods_is_taken() -> None:
    assert nearest_split(50, 4, 4) == (2, 2)


def test_ten_percent_of_three_pods_cannot_be_had() -> None:
    assert unreachable_steps(shares(10, 50, 100), 3, 1) == (Unreachable(10, 25.0),)


def test_a_share_that_would_expose_many_more_users_than_asked_is_refused_though_it_is_near_in_points() -> None:
    assert unreachable_steps(shares(4), 15, 1) == (Unreachable(4, 6.25),)


def test_shares_within_the_tolerance_are_reachable() -> None:
    assert unreachable_steps(shares(10, 20, 30), 10, 3) == ()


def test_how_many_pods_a_share_needs() -> None:
    assert replicas_needed(10) == 7
    assert replicas_needed(1, limit=50) is None


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 99), st.integers(1, 5))
def test_with_the_pods_that_a_share_needs_it_can_be_had_whatever_the_surge(percent: int, surge: int) -> None:
    replicas = replicas_needed(percent)
    assert replicas is not None
    assert unreachable_steps(shares(percent), replicas, surge) == ()


def test_the_default_steps_of_four_pods() -> None:
    assert splits(None, 4, 1, Promotion.RENAME) == [(1, 3), (2, 2), (3, 1), (4, 0)]


def test_two_asked_shares_with_the_same_split_are_one_step() -> None:
    assert splits((25, 26, 50), 2, 1, Promotion.RENAME) == [(1, 2), (1, 1), (2, 0)]


def test_a_share_that_could_only_be_had_by_taking_pods_back_is_left_out() -> None:
    assert splits((60, 67), 3, 3, Promotion.RENAME) == [(3, 2), (3, 0)]  # 67 % of three is 2 and 1


def test_a_hundred_percent_among_the_asked_ends_the_list() -> None:
    assert splits((50, 100), 2, 1, Promotion.RENAME) == [(1, 1), (2, 0)]


def test_adoption_keeps_one_pod_of_production_until_the_end() -> None:
    assert splits((25, 50), 4, 1, Promotion.ADOPT) == [(1, 3), (2, 2), (4, 1)]
    assert splits((50,), 1, 1, Promotion.ADOPT) == [(1, 1)]


def test_a_first_version_has_one_step() -> None:
    assert splits((25, 50), 3, 1, Promotion.FIRST) == [(3, 0)]


def test_a_step_has_time_for_everything_that_it_waits_for() -> None:
    step = make_steps(shares(50), 2, 1, Promotion.RENAME, TIMING)[0]
    assert (step.bake_seconds, step.deadline_seconds) == (60.0, 390.0)


@settings(deadline=None, max_examples=400)
@given(
    st.none() | st.lists(st.integers(1, 100), min_size=1, max_size=8, unique=True).map(sorted).map(tuple),
    st.integers(1, 30),
    st.integers(0, 30),
    st.sampled_from((Promotion.RENAME, Promotion.ADOPT)),
)
def test_steps_grow_to_everybody_and_never_take_capacity_away(
    asked: tuple[int, ...] | None, replicas: int, surge: int, promotion: Promotion
) -> None:
    steps = make_steps(shares(*asked) if asked else None, replicas, surge, promotion, TIMING)
    last_stable = 1 if promotion is Promotion.ADOPT else 0
    assert (steps[-1].canary_replicas, steps[-1].stable_replicas) == (replicas, last_stable)
    for step in steps:
        _check_size(step, replicas, surge)
    for earlier, later in itertools.pairwise(steps):
        assert later.share_percent > earlier.share_percent
        assert later.canary_replicas >= earlier.canary_replicas
        assert later.stable_replicas <= earlier.stable_replicas


def _check_size(step: Step, replicas: int, surge: int) -> None:
    assert replicas <= step.canary_replicas + step.stable_replicas <= replicas + max(surge, 1)
    assert 1 <= step.canary_replicas <= replicas


@settings(deadline=None, max_examples=300)
@given(st.integers(1, 99), st.integers(1, 30), st.integers(0, 10))
def test_no_reachable_split_is_nearer_than_the_nearest(percent: int, replicas: int, surge: int) -> None:
    nearest = abs(share_of(*nearest_split(percent, replicas, surge)) - percent)
    assert all(nearest <= abs(share_of(*split) - percent) + 1e-6 for split in reachable_splits(replicas, surge))
