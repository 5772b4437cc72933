"""What holds of every turn, whatever the state and the facts."""

import random
from dataclasses import replace
from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.core.plan import Approval, AutoscalerRef, Plan, Promotion
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
    Adoption,
    Autoscaler,
    CreateCanary,
    CreateProbe,
    Facts,
    HandTemplate,
    Judgement,
    OrphanCanary,
    PinAutoscaler,
    ProbePod,
    RemoveCanary,
    RemoveStable,
    Request,
    RunSmoke,
    ScaleCanary,
    ScaleStable,
    SizeAdopted,
    Verb,
    Verdict,
    Workload,
)
from tests.core.samples import ABORT, CRASH, NOT_READY, PASS, START, UNSURE, after, plan_of

Situation = tuple[Plan, State, Facts]


def _workload(dice: random.Random, uid: str) -> Workload | None:
    if dice.random() < 0.2:
        return None
    return Workload(
        uid=uid,
        wanted=dice.randrange(6),
        serving=dice.randrange(6),
        pods=dice.randrange(6),
        settled=dice.random() < 0.7,
        paused=dice.random() < 0.5,
        release=dice.choice((None, "v1", "v2")),
        max_surge=dice.choice(("25%", "25%", 1, 4)),
        deleting=dice.random() < 0.2,
    )


def plan_from(dice: random.Random) -> Plan:
    plan = plan_of(
        promotion=dice.choice(list(Promotion)),
        replicas=dice.randrange(1, 5),
        smoke=dice.choice((None, Smoke(http_path="/", timeout_seconds=20.0))),
        autoscaler=dice.choice((None, AutoscalerRef("checkout", 2, None))),
        keep_previous=dice.random() < 0.3,
    )
    approval = Approval(60.0, dice.choice(list(PauseEnd))) if dice.random() < 0.2 else None
    steps = tuple(msgspec.structs.replace(step, approval=approval) for step in plan.steps)
    return msgspec.structs.replace(plan, steps=steps, hold_seconds=60.0 if dice.random() < 0.2 else None)


def facts_from(dice: random.Random) -> Facts:
    """Anything that a turn might see, the impossible included: the machine answers all of it."""
    harm = Judgement(Verdict.FAIL, dice.choice((Reason.VETOED, Reason.STABLE_CHANGED)), Evidence("by someone else"))
    request = Request(dice.choice(list(Verb)), "anna", 60.0, dice.choice(list(PauseEnd)))
    targets = ("checkout", "checkout-v1", "checkout-v2")
    return Facts(
        now=after(dice.randrange(1000)),
        stable=_workload(dice, "uid-stable"),
        canary=_workload(dice, "uid-canary"),
        pods=dice.choice((PASS, PASS, UNSURE, CRASH)),
        not_ready=NOT_READY,
        canary_pods_left=dice.choice((0, 0, 3)),
        service_version=dice.choice((None, "v1", "v2")),
        probe=dice.choice((None, ProbePod(dice.random() < 0.5, dice.random() < 0.3))),
        smoke=dice.choice((None, PASS, PASS, UNSURE, CRASH)),
        autoscaler=dice.choice((None, Autoscaler(dice.random() < 0.7, dice.random() < 0.5, dice.choice(targets)))),
        adoption=dice.choice((None, Adoption(dice.choice((None, "uid-stable", "uid-canary")), dice.random() < 0.5))),
        abort=ABORT if dice.random() < 0.1 else None,
        veto=harm if dice.random() < 0.05 else None,
        foreign=harm if dice.random() < 0.05 else None,
        request=request if dice.random() < 0.15 else None,
    )


def _seen_as_planned(dice: random.Random, plan: Plan, state: State, facts: Facts) -> Facts:
    """Half of the time the step's share holds: chance alone would seldom have it so."""
    if not isinstance(state, Shifting | Baking) or dice.random() < 0.5:
        return facts
    step = plan.steps[state.step]
    return replace(
        facts,
        canary=_sized(facts.canary, "uid-canary", step.canary_replicas),
        stable=_sized(facts.stable, "uid-stable", step.stable_replicas) if plan.stable is not None else None,
    )


def _sized(seen: Workload | None, uid: str, count: int) -> Workload:
    there = seen or Workload(uid, 0, 0, 0, settled=True)
    return replace(there, wanted=count, serving=count, pods=count)


def situation_from(seed: int) -> Situation:
    """A plan, a state that it can be in, and facts since then; the seed brings them back."""
    dice = random.Random(seed)
    plan, facts = plan_from(dice), facts_from(dice)
    entered = facts.now - timedelta(seconds=dice.choice((0, 5, 10, 50, 100, 200, 950)))
    step_entered = entered - timedelta(seconds=dice.randrange(50))
    step = dice.randrange(len(plan.steps))
    states: tuple[State, ...] = (
        Preparing(entered),
        Shifting(step, entered, step_entered, hurried=dice.random() < 0.2),
        Baking(step, entered, step_entered, hurried=dice.random() < 0.2),
        Paused(
            dice.choice((None, step)),
            entered,
            entered + timedelta(seconds=dice.choice((10, 100, 1000))),
            dice.choice(list(PauseEnd)),
            Reason.PAUSE_ENDED,
            Evidence("because"),
        ),
        Promoting(entered),
        Leaving(entered, Reason.CRASH_LOOP, Evidence("because"), 25.0),
        Finished(entered, Outcome.PROMOTED, Reason.COMPLETE, Evidence("because"), 100.0),
    )
    state = dice.choice(states)
    return plan, state, _seen_as_planned(dice, plan, state, facts)


SEEDS = st.integers(0, 2**48)
every_situation = given(SEEDS.map(situation_from))
many = settings(deadline=None, max_examples=800)


@many
@every_situation
def test_a_step_is_left_forwards_only_after_its_bake_and_on_pass_of_every_gate(
    situation: Situation,
) -> None:
    plan, state, facts = situation
    new, _ = take_turn(plan, state, facts)
    if not isinstance(state, Baking) or new == state or isinstance(new, Leaving | Paused):
        return
    if state.hurried or _is_hurried(facts):
        return
    if isinstance(new, Shifting) and new.step == state.step:
        return
    step = plan.steps[state.step]
    assert facts.now - state.held_since >= timedelta(seconds=step.bake_seconds)
    assert facts.pods.verdict is Verdict.PASS
    assert plan.smoke is None or (facts.smoke is not None and facts.smoke.verdict is Verdict.PASS)
    assert facts.canary is not None
    assert facts.canary.serving == step.canary_replicas
    assert isinstance(new, Shifting) is (state.step + 1 < len(plan.steps))


@many
@every_situation
def test_users_are_let_in_only_after_the_smoke_test_before_them(situation: Situation) -> None:
    plan, state, facts = situation
    new, wishes = take_turn(plan, state, facts)
    if not isinstance(state, Preparing):
        return
    passed = (facts.smoke is not None and facts.smoke.verdict is Verdict.PASS) or _is_hurried(facts)
    assert passed or isinstance(new, Preparing | Leaving | Paused)
    assert passed or not any(isinstance(wish, CreateCanary) for wish in wishes)


@many
@every_situation
def test_once_leaving_the_canary_is_never_made_or_grown_nor_promoted(situation: Situation) -> None:
    plan, state, facts = situation
    new, wishes = take_turn(plan, state, facts)
    if not isinstance(new, Leaving):
        return
    forwards = (
        CreateCanary,
        CreateProbe,
        RunSmoke,
        PinAutoscaler,
        HandTemplate,
        OrphanCanary,
        SizeAdopted,
        RemoveStable,
    )
    assert not any(isinstance(wish, forwards) for wish in wishes)
    assert all(wish.replicas < wish.seen for wish in wishes if isinstance(wish, ScaleCanary))
    assert all(wish.replicas == plan.replicas for wish in wishes if isinstance(wish, ScaleStable))


@many
@every_situation
def test_leaving_ends_only_in_an_end_that_is_no_promotion(situation: Situation) -> None:
    plan, state, facts = situation
    new, _ = take_turn(plan, state, facts)
    if isinstance(state, Leaving):
        assert new == state or (isinstance(new, Finished) and new.outcome is not Outcome.PROMOTED)


@many
@every_situation
def test_production_shrinks_only_when_those_who_serve_make_up_for_it(situation: Situation) -> None:
    plan, state, facts = situation
    _, wishes = take_turn(plan, state, facts)
    for wish in wishes:
        if isinstance(wish, ScaleStable) and wish.replicas < min(wish.seen, plan.replicas):
            assert facts.canary is not None
            assert facts.canary.serving + wish.replicas >= plan.replicas
            assert facts.canary.serving > 0


@many
@every_situation
def test_the_canary_shrinks_only_as_production_makes_up_for_it(situation: Situation) -> None:
    plan, state, facts = situation
    new, wishes = take_turn(plan, state, facts)
    if not isinstance(new, Leaving) or facts.canary is None or plan.stable is None:
        return
    stable_serving = facts.stable.serving if facts.stable is not None else 0
    needed = min(facts.canary.serving, facts.canary.wanted, max(0, plan.replicas - stable_serving))
    kept = facts.canary.wanted
    for wish in wishes:
        match wish:
            case ScaleCanary(_, replicas):
                kept = replicas
            case RemoveCanary():
                kept = 0
    assert kept >= needed


@many
@every_situation
def test_the_previous_version_is_removed_only_once_the_label_names_the_new_one(
    situation: Situation,
) -> None:
    plan, state, facts = situation
    _, wishes = take_turn(plan, state, facts)
    if any(isinstance(wish, RemoveStable) for wish in wishes):
        assert facts.service_version == plan.version
        assert facts.canary is not None
        assert not plan.keep_previous


@many
@every_situation
def test_the_canary_is_orphaned_only_when_production_is_paused_with_an_equal_template_and_a_pod_left(
    situation: Situation,
) -> None:
    plan, state, facts = situation
    _, wishes = take_turn(plan, state, facts)
    if any(isinstance(wish, OrphanCanary) for wish in wishes):
        assert facts.stable is not None
        assert facts.adoption is not None
        assert facts.stable.paused
        assert facts.stable.settled
        assert facts.stable.release == plan.release
        assert facts.adoption.templates_equal


@many
@every_situation
def test_an_abort_wins_from_every_state_that_can_still_go_back(situation: Situation) -> None:
    plan, state, facts = situation
    facts = replace(facts, abort=ABORT)
    new, _ = take_turn(plan, state, facts)
    match state:
        case Preparing() | Shifting() | Baking() | Paused():
            assert isinstance(new, Leaving)
            assert new.reason is Reason.ABORT_ASKED
        case Promoting() if _can_go_back(plan, facts):
            assert isinstance(new, Leaving)
            assert new.reason is Reason.ABORT_ASKED
        case Promoting():
            assert not isinstance(new, Leaving)
        case _:
            assert isinstance(new, Leaving | Finished)


def _is_hurried(facts: Facts) -> bool:
    """A person takes it upon themselves."""
    return facts.request is not None and facts.request.verb in (Verb.PROMOTE, Verb.PROMOTE_FULL)


def _can_go_back(plan: Plan, facts: Facts) -> bool:
    if plan.promotion is Promotion.RENAME:
        return facts.stable is not None and not facts.stable.deleting
    if plan.promotion is Promotion.ADOPT:
        if facts.adoption is not None and facts.adoption.owner_uid == "uid-stable":
            return False
        return facts.canary_pods_left == 0 if facts.canary is None else not facts.canary.deleting
    return True


@many
@every_situation
def test_every_state_has_ended_by_its_last_moment(situation: Situation) -> None:
    plan, state, facts = situation
    looks = next_looks(plan, state)
    if not looks:
        return
    new, _ = take_turn(plan, state, replace(facts, now=max(looks)))
    match state, new:
        case Shifting(step) | Baking(step), Shifting(later) | Baking(later):
            assert later > step
        case _:
            assert type(new) is not type(state)


@many
@every_situation
def test_a_turn_that_waits_has_a_moment_to_look_again(situation: Situation) -> None:
    plan, state, facts = situation
    new, wishes = take_turn(plan, state, facts)
    if not isinstance(new, Finished) and not wishes:
        assert any(look > facts.now for look in next_looks(plan, new))


@settings(deadline=None, max_examples=200)
@given(SEEDS)
def test_over_any_stream_of_facts_the_steps_never_go_back_and_the_way_back_never_turns(seed: int) -> None:
    dice = random.Random(seed)
    plan = plan_from(dice)
    state, now, rank = begin(plan, START), START, 0
    for _ in range(60):
        now += timedelta(seconds=dice.randrange(20))
        facts = replace(_seen_as_planned(dice, plan, state, facts_from(dice)), now=now)
        if dice.random() < 0.9:
            facts = replace(facts, pods=PASS, smoke=PASS, abort=None, veto=None, foreign=None)
        state, _ = take_turn(plan, state, facts)
        assert _rank(plan, state) >= rank, state
        rank = _rank(plan, state)
        if isinstance(state, Finished):
            assert take_turn(plan, state, facts) == (state, ())


def _rank(plan: Plan, state: State) -> int:
    match state:
        case Preparing():
            return 0
        case Shifting(step) | Baking(step):
            return 1 + step
        case Paused(paused_at):  # waiting for approval of the last step, it may be put back into that step
            return 0 if paused_at is None else min(1 + paused_at, len(plan.steps))
        case Promoting():
            return 50
        case Leaving():
            return 51
        case Finished():
            return 52


@many
@every_situation
def test_a_pause_changes_nothing_in_the_cluster(situation: Situation) -> None:
    plan, state, facts = situation
    new, wishes = take_turn(plan, state, facts)
    if isinstance(new, Paused):
        assert all(isinstance(wish, PinAutoscaler) for wish in wishes)
