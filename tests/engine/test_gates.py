"""Gates as the engine asks them: once by a runner, again by the next, and not beyond the step they are about."""

import msgspec
import pytest

from serinus.core.gates import Command, Gate, Job
from serinus.core.plan import Plan
from serinus.core.reasons import Outcome, Reason
from serinus.core.state import Baking, Evidence
from serinus.core.turn import Judgement, StartJob, Verdict
from serinus.engine.cycle import Memory
from tests.core.samples import plan_of
from tests.core.test_toy_world import assert_back, assert_promoted
from tests.engine.support import Bench, bench

GATE = Gate("journeys", Command("./journeys.sh"), 30.0)
NO = Judgement(Verdict.FAIL, Reason.GATE_FAILED, Evidence("gate journeys: exit code 1"))


def plan_with_gate() -> Plan:
    plan = plan_of()
    steps = tuple(
        msgspec.structs.replace(step, gates=(GATE.name,), deadline_seconds=step.deadline_seconds + 30.0)
        for step in plan.steps
    )
    return msgspec.structs.replace(plan, steps=steps, gates=(GATE,))


async def begun(answer: Judgement | None = None) -> Bench:
    made = bench(plan_with_gate())
    made.gate_answers["journeys"] = answer
    await made.begin()
    return made


async def until_asked(made: Bench, memory: Memory) -> None:
    for _ in range(60):
        if memory.asked.any_put:
            return
        await made.turns(1, memory)
    pytest.fail("the gate was never asked")


async def test_a_gate_that_passes_is_asked_at_every_step_and_the_version_is_promoted() -> None:
    made = await begun(Judgement(Verdict.PASS))
    assert (await made.finish()).outcome is Outcome.PROMOTED
    questions = made.step_gates[-1].questions
    assert [question.step for question in questions] == [0, 1, 2]
    assert [len(question.pods) for question in questions] == [1, 2, 4]
    assert made.reporter.sentences("gate_answered") == [f"step {n}: gate journeys passed" for n in (1, 2, 3)]
    made.toy.tick(30)
    assert_promoted(made.toy)


async def test_a_gate_that_says_no_takes_the_version_back() -> None:
    made = await begun(NO)
    finished = await made.finish()
    assert (finished.outcome, finished.reason) == (Outcome.ROLLED_BACK, Reason.GATE_FAILED)
    assert made.reporter.sentences("gate_answered") == ["step 1: gate journeys: exit code 1"]
    made.toy.tick(30)
    assert_back(made.toy)


async def test_a_gate_that_never_answers_ends_the_step_at_its_deadline() -> None:
    made = await begun(None)
    finished = await made.finish()
    assert (finished.outcome, finished.reason) == (Outcome.ROLLED_BACK, Reason.GATE_UNANSWERED)
    assert made.step_gates[-1].ended == ["journeys"]


async def test_a_gate_is_put_once_however_often_it_is_wished_for() -> None:
    made = await begun(None)
    memory = Memory()
    await until_asked(made, memory)
    await made.turns(8, memory)
    assert len(made.step_gates[0].questions) + sum(len(gate.questions) for gate in made.step_gates[1:]) == 1
    assert made.reporter.codes.count("ask_gate") == 1
    await memory.asked.close()


async def test_another_runner_puts_it_again_and_knows_how_long_the_share_has_held() -> None:
    made = await begun(None)
    memory = Memory()
    await until_asked(made, memory)
    await made.turns(7, memory)
    await memory.asked.close()
    second = Memory()
    await until_asked(made, second)
    asked = [question.held_seconds for gate in made.step_gates for question in gate.questions]
    assert asked == [0.0, 8.0]
    await second.asked.close()


async def test_the_way_back_ends_a_question_that_nobody_waits_for_any_more() -> None:
    made = await begun(None)
    memory = Memory()
    await until_asked(made, memory)
    saved = made.store.load()
    assert saved is not None
    assert isinstance(saved.record.state, Baking)
    made.ask("abort")
    await made.turns(3, memory)
    assert [name for gate in made.step_gates for name in gate.ended] == ["journeys"]
    assert not memory.asked.any_put


# Jobs


async def begun_with_job(verdict: Verdict | None) -> Bench:
    plan = msgspec.structs.replace(plan_with_gate(), gates=(Gate("journeys", Job("journeys:1"), 30.0),))
    made = bench(plan)
    made.toy.job_verdict = verdict
    await made.begin()
    return made


async def test_a_job_of_each_step_is_made_and_removed() -> None:
    made = await begun_with_job(Verdict.PASS)
    assert (await made.finish()).outcome is Outcome.PROMOTED
    started = [action.step for action in made.cluster.done if isinstance(action, StartJob)]
    assert started == [0, 1, 2]
    assert made.toy.jobs == {}
    assert len(made.reporter.sentences("gate_answered")) == 3


async def test_a_job_that_fails_takes_the_version_back_with_the_end_of_its_log_and_goes() -> None:
    made = await begun_with_job(Verdict.FAIL)
    finished = await made.finish()
    assert (finished.outcome, finished.reason) == (Outcome.ROLLED_BACK, Reason.GATE_FAILED)
    assert finished.evidence.lines == ("log: listening", "log: boom")
    assert made.toy.jobs == {}


async def test_a_job_that_never_ends_ends_the_step_at_its_deadline_and_goes() -> None:
    made = await begun_with_job(None)
    finished = await made.finish()
    assert (finished.outcome, finished.reason) == (Outcome.ROLLED_BACK, Reason.GATE_UNANSWERED)
    assert made.toy.jobs == {}


async def test_another_runner_finds_the_job_of_the_one_that_died() -> None:
    made = await begun_with_job(Verdict.PASS)
    made.toy.job_seconds = 20.0
    memory = Memory()
    for _ in range(60):
        await made.turns(1, memory)
        if made.toy.jobs:
            break
    assert (await made.finish()).outcome is Outcome.PROMOTED
    assert [action.step for action in made.cluster.done if isinstance(action, StartJob)] == [0, 1, 2]
