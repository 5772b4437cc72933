"""Gates in the machine: each must pass before a step is left, a no ends the rollout, and silence is neither."""

from dataclasses import replace

import msgspec
import pytest

from serinus.cli.exits import Exit, exit_of
from serinus.core.gates import Command, Gate, Job, distinct
from serinus.core.invariants import Rule, check
from serinus.core.plan import Promotion, Timing, all_gates, gates_of, make_steps
from serinus.core.progress import progress_of_answer
from serinus.core.reasons import COULD_NOT_TELL, Outcome, Reason
from serinus.core.spec import Spec, StepSpec
from serinus.core.state import Baking, Evidence, Finished, Leaving, Paused, Promoting, Shifting
from serinus.core.transition import take_turn
from serinus.core.turn import AskGate, GateAnswer, GateJob, Judgement, RemoveJob, Request, StartJob, Verb, Verdict
from tests.core.samples import (
    BAKE_SECONDS,
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

JOURNEYS = Gate("journeys", Command("./journeys.sh"), 30.0)
LOAD = Gate("load", Command("./load.sh"), 60.0)
BARE = plan_of()
STEPS = (
    msgspec.structs.replace(BARE.steps[0], gates=("journeys", "load"), deadline_seconds=170.0),
    *BARE.steps[1:],
)
PLAN = msgspec.structs.replace(BARE, steps=STEPS, gates=(JOURNEYS, LOAD))
HELD = msgspec.structs.replace(PLAN, hold_seconds=600.0)
HOLDS = {"stable": workload(3), "canary": canary(1), "pods": PASS}
BAKING = Baking(0, START, START)
NEXT = Shifting(1, after(10), after(10))
NO = Judgement(Verdict.FAIL, Reason.GATE_FAILED, Evidence("gate load: exit code 1 after 4.2 s", ("output: slow",)))
SILENT = Judgement(Verdict.FAIL, Reason.GATE_UNANSWERED, Evidence("gate load gave no answer within 60 s"))


def said(**answers: Judgement) -> dict[str, object]:
    return {**HOLDS, "gates": tuple(GateAnswer(name, judgement) for name, judgement in answers.items())}


def test_gates_are_asked_once_the_share_holds() -> None:
    after_shift, wishes = take_turn(PLAN, Shifting(0, START, START), facts_at(1, **HOLDS))
    assert isinstance(after_shift, Baking)
    share = PLAN.steps[0].share_percent
    assert wishes == (AskGate("journeys", 0, share), AskGate("load", 0, share))


def test_a_gate_that_has_answered_is_not_asked_again() -> None:
    assert take_turn(PLAN, BAKING, facts_at(1, **said(journeys=PASS)))[1] == (
        AskGate("load", 0, PLAN.steps[0].share_percent),
    )


def test_a_step_with_no_gates_of_its_own_asks_none() -> None:
    facts = facts_at(1, stable=workload(2), canary=canary(2), pods=PASS)
    assert take_turn(PLAN, Baking(1, START, START), facts) == (Baking(1, START, START), ())


@pytest.mark.parametrize("answers", [{}, {"journeys": PASS}, {"journeys": PASS, "load": UNSURE}])
def test_a_step_is_not_left_before_all_its_gates_have_passed(answers: dict[str, Judgement]) -> None:
    assert take_turn(PLAN, BAKING, facts_at(11, **said(**answers)))[0] == BAKING


def test_a_step_whose_gates_have_passed_is_left_after_its_bake() -> None:
    passed = said(journeys=PASS, load=PASS)
    assert take_turn(PLAN, BAKING, facts_at(9, **passed))[0] == BAKING
    assert take_turn(PLAN, BAKING, facts_at(10, **passed))[0] == NEXT


@pytest.mark.parametrize("state", [BAKING, Shifting(0, START, START)])
def test_a_gate_that_says_no_takes_the_canary_back_at_once(state: Baking | Shifting) -> None:
    left, _ = take_turn(PLAN, state, facts_at(1, **said(journeys=PASS, load=NO)))
    assert isinstance(left, Leaving)
    assert (left.reason, left.evidence) == (Reason.GATE_FAILED, NO.evidence)


def test_a_gate_that_says_no_holds_the_rollout_where_that_is_the_policy() -> None:
    held, _ = take_turn(HELD, BAKING, facts_at(1, **said(load=NO)))
    assert isinstance(held, Paused)
    assert held.reason is Reason.GATE_FAILED


def test_a_step_that_waited_for_its_gates_alone_names_them() -> None:
    late = facts_at(170, **said(journeys=PASS))
    left, _ = take_turn(PLAN, BAKING, late)
    assert isinstance(left, Leaving)
    assert left.reason is Reason.GATE_UNANSWERED
    assert left.evidence.sentence == "no answer of gate load by the end of step 1"


def test_a_persons_word_goes_past_silence_but_not_past_a_no() -> None:
    word = Request(Verb.PROMOTE, "anna")
    assert take_turn(PLAN, BAKING, facts_at(10, **HOLDS, request=word))[0] == NEXT
    assert isinstance(take_turn(PLAN, BAKING, facts_at(10, **said(load=NO), request=word))[0], Leaving)


@pytest.mark.parametrize("answers", [{}, {"journeys": PASS}, {"journeys": PASS, "load": UNSURE}, {"load": NO}])
def test_the_rules_forbid_to_go_on_without_a_pass_of_every_gate(answers: dict[str, Judgement]) -> None:
    broken = check(PLAN, BAKING, NEXT, facts_at(10, **said(**answers)), ())
    assert Rule.PASS_ONLY in {breach.rule for breach in broken}
    assert not check(PLAN, BAKING, NEXT, facts_at(10, **said(journeys=PASS, load=PASS)), ())


def test_silence_says_nothing_of_the_version_and_a_no_does() -> None:
    assert Reason.GATE_UNANSWERED in COULD_NOT_TELL
    ends = [
        Finished(START, Outcome.ROLLED_BACK, judgement.reason or Reason.COMPLETE, judgement.evidence, 25.0)
        for judgement in (SILENT, NO)
    ]
    assert [exit_of(end) for end in ends] == [Exit.UNDECIDED, Exit.ROLLED_BACK]


def test_an_answer_is_told_with_its_lines() -> None:
    progress = progress_of_answer(GateAnswer("load", NO), "step 1")
    assert progress.sentence == "step 1: gate load: exit code 1 after 4.2 s"
    assert progress.data == {"gate": "load", "stage": "step 1", "verdict": "fail", "lines": ["output: slow"]}
    assert progress_of_answer(GateAnswer("load", PASS), "step 1").sentence == "step 1: gate load passed"


# Planning


def test_every_step_has_the_gates_of_all_and_its_own_and_time_for_the_longest() -> None:
    timing = Timing(BAKE_SECONDS, READY_SECONDS, 0.0, (JOURNEYS,))
    steps = make_steps((StepSpec(25, gates=(LOAD,)), StepSpec(50)), 4, 1, Promotion.RENAME, timing)
    assert [step.gates for step in steps] == [("journeys", "load"), ("journeys",), ("journeys",)]
    assert [step.deadline_seconds for step in steps] == [170.0, 140.0, 140.0]


def test_steps_that_become_one_have_the_gates_of_both() -> None:
    asked = (StepSpec(25, gates=(LOAD,)), StepSpec(27, gates=(JOURNEYS,)))
    steps = make_steps(asked, 4, 1, Promotion.RENAME, Timing(BAKE_SECONDS, READY_SECONDS))
    assert steps[0].gates == ("load", "journeys")
    assert steps[0].deadline_seconds == BAKE_SECONDS + READY_SECONDS + 60.0


def test_a_first_deployment_has_the_gates_of_every_step_alone() -> None:
    spec = Spec("shop", "checkout", gates=(JOURNEYS,), steps=(StepSpec(25, gates=(LOAD, JOURNEYS)),))
    assert all_gates(spec, Promotion.FIRST) == (JOURNEYS,)
    assert all_gates(spec, Promotion.RENAME) == (JOURNEYS, LOAD)


def test_a_plan_knows_the_gates_of_a_step() -> None:
    assert gates_of(PLAN, 0) == (JOURNEYS, LOAD)
    assert gates_of(PLAN, 1) == ()


def test_a_gate_stands_once_however_often_it_is_named() -> None:
    assert distinct((JOURNEYS, LOAD, JOURNEYS)) == (JOURNEYS, LOAD)


# Jobs

JOB = Gate("load", Job("load:1"), 60.0)
JOB_PLAN = msgspec.structs.replace(PLAN, gates=(JOURNEYS, JOB))
RUNNING = GateJob("serinus-gate-0000aaaa-1-load", "load", 0)
EARLIER = GateJob("serinus-gate-0000aaaa-1-load", "load", 0, Verdict.PASS)


def test_a_gate_that_is_a_job_is_started_once() -> None:
    journeys = AskGate("journeys", 0, PLAN.steps[0].share_percent)
    assert take_turn(JOB_PLAN, BAKING, facts_at(1, **HOLDS))[1] == (journeys, StartJob("load", 0))
    assert take_turn(JOB_PLAN, BAKING, facts_at(1, **HOLDS, jobs=(RUNNING,)))[1] == (journeys,)


def test_a_job_on_its_way_out_is_not_started_anew_until_it_is_gone() -> None:
    going = replace(RUNNING, deleting=True)
    assert StartJob("load", 0) not in take_turn(JOB_PLAN, BAKING, facts_at(1, **HOLDS, jobs=(going,)))[1]


def test_the_job_of_an_earlier_step_goes_before_the_next_bake_begins() -> None:
    shifting = Shifting(1, START, START)
    facts = facts_at(1, stable=workload(2), canary=canary(2), pods=PASS, jobs=(EARLIER,))
    assert take_turn(JOB_PLAN, shifting, facts) == (shifting, (RemoveJob(EARLIER.name),))
    going = replace(EARLIER, deleting=True)
    assert isinstance(take_turn(JOB_PLAN, shifting, replace(facts, jobs=(going,)))[0], Baking)


@pytest.mark.parametrize("state", [Leaving(START, Reason.GATE_FAILED, NO.evidence, 25.0), Promoting(START)])
def test_a_rollout_ends_only_once_its_jobs_are_gone(state: Leaving | Promoting) -> None:
    promoted = {"stable": None, "canary": canary(4), "service_version": "v2"}
    calm = promoted if isinstance(state, Promoting) else {}
    after_turn, wishes = take_turn(JOB_PLAN, state, facts_at(1, **calm, jobs=(RUNNING,)))
    assert after_turn == state
    assert RemoveJob(RUNNING.name) in wishes
    going = facts_at(2, **calm, jobs=(replace(RUNNING, deleting=True),))
    assert take_turn(JOB_PLAN, state, going)[0] == state
    assert isinstance(take_turn(JOB_PLAN, state, facts_at(3, **calm))[0], Finished)


def test_the_rules_forbid_to_leave_a_job_behind() -> None:
    leaving = Leaving(START, Reason.GATE_FAILED, NO.evidence, 25.0)
    ended = Finished(after(1), Outcome.ROLLED_BACK, Reason.GATE_FAILED, NO.evidence, 25.0)
    broken = check(JOB_PLAN, leaving, ended, facts_at(1, jobs=(RUNNING,)), ())
    assert [breach.rule for breach in broken] == [Rule.NOTHING_LEFT]
    assert check(JOB_PLAN, leaving, ended, facts_at(1), ()) == ()
