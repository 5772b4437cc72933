"""The machine turn by turn: each state and each fact that matters to it."""

import pytest

from serinus.core.plan import AutoscalerRef, Promotion
from serinus.core.reasons import Outcome, Reason
from serinus.core.spec import Smoke
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
from serinus.core.transition import begin, next_looks, take_turn
from serinus.core.turn import (
    Autoscaler,
    CreateCanary,
    CreateProbe,
    Judgement,
    PinAutoscaler,
    ProbePod,
    RemoveProbe,
    RunSmoke,
    ScaleCanary,
    ScaleStable,
    Verdict,
)
from tests.core.samples import (
    ABORT,
    CRASH,
    NOT_READY,
    PASS,
    READY_SECONDS,
    START,
    UNSURE,
    after,
    canary,
    facts_at,
    plan_of,
    workload,
)

PLAN = plan_of()  # (1, 3), (2, 2), (4, 0)
SMOKE = Smoke(http_path="/healthz", timeout_seconds=20.0)
SMOKED = plan_of(smoke=SMOKE)
SMOKE_FAILED = Judgement(Verdict.FAIL, Reason.SMOKE_FAILED, Evidence("GET /healthz answered 500"))
HOLDS = {"stable": workload(3), "canary": canary(1), "pods": PASS}
BAKING = Baking(0, START, START)


# The start


def test_a_rollout_without_smoke_tests_begins_with_its_first_share() -> None:
    assert begin(PLAN, START) == Shifting(0, START, START)


def test_a_rollout_with_smoke_tests_begins_before_any_user() -> None:
    assert begin(SMOKED, START) == Preparing(START)


def test_a_first_deployment_with_smoke_tests_has_nobody_to_protect_and_begins_at_once() -> None:
    assert begin(plan_of(Promotion.FIRST, smoke=SMOKE), START) == Shifting(0, START, START)


# Preparing


@pytest.mark.parametrize(
    ("facts", "wishes"),
    [
        ({}, (CreateProbe(),)),
        ({"probe": ProbePod(ready=False)}, ()),
        ({"probe": ProbePod(ready=True)}, (RunSmoke("before users", 0.0),)),
        ({"probe": ProbePod(ready=True), "smoke": UNSURE}, ()),
    ],
)
def test_preparing_makes_the_probe_and_then_puts_the_smoke_test(facts: dict[str, object], wishes: object) -> None:
    assert take_turn(SMOKED, Preparing(START), facts_at(5, **facts)) == (Preparing(START), wishes)


def test_a_smoke_test_passed_before_users_opens_the_first_step_and_clears_the_probe() -> None:
    state, wishes = take_turn(SMOKED, Preparing(START), facts_at(5, probe=ProbePod(ready=True), smoke=PASS))
    assert state == Shifting(0, after(5), after(5))
    assert wishes == (RemoveProbe(), CreateCanary(1))


def test_a_smoke_test_failed_before_users_shows_the_new_version_to_nobody() -> None:
    state, wishes = take_turn(SMOKED, Preparing(START), facts_at(5, probe=ProbePod(ready=True), smoke=SMOKE_FAILED))
    assert state == Leaving(after(5), Reason.SMOKE_FAILED, SMOKE_FAILED.evidence, 0.0)
    assert wishes == (RemoveProbe(),)


def test_a_probe_that_is_never_ready_ends_the_preparation() -> None:
    facts = facts_at(READY_SECONDS, probe=ProbePod(ready=False))
    assert take_turn(SMOKED, Preparing(START), facts)[0] == Leaving(
        after(READY_SECONDS), Reason.NEVER_READY, NOT_READY.evidence, 0.0
    )


def test_a_probe_that_was_ready_just_in_time_leaves_the_smoke_test_its_time() -> None:
    facts = facts_at(READY_SECONDS + 10, probe=ProbePod(ready=True))
    assert isinstance(take_turn(SMOKED, Preparing(START), facts)[0], Preparing)


def test_a_smoke_test_that_never_answers_before_users_ends_the_preparation_by_its_own_name() -> None:
    facts = facts_at(READY_SECONDS + 20, probe=ProbePod(ready=True))
    state, _ = take_turn(SMOKED, Preparing(START), facts)
    assert isinstance(state, Leaving)
    assert state.reason is Reason.STEP_TOO_LATE


def test_a_smoke_test_that_answers_as_its_time_runs_out_is_heard() -> None:
    facts = facts_at(READY_SECONDS + 20, probe=ProbePod(ready=True), smoke=PASS)
    assert isinstance(take_turn(SMOKED, Preparing(START), facts)[0], Shifting)


# Shifting


@pytest.mark.parametrize(
    ("facts", "wishes"),
    [
        ({}, (CreateCanary(1),)),
        ({"canary": canary(3, 1)}, (ScaleCanary(3, 1),)),
        ({"canary": canary(1, 0)}, ()),
        ({"canary": canary(1)}, (ScaleStable(4, 3),)),
        ({"canary": canary(1), "stable": workload(3, 4)}, ()),
        ({"canary": canary(1), "stable": workload(2)}, (ScaleStable(2, 3),)),
        ({"canary": canary(1), "probe": ProbePod(ready=True)}, (RemoveProbe(), ScaleStable(4, 3))),
        ({"probe": ProbePod(ready=True, deleting=True)}, (CreateCanary(1),)),
    ],
)
def test_shifting_brings_the_canary_up_first_and_production_down_after(
    facts: dict[str, object], wishes: object
) -> None:
    state = Shifting(0, START, START)
    assert take_turn(PLAN, state, facts_at(5, **facts)) == (state, wishes)


def test_a_share_that_is_seen_to_hold_starts_the_clock_of_its_bake() -> None:
    state, wishes = take_turn(PLAN, Shifting(0, START, START), facts_at(5, **HOLDS))
    assert (state, wishes) == (Baking(0, after(5), START), ())


def test_a_canary_removed_by_hand_while_its_first_pods_start_is_made_again() -> None:
    state, wishes = take_turn(PLAN, Shifting(0, START, START), facts_at(5, stable=workload(3)))
    assert (state, wishes) == (Shifting(0, START, START), (CreateCanary(1),))


def test_a_canary_that_is_removed_again_and_again_ends_the_step_all_the_same() -> None:
    assert isinstance(take_turn(PLAN, Shifting(0, START, START), facts_at(READY_SECONDS))[0], Leaving)


def test_pods_that_are_not_ready_by_the_deadline_end_the_step_with_what_kept_them() -> None:
    state, _ = take_turn(PLAN, Shifting(1, START, START), facts_at(READY_SECONDS, canary=canary(2, 1)))
    assert isinstance(state, Leaving)
    assert (state.reason, state.evidence) == (Reason.NEVER_READY, NOT_READY.evidence)


def test_the_autoscaler_is_held_still_before_any_size_is_changed() -> None:
    plan = plan_of(autoscaler=AutoscalerRef("checkout", 2, None))
    loose = Autoscaler(pinned=False, as_before=True, target="checkout-v1")
    state = Shifting(0, START, START)
    assert take_turn(plan, state, facts_at(5, autoscaler=loose)) == (state, (PinAutoscaler(),))


# Baking


@pytest.mark.parametrize(
    ("seconds", "pods", "state"),
    [
        (9.9, PASS, BAKING),
        (10, UNSURE, BAKING),
        (10, PASS, Shifting(1, after(10), after(10))),
    ],
)
def test_a_step_is_left_forwards_only_after_its_bake_and_on_pass(seconds: float, pods: Judgement, state: State) -> None:
    assert take_turn(PLAN, BAKING, facts_at(seconds, **(HOLDS | {"pods": pods})))[0] == state


@pytest.mark.parametrize("smoke", [None, UNSURE])
def test_a_step_whose_smoke_test_has_not_passed_holds(smoke: Judgement | None) -> None:
    assert take_turn(SMOKED, BAKING, facts_at(50, smoke=smoke, **HOLDS))[0] == BAKING


def test_a_step_asks_for_its_smoke_test_until_it_is_answered() -> None:
    assert take_turn(SMOKED, BAKING, facts_at(5, **HOLDS))[1] == (RunSmoke("step 1", 25.0),)
    assert take_turn(SMOKED, BAKING, facts_at(5, smoke=PASS, **HOLDS))[1] == ()


def test_a_step_whose_smoke_test_never_answers_ends_by_the_deadline_of_the_step() -> None:
    limit = SMOKED.steps[0].deadline_seconds
    assert take_turn(SMOKED, BAKING, facts_at(limit - 0.1, **HOLDS))[0] == BAKING
    state, _ = take_turn(SMOKED, BAKING, facts_at(limit, **HOLDS))
    assert isinstance(state, Leaving)
    assert state.reason is Reason.STEP_TOO_LATE


@pytest.mark.parametrize("lateness_seconds", [0.0, 0.3, 30.0])
def test_a_step_that_was_reached_just_in_time_still_passes_when_its_bake_is_over(lateness_seconds: float) -> None:
    held = after(READY_SECONDS - 0.1)
    facts = facts_at(READY_SECONDS - 0.1 + 10 + lateness_seconds, **HOLDS)
    assert take_turn(PLAN, Baking(0, held, START), facts)[0] == Shifting(1, facts.now, facts.now)


@pytest.mark.parametrize(
    "changed", [{"canary": canary(1, 0)}, {"stable": workload(3, 2)}, {"stable": workload(4)}, {"canary": canary(2)}]
)
def test_a_share_that_no_longer_holds_starts_the_bake_again_but_not_the_step(changed: dict[str, object]) -> None:
    state, _ = take_turn(PLAN, BAKING, facts_at(5, **(HOLDS | changed)))
    assert isinstance(state, Shifting)
    assert (state.step, state.entered, state.step_entered) == (0, after(5), START)


def test_a_share_that_is_lost_and_found_for_ever_ends_by_the_deadline_of_the_step() -> None:
    limit = PLAN.steps[0].deadline_seconds
    for state in (Shifting(0, after(limit - 1), START), Baking(0, after(limit - 1), START)):
        left, _ = take_turn(PLAN, state, facts_at(limit, canary=canary(1, 0), stable=workload(3)))
        assert isinstance(left, Leaving)
        assert left.reason is Reason.STEP_TOO_LATE


PAUSED = Paused(1, START, after(600), PauseEnd.GO_ON, Reason.PAUSE_ENDED, Evidence("paused by anna"))


@pytest.mark.parametrize("state", [BAKING, Baking(1, START, START), Shifting(1, START, START), PAUSED])
def test_a_canary_that_users_had_and_someone_removed_ends_the_rollout(state: State) -> None:
    left, _ = take_turn(PLAN, state, facts_at(5, stable=workload(3)))
    assert isinstance(left, Leaving)
    assert left.reason is Reason.CANARY_GONE


def test_production_that_is_gone_ends_the_rollout() -> None:
    left, _ = take_turn(PLAN, BAKING, facts_at(5, **(HOLDS | {"stable": None})))
    assert isinstance(left, Leaving)
    assert left.reason is Reason.STABLE_GONE


@pytest.mark.parametrize("state", [Preparing(START), Shifting(1, START, START), BAKING])
def test_a_failed_judgement_ends_the_rollout_with_its_evidence(state: State) -> None:
    left, _ = take_turn(SMOKED, state, facts_at(5, **(HOLDS | {"pods": CRASH})))
    assert isinstance(left, Leaving)
    assert (left.reason, left.evidence) == (Reason.CRASH_LOOP, CRASH.evidence)


@pytest.mark.parametrize(
    ("state", "share"),
    [
        (Shifting(0, START, START), 25.0),  # what serves now
        (BAKING, 25.0),
        (Shifting(2, START, START), 50.0),  # the step before
        (Baking(2, START, START), 100.0),
    ],
)
def test_the_share_that_users_were_given_is_remembered(state: State, share: float) -> None:
    left, _ = take_turn(PLAN, state, facts_at(5, abort=ABORT, **HOLDS))
    assert isinstance(left, Leaving)
    assert left.share_percent == share


def test_a_pause_that_is_over_goes_on_though_the_autoscaler_cannot_be_held() -> None:
    plan = plan_of(autoscaler=AutoscalerRef("checkout", 2, None))
    loose = Autoscaler(pinned=False, as_before=True, target="checkout-v1")
    assert take_turn(plan, PAUSED, facts_at(5, autoscaler=loose, **HOLDS)) == (PAUSED, (PinAutoscaler(),))
    assert isinstance(take_turn(plan, PAUSED, facts_at(600, autoscaler=loose, **HOLDS))[0], Shifting)


# Finished, and the clock


def test_a_finished_rollout_moves_no_more() -> None:
    state = Finished(START, Outcome.PROMOTED, Reason.COMPLETE, Evidence(""), 100.0)
    assert take_turn(PLAN, state, facts_at(5, abort=ABORT, pods=CRASH)) == (state, ())
    assert next_looks(PLAN, state) == ()


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        (Preparing(START), [100, 120]),
        (Shifting(0, after(7), START), [107, 130]),
        (Baking(0, after(7), START), [17, 130]),
        (Promoting(START), [600]),
        (Leaving(START, Reason.ABORT_ASKED, Evidence(""), 0.0), [2, 900]),
    ],
)
def test_the_clock_is_looked_at_when_it_may_move_the_rollout(state: State, seconds: list[int]) -> None:
    assert sorted(next_looks(SMOKED, state)) == [after(each) for each in seconds]
