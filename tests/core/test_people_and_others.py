"""What people say to the machine, and what others do to its objects."""

import msgspec
import pytest

from serinus.core.plan import Approval
from serinus.core.reasons import Outcome, Reason
from serinus.core.state import (
    Baking,
    Evidence,
    Finished,
    Leaving,
    Paused,
    PauseEnd,
    Preparing,
    Promoting,
    Shifting,
    State,
)
from serinus.core.transition import CORRECTIONS_MAX, next_looks, take_turn
from serinus.core.turn import Judgement, Request, Verb, Verdict
from tests.core.samples import ABORT, CRASH, PASS, START, UNSURE, after, canary, facts_at, plan_of, workload

PLAN = plan_of()  # (1, 3), (2, 2), (4, 0)
LAST = len(PLAN.steps) - 1
HOLDS = {"stable": workload(3), "canary": canary(1), "pods": PASS}
BAKING = Baking(0, START, START)
SHIFTING = Shifting(0, START, START)
PAUSED = Paused(0, START, after(600), PauseEnd.REVERT, Reason.PAUSE_ENDED, Evidence("paused by ada"))
VETO = Judgement(Verdict.FAIL, Reason.VETOED, Evidence("a veto"))
FOREIGN = Judgement(Verdict.FAIL, Reason.STABLE_CHANGED, Evidence("argocd"))


def says(verb: Verb, seconds: float = 600.0, end: PauseEnd = PauseEnd.REVERT) -> Request:
    return Request(verb, "ada", seconds, end)


# Pauses


@pytest.mark.parametrize("state", [BAKING, SHIFTING])
@pytest.mark.parametrize("end", list(PauseEnd))
def test_a_pause_holds_the_step_and_has_an_end(state: State, end: PauseEnd) -> None:
    paused, wishes = take_turn(PLAN, state, facts_at(5, **HOLDS, request=says(Verb.PAUSE, 60.0, end)))
    assert isinstance(paused, Paused)
    assert (paused.step, paused.until, paused.end) == (0, after(65), end)
    assert "ada" in paused.evidence.sentence
    assert wishes == ()
    assert next_looks(PLAN, paused) == (after(65),)


def test_a_pause_before_any_user_is_resumed_before_any_user() -> None:
    paused, _ = take_turn(PLAN, Preparing(START), facts_at(5, request=says(Verb.PAUSE)))
    assert isinstance(paused, Paused)
    resumed, _ = take_turn(PLAN, paused, facts_at(9, request=says(Verb.RESUME)))
    assert resumed == Preparing(after(9))


def test_while_paused_time_alone_moves_nothing() -> None:
    assert take_turn(PLAN, PAUSED, facts_at(599, **HOLDS)) == (PAUSED, ())


def test_a_pause_that_nobody_ends_goes_back() -> None:
    left, _ = take_turn(PLAN, PAUSED, facts_at(600, **HOLDS))
    assert isinstance(left, Leaving)
    assert left.reason is Reason.PAUSE_ENDED


def test_a_pause_that_is_to_go_on_by_itself_begins_its_step_again() -> None:
    paused = msgspec.structs.replace(PAUSED, end=PauseEnd.GO_ON)
    assert take_turn(PLAN, paused, facts_at(600, **HOLDS))[0] == Shifting(0, after(600), after(600))


def test_harm_during_a_pause_goes_back_at_once() -> None:
    left, _ = take_turn(PLAN, PAUSED, facts_at(5, **(HOLDS | {"pods": CRASH})))
    assert isinstance(left, Leaving)


def test_a_resumed_step_bakes_from_its_beginning() -> None:
    resumed, _ = take_turn(PLAN, PAUSED, facts_at(30, **HOLDS, request=says(Verb.RESUME)))
    assert resumed == Shifting(0, after(30), after(30))


# Promotion by a person


def test_promote_leaves_a_step_without_the_rest_of_its_bake() -> None:
    state, _ = take_turn(PLAN, BAKING, facts_at(1, **HOLDS, request=says(Verb.PROMOTE)))
    assert state == Shifting(1, after(1), after(1))


def test_promote_does_not_leave_a_step_whose_share_is_not_there_yet() -> None:
    facts = facts_at(1, stable=workload(4), canary=canary(1, 0), pods=UNSURE, request=says(Verb.PROMOTE))
    state, _ = take_turn(PLAN, SHIFTING, facts)
    assert state == msgspec.structs.replace(SHIFTING, hurried=True)


def test_a_hurried_step_goes_on_as_soon_as_its_share_holds() -> None:
    hurried = Baking(0, after(2), START, hurried=True)
    assert take_turn(PLAN, hurried, facts_at(2, **(HOLDS | {"pods": UNSURE})))[0] == Shifting(1, after(2), after(2))


def test_a_person_in_a_hurry_does_not_promote_what_fails() -> None:
    left, _ = take_turn(PLAN, BAKING, facts_at(1, **(HOLDS | {"pods": CRASH}), request=says(Verb.PROMOTE)))
    assert isinstance(left, Leaving)


@pytest.mark.parametrize("state", [Preparing(START), SHIFTING, BAKING, PAUSED])
def test_promote_full_goes_straight_to_the_last_step(state: State) -> None:
    full, _ = take_turn(PLAN, state, facts_at(1, **HOLDS, request=says(Verb.PROMOTE_FULL)))
    assert full == Shifting(LAST, after(1), after(1), hurried=True)


@pytest.mark.parametrize("verb", list(Verb))
def test_nobody_speaks_to_a_rollout_on_its_way_back(verb: Verb) -> None:
    leaving = Leaving(START, Reason.CRASHED, Evidence("it crashed"), 25.0)
    facts = facts_at(1, stable=workload(4, 3), canary=canary(1), request=says(verb))
    assert isinstance(take_turn(PLAN, leaving, facts)[0], Leaving)


def test_abort_is_heard_before_any_other_word() -> None:
    left, _ = take_turn(PLAN, BAKING, facts_at(1, **HOLDS, abort=ABORT, request=says(Verb.PROMOTE_FULL)))
    assert isinstance(left, Leaving)
    assert left.reason is Reason.ABORT_ASKED


# Approvals


def approved_plan(end: PauseEnd) -> object:
    steps = (msgspec.structs.replace(PLAN.steps[0], approval=Approval(300.0, end)), *PLAN.steps[1:])
    return msgspec.structs.replace(PLAN, steps=steps)


@pytest.mark.parametrize(("end", "expected"), [(PauseEnd.REVERT, Leaving), (PauseEnd.GO_ON, Shifting)])
def test_a_step_that_passed_waits_for_its_approval_and_then_does_what_was_declared(
    end: PauseEnd, expected: type
) -> None:
    plan = approved_plan(end)
    baked = PLAN.steps[0].bake_seconds
    waiting, _ = take_turn(plan, BAKING, facts_at(baked, **HOLDS))
    assert isinstance(waiting, Paused)
    assert waiting.step == 1
    assert waiting.until == after(baked + 300)
    done, _ = take_turn(plan, waiting, facts_at(baked + 300, **HOLDS))
    assert isinstance(done, expected)
    if isinstance(done, Leaving):
        assert done.reason is Reason.APPROVAL_REFUSED


@pytest.mark.parametrize("verb", [Verb.PROMOTE, Verb.RESUME])
def test_an_approved_step_goes_on_to_the_next(verb: Verb) -> None:
    plan = approved_plan(PauseEnd.REVERT)
    waiting = Paused(1, START, after(300), PauseEnd.REVERT, Reason.APPROVAL_REFUSED, Evidence("waits"))
    state, _ = take_turn(plan, waiting, facts_at(5, **HOLDS, request=says(verb)))
    assert isinstance(state, Shifting)
    assert state.step == 1


def test_an_approved_last_step_is_promoted() -> None:
    waiting = Paused(LAST + 1, START, after(300), PauseEnd.REVERT, Reason.APPROVAL_REFUSED, Evidence("waits"))
    facts = facts_at(5, stable=workload(0), canary=canary(4), pods=PASS, request=says(Verb.RESUME))
    assert isinstance(take_turn(PLAN, waiting, facts)[0], Promoting)


# Harm that holds


def test_under_hold_harm_pauses_the_rollout_and_a_deadline_takes_it_back() -> None:
    plan = msgspec.structs.replace(PLAN, hold_seconds=120.0)
    held, wishes = take_turn(plan, BAKING, facts_at(3, **(HOLDS | {"pods": CRASH})))
    assert isinstance(held, Paused)
    assert (held.reason, held.until, held.end) == (CRASH.reason, after(123), PauseEnd.REVERT)
    assert wishes == ()
    assert take_turn(plan, held, facts_at(50, **(HOLDS | {"pods": CRASH})))[0] == held
    left, _ = take_turn(plan, held, facts_at(123, **(HOLDS | {"pods": CRASH})))
    assert isinstance(left, Leaving)
    assert left.reason is CRASH.reason


# Others


@pytest.mark.parametrize("state", [Preparing(START), SHIFTING, BAKING, PAUSED])
@pytest.mark.parametrize("spoken", ["veto", "foreign"])
def test_a_veto_or_a_foreign_change_ends_the_rollout_with_its_reason(state: State, spoken: str) -> None:
    grounds = VETO if spoken == "veto" else FOREIGN
    left, _ = take_turn(PLAN, state, facts_at(1, **HOLDS, **{spoken: grounds}))
    assert isinstance(left, Leaving)
    assert left.reason is grounds.reason


def test_a_veto_is_heard_during_the_promotion_while_there_is_a_way_back() -> None:
    facts = facts_at(1, stable=workload(0), canary=canary(4), pods=PASS, veto=VETO)
    assert isinstance(take_turn(PLAN, Promoting(START), facts)[0], Leaving)


def test_sizes_that_someone_else_changes_are_set_right_but_never_in_a_loop() -> None:
    state: State = BAKING
    for number in range(1, CORRECTIONS_MAX + 1):
        state, wishes = take_turn(PLAN, state, facts_at(number, **(HOLDS | {"stable": workload(4)})))
        assert isinstance(state, Shifting)
        assert wishes
        state, _ = take_turn(PLAN, state, facts_at(number, **HOLDS))
        assert isinstance(state, Baking)
        assert state.corrections == number
    facts = facts_at(9, **(HOLDS | {"stable": workload(4)}), last_writer="keda-operator")
    left, _ = take_turn(PLAN, state, facts)
    assert isinstance(left, Leaving)
    assert left.reason is Reason.FOUGHT_OVER
    assert "keda-operator" in left.evidence.sentence


def test_a_pod_that_falls_out_is_no_correction() -> None:
    state, _ = take_turn(PLAN, BAKING, facts_at(1, **(HOLDS | {"canary": canary(1, 0)})))
    assert isinstance(state, Shifting)
    assert state.corrections == 0


def test_a_superseded_rollout_ends_as_such() -> None:
    leaving = Leaving(START, Reason.SUPERSEDED, Evidence("v3 comes"), 25.0)
    state, _ = take_turn(PLAN, leaving, facts_at(1, stable=workload(4), canary=None))
    assert isinstance(state, Finished)
    assert state.outcome is Outcome.SUPERSEDED
