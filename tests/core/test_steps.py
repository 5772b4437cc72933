"""From asked shares to steps: pod counts, times, and what always holds of them."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.core import spec
from serinus.core.plan import Approval, Promotion, Step, Timing, make_steps, replicas_needed, unreachable_steps
from serinus.core.spec import Capacity, StepSpec
from serinus.core.state import PauseEnd

TIMING = Timing(bake_seconds=60.0, ready_deadline_seconds=300.0, smoke_timeout_seconds=30.0)
WITH_STABLE = st.sampled_from([Promotion.RENAME, Promotion.ADOPT])
SECONDS = st.one_of(st.none(), st.floats(0, 1000))

asked_steps = st.lists(
    st.builds(lambda weight, bake: StepSpec(weight, bake), st.integers(1, 100), SECONDS),
    min_size=1,
    max_size=6,
    unique_by=lambda step: step.weight_percent,
).map(lambda steps: tuple(sorted(steps, key=lambda step: step.weight_percent)))


def counts(steps: tuple[Step, ...]) -> list[tuple[int, int]]:
    return [(step.canary_replicas, step.stable_replicas) for step in steps]


@settings(deadline=None)
@given(asked_steps, st.integers(1, 30), WITH_STABLE)
def test_keep_leaves_production_at_its_full_size_until_the_last_step(
    asked: tuple[StepSpec, ...], replicas: int, promotion: Promotion
) -> None:
    steps = make_steps(asked, replicas, 1, promotion, TIMING, Capacity.KEEP)
    assert all(step.stable_replicas == replicas for step in steps[:-1])
    assert all(1 <= step.canary_replicas <= replicas for step in steps)
    if replicas > 1 or promotion is Promotion.RENAME:
        assert counts(steps)[-1] == (replicas, 1 if promotion is Promotion.ADOPT else 0)


@settings(deadline=None)
@given(asked_steps, st.integers(1, 30), st.integers(1, 8), WITH_STABLE)
def test_swap_never_has_fewer_pods_than_production_had_nor_more_than_surge_allows(
    asked: tuple[StepSpec, ...], replicas: int, surge: int, promotion: Promotion
) -> None:
    for canary, stable in counts(make_steps(asked, replicas, surge, promotion, TIMING)):
        assert replicas <= canary + stable <= max(replicas, 1) + surge


@settings(deadline=None)
@given(asked_steps, st.integers(1, 30), st.integers(1, 8), WITH_STABLE, st.sampled_from(Capacity))
def test_shares_and_canary_pods_only_grow(
    asked: tuple[StepSpec, ...], replicas: int, surge: int, promotion: Promotion, capacity: Capacity
) -> None:
    steps = make_steps(asked, replicas, surge, promotion, TIMING, capacity)
    for before, after in itertools.pairwise(steps):
        assert after.share_percent > before.share_percent
        assert after.canary_replicas >= before.canary_replicas
        assert after.stable_replicas <= before.stable_replicas


@settings(deadline=None)
@given(asked_steps, st.integers(1, 30), WITH_STABLE, st.sampled_from(Capacity))
def test_no_asked_bake_is_ever_cut_short_and_each_fits_its_deadline(
    asked: tuple[StepSpec, ...], replicas: int, promotion: Promotion, capacity: Capacity
) -> None:
    steps = make_steps(asked, replicas, 1, promotion, TIMING, capacity)
    asked_bakes = [TIMING.bake_seconds if step.bake_seconds is None else step.bake_seconds for step in asked]
    assert max(step.bake_seconds for step in steps) >= max(asked_bakes)
    for step in steps:
        assert step.deadline_seconds - step.bake_seconds >= TIMING.waiting_seconds - 1e-6


def test_a_step_has_its_own_times() -> None:
    asked = (StepSpec(20, bake_seconds=5.0), StepSpec(50, deadline_seconds=900.0))
    first, second, last = make_steps(asked, 5, 2, Promotion.RENAME, TIMING)
    assert (first.bake_seconds, first.deadline_seconds) == (5.0, 335.0)
    assert (second.bake_seconds, second.deadline_seconds) == (60.0, 900.0)
    assert (last.bake_seconds, last.deadline_seconds) == (60.0, 390.0)


def test_the_times_of_the_step_with_everybody_can_be_asked_for() -> None:
    steps = make_steps((StepSpec(50), StepSpec(100, bake_seconds=7.0)), 4, 1, Promotion.RENAME, TIMING)
    assert [step.bake_seconds for step in steps] == [60.0, 7.0]


def test_two_steps_that_mean_the_same_pods_become_one_with_the_longer_times() -> None:
    asked = (StepSpec(10, bake_seconds=5.0, deadline_seconds=2000.0), StepSpec(20, bake_seconds=100.0))
    steps = make_steps(asked, 2, 1, Promotion.RENAME, TIMING)
    assert counts(steps) == [(1, 2), (2, 0)]
    assert (steps[0].bake_seconds, steps[0].deadline_seconds) == (100.0, 2095.0)


def test_an_approval_is_kept_where_steps_become_one() -> None:
    asked = (StepSpec(10), StepSpec(20, approval=spec.Approval(60.0, spec.ApprovalDefault.PROMOTE)))
    steps = make_steps(asked, 2, 1, Promotion.RENAME, TIMING)
    assert [step.approval for step in steps] == [Approval(60.0, PauseEnd.GO_ON), None]


def test_a_first_deployment_is_one_step() -> None:
    assert counts(make_steps(None, 3, 0, Promotion.FIRST, TIMING)) == [(3, 0)]


def test_keep_cannot_give_the_canary_more_than_half() -> None:
    asked = (StepSpec(25), StepSpec(75))
    (unreachable,) = unreachable_steps(asked, 9, 3, Capacity.KEEP)
    assert (unreachable.asked_percent, unreachable.nearest_percent) == (75, 50.0)
    assert replicas_needed(75, Capacity.KEEP) is None
    assert replicas_needed(10, Capacity.KEEP) == 7
