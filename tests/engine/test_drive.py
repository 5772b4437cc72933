"""To the end: asleep between the moments that matter, and resumed by another runner wherever the first one died."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from serinus.core.plan import AutoscalerRef, Plan, Promotion
from serinus.core.pods import Track
from serinus.core.reasons import Outcome, Reason
from serinus.core.spec import Smoke
from serinus.core.state import Evidence, Finished
from serinus.core.turn import Action, Judgement, PinAutoscaler, Verdict
from serinus.engine.cycle import SILENCE_SECONDS_MAX, Memory, take_one_turn
from serinus.engine.drive import RETRY_SECONDS, start
from serinus.engine.observe import ended_at_start
from serinus.ports import LostRace, Trouble
from tests.core.samples import READY_SECONDS, plan_of
from tests.core.test_toy_world import HPA, SMOKE, assert_back, assert_promoted
from tests.core.toy import Health
from tests.engine.support import Bench, bench

KINDS = [
    pytest.param(plan_of(Promotion.RENAME, smoke=SMOKE, autoscaler=AutoscalerRef("checkout", 2, None)), id="rename"),
    pytest.param(plan_of(Promotion.ADOPT, smoke=SMOKE, autoscaler=HPA), id="adopt"),
    pytest.param(plan_of(Promotion.FIRST), id="first"),
]


class Died(Exception):
    """The runner is no more."""


async def promoted(plan: Plan) -> Bench:
    made = bench(plan)
    await made.begin()
    assert (await made.finish()).outcome is Outcome.PROMOTED
    return made


@pytest.mark.parametrize("plan", KINDS)
async def test_a_good_version_is_driven_to_production(plan: Plan) -> None:
    made = await promoted(plan)
    made.toy.tick(30)
    assert_promoted(made.toy)
    saved = made.store.load()
    assert saved is not None
    assert isinstance(saved.record.state, Finished)
    assert [past.outcome for past in saved.record.history] == [Outcome.PROMOTED]


async def test_a_bad_version_is_driven_back() -> None:
    made = bench(plan_of(), Health.CRASHES)
    await made.begin()
    finished = await made.finish()
    assert (finished.outcome, finished.reason) == (Outcome.ROLLED_BACK, Reason.CRASHED)
    made.toy.tick(30)
    assert_back(made.toy)
    assert made.reporter.codes[-1] == "finished"


async def test_sleep_goes_on_until_the_next_deadline_and_there_is_no_busy_loop() -> None:
    made = bench(plan_of(), Health.NEVER_READY)
    await made.begin()
    await made.finish()
    assert made.cluster.waits[0] == READY_SECONDS
    assert min(made.cluster.waits) > 0
    # the canary's pod was made, and then nothing happened until it was taken back
    assert len(made.cluster.waits) < 12


async def test_a_bake_is_slept_through_to_its_end() -> None:
    made = await promoted(plan_of())
    assert made.cluster.waits.count(10.0) == len(made.plan.steps)
    assert len(made.cluster.waits) < 60


async def test_what_was_refused_is_asked_for_again_after_a_second() -> None:
    made = bench(plan_of())
    await made.begin()
    refusals = 3

    def refuse(_: Action) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise Trouble("not now")

    made.cluster.before_act = refuse
    await made.finish()
    assert made.cluster.waits[:3] == [RETRY_SECONDS] * 3


async def test_smoke_tests_are_put_once_a_stage_and_in_order() -> None:
    made = await promoted(plan_of(smoke=SMOKE))
    asked = [(question.stage, question.share_percent) for question in made.gates[-1].questions]
    assert asked == [("before users", 0.0), ("step 1", 25.0), ("step 2", 50.0), ("step 3", 100.0)]


async def test_a_smoke_test_that_fails_at_a_share_takes_the_rollout_back() -> None:
    failed = Judgement(Verdict.FAIL, Reason.SMOKE_FAILED, Evidence("GET / of pod-5 answered 500"))
    made = bench(plan_of(smoke=SMOKE), answers={"step 2": failed})
    await made.begin()
    finished = await made.finish()
    assert (finished.reason, finished.evidence, finished.share_percent) == (Reason.SMOKE_FAILED, failed.evidence, 50.0)


@pytest.mark.parametrize("stage", ["before users", "step 1"])
async def test_a_smoke_test_that_never_answers_is_given_up(stage: str) -> None:
    made = bench(plan_of(smoke=Smoke("/", None, 5.0)), answers={stage: None})
    await made.begin()
    finished = await made.finish()
    assert (finished.outcome, finished.reason) == (Outcome.ROLLED_BACK, Reason.STEP_TOO_LATE)
    assert_back(made.toy)


async def test_a_driver_that_is_cancelled_leaves_no_smoke_test_behind() -> None:
    made = bench(plan_of(smoke=SMOKE), answers={"before users": None})
    await made.begin()
    driving = asyncio.create_task(made.finish())
    await asyncio.sleep(0)  # it has begun, and has its gate
    async with asyncio.timeout(10):
        await made.gates[-1].asked.wait()
    driving.cancel()
    await asyncio.gather(driving, return_exceptions=True)
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


# Runners that die


@pytest.mark.parametrize("plan", KINDS)
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_runner_that_dies_around_any_action_is_resumed_without_repeating_or_losing(
    plan: Plan, moment: str
) -> None:
    undisturbed = (await promoted(plan)).cluster.done
    for index in range(len(undisturbed)):
        made = bench(plan)
        await made.begin()
        _die_at(made, index, moment)
        with pytest.raises(Died):
            await made.finish()
        finished = await made.finish()
        assert finished.outcome is Outcome.PROMOTED, (index, undisturbed[index])
        assert made.cluster.done == undisturbed, (index, undisturbed[index])
        made.toy.tick(30)
        assert_promoted(made.toy)


async def test_only_after_calls_of_another_runner_the_cluster_is_listed_anew_before_the_end() -> None:
    made = bench(plan_of())
    await made.begin()
    _die_at(made, 1, "after")
    with pytest.raises(Died):
        await made.finish()
    assert made.cluster.refreshes == 0
    await made.finish()
    assert made.cluster.refreshes == 2  # as it took over, and before the end
    assert (await promoted(plan_of())).cluster.refreshes == 0


async def test_a_cluster_that_cannot_be_listed_anew_keeps_a_rollout_from_ending() -> None:
    made = bench(plan_of())
    await made.begin()
    _die_at(made, 1, "after")
    with pytest.raises(Died):
        await made.finish()
    made.cluster.refusals = 3
    assert (await made.finish()).outcome is Outcome.PROMOTED
    assert (made.cluster.refreshes, made.cluster.refusals) == (2, 0)


def _die_at(made: Bench, index: int, moment: str) -> None:
    """The next runner dies around its action of this number; those after it live."""
    count = 0

    def die(_: Action) -> None:
        nonlocal count
        count += 1
        if count == index + 1:
            raise Died

    if moment == "before":
        made.cluster.before_act = die
    else:
        made.cluster.after_act = die


@pytest.mark.parametrize("plan", KINDS)
async def test_a_runner_that_dies_before_any_save_is_resumed(plan: Plan) -> None:
    undisturbed = await promoted(plan)
    for index in range(1, undisturbed.store.saves):
        made = bench(plan)
        await made.begin()
        _die_before_save(made, index)
        with pytest.raises(Died):
            await made.finish()
        made.store.before_save = None
        assert (await made.finish()).outcome is Outcome.PROMOTED
        assert made.cluster.done == undisturbed.cluster.done


def _die_before_save(made: Bench, index: int) -> None:
    count = 0

    def die() -> None:
        nonlocal count
        count += 1
        if count == index:
            raise Died

    made.store.before_save = die


async def test_a_new_runner_puts_the_smoke_test_again() -> None:
    made = bench(plan_of(smoke=SMOKE), answers={"before users": None})
    await made.begin()
    driving = asyncio.create_task(made.finish())
    await asyncio.sleep(0)  # it has begun, and has its gate
    async with asyncio.timeout(10):
        await made.gates[-1].asked.wait()
    driving.cancel()
    await asyncio.gather(driving, return_exceptions=True)
    made.answers.clear()
    assert (await made.finish()).outcome is Outcome.PROMOTED
    assert [question.stage for question in made.gates[-1].questions][:2] == ["before users", "step 1"]


async def test_a_runner_that_dies_on_the_way_back_is_resumed() -> None:
    made = bench(plan_of(Promotion.ADOPT, autoscaler=HPA), Health.CRASHES)
    await made.begin()
    undisturbed = bench(made.plan, Health.CRASHES)
    await undisturbed.begin()
    await undisturbed.finish()
    for index in range(len(undisturbed.cluster.done)):
        made = bench(made.plan, Health.CRASHES)
        await made.begin()
        _die_at(made, index, "before")
        with pytest.raises(Died):
            await made.finish()
        assert (await made.finish()).outcome is Outcome.ROLLED_BACK
        made.toy.tick(30)
        assert_back(made.toy)


@pytest.mark.parametrize("plan", KINDS)
async def test_two_runners_at_once_do_no_harm(plan: Plan) -> None:
    made = bench(plan)
    await made.begin()
    ends = await asyncio.gather(made.finish(), made.finish())
    assert {end.outcome for end in ends} == {Outcome.PROMOTED}
    made.toy.tick(30)
    assert_promoted(made.toy)
    assert made.toy.least_serving >= (made.plan.replicas if made.plan.stable is not None else 0)


# The start


async def test_a_start_that_another_run_was_faster_at_is_lost() -> None:
    made = bench(plan_of())
    await made.begin()
    with pytest.raises(LostRace):
        await start(made.runner(), made.plan, None)


async def test_a_new_rollout_keeps_the_history_of_those_before() -> None:
    made = await promoted(plan_of())
    saved = made.store.load()
    again = await start(made.runner(), replace_rollout(made.plan), saved)
    assert [past.rollout for past in again.record.history] == ["0000aaaa"]
    assert again.record.plan.rollout == "0000bbbb"


def test_restarts_of_production_from_before_the_rollout_are_counted() -> None:
    calm = bench(plan_of()).toy.observe()
    tired = replace(calm.pods[0], containers=(replace(calm.pods[0].containers[0], restarts=7),))
    canary = replace(tired, name="new", track=Track.CANARY)
    assert ended_at_start(replace(calm, pods=(tired, canary, *calm.pods[1:]))) == {tired.name: 7}


def replace_rollout(plan: Plan) -> Plan:
    return msgspec.structs.replace(plan, rollout="0000bbbb")


async def test_a_runner_that_stood_still_does_not_end_the_rollout_on_what_it_saw_before() -> None:
    """A canary made by a call that came late is in the news that it has yet to read."""
    made = bench(plan_of(autoscaler=AutoscalerRef("checkout", 2, None)))
    await made.begin()

    def stand_still(action: Action) -> None:
        if isinstance(action, PinAutoscaler):
            made.ask("abort")
            made.cluster.clock.advance(60)

    made.cluster.after_act = stand_still
    await made.finish()
    assert made.cluster.refreshes == 1


async def test_a_runner_that_comes_back_lists_the_cluster_before_it_takes_over() -> None:
    made = bench(plan_of())
    await made.begin()
    memory = Memory()
    first = made.runner()
    await take_one_turn(first, memory)
    assert made.cluster.refreshes == 0  # it began the rollout
    await take_one_turn(made.runner("other"), Memory())
    made.cluster.clock.advance(SILENCE_SECONDS_MAX)
    await take_one_turn(first, memory)
    assert made.cluster.refreshes == 1  # the other's; this one has only begun to watch
    made.cluster.clock.advance(SILENCE_SECONDS_MAX)
    await take_one_turn(first, memory)
    assert made.cluster.refreshes == 2
