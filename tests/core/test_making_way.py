"""On the way back: when the canary makes way for production's pods, and how far."""

import msgspec
import pytest

from serinus.core.invariants import Rule, check
from serinus.core.plan import PATIENCE_SECONDS, Plan
from serinus.core.reasons import Reason
from serinus.core.state import Evidence, Leaving
from serinus.core.transition import take_turn
from serinus.core.turn import Facts, RemoveCanary, ScaleCanary, Wishes
from tests.core.samples import START, canary, facts_at, plan_of, workload

LEAVING = Leaving(START, Reason.ABORT_ASKED, Evidence("called off"), 25.0)
AT_ONCE, LATER = 0.5, PATIENCE_SECONDS


def plan_that_may_miss(pods: int) -> Plan:
    plan = plan_of()
    assert plan.stable is not None
    return msgspec.structs.replace(plan, stable=msgspec.structs.replace(plan.stable, max_unavailable=pods))


def wishes_in(plan: Plan, facts: Facts) -> Wishes:
    """What is asked for; and no rule is broken by it."""
    after, wishes = take_turn(plan, LEAVING, facts)
    assert check(plan, LEAVING, after, facts, wishes) == ()
    return wishes


def facts(seconds: float, stable_serving: int, canary_serving: int, obstructed: bool = False) -> Facts:
    stable = workload(4, stable_serving, obstructed=obstructed)
    return facts_at(seconds, stable=stable, canary=canary(canary_serving))


def test_while_productions_pods_are_on_their_way_the_canary_stays() -> None:
    assert wishes_in(plan_that_may_miss(1), facts(AT_ONCE, 3, 1)) == ()


def test_it_goes_where_productions_pods_find_no_room_and_one_may_be_missing() -> None:
    assert wishes_in(plan_that_may_miss(1), facts(AT_ONCE, 3, 1, obstructed=True)) == (RemoveCanary(),)


def test_it_goes_where_productions_pods_are_slow_and_one_may_be_missing() -> None:
    assert wishes_in(plan_that_may_miss(1), facts(LATER, 3, 1)) == (RemoveCanary(),)


@pytest.mark.parametrize(("may_miss", "kept"), [(1, 2), (2, 1)])
def test_it_shrinks_no_further_than_what_may_be_missing(may_miss: int, kept: int) -> None:
    assert wishes_in(plan_that_may_miss(may_miss), facts(LATER, 1, 3, obstructed=True)) == (ScaleCanary(3, kept),)


def test_where_no_pod_may_be_missing_it_stays_however_long_it_takes() -> None:
    assert wishes_in(plan_that_may_miss(0), facts(LATER * 10, 3, 1, obstructed=True)) == ()


def test_it_does_not_shrink_before_production_has_been_asked_for_its_full_size() -> None:
    plan = plan_that_may_miss(1)
    _, wishes = take_turn(plan, LEAVING, facts_at(LATER, stable=workload(3), canary=canary(1)))
    assert [type(wish).__name__ for wish in wishes] == ["ScaleStable"]


def test_on_the_way_forwards_no_pod_may_be_missing() -> None:
    plan = plan_that_may_miss(1)
    found = check(
        plan, LEAVING, Leaving(START, Reason.CRASHED, Evidence(""), 0.0), facts(LATER, 2, 1), (RemoveCanary(),)
    )
    assert [breach.rule for breach in found] == [Rule.CAPACITY]
