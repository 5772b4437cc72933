"""The ten rules as checks: each is shown one turn that breaks it, and what the guard does instead."""

import pytest

from serinus.core.guard import guarded_turn, instead
from serinus.core.invariants import Breach, Rule, check
from serinus.core.plan import AutoscalerRef, Plan, Promotion
from serinus.core.reasons import Outcome, Reason
from serinus.core.spec import Smoke
from serinus.core.state import Baking, Evidence, Finished, Leaving, Promoting, Shifting, State
from serinus.core.transition import take_turn
from serinus.core.turn import (
    Adoption,
    Autoscaler,
    CreateCanary,
    Facts,
    HandTemplate,
    OrphanCanary,
    ProbePod,
    RemoveCanary,
    RemoveProbe,
    RemoveStable,
    ScaleCanary,
    ScaleStable,
    Wishes,
)
from serinus.core.watcher import EXCUSE_SECONDS, Watcher
from tests.core.samples import ABORT, CRASH, PASS, START, UNSURE, after, canary, facts_at, plan_of, workload

PLAN = plan_of()  # (1, 3), (2, 2), (4, 0)
ADOPT = plan_of(Promotion.ADOPT)
SMOKED = plan_of(smoke=Smoke(http_path="/healthz", timeout_seconds=20.0))
PINNED = plan_of(autoscaler=AutoscalerRef("checkout", 2, None))
HOLDS = {"stable": workload(3), "canary": canary(1), "pods": PASS}
BAKING = Baking(0, START, START)
NEXT = Shifting(1, after(10), after(10))
LEAVING = Leaving(START, Reason.CRASHED, Evidence("it crashed"), 25.0)
BACK = Finished(after(9), Outcome.ROLLED_BACK, Reason.CRASHED, Evidence("it crashed"), 25.0)
DONE = Finished(after(9), Outcome.PROMOTED, Reason.COMPLETE, Evidence("done"), 100.0)
READY = {"stable": workload(1), "canary": canary(4), "pods": PASS}
PAUSED = READY | {"stable": workload(1, paused=True, release="v2"), "adoption": Adoption(None, templates_equal=True)}

BROKEN: list[tuple[Rule, Plan, State, State, Facts, Wishes]] = [
    (Rule.CAPACITY, PLAN, BAKING, NEXT, facts_at(10, **(HOLDS | {"canary": canary(1, 0)})), (ScaleStable(3, 2),)),
    (Rule.CAPACITY, PLAN, LEAVING, LEAVING, facts_at(1, **HOLDS), (RemoveCanary(),)),
    (Rule.CAPACITY, PLAN, Promoting(START), Promoting(START), facts_at(1, **READY), (HandTemplate(), OrphanCanary())),
    (
        Rule.CAPACITY,
        PLAN,
        Promoting(START),
        Promoting(START),
        facts_at(1, stable=workload(0), canary=canary(4, 3)),
        (RemoveStable(),),
    ),
    (
        Rule.CAPACITY,
        ADOPT,
        Promoting(START),
        Promoting(START),
        facts_at(1, **(PAUSED | {"stable": workload(0, paused=True)})),
        (OrphanCanary(),),
    ),
    (Rule.SHARE, PLAN, Shifting(0, START, START), Shifting(0, START, START), facts_at(1), (CreateCanary(2),)),
    (Rule.SHARE, PLAN, NEXT, NEXT, facts_at(11, stable=workload(4), canary=canary(2, 1)), (ScaleStable(4, 3),)),
    (Rule.BAKE, PLAN, BAKING, NEXT, facts_at(9, **HOLDS), ()),
    (Rule.BAKE, PLAN, Shifting(0, START, START), NEXT, facts_at(10, **HOLDS), ()),
    (Rule.PASS_ONLY, PLAN, BAKING, NEXT, facts_at(10, **(HOLDS | {"pods": UNSURE})), ()),
    (Rule.PASS_ONLY, PLAN, BAKING, NEXT, facts_at(10, **(HOLDS | {"pods": CRASH})), ()),
    (Rule.PASS_ONLY, SMOKED, BAKING, NEXT, facts_at(10, **HOLDS), ()),
    (Rule.ABORT_WINS, PLAN, BAKING, BAKING, facts_at(1, **HOLDS, abort=ABORT), ()),
    (Rule.ABORT_WINS, PLAN, Promoting(START), Promoting(START), facts_at(1, **READY, abort=ABORT), ()),
    (Rule.ONLY_BACK, PLAN, LEAVING, LEAVING, facts_at(1, **HOLDS), (ScaleCanary(1, 2),)),
    (Rule.ONLY_BACK, PLAN, LEAVING, BAKING, facts_at(1, **HOLDS), ()),
    (Rule.ENDS, PLAN, Promoting(START), Promoting(START), facts_at(600, **READY), ()),
    (Rule.ENDS, PLAN, LEAVING, LEAVING, facts_at(900), ()),
    (Rule.RESTORED, ADOPT, LEAVING, BACK, facts_at(9, stable=workload(4, paused=True)), ()),
    (Rule.RESTORED, PLAN, LEAVING, BACK, facts_at(9, service_version="v2"), ()),
    (Rule.RESTORED, PINNED, LEAVING, BACK, facts_at(9, autoscaler=Autoscaler(True, False, "checkout-v1")), ()),
    (Rule.NOTHING_LEFT, PLAN, LEAVING, BACK, facts_at(9, canary_pods_left=1), ()),
    (Rule.NOTHING_LEFT, PLAN, LEAVING, BACK, facts_at(9, probe=ProbePod(ready=True)), ()),
    (Rule.NOTHING_LEFT, PLAN, Promoting(START), DONE, facts_at(9, stable=workload(0), canary=canary(4)), ()),
]


@pytest.mark.parametrize(("rule", "plan", "before", "state", "facts", "wishes"), BROKEN)
def test_a_turn_that_breaks_a_rule_is_named(
    rule: Rule, plan: Plan, before: State, state: State, facts: Facts, wishes: Wishes
) -> None:
    assert rule in {breach.rule for breach in check(plan, before, state, facts, wishes)}


@pytest.mark.parametrize(("rule", "plan", "before", "state", "facts", "wishes"), BROKEN)
def test_the_machine_itself_breaks_none_of_them(
    rule: Rule, plan: Plan, before: State, state: State, facts: Facts, wishes: Wishes
) -> None:
    assert guarded_turn(plan, before, facts) == (take_turn(plan, before, facts), ())


def test_a_broken_rule_takes_the_rollout_back_with_the_breach_as_evidence() -> None:
    broken = (Breach(Rule.CAPACITY, "one pod too few"),)
    state, wishes = instead(PLAN, BAKING, NEXT, facts_at(10, **HOLDS), broken)
    assert isinstance(state, Leaving)
    assert state.reason is Reason.BROKEN_RULE
    assert state.evidence.lines == ("rule 1: one pod too few",)
    assert wishes == (ScaleStable(3, 4),)


def test_a_broken_rule_past_the_return_of_a_promotion_only_waits() -> None:
    facts = facts_at(1, stable=None, canary=canary(4), pods=PASS)
    turn = instead(PLAN, Promoting(START), DONE, facts, (Breach(Rule.CAPACITY, "x"),))
    assert turn == (DONE, ())


# What the simulator found


def test_a_smoke_test_pod_that_came_late_is_removed_before_a_promotion_completes() -> None:
    facts = facts_at(1, stable=None, canary=canary(4), service_version="v2", pods=PASS, probe=ProbePod(ready=True))
    assert take_turn(PLAN, Promoting(START), facts) == (Promoting(START), (RemoveProbe(),))


def test_production_scaled_to_nothing_by_someone_is_brought_back_before_it_adopts() -> None:
    facts = facts_at(1, **(PAUSED | {"stable": workload(0, paused=True, release="v2")}))
    assert take_turn(ADOPT, Promoting(START), facts) == (Promoting(START), (ScaleStable(0, 1),))


def test_a_canary_already_adopted_that_an_old_copy_still_shows_is_not_taken_back() -> None:
    facts = facts_at(1, **(PAUSED | {"adoption": Adoption("uid-stable", templates_equal=True)}), abort=ABORT)
    assert take_turn(ADOPT, Promoting(START), facts) == (Promoting(START), ())


def test_the_previous_version_stays_until_the_new_one_is_all_ready() -> None:
    facts = facts_at(1, stable=workload(0), canary=canary(4, 3), service_version="v2", pods=PASS)
    assert take_turn(PLAN, Promoting(START), facts) == (Promoting(START), ())


def test_on_the_way_back_pods_beyond_what_production_wants_are_not_counted_on() -> None:
    facts = facts_at(1, stable=workload(2, 4), canary=canary(2))
    assert take_turn(PLAN, LEAVING, facts)[1] == (ScaleStable(2, 4),)


def test_on_the_way_back_a_canary_not_known_to_be_idle_is_kept_until_production_is_whole() -> None:
    facts = facts_at(1, stable=workload(4, 3), canary=canary(1, 0, serving_at_most=1))
    assert take_turn(PLAN, LEAVING, facts) == (LEAVING, ())


def test_the_end_waits_for_calls_that_may_still_be_on_their_way() -> None:
    assert take_turn(PLAN, LEAVING, facts_at(1, calls_pending=True)) == (LEAVING, ())
    assert isinstance(take_turn(PLAN, LEAVING, facts_at(1))[0], Finished)


def test_a_canary_that_someone_made_larger_keeps_its_pods_while_production_is_short() -> None:
    facts = facts_at(1, stable=workload(3, 2), canary=canary(3), pods=PASS)
    assert take_turn(PLAN, BAKING, facts)[1] == ()


# Over time


def test_capacity_that_others_took_is_excused_and_what_is_missing_beyond_it_is_not() -> None:
    watcher = Watcher(PLAN)
    watcher.taken(1.0, 1)
    watcher.serving(1.0, 3)
    assert watcher.breaches == []
    watcher.serving(2.0, 2)
    assert [breach.rule for breach in watcher.breaches] == [Rule.CAPACITY]


def test_an_excuse_ends_some_time_after_the_loss_was_made_good() -> None:
    watcher = Watcher(PLAN)
    watcher.taken(1.0, 1)
    watcher.serving(1.0 + EXCUSE_SECONDS, 4)
    watcher.serving(2.0 + EXCUSE_SECONDS, 3)
    assert len(watcher.breaches) == 1


def test_two_runners_that_act_on_one_saved_state_break_a_rule() -> None:
    watcher = Watcher(PLAN)
    watcher.acted("a", "7")
    watcher.acted("a", "7")
    watcher.acted("b", "8")
    assert watcher.breaches == []
    watcher.acted("b", "7")
    assert [breach.rule for breach in watcher.breaches] == [Rule.ONE_ACTS]
